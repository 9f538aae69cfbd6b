"""Where the files of a table lie: patterns below the roots of a source, packed or not, and their bytes as a stream.

    files: "{part}/s{study_id}.txt"      ->  train/s1.txt  {part: train, study_id: 1}
    packed: reports.zip                      also the members of <root>/reports.zip

An entry stands for the file itself, for `<file>.gz` and `<file>.zip`, and for a member of a `packed` archive whose
path, or whose path below one leading folder, is the entry. The unpacked form wins. `*` and `{name}` are one piece of
a path, never a leading dot; a captured column with `values` takes only those, one of type int only digits.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader
from itertools import groupby
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Literal

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import INT, present

_VARYING = re.compile(r"\{([A-Za-z_]\w*)\}|(\*)")  # {name} or *
_FORMS = ("", ".gz", ".zip")  # a file as it is or packed alone, the first first
# What the standard library raises for a damaged, encrypted or unreadable file. (gzip.BadGzipFile is an OSError.)
_UNREADABLE = (
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the sources lie: `<data>/<source>`, or the roots that the settings give for a source.

    `listings` remembers the members of archives, or what is wrong with one: several tables may lie in one archive,
    and listing a compressed tar means reading it to its end.
    """

    data: Path
    sources: Mapping[str, tuple[Path, ...]]
    listings: dict[Path, Sequence[str] | Diagnostic] = field(
        default_factory=dict[Path, "Sequence[str] | Diagnostic"], compare=False, repr=False
    )

    def of(self, source: str) -> tuple[Path, ...]:
        """The folders of `source`, the first first."""
        return self.sources.get(source) or (self.data / source,)

    def shown(self, path: Path) -> str:
        """`path` as messages show it: relative to the data root where it lies below it."""
        return (path.relative_to(self.data) if path.is_relative_to(self.data) else path).as_posix()


@dataclass(frozen=True, slots=True)
class Found:
    """One file to read.

    name      as messages show it ("openi/NLMCXR_reports.tgz/ecgen-radiology/1.xml")
    path      below the root, or below the archive, as the pattern has it: what `file()` is
    captures  the `{name}` pieces of the path
    disk      the file on disk (the archive, when packed)
    member    the name inside the archive, None for a file of its own
    """

    name: str
    path: str
    captures: Mapping[str, str]
    disk: Path
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """The files of a table in a stable order (no files and no problems: the table is absent)."""

    files: tuple[Found, ...]
    problems: tuple[Diagnostic, ...] = ()

    @property
    def disk_files(self) -> tuple[Path, ...]:
        """The distinct files on disk, as a manifest names them."""
        return tuple(dict.fromkeys(file.disk for file in self.files))


def problem(
    code: str,
    message: str,
    file: str,
    *,
    column: str | None = None,
    line: int | None = None,
    help: Iterable[str] = (),
    severity: Literal["error", "warning"] = "error",
) -> Diagnostic:
    """A finding in a data file; `help` lines that are empty are left out."""
    return Diagnostic(code, severity, message, DataPlace(file, column, line), help=tuple(h for h in help if h))


