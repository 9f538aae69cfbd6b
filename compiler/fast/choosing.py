"""`choose` and `decoys` of lists that hold a few known texts, or few texts (stock.py): masks of items instead of lists.

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

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import polars as pl

from cxrspec.compiler.bodies import Context, draw_of_list, unit
from cxrspec.compiler.fast.known import Known, items_of
from cxrspec.compiler.fast.places import LAST, MOST, Keep, bit_at, by_draw, in_order, numbers_in
from cxrspec.compiler.fast.spread import Spread
from cxrspec.compiler.fast.stock import Stock, of_row, of_texts
from cxrspec.compiler.typed import Apply, Const, Draw, Typed
from cxrspec.compiler.types import INT, TEXT, ListOf, present


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
    """`chance`, and `choose` or `decoys` of lists that can hold a few known texts, or few; None for all other draws.

    Its columns have this `prefix`.
    """
    if e.function == "chance":
        return unit(turn.draw_at(e.site)) < turn.lower(e.arguments[0])
    lists = [one for one in e.arguments if isinstance(present(one.type), ListOf)]
    held = [items_of(one, turn.known) for one in lists]
    texts = tuple(dict.fromkeys(text for one in held if one is not None for text in one.texts))

    def keep(name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        return turn.keep_all(f"{prefix}.{name}", *values, again=again)

    if None in held or not 0 < len(texts) <= MOST:
        return _of_row(e, lists, keep, turn)
    masks = [turn.mask(one, texts) for one in lists]
    draw = turn.draw_at(e.site)
    count = e.arguments[-1]
    few = turn.longest(lists[0]) or len(texts)
    stock = of_texts(texts)
    if e.function == "decoys":
        return decoys(stock, masks[0], masks[1], _plain(count), draw, keep, few)
    if count in lists:
        return first(stock, masks[0], draw, keep)
    length = pl.min_horizontal(turn.lower(count).clip(0), masks[0].bitwise_count_ones())
    if few <= len(texts) // 2:
        items = numbers_in("items", masks[0], keep, few, turn.again(lists[0]))
        return _as_long(stock, some_by_draw("some", stock, items, draw, keep), length)
    most = turn.longest(count.arguments[0]) if isinstance(count, Apply) and count.operator == "size" else None
    return _as_long(stock, by_draw("some", stock.odds, draw, keep, masks[0], most or len(texts)), length)


def _of_row(e: Draw, lists: list[Typed], keep: Keep, turn: Turn) -> pl.Expr | Spread | None:
    """The same of lists that hold whatever texts, but few. Of `choose` only one item, or all."""
    sizes = [size for one in lists if one.type == ListOf(TEXT) and (size := turn.longest(one)) is not None]
    everything = e.function == "choose" and e.arguments[1:] == (Apply("size", (lists[0],), INT),)
    if len(sizes) < len(lists) or not 0 < sum(sizes) <= MOST or not (len(e.arguments) != 2 or everything):
        return None
    again = turn.again(*lists)
    stock, masks = of_row([turn.lower(one) for one in lists], sizes, keep, again, distinct=not everything)
    draw = turn.draw_at(e.site)
    if e.function == "decoys":
        return decoys(stock, masks[0], masks[1], _plain(e.arguments[-1]), draw, keep, sizes[0])
    if everything:
        length = masks[0].bitwise_count_ones()
        return _as_long(stock, by_draw("some", stock.odds, draw, keep, masks[0]), length)
    return first(stock, masks[0], draw, keep)


def first(stock: Stock, mask: pl.Expr, draw: pl.Expr, keep: Keep) -> pl.Expr:
    """The first text in drawn order; null if there is none."""
    (number,) = by_draw("first", stock.odds, draw, keep, mask, 1)
    return pl.when(mask > 0).then(stock.text(number))


def some_by_draw(name: str, stock: Stock, numbers: Sequence[pl.Expr], draw: pl.Expr, keep: Keep) -> list[pl.Expr]:
    """A few texts, named by their numbers (null: none), in drawn order: their numbers, a column a place."""
    draws = [(stock.odd(one) * draw).fill_null(LAST) for one in numbers]
    return in_order(name, draws, numbers, len(stock.odds), keep)


def decoys(stock: Stock, truth: pl.Expr, others: pl.Expr, count: int, draw: pl.Expr, keep: Keep, most: int) -> Spread:
    """Lists as long as `truth`, of which only the first `most` items are right. See `bodies.decoys`."""
    size = len(stock.odds)
    others, length = keep("masks", others & ~truth, truth.bitwise_count_ones().cast(pl.Int64))
    anchors = by_draw("anchor", stock.odds, draw, keep, others, count)
    anchors = keep("anchored", *(pl.when(others.bitwise_count_ones() > i).then(one) for i, one in enumerate(anchors)))
    free = others
    for one in anchors:
        free = free & ~bit_at(one, size).fill_null(0)
    (pool,) = keep("pool", truth | free)
    sets: list[Spread] = []
    for i, anchor in enumerate(anchors):
        draws = keep(f"draws{i}", draw_of_list(draw, i, "items"), draw_of_list(draw, i, "order"))
        taken = by_draw(f"rest{i}", stock.odds, draws[0], keep, pool, most - 1) if most > 1 else []
        chosen = [anchor, *(pl.when(length - 1 > place).then(number) for place, number in enumerate(taken))]
        numbers = some_by_draw(f"set{i}", stock, chosen, draws[1], keep)
        there = anchor.is_not_null() & (length > 0)
        sets.append(replace(_as_long(stock, numbers, length), there=there))
    return Spread(tuple(sets))


def _as_long(stock: Stock, numbers: list[pl.Expr], length: pl.Expr) -> Spread:
    """The texts with these numbers, as far as the list is long."""
    return stock.them(pl.when(length > place).then(one) for place, one in enumerate(numbers))


def _plain(e: Typed) -> int:
    assert isinstance(e, Const)
    assert isinstance(e.value, int)
    return e.value
