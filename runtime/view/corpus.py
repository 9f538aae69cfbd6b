"""What an output holds, by its manifest: specs, their files, and how many examples each of these has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.emitters import scan
from cxrspec.runtime.manifest import Manifest, Spec, read
from cxrspec.runtime.output import MANIFEST, OutputError
from cxrspec.runtime.writing import ROWS_PER_SHARD


@dataclass(frozen=True, slots=True)
class Selection:
    """Which examples are asked for: of a task, a source, a split, with a text in their id, prompts or answers.

    None: of all. Case does not matter to the text.
    """

    task: str | None = None
    source: str | None = None
    split: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of examples of one spec and split: `rows` of them, in the order of ids."""

    spec: str
    split: str
    file: Path
    rows: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """An output as its manifest has it; `version` is another one for another manifest."""

    out: Path
    manifest: Manifest
    version: str

    def specs(self, selection: Selection) -> Iterator[Spec]:
        """The specs of a task and a source, by name."""
        for spec in self.manifest.specs:
            if selection.task in (None, task(spec)) and selection.source in (None, spec.source):
                yield spec

    def pieces(self, selection: Selection) -> list[Piece]:
        """The files of a selection, whatever its text: by spec, split and shard."""
        splits = [split for split in SPLITS if selection.split in (None, split)]
        return [piece for spec in self.specs(selection) for split in splits for piece in self._shards(spec, split)]

    def _shards(self, spec: Spec, split: str) -> Iterator[Piece]:
        """All shards of a split but the last are full (writing.py)."""
        left = spec.splits[split].rows
        for file in sorted(f.path for f in spec.files if Path(f.path).name.startswith(f"{split}-")):
            yield Piece(spec.name, split, self.out / file, min(left, ROWS_PER_SHARD))
            left -= min(left, ROWS_PER_SHARD)

    def examples(self, *files: Path) -> pl.LazyFrame:
        """The examples of some files."""
        return scan(self.manifest.emit, files)


def task(spec: Spec) -> str:
    """The task of a spec by its name; `spec.task` is its title.

    >>> task(Spec("view_classification/mimic_cxr", "View Classification", "mimic_cxr", ""))
    'view_classification'
    """
    return spec.name.removesuffix(f"/{spec.source}")


class Output:
    """The folder of an output, which a run may replace at any time by another one."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._known = self._read(self._stamp())

    def now(self) -> Corpus:
        """What the folder holds now; the manifest is read again if it is another file than it was.

        Raises:
            OutputError: CXR806, it holds no output that can be read.
        """
        stamp = self._stamp()
        if stamp != self._known.version:
            self._known = self._read(stamp)
        return self._known

    def _read(self, version: str) -> Corpus:
        manifest = read(self.out)
        if manifest is None:
            raise OutputError("CXR806", f"`{self.out}` holds no output of cxrspec", "`cxrspec run --out DIR` makes one")
        return Corpus(self.out, manifest, version)

    def _stamp(self) -> str:
        try:
            stat = (self.out / MANIFEST).stat()
        except OSError:
            return ""
        return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"
