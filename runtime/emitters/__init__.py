"""Examples -> files: one emitter per file, found by its name (`parquet.py` is the format `parquet`)."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import polars as pl

from cxrspec.compiler.diagnostics import near
from cxrspec.runtime.output import OutputError

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

    def write(self, examples: pl.DataFrame, folder: Path, shard: str) -> list[Path]:
        """Write the examples of one shard (`train-00000`, with which the names of its files end) below `folder`.

        They have the columns of `SCHEMA` and lie in one piece. Equal rows give equal bytes, whatever the number of
        threads.
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
