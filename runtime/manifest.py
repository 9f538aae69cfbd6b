"""manifest.json: what went into an output and what came out; equal inputs give an equal file, so no time is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from cxrspec.compiler.dialects import DEFAULT
from cxrspec.compiler.nodes import node
from cxrspec.runtime.output import MANIFEST, OutputError


@dataclass(frozen=True, slots=True)
class Versions:
    """What made the output; `python` is the minor version ("3.11")."""

    cxrspec: str
    polars: str
    polars_hash: str
    python: str


@node
class File:
    """A file by its content. `path` is relative to the data root (a source's file) or to OUT (an output)."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a relation that may lose rows: a join, or a filter by its name."""

    relation: str
    step: str
    rows_in: int
    rows_out: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Examples of one split, with their distinct images and studies."""

    rows: int
    images: int
    studies: int


@dataclass(frozen=True, slots=True)
class Source:
    """A source with its terms of use (`use:` word by word) and the works to cite for it."""

    name: str
    title: str
    license: str
    homepage: str
    cite: tuple[str, ...]
    use: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Authority:
    """What said how a space is split: `split` (`source.split`), by the files of these tables (as `Spec.inputs`).

    Without files it said nothing.
    """

    space: str
    split: str
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Spec:
    """One spec that was made.

    row        the published row it belongs to: task and source as the table writes them
    because    why the published row may differ, in words
    plan       fingerprint of the plan
    way        a digest of all else that its bytes hang on, beside its inputs
    inputs     the files of each table that the plan read, as `Manifest.inputs` has them
    attrition  in the order of the steps
    splits     by split
    files      its examples
    others     what was made of them in other formats, by format
    terms      the joined terms of everything it reached
    warnings   how often, by code
    authorities  of its spaces, by space
    sources    all that it takes anything from
    own_split  why its split is not that of its space
    leak       why its prompts print what the answer says
    """

    name: str
    task: str
    source: str
    plan: str
    way: str = ""
    row: tuple[str, str] | None = None
    because: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    attrition: tuple[Step, ...] = ()
    splits: Mapping[str, Counts] = field(default_factory=dict[str, Counts])
    files: tuple[File, ...] = ()
    others: Mapping[str, tuple[File, ...]] = field(default_factory=dict[str, tuple[File, ...]])
    terms: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: Mapping[str, int] = field(default_factory=dict[str, int])
    authorities: tuple[Authority, ...] = ()
    sources: tuple[str, ...] = ()
    own_split: str | None = None
    leak: str | None = None

    @property
    def written(self) -> tuple[File, ...]:
        """All its files."""
        return (*self.files, *(file for files in self.others.values() for file in files))


@dataclass(frozen=True, slots=True)
class Failed:
    """A spec that findings in the data stopped."""

    name: str
    codes: tuple[str, ...]
    row: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A spec whose sources are not all here."""

    name: str
    reason: str
    row: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """An output: what it is made of, how, and what was not made.

    `emit` is the format of the examples, `others` are those beside it; `boxes` is the dialect in which they are printed. `inputs` are the files of tables, each set of them once, under a
    digest of it: many specs read the same ones, and one that was made earlier may have read others of the same table.
    """

    versions: Versions
    seed: int
    mode: Literal["default", "published"]
    emit: str
    others: tuple[str, ...] = ()
    boxes: str = DEFAULT
    limit: int | None = None
    demo: bool = False
    sources: tuple[Source, ...] = ()
    inputs: Mapping[str, tuple[File, ...]] = field(default_factory=dict[str, tuple[File, ...]])
    specs: tuple[Spec, ...] = ()
    failed: tuple[Failed, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()


def in_words(terms: Mapping[str, str]) -> str:
    """Terms as people read them: `access: open, commercial: no`."""
    return ", ".join(f"{term}: {word}" for term, word in sorted(terms.items()))


def read(folder: Path) -> Manifest | None:
    """The manifest of an output; None if `folder` has none.

    Raises:
        OutputError: CXR806, it is not a manifest of this version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        written = path.read_bytes()
        found = msgspec.json.decode(written, type=Manifest)
        # What somebody laid out anew holds the same; only fields that are missing or not known make a difference.
        if _text(found) != written and _text(found) != _text(msgspec.json.decode(written)):
            raise msgspec.ValidationError("a field is missing, or one is not known")
        return found
    except msgspec.MsgspecError as error:
        message = f"`{path}` is not a manifest that this version of cxrspec reads"
        raise OutputError("CXR806", message, "a run of all specs writes it anew") from error


def write(manifest: Manifest, folder: Path) -> None:
    """Write the manifest of the output in `folder`: sorted, so that the order of work does not show."""
    (folder / MANIFEST).write_bytes(_text(in_order(manifest)))


def _text(manifest: Manifest | dict[str, Any]) -> bytes:
    """A manifest, or what is decoded of one, as it is written."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def digest_of(files: Iterable[File]) -> str:
    """16 hex digits for a set of files: the same for the same paths and contents."""
    lines = sorted(f"{file.sha256} {file.path}" for file in files)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]


_SMALL = 1 << 16
"""Bytes of a file that is read at once, which takes half the time."""


def hash_file(path: Path) -> str:
    """The sha256 of a file; read once in a run, as long as its size, times and inode stay."""
    stat = path.stat()
    return _sha256(path.absolute(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@cache
def _sha256(path: Path, size: int, _mtime_ns: int, _ctime_ns: int, _inode: int) -> str:
    with path.open("rb", buffering=0) as file:
        if size < _SMALL:
            return hashlib.sha256(file.read()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_order(manifest: Manifest) -> Manifest:
    """The manifest as it is written, whatever the order of work was."""
    specs = (
        replace(
            spec,
            files=_sorted(spec.files),
            others={name: _sorted(files) for name, files in spec.others.items()},
        )
        for spec in manifest.specs
    )
    return replace(
        manifest,
        sources=tuple(sorted(manifest.sources, key=lambda source: source.name)),
        inputs={name: _sorted(files) for name, files in manifest.inputs.items()},
        specs=tuple(sorted(specs, key=lambda spec: spec.name)),
        failed=tuple(sorted(manifest.failed, key=lambda spec: spec.name)),
        unavailable=tuple(sorted(manifest.unavailable, key=lambda spec: spec.name)),
    )


def _sorted(files: Iterable[File]) -> tuple[File, ...]:
    return tuple(sorted(files, key=lambda file: file.path))
