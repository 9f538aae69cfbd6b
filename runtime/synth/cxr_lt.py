"""CXR-LT 2023: every image of MIMIC-CXR with 26 labels, in a split of its own (sources.md, section 9).

The order of the first six columns is unverified; how often a label is there is a choice.
"""

from __future__ import annotations

import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.mimic_cxr import CODES
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

RATES = {
    "Calcification of the Aorta": 0.02,
    "Emphysema": 0.015,
    "Fibrosis": 0.005,
    "Hernia": 0.015,
    "Infiltration": 0.05,
    "Mass": 0.02,
    "Nodule": 0.03,
    "Pleural Thickening": 0.013,
    "Pneumomediastinum": 0.003,
    "Pneumoperitoneum": 0.002,
    "Subcutaneous Emphysema": 0.01,
    "Tortuous Aorta": 0.015,
}
"""The twelve labels that MIMIC-CXR's label files lack, and how many studies have each."""

SHARES = {"train": 0.7, "development": 0.1, "test": 0.2}
NO_STUDY = 0.001
"""How many rows lack the study, three at least: so the ids of the others are written as floats."""


def make(folder: Folder, world: World) -> None:
    """Write the three files."""
    cast = mimic.cast(world)
    draws = world.draws("cxr_lt")
    rare = {name: pl.Series(draws.random(len(cast.studies)) < rate) for name, rate in RATES.items()}
    names = sorted([*mimic.LABELS, *RATES])
    labels = (
        cast.studies.select("study_id", **rare)
        .join(cast.labels, on="study_id", how="left", maintain_order="left")
        .select("study_id", *(pl.col(name).cast(pl.Int8).eq(1).fill_null(False).cast(pl.Int8) for name in names))
    )
    rows = (
        cast.images.join(labels, on="study_id", maintain_order="left")
        .join(mimic.own_split(world, "cxr_lt", SHARES), on="subject_id", maintain_order="left")
        .with_row_index()
    )
    lacking = draws.choice(len(rows), max(3, round(NO_STUDY * len(rows))), replace=False)
    study = pl.when(~pl.col("index").is_in(lacking.tolist())).then(pl.col("study_id").cast(pl.Float64))
    table = rows.select(
        "part",
        "dicom_id",
        "subject_id",
        study.alias("study_id"),
        pl.col("view").alias("ViewPosition"),
        pl.col("view").replace_strict(CODES, default=None).alias("ViewCodeSequence_CodeMeaning"),
        pl.format("files/{}/{}.jpg", mimic.PLACE, "dicom_id").alias("fpath"),
        *names,
    )
    for part in SHARES:
        folder.csv(f"cxr-lt-2023/{part}.csv", table.filter(part=part).drop("part"))
