"""Where the files of a table lie: patterns below the roots of a source, packed or not, and their bytes as a stream.

    files: "{part}/s{study_id}.txt"      ->  train/s1.txt  {part: train, study_id: 1}
    packed: reports.zip                      also the members of <root>/reports.zip

An entry stands for the file itself, for `<file>.gz` and `<file>.zip`, and for a member of a `packed` archive whose
path, or whose path below one leading folder, is the entry. The unpacked form wins. `*` and `{name}` are one piece of
a path, never a leading dot; a captured column with `values` takes only those, one of type int only digits. In
`packed`, `*` takes several archives.
"""

from __future__ import annotations

import gc
import gzip
import os
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from threading import Lock
from typing import Literal, TypeAlias, TypeVar

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.nodes import node
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import INT, present
from cxrspec.runtime.archives import (
    UNREADABLE,
    Stream,
    Zipped,
    extract,
    open_member,
    tar_names,
    unzipped,
    zip_members,
)
from cxrspec.runtime.code import code
from cxrspec.runtime.store import Store, user_store

_VARYING = re.compile(r"\{([A-Za-z_]\w*)\}|(\*)")  # {name} or *
_FORMS = ("", ".gz", ".zip")  # a file as it is or packed alone, the first first
T = TypeVar("T")
Stamp: TypeAlias = tuple[int, int, int, int]
"""What tells that a file or folder was written to: size, mtime and ctime in nanoseconds, inode."""


Listing: TypeAlias = Mapping[str, Zipped | None]
"""The files in an archive by their names; of a zip also where they stand, so that it is listed only once."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the sources lie: `<data>/<source>`, or the roots that the settings give for a source.

    `store` has what was read of them before. `listings` remembers the members of archives, or what is wrong with one:
    several tables may lie in one archive, and listing a compressed tar means reading it to its end; so one thread lists
    at a time, who holds `lock`. `located` remembers the files of tables: a run asks whether they are there before it
    reads them.
    """

    data: Path
    sources: Mapping[str, tuple[Path, ...]]
    store: Store = field(default_factory=user_store, compare=False, repr=False)
    listings: dict[Path, Listing | Diagnostic] = field(
        default_factory=dict[Path, "Listing | Diagnostic"], compare=False, repr=False
    )
    lock: Lock = field(default_factory=Lock, compare=False, repr=False)
    located: dict[tuple[object, ...], Located] = field(
        default_factory=dict[tuple[object, ...], "Located"], compare=False, repr=False
    )

    def of(self, source: str) -> tuple[Path, ...]:
        """The folders of `source`, the first first."""
        return self.sources.get(source) or (self.data / source,)

    def shown(self, path: Path) -> str:
        """`path` as messages show it: relative to the data root where it lies below it."""
        return path.as_posix().removeprefix(f"{self.data.as_posix()}/")


@node
class Found:
    """One file to read.

    name      as messages show it ("openi/NLMCXR_reports.tgz/ecgen-radiology/1.xml")
    path      below the root, or below the archive, as the pattern has it: what `file()` is
    captures  the `{name}` pieces of the path
    disk      the file on disk (the archive, when packed)
    member    the name inside the archive, None for a file of its own
    zipped    what the directory of a zip says of it
    """

    name: str
    path: str
    captures: Mapping[str, str]
    disk: Path
    member: str | None = None
    zipped: Zipped | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """The files of a table in a stable order (no files and no problems: the table is absent).

    `folders` and `stamps` are all that the disk was asked, with its answers: as long as they are the same, so is the
    rest. A folder that is not there holds nothing; a path where nothing lies has no stamp. That of a folder is from just
    before it was listed.
    """

    files: tuple[Found, ...]
    problems: tuple[Diagnostic, ...] = ()
    folders: Mapping[Path, tuple[Stamp | None, Sequence[str]]] = field(
        default_factory=dict[Path, "tuple[Stamp | None, Sequence[str]]"]
    )
    stamps: Mapping[Path, Stamp | None] = field(default_factory=dict[Path, "Stamp | None"])

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


