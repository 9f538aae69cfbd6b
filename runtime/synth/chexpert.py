"""CheXpert v1.0-small with the test labels of CheXlocalize (section 2 of the catalogue of sources)."""

from __future__ import annotations

import polars as pl

from cxrspec.runtime.synth.casts import chexpert
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

_SMALL = "CheXpert-v1.0-small"


def make(folder: Folder, world: World) -> None:
    """Write 223,414 / 234 / 668 rows at scale 1, one an image; the test labels name no view, and have Windows line ends."""
    made = chexpert.cast(world)
    rows = made.images.join(made.studies, on=["part", "patient", "study"], maintain_order="left")
    for part in ("train", "valid"):
        table = rows.filter(part=part).select(
            pl.format("{}/{}", pl.lit(_SMALL), "path").alias("Path"),
            pl.col("sex").alias("Sex"),
            pl.col("age").alias("Age"),
            pl.col("side").alias("Frontal/Lateral"),
            pl.col("view").alias("AP/PA"),
            pl.col(list(chexpert.LABELS)).cast(pl.Float64),
        )
        folder.csv(f"{_SMALL}/{part}.csv", table)
    test = rows.filter(part="test").select(pl.col("path").alias("Path"), *chexpert.LABELS)
    folder.write("CheXpert/test_labels.csv", test.write_csv(line_terminator="\r\n"))
