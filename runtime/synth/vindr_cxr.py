"""VinDr-CXR 1.0.0 as on PhysioNet: annotations and image labels as CSV, one DICOM an image.

15,000 images of train have three of 17 readers each, 3,000 of test a consensus without a reader; 22 local labels and 6
global ones. As in what Kaggle published of it, 10,606 images of train have no box. (Section 13 of the sources.)

Our choice: the same share of test has none; a reader who drew something gives each global disease one time in 20; rows
come in no order.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.regions import PLANTED, Regions, annotate, draw_images, write_images
from cxrspec.runtime.synth.shared.world import World

LOCAL = (
    "Aortic enlargement",
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Clavicle fracture",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Enlarged PA",
    "ILD",
    "Infiltration",
    "Lung Opacity",
    "Lung cavity",
    "Lung cyst",
    "Mediastinal shift",
    "Nodule/Mass",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary fibrosis",
    "Rib fracture",
    "Other lesion",
)
GLOBAL = {
    "train": ("COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other diseases"),
    "test": ("COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other disease"),
}
IMAGES = {"train": 15_000, "test": 3_000}
READERS = {"train": 3, "test": 1}
PEOPLE = 17
WITHOUT_BOX = 10_606 / 15_000


def make(folder: Folder, world: World) -> None:
    """Write `annotations/*.csv`, `train/*.dicom` and `test/*.dicom`."""
    least = len(PLANTED) + len(LOCAL)
    for part, published in IMAGES.items():
        draws = world.draws("vindr_cxr", part)
        readers = READERS[part]
        images = draw_images(draws, world.count(published, least + 16))
        boxed = max(least, images.height - round(images.height * WITHOUT_BOX))
        annotations = annotate(Regions.draw(draws, boxed, len(LOCAL)).read(draws, readers), images, LOCAL, readers)
        labels = _labels(draws, annotations, part)
        people = draws.random((images.height, PEOPLE)).argsort(axis=1)[:, :readers]
        for name, rows in (("annotations", annotations), ("image_labels", labels)):
            who = people[rows["image"].to_numpy(), rows["reader"].to_numpy()] + 1
            by = pl.Series("rad_id", who).cast(pl.String)
            named = rows.with_columns(("R" + by).alias("rad_id")).drop("image", "reader")
            front = ["image_id", "rad_id"] if part == "train" else ["image_id"]
            ordered = named.select(*front, pl.exclude("image_id", "rad_id"))
            folder.csv(f"annotations/{name}_{part}.csv", ordered[draws.permutation(ordered.height)])
        write_images(folder, part, images)


def _labels(draws: np.random.Generator, annotations: pl.DataFrame, part: str) -> pl.DataFrame:
    """One row an image and reader: 1 for each class with a box, for the global diseases, or for no finding."""
    readings = annotations.group_by("image", "reader", "image_id", maintain_order=True).agg("class_name")
    said = pl.col("class_name")
    rows = readings.select(
        "image", "reader", "image_id", *(said.list.contains(name).cast(pl.Int8).alias(name) for name in LOCAL),
        nothing=said.list.contains("No finding").cast(pl.Int8),
    )  # fmt: skip
    ill = (draws.random((rows.height, len(GLOBAL[part]))) < 1 / 20) & (rows["nothing"].to_numpy() == 0)[:, None]
    return rows.with_columns(
        *(pl.Series(name, ill[:, place]).cast(pl.Int8) for place, name in enumerate(GLOBAL[part]))
    ).select(pl.exclude("nothing"), pl.col("nothing").alias("No finding"))
