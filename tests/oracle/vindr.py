"""VinDr-CXR and VinDr-PCXR: boxes of several readers, merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import files
from .boxes import Box, box, region, sizes, without_label
from .classification import in_sentence
from .examples import Example, Examples, Oracle, example_id, task
from .grounding import boxed
from .pictures import dicom_size
from .prompts import draw, text_turn

PARTS = ("train", "test")
OVERLAP = 0.1

# ---- the raw files


@dataclass(frozen=True)
class Marked:
    """A box of a reader, where it has one."""

    image: str
    finding: str
    place: tuple[float, float, float, float, str, int]
    """Its corners in pixels, the reader and the place in the file: the order in which boxes are merged."""

    box: Box


@dataclass(frozen=True)
class Data:
    parts: dict[str, str]
    """The images, each with its part."""

    paths: dict[str, str]
    said: dict[str, set[str]]
    """What the readers say of each image; also that there is no finding."""

    marked: list[Marked]


def read(root: Path, source: str, published: bool) -> Data:
    """All annotated images whose DICOM is there; the rows of VinDr-PCXR were published as if none was."""
    data = Data({}, {}, defaultdict(set), [])
    for part in PARTS if source == "vindr_cxr" or not published else ():
        folder = next(one for one in ("", "annotations/") if (root / source / f"{one}annotations_{part}.csv").exists())
        for place, row in enumerate(files.csv_rows(root / source, f"{folder}annotations_{part}.csv")):
            path = root / source / part / f"{row['image_id']}.dicom"
            if path.exists():
                _add(data, root, path, part, place, row)
    return data


def _add(data: Data, root: Path, path: Path, part: str, place: int, row: dict[str, str]) -> None:
    image, finding = row["image_id"], row["class_name"]
    assert data.parts.setdefault(image, part) == part
    data.paths[image] = path.relative_to(root).as_posix()
    data.said[image].add(finding)
    if all(row[corner] for corner in ("x_min", "y_min", "x_max", "y_max")):
        x1, y1, x2, y2 = (float(row[corner]) for corner in ("x_min", "y_min", "x_max", "y_max"))
        reader = row.get("rad_id") or row.get("rad_ID") or ""
        one = box(x1, y1, x2, y2, *dicom_size(path.read_bytes()))
        data.marked.append(Marked(image, finding, (x1, y1, x2, y2, reader, place), one))


# ---- merging


def merged(data: Data, published: bool) -> dict[tuple[str, str], list[Box]]:
    """The merged boxes of each image and finding, from the upper left."""
    groups = defaultdict[tuple[str, str], list[Marked]](list)
    for one in data.marked:
        groups[one.image, one.finding].append(one)
    found: dict[tuple[str, str], list[Box]] = {}
    for key, some in groups.items():
        some.sort(key=lambda one: one.place[-1] if published else one.place)
        found[key] = sorted(_merged([one.box for one in some]), key=lambda one: one.corners)
    return found


def _merged(boxes: Sequence[Box]) -> list[Box]:
    """The first leads, all that overlap with it join it, and so on with the rest."""
    found: list[Box] = []
    rest = list(boxes)
    while rest:
        leader, *others = rest
        joined = [leader, *(one for one in others if overlap(leader, one) > OVERLAP)]
        rest = [one for one in others if overlap(leader, one) <= OVERLAP]
        left, top = min(one.x1 for one in joined), min(one.y1 for one in joined)
        right, bottom = max(one.x2 for one in joined), max(one.y2 for one in joined)
        found.append(Box(left, top, right, bottom, leader.width, leader.height))
    return found


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    both = max(width, 0.0) * max(height, 0.0)
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both)


# ---- the specs


def abnormality_detection(source: str, root: Path, seed: int, published: bool) -> Examples:
    """All boxes of an image; published without images of more than five."""
    data, found = read(root, source, published), Examples()
    regions = defaultdict[str, list[tuple[str, Box]]](list)
    for (image, finding), boxes in merged(data, published).items():
        regions[image] += [(finding, one) for one in boxes]
    for image, part in data.parts.items():
        some = sorted(regions[image], key=lambda one: (one[1].corners, one[0]))
        if published and len(some) > 5:
            continue
        id = example_id(f"abnormality_detection/{source}", [image], part, published)
        answered = boxed(seed, id, "abnormality_detection", "detect", some, {})
        found[id] = Example(part, source, None, f"{source}/{image}", (data.paths[image],), *answered)
    return found


def abnormality_grounding(source: str, root: Path, seed: int, published: bool) -> Examples:
    """The boxes of a finding, and for each such row an image that lacks it; published without findings of more than two.

    As published, an image that lacks it has the study of the one it is drawn for.
    """
    data, found, spec = read(root, source, published), Examples(), f"abnormality_grounding/{source}"
    for (image, finding), boxes in merged(data, published).items():
        if published and len(boxes) > 2:
            continue
        part, slots = data.parts[image], {"named": in_sentence(finding), "finding": finding}
        id = example_id(spec, [image, finding, ""], part, published)
        answered = boxed(seed, id, "abnormality_grounding", "ground", [(finding, one) for one in boxes], slots)
        found[id] = Example(part, source, None, f"{source}/{image}", (data.paths[image],), *answered)
        other = drawn_for(seed, id, data, part, finding)
        if other is not None:
            id = example_id(spec, [other, finding, image], part, published)
            answered = boxed(seed, id, "abnormality_grounding", "ground", [], slots)
            study = f"{source}/{image if published else other}"
            found[id] = Example(part, source, None, study, (data.paths[other],), *answered)
    return found


def drawn_for(seed: int, id: str, data: Data, part: str, finding: str) -> str | None:
    """The first image without the finding at or behind the row's draw, on a ring."""
    others = [image for image, of in data.parts.items() if of == part and finding not in data.said[image]]
    ring = sorted((draw(seed, image, finding, "drawn_for"), image) for image in others)
    start = draw(seed, id, "drawn_for")
    return next((image for point, image in ring if point >= start), ring[0][1] if ring else None)


def grounded_diagnosis(source: str, root: Path, seed: int, published: bool) -> Examples:
    """One box at a time; published without findings of more than two."""
    data, found = read(root, source, published), Examples()
    wheel = task("grounded_diagnosis").wheels["diagnose"]
    for (image, finding), boxes in merged(data, published).items():
        for number, one in enumerate(boxes if len(boxes) <= 2 or not published else ()):
            part, path = data.parts[image], data.paths[image]
            id = example_id(f"grounded_diagnosis/{source}", [image, finding, number], part, published)
            slots = {"regions": "region", "boxes": without_label([one])}
            turn = text_turn(seed, id, "diagnose", wheel, finding, slots)
            regions, size = (region("", one),), sizes([one])
            found[id] = Example(part, source, None, f"{source}/{image}", (path,), (turn,), finding, regions, size)
    return found


ORACLES: dict[str, Oracle] = {
    f"{make.__name__}/{source}": partial(make, source)
    for make in (abnormality_detection, abnormality_grounding, grounded_diagnosis)
    for source in ("vindr_cxr", "vindr_pcxr")
}
