"""Boxes in Polars: how they are made. A box is a struct of its corners as shares of the image, and the image's pixels."""

from __future__ import annotations

import polars as pl
from polars import field

from cxrspec.compiler.types import FIELDS_OF_BOX


def box(x1: pl.Expr, y1: pl.Expr, x2: pl.Expr, y2: pl.Expr, width: pl.Expr, height: pl.Expr) -> pl.Expr:
    """The box with these corners in pixels, clipped to an image of `width` and `height`; null if no area is left.

    The sides are fields before they divide: by a literal, Polars would multiply with its rounded reciprocal.
    """
    left, top, right, bottom, wide, high = fields = [field(name) for name, _ in FIELDS_OF_BOX.fields]
    area = (left < right) & (top < bottom) & right.is_not_nan() & bottom.is_not_nan()  # NaN is above all numbers
    return (
        pl.struct(x1=x1, y1=y1, x2=x2, y2=y2, width=width, height=height)
        .struct.with_fields(
            *((x / wide).clip(0, 1) for x in (left, right)), *((y / high).clip(0, 1) for y in (top, bottom))
        )
        .struct.with_fields(box=pl.when((wide > 0) & (high > 0) & area).then(pl.struct(fields)))
        .struct.field("box")
    )


def rle_box(text: pl.Expr, width: pl.Expr, height: pl.Expr) -> pl.Expr:
    """The box round a mask in run lengths; null for a text that is none, or whose runs leave the image.

    Gaps and runs follow each other from the end of the last, down the columns, the columns from left to right. So the
    pixel p stands in column p // height and row p % height, and a mask of which a run goes on in the next column is as
    high as the image. Each value is made once: a field of a struct sees those before it.
    """
    start = pl.struct(text=text.str.strip_chars(), width=width, height=height)
    digits = pl.when(~field("text").str.contains("[^0-9 ]")).then(field("text"))
    counts = digits.str.split(" ").cast(pl.List(pl.Int32), strict=False).cast(pl.List(pl.Int64))
    ends = pl.element().cum_sum() - pl.int_range(pl.len()) % 2  # of each run its first pixel and its last
    staged = (
        start.struct.with_fields(counts=counts)
        .struct.with_fields(pixels=field("counts").list.eval(ends))
        .struct.with_fields(columns=field("pixels") // field("height"), rows=field("pixels") % field("height"))
        .struct.with_fields(
            whole=field("columns").list.gather_every(2).list.sum()
            < field("columns").list.gather_every(2, 1).list.sum(),
            known=(field("counts").list.len() % 2 == 0)
            & (field("counts").list.drop_nulls().list.len() == field("counts").list.len())
            & (field("counts").list.gather_every(2, 1).list.min() > 0)
            & (field("columns").list.last() < field("width")),
        )
        .struct.with_fields(
            x1=field("columns").list.first(),
            y1=pl.when(field("whole")).then(0).otherwise(field("rows").list.min()),
            x2=field("columns").list.last() + 1,
            y2=pl.when(field("whole")).then(field("height")).otherwise(field("rows").list.max() + 1),
        )
    )
    made = box(*(field(name) for name, _ in FIELDS_OF_BOX.fields))
    return staged.struct.with_fields(box=pl.when(field("known")).then(made)).struct.field("box")
