"""ChestX-ray14, and what was taken from it: RSNA's challenge and a part of COVIDx."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import files
from .classification import image_classification
from .examples import Example, Examples, Oracle, escaped, example_id
from .prompts import Turn, draw, unit
from .splits import gloria, otherwise, ratio, seventy_ten_twenty

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia"),
    *("Infiltration", "Mass", "Nodule", "Pleural Thickening", "Pneumonia", "Pneumothorax"),
)
KEPT = 10_000
KEPT_SHARE = 0.16567

# ---- the raw files


@dataclass(frozen=True)
class Entry:
    """An image of ChestX-ray14."""

    patient: int
    findings: tuple[str, ...]


def entries(root: Path) -> dict[str, Entry]:
    folder = root / "chestxray14"
    names = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
    name = next(name for name in names if (folder / name).exists())
    found: dict[str, Entry] = {}
    for row in files.csv_rows(folder, name):
        labels = [label.replace("_", " ") for label in row["Finding Labels"].split("|") if label != "No Finding"]
        assert set(labels) <= set(FINDINGS)
        found[row["Image Index"]] = Entry(int(row["Patient ID"]), tuple(labels))
    return found


def pictures(root: Path) -> dict[str, str]:
    """The paths of the pictures in the archives by name."""
    found: dict[str, str] = {}
    for path in (root / "chestxray14").glob("images_*.tar.gz"):
        with tarfile.open(path) as archive:
            found |= {name.rpartition("/")[2]: name for name in archive.getnames() if name.endswith(".png")}
    return found


def official(root: Path, seed: int) -> dict[int, str]:
    """The patients of ChestX-ray14: an eighth of those in the list for training is val. Nobody, if a file is absent."""
    folder, lists = root / "chestxray14", ("train_val_list.txt", "test_list.txt")
    if not all((folder / name).exists() for name in lists):
        return {}
    known, found = entries(root), dict[int, str]()
    for name in lists:
        for image in files.text(folder, name).split():
            patient = known[image].patient
            part = "test" if name == "test_list.txt" else ratio(seed, f"nih/{patient}", "official", {"val": 0.125})
            assert found.setdefault(patient, part) == part
    return found


def pneumonia(root: Path) -> dict[str, bool]:
    """RSNA's patients, each with whether any of its rows has a box."""
    names = ("stage_2_train_labels.csv", "kaggle_stage_2_train_labels.csv")
    name = next(name for name in names if any((root / "rsna").glob(f"{name}*")))
    found: dict[str, bool] = {}
    for row in files.csv_rows(root / "rsna", name):
        found[row["patientId"]] = found.get(row["patientId"], False) or row["Target"] == "1"
    return found


def nih_images(root: Path) -> dict[str, str]:
    """RSNA's patients that the mapping file links to an NIH image."""
    path = root / "rsna" / "pneumonia-challenge-dataset-mappings_2018.json"
    links: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
    assert all(re.match(r"\d{8}_", link["img_id"]) for link in links)
    return {link["subset_img_id"]: link["img_id"] for link in links}


@dataclass(frozen=True)
class Listed:
    """A line of COVIDx's lists."""

    part: str
    patient: str
    name: str
    positive: bool
    origin: str


def covidx_lists(root: Path) -> Iterator[Listed]:
    folder = root / "covidx"
    for part in ("train", "val", "test"):
        for path in (folder / f"{part}.txt", folder / "labels" / f"{part}_COVIDx_CXR-3B.txt"):
            for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
                patient, name, class_, origin = line.split(" ")
                assert class_ in ("positive", "negative")
                yield Listed(part, patient, name, class_ == "positive", "rsna" if origin == "rnsa" else origin)


# ---- the specs


@dataclass(frozen=True)
class Whose:
    """Of whom an image is, and its split."""

    split: str
    space: str
    patient: str | None
    study: str


