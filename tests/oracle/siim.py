"""The masks of SIIM-ACR."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from . import files
from .boxes import rle_box
from .examples import Example, Examples, Oracle, escaped, example_id
from .grounding import boxed
from .splits import gloria

LABEL = "pneumothorax"


def pictures(root: Path) -> dict[str, str]:
    """The paths of the pictures by name, two folders deep in stage 1."""
    folder = root / "siim"
    paths = [*folder.glob("dicom-images-train/*/*/*.dcm"), *folder.glob("stage_2_images/*.dcm")]
    return {path.stem: path.relative_to(root).as_posix() for path in paths}


def pneumothorax_segmentation__siim(root: Path, seed: int, published: bool) -> Examples:
    """Split by image; in a published run by row, so that an image stands in two splits."""
    names = ("train-rle.csv", "stage_2_train.csv")
    name = next(name for name in names if (root / "siim" / name).exists())
    paths, masks = pictures(root), dict[int, tuple[str, str]]()
    for place, row in enumerate(files.csv_rows(root / "siim", name)):
        columns = {column.strip(): cell for column, cell in row.items()}
        if columns["ImageId"] in paths:
            masks[place] = columns["ImageId"], columns["EncodedPixels"].strip()
    by_image = gloria(image for image, _ in masks.values())
    by_row = gloria(masks)
    components = defaultdict[tuple[str, str], list[str]](list)
    for place, (image, mask) in masks.items():
        components[image, by_row[place] if published else by_image[image]].append(mask)
    found = Examples()
    for (image, split), some in components.items():
        id = example_id("pneumothorax_segmentation/siim", [image, split] if published else [image], split, published)
        boxes = [(LABEL, box) for mask in some if (box := rle_box(mask, 1024, 1024)) is not None]
        answered = boxed(seed, id, "pneumothorax_segmentation", "segment", boxes, {})
        found[id] = Example(split, "siim", None, f"siim/{escaped(image)}", (paths[image],), *answered)
    return found


ORACLES: dict[str, Oracle] = {"pneumothorax_segmentation/siim": pneumothorax_segmentation__siim}