# ---------------------------------------------------------------------------------------------------- patterns


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One entry of `files`: its pieces, and the whole of it as a regular expression."""

    pieces: tuple[str, ...]
    regex: re.Pattern[str]

    @property
    def varies(self) -> bool:
        """Whether it has a glob or a capture."""
        return any(map(_VARYING.search, self.pieces))

    def captures(self, path: str) -> Mapping[str, str] | None:
        """The captured pieces of `path`, or None if it does not match."""
        match = self.regex.fullmatch(path)
        return None if match is None else match.groupdict()


def captured_names(read: Read) -> frozenset[str]:
    """The names that the patterns of `read` capture: columns of every row.

    >>> sorted(captured_names(Read("s.t", "json", ("{part}_qa/{n}.json",), ())))
    ['n', 'part']
    """
    return frozenset(m[1] for entry in read.files for m in _VARYING.finditer(entry) if m[1])


def _pattern(entry: str, columns: Sequence[RawColumn]) -> _Pattern:
    pieces = tuple(piece for piece in entry.split("/") if piece not in ("", "."))
    seen: set[str] = set()
    regex = "/".join(_piece_regex(piece, columns, seen) for piece in pieces)
    return _Pattern(pieces, re.compile(regex))


def _piece_regex(piece: str, columns: Sequence[RawColumn], seen: set[str]) -> str:
    """One piece of a path; a name that was seen before must be the same text again."""
    out, end = "", 0
    for m in _VARYING.finditer(piece):
        out += re.escape(piece[end : m.start()])
        guard = "" if m.start() else r"(?!\.)"
        if m[2]:
            out += guard + "[^/]*"
        elif m[1] in seen:
            out += f"(?P={m[1]})"
        else:
            seen.add(m[1])
            out += f"{guard}(?P<{m[1]}>{_capture_regex(m[1], columns)})"
        end = m.end()
    return out + re.escape(piece[end:])


def _capture_regex(name: str, columns: Sequence[RawColumn]) -> str:
    """What a captured piece may be, by the columns that take it."""
    takers = [c for c in columns if c.places and c.places[0].kind == "name" and c.places[0].path == name]
    listed = [[raw for raw, _ in c.values] for c in takers if c.values and c.otherwise == "refuse"]
    if listed:
        common = [raw for raw in listed[0] if all(raw in other for other in listed)]
        return "|".join(map(re.escape, common)) or "(?!)"
    return "[0-9]+" if any(present(c.type) == INT and not c.values for c in takers) else "[^/]+"


# ------------------------------------------------------------------------------------------------------ finding


def find(read: Read, roots: Roots) -> Located:
    """The files of `read`. Absent files are no problem here; damaged archives and unreadable folders are."""
    search = _Search(read, roots)
    patterns = [pattern for entry in read.files if (pattern := _pattern(entry, read.columns)).pieces]
    for pattern in patterns:
        if not pattern.varies and search.add(pattern):
            break
    for pattern in patterns:
        if pattern.varies:
            search.add(pattern)
    # The files of one archive stand together, so that it is read in one pass.
    disks = list(dict.fromkeys(file.disk for file in search.files.values()))
    rank = {disk: place for place, disk in enumerate(disks)}
    files = tuple(sorted(search.files.values(), key=lambda file: rank[file.disk]))
    return Located(files, tuple(search.problems))


class _Search:
    """Gathers the files of one table; the first to give a path below a root keeps it."""

    def __init__(self, read: Read, roots: Roots) -> None:
        self.read, self.roots = read, roots
        self.folders = roots.of(read.table.partition(".")[0])
        self.files: dict[str, Found] = {}
        self.problems: list[Diagnostic] = []
        self._taken: set[tuple[Path, str | None]] = set()

    def add(self, pattern: _Pattern) -> bool:
        """Add all files of `pattern`; whether there are any (a file with a problem is one)."""
        before = len(self.files), len(self.problems)
        for root in self.folders:
            for path, disk in self._walk(root, pattern):
                self._add_disk(pattern, path, disk)
        if pattern.varies or (len(self.files), len(self.problems)) == before:
            for root in self.folders:
                for name in self.read.packed:
                    self._add_members(pattern, root / name)
        return (len(self.files), len(self.problems)) != before

    def _add(self, pattern: _Pattern, path: str, disk: Path, member: str | None) -> bool:
        captures = pattern.captures(path)
        if captures is None:
            return False
        if path.encode(errors="replace").decode() != path:
            readable = disk.with_name(disk.name.encode(errors="replace").decode())
            self._fail("CXR602", "a file name that is not UTF-8", readable)
        elif path not in self.files and (disk, member) not in self._taken:
            name = self.roots.shown(disk) + (f"/{member}" if member else "")
            self.files[path] = Found(name, path, captures, disk, member)
            self._taken.add((disk, member))
        return True

    def _add_disk(self, pattern: _Pattern, path: str, disk: Path) -> None:
        """A file on disk; a zip stands for the one member that is meant."""
        if disk.suffix != ".zip":
            self._add(pattern, path, disk, None)
            return
        listed = self._members(disk)
        if listed is None:
            return
        members = [member for member in listed if not member.startswith("__MACOSX/")]
        name = path.rpartition("/")[2]
        meant = members if len(members) == 1 else [m for m in members if m.rpartition("/")[2] == name]
        if len(meant) == 1:
            self._add(pattern, path, disk, meant[0])
        else:
            self._fail("CXR604", f"a zip of {len(members)} members, {len(meant)} of them of the name expected", disk)

    def _add_members(self, pattern: _Pattern, archive: Path) -> None:
        if not self._is_file(archive):
            return
        for member in self._members(archive) or ():
            path = member.removeprefix("./")
            if not self._add(pattern, path, archive, member):
                self._add(pattern, path.partition("/")[2], archive, member)

    # -------------------------------------------------------------------------------------------- disk

    def _walk(self, root: Path, pattern: _Pattern) -> Iterator[tuple[str, Path]]:
        """(path below the root without .gz or .zip, file) of everything that has the form of `pattern`, sorted."""
        folders = [(root, "")]
        for piece in pattern.pieces[:-1]:
            folders = [
                (folder / name, f"{below}{name}/") for folder, below in folders for name in self._names(folder, piece)
            ]
        for folder, below in folders:
            for name, actual in self._forms(folder, pattern.pieces[-1], below, pattern):
                if self._is_file(folder / actual, strict=not pattern.pieces[-1].endswith(("*", "}"))):
                    yield below + name, folder / actual

    def _names(self, folder: Path, piece: str) -> list[str]:
        """Names in `folder` that may be `piece` (the whole path is compared later); a plain piece is itself."""
        if not _VARYING.search(piece):
            return [piece]
        loose = re.compile(re.escape(_VARYING.sub("*", piece)).replace(r"\*", ".*"))
        return sorted(filter(loose.fullmatch, self._listing(folder)))

    def _forms(self, folder: Path, piece: str, below: str, pattern: _Pattern) -> Iterator[tuple[str, str]]:
        """(name, actual name) of the last piece: itself, else its .gz, else its .zip."""
        if _VARYING.search(piece):
            names = sorted(self._listing(folder))
        else:
            names = [piece + form for form in _FORMS if self._mode(folder / (piece + form)) is not None]
        taken: set[str] = set()
        for form in _FORMS:
            for actual in names:
                name = actual.removesuffix(form)
                new = actual.endswith(form) and taken.isdisjoint((name, actual))
                if new and pattern.captures(below + name) is not None:
                    taken |= {name, actual}
                    yield name, actual

    def _listing(self, folder: Path) -> list[str]:
        try:
            return [entry.name for entry in os.scandir(folder)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._fail("CXR602", f"a folder that cannot be read: {_reason(error)}", folder)
            return []

    def _mode(self, path: Path) -> int | None:
        try:
            return path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._fail("CXR602", f"a file that cannot be read: {_reason(error)}", path)
            return None

    def _is_file(self, path: Path, *, strict: bool = True) -> bool:
        """Whether a file lies there; `strict`: something else in its place is a problem."""
        mode = self._mode(path)
        if mode is not None and not S_ISREG(mode) and (strict or not S_ISDIR(mode)):
            self._fail("CXR602", f"a {'folder' if S_ISDIR(mode) else 'special file'} where a file is expected", path)
        return mode is not None and S_ISREG(mode)

    # ---------------------------------------------------------------------------------------- archives

    def _members(self, archive: Path) -> Sequence[str] | None:
        """Names of the files in an archive; None: a problem, which is noted."""
        if archive not in self.roots.listings:
            self.roots.listings[archive] = self._list(archive)
        listed = self.roots.listings[archive]
        if isinstance(listed, Diagnostic):
            self._note(listed)
            return None
        return listed

    def _list(self, archive: Path) -> Sequence[str] | Diagnostic:
        try:
            names = sorted(_zip_names(archive)) if archive.suffix == ".zip" else _tar_names(archive)
        except _UNREADABLE as error:
            return _damage(error, self.roots.shown(archive))
        twice = sum(count > 1 for count in Counter(names).values())
        if twice:
            message = f"an archive that holds {twice} members more than once"
            return problem("CXR604", message, self.roots.shown(archive))
        return names

    def _fail(self, code: str, message: str, path: Path) -> None:
        self._note(problem(code, message, self.roots.shown(path)))

    def _note(self, found: Diagnostic) -> None:
        if found not in self.problems:
            self.problems.append(found)


# ----------------------------------------------------------------------------------------------------- contents


def contents(located: Located, problems: list[Diagnostic]) -> Iterator[tuple[Found, bytes]]:
    """Every file with its bytes, each archive in one pass; what cannot be read is added to `problems`."""
    for disk, group in groupby(located.files, key=lambda file: file.disk):
        files = list(group)
        whole = files[0].name.removesuffix(f"/{files[0].member}")
        current = whole
        try:
            for file, read in _stream(disk, files):
                current = file.name
                yield file, read()
                current = whole
        except _UNREADABLE as error:
            problems.append(_damage(error, current))


def _stream(disk: Path, files: Sequence[Found]) -> Iterator[tuple[Found, Callable[[], bytes]]]:
    """The files of one file on disk, each with the call that reads it."""
    if files[0].member is None:
        yield files[0], lambda: gzip.decompress(disk.read_bytes()) if disk.suffix == ".gz" else disk.read_bytes()
    elif disk.suffix == ".zip":
        with zipfile.ZipFile(disk) as packed:
            for file in files:
                yield file, partial(packed.read, file.member or "")
    else:
        wanted = {file.member: file for file in files}
        with _tar_stream(disk) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for info in archive:
                if info.name in wanted:
                    yield wanted[info.name], partial(_extract, archive, info)


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    member = archive.extractfile(info)
    if member is None:  # a device or a fifo
        raise tarfile.ExtractError
    return member.read()


def _zip_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


def _tar_names(path: Path) -> list[str]:
    """Names of the files of a tar. `tarfile` takes a cut header for the end, so the closing block is looked for."""
    with _tar_stream(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        names = [info.name for info in archive if not info.isdir()]
        stream.seek(archive.offset)
        block = stream.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE or any(block):
            raise EOFError
        while stream.read(1 << 20):  # to the end: only there a checksum is compared
            pass
    return names


def _tar_stream(path: Path) -> BufferedReader | gzip.GzipFile:
    return path.open("rb") if path.suffix == ".tar" else gzip.open(path)


def _damage(error: Exception, name: str) -> Diagnostic:
    """What an exception of the file system or of an archive means; its text may hold data and is not passed on."""
    match error:
        case gzip.BadGzipFile():
            return problem("CXR601", "a damaged gzip file", name, help=["download it again"])
        case OSError(errno=int()):
            return problem("CXR602", f"a file that cannot be read: {_reason(error)}", name)
        case RuntimeError():  # zipfile: encrypted, or a compression this Python does not know
            return problem("CXR602", "a member that is encrypted or of an unknown compression", name)
        case EOFError():
            return problem("CXR601", "a truncated archive or compressed file", name, help=["download it again"])
        case _:
            return problem("CXR601", "a damaged archive or compressed file", name, help=["download it again"])


def _reason(error: OSError) -> str:
    return (error.strerror or "input/output error").lower()
