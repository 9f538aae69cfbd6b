"""The reports of OpenI: which texts and images each has, and which folder of Rad-ReStruct asks about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cxrspec.runtime.synth.shared.dealing import apportion, shuffled
from cxrspec.runtime.synth.shared.world import World

LEAST = 1 / 60
"""The smallest scale: 66 reports, 48 of them in Rad-ReStruct's train."""

_IMAGES = {
    (True, True): {0: 88, 1: 392, 2: 2765, 3: 158, 4: 15, 5: 1},
    (True, False): {2: 6},
    (False, True): {0: 13, 1: 44, 2: 422, 3: 23},
    (False, False): {0: 3, 1: 10, 2: 15},
}
"""(findings, impression) -> images -> reports.

Section 17 gives the sums: 3,955 reports; by images {0: 104, 1: 446, 2: 3,208, 3: 181, 4: 15, 5: 1}; 530 without findings,
34 without impression, 28 without both; 3,337 with findings and images (6,473 of them), 3,820 with impression and images
(7,418), 3,419 with both texts. How the numbers of images spread within these sums is a choice.
"""

_PARTS = {
    (True, True): {"train": 2490, "val": 311, "test": 312, "": 218},
    (True, False): {"train": 5, "val": 1},
    (False, True): {"train": 363, "val": 46, "test": 46, "": 34},
    (False, False): {"train": 19, "val": 2, "test": 2, "": 2},
}
"""(findings, impression) -> folder of Rad-ReStruct -> reports with images; "" is none.

Sections 19 and 36: 2,877 / 360 / 360; of train, 2,495 have findings, 2,853 an impression, 2,490 both. The other two
folders share what is left alike.
"""

_FRONTAL = {"train": (2787, 86, 3, 1), "val": (346, 14, 0, 0), "test": (346, 14, 0, 0)}
"""Reports of a folder with 1, 2, 3, 4 frontal images. Section 19 gives 3,479, 114, 3, 1 and images 2,972 / 374 / 374."""


@dataclass(frozen=True)
class Report:
    """A report: its number, which texts it has, its images, and its folder of Rad-ReStruct ("" is none).

    The first `frontal` images are frontal ones; outside of Rad-ReStruct that is not known, and 0.
    """

    number: int
    findings: bool
    impression: bool
    images: tuple[str, ...]
    part: str
    frontal: int


@lru_cache(maxsize=1)
def cast(world: World) -> tuple[Report, ...]:
    """The reports, by number: 1 to 3,999 with 44 gaps at scale 1 (section 17)."""
    world = world.at_least(LEAST)
    draws = world.draws("openi", "cast")
    kinds = [(texts, images) for texts, counts in _IMAGES.items() for images in counts]
    shares = apportion([count for counts in _IMAGES.values() for count in counts.values()], world.count(3955))
    rows = [kind for kind, share in zip(kinds, shares, strict=True) for _ in range(share)]
    parts = _parts(draws, rows)
    frontal = _frontal(draws, parts, [images for _, images in rows])

    top = len(rows) + world.count(44)
    gaps = {*(1 + draws.choice(top - 1, top - len(rows), replace=False)).tolist()}
    numbers = draws.permutation([number for number in range(1, top + 1) if number not in gaps]).tolist()
    films = draws.integers(1, 3000, len(rows)).tolist()
    reports = [
        Report(number, *texts, _names(number, film, count), part, shown)
        for number, film, (texts, count), part, shown in zip(numbers, films, rows, parts, frontal, strict=True)
    ]
    return tuple(sorted(reports, key=lambda report: report.number))


def _parts(draws: np.random.Generator, rows: Sequence[tuple[tuple[bool, bool], int]]) -> list[str]:
    """The folder of Rad-ReStruct of each row (texts, images); reports without images are in none."""
    parts = [""] * len(rows)
    for kind, counts in _PARTS.items():
        places = [place for place, (texts, images) in enumerate(rows) if texts == kind and images]
        for place, part in zip(places, shuffled(draws, list(counts), list(counts.values()), len(places)), strict=True):
            parts[place] = part
    return parts


def _frontal(draws: np.random.Generator, parts: Sequence[str], images: Sequence[int]) -> list[int]:
    """How many images of each row are frontal: those with several are chosen among the rows that have as many."""
    frontal = [int(part != "") for part in parts]
    for part, published in _FRONTAL.items():
        members: list[int] = draws.permutation([place for place, found in enumerate(parts) if found == part]).tolist()
        for number, share in sorted(enumerate(apportion(published, len(members)), 1), reverse=True):
            fit = [place for place in members if images[place] >= number and frontal[place] == 1]
            for place in fit[:share]:
                frontal[place] = number
    return frontal


def _names(number: int, film: int, count: int) -> tuple[str, ...]:
    """Names of images, in one of the two ways in which the collection names them (section 17)."""
    stem = f"CXR{number}_1_IM" if number % 2 else f"CXR{number}_IM"
    return tuple(f"{stem}-{film:04d}-{1000 * place + 1001}" for place in range(count))
