"""SIIM-ACR 2019, stage 1: run lengths of masks, and DICOM headers (section 15 of the catalogue of sources)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cxrspec.runtime.synth.casts import nih
from cxrspec.runtime.synth.shared.dealing import apportion, unequal
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.pictures import dicom
from cxrspec.runtime.synth.shared.world import World

SIDE = 1024
"""Pixels of a side of every picture."""

_POSITIVE = (9_378, 2_669)
"""Images without and with a pneumothorax: those of the stage-2 file, whose shares stage 1 is given."""

_COMPONENTS = {1: 1_741, 2: 447, 3: 112, 4: 40, 5: 18, 6: 3, 7: 1, 8: 1, 9: 2}
"""Components -> images: 11,582 rows of 10,675 images. All images with several are taken to be of stage 1; above five, and
for one (the rest of the positive images), the numbers are a choice that meets the number of rows."""

_AS_HIGH = (300, 500, 40, 900)
"""An ellipse that leaves the picture above and below, so that a run goes on in the next column: one image has it alone."""

_UID = "1.2.826.0.1.3680043.8.498"


def make(folder: Folder, world: World) -> None:
    """Write one row a component, `" -1"` where there is none, and a file an image; three files have no row."""
    images = nih.cast(world).siim["image_id"].to_list()
    draws = world.draws("siim")
    negative, positive = apportion(_POSITIVE, len(images))
    components = draws.permutation(np.concatenate([np.zeros(negative, np.int64), unequal(_COMPONENTS, positive)]))
    masks = [list(_masks(draws, number)) if number else ["-1"] for number in components.tolist()]
    masks[components.tolist().index(1)] = [_run_lengths(*_AS_HIGH)]
    rows = [f"{image}, {pixels}" for image, some in zip(images, masks, strict=True) for pixels in some]
    folder.write("train-rle.csv", "\n".join(["ImageId, EncodedPixels", *rows]) + "\n")
    for place, image in enumerate([*images, *(f"{_UID}.16.{n}" for n in range(3))]):
        path = f"dicom-images-train/{_UID}.1.{place}/{_UID}.2.{place}/{image}.dcm"
        folder.write(path, dicom(image, SIDE, SIDE, "MONOCHROME2"))


def _masks(draws: np.random.Generator, number: int) -> Iterator[str]:
    """Ellipses around points in different cells of a grid of three by three, some of them cut by the border."""
    for cell in draws.permutation(9)[:number].tolist():
        x, y = (SIDE // 3 * corner + int(draws.integers(SIDE // 3)) for corner in divmod(cell, 3))
        across, down = draws.integers(20, 160, 2).tolist()
        yield _run_lengths(x, y, across, down)


def _run_lengths(x: int, y: int, across: int, down: int) -> str:
    """An ellipse of these half axes around a pixel, column by column: how many pixels after the last run, how many pixels.

    >>> _run_lengths(1, 2, 1, 1)
    '2 1 1022 3 1022 1'
    """
    columns = np.arange(max(x - across, 0), min(x + across + 1, SIDE))
    half = down * np.sqrt(1 - ((columns - x) / across) ** 2)
    top = np.maximum(np.ceil(y - half), 0).astype(np.int64)
    ends = columns * SIDE + np.minimum(np.floor(y + half), SIDE - 1).astype(np.int64) + 1
    starts = columns * SIDE + top
    apart = np.concatenate([[True], starts[1:] > ends[:-1]])
    starts, ends = starts[apart], ends[np.roll(apart, -1)]
    gaps = starts - np.concatenate([[0], ends[:-1]])
    return " ".join(map(str, np.stack([gaps, ends - starts], 1).ravel().tolist()))
