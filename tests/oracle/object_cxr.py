"""The shapes of Object-CXR."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from . import files
from .boxes import Box, box
from .examples import Example, Examples, Oracle, escaped, example_id
from .grounding import boxed
from .pictures import jpeg_size

PARTS = {"train": "train", "dev": "val"}
LABEL = "foreign object"


def shape_boxes(annotation: str, size: tuple[int, int]) -> list[Box]:
    """Round each shape `TYPE x y x y ...`, whether rectangle, ellipse or polygon."""
    return [_shape_box([int(number) for number in shape.split()], size) for shape in annotation.split(";")]


def _shape_box(numbers: Sequence[int], size: tuple[int, int]) -> Box:
    xs, ys = numbers[1::2], numbers[2::2]
    return box(min(xs), min(ys), max(xs), max(ys), *size)


def foreign_object_detection__object_cxr(root: Path, seed: int, published: bool) -> Examples:
    found = Examples()
    for folder, split in PARTS.items():
        with zipfile.ZipFile(root / "object_cxr" / f"{folder}.zip") as archive:
            for row in files.csv_rows(root / "object_cxr", f"{folder}.csv"):
                name = row.get("image_name") or row["image_path"]
                path, annotation = f"{folder}/{name}", row["annotation"]
                if path not in archive.namelist():
                    continue
                boxes = shape_boxes(annotation, jpeg_size(archive.read(path))) if annotation else []
                id = example_id("foreign_object_detection/object_cxr", [folder, name], split, published)
                answered = boxed(seed, id, "foreign_object_detection", "detect", [(LABEL, one) for one in boxes], {})
                study, image = f"object_cxr/{folder}/{escaped(name)}", f"object_cxr/{path}"
                found[id] = Example(split, "object_cxr", None, study, (image,), *answered)
    return found


ORACLES: dict[str, Oracle] = {"foreign_object_detection/object_cxr": foreign_object_detection__object_cxr}
