"""What a run saw on the disk, so that the next one opens no file that is as it was.

Beside OUT (here: `corpus`) stands .corpus.disk: a line that says who wrote it, then one for each table with its record:
all that the disk was asked to find its files (names in folders, stamps of both) and the sha256 of each; the last has the
stamps of the files of OUT. As long as the disk answers alike, nothing is opened.

It is never needed: where it is absent, or of another machine or version, files are hashed instead.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from cxrspec.compiler.plan import Read
from cxrspec.runtime.code import code
from cxrspec.runtime.locate import RECENT, Located, Roots, Stamp, asked, find, names_in, stamp_of
from cxrspec.runtime.manifest import File, digest_of, hash_file
from cxrspec.runtime.output import beside
from cxrspec.runtime.presence import Presence

_OUTPUTS = b"outputs"
_NEVER: Stamp = (-1, 0, 0, 0)
_Output: TypeAlias = tuple[int, int, int]
"""A stamp without the ctime, which changes where a new output takes a file over as a link."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """What the disk said about a table.

    folders  of each folder that was listed its stamp, as long as that is the same, and a digest of the names in it
    stamps   of each path that was looked at; None where nothing lies
    hashes   the sha256 of each file that is read
    digest   of these files, as a manifest has them
    """

    folders: Mapping[str, tuple[Stamp | None, str]]
    stamps: Mapping[str, Stamp | None]
    hashes: Mapping[str, str]
    digest: str

    def holds(self) -> bool:
        """Whether the disk says the same now."""
        try:
            for path, told in self.stamps.items():
                if stamp_of(path) != told:
                    return False
            for folder, (told, names) in self.folders.items():
                if stamp_of(folder) != told and _digest(names_in(folder)) != names:
                    return False
            return True
        except OSError:
            return False


class Disk(Presence):
    """The files of tables by their content, and whether those of OUT are as they were written.

    `verify` takes nothing from earlier runs: every file is hashed.
    """

    def __init__(self, roots: Roots, out: Path, verify: bool = False) -> None:
        super().__init__(roots)
        self.out = out
        self.began = time.time_ns()
        self.path = beside(out.resolve(), "disk")
        self.head = f"cxrspec {code()} {platform.node()}".encode("utf-8", "backslashreplace")
        self.before = _bytes(self.path)
        head, *lines = self.before.split(b"\n")
        old = dict(line.split(b"\t", 1) for line in lines if b"\t" in line)
        self.old: dict[bytes, bytes] = old if head == self.head and not verify else {}
        self.records: dict[bytes, Record | None] = {}
        self.same: set[bytes] = set()
        self.keys: dict[int, tuple[Read, bytes]] = {}
        self.outputs = _read(self.old.pop(_OUTPUTS, b""), dict[str, _Output]) or {}

    # ---- tables

    def there(self, read: Read) -> bool:
        """Whether there are files of the table; damaged ones are there, too."""
        record = self._known(read)
        return super().there(read) if record is None else bool(record.hashes)

    def record(self, read: Read) -> Record | None:
        """The files of a table; None where some cannot be read, as reading the table will say."""
        record = self._known(read)
        if record is None:
            key = self._key(read)
            record = self.records[key] = self._new(find(read, self.roots), self._old(key))
        return record

    def files(self, read: Read) -> tuple[File, ...]:
        """The files of a table that has a record, by their content."""
        record = self.record(read)
        return self._files(record.stamps, record.hashes) if record is not None else ()

    def _files(self, stamps: Mapping[str, Stamp | None], hashes: Mapping[str, str]) -> tuple[File, ...]:
        sizes = {path: told[0] for path, told in stamps.items() if told is not None}
        return tuple(File(self.roots.shown(Path(path)), sizes[path], found) for path, found in hashes.items())

    def _known(self, read: Read) -> Record | None:
        """What is known of a table without opening anything."""
        key = self._key(read)
        if key not in self.records:
            old = self._old(key)
            if old is not None and old.holds():
                self.same.add(key)
            self.records[key] = old if key in self.same else None
        return self.records[key]

    def _key(self, read: Read) -> bytes:
        """What a table is remembered under: all that its files hang on beside the disk."""
        if id(read) not in self.keys:
            self.keys[id(read)] = read, self._named(read).encode()
        return self.keys[id(read)][1]

    def _named(self, read: Read) -> str:
        folders = self.roots.of(read.table.partition(".")[0])
        places = (self.roots.data, *folders)
        here = "" if all(place.is_absolute() for place in places) else str(Path.cwd())
        return f"{read.table} {_digest([repr(asked(read)), here, *map(str, places)])}"

    def _old(self, key: bytes) -> Record | None:
        return _read(self.old.get(key, b""), Record)

    def _new(self, located: Located, old: Record | None) -> Record | None:
        """What the disk says now; files whose stamps are those of `old` are not hashed."""
        if located.problems:
            return None
        stamps = {str(path): told for path, told in located.stamps.items()}
        hashes: dict[str, str] = {}
        for path in map(str, located.disk_files):
            same = old is not None and path in old.hashes and old.stamps[path] == stamps[path]
            try:
                hashes[path] = old.hashes[path] if old is not None and same else hash_file(Path(path))
            except OSError:
                return None
        folders = {
            str(folder): (told and self._trusted(told), _digest(names))
            for folder, (told, names) in located.folders.items()
        }
        return Record(folders, stamps, hashes, digest_of(self._files(stamps, hashes)))

    # ---- the files of OUT

    def whole(self, files: Iterable[File]) -> bool:
        """Whether files of OUT are there, of the size they had; nothing is opened."""
        return all(told[0] == file.size if (told := self._output(file)) else False for file in files)

    def intact(self, files: Iterable[File]) -> bool:
        """Whether files of OUT are there as they were written; one whose stamp is not known is hashed."""
        return all(self._is_intact(file) for file in files)

    def _is_intact(self, file: File) -> bool:
        told = self._output(file)
        if told is None or told[0] != file.size:
            return False
        if self.outputs.get(file.path) != told:
            if hash_file(self.out / file.path) != file.sha256:
                return False
            self.outputs[file.path] = told
        return True

    def written(self, files: Iterable[File]) -> None:
        """Take note of files of OUT that were just written."""
        self.outputs |= {file.path: told for file in files if (told := self._output(file)) is not None}

    def _output(self, file: File) -> _Output | None:
        told = stamp_of(self.out / file.path)
        return None if told is None else (told[0], told[1], told[3])

    # ---- beside OUT

    def save(self, reads: Iterable[Read], files: Iterable[File]) -> None:
        """Write what is known of these tables and files of OUT, unless that is what was written before."""
        lines = {key: line for key in map(self._key, reads) if (line := self._line(key)) is not None}
        lines[_OUTPUTS] = _json({file.path: self.outputs[file.path] for file in files if file.path in self.outputs})
        whole = b"\n".join([self.head, *(b"%b\t%b" % line for line in sorted(lines.items()))])
        if whole != self.before:
            made = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            with suppress(OSError):
                made.write_bytes(whole)
                made.replace(self.path)
            made.unlink(missing_ok=True)

    def _line(self, key: bytes) -> bytes | None:
        record = self.records.get(key)
        if record is None or key in self.same:
            return None if key in self.records and record is None else self.old.get(key)
        stamps = {path: told and self._trusted(told) for path, told in record.stamps.items()}
        return _json(replace(record, stamps=stamps))

    def _trusted(self, told: Stamp) -> Stamp:
        """A stamp, but of what changed so lately that it may change once more without showing it."""
        _, mtime, ctime, _ = told
        return told if max(mtime, ctime) < self.began - RECENT else _NEVER


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _read(line: bytes, kind: type[T]) -> T | None:
    """What a line holds; None if it is not whole."""
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        with suppress(ValueError, msgspec.MsgspecError):  # Python reads paths that are not UTF-8, too
            return msgspec.convert(json.loads(line), kind)
        return None


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:  # some path is not UTF-8
        return json.dumps(msgspec.to_builtins(value), sort_keys=True).encode("ascii")


def _digest(names: Iterable[str]) -> str:
    """A digest of texts that have no zero bytes in them, in any order."""
    return blake2b("\0".join(sorted(names)).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
