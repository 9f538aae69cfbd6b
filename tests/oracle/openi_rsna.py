"""The four specs of OpenI and RSNA once more, as row loops over the raw files: zipfile, tarfile, csv, ElementTree, numpy."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml

from .prompts import Choice, Turn, Wheel, choice_turn, decoys, draw, in_drawn_order, text_turn, unit

SPECS = Path(__file__).parents[2] / "specs"
ACRONYMS = ("COPD", "COVID", "CPAM", "ILD", "NSG", "PA")


@dataclass(frozen=True)
class Example:
    """One example, but for its id."""

    split: str
    space: str
    patient: str | None
    study: str
    images: tuple[str, ...]
    turns: tuple[Turn, ...]
    target: Any = field(compare=True)


Examples = dict[str, Example]


class Task:
    """The prompts of a task file, form by form."""

    def __init__(self, name: str) -> None:
        words = yaml.safe_load((SPECS / "words.yaml").read_text())
        task = yaml.safe_load((SPECS / "tasks" / name / "task.yaml").read_text())
        rules = {**words["rules"], **task.get("rules", {})}
        self.name = name
        self.wheels = {f["form"]: Wheel(f["prompt"], rules, f.get("count", 1)) for f in task["turns"]}


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
    task, found = Task(task_name), Examples()
    for number, report in reports(root).items():
        id = f"{task_name}/openi/{number}"
        images = tuple(f"openi/{image}.png" for image in report.images)
        if task_name == "findings_summarization":
            if report.findings and report.impression:
                slots = {"findings": report.findings}
                turn = text_turn(seed, id, "shorten", task.wheels["shorten"], report.impression, slots)
                found[id] = Example("test", "openi", None, f"openi/{number}", (), (turn,), report.impression)
            continue
        text = report.findings if task_name == "findings_generation" else report.impression
        if text and images:
            turn = text_turn(seed, id, "write", task.wheels["write"], text, {})
            found[id] = Example("test", "openi", None, f"openi/{number}", images, (turn,), text)
    return found


def rsna(root: Path, seed: int) -> Examples:
    task, found = Task("image_classification"), Examples()
    linked, labels = nih_images(root), pneumonia(root)
    splits = gloria(list(labels))
    for patient, positive in labels.items():
        id = f"image_classification/rsna/{patient}"
        positives, negatives = (["Pneumonia"], list[str]()) if positive else (list[str](), ["Pneumonia"])
        turns, target = image_classification(seed, id, task.wheels, ["Pneumonia"], positives, negatives)
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


def image_classification(
    seed: int,
    id: str,
    wheels: Mapping[str, Wheel],
    options: Sequence[str],
    positives: Sequence[str],
    negatives: Sequence[str],
) -> tuple[tuple[Turn, ...], Any]:
    """The turns of the task, and the first one's answer."""
    turns: list[Turn] = []
    targets: list[Any] = []
    if len(options) >= 2 and positives:
        choice = Choice(several=True, markers=("letters", "numbers"))
        turns.append(choice_turn(seed, id, "select", wheels["select"], options, positives, choice))
        targets.append([option for option in options if option in positives])
    if 1 <= len(positives) <= 5 and len(negatives) >= 3:
        others = decoys(seed, id, "which_set.others", positives, negatives, 3)
        truth = ", ".join(in_drawn_order(seed, id, "which_set.truth", positives)).lower()
        sets = [truth, *(", ".join(other).lower() for other in others)]
        choice = Choice(reply=("text", "marker"))
        turns.append(choice_turn(seed, id, "which_set", wheels["which_set"], sets, [truth], choice))
        targets.append(truth)
    disease = _disease(seed, id, positives, negatives)
    if disease is not None:
        answer = "Yes" if disease in positives else "No"
        slots = {"named": in_sentence(disease)}
        turns.append(choice_turn(seed, id, "presence", wheels["presence"], ["Yes", "No"], [answer], Choice(), slots))
        targets.append(answer)
    return tuple(turns), targets[0] if targets else None


def in_sentence(label: str) -> str:
    """The label as it stands inside of a sentence."""
    return label if any(acronym in label for acronym in ACRONYMS) else label.lower()


def _disease(seed: int, id: str, positives: Sequence[str], negatives: Sequence[str]) -> str | None:
    site = "presence.disease"
    first, second = (positives, negatives) if unit(draw(seed, id, site)) < 0.5 else (negatives, positives)
    drawn = in_drawn_order(seed, id, site, first) or in_drawn_order(seed, id, site, second)
    return drawn[0] if drawn else None
