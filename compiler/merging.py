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
    place = pl.int_range(pl.len()).over(*by, order_by=order)
    placed = rows.with_columns(place.alias("$place"), pl.len().cast(pl.Int64).over(*by).alias("$boxes"))
    masked = placed.join(_masks(placed, by, box, over), on=[*by, "$place"], how="left", nulls_equal=True)
    masked = masked.with_columns(pl.col("$mask").fill_null(0))
    groups = masked.filter(pl.col("$boxes") <= MOST).group_by(*by).agg(pl.col("$mask").sort_by("$place"))
    groups = groups.with_columns(pl.lit(0, pl.UInt64).alias("$leaders"))
    leaders = pl.col("$leaders")
    for at, bit in enumerate(BITS):
        led = (pl.col("$mask").list.get(at, null_on_oob=True) & leaders) > 0
        groups = groups.with_columns(pl.when(led).then(leaders).otherwise(leaders | pl.lit(bit, pl.UInt64)))
    found = masked.join(groups.select(*by, "$leaders"), on=by, how="left", nulls_equal=True)
    first = (pl.col("$mask") & leaders).bitwise_trailing_zeros().cast(pl.Int64)
    led = (pl.col("$mask") & leaders) > 0
    return found.with_columns(pl.when(led).then(first).otherwise("$place").alias("$leader")).drop(
        "$place", "$mask", "$leaders"
    )


def _masks(placed: pl.LazyFrame, by: Sequence[str], box: str, over: float) -> pl.LazyFrame:
    """For each place of a group the mask of the places before it whose boxes overlap its own by more than `over`."""
    corners = [pl.col(box).struct.field(corner).alias(f"${corner}") for corner in ("x1", "y1", "x2", "y2")]
    bit = pl.lit(pl.Series(BITS, dtype=pl.UInt64)).gather(pl.col("$place").clip(0, MOST - 1)).alias("$bit")
    few = placed.filter(pl.col("$boxes") <= MOST).select(*by, "$place", bit, *corners)
    pairs = few.join(few, on=by, suffix=" later", nulls_equal=True).filter(pl.col("$place") < pl.col("$place later"))
    before = pairs.filter(_overlap() > over).group_by(*by, pl.col("$place later").alias("$place"))
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
