"""CENSUS: whose examples an output holds, and of which images: what is counted and compared when all are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.emitters import SCHEMA, Emitter
from cxrspec.runtime.manifest import Counts

COLUMNS = ("split", "images", "patient_id", "study_id")
"""The columns of examples that a census is taken of."""


@dataclass(frozen=True, slots=True)
class Side:
    """What the examples of one split are made of: how many, how many without a patient, and what each stands for once."""

    rows: int
    unlinked: int
    images: pl.Series
    studies: pl.Series
    patients: pl.Series


Census: TypeAlias = Mapping[str, Side]
"""By split, each of which is there."""


def census(examples: pl.DataFrame) -> Census:
    """The census of examples; of a frame, since all four columns are gone through several times."""
    return {split: _side(examples.filter(pl.col("split") == split)) for split in SPLITS}


def read_census(emitter: Emitter, files: Sequence[Path]) -> Census:
    """The census of the examples in files.

    Raises:
        polars.exceptions.PolarsError: a file does not read.
    """
    none = SCHEMA.to_frame().lazy()
    return census((emitter.scan(files) if files else none).select(COLUMNS).collect())


def _side(examples: pl.DataFrame) -> Side:
    patients = examples["patient_id"]
    return Side(
        examples.height,
        patients.null_count(),
        examples["images"].explode(empty_as_null=False, keep_nulls=False).unique(),
        examples["study_id"].unique(),
        patients.drop_nulls().unique(),
    )


def together(parts: Iterable[Census]) -> Census:
    """The census of the examples of all parts."""
    some = list(parts)
    return {split: _joined([part[split] for part in some]) for split in SPLITS}


def _joined(sides: list[Side]) -> Side:
    if len(sides) == 1:
        return sides[0]
    return Side(
        sum(side.rows for side in sides),
        sum(side.unlinked for side in sides),
        _distinct(side.images for side in sides),
        _distinct(side.studies for side in sides),
        _distinct(side.patients for side in sides),
    )


def _distinct(names: Iterable[pl.Series]) -> pl.Series:
    return pl.concat([pl.Series(dtype=pl.String), *(one.alias("") for one in names)]).unique()


def counts(found: Census) -> Mapping[str, Counts]:
    """By split: examples, and distinct images and studies."""
    return {split: Counts(side.rows, side.images.len(), side.studies.len()) for split, side in found.items()}


def torn(found: Mapping[str, Census]) -> Mapping[str, int]:
    """For each name how many of its patients and studies stand on two sides, here or under another name.

    A study is looked at for itself: it may lack its patient somewhere.
    """
    every = together(found.values())
    patients = _repeated(side.patients for side in every.values())
    studies = _repeated(side.studies for side in every.values())
    double: dict[str, int] = {}
    for name, one in found.items() if len(patients) + len(studies) else ():
        whole = _joined(list(one.values()))
        double[name] = int(whole.patients.is_in(patients).sum()) + int(whole.studies.is_in(studies).sum())
    return {name: number for name, number in double.items() if number}


def _repeated(names: Iterable[pl.Series]) -> list[str]:
    """The names that stand in several of these."""
    all = pl.concat([pl.Series(dtype=pl.String), *(one.alias("") for one in names)])
    return all.filter(all.is_duplicated()).unique().to_list()
