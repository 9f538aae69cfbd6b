"""CENSUS: whose examples an output holds, and of which images: what is counted and compared when all are made.

A census keeps no name but its xxh64, which takes a fraction of the time and memory. Of three million names two have the
same with a chance of one in four million: then one too few is counted, or one too many said to stand on two sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.bodies import hashed
from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.manifest import Counts

COLUMNS = ("split", "images", "patient_id", "study_id")
"""The columns of examples that a census is taken of."""


@dataclass(frozen=True, slots=True)
class Side:
    """What the examples of one split are made of: how many, how many without a patient, and for each name, once, its hash."""

    rows: int
    unlinked: int
    images: pl.Series
    studies: pl.Series
    patients: pl.Series


Census: TypeAlias = Mapping[str, Side]
"""By split, each of which is there."""


def census(by_split: Mapping[str, pl.DataFrame]) -> Census:
    """The census of examples, of which all of a split are in one frame."""
    return {split: _side(examples) for split, examples in by_split.items()}


def read_census(scanned: pl.LazyFrame) -> Census:
    """The census of written examples.

    Raises:
        polars.exceptions.PolarsError: a file does not read.
    """
    examples = scanned.select(COLUMNS).collect()
    return census({split: examples.filter(pl.col("split") == split) for split in SPLITS})


def _side(examples: pl.DataFrame) -> Side:
    images = examples.select(pl.col("images").explode(empty_as_null=False, keep_nulls=False))
    patients = examples["patient_id"]
    return Side(
        examples.height,
        patients.null_count(),
        _hashes(images["images"]),
        _hashes(examples["study_id"]),
        _hashes(patients.drop_nulls()),
    )


def _hashes(names: pl.Series) -> pl.Series:
    """One for each name."""
    return names.to_frame("name").select(hashed(pl.col("name"))).to_series().unique()


def together(parts: Iterable[Census]) -> Census:
    """The census of the examples of all parts."""
    some = list(parts)
    return {split: _joined([part[split] for part in some]) for split in SPLITS}


def _joined(sides: Sequence[Side]) -> Side:
    return Side(
        sum(side.rows for side in sides),
        sum(side.unlinked for side in sides),
        _all(side.images for side in sides).unique(),
        _all(side.studies for side in sides).unique(),
        _all(side.patients for side in sides).unique(),
    )


def _all(hashes: Iterable[pl.Series]) -> pl.Series:
    return pl.concat([pl.Series(dtype=pl.UInt64), *(some.alias("") for some in hashes)])


def counts(found: Census) -> Mapping[str, Counts]:
    """By split: examples, and distinct images and studies."""
    return {split: Counts(side.rows, side.images.len(), side.studies.len()) for split, side in found.items()}


def torn(found: Mapping[str, Census]) -> Mapping[str, int]:
    """For each name how many of its patients and studies stand on two sides, here or under another name.

    A study is looked at for itself: it may lack its patient somewhere.
    """
    every = together(found.values()).values()
    patients, studies = _repeated(side.patients for side in every), _repeated(side.studies for side in every)
    if not patients and not studies:
        return {}
    double: dict[str, int] = {}
    for name, one in found.items():
        whole = _joined(list(one.values()))
        double[name] = int(whole.patients.is_in(patients).sum()) + int(whole.studies.is_in(studies).sum())
    return {name: number for name, number in double.items() if number}


def _repeated(sides: Iterable[pl.Series]) -> list[int]:
    """What stands on several sides."""
    every = _all(sides)
    return every.filter(every.is_duplicated()).unique().to_list()
