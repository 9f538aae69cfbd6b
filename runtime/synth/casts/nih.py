"""The images of NIH's ChestX-ray14, and which of them are RSNA's and SIIM's under names of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.shared.dealing import apportion, deal, fill, shuffled
from cxrspec.runtime.synth.shared.world import World

LEAST = 1 / 100
"""The smallest scale: 1,121 images of 308 patients, 267 of them RSNA's, 107 SIIM's."""

FINDINGS = {
    "Atelectasis": 11_559, "Cardiomegaly": 2_776, "Consolidation": 4_667, "Edema": 2_303, "Effusion": 13_317,
    "Emphysema": 2_516, "Fibrosis": 1_686, "Hernia": 227, "Infiltration": 19_894, "Mass": 5_782, "Nodule": 6_331,
    "Pleural_Thickening": 3_385, "Pneumonia": 1_431, "Pneumothorax": 5_302,
}  # fmt: skip
"""Images with each finding (section 1)."""

NO_FINDING = 60_361


@dataclass(frozen=True)
class Nih:
    """The images of three sources.

    Attributes:
        images: one row an image: `image` (file name), `number` (its last three digits), `patient`, `age`, `sex`, `view`,
            `findings` (joined by a bar, or `No Finding`), `official` (`train_val` or `test`).
        rsna: one row an image of RSNA: `patient_id` (a UUID), `image`, `boxes` (0: negative).
        siim: one row an image of SIIM: `image_id` (a dotted UID), `image`.
    """

    images: pl.DataFrame
    rsna: pl.DataFrame
    siim: pl.DataFrame


@lru_cache(maxsize=1)
def cast(world: World) -> Nih:
    """Make the images, 112,120 of 30,805 patients at scale 1, and choose those of RSNA and SIIM."""
    world = world.at_least(LEAST)
    images = _images(world)
    rsna = _rsna(world, images)
    return Nih(images, rsna, _siim(world, images, rsna))


def _images(world: World) -> pl.DataFrame:
    """Section 1: M 63,340, F 48,780; PA 67,310, AP 44,810; the official lists are 86,524 / 25,596, by patient.

    Images a patient, ages and which labels go together are choices. Every tenth patient lacks the image numbered 001.
    """
    draws = world.draws("nih", "images")
    count = world.count(112_120)
    sizes = deal(draws, count, world.count(30_805))
    place = np.repeat(np.arange(len(sizes)), sizes)
    rank = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    number = rank + ((place % 10 == 9) & (rank > 0))
    male = fill(draws, sizes, apportion((63_340, 48_780), count)[0])
    test = fill(draws, sizes, apportion((86_524, 25_596), count)[1])
    born = draws.integers(1, 90, len(sizes))
    return pl.DataFrame(
        {
            "number": number,
            "patient": place + 1,
            "age": np.minimum(born[place] + rank // 10, 95),
            "sex": np.where(male, "M", "F")[place],
            "view": shuffled(draws, ("PA", "AP"), (67_310, 44_810), count),
            "findings": _findings(draws, count),
            "official": np.where(test, "test", "train_val")[place],
        }
    ).select(pl.format("{}_{}.png", _digits("patient", 8), _digits("number", 3)).alias("image"), pl.all())


def _digits(column: str, width: int) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.zfill(width)


def _findings(draws: np.random.Generator, count: int) -> list[str]:
    """The findings of each image, joined by bars in the order of the alphabet: each as often as section 1 says.

    Every image that is not normal gets one, by the findings' shares; what is left of each goes to images without it.
    """
    published = list(FINDINGS.values())
    normal, ill = apportion((NO_FINDING, 112_120 - NO_FINDING), count)
    wanted = apportion(published, round(sum(published) * ill / (112_120 - NO_FINDING)))
    first = draws.permutation(np.repeat(np.arange(len(wanted)), apportion(wanted, ill)))
    has: npt.NDArray[np.bool_] = first[:, None] == np.arange(len(wanted))
    for finding, number in enumerate(wanted):
        free = np.flatnonzero(~has[:, finding])
        has[draws.choice(free, number - int(has[:, finding].sum()), replace=False), finding] = True
    codes, places = np.unique(has @ (1 << np.arange(len(wanted))), return_inverse=True)
    texts = ["|".join(name for bit, name in enumerate(FINDINGS) if code >> bit & 1) for code in codes.tolist()]
    joined = np.array([*texts, "No Finding"], dtype=object)[np.concatenate([places, np.full(normal, len(texts))])]
    found: list[str] = draws.permutation(joined).tolist()
    return found


def _rsna(world: World, images: pl.DataFrame) -> pl.DataFrame:
    """Section 7: PA 14,511, AP 12,173; 20,672 negative; 1, 2, 3, 4 boxes on 2,614, 3,266, 119, 13 images.

    Which images they are is chance, so that one patient's are in train here and in test there.
    """
    draws = world.draws("nih", "rsna")
    count = world.count(26_684)
    chosen = [
        draws.choice(images.filter(view=view)["image"].to_numpy(), number, replace=False)
        for view, number in zip(("PA", "AP"), apportion((14_511, 12_173), count), strict=True)
    ]
    boxes = np.repeat(np.arange(5), apportion((20_672, 2_614, 3_266, 119, 13), count))
    return pl.DataFrame(
        {
            "patient_id": [str(UUID(bytes=draws.bytes(16), version=4)) for _ in range(count)],
            "image": draws.permutation(np.concatenate(chosen)).tolist(),
            "boxes": draws.permutation(boxes),
        }
    )


def _siim(world: World, images: pl.DataFrame, rsna: pl.DataFrame) -> pl.DataFrame:
    """Section 15: 10,675 images of stage 1, under SOPInstanceUIDs. The first is RSNA's first negative, and COVIDx's too."""
    draws = world.draws("nih", "siim")
    count = world.count(10_675)
    shared = rsna.filter(boxes=0)["image"][0]
    others = images.filter(pl.col("image") != shared)["image"].to_numpy()
    serial = draws.choice(10**9, count, replace=False)
    return pl.DataFrame(
        {
            "image_id": [f"1.2.826.0.1.3680043.8.498.15.{number}" for number in serial.tolist()],
            "image": [shared, *draws.choice(others, count - 1, replace=False).tolist()],
        }
    )
