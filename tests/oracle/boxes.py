"""Boxes once more: clipped to the image, shared by its size, and printed in the dialect `chexagent`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, TypeAlias

Region: TypeAlias = tuple[str, float, float, float, float]
"""A box of an example: label, x1, y1, x2, y2."""


@dataclass(frozen=True)
class Box:
    """Corners as shares of an image, and the image's size in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: int
    height: int

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2


def box(x1: float, y1: float, x2: float, y2: float, width: int, height: int) -> Box:
    """From pixels; what lies outside of the image is cut off."""
    left, right = (min(max(x / width, 0.0), 1.0) for x in (x1, x2))
    top, bottom = (min(max(y / height, 0.0), 1.0) for y in (y1, y2))
    assert left < right
    assert top < bottom
    return Box(left, top, right, bottom, width, height)


def box_xywh(x: float, y: float, w: float, h: float, width: int, height: int) -> Box:
    return box(x, y, x + w, y + h, width, height)


def rle_box(text: str, width: int, height: int) -> Box | None:
    """Round a mask of gaps and runs, which go down the columns from left to right."""
    numbers = [int(number) for number in text.split()]
    if numbers == [-1]:
        return None
    at, rows, columns = 0, set[int](), set[int]()
    for gap, run in zip(numbers[::2], numbers[1::2], strict=True):
        first, last = at + gap, at + gap + run - 1
        at = last + 1
        columns |= {first // height, last // height}
        several = first // height != last // height
        rows |= {0, height - 1} if several else {first % height, last % height}
    return box(min(columns), min(rows), max(columns) + 1, max(rows) + 1, width, height)


def without_label(boxes: Sequence[Box]) -> str:
    """Boxes as they stand in a prompt."""
    return " ".join(f"<|box|>{_printed(one)}<|/box|>" for one in boxes)


def with_label(label: str, one: Box) -> str:
    """A box as it stands in an answer."""
    return f"<|ref|>{label}<|/ref|><|box|>{_printed(one)}<|/box|>"


def _printed(one: Box) -> str:
    x1, y1, x2, y2 = (floor(share * 100 + 0.5) for share in one.corners)
    return f"({x1},{y1}),({x2},{y2})"


def region(label: str, one: Box) -> Region:
    return (label, *one.corners)


def target(label: str, one: Box) -> dict[str, Any]:
    """A box as a target has it."""
    return dict(zip(("label", "x1", "y1", "x2", "y2"), region(label, one), strict=True))


def sizes(boxes: Sequence[Box]) -> tuple[tuple[int, int], ...]:
    """The size of the one image, if there is a box."""
    found = tuple({(one.width, one.height) for one in boxes})
    assert len(found) <= 1
    return found
