"""The MIMIC family: patients, their studies in order of time, images and labels (sources.md, sections 4, 5 and 41).

A number that is cited has its section beside it; every other one is a plain choice. The first patient of each split
carries the quirks that must be there at any scale: `PLANTED` says which of its studies is there for what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrspec.runtime.synth.shared.dealing import apportion
from cxrspec.runtime.synth.shared.world import World


class Size(NamedTuple):
    """Numbers of one split; the view of `blank` images is not known, that of `rare` ones is a rare one."""

    patients: int
    studies: int
    images: int
    blank: int
    rare: int


PUBLISHED: Final[Mapping[str, Size]] = {
    # Images and studies: section 5. The images of the four common views are 353,619 / 2,867 / 4,834 (section 0.1); of
    # the others 21 are of rare views (section 5; that they are in train is a choice). Patients: 65,379 in all
    # (section 4); their shares are those of the MIMIC-CXR-JPG page, recalled.
    "train": Size(64_586, 222_758, 368_960, 368_960 - 353_619 - 21, 21),
    "val": Size(500, 1_808, 2_991, 2_991 - 2_867, 0),
    "test": Size(293, 3_269, 5_159, 5_159 - 4_834, 0),
}
LEAST: Final[Mapping[str, Size]] = {
    "train": Size(40, 120, 200, 4, 10),
    "val": Size(8, 24, 40, 2, 0),
    "test": Size(6, 30, 50, 2, 0),
}
VIEWS = {"AP": 147_173, "PA": 96_161, "LATERAL": 82_853, "LL": 35_133}
"""The common views and their images (section 5)."""

RARE = ("AP AXIAL", "AP LLD", "AP RLD", "PA RLD", "PA LLD", "LAO", "RAO", "LPO", "XTABLE LATERAL", "SWIMMERS")
UNLABELLED = 8  # section 5: 227,827 of 227,835 studies have labels
FRAMES = np.array([(3056, 2544), (2544, 3056), (2828, 2320), (2022, 1736)])  # rows, columns
SAME_DAY = 0.05
"""How many studies are of the day of the one before."""

_BLANK = 2
"""Stands for null among labels, in numpy's arrays."""


class Rates(NamedTuple):
    """How often a study that is not normal has a finding present (1), absent (0) or unsure (-1)."""

    present: float
    absent: float
    unsure: float


LABELS: Final[Mapping[str, Rates]] = {
    "Atelectasis": Rates(0.30, 0.01, 0.07),
    "Cardiomegaly": Rates(0.28, 0.10, 0.04),
    "Consolidation": Rates(0.07, 0.05, 0.03),
    "Edema": Rates(0.18, 0.15, 0.08),
    "Enlarged Cardiomediastinum": Rates(0.05, 0.04, 0.06),
    "Fracture": Rates(0.03, 0.01, 0.005),
    "Lung Lesion": Rates(0.04, 0.01, 0.01),
    "Lung Opacity": Rates(0.32, 0.03, 0.02),
    "No Finding": Rates(0, 0, 0),
    "Pleural Effusion": Rates(0.36, 0.15, 0.04),
    "Pleural Other": Rates(0.015, 0.002, 0.005),
    "Pneumonia": Rates(0.11, 0.14, 0.11),
    "Pneumothorax": Rates(0.06, 0.25, 0.01),
    "Support Devices": Rates(0.40, 0.02, 0.001),
}
NORMAL = 1 / 3
"""How many studies are normal: No Finding is present, nothing else is, and a finding is absent four times as often."""

PLANTED = (
    "early",  # at 02:59:59.875: the time has lost its leading zero; one image; nothing is said of change
    "same_day",  # of the day of the one before; three images; change in findings and impression
    "called",  # an impression with a redaction and a.m.
    "no_findings",  # a report without FINDINGS
    "no_headings",  # a report without any heading
    "prior_only",  # findings and impression speak of nothing but an earlier study; no label is positive
    "wet_read",  # an IMPRESSION in the wet read, another in the final report
)
"""The studies of the first patient of each split, in order of time."""