def names_in(folder: Path | str) -> list[str]:
    """What lies in a folder, in no order; nothing where there is none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208 - there may be tens of thousands
    except (FileNotFoundError, NotADirectoryError):
        return []


def stamp(found: os.stat_result) -> Stamp:
    """The stamp of a file."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def stamp_of(path: Path | str) -> Stamp | None:
    """The stamp of what lies at `path`; None where nothing does.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        return stamp(os.stat(path))  # noqa: PTH116 - there may be tens of thousands
    except (FileNotFoundError, NotADirectoryError):
        return None


def find(read: Read, roots: Roots) -> Located:
    """The files of `read`. Absent files are no problem here; damaged archives and unreadable folders are."""
    wanted = asked(read)
    if wanted not in roots.located:
        with uncollected():
            roots.located[wanted] = _find(read, roots)
    return roots.located[wanted]


@contextmanager
def uncollected() -> Generator[None]:
    """Without the collector of cycles: the millions of things in a file hold none, and it would visit them all the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def asked(read: Read) -> tuple[object, ...]:
    """All of `read` that its files hang on."""
    captured = captured_names(read)
    takers = sorted((c for c in read.columns if c.places and c.places[0].path in captured), key=lambda c: c.name)
    return read.table, read.files, read.packed, *takers


RECENT = 2_000_000_000
"""Nanoseconds in which a file may change twice and have the same times: those of the coarsest file system."""


def is_steady(path: Path, told: Stamp | None, began: int) -> bool:
    """Whether a file has this stamp still, and was not written to shortly before `began`, nanoseconds since 1970, when
    a change may not show in it."""
    return told is not None and max(told[1:3]) < began - RECENT and stamp(path.stat()) == told


