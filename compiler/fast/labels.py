"""The names of labels in some of their states: a list for every mask of names, written down once.

before    a text a row that is cut again

    concat_str([when(labels.Edema == 1).then("Edema"), when(labels.Mass == 1).then("Mass")], "\\x1f")
    .str.extract_all("[^\\x1f]+")

after     a bit a name

    mask = when(labels.Edema == 1).then(1).otherwise(0) + when(labels.Mass == 1).then(2).otherwise(0)
    gather([[], ["Edema"], ["Mass"], ["Edema", "Mass"]], mask)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce

import polars as pl

_MOST = 14  # names of one table, which has a list for each mask


def named(names: Sequence[str], held: Sequence[pl.Expr]) -> pl.Expr:
    """The names whose conditions hold, as a list. A condition is never null."""
    starts = range(0, len(names), _MOST)
    parts = [_some(tuple(names[at : at + _MOST]), held[at : at + _MOST]) for at in starts]
    return reduce(lambda left, right: left.list.concat(right), parts)


def _some(names: tuple[str, ...], held: Sequence[pl.Expr]) -> pl.Expr:
    bits = (pl.when(one).then(pl.lit(1 << i, pl.UInt16)).otherwise(pl.lit(0, pl.UInt16)) for i, one in enumerate(held))
    return pl.lit(_lists(names)).gather(reduce(lambda left, right: left | right, bits))


@cache
def _lists(names: tuple[str, ...]) -> pl.Series:
    """The list of each mask: of the masks with one name more the first half lacks it."""
    lists: list[list[str]] = [[]]
    for name in names:
        lists += [[*one, name] for one in lists]
    return pl.Series(lists, dtype=pl.List(pl.String))
