"""The specs on labels and views: Image Classification of MIMIC-CXR and of CXR-LT, View Classification."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from .classification import COMPETITION, image_classification, sides
from .examples import Example, Examples, Oracle, example_id, task
from .files import csv_rows
from .mimic import LABELS, images, split_of, studies, who
from .prompts import Choice, choice_turn, draw, unit

RARE = (
    *("Calcification of the Aorta", "Emphysema", "Fibrosis", "Hernia", "Infiltration", "Mass", "Nodule"),
    *("Pleural Thickening", "Pneumomediastinum", "Pneumoperitoneum", "Subcutaneous Emphysema", "Tortuous Aorta"),
)
"""What CXR-LT added."""


def image_classification__mimic_cxr(root: Path, seed: int, published: bool) -> Examples:
    """Of the studies of train without finding so many are kept."""
    found, without_finding = Examples(), list[str]()
    for study in studies(root).values():
        positives, negatives = sides(study.mentions or {}, COMPETITION)
        if not positives:
            continue
        split = split_of(root, seed, study.subject)
        id = example_id("image_classification/mimic_cxr", [study.study], split, published)
        if split == "train" and "No Finding" in positives:
            without_finding.append(id)
        turns, target = image_classification(seed, id, LABELS, positives, negatives)
        found[id] = Example(split, *who(study.subject, study.study), study.images, turns, target)
    kept = 48_886 if published else 50_000
    for id in sorted(without_finding, key=lambda id: draw(seed, id, "keep.no_finding"))[kept:]:
        del found[id]
    return found


def image_classification__cxr_lt(root: Path, seed: int, published: bool) -> Examples:
    """Labels of the first image of a study; a published row reads the file `train` only, and takes its split from it."""
    rows = defaultdict[int, list[tuple[str, str, list[str], list[str]]]](list)
    for part, own in {"train": "train", "development": "val", "test": "test"}.items():
        for row in csv_rows(root / "cxr_lt", f"cxr-lt-2023/{part}.csv"):
            if row["study_id"]:
                labels = sides({label: row[label] for label in RARE})
                rows[int(float(row["study_id"]))].append((row["dicom_id"], own, *labels))
    found = Examples()
    for number, some in rows.items():
        _, own, positives, negatives = min(some)
        assert {row[1] for row in some} == {own}
        study = studies(root).get(number)
        if study is None or not positives or (published and own != "train"):
            continue
        split = own if published else split_of(root, seed, study.subject)
        id = example_id("image_classification/cxr_lt", [number], split, published)
        turns, target = image_classification(seed, id, RARE, positives, negatives)
        found[id] = Example(split, *who(study.subject, number), study.images, turns, target)
    return found


def view_classification__mimic_cxr(root: Path, seed: int, published: bool) -> Examples:
    """By chance LL counts as LATERAL, and is no option."""
    found, wheel = Examples(), task("view_classification").wheels["choose"]
    for image in images(root).values():
        if image.view not in ("AP", "PA", "LATERAL", "LL"):
            continue
        split = split_of(root, seed, image.subject)
        id = example_id("view_classification/mimic_cxr", [image.id], split, published)
        coarse = unit(draw(seed, id, "coarse")) < 0.5
        view = "LATERAL" if coarse and image.view == "LL" else image.view
        options = ["AP", "PA", "LATERAL"] if coarse else ["AP", "PA", "LATERAL", "LL"]
        turn = choice_turn(seed, id, "choose", wheel, options, [view], Choice(reply=("text", "marker")))
        found[id] = Example(split, *who(image.subject, image.study), (image.path,), (turn,), view)
    return found


ORACLES: dict[str, Oracle] = {
    "image_classification/cxr_lt": image_classification__cxr_lt,
    "image_classification/mimic_cxr": image_classification__mimic_cxr,
    "view_classification/mimic_cxr": view_classification__mimic_cxr,
}
