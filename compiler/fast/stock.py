"""What is drawn from, by number: texts that are known beforehand, or the few items of a row's own lists.

before    lists that are drawn from row by row

    others.list.gather((others.list.eval(xxh64(element) | 1) * draw).list.eval(element().arg_sort()))

after     a column for each place in the lists, hashed once for all turns, and numbers for what is drawn

    item0, item1, item2 = truth.list.get(0), truth.list.get(1), others.list.get(0)
    odd0, odd1, odd2 = xxh64(item0) | 1, xxh64(item1) | 1, xxh64(item2) | 1
    first = when(odd0 * draw == low).then(0).when(odd1 * draw == low).then(1) ...
    text = concat_arr([item0, item1, item2]).arr.get(first)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import polars as pl

from cxrspec.compiler.bodies import odd
from cxrspec.compiler.fast.pieces import at_number
from cxrspec.compiler.fast.places import NONE, Keep, bits, gathered, odds, plain_odds
from cxrspec.compiler.fast.spread import Spread, of_known


@dataclass(frozen=True, slots=True)
class Stock:
    """Texts by number.

    odds  what a row's draw is multiplied with to be the draw of each
    odd   the same of the text with a number
    text  the text with a number
    them  the texts with some numbers, of which those that are null stand at the end
    """

    odds: Sequence[pl.Expr]
    odd: Callable[[pl.Expr], pl.Expr]
    text: Callable[[pl.Expr], pl.Expr]
    them: Callable[[Iterable[pl.Expr]], Spread]


def of_texts(texts: tuple[str, ...]) -> Stock:
    """Texts that are known: their numbers are those of their places."""
    return Stock(
        odds(texts),
        lambda number: gathered(plain_odds(texts), pl.UInt64, number),
        lambda number: at_number(texts, number),
        lambda numbers: of_known(texts, numbers),
    )


def of_row(
    lists: Sequence[pl.Expr], sizes: Sequence[int], keep: Keep, again: bool, *, distinct: bool
) -> tuple[Stock, list[pl.Expr]]:
    """The items of lists that are at most so long, numbered from the first list on, and a mask of each list.

    If `distinct`, an item that equals one before it is in no mask.
    """
    items = [one.list.get(i, null_on_oob=True) for one, size in zip(lists, sizes, strict=True) for i in range(size)]
    items = keep("item", *items, again=again)
    numbers = keep("odd", *(odd(one) for one in items), again=again)
    held = [one.is_not_null() for one in items]
    if distinct:
        for i, one in enumerate(numbers):
            for before in numbers[:i]:
                held[i] &= (one != before).fill_null(value=True)
    set_bits = [pl.when(one).then(bit).otherwise(NONE) for one, bit in zip(held, bits(len(items)), strict=True)]
    ends = [0, *accumulate(sizes)]
    masks = [pl.sum_horizontal(set_bits[a:b]) if b > a else NONE for a, b in pairwise(ends)]
    (texts,) = keep("items", pl.concat_arr(items), again=again)
    (all_odds,) = keep("odds", pl.concat_arr(numbers), again=again)

    def number_of(number: pl.Expr) -> pl.Expr:
        return all_odds.arr.get(number, null_on_oob=True)

    def text_of(number: pl.Expr) -> pl.Expr:
        return texts.arr.get(number, null_on_oob=True)

    stock = Stock(numbers, number_of, text_of, lambda numbers: Spread(tuple(map(text_of, numbers))))
    return stock, keep("held", *masks, again=again)
