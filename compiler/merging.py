"""The step `merge` in Polars: which box leads each box, worked out on bit masks, all groups at once."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

MOST = 64  # boxes of a group: as many as a mask has bits
BITS = [2**place for place in range(MOST)]


def with_leaders(
    rows: pl.LazyFrame, by: Sequence[str], box: str, over: float, order: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """The rows with `$leader`, the place in its group of the box that leads this one, and `$boxes`, how many the group has.

    In `order`, a box that no leader before it overlaps by more than `over` leads itself; else the first such leader
    leads it. The mask of a box has a bit for each box before it that overlaps it, that of a group one for each leader.
    Leaders mean nothing where a group has more than `MOST` boxes.
    """
    placed = _placed(rows, by, order)
    masked = placed.join(_masks(placed, box, over), on=["$group", "$place"], how="left")
    masked = masked.with_columns(pl.col("$mask").fill_null(0))
    groups = masked.filter(pl.col("$boxes") <= MOST).group_by("$group").agg(pl.col("$mask").sort_by("$place"))
    groups = groups.with_columns(pl.lit(0, pl.UInt64).alias("$leaders"))
    leaders = pl.col("$leaders")
    for at, bit in enumerate(BITS):
        led = (pl.col("$mask").list.get(at, null_on_oob=True) & leaders) > 0
        groups = groups.with_columns(pl.when(led).then(leaders).otherwise(leaders | pl.lit(bit, pl.UInt64)))
    found = masked.join(groups.select("$group", "$leaders"), on="$group", how="left")
    first = (pl.col("$mask") & leaders).bitwise_trailing_zeros().cast(pl.Int64)
    led = (pl.col("$mask") & leaders) > 0
    return found.with_columns(pl.when(led).then(first).otherwise("$place").alias("$leader")).drop(
        "$group", "$place", "$mask", "$leaders"
    )


def _placed(rows: pl.LazyFrame, by: Sequence[str], order: Sequence[pl.Expr]) -> pl.LazyFrame:
    """The rows with the number of their group, their place in it and `$boxes`.

    All are sorted once: a number is joined more quickly than the texts of `by`, and places are counted, not sorted again.
    """
    at = pl.int_range(pl.len()).alias("$place")
    new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in by) | (at == 0)
    numbered = rows.sort(*by, *order).with_columns(at, pl.when(new).then(at).forward_fill().alias("$group"))
    place, boxes = pl.col("$place") - pl.col("$group"), pl.len().cast(pl.Int64).over("$group")
    return numbered.with_columns(place.alias("$place"), boxes.alias("$boxes"))


def _masks(placed: pl.LazyFrame, box: str, over: float) -> pl.LazyFrame:
    """For each place of a group the mask of the places before it whose boxes overlap its own by more than `over`."""
    corners = [pl.col(box).struct.field(corner).alias(f"${corner}") for corner in ("x1", "y1", "x2", "y2")]
    bit = pl.lit(pl.Series(BITS, dtype=pl.UInt64)).gather(pl.col("$place").clip(0, MOST - 1)).alias("$bit")
    few = placed.filter(pl.col("$boxes").is_between(2, MOST)).select("$group", "$place", bit, *corners)
    pairs = few.join(few, on="$group", suffix=" later").filter(pl.col("$place") < pl.col("$place later"))
    before = pairs.filter(_overlap() > over).group_by("$group", pl.col("$place later").alias("$place"))
    return before.agg(pl.col("$bit").sum().alias("$mask"))


def _overlap() -> pl.Expr:
    """The area that two boxes share, as a share of the area that they cover together (intersection over union)."""

    def area(which: str) -> pl.Expr:
        x1, y1, x2, y2 = (pl.col(f"${corner}{which}") for corner in ("x1", "y1", "x2", "y2"))
        return (x2 - x1) * (y2 - y1)

    def shared(low: str, high: str) -> pl.Expr:
        ends = pl.min_horizontal(f"${high}", f"${high} later"), pl.max_horizontal(f"${low}", f"${low} later")
        return (ends[0] - ends[1]).clip(0)

    both = shared("x1", "x2") * shared("y1", "y2")
    return both / (area("") + area(" later") - both)