PLACE = pl.format("p{}/p{}/s{}", pl.col("subject_id") // 1_000_000, "subject_id", "study_id")
"""The folder of a study, below `files`."""


@dataclass(frozen=True, slots=True)
class Mimic:
    """The cast; splits are train, val and test, frames are sorted by subject.

    studies: study_id, subject_id, split, taken_on (YYYYMMDD), taken_at (HHMMSS.fff), visit (from 0, in order of time),
        planted (of `PLANTED`, or null).
    images: dicom_id, study_id, subject_id, split, view (or null), rows, columns, taken_on, taken_at.
    labels: study_id, then the fourteen `LABELS` (1, 0, -1 or null); eight studies have none.
    """

    studies: pl.DataFrame
    images: pl.DataFrame
    labels: pl.DataFrame

    @property
    def frontal(self) -> pl.DataFrame:
        """One frontal image (AP or PA) of each study that has any."""
        frontal = self.images.filter(pl.col("view").is_in(["AP", "PA"]))
        return frontal.unique("study_id", keep="first", maintain_order=True)


@lru_cache(maxsize=1)
def cast(world: World) -> Mimic:
    """Make the patients and all that is theirs."""
    sizes = {
        split: Size(*(world.count(n, least) for n, least in zip(published, LEAST[split], strict=True)))
        for split, published in PUBLISHED.items()
    }
    studies = _studies(world, sizes)
    return Mimic(studies, _images(world, sizes, studies), _labels(world, studies))


def _studies(world: World, sizes: Mapping[str, Size]) -> pl.DataFrame:
    draws = world.draws("mimic", "studies")
    patients = [size.patients for size in sizes.values()]
    starts = np.cumsum([0, *patients[:-1]], dtype=np.int64)
    visits = np.concatenate([_visits(draws, size) for size in sizes.values()])
    owner = np.repeat(np.arange(sum(patients)), visits)
    first = np.cumsum(visits, dtype=np.int64) - visits

    days = np.where(draws.random(len(owner)) < SAME_DAY, 0, draws.geometric(1 / 100, len(owner)))
    time = draws.integers(24 * 3_600_000, size=len(owner))  # milliseconds
    for start in first[starts]:
        days[start + 1 : start + len(PLANTED)] = [0, *[30] * (len(PLANTED) - 2)]
        time[start : start + 2] = [10_799_875, 32_712_000]
    days = np.cumsum(days, dtype=np.int64)
    days += (draws.integers(32_000, size=sum(patients)) - days[first])[owner]  # a patient's first day is its own

    subjects = 10_000_000 + draws.choice(10_000_000, sum(patients), replace=False)
    frame = pl.DataFrame(
        {
            "study_id": 50_000_000 + draws.choice(10_000_000, len(owner), replace=False),
            "subject_id": subjects[owner],
            "split": np.repeat(list(sizes), [size.studies for size in sizes.values()]),
            "taken_on": np.datetime64("2110-01-01") + days,
            "taken_at": time // 3_600_000 * 10_000 + time // 60_000 % 60 * 100 + time % 60_000 / 1_000,
        }
    )
    names = pl.col("visit").replace_strict(dict(enumerate(PLANTED)), default=None, return_dtype=pl.String)
    return (
        frame.with_columns(taken_on=pl.col("taken_on").dt.strftime("%Y%m%d").cast(pl.Int64))
        .sort("subject_id", "taken_on", "taken_at", "study_id")
        .with_columns(visit=pl.int_range(pl.len()).over("subject_id"))
        .with_columns(planted=pl.when(pl.col("subject_id").is_in(pl.Series(subjects[starts]).implode())).then(names))
    )


def _visits(draws: np.random.Generator, size: Size) -> NDArray[np.int64]:
    """How many studies each patient of a split has: at least one, the first at least those that are planted."""
    free = size.studies - size.patients - (len(PLANTED) - 1)
    weights = draws.gamma(0.7, size=size.patients)
    visits = 1 + draws.multinomial(free, weights / weights.sum())
    visits[0] += len(PLANTED) - 1
    return visits


def _images(world: World, sizes: Mapping[str, Size], studies: pl.DataFrame) -> pl.DataFrame:
    draws = world.draws("mimic", "images")
    chance = draws.random(len(studies))
    chance[_at(studies, pl.col("planted") == "same_day")] = -1  # gets more images first,
    chance[_at(studies, pl.col("planted") == "early")] = 2  # and this one last
    more = np.zeros(len(studies), np.int64)
    for split, size in sizes.items():
        rows = _at(studies, pl.col("split") == split)
        order = rows[np.argsort(chance[rows], kind="stable")]
        free = size.images - size.studies
        third, fourth = free * 13 // 100, free * 2 // 100
        more[order[: free - third - fourth]] += 1
        more[order[:third]] += 1
        more[order[1 : 1 + fourth]] += 1
    study = np.repeat(np.arange(len(studies)), 1 + more)
    place = np.arange(len(study)) - np.repeat(np.cumsum(1 + more) - 1 - more, 1 + more)

    frame = studies[study].select("study_id", "subject_id", "split", "taken_on", "taken_at")
    views = np.full(len(study), None, dtype=object)
    for split, size in sizes.items():
        rows = draws.permutation(_at(frame, pl.col("split") == split))[size.blank :]
        # Frontal images come first in a study, lateral ones last, mostly.
        order = rows[np.argsort(place[rows] + 1.1 * draws.random(len(rows)))]
        views[order] = _views(draws, split, size)
    sides = FRAMES[draws.integers(len(FRAMES), size=len(study))]
    return (
        frame.with_columns(
            dicom_id=pl.Series(dicom_ids(draws, len(study))),
            view=pl.Series(views.tolist(), dtype=pl.String),
            rows=sides[:, 0],
            columns=sides[:, 1],
        )
        .select("dicom_id", pl.exclude("dicom_id"))
        .sort("subject_id", "study_id", "dicom_id")
    )


def _views(draws: np.random.Generator, split: str, size: Size) -> list[str]:
    """The views of a split's images that have one: frontal, rare, lateral. At scale 1 each view has its published sum."""
    published = np.array(list(VIEWS.values()))
    own = {s: apportion(published.tolist(), p.images - p.blank - p.rare) for s, p in PUBLISHED.items() if s != "train"}
    weights = published - np.sum(list(own.values()), axis=0) if split == "train" else published
    ap, pa, lateral, ll = apportion(weights.tolist(), size.images - size.blank - size.rare)
    rare = [RARE[n % len(RARE)] for n in range(size.rare)]
    frontal = draws.permutation(np.repeat(["AP", "PA"], [ap, pa])).tolist()
    return [*frontal, *rare, *draws.permutation(np.repeat(["LATERAL", "LL"], [lateral, ll])).tolist()]


def own_split(world: World, source: str, parts: Mapping[str, float]) -> pl.DataFrame:
    """A split of a source's own, by patient (subject_id, part), that conflicts with MIMIC's (section 38, D17).

    Patients go to parts (train, val, test, under the names that the source gives them) by shares. The planted patient
    of MIMIC's train goes to test, that of test to train, that of val to val.
    """
    studies = cast(world).studies
    subjects = studies["subject_id"].unique(maintain_order=True)
    train, val, test = parts
    drawn = world.draws(source, "own split").choice([*parts], size=len(subjects), p=[*parts.values()])
    moved = {"train": test, "val": val, "test": train}
    planted = studies.filter(planted=PLANTED[0]).select("subject_id", moved=pl.col("split").replace_strict(moved))
    frame = pl.DataFrame({"subject_id": subjects, "drawn": drawn}).join(planted, on="subject_id", how="left")
    return frame.select("subject_id", part=pl.coalesce("moved", "drawn")).sort("subject_id")


def dicom_ids(draws: np.random.Generator, count: int) -> list[str]:
    """Names of images: five groups of eight hex digits, joined by hyphens."""
    digits = draws.bytes(20 * count).hex()
    return [
        "-".join(digits[at + group : at + group + 8] for group in range(0, 40, 8)) for at in range(0, 40 * count, 40)
    ]


def _labels(world: World, studies: pl.DataFrame) -> pl.DataFrame:
    draws = world.draws("mimic", "labels")
    normal = draws.random(len(studies)) < NORMAL
    columns: dict[str, pl.Series] = {}
    for label, rates in LABELS.items():
        chance = draws.random(len(studies))
        usual = np.select(
            [chance < rates.present, chance < rates.present + rates.absent, chance < sum(rates)], [1, 0, -1], _BLANK
        )
        clear = np.where(chance < 4 * rates.absent, 0, _BLANK)
        columns[label] = pl.Series(np.where(normal, clear, usual)).replace(_BLANK, None).cast(pl.Int8)
    columns["No Finding"] = pl.Series(np.where(normal, 1, _BLANK)).replace(_BLANK, None).cast(pl.Int8)
    nothing = {"Pneumothorax": 0, "Pneumonia": -1}
    frame = studies.select("study_id", "planted", **columns).with_columns(
        pl.when(pl.col("planted").eq_missing("prior_only")).then(nothing.get(label)).otherwise(label).alias(label)
        for label in LABELS
    )
    others = _at(frame, pl.col("planted").is_null())
    lacking = draws.choice(others, world.count(UNLABELLED), replace=False)
    return frame.drop("planted").with_row_index().filter(~pl.col("index").is_in(lacking.tolist())).drop("index")


def _at(frame: pl.DataFrame, condition: pl.Expr) -> NDArray[np.int64]:
    """The numbers of the rows for which a condition holds."""
    return frame.select(pl.arg_where(condition)).to_series().to_numpy().astype(np.int64)
