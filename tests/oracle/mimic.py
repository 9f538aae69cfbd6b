"""MIMIC-CXR from its raw files: images, reports with their sections, labels, studies in order of time, and its space."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .files import csv_rows
from .reports import squeezed
from .splits import otherwise

VIEWS = (
    *("PA", "AP", "LATERAL", "LL", "AP AXIAL", "AP LLD", "AP RLD", "PA RLD", "PA LLD"),
    *("LAO", "RAO", "LPO", "XTABLE LATERAL", "SWIMMERS"),
)
SPLITS = {"train": "train", "validate": "val", "test": "test"}
LABELS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture"),
    *("Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia"),
    *("Pneumothorax", "Support Devices"),
)


@dataclass(frozen=True)
class Image:
    id: str
    subject: int
    study: int
    view: str
    taken: tuple[int, float]

    @property
    def path(self) -> str:
        subject = str(self.subject)
        return f"mimic_cxr/files/p{subject[:2]}/p{subject}/s{self.study}/{self.id}.jpg"

    @property
    def rank(self) -> tuple[int, str]:
        """Where it stands in its study."""
        return VIEWS.index(self.view) if self.view in VIEWS else 99, self.id


@dataclass(frozen=True)
class Sections:
    """Of a report; what it lacks is empty."""

    findings: str = ""
    impression: str = ""
    indication: str = ""
    comparison: str = ""
    last_paragraph: str = ""


@dataclass(frozen=True)
class Study:
    subject: int
    study: int
    images: tuple[str, ...]
    taken: tuple[int, float]
    text: Sections
    mentions: Mapping[str, str] | None
    previous_image: str | None = None


# ---- the raw files


@cache
def images(root: Path) -> dict[str, Image]:
    """The images by id."""
    found: dict[str, Image] = {}
    for row in csv_rows(root / "mimic_cxr", "mimic-cxr-2.0.0-metadata.csv"):
        taken = int(row["StudyDate"]), float(row["StudyTime"])
        id = row["dicom_id"]
        assert id not in found
        found[id] = Image(id, int(row["subject_id"]), int(row["study_id"]), row["ViewPosition"], taken)
    return found


@cache
def texts(root: Path) -> dict[int, Sections]:
    """The sections of the reports by study."""
    found: dict[int, Sections] = {}
    with zipfile.ZipFile(root / "mimic_cxr" / "mimic-cxr-reports.zip") as archive:
        for name in archive.namelist():
            place = re.fullmatch(r"files/[^/]+/p\d+/s(\d+)\.txt", name)
            if place is not None:
                found[int(place[1])] = sections(archive.read(name).decode())
    return found


HEADING = re.compile(r"^[ \t]*([A-Z ()/,-]+):", re.MULTILINE)
NAMES = {
    "findings": ("FINDINGS", "FINDING"),
    "impression": ("IMPRESSION", "IMPRESSIONS", "CONCLUSION", "CONCLUSIONS"),
    "indication": (
        *("INDICATION", "INDICATIONS", "HISTORY", "CLINICAL HISTORY", "CLINICAL INFORMATION"),
        *("REASON FOR EXAM", "REASON FOR EXAMINATION"),
    ),
    "comparison": ("COMPARISON", "COMPARISONS"),
}


def sections(report: str) -> Sections:
    """What stands under the last heading of one of the names; and under the last of all headings."""
    headings = list(HEADING.finditer(report))
    ends = [heading.start() for heading in headings[1:]] + [len(report)]
    under = dict.fromkeys(NAMES, "") | {"last_paragraph": squeezed(report)}
    for heading, end in zip(headings, ends, strict=False):
        under["last_paragraph"] = squeezed(report[heading.end() : end])
        for section, names in NAMES.items():
            if squeezed(heading[1]) in names:
                under[section] = under["last_paragraph"]
    return Sections(**under)


@cache
def mentions(root: Path) -> dict[int, dict[str, str]]:
    """The cells of the fourteen labels by study."""
    rows = csv_rows(root / "mimic_cxr", "mimic-cxr-2.0.0-chexpert.csv")
    return {int(row["study_id"]): {label: row[label] for label in LABELS} for row in rows}


# ---- what is made of them


@cache
def studies(root: Path) -> dict[int, Study]:
    """The studies that have images, each with the first image of the one before."""
    members: dict[int, list[Image]] = {}
    for image in images(root).values():
        members.setdefault(image.study, []).append(image)
    made = [_study(root, group) for group in members.values()]
    found: dict[int, Study] = {}
    before: dict[int, str] = {}
    for study in sorted(made, key=lambda study: (study.subject, study.taken, study.study)):
        found[study.study] = replace(study, previous_image=before.get(study.subject))
        before[study.subject] = study.images[0]
    return found


def _study(root: Path, group: list[Image]) -> Study:
    ((subject, study),) = {(image.subject, image.study) for image in group}
    paths = tuple(image.path for image in sorted(group, key=lambda image: image.rank))
    taken = min(image.taken[0] for image in group), min(image.taken[1] for image in group)
    return Study(subject, study, paths, taken, texts(root).get(study, Sections()), mentions(root).get(study))


# ---- the space


@cache
def official(root: Path) -> dict[int, str]:
    """MIMIC's own split by patient; where the file is absent, of nobody."""
    try:
        rows = list(csv_rows(root / "mimic_cxr", "mimic-cxr-2.0.0-split.csv"))
    except FileNotFoundError:
        return {}
    pairs = {(int(row["subject_id"]), SPLITS[row["split"]]) for row in rows}
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def split_of(root: Path, seed: int, subject: int) -> str:
    """The side of a patient of MIMIC."""
    return official(root).get(subject) or otherwise(seed, f"mimic/{subject}")


def who(subject: int, study: int) -> tuple[str, str, str]:
    """Space, patient and study, as an example names them."""
    return "mimic", f"mimic/{subject}", f"mimic/{study}"
