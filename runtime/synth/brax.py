"""BRAX 1.1.0: one CSV of 26 columns, the first without a name; no reports.

40,967 images, 24,959 studies, 19,351 patients; 19,310 images are frontal. (Section 10 of the sources.)

Our choice: a study is a patient and an accession number, and one number is shared by two patients; three studies of five
have no finding; of the others, each label is there with 12 %, denied with 5 %, uncertain with 5 %, else blank; the images of a
study share their labels, but for one study.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.shared.dealing import deal, ensure
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.ids import digits, hashes
from cxrspec.runtime.synth.shared.world import World

IMAGES, STUDIES, PATIENTS, FRONTAL = 40_967, 24_959, 19_351, 19_310

LABELS = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Lesion", "Lung Opacity", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture"),
    "Support Devices",
)
"""In the order of the file, where Lesion comes before Opacity."""

VIEWS = {"PA": 0.67, "AP": 0.32, "AP LLD": 0.01}
SIDES = {"L": 0.9, "RL": 0.04, "RLO": 0.02, "LT-DECUB": 0.01, None: 0.03}
"""Views that are frontal and those that are not, and how often each comes among its kind."""

PLANTED = (
    [np.nan, *[-1] * 13],  # everything uncertain
    [np.nan, *[1] * 13],
    [np.nan] * 14,
    [0] * 14,
    [1, *[np.nan] * 13],
)
"""Labels that are always there, a study each."""

SPLIT_IN_ITSELF = 4
"""The study of which a second image says something else."""

AGES = (*(f"{age}-{age + 4}" for age in range(0, 85, 5)), "85 or more")


def make(folder: Folder, world: World) -> None:
    """Write `master_spreadsheet_update.csv`."""
    draws = world.draws("brax")
    studies = _studies(draws, world.count(STUDIES, 90), world.count(PATIENTS, 70))
    count = world.count(IMAGES, 148)
    sizes = deal(draws, count, studies.height)
    ensure(sizes, SPLIT_IN_ITSELF, 2)
    of = np.repeat(np.arange(studies.height), sizes)
    series, image = (pl.Series(name, digits(draws, count, 24)) for name in ("series", "image"))
    rows = pl.DataFrame({"study": of}).join(studies, on="study", maintain_order="left")
    below = "id_" + pl.col("PatientID") + "/Study_" + pl.col("uid") + "/Series_1.2." + series + "/image-1.2." + image
    second = pl.int_range(pl.len()) == np.flatnonzero(of == SPLIT_IN_ITSELF)[1]
    rows = rows.with_columns(
        ("Anonymized_DICOMs/" + below + ".dcm").alias("DicomPath"),
        ("images/" + below + ".png").alias("PngPath"),
        _views(draws, count),
        pl.Series("Rows", draws.integers(900, 1800, count) * 2),
        pl.Series("Columns", draws.integers(901, 1700, count) * 2),
        pl.when(~second).then("No Finding").alias("No Finding"),
        pl.when(second).then(1.0).otherwise("Edema").alias("Edema"),
    )
    front = ("DicomPath", "PngPath", "PatientID", "PatientSex", "PatientAge", "AccessionNumber", "StudyDate")
    rows = rows.select(*front, *LABELS, "ViewPosition", "Rows", "Columns", "Manufacturer")
    rows = rows[draws.permutation(count)].with_row_index("")
    folder.csv("master_spreadsheet_update.csv", rows, header=",".join(rows.columns))


def _views(draws: np.random.Generator, count: int) -> pl.Series:
    """As many frontal images as published; each view is there, however few images."""
    frontal = round(count * FRONTAL / IMAGES)
    views: list[str | None] = []
    for chances, number in ((VIEWS, frontal), (SIDES, count - frontal)):
        drawn = draws.choice(len(chances), number, p=list(chances.values()))
        drawn[: len(chances)] = np.arange(len(chances))
        views.extend(list(chances)[int(at)] for at in drawn)
    return pl.Series("ViewPosition", views)[draws.permutation(count)]


def _studies(draws: np.random.Generator, count: int, patients: int) -> pl.DataFrame:
    """A row a study, with the columns that its images share; `study` is its place."""
    of = np.repeat(np.arange(patients), deal(draws, count, patients))
    people = np.array(hashes(draws, patients, 32))
    accession = draws.permutation(count) + 10_000_000
    accession[of.searchsorted(1)] = accession[0]  # the first studies of two patients
    days = np.datetime64("2008-01-01") + draws.integers(3600, size=count)
    labels = _labels(draws, count)
    return pl.DataFrame(
        {
            "study": np.arange(count),
            "uid": [f"1.2.{number}" for number in digits(draws, count, 30)],
            "PatientID": people[of],
            "PatientSex": draws.choice(np.array(["F", "M", "O"]), patients, p=(0.5, 0.495, 0.005))[of],
            "PatientAge": [AGES[int(at)] for at in draws.integers(len(AGES), size=patients)[of]],
            "AccessionNumber": accession,
            # a day that was read as nanoseconds since 1970, as the real file prints it
            "StudyDate": ["1970-01-01 00:00:00.0" + str(day).replace("-", "") for day in days],
            "Manufacturer": draws.integers(4, size=count),
            **{name: labels[:, at] for at, name in enumerate(LABELS)},
        }
    ).with_columns(pl.col(LABELS).fill_nan(None))


def _labels(draws: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """A row a study: 1 there, 0 denied, -1 uncertain, nan blank."""
    labels = draws.choice(np.array([1, 0, -1, np.nan]), (count, len(LABELS)), p=(0.12, 0.05, 0.05, 0.78))
    nothing = draws.random(count) < 0.6
    labels[:, 0] = np.where(nothing, 1, np.nan)
    labels[nothing, 1:-1] = np.nan
    for place, planted in enumerate(PLANTED):
        labels[place] = planted
    return labels
