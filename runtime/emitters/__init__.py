"""Examples -> files: one emitter per file, found by its name (`parquet.py` is the format `parquet`).

A run writes its examples in one format that is read back, and any number of others that trainings read, all from the
same examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import polars as pl

from cxrspec.runtime.formats import known

SCHEMA = pl.Schema(
    {
        "id": pl.String(),
        "task": pl.String(),
        "source": pl.String(),
        "split": pl.String(),
        "space": pl.String(),
        "patient_id": pl.String(),
        "study_id": pl.String(),
        "images": pl.List(pl.String()),
        "sizes": pl.List(pl.Struct({"width": pl.Int64(), "height": pl.Int64()})),
        "turns": pl.List(pl.Struct({"prompt": pl.String(), "answer": pl.String(), "form": pl.String()})),
        "target": pl.String(),
        "boxes": pl.List(
            pl.Struct(
                {
                    "image": pl.Int64(),
                    "label": pl.String(),
                    "x1": pl.Float64(),
                    "y1": pl.Float64(),
                    "x2": pl.Float64(),
                    "y2": pl.Float64(),
                }
            )
        ),
        "origin": pl.List(pl.String()),
    }
)
"""The columns of every frame of examples."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some examples of a spec, of one split, on their way into a file.

    name      `train-00000`: the file's, but for its suffix
    folder    where it is to stand; it is there
    examples  in the order of ids, with the columns of `SCHEMA`, in one piece
    """

    name: str
    folder: Path
    examples: pl.DataFrame


class Emitter(Protocol):
    """What a file of this folder offers. `NEEDS` are the words of those terms without which nothing is written."""

    NEEDS: Mapping[str, str]

    def write(self, shard: Shard) -> Path:
        """Write a shard. Equal examples give equal bytes, whatever the number of threads."""
        ...


class Reader(Protocol):
    """What the files of `formats.EXAMPLES` offer, too."""

    def scan(self, files: Sequence[Path]) -> pl.LazyFrame:
        """The examples of written files, with the columns of `SCHEMA`."""
        ...


def emitter(name: str) -> Emitter:
    """The emitter of the format `name`.

    Raises:
        OutputError: CXR807, there is no such format.
    """
    return cast(Emitter, import_module(f"{__name__}.{known(name).replace('-', '_')}"))


def scan(name: str, files: Sequence[Path]) -> pl.LazyFrame:
    """The examples in files of the format `name`, one of `formats.EXAMPLES`; none, if there is no file."""
    return cast(Reader, emitter(name)).scan(files) if files else SCHEMA.to_frame().lazy()
