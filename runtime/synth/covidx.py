"""COVIDx in its fourth form, CXR-4: three lists without headers (section 8 of the catalogue of sources)."""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import nih
from cxrspec.runtime.synth.shared.dealing import Ints, apportion, deal
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

_LISTS = {"train": (67_863, 317), "val": (8_473, 35), "test": (8_482, 0)}
"""Rows of a list, and how many names are lost when names are cut at their first dot."""

_ORIGINS = {
    "stonybrook": 13_636, "rsna": 13_588, "sirm": 943, "ricord": 896, "cohen": 567, "bimcv": 55_032, "actmed": 132,
    "fig1": 24,
}  # fmt: skip
"""Rows of an origin: as in CXR-3's train list, and all that CXR-4 has beyond it from `bimcv` (a choice)."""

_PATIENTS = 45_342
_ENDINGS = ("jpg", "jpeg", "png", "JPG", "PNG")


def make(folder: Folder, world: World) -> None:
    """Write the lists: 67,863 / 8,473 / 8,482 rows at scale 1. A patient stands in one list only.

    Of each list, one series of images of `stonybrook` has names that differ behind their first dot only (a choice).
    """
    link = nih.cast(world).rsna.filter(boxes=0)["patient_id"].to_list()  # what comes from RSNA is negative
    world = world.at_least(nih.LEAST)
    draws = world.draws("covidx")
    cells = [
        (part, origin, size)
        for part, (published, _) in _LISTS.items()
        for origin, size in zip(_ORIGINS, apportion(list(_ORIGINS.values()), world.count(published)), strict=True)
    ]
    others = [size for _, origin, size in cells if origin != "rsna"]
    linked = sum(size for *_, size in cells) - sum(others)
    patients = iter(apportion(others, world.count(_PATIENTS) - linked))
    rows: dict[str, list[pl.DataFrame]] = {part: [] for part in _LISTS}
    serial = 1
    for part, origin, size in cells:
        if origin == "rsna":
            rows[part].append(_from_rsna(link[:size]))
            link = link[size:]
        else:
            sizes = deal(draws, size, next(patients))
            fewer = _LISTS[part][1]
            dotted = 1 + (world.count(fewer) if fewer else 0) if origin == "stonybrook" else 0
            rows[part].append(_rows(draws, origin, sizes, serial, pl.col("number") < dotted))
            serial += len(sizes)
    for part, frames in rows.items():
        found = pl.concat(frames)
        folder.write(f"{part}.txt", found[draws.permutation(len(found))].write_csv(include_header=False, separator=" "))


def _from_rsna(ids: list[str]) -> pl.DataFrame:
    """Rows of RSNA's images, under RSNA's ids; every fiftieth says `rnsa`."""
    origin = pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit("rnsa")).otherwise(pl.lit("rsna"))
    return pl.DataFrame({"patient": ids}).select(
        "patient", name=pl.format("{}.png", "patient"), label=pl.lit("negative"), origin=origin
    )


def _rows(draws: np.random.Generator, origin: str, sizes: Ints, first: int, dotted: pl.Expr) -> pl.DataFrame:
    """Rows of patients with so many images each, numbered from `first`; `dotted` says which names have inner dots.

    All are positive but for those of `bimcv` and `cohen`, of whose patients half are (a choice).
    """
    positive = draws.random(len(sizes)) < (0.5 if origin in ("bimcv", "cohen") else 1)
    number = pl.col("number")
    ending = (number % len(_ENDINGS)).replace_strict(range(len(_ENDINGS)), _ENDINGS, return_dtype=pl.String)
    patient = pl.col("patient").cast(pl.String)
    if origin == "ricord":
        patient = pl.format("419639-{}", patient.str.zfill(6))
        name = pl.format("MIDRC-RICORD-1C-{}-{}.png", patient, number)
    else:
        series = pl.format("series-{}.{}.png", pl.lit(first), number)
        name = pl.when(dotted).then(series).otherwise(pl.format("{}-{}-{}.{}", pl.lit(origin), patient, number, ending))
    patients: Ints = np.repeat(np.arange(first, first + len(sizes)), sizes)
    return pl.DataFrame(
        {"patient": patients, "number": range(len(patients)), "positive": positive[patients - first]}
    ).select(
        patient.alias("patient"),
        name.alias("name"),
        pl.when("positive").then(pl.lit("positive")).otherwise(pl.lit("negative")).alias("label"),
        pl.lit(origin).alias("origin"),
    )
