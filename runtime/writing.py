"""WRITE: the examples of one spec -> its files, in shards, in every format of the run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.census import Census, census, together
from cxrspec.runtime.emitters import NOTHING, SCHEMA, About, Shard, emitter
from cxrspec.runtime.formats import Formats

ROWS_PER_SHARD = 100_000

Paths: TypeAlias = Mapping[str, list[Path]]
"""By format, that of the examples first."""


class Writer:
    """The files of one spec on their way: `train-00000-of-00002.parquet`, ...; other formats have a folder of their name.

    Rows are counted, not bytes, and the layout of frames in memory is undone, so that the same rows give the same
    files however they come. A split without rows has no file.
    """

    def __init__(self, folder: Path, formats: Formats, about: About = NOTHING) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.about = about
        self.folders = {name: folder if name == formats.examples else folder / name for name in formats.all}
        self.emitters = {name: emitter(name) for name in formats.all}
        self.waiting: dict[str, pl.DataFrame] = {split: SCHEMA.to_frame() for split in SPLITS}
        self.shards: dict[str, int] = dict.fromkeys(SPLITS, 0)
        self.files: dict[str, dict[str, list[Path]]] = {name: {split: [] for split in SPLITS} for name in formats.all}
        self.seen: list[Census] = []

    def add(self, examples: pl.DataFrame) -> None:
        """Take the next examples, in the order in which they are to stand within their split.

        Raises:
            polars.exceptions.SchemaError: the columns are not those of `SCHEMA`.
        """
        examples = examples.match_to_schema(SCHEMA)
        parts = {split: examples.filter(pl.col("split") == split) for split in SPLITS}
        assert sum(part.height for part in parts.values()) == examples.height, "a row without a split"
        self.seen.append(census(parts))
        for split, part in parts.items():
            rows = pl.concat([self.waiting[split], part])
            while rows.height >= ROWS_PER_SHARD:
                self._write(split, rows.head(ROWS_PER_SHARD))
                rows = rows.slice(ROWS_PER_SHARD)
            self.waiting[split] = rows

    def finish(self) -> tuple[Paths, Census]:
        """Write what is left, and hold it no longer; all files by split and shard, and the census of what they hold."""
        for split in SPLITS:
            rows = self.waiting.pop(split)
            if rows.height:
                self._write(split, rows)
        written = {
            name: [path for split, paths in files.items() for path in _named(split, paths)]
            for name, files in self.files.items()
        }
        seen, self.seen = self.seen, []
        return written, together(seen)

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.folder)

    def _write(self, split: str, rows: pl.DataFrame) -> None:
        examples = rows.rechunk()
        for name, folder in self.folders.items():
            folder.mkdir(exist_ok=True)
            shard = Shard(split, self.shards[split], folder, examples, self.about)
            self.files[name][split] += self.emitters[name].write(shard)
        self.shards[split] += 1


def _named(split: str, paths: list[Path]) -> list[Path]:
    """The files of a split, with the names that say how many there are."""
    return [
        path.rename(path.with_name(f"{split}-{number:05d}-of-{len(paths):05d}{path.suffix}"))
        for number, path in enumerate(paths)
    ]