def _listing_key(archive: Path) -> str:
    """What the names in an archive are stored under."""
    hangs_on = (code(), str(archive.resolve()), stamp(archive.stat()))
    return blake2b(repr(hangs_on).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def is_there(read: Read, roots: Roots) -> bool:
    """Whether there are files of `read`, damaged ones, too: the first of them says so."""
    if (located := roots.located.get(asked(read))) is not None:
        return bool(located.files or located.problems)
    search = _Search(read, roots)
    with uncollected():
        for _ in search.steps():
            if search.count:
                break
    return search.count > 0


def _find(read: Read, roots: Roots) -> Located:
    search = _Search(read, roots)
    for _ in search.steps():
        pass
    # The files of one archive stand together, so that it is read in one pass.
    disks = list(dict.fromkeys(file.disk for file in search.files.values()))
    rank = {disk: place for place, disk in enumerate(disks)}
    files = tuple(sorted(search.files.values(), key=lambda file: rank[file.disk]))
    return Located(files, tuple(search.problems), search.listed, search.stamps)


class _Search:
    """Gathers the files of one table; the first to give a path below a root keeps it."""

    def __init__(self, read: Read, roots: Roots) -> None:
        self.read, self.roots = read, roots
        self.folders = roots.of(read.table.partition(".")[0])
        self.files: dict[str, Found] = {}
        self.problems: list[Diagnostic] = []
        self.listed: dict[Path, tuple[Stamp | None, list[str]]] = {}
        self.stamps: dict[Path, Stamp | None] = {}
        self._taken: set[str] = set()

    @property
    def count(self) -> int:
        """The files and problems so far."""
        return len(self.files) + len(self.problems)

    def steps(self) -> Iterator[None]:
        """Search, and halt after each file."""
        patterns = [pattern for entry in self.read.files if (pattern := _pattern(entry, self.read.columns)).pieces]
        for pattern in patterns:
            if not pattern.varies:
                before = self.count
                yield from self._all_of(pattern)
                if self.count != before:  # a file with a problem is one
                    break
        for pattern in patterns:
            if pattern.varies:
                yield from self._all_of(pattern)

    def _all_of(self, pattern: _Pattern) -> Iterator[None]:
        before = self.count
        for root in self.folders:
            for path, disk in self._walk(root, pattern):
                self._add_disk(pattern, path, disk)
                yield
        if pattern.varies or self.count == before:
            for root in self.folders:
                for name in self.read.packed:
                    for archive in self._archives(root, name):
                        yield from self._add_members(pattern, archive)

    def _add(
        self,
        pattern: _Pattern,
        path: str,
        disk: Path,
        shown: str,
        member: str | None = None,
        zipped: Zipped | None = None,
    ) -> bool:
        """Add a file, or a member of one, if `path` is meant; `shown` is `disk` as messages show it."""
        captures = pattern.captures(path)
        if captures is None:
            return False
        if not path.isascii() and path.encode(errors="replace").decode() != path:
            readable = disk.with_name(disk.name.encode(errors="replace").decode())
            self._fail("CXR602", "a file name that is not UTF-8", readable)
        elif path not in self.files and (name := f"{shown}/{member}" if member else shown) not in self._taken:
            self.files[path] = Found(name, path, captures, disk, member, zipped)
            self._taken.add(name)
        return True

    def _add_disk(self, pattern: _Pattern, path: str, disk: Path) -> None:
        """A file on disk; a zip stands for the one member that is meant."""
        shown = self.roots.shown(disk)
        if disk.suffix != ".zip":
            self._add(pattern, path, disk, shown)
            return
        listed = self._members(disk)
        if listed is None:
            return
        members = [member for member in listed if not member.startswith("__MACOSX/")]
        name = path.rpartition("/")[2]
        meant = members if len(members) == 1 else [m for m in members if m.rpartition("/")[2] == name]
        if len(meant) == 1:
            self._add(pattern, path, disk, shown, meant[0], listed[meant[0]])
        else:
            self._fail("CXR604", f"a zip of {len(members)} members, {len(meant)} of them of the name expected", disk)

    def _add_members(self, pattern: _Pattern, archive: Path) -> Iterator[None]:
        listed = self._members(archive) if self._is_file(archive) else None
        shown = self.roots.shown(archive)
        for member, zipped in (listed or {}).items():
            path = member.removeprefix("./")
            if not self._add(pattern, path, archive, shown, member, zipped):
                self._add(pattern, path.partition("/")[2], archive, shown, member, zipped)
            yield

    # -------------------------------------------------------------------------------------------- disk

    def _walk(self, root: Path, pattern: _Pattern) -> Iterator[tuple[str, Path]]:
        """(path below the root without .gz or .zip, file) of everything that has the form of `pattern`, sorted."""
        for folder, below in self._folders(root, pattern.pieces[:-1]):
            for name, actual in self._forms(folder, pattern.pieces[-1], below, pattern):
                disk = folder / actual
                if self._is_file(disk, strict=not pattern.pieces[-1].endswith(("*", "}"))):
                    yield below + name, disk

    def _folders(self, folder: Path, pieces: Sequence[str], below: str = "") -> Iterator[tuple[Path, str]]:
        """(folder, its path below the root with a slash) of all that may hold what stands behind `pieces`, sorted."""
        if not pieces:
            yield folder, below
        else:
            for name in self._names(folder, pieces[0]):
                yield from self._folders(folder / name, pieces[1:], f"{below}{name}/")

    def _archives(self, root: Path, entry: str) -> list[Path]:
        """The archives that an entry of `packed` names, there or not; `*` names those that are there."""
        pattern = _pattern(entry, ())
        return [
            folder / name
            for folder, below in self._folders(root, pattern.pieces[:-1])
            for name in self._names(folder, pattern.pieces[-1])
            if pattern.captures(below + name) is not None
        ]

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
        if folder not in self.listed:
            try:
                self.listed[folder] = stamp_of(folder), names_in(folder)
            except OSError as error:
                self._fail("CXR602", f"a folder that cannot be read: {_reason(error)}", folder)
                self.listed[folder] = None, []
        return self.listed[folder][1]

    def _mode(self, path: Path) -> int | None:
        self.stamps[path] = None
        try:
            found = path.stat()
            self.stamps[path] = stamp(found)
            return found.st_mode
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

    def _members(self, archive: Path) -> Listing | None:
        """The files in an archive; None: a problem, which is noted."""
        with self.roots.lock:
            if archive not in self.roots.listings:
                self.roots.listings[archive] = self._list(archive)
            listed = self.roots.listings[archive]
        if isinstance(listed, Diagnostic):
            self._note(listed)
            return None
        return listed

    def _list(self, archive: Path) -> Listing | Diagnostic:
        try:
            members = zip_members(archive) if archive.suffix == ".zip" else self._tar_members(archive)
        except UNREADABLE as error:
            return _damage(error, self.roots.shown(archive))
        listed = dict(members)
        if len(listed) < len(members):
            twice = sum(count > 1 for count in Counter(name for name, _ in members).values())
            message = f"an archive that holds {twice} members more than once"
            return problem("CXR604", message, self.roots.shown(archive))
        return listed

    def _tar_members(self, archive: Path) -> list[tuple[str, Zipped | None]]:
        """The files of a tar; a compressed one is read to its end for them, and not again while its stamp is the same."""
        key, store = _listing_key(archive), self.roots.store
        stored = store.get(key)
        names = tar_names(archive) if stored is None else stored.decode("utf-8", "surrogateescape").split("\0")
        if stored is None and names and is_steady(archive, self.stamps.get(archive), store.began):
            store.put(key, "\0".join(names).encode("utf-8", "surrogateescape"))
        return [(name, None) for name in names]

    def _fail(self, code: str, message: str, path: Path) -> None:
        self._note(problem(code, message, self.roots.shown(path)))

    def _note(self, found: Diagnostic) -> None:
        if found not in self.problems:
            self.problems.append(found)


# ----------------------------------------------------------------------------------------------------- contents


def contents(located: Located, problems: list[Diagnostic]) -> Iterator[tuple[Found, bytes]]:
    """Every file with its bytes, each archive in one pass; what cannot be read is added to `problems`."""
    return taken(located, problems, lambda stream: stream.read())


def taken(located: Located, problems: list[Diagnostic], take: Callable[[Stream], T]) -> Iterator[tuple[Found, T]]:
    """Every file with what `take`, which raises nothing of its own, reads of it; as `contents` otherwise."""
    for disk, group in groupby(located.files, key=lambda file: file.disk):
        files = list(group)
        whole = files[0].name.removesuffix(f"/{files[0].member}")
        current = whole
        try:
            for file, open in _stream(disk, files):
                current = file.name
                with closing(open()) as stream:
                    done = take(stream)
                yield file, done
                current = whole
        except UNREADABLE as error:
            problems.append(_damage(error, current))


def _stream(disk: Path, files: Sequence[Found]) -> Iterator[tuple[Found, Callable[[], Stream]]]:
    """The files of one file on disk, each with the call that opens it."""
    members = ((file, file.member, file.zipped) for file in files if file.member and file.zipped)
    if files[0].member is None:
        yield files[0], partial(unzipped, disk)
    elif disk.suffix == ".zip":
        with ExitStack() as stack:
            raw = stack.enter_context(disk.open("rb"))
            whole = cache(lambda: stack.enter_context(zipfile.ZipFile(raw)))
            for file, name, zipped in members:
                yield file, partial(open_member, name, zipped, raw, whole)
    else:
        wanted = {file.member: file for file in files}
        with unzipped(disk) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                if member.name in wanted:
                    yield wanted[member.name], partial(extract, archive, member)


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
