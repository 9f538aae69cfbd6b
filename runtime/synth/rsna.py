"""RSNA 2018, stage 2: labels, classes and the mapping to NIH's names (section 7 of the catalogue of sources).

The 3,000 pictures without labels and the sample submission, which nothing reads, are left out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import nih
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World


def make(folder: Folder, world: World) -> None:
    """Write 30,227 rows of 26,684 images at scale 1, one for each of 9,555 boxes, or one with blank cells."""
    draws = world.draws("rsna")
    rows = (
        nih.cast(world)
        .rsna.select(
            "patient_id",
            "image",
            target=pl.col("boxes").clip(upper_bound=1),
            row=pl.int_ranges(pl.max_horizontal("boxes", 1)),
        )
        .explode("row")
    )
    width, height = draws.integers(60, 400, (2, len(rows)))
    x, y = (draws.random((2, len(rows))) * (1025 - np.stack([width, height]))).astype(np.int64)
    first, second = np.flatnonzero(rows["target"].to_numpy())[:2]
    x[first], y[first] = 0, 0  # boxes that touch the border
    x[second], y[second] = 1024 - width[second], 1024 - height[second]
    boxes = pl.DataFrame({"x": x, "y": y, "width": width, "height": height}).cast(pl.Float64)
    labels = rows.hstack(boxes).select(
        pl.col("patient_id").alias("patientId"),
        *(pl.when(target=1).then(name).alias(name) for name in boxes.columns),
        pl.col("target").alias("Target"),
    )
    folder.csv("stage_2_train_labels.csv", labels)

    normal = pl.col("findings") == "No Finding"
    classes = rows.join(nih.cast(world).images, on="image", how="left", maintain_order="left").select(
        pl.col("patient_id").alias("patientId"),
        pl.when(target=1)
        .then(pl.lit("Lung Opacity"))
        .when(normal)
        .then(pl.lit("Normal"))
        .otherwise(pl.lit("No Lung Opacity / Not Normal"))
        .alias("class"),
    )
    folder.csv("stage_2_detailed_class_info.csv", classes)
    mapping = nih.cast(world).rsna.select(pl.col("patient_id").alias("subset_img_id"), pl.col("image").alias("img_id"))
    folder.write("pneumonia-challenge-dataset-mappings_2018.json", mapping.write_json())
