"""The four specs of OpenI and RSNA once more, as row loops over the raw files: zipfile, tarfile, csv, ElementTree, numpy."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from .classification import image_classification
from .examples import Example, Examples, task
from .prompts import text_turn

# ---- the raw files


@dataclass(frozen=True)
class Report:
    findings: str
    impression: str
    images: tuple[str, ...]


def reports(root: Path) -> dict[int, Report]:
    """The reports of OpenI by number."""
    found: dict[int, Report] = {}
    with tarfile.open(root / "openi" / "NLMCXR_reports.tgz") as archive:
        for member in archive:
            number = re.fullmatch(r"ecgen-radiology/(\d+)\.xml", member.name)
            file = archive.extractfile(member)
            if number is not None and file is not None:
                found[int(number[1])] = _report(ElementTree.fromstring(file.read()))
    return found


def _report(tree: ElementTree.Element) -> Report:
    texts = {text.get("Label"): "".join(text.itertext()) for text in tree.iter("AbstractText")}
    squeezed = {label: " ".join(text.split()) for label, text in texts.items()}
    images = tuple(str(image.get("id")) for image in tree.iter("parentImage"))
    return Report(squeezed.get("FINDINGS", ""), squeezed.get("IMPRESSION", ""), images)


def pneumonia(root: Path) -> dict[str, bool]:
    """RSNA's patients, each with whether any of its rows has a box."""
    found: dict[str, bool] = {}
    for row in _label_rows(root / "rsna"):
        found[row["patientId"]] = found.get(row["patientId"], False) or row["Target"] == "1"
    return found


def _label_rows(folder: Path) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(next(folder.glob("*stage_2_train_labels.csv.zip"))) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    yield from csv.DictReader(io.StringIO(text))


def nih_images(root: Path) -> dict[str, str]:
    """RSNA's patients that the mapping file links to an NIH image."""
    path = root / "rsna" / "pneumonia-challenge-dataset-mappings_2018.json"
    entries: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
    return {entry["subset_img_id"]: entry["img_id"] for entry in entries}


# ---- the specs


def openi(root: Path, task_name: str, seed: int) -> Examples:
    wheels, found = task(task_name).wheels, Examples()
    for number, report in reports(root).items():
        id = f"{task_name}/openi/{number}"
        images = tuple(f"openi/{image}.png" for image in report.images)
        if task_name == "findings_summarization":
            if report.findings and report.impression:
                slots = {"findings": report.findings}
                turn = text_turn(seed, id, "shorten", wheels["shorten"], report.impression, slots)
                found[id] = Example("test", "openi", None, f"openi/{number}", (), (turn,), report.impression)
            continue
        text = report.findings if task_name == "findings_generation" else report.impression
        if text and images:
            turn = text_turn(seed, id, "write", wheels["write"], text, {})
            found[id] = Example("test", "openi", None, f"openi/{number}", images, (turn,), text)
    return found


def rsna(root: Path, seed: int) -> Examples:
    found = Examples()
    linked, labels = nih_images(root), pneumonia(root)
    splits = gloria(list(labels))
    for patient, positive in labels.items():
        id = f"image_classification/rsna/{patient}"
        positives, negatives = (["Pneumonia"], list[str]()) if positive else (list[str](), ["Pneumonia"])
        turns, target = image_classification(seed, id, ["Pneumonia"], positives, negatives)
        space, who, study = "rsna", None, f"rsna/{patient}"
        if patient in linked:
            number = int(linked[patient].partition("_")[0])
            space, who, study = "nih", f"nih/{number}", f"nih/{linked[patient]}"
        image = f"rsna/stage_2_train_images/{patient}.dcm"
        found[id] = Example(splits[patient], space, who, study, (image,), turns, target)
    return found


def gloria(patients: Sequence[str]) -> dict[str, str]:
    """GLoRIA's `train, rest = train_test_split(sorted, 0.3)` and `test, val = train_test_split(rest, 0.5)`."""
    rest, train = shuffle_split(np.array(sorted(patients)), 0.3)
    val, test = shuffle_split(rest, 0.5)
    parts = {"train": train, "val": val, "test": test}
    return {str(patient): split for split, part in parts.items() for patient in part}


def shuffle_split(items: np.ndarray[Any, Any], share: float, seed: int = 0) -> tuple[Any, Any]:
    """scikit-learn's ShuffleSplit: (held, kept); train_test_split returns the kept ones first."""
    held = math.ceil(len(items) * share)
    order = np.random.RandomState(seed).permutation(len(items))
    return items[order[:held]], items[order[held:]]
