"""BRAX."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from . import files
from .classification import COMPETITION, image_classification, sides
from .examples import Example, Examples, Oracle, escaped, example_id
from .prompts import draw
from .splits import ratio

FINDINGS = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Lesion", "Lung Opacity", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other"),
    *("Fracture", "Support Devices"),
)
VIEWS = ("PA", "AP", "AP LLD", "L", "RL", "LT-DECUB", "RLO")
KEPT = 8_000


def rank(row: dict[str, str]) -> tuple[int, str]:
    view = row["ViewPosition"]
    return VIEWS.index(view) if view in VIEWS else 99, row["PngPath"]


def image_classification__brax(root: Path, seed: int, published: bool) -> Examples:
    """Of the studies of train without a finding so many are kept."""
    assert not published
    names = ("master_spreadsheet_update.csv", "master_spreadsheet.csv")
    name = next(name for name in names if (root / "brax" / name).exists())
    studies = defaultdict[tuple[str, str], list[dict[str, str]]](list)
    for row in files.csv_rows(root / "brax", name):
        studies[row["PatientID"], row["AccessionNumber"]].append(row)
    found, without_finding = Examples(), list[str]()
    for key, some in studies.items():
        rows = sorted(some, key=rank)
        positives, negatives = sides({finding: rows[0][finding] for finding in FINDINGS}, COMPETITION)
        if not positives:
            continue
        who = f"brax/{escaped(key[0])}"
        split = ratio(seed, who, "by_patient")
        id = example_id("image_classification/brax", key, split, published)
        if split == "train" and "No Finding" in positives:
            without_finding.append(id)
        turns, target = image_classification(seed, id, FINDINGS, positives, negatives)
        images = tuple(f"brax/{row['PngPath']}" for row in rows)
        found[id] = Example(split, "brax", who, f"{who}/{escaped(key[1])}", images, turns, target)
    for id in sorted(without_finding, key=lambda id: draw(seed, id, "keep.no_finding"))[KEPT:]:
        del found[id]
    return found


ORACLES: dict[str, Oracle] = {"image_classification/brax": image_classification__brax}
