"""The patients, studies and images of CheXpert, and which of them CheXpert Plus has too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl

from cxrspec.runtime.synth.shared.dealing import deal, shuffled
from cxrspec.runtime.synth.shared.world import World

LEAST = 1 / 1000
"""The smallest scale: 65 patients of train with 188 studies and 223 images."""

LABELS = {
    "No Finding": (0.10, 0.00, 0.00), "Enlarged Cardiomediastinum": (0.06, 0.12, 0.07), "Cardiomegaly": (0.14, 0.06, 0.04),
    "Lung Opacity": (0.50, 0.04, 0.02), "Lung Lesion": (0.05, 0.01, 0.01), "Edema": (0.26, 0.11, 0.06),
    "Consolidation": (0.07, 0.14, 0.13), "Pneumonia": (0.03, 0.01, 0.09), "Atelectasis": (0.17, 0.01, 0.17),
    "Pneumothorax": (0.10, 0.28, 0.02), "Pleural Effusion": (0.42, 0.18, 0.06), "Pleural Other": (0.02, 0.01, 0.02),
    "Fracture": (0.04, 0.02, 0.01), "Support Devices": (0.55, 0.03, 0.01),
}  # fmt: skip
"""The labels in the order of the files, and how often each is 1, 0 and -1 in train; otherwise it is blank (a choice)."""


class Size(NamedTuple):
    """Numbers of one part: frontal images beyond the first of a study, laterals, and first images by view."""

    first_patient: int
    patients: int
    studies: int
    frontals: int
    laterals: int
    views: dict[str, int]


PARTS = {
    "train": Size(1, 64_540, 187_641, 3_386, 32_387, {"AP": 158_204, "PA": 29_420, "LL": 16, "RL": 1}),
    "valid": Size(64_541, 200, 200, 2, 32, {"AP": 167, "PA": 33}),
    "test": Size(64_741, 500, 500, 18, 150, {"AP": 415, "PA": 85}),
}
"""Section 2: 223,414 / 234 / 668 images; of train, AP 161,590, PA 29,420, LL 16, RL 1, blank 32,387.

That the laterals stand in different studies, that the second frontals are AP, and the views of valid are choices; those of
test are in no file.
"""

_BLANK = 2
"""Stands for a blank label in numpy's arrays."""

MOST = 92
"""Studies of the first patient at scale 1 (section 3: the order of reports goes up to 92); 12 at least."""

_DROPPED = {"patients": 15, "alone": 81 - 15, "PA": 21, "lateral": 28, "second": 28}
"""What CheXpert Plus lacks: 15 patients, 130 studies, 186 images (section 3: 137 AP, 21 PA and 28 laterals, given valid's
views). Studies of one AP image are in part the only one of their patient; others have one PA image, or an AP and a lateral;
28 AP images are a study's second."""


@dataclass(frozen=True)
class Chexpert:
    """Two tables, in the order of the files.

    Attributes:
        studies: `part`, `patient` and `study` (numbers), `sex`, `age` (0: unknown), and the labels (1, 0, -1 or null).
        images: `part`, `patient`, `study`, `path` (`train/patient00001/study1/view1_frontal.jpg`), `side` (`Frontal`,
            `Lateral`), `view` (null for a lateral), `plus` (CheXpert Plus has it).
    """

    studies: pl.DataFrame
    images: pl.DataFrame


@lru_cache(maxsize=1)
def cast(world: World) -> Chexpert:
    """Make the three parts: train, valid and test, disjoint by patient."""
    world = world.at_least(LEAST)
    studies = pl.concat(_studies(world, part, size) for part, size in PARTS.items())
    lost, thinned = _lost(world, studies.filter(part="train"))
    images = _images(studies).with_columns(
        plus=(pl.col("part") != "test")
        & ~pl.col("row").is_in(lost)
        & ~(pl.col("row").is_in(thinned) & (pl.col("kind") == 1))
    )
    return Chexpert(studies.drop("first", "second", "lateral"), images.drop("row", "kind"))


