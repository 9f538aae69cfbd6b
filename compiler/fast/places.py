"""Items of known lists by place: a column for each, so that no list is looked at row by row.

before    shown = options.list.gather((options.list.eval(xxh64(element) | 1) * draw).list.eval(element().arg_sort()))

after     draw0, draw1 = draw * 7823..., draw * 1205...       # of the texts that the list can hold
          rank0, rank1 = draw1 < draw0, draw0 <= draw1
          word = 0 * 16 ** rank0 + 1 * 16 ** rank1            # the numbers of the texts, as digits
          first, second = word % 16, word // 16 % 16

          low0 = min_horizontal(draw0, draw1, ...)            # where only a few of many come
          low1 = min_horizontal(when(draw0 > low0).then(draw0), when(draw1 > low0).then(draw1), ...)
          first = when(draw0 == low0).then(0).when(draw1 == low0).then(1) ...
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import polars as pl

from cxrspec.compiler.bodies import odd

MOST = 32  # texts: comparisons grow with the square, and a mask has a bit for each
LAST = pl.lit(2**64 - 1, pl.UInt64)
NONE = pl.lit(0, pl.UInt64)


class Keep(Protocol):
    """Keeps values in columns of their own; `again`, it is those that an earlier turn of the form has kept."""

    def __call__(self, name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        """The columns."""
        ...


def by_draw(
    name: str, odds: Sequence[pl.Expr], draw: pl.Expr, keep: Keep, mask: pl.Expr | None = None, most: int = MOST
) -> list[pl.Expr]:
    """The numbers of items in drawn order, a column a place, up to `most`; their draws are the row's times `odds`.

    With a mask, only those whose bits are set come; behind the last of them numbers mean nothing.
    """
    size = len(odds)
    draws = [draw * number for number in odds]
    if mask is not None:
        draws = [pl.when(mask & bit > 0).then(one).otherwise(LAST) for one, bit in zip(draws, bits(size), strict=True)]
    return in_order(name, draws, [pl.lit(i, pl.UInt8) for i in range(size)], size, keep, most)


def in_order(
    name: str, draws: Sequence[pl.Expr], numbers: Sequence[pl.Expr], count: int, keep: Keep, most: int = MOST
) -> list[pl.Expr]:
    """Numbers below `count` by the draws of what they name, the lowest first, a column a place, up to `most`.

    Draws differ; what is `LAST` is not there, and behind the last of the others numbers mean nothing.
    """
    draws = keep(f"{name}.draw", *draws)
    size = len(draws)
    most = min(most, size)
    if most <= size // 2:
        return keep(name, *(_at(low, draws, numbers) for low in _lowest(name, draws, keep, most)))
    ranks = keep(f"{name}.rank", *(_rank(draws, i) for i in range(size)))
    base, width = (16, 16) if count <= 16 else (32, 12)  # a word of 64 bits has so many digits
    starts = range(0, most, width)
    digits = [[base ** (r - at) if at <= r < at + width else 0 for r in range(size)] for at in starts]
    words = keep(
        f"{name}.word",
        *(
            pl.sum_horizontal(
                gathered(d, pl.UInt64, rank) * one.fill_null(0) for one, rank in zip(numbers, ranks, strict=True)
            )
            for d in digits
        ),
    )
    return keep(name, *((words[p // width] // base ** (p % width) % base).cast(pl.UInt8) for p in range(most)))


def _rank(draws: Sequence[pl.Expr], i: int) -> pl.Expr:
    """How many come before the i-th; of equal draws the first does."""
    lower = [draws[j] <= draws[i] if j < i else draws[j] < draws[i] for j in range(len(draws)) if j != i]
    return pl.sum_horizontal(lower) if lower else pl.lit(0, pl.UInt32)


def _lowest(name: str, draws: Sequence[pl.Expr], keep: Keep, most: int) -> list[pl.Expr]:
    """The lowest draws, as many as `most`."""
    lows = keep(f"{name}.low0", pl.min_horizontal(draws))
    for place in range(1, most):
        higher = [pl.when(one > lows[-1]).then(one).otherwise(LAST) for one in draws]
        lows += keep(f"{name}.low{place}", pl.min_horizontal(higher))
    return lows


def _at(low: pl.Expr, draws: Sequence[pl.Expr], numbers: Sequence[pl.Expr]) -> pl.Expr:
    """The number with this draw."""
    return pl.coalesce(pl.when(draw == low).then(number) for draw, number in zip(draws, numbers, strict=True))


def odds(texts: tuple[str, ...]) -> tuple[pl.Expr, ...]:
    """The odd numbers that a row's draw is multiplied with to be the texts' draws."""
    return tuple(pl.lit(number, pl.UInt64) for number in plain_odds(texts))


@cache
def plain_odds(texts: tuple[str, ...]) -> tuple[int, ...]:
    """The same as numbers."""
    return tuple(pl.select(odd(pl.lit(pl.Series(texts)))).to_series())


@cache
def bits(size: int) -> tuple[pl.Expr, ...]:
    """The bit of each number in a mask."""
    return tuple(pl.lit(2**i, pl.UInt64) for i in range(size))


def mask_of(items: pl.Expr, texts: tuple[str, ...]) -> pl.Expr:
    """Which of the texts a list holds, that holds each once at most."""
    bits = [2**i for i in range(len(texts))]
    return items.list.eval(pl.element().replace_strict(texts, bits, default=0, return_dtype=pl.UInt64)).list.sum()


def bit_at(number: pl.Expr, size: int) -> pl.Expr:
    """The bit of a number below `size`."""
    return gathered([2**i for i in range(size)], pl.UInt64, number)


def numbers_in(name: str, mask: pl.Expr, keep: Keep, most: int, again: bool) -> list[pl.Expr]:
    """The numbers of the bits that are set in a mask, up to `most`, lowest first; null behind the last."""
    rest = [mask]
    for place in range(1, most):
        rest += keep(f"{name}.rest{place}", rest[-1] & (rest[-1] - 1), again=again)
    return keep(
        name, *(pl.when(one > 0).then(one.bitwise_trailing_zeros().cast(pl.UInt8)) for one in rest), again=again
    )


def gathered(values: Sequence[object], dtype: type[pl.DataType], place: pl.Expr) -> pl.Expr:
    """The value at a place; no gather, if all are equal."""
    table = _table(tuple(values), dtype)
    return pl.lit(table[0], dtype) if table.n_unique() == 1 else pl.lit(table).gather(place)


@cache
def _table(values: tuple[object, ...], dtype: type[pl.DataType]) -> pl.Series:
    return pl.Series(values, dtype=dtype)
