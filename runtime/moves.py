"""An authority that is another one now: what is another with it, and which examples move to another split by it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cxrspec.runtime.manifest import Authority


def moves(before: pl.LazyFrame, now: pl.LazyFrame) -> int:
    """How many examples that were there before stand in another split now."""
    old, new = (examples.select("id", "split") for examples in (before, now))
    both = old.join(new, on="id", suffix=" now")
    return int(both.filter(pl.col("split") != pl.col("split now")).select(pl.len()).collect().item())


def changes(old: Sequence[Authority], new: Sequence[Authority]) -> list[str]:
    """What is another with the authorities of these spaces."""
    before, now = {a.space: a for a in old}, {a.space: a for a in new}
    found: list[str] = []
    for space in sorted(before.keys() | now.keys()):
        one, other = before.get(space), now.get(space)
        if one == other:
            continue
        if one is None or other is None or one.split != other.split:
            said, says = (f"`{a.split}`" if a is not None else "nothing" for a in (one, other))
            found.append(f"the authority of the space `{space}` was {said} and is {says}")
        else:
            what = "are absent now" if not other.inputs else "were absent before" if not one.inputs else "have changed"
            found.append(f"the files of `{other.split}`, the authority of the space `{space}`, {what}")
    return found
