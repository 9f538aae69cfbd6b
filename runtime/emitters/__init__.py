"""Examples -> files: one emitter per file, found by its name (`parquet.py` is the format `parquet`)."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import polars as pl

from cxrspec.compiler.diagnostics import near
from cxrspec.runtime.output import OutputError

ROWS_PER_SHARD = 100_000

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


class Emitter(Protocol):
    """What a file of this folder offers. `NEEDS` are the words of those terms without which nothing is written."""

    NEEDS: Mapping[str, str]

    def write(self, frame: pl.DataFrame, folder: Path, split: str) -> list[Path]:
        """Write the examples of one spec and split, sorted by id, as shards below `folder`; none for no rows.

        Equal rows give equal bytes, whatever the number of threads and the chunks of `frame`.
        """
        ...

    def scan(self, files: Sequence[Path]) -> pl.LazyFrame:
        """The rows of written files, at least with the columns of `SCHEMA` that `cxrspec stats` counts."""
        ...


def names() -> tuple[str, ...]:
    """The formats there are, sorted: one per file of this folder."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def emitter(name: str) -> Emitter:
    """The emitter of the format `name`.

    Raises:
        OutputError: CXR807, there is no such format.
    """
    if name not in names():
        raise OutputError("CXR807", f"unknown output format `{name}`", near(name, names(), "formats"))
    return cast(Emitter, import_module(f"{__name__}.{name}"))


def shards(frame: pl.DataFrame, folder: Path, split: str, extension: str) -> Iterator[tuple[Path, pl.DataFrame]]:
    """The files that `frame` is spread over, each with its rows: `train-00000-of-00002.parquet`, ...

    Rows are counted, not bytes, and the memory layout of `frame` is undone, so that the same rows give the same files.

    Raises:
        polars.exceptions.SchemaError: the columns are not those of `SCHEMA`.
    """
    frame = frame.match_to_schema(SCHEMA).rechunk()
    count = -(-frame.height // ROWS_PER_SHARD)
    for number in range(count):
        path = folder / f"{split}-{number:05d}-of-{count:05d}.{extension}"
        yield path, frame.slice(number * ROWS_PER_SHARD, ROWS_PER_SHARD)