def _studies(world: World, part: str, size: Size) -> pl.DataFrame:
    """The studies of a part: beside what is public, the view of the `first` image, and whether there are others."""
    draws = world.draws("chexpert", part)
    count = world.count(size.studies, least=40)
    patients = world.count(size.patients, least=40)
    if patients < count:
        most = world.count(MOST, least=12)
        per_patient = np.concatenate([[most], deal(draws, count - most, patients - 1)])
    else:
        per_patient = np.ones(patients, np.int64)
    patient = np.repeat(np.arange(patients), per_patient)
    second = draws.permutation(count) < world.count(size.frontals)
    lateral = draws.permutation(count) < world.count(size.laterals)
    sex = np.where(draws.random(patients) < 0.5, "Male", "Female").astype(object)
    if part == "train":
        sex[patient[(per_patient[patient] == 1) & ~second & ~lateral][0]] = "Unknown"  # one row (section 2)
    age = np.where(draws.random(patients) < 0.001, 0, draws.integers(18, 91, patients))
    age[1] = 0
    labels = _labels(draws, count, binary=part != "train")
    return pl.DataFrame(
        {
            "part": [part] * count,
            "patient": size.first_patient + patient,
            "study": np.arange(count) - np.repeat(np.cumsum(per_patient) - per_patient, per_patient) + 1,
            "first": shuffled(draws, list(size.views), list(size.views.values()), count),
            "second": second,
            "lateral": lateral,
            "sex": sex[patient].tolist(),
            "age": age[patient],
        }
    ).hstack(labels)


def _labels(draws: np.random.Generator, count: int, *, binary: bool) -> pl.DataFrame:
    """The labels of studies; a study without finding has no other label but support devices.

    The first study is unsure of everything, the second one has no label; where labels are 0 or 1, all of these are 0.
    """
    values = np.full((count, len(LABELS)), _BLANK, np.int8)
    for place, (present, absent, unsure) in enumerate(LABELS.values()):
        draw = draws.random(count)
        values[:, place] = np.select(
            [draw < present, draw < present + absent, draw < present + absent + unsure], [1, 0, -1], _BLANK
        )
    normal = values[:, 0] == 1
    values[normal, 1:-1] = _BLANK
    values[0], values[1] = -1, _BLANK
    values[0, 0] = _BLANK
    if binary:
        values = (values == 1).astype(np.int8)
    frame = pl.DataFrame(values, schema=list(LABELS))
    return frame.select(pl.when(pl.all() != _BLANK).then(pl.all()))


def _lost(world: World, studies: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Rows of train's studies that CheXpert Plus lacks, and of those of which it lacks the second image.

    Whoever keeps other studies loses one that is not the last: its number is a gap. The first patient loses nothing.
    """
    draws = world.draws("chexpert", "lost")
    of_patient = pl.len().over("patient")
    shuffled_rows = studies.with_row_index("row")[draws.permutation(len(studies))].with_columns(
        of_patient.alias("studies")
    )
    plain = ~pl.col("second") & ~pl.col("lateral")
    free = shuffled_rows.filter(pl.col("patient") > 1)
    alone = free.filter(plain, studies=1, first="AP")
    gaps = free.filter(pl.col("study") < pl.col("studies")).unique("patient", keep="first", maintain_order=True)
    pools = {
        "patients": alone,
        "alone": gaps.filter(plain, first="AP"),
        "PA": gaps.filter(plain, first="PA"),
        "lateral": gaps.filter("lateral", ~pl.col("second"), first="AP"),
    }
    lost = pl.concat(pool["row"].head(world.count(_DROPPED[name])) for name, pool in pools.items())
    thinned = free.filter("second", ~pl.col("row").is_in(lost.implode()))["row"].head(world.count(_DROPPED["second"]))
    return lost.implode(), thinned.implode()


def _images(studies: pl.DataFrame) -> pl.DataFrame:
    """The images of studies, numbered: first frontal, second frontal (AP), lateral; `kind` 0, 1, 2, `row` of the study."""
    rows = studies.with_row_index("row")
    kinds = [
        rows.with_columns(kind=pl.lit(0), side=pl.lit("Frontal"), view=pl.col("first")),
        rows.filter("second").with_columns(kind=pl.lit(1), side=pl.lit("Frontal"), view=pl.lit("AP")),
        rows.filter("lateral").with_columns(kind=pl.lit(2), side=pl.lit("Lateral"), view=pl.lit(None, pl.String)),
    ]
    path = pl.format(
        "{}/patient{}/study{}/view{}_{}.jpg",
        "part",
        pl.col("patient").cast(pl.String).str.zfill(5),
        "study",
        pl.int_range(pl.len()).over("row") + 1,
        pl.col("side").str.to_lowercase(),
    )
    return (
        pl.concat(kinds)
        .sort("row", "kind")
        .select("row", "kind", "part", "patient", "study", path.alias("path"), "side", "view")
    )
