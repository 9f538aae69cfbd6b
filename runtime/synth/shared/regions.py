"""What the two VinDr collections share: images named by 32 hex digits, and boxes that readers drew on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.ids import hashes
from cxrspec.runtime.synth.shared.pictures import EXPLICIT, IMPLICIT, dicom

PLANTED = (
    [(0, 0.0, 0.0, 0.25, 0.3), (1, 0.7, 0.6, 1.0, 1.0)],  # boxes that touch the border
    [(2, -0.02, 0.1, 0.2, 0.3), (3, 0.8, 0.85, 1.03, 1.01)],  # boxes that go beyond it
    [(c, 0.1 + 0.3 * (c % 3), 0.1 + 0.4 * (c // 3), 0.2 + 0.3 * (c % 3), 0.3 + 0.4 * (c // 3)) for c in range(6)],
    [(0, x, 0.1, x + 0.1, 0.2) for x in (0.1, 0.4, 0.7)],  # more than two boxes of one class
    [(1, x, 0.1, x + 0.2, 0.3) for x in (0.1, 0.2, 0.3)],  # a chain: the first and the last do not overlap
    [(c, x, 0.1, x + 0.2, 0.3) for c, xs in ((0, (0.1, 0.26)), (1, (0.1, 0.27))) for x in xs],  # overlaps of 0.11, 0.08
    [(2, 0.2, 0.2, 0.5, 0.5), (3, 0.2, 0.2, 0.5, 0.5)],  # one box, two classes
)
"""Regions that are always there, an image each: (class, x1, y1, x2, y2 as shares of width and height)."""

_CORNERS = ("x_min", "y_min", "x_max", "y_max")


def draw_images(draws: np.random.Generator, count: int) -> pl.DataFrame:
    """Images of one split: `image` (its place), `image_id` (32 hex digits), `width` and `height` (pixels).

    No image is square, so that a swapped frame is found.
    """
    return pl.DataFrame(
        {
            "image": np.arange(count),
            "image_id": hashes(draws, count, 32),
            "width": draws.integers(900, 1400, count) * 2,
            "height": draws.integers(1401, 1600, count) * 2,
        }
    )


def write_images(folder: Folder, part: str, images: pl.DataFrame) -> None:
    """Write `<part>/<image_id>.dicom`: every eighth needs inversion, every third is in implicit VR."""
    for place, name, width, height in images.iter_rows():
        photometric = "MONOCHROME1" if place % 8 == 0 else "MONOCHROME2"
        syntax = IMPLICIT if place % 3 == 1 else EXPLICIT
        folder.write(f"{part}/{name}.dicom", dicom(f"2.25.{int(name, 16)}", width, height, photometric, syntax))


@dataclass(frozen=True)
class Regions:
    """Regions of images, one a row: the image's place, the class, and the box as shares of width and height."""

    image: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    box: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, draws: np.random.Generator, images: int, classes: int) -> Regions:
        """Regions of the first `images` images: the planted ones, then one for each class with a region of it, then others.

        Of the others, the number of regions is geometric with mean 2.5 and at most 12, and the k-th class is drawn with
        a weight of 1 / (k + 2).

        Args:
            images: at least as many as planted ones and classes together.
        """
        free = images - len(PLANTED)
        assert free >= classes
        numbers = np.minimum(draws.geometric(0.4, free), 12)
        numbers[:classes] = 1
        image = np.repeat(np.arange(free), numbers)
        weights = 1 / np.arange(2, classes + 2)
        label = draws.choice(classes, len(image), p=weights / weights.sum())
        label[:classes] = np.arange(classes)
        size = draws.uniform(0.05, 0.35, (len(image), 2))
        corner = draws.random((len(image), 2)) * (1 - size)
        planted = np.array([(place, *region) for place, regions in enumerate(PLANTED) for region in regions])
        return cls(
            np.concatenate([planted[:, 0].astype(np.int64), image + len(PLANTED)]),
            np.concatenate([planted[:, 1].astype(np.int64), label]),
            np.concatenate([planted[:, 2:], np.hstack([corner, corner + size])]),
        )

    def read(self, draws: np.random.Generator, readers: int) -> pl.DataFrame:
        """What each of the readers of an image drew: `image`, `label`, `reader` (a number) and the box (shares).

        The first reader sees every region, another four of five; planted regions are seen by all, exactly. Where there
        are several, each draws a box of his own, its sides off by 2 % of its size, inside the image.
        """
        exact = (self.image < len(PLANTED)) | (readers == 1)
        seen = (draws.random((len(self.image), readers)) < 0.8) | exact[:, None]
        seen[:, 0] = True
        size = np.tile(self.box[:, 2:] - self.box[:, :2], 2)
        off = draws.normal(0, 0.02, (len(self.image), readers, 4)) * size[:, None, :]
        drawn = np.where(exact[:, None, None], self.box[:, None, :], np.clip(self.box[:, None, :] + off, 0, 1))
        region, reader = np.nonzero(seen)
        boxes = drawn[region, reader]
        return pl.DataFrame(
            {
                "image": self.image[region],
                "label": self.label[region],
                "reader": reader,
                **{name: boxes[:, place] for place, name in enumerate(_CORNERS)},
            }
        )


def annotate(readings: pl.DataFrame, images: pl.DataFrame, classes: tuple[str, ...], readers: int) -> pl.DataFrame:
    """Rows of an annotation file: `image`, `reader`, `image_id`, `class_name`, and the box in pixels.

    A reader who drew nothing on an image has one row there that says `No finding`, without a box.
    """
    drawn = readings.join(images, on="image", maintain_order="left").select(
        "image",
        "reader",
        "image_id",
        pl.col("label").replace_strict(range(len(classes)), classes).alias("class_name"),
        *((pl.col(name) * pl.col("width" if name[0] == "x" else "height")).round(3) for name in _CORNERS),
    )
    everyone = images.select("image", "image_id").join(pl.DataFrame({"reader": np.arange(readers)}), how="cross")
    nothing = everyone.join(drawn, on=["image", "reader"], how="anti", maintain_order="left")
    return pl.concat([drawn, nothing.with_columns(class_name=pl.lit("No finding"))], how="diagonal")
