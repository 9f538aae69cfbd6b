"""Object-CXR: a CSV and a zip of JPEG for each of train and dev; the test images are not handed out.

8,000 images of train and 1,000 of dev, half of them with foreign objects. (Section 16 of the sources.)

Our choice: the number of objects is geometric with mean 2 and at most 10; half are rectangles, the others ellipses or
polygons of 3 to 8 points; a polygon's points may fall a little outside the image, as they do in the real files; six
sizes of image.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.pictures import jpeg
from cxrspec.runtime.synth.shared.world import World

IMAGES = {"train": 8_000, "dev": 1_000}
SIZES = ((1840, 2208), (2048, 2500), (2400, 2880), (2208, 1840), (2500, 2048), (1722, 1430))

PLANTED = (
    "0 100 150 300 420",
    "1 640 700 900 830",
    "2 -6 310 240 -14 388 205 120 460",  # points left of the image and above it
    "2 1400 60 1890 90 2560 400 1500 380",  # wider than any image: beyond the right border of each
    "0 20 20 60 60;1 100 100 180 150;2 300 300 380 320 340 410",
)
"""Annotations that are always there, the first images with objects in each split."""


def make(folder: Folder, world: World) -> None:
    """Write `train.csv`, `dev.csv`, `train.zip` and `dev.zip`."""
    for part, published in IMAGES.items():
        draws = world.draws("object_cxr", part)
        count = world.count(published, 2 * len(PLANTED) + 10)
        sizes = [SIZES[int(place)] for place in draws.integers(len(SIZES), size=count)]
        full = set(draws.permutation(count)[: count // 2].tolist())
        planted = iter(PLANTED)
        names = [f"{number:05}.jpg" for number in range(count)]
        shapes = [
            (next(planted, None) or _annotation(draws, *sizes[number])) if number in full else None
            for number in range(count)
        ]
        folder.csv(f"{part}.csv", pl.DataFrame({"image_name": names, "annotation": shapes}))
        folder.zip(f"{part}.zip", ((f"{part}/{name}", jpeg(*size)) for name, size in zip(names, sizes, strict=True)))


def _annotation(draws: np.random.Generator, width: int, height: int) -> str:
    return ";".join(_shape(draws, width, height) for _ in range(min(int(draws.geometric(0.5)), 10)))


def _shape(draws: np.random.Generator, width: int, height: int) -> str:
    """A shape with its centre in the image: `TYPE n n n ...`, whole pixels from the upper left."""
    kind = int(draws.choice(3, p=(0.5, 0.25, 0.25)))
    x, y = draws.uniform(0.1, 0.9, 2) * (width, height)
    wide, high = draws.uniform(20, 0.1 * min(width, height), 2)
    if kind < 2:
        sides = (x - wide, y - high, x + wide, y + high)
        return f"{kind} {' '.join(str(round(side)) for side in sides)}"
    x, y = draws.uniform(0.01, 0.99, 2) * (width, height)
    corners = int(draws.integers(3, 9))
    turns = (np.arange(corners) + draws.uniform(0, 0.4, corners)) * 2 * np.pi / corners  # all round the centre
    points = np.stack([x + wide * np.cos(turns), y + high * np.sin(turns)], axis=1).round().astype(int)
    return f"2 {' '.join(map(str, points.ravel().tolist()))}"