class Links:
    """Images of other sources that are NIH's; their patients have the split of ChestX-ray14, but in a published run."""

    def __init__(self, root: Path, seed: int, published: bool) -> None:
        self.images, self.known = nih_images(root), official(root, seed)
        self.seed, self.published = seed, published

    def whose(self, rsna_id: str, own: Whose) -> Whose:
        image = self.images.get(rsna_id)
        if image is None:
            return own
        patient = int(image.partition("_")[0])
        split = self.known.get(patient) or otherwise(self.seed, f"nih/{patient}")
        return Whose(own.split if self.published else split, "nih", f"nih/{patient}", f"nih/{image}")


def yes_or_no(seed: int, id: str, disease: str, positive: bool) -> tuple[tuple[Turn, ...], Any]:
    positives, negatives = ([disease], []) if positive else ([], [disease])
    return image_classification(seed, id, [disease], positives, negatives)


def image_classification__chestxray14(root: Path, seed: int, published: bool) -> Examples:
    spec = "image_classification/chestxray14"
    paths, known = pictures(root), official(root, seed)
    images = {image: entry for image, entry in entries(root).items() if image in paths}
    by_image = seventy_ten_twenty(images)
    found, normal = Examples(), list[str]()
    for image, entry in images.items():
        split = by_image[image] if published else known[entry.patient]
        id = example_id(spec, [image], split, published)
        if split == "train" and not entry.findings:
            normal.append(id)
        positives = list(entry.findings) or ["no findings"]
        negatives = [finding for finding in FINDINGS if finding not in entry.findings]
        turns, target = image_classification(seed, id, [*FINDINGS, "no findings"], positives, negatives)
        who, study, path = f"nih/{entry.patient}", f"nih/{image}", f"chestxray14/{paths[image]}"
        found[id] = Example(split, "nih", who, study, (path,), turns, target)
    for id in surplus(seed, normal, published):
        del found[id]
    return found


def surplus(seed: int, normal: Iterable[str], published: bool) -> list[str]:
    """The normal images of train that are left out."""
    drawn = {id: draw(seed, id, "keep.normal") for id in normal}
    if published:
        return [id for id in drawn if unit(drawn[id]) >= KEPT_SHARE]
    return sorted(drawn, key=lambda id: drawn[id])[KEPT:]


def image_classification__rsna(root: Path, seed: int, published: bool) -> Examples:
    spec, found = "image_classification/rsna", Examples()
    labels, links = pneumonia(root), Links(root, seed, published)
    splits = gloria(labels)
    for patient, positive in labels.items():
        whose = links.whose(patient, Whose(splits[patient], "rsna", None, f"rsna/{patient}"))
        id = example_id(spec, [patient], whose.split, published)
        path = f"rsna/stage_2_train_images/{patient}.dcm"
        turns, target = yes_or_no(seed, id, "Pneumonia", positive)
        found[id] = Example(whose.split, whose.space, whose.patient, whose.study, (path,), turns, target)
    return found


def image_classification__covidx(root: Path, seed: int, published: bool) -> Examples:
    spec, found = "image_classification/covidx", Examples()
    links = Links(root, seed, published)
    for one in covidx_lists(root):
        stem = one.name.partition(".")[0]
        who, study = f"covidx/{one.origin}/{escaped(one.patient)}", f"covidx/{escaped(one.name)}"
        whose = links.whose(stem if one.origin == "rsna" else "", Whose(one.part, "covidx", who, study))
        study = f"{whose.space}/{one.origin}/{escaped(stem)}" if published else whose.study
        id = example_id(spec, [one.part, one.name], whose.split, published)
        assert id not in found
        turns, target = yes_or_no(seed, id, "COVID-19", one.positive)
        path = f"covidx/{one.part}/{one.name}"
        found[id] = Example(whose.split, whose.space, whose.patient, study, (path,), turns, target)
    return found


ORACLES: dict[str, Oracle] = {
    "image_classification/chestxray14": image_classification__chestxray14,
    "image_classification/rsna": image_classification__rsna,
    "image_classification/covidx": image_classification__covidx,
}
