"""PadChest."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from . import files
from .classification import image_classification
from .examples import Example, Examples, Oracle, escaped, example_id
from .prompts import in_drawn_order
from .splits import otherwise

TABLE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
VIEWS = ("POSTEROANTERIOR", "PA", "ANTEROPOSTERIOR", "AP", "", "LATERAL", "LL", "OBLICUA", "RL", "LLD", "GENERICA")
SAY_NOTHING = ("", "exclude", "suboptimal study", "unchanged")


def labels(cell: str) -> list[str]:
    """What a list literal says is seen, each once."""
    items: list[str] = ast.literal_eval(cell)
    return list(dict.fromkeys(item for item in map(str.strip, items) if item not in SAY_NOTHING))


def rank(row: dict[str, str]) -> tuple[int, str]:
    view = row["ViewPosition_DICOM"]
    return VIEWS.index(view) if view in VIEWS else 99, row["ImageID"]


def studies(root: Path) -> list[list[dict[str, str]]]:
    """The images that have labels, by study, the best view first."""
    found = defaultdict[str, list[dict[str, str]]](list)
    for row in files.csv_rows(root / "padchest", TABLE):
        if row["Labels"]:
            found[row["StudyID"]].append(row)
    return [sorted(rows, key=rank) for rows in found.values()]


def vocabulary(studies: Sequence[Sequence[dict[str, str]]]) -> set[str]:
    return {label for rows in studies for row in rows for label in labels(row["Labels"])}


def image_classification__padchest(root: Path, seed: int, published: bool) -> Examples:
    """Beside the findings, ten others of the data's. Published without any rows."""
    found, every = Examples(), studies(root)
    known = vocabulary(every)
    for rows in every if not published else ():
        findings = labels(rows[0]["Labels"])
        if not 1 <= len(findings) <= 16:
            continue
        (patient,), study = {row["PatientID"] for row in rows}, rows[0]["StudyID"]
        who = f"bimcv/{escaped(patient)}"
        split = otherwise(seed, who)
        id = example_id("image_classification/padchest", [study], split, published)
        others = in_drawn_order(seed, id, "others", sorted(known - set(findings)))[:10]
        turns, target = image_classification(seed, id, [*findings, *others], findings, others)
        images = tuple(f"padchest/{row['ImageDir']}/{row['ImageID']}" for row in rows)
        found[id] = Example(split, "bimcv", who, f"bimcv/{escaped(study)}", images, turns, target)
    return found


ORACLES: dict[str, Oracle] = {"image_classification/padchest": image_classification__padchest}
