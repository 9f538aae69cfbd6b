"""A text put together of pieces, each from a small table: neighbours are one piece from the table of their pairs.

before    concat_str([gather(["Edema", "Mass"], a), gather([", Edema", ", Mass", ""], b)])

after     gather(["Edema, Edema", "Edema, Mass", "Edema", "Mass, Edema", "Mass, Mass", "Mass"], a * 3 + b)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

MOST = 1024  # texts of one table


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of a table with this number."""

    texts: tuple[str, ...]
    number: pl.Expr


def put_together(pieces: Sequence[Piece]) -> list[pl.Expr]:
    """Columns that, one behind the other, read as the pieces do; they are fewer."""
    folded: list[Piece] = []
    for piece in pieces:
        if folded and len(folded[-1].texts) * len(piece.texts) <= MOST:
            last = folded.pop()
            number = last.number.cast(pl.UInt16) * len(piece.texts) + piece.number
            folded.append(Piece(_pairs(last.texts, piece.texts), number))
        else:
            folded.append(piece)
    return [at_number(one.texts, one.number) for one in folded]


def at_number(texts: tuple[str, ...], number: pl.Expr) -> pl.Expr:
    """The text with this number; null where that is null."""
    return pl.lit(_table(texts)).gather(number)


@cache
def _pairs(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one + other for one in left for other in right)


@cache
def _table(texts: tuple[str, ...]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)
