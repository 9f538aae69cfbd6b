"""Boxes in Polars: how they are made and printed. A box is a struct of its corners as shares of the image, and the image's pixels."""

from __future__ import annotations

import polars as pl
from polars import field

from cxrspec.compiler.dialects import Dialect, Resize
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.printing import as_json, filled
from cxrspec.compiler.types import BOX, FIELDS_OF_BOX, TEXT

SIDES = {"x1": "width", "y1": "height", "x2": "width", "y2": "height"}


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


def outer(boxes: pl.Expr) -> pl.Expr:
    """The smallest box round all of them, which are of one image."""
    low = [boxes.struct.field(corner).min() for corner in ("x1", "y1")]
    high = [boxes.struct.field(corner).max() for corner in ("x2", "y2")]
    return pl.struct(*low, *high, *(boxes.struct.field(side).first() for side in ("width", "height")))


# ---- lists of records (label, box)


def labelled(boxes: pl.Expr, label: pl.Expr) -> pl.Expr:
    """A list of boxes as records, each with the label of its row: list.eval sees one list only, so the label goes first."""
    head = pl.struct(label=label, box=pl.lit(None, dtype_of(BOX)))
    items = boxes.list.eval(pl.struct(label=pl.lit(None, dtype_of(TEXT)), box=pl.element()))
    label, box = (pl.element().struct.field(name) for name in ("label", "box"))
    return pl.concat_list([head, items]).list.eval(pl.struct(label=label.first(), box=box.slice(1)))


def unlabelled(boxes: pl.Expr) -> pl.Expr:
    """A list of boxes as records with an empty label."""
    return boxes.list.eval(pl.struct(label=pl.lit(""), box=pl.element()))


def one_size(items: pl.Expr) -> pl.Expr:
    """Whether the boxes can all be of one image."""
    box = pl.element().struct.field("box")
    sides = [items.list.eval(box.struct.field(side)) for side in ("width", "height")]
    return pl.all_horizontal(side.list.min().eq_missing(side.list.max()) for side in sides)


def corners(item: pl.Expr) -> list[pl.Expr]:
    """The label and the exact corners of a record, as columns label, x1, y1, x2, y2."""
    box = item.struct.field("box")
    return [item.struct.field("label").alias("label"), *(box.struct.field(corner).alias(corner) for corner in SIDES)]


def printed(items: pl.Expr, dialect: Dialect, *, labels: bool) -> pl.Expr:
    """The boxes in a dialect, with their labels or without."""
    label, box = (pl.element().struct.field(name) for name in ("label", "box"))
    values = {corner: _corner(box, corner, dialect) for corner in SIDES}
    values["label"] = as_json(label) if dialect.json else label
    texts = items.list.eval(filled(dialect.labelled if labels else dialect.box, values))
    before, between, after = dialect.around
    return pl.concat_str([pl.lit(before), texts.list.join(between), pl.lit(after)])


def _corner(box: pl.Expr, corner: str, dialect: Dialect) -> pl.Expr:
    """A corner on the nearest point of the grid, half a step up."""
    at = (box.struct.field(corner) * _steps(box, SIDES[corner], dialect) + 0.5).floor().cast(pl.Int64)
    if not dialect.decimals:
        return at.cast(pl.String)
    whole, rest = at // 10**dialect.decimals, at % 10**dialect.decimals
    return pl.concat_str([whole.cast(pl.String), pl.lit("."), rest.cast(pl.String).str.zfill(dialect.decimals)])


def _steps(box: pl.Expr, side: str, dialect: Dialect) -> pl.Expr:
    """The steps of the grid along a side of the image."""
    match dialect.grid:
        case None:
            return box.struct.field(side)
        case int(steps):
            return pl.lit(steps)
        case Resize() as resize:
            return resized(box.struct.field(side), box.struct.field("width"), box.struct.field("height"), resize)


def resized(side: pl.Expr, width: pl.Expr, height: pl.Expr, resize: Resize) -> pl.Expr:
    """What `resize` makes of a side of an image of this width and height, as it does in Python.

    All are fields before they divide, as in `box`.
    """
    wide, high, step, least, most = (field(name) for name in ("width", "height", "step", "least", "most"))
    limits = [pl.lit(getattr(resize, name), pl.Float64).alias(name) for name in ("step", "least", "most")]
    sides = [side.alias("side"), width.alias("width"), height.alias("height")]

    def near(side: pl.Expr) -> pl.Expr:
        return pl.max_horizontal((side / step).round(mode="half_to_even") * step, step)

    less = pl.max_horizontal((field("side") / (wide * high / most).sqrt() / step).floor() * step, step)
    more = (field("side") * (least / (wide * high)).sqrt() / step).ceil() * step
    all = near(wide) * near(high)
    made = pl.when(all > most).then(less).when(all < least).then(more).otherwise(near(field("side")))
    return pl.struct(*sides, *limits).struct.with_fields(made=made).struct.field("made")
