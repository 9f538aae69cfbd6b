"""Items of known lists by place: a column for each, so that no list is looked at row by row.

before    shown = options.list.gather((options.list.eval(xxh64(element) | 1) * draw).list.eval(element().arg_sort()))

after     draw0, draw1 = draw * 7823..., draw * 1205...       # of the texts that the list can hold
          rank0, rank1 = draw1 < draw0, draw0 <= draw1
          word = 0 * 16 ** rank0 + 1 * 16 ** rank1            # the numbers of the texts, as digits
          first, second = word % 16, word // 16 % 16
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
    name: str, texts: tuple[str, ...], draw: pl.Expr, keep: Keep, mask: pl.Expr | None = None, most: int = MOST
) -> list[pl.Expr]:
    """The numbers of the texts in drawn order, a column a place, up to `most`.

    With a mask, only those whose bits are set come; behind the last of them numbers mean nothing.
    """
    draws = [draw * number for number in odds(texts)]
    if mask is not None:
        draws = [pl.when(mask & bit > 0).then(one).otherwise(LAST) for one, bit in zip(draws, bits(texts), strict=True)]
    draws = keep(f"{name}.draw", *draws)
    size = len(draws)
    if most == 1:
        (lowest,) = keep(f"{name}.lowest", pl.min_horizontal(draws))
        return keep(name, pl.coalesce(pl.when(one == lowest).then(pl.lit(i, pl.UInt8)) for i, one in enumerate(draws)))
    ranks = keep(f"{name}.rank", *(_rank(draws, i) for i in range(size)))
    base, width = (16, 16) if size <= 16 else (32, 12)  # a word of 64 bits has so many digits
    starts = range(0, min(most, size), width)
    digits = [[base ** (r - at) if at <= r < at + width else 0 for r in range(size)] for at in starts]
    words = keep(
        f"{name}.word",
        *(pl.sum_horizontal(gathered(d, pl.UInt64, rank) * i for i, rank in enumerate(ranks)) for d in digits),
    )
    places = range(min(most, size))
    return keep(name, *((words[p // width] // base ** (p % width) % base).cast(pl.UInt8) for p in places))


def _rank(draws: Sequence[pl.Expr], i: int) -> pl.Expr:
    """How many come before the i-th; of equal draws the first does."""
    lower = [draws[j] <= draws[i] if j < i else draws[j] < draws[i] for j in range(len(draws)) if j != i]
    return pl.sum_horizontal(lower) if lower else pl.lit(0, pl.UInt32)


@cache
def odds(texts: tuple[str, ...]) -> tuple[pl.Expr, ...]:
    """The odd numbers that a row's draw is multiplied with to be the texts' draws."""
    return tuple(pl.lit(number, pl.UInt64) for number in pl.select(odd(pl.lit(pl.Series(texts)))).to_series())


@cache
def bits(texts: tuple[str, ...]) -> tuple[pl.Expr, ...]:
    """The bit of each text in a mask."""
    return tuple(pl.lit(2**i, pl.UInt64) for i in range(len(texts)))


def mask_of(items: pl.Expr, texts: tuple[str, ...]) -> pl.Expr:
    """Which of the texts a list holds."""
    return pl.sum_horizontal(
        pl.when(items.list.contains(pl.lit(text))).then(bit).otherwise(0)
        for text, bit in zip(texts, bits(texts), strict=True)
    )


def bit_at(number: pl.Expr, texts: Sequence[str]) -> pl.Expr:
    """The bit of the text with this number."""
    return gathered([2**i for i in range(len(texts))], pl.UInt64, number)


def gathered(values: Sequence[object], dtype: type[pl.DataType], place: pl.Expr) -> pl.Expr:
    """The value at a place; no gather, if all are equal."""
    table = _table(tuple(values), dtype)
    return pl.lit(table[0], dtype) if table.n_unique() == 1 else pl.lit(table).gather(place)


@cache
def _table(values: tuple[object, ...], dtype: type[pl.DataType]) -> pl.Series:
    return pl.Series(values, dtype=dtype)
