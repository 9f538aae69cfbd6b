"""Examples -> files: one emitter per file, found by its name (`parquet.py` is the format `parquet`).

A run writes its examples in one format that is read back, and any number of others that trainings read, all from the
same examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.dialects import DEFAULT, DIALECTS, Dialect
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
class About:
    """What emitters may know of the spec whose examples they write.

    forms     those by which its turns are asked, by name
    dialogue  whether the turns of an example are one conversation
    dialect   in which the turns print boxes
    picture   opens the picture of an image; None if it is not there
    """

    forms: Mapping[str, p.Form] = field(default_factory=dict[str, p.Form])
    dialogue: bool = False
    dialect: Dialect = DIALECTS[DEFAULT]
    picture: Callable[[str], BinaryIO | None] = lambda image: None


NOTHING = About()
"""Of a spec of which nothing is known: its texts are taken for nothing but texts."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some examples of a spec, of one split, on their way into a file.

    number    among the shards of its split, from 0
    folder    where files of its format are to stand; it is there
    examples  in the order of ids, with the columns of `SCHEMA`, in one piece
    """

    split: str
    number: int
    folder: Path
    examples: pl.DataFrame
    about: About = NOTHING

    def path(self, suffix: str) -> Path:
        """Where to write it, if it is one file; the name is not the final one."""
        return self.folder / f"{self.split}-{self.number:05d}{suffix}"


class Emitter(Protocol):
    """What a file of this folder offers. `NEEDS` are the words of those terms without which nothing is written."""

    NEEDS: Mapping[str, str]

    def write(self, shard: Shard) -> Sequence[Path]:
        """Write a shard, into one file or several in their order. Equal examples give equal bytes, whatever the threads."""
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
