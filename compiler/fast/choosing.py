"""`choose` and `decoys` of lists whose items are known beforehand: masks of items instead of lists.

before    lists that are drawn from row by row

    anchors = without(others, truth).list.gather(order)
    pool = truth.list.concat(anchors.list.slice(3))
    rest = pool.list.gather(order).list.head(truth.list.len() - 1)

after     a bit for each text that a list can hold, and the number of the text at each place

    anchor0, anchor1, anchor2 = by_draw(texts, draw, mask_of(others) & ~mask_of(truth))
    pool = mask_of(truth) | mask_of(others) & ~bit_at(anchor0) & ~bit_at(anchor1) & ~bit_at(anchor2)

What is made is no list either, but a column for each place (`Spread`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import polars as pl

from cxrspec.compiler.bodies import Context, draw_of_list, unit
from cxrspec.compiler.fast.known import Known, items_of
from cxrspec.compiler.fast.places import MOST, Keep, bit_at, by_draw, gathered, numbers_in, some_by_draw
from cxrspec.compiler.fast.spread import Spread, of_known
from cxrspec.compiler.typed import Apply, Const, Draw, Typed
from cxrspec.compiler.types import ListOf, present


class Turn(Protocol):
    """What is asked of the turn that draws."""

    context: Context
    known: Known

    def lower(self, e: Typed) -> pl.Expr:
        """The Polars expression of an expression."""
        ...

    def draw_at(self, site: str) -> pl.Expr:
        """The turn's draw at a site."""
        ...

    def mask(self, items: Typed, texts: tuple[str, ...]) -> pl.Expr:
        """Which of these texts a list holds."""
        ...

    def keep_all(self, name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        """Keeps values in columns of their own; `again`, it is those that the form's first turn has kept."""
        ...

    def again(self, *made_of: Typed | None) -> bool:
        """Whether the first turn of the form has made what is made of these."""
        ...

    def longest(self, items: Typed) -> int | None:
        """How many items a list holds at most where the form applies, as far as that is known."""
        ...


def drawn(e: Draw, prefix: str, turn: Turn) -> pl.Expr | Spread | None:
    """`chance`, and `choose` or `decoys` of lists that can hold a few known texts; None for all other draws.

    Its columns have this `prefix`.
    """
    if e.function == "chance":
        return unit(turn.draw_at(e.site)) < turn.lower(e.arguments[0])
    lists = [one for one in e.arguments if isinstance(present(one.type), ListOf)]
    held = [items_of(one, turn.known) for one in lists]
    texts = tuple(dict.fromkeys(text for one in held if one is not None for text in one.texts))
    if None in held or not 0 < len(texts) <= MOST:
        return None

    def keep(name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        return turn.keep_all(f"{prefix}.{name}", *values, again=again)

    masks = [turn.mask(one, texts) for one in lists]
    draw = turn.draw_at(e.site)
    count = e.arguments[-1]
    few = turn.longest(lists[0]) or len(texts)
    if e.function == "decoys":
        assert isinstance(count, Const)
        assert isinstance(count.value, int)
        return decoys(texts, masks[0], masks[1], count.value, draw, keep, few)
    if count in lists:
        return first(texts, masks[0], draw, keep)
    length = pl.min_horizontal(turn.lower(count).clip(0), masks[0].bitwise_count_ones())
    if few <= len(texts) // 2:
        items = numbers_in("items", masks[0], keep, few, turn.again(lists[0]))
        return _texts(texts, some_by_draw("some", texts, items, draw, keep), length)
    most = turn.longest(count.arguments[0]) if isinstance(count, Apply) and count.operator == "size" else None
    return _texts(texts, by_draw("some", texts, draw, keep, masks[0], most or len(texts)), length)


def first(texts: tuple[str, ...], mask: pl.Expr, draw: pl.Expr, keep: Keep) -> pl.Expr:
    """The first text in drawn order; null if there is none."""
    (number,) = by_draw("first", texts, draw, keep, mask, 1)
    return pl.when(mask > 0).then(gathered(texts, pl.String, number))


def decoys(
    texts: tuple[str, ...], truth: pl.Expr, others: pl.Expr, count: int, draw: pl.Expr, keep: Keep, most: int
) -> Spread:
    """Lists as long as `truth`, of which only the first `most` items are right. See `bodies.decoys`."""
    others, length = keep("masks", others & ~truth, truth.bitwise_count_ones().cast(pl.Int64))
    anchors = by_draw("anchor", texts, draw, keep, others, count)
    anchors = keep("anchored", *(pl.when(others.bitwise_count_ones() > i).then(one) for i, one in enumerate(anchors)))
    free = others
    for one in anchors:
        free = free & ~bit_at(one, texts).fill_null(0)
    (pool,) = keep("pool", truth | free)
    sets: list[Spread] = []
    for i, anchor in enumerate(anchors):
        draws = keep(f"draws{i}", draw_of_list(draw, i, "items"), draw_of_list(draw, i, "order"))
        taken = by_draw(f"rest{i}", texts, draws[0], keep, pool, most - 1) if most > 1 else []
        chosen = [anchor, *(pl.when(length - 1 > place).then(number) for place, number in enumerate(taken))]
        numbers = some_by_draw(f"set{i}", texts, chosen, draws[1], keep)
        there = anchor.is_not_null() & (length > 0)
        sets.append(replace(_texts(texts, numbers, length), there=there))
    return Spread(tuple(sets))


def _texts(texts: tuple[str, ...], numbers: list[pl.Expr], length: pl.Expr) -> Spread:
    """The texts with these numbers, as far as the list is long."""
    return of_known(texts, (pl.when(length > place).then(one) for place, one in enumerate(numbers)))
