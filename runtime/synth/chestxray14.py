"""NIH ChestX-ray14: label table, boxes, official lists, and archives of tiny pictures (section 1 of the catalogue)."""

from __future__ import annotations

import struct
import zlib
from functools import cache

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import nih
from cxrspec.runtime.synth.shared.dealing import shuffled
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

_BOXED = {
    "Atelectasis": "Atelectasis", "Cardiomegaly": "Cardiomegaly", "Effusion": "Effusion", "Infiltration": "Infiltrate",
    "Mass": "Mass", "Nodule": "Nodule", "Pneumonia": "Pneumonia", "Pneumothorax": "Pneumothorax",
}  # fmt: skip
"""The findings that have boxes, as the box file calls them."""


def make(folder: Folder, world: World) -> None:
    """Write 112,120 rows and pictures at scale 1."""
    images = nih.cast(world).images
    world = world.at_least(nih.LEAST)
    _entries(folder, world, images)
    _boxes(folder, world, images)
    for part in ("train_val", "test"):
        folder.write(f"{part}_list.txt", "\n".join(images.filter(official=part)["image"]) + "\n")
    archives = world.count(12, least=2)  # ranges of ids
    for place, names in enumerate(np.array_split(images["image"].to_numpy(), archives)):
        members = ((f"images/{name}", _png(int(name[:8]) % 256)) for name in names)
        folder.tgz(f"images_{place + 1:03d}.tar.gz", members)


def _entries(folder: Folder, world: World, images: pl.DataFrame) -> None:
    """The label table. `Follow-up #` is the name's number on 78.5 % of rows, elsewhere one more; sizes are a choice."""
    draws = world.draws("chestxray14", "entries")
    later = np.array(shuffled(draws, ("", "later"), (785, 215), len(images))) == "later"
    table = images.select(
        "image",
        "findings",
        pl.col("number") + later,
        "patient",
        "age",
        "sex",
        "view",
        width=draws.integers(1800, 3000, len(images)),
        height=draws.integers(1800, 3000, len(images)),
        x=pl.lit(0.143),
        y=pl.lit(0.143),
    )
    header = (
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
    )
    folder.csv("Data_Entry_2017_v2020.csv", table, header=header)


def _boxes(folder: Folder, world: World, images: pl.DataFrame) -> None:
    """The boxes of eight findings: 984 on 880 images at scale 1; header and rows end with three empty fields.

    Which images they are is a choice: those with two boxes show an infiltration and one other finding of the eight.
    """
    draws = world.draws("chestxray14", "boxes")
    boxed = (
        images.select("image", finding=pl.col("findings").str.split("|"))
        .explode("finding")
        .filter(pl.col("finding").is_in(list(_BOXED)))
        .group_by("image", maintain_order=True)
        .agg("finding")
    )
    two = (pl.col("finding").list.len() == 2) & pl.col("finding").list.contains("Infiltration")
    chosen = [
        pool[np.sort(draws.choice(len(pool), world.count(published), replace=False))]
        for pool, published in ((boxed.filter(two), 984 - 880), (boxed.filter(~two), 880 - (984 - 880)))
    ]
    rows = pl.concat([chosen[0], chosen[1].with_columns(pl.col("finding").list.head(1))]).explode("finding")
    width, height = draws.uniform(50, 500, (2, len(rows)))
    x, y = draws.random((2, len(rows))) * (1024 - np.stack([width, height]))
    table = rows.select("image", pl.col("finding").replace_strict(_BOXED), x=x, y=y, w=width, h=height)
    empty = [pl.lit(None, pl.String).alias(name) for name in "abc"]
    folder.csv("BBox_List_2017.csv", table.with_columns(empty), header="Image Index,Finding Label,Bbox [x,y,w,h],,,")


@cache
def _png(gray: int) -> bytes:
    """A picture of one gray pixel."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes((0, gray)))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
