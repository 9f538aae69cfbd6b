"""`choose` and `decoys` of lists whose items are known beforehand: masks of items instead of lists.

before    lists that are drawn from row by row

    anchors = without(others, truth).list.gather(order)
    pool = truth.list.concat(anchors.list.slice(3))
    rest = pool.list.gather(order).list.head(truth.list.len() - 1)

after     a bit for each text that a list can hold, and the number of the text at each place

    anchor0, anchor1, anchor2 = by_draw(texts, draw, mask_of(others) & ~mask_of(truth))
    pool = mask_of(truth) | mask_of(others) & ~bit_at(anchor0) & ~bit_at(anchor1) & ~bit_at(anchor2)
"""

from __future__ import annotations

from typing import Protocol

import polars as pl

from cxrspec.compiler.bodies import Context, draw, ends_of, list_of, there
from cxrspec.compiler.fast.known import Known, items_of
from cxrspec.compiler.fast.places import MOST, Keep, bit_at, by_draw, gathered, mask_of
from cxrspec.compiler.typed import Apply, Const, Draw, Typed
from cxrspec.compiler.types import ListOf, present


class Turn(Protocol):
    """What is asked of the turn that draws."""

    context: Context
    known: Known

    def lower(self, e: Typed) -> pl.Expr:
        """The Polars expression of an expression."""
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


def drawn(e: Draw, prefix: str, turn: Turn) -> pl.Expr | None:
    """`choose` or `decoys` of lists that can hold a few known texts; None for all other draws. Its columns have this `prefix`."""
    lists = [one for one in e.arguments if isinstance(present(one.type), ListOf)]
    held = [items_of(one, turn.known) for one in lists]
    texts = tuple(dict.fromkeys(text for one in held if one is not None for text in one.texts))
    if None in held or not 0 < len(texts) <= MOST:
        return None

    def keep(name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        return turn.keep_all(f"{prefix}.{name}", *values, again=again)

    masks = [keep(f"mask{i}", mask_of(turn.lower(one), texts), again=turn.again(one))[0] for i, one in enumerate(lists)]
    count = e.arguments[-1]
    ends = (
        ends_of(count.value)
        if e.function == "decoys" and isinstance(count, Const) and isinstance(count.value, int)
        else [""]
    )
    draws = keep("draws", *(draw(turn.context, e.site + end) for end in ends))
    if e.function == "decoys":
        return decoys(texts, masks[0], masks[1], draws, keep, turn.longest(lists[0]) or len(texts))
    if count in lists:
        return first(texts, masks[0], draws[0], keep)
    longest = turn.longest(count.arguments[0]) if isinstance(count, Apply) and count.operator == "size" else None
    return some(texts, masks[0], turn.lower(count), draws[0], keep, longest or len(texts))


def first(texts: tuple[str, ...], mask: pl.Expr, draw: pl.Expr, keep: Keep) -> pl.Expr:
    """The first text in drawn order; null if there is none."""
    (number,) = by_draw("first", texts, draw, keep, mask, 1)
    return pl.when(mask > 0).then(gathered(texts, pl.String, number))


def some(texts: tuple[str, ...], mask: pl.Expr, count: pl.Expr, draw: pl.Expr, keep: Keep, most: int) -> pl.Expr:
    """The first `count` texts in drawn order, as a list; no more than `most`."""
    numbers = by_draw("some", texts, draw, keep, mask, most)
    return _list(texts, numbers, pl.min_horizontal(count.clip(0), mask.bitwise_count_ones()))


def decoys(
    texts: tuple[str, ...], truth: pl.Expr, others: pl.Expr, draws: list[pl.Expr], keep: Keep, most: int
) -> pl.Expr:
    """Lists as long as `truth`, of which only the first `most` items are right. See `bodies.decoys`.

    The draws are that of the anchors, and for each list that of its items and that of their order.
    """
    others, length = keep("masks", others & ~truth, truth.bitwise_count_ones().cast(pl.Int64))
    count = len(draws) // 2
    anchors = by_draw("anchor", texts, draws[0], keep, others, count)
    held = keep(
        "anchored",
        *(pl.when(others.bitwise_count_ones() > i).then(bit_at(one, texts)) for i, one in enumerate(anchors)),
    )
    free = others
    for one in held:
        free = free & ~one.fill_null(0)
    (pool,) = keep("pool", truth | free)
    sets: list[pl.Expr] = []
    for i, anchor in enumerate(held):
        taken = by_draw(f"rest{i}", texts, draws[2 * i + 1], keep, pool, most - 1) if most > 1 else []
        chosen = anchor
        for place, number in enumerate(taken):
            chosen = chosen | pl.when(length - 1 > place).then(bit_at(number, texts)).otherwise(0)
        (mask,) = keep(f"chosen{i}", chosen)
        numbers = by_draw(f"set{i}", texts, draws[2 * i + 2], keep, mask, most)
        sets.append(pl.when(mask.is_not_null() & (length > 0)).then(_list(texts, numbers, length)))
    return there(list_of(sets))


def _list(texts: tuple[str, ...], numbers: list[pl.Expr], length: pl.Expr) -> pl.Expr:
    """The texts with these numbers, as far as the list is long."""
    return there(
        list_of([pl.when(length > place).then(gathered(texts, pl.String, one)) for place, one in enumerate(numbers)])
    )
