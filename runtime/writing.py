"""WRITE: the examples of one spec -> its files, in shards, in every format of the run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.census import Census, census, together
from cxrspec.runtime.emitters import SCHEMA, Shard, emitter
from cxrspec.runtime.formats import Formats

ROWS_PER_SHARD = 100_000

Files: TypeAlias = Mapping[str, list[Path]]
"""By format, that of the examples first."""


class Writer:
    """The files of one spec on their way: `train-00000-of-00002.parquet`, ...; other formats have a folder of their name.

    Rows are counted, not bytes, and the layout of frames in memory is undone, so that the same rows give the same
    files however they come. A split without rows has no file.
    """

    def __init__(self, folder: Path, formats: Formats) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.folders = {name: folder if name == formats.examples else folder / name for name in formats.all}
        self.emitters = {name: emitter(name) for name in formats.all}
        self.waiting: dict[str, pl.DataFrame] = {split: SCHEMA.to_frame() for split in SPLITS}
        self.shards: dict[str, list[dict[str, Path]]] = {split: [] for split in SPLITS}
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

    def finish(self) -> tuple[Files, Census]:
        """Write what is left, and hold it no longer; all files by split and shard, and the census of what they hold."""
        written: dict[str, list[Path]] = {name: [] for name in self.emitters}
        for split in SPLITS:
            rows = self.waiting.pop(split)
            if rows.height:
                self._write(split, rows)
            count = len(self.shards[split])
            for shard in self.shards[split]:
                for name, path in shard.items():
                    written[name].append(path.rename(path.with_name(f"{path.stem}-of-{count:05d}{path.suffix}")))
        seen, self.seen = self.seen, []
        return written, together(seen)

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.folder)

    def _write(self, split: str, rows: pl.DataFrame) -> None:
        name, examples = f"{split}-{len(self.shards[split]):05d}", rows.rechunk()
        shard: dict[str, Path] = {}
        for format, folder in self.folders.items():
            folder.mkdir(exist_ok=True)
            shard[format] = self.emitters[format].write(Shard(name, folder, examples))
        self.shards[split].append(shard)
