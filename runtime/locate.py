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
import lzma
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from io import BufferedReader, BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Literal, Protocol, TypeAlias, TypeVar

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.nodes import node
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import INT, present
from cxrspec.runtime.code import code
from cxrspec.runtime.store import Store, user_store

_VARYING = re.compile(r"\{([A-Za-z_]\w*)\}|(\*)")  # {name} or *
_FORMS = ("", ".gz", ".zip")  # a file as it is or packed alone, the first first
_SMALL = 1 << 16  # bytes of a member of a zip that is read at once
T = TypeVar("T")
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


Stamp: TypeAlias = tuple[int, int, int, int]
"""What tells that a file or folder was written to: size, mtime and ctime in nanoseconds, inode."""


Zipped: TypeAlias = tuple[int, int, int, int, int, int]
"""A member of a zip as its directory has it: flags, method, checksum, bytes when packed, bytes, where it stands."""

Listing: TypeAlias = Mapping[str, Zipped | None]
"""The files in an archive by their names; of a zip also where they stand, so that it is listed only once."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the sources lie: `<data>/<source>`, or the roots that the settings give for a source.

    `store` has what was read of them before. `listings` remembers the members of archives, or what is wrong with one:
    several tables may lie in one archive, and listing a compressed tar means reading it to its end. `located` remembers
    the files of tables: a run asks whether they are there before it reads them.
    """

    data: Path
    sources: Mapping[str, tuple[Path, ...]]
    store: Store = field(default_factory=user_store, compare=False, repr=False)
    listings: dict[Path, Listing | Diagnostic] = field(
        default_factory=dict[Path, "Listing | Diagnostic"], compare=False, repr=False
    )
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
        if archive not in self.roots.listings:
            self.roots.listings[archive] = self._list(archive)
        listed = self.roots.listings[archive]
        if isinstance(listed, Diagnostic):
            self._note(listed)
            return None
        return listed

    def _list(self, archive: Path) -> Listing | Diagnostic:
        try:
            members = _zip_members(archive) if archive.suffix == ".zip" else self._tar_members(archive)
        except _UNREADABLE as error:
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
        names = _tar_names(archive) if stored is None else stored.decode("utf-8", "surrogateescape").split("\0")
        if stored is None and names and is_steady(archive, self.stamps.get(archive), store.began):
            store.put(key, "\0".join(names).encode("utf-8", "surrogateescape"))
        return [(name, None) for name in names]

    def _fail(self, code: str, message: str, path: Path) -> None:
        self._note(problem(code, message, self.roots.shown(path)))

    def _note(self, found: Diagnostic) -> None:
        if found not in self.problems:
            self.problems.append(found)


# ----------------------------------------------------------------------------------------------------- contents


class Stream(Protocol):
    """The bytes of a file, from its start."""

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes, fewer at the end; all that are left without a size."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


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
        except _UNREADABLE as error:
            problems.append(_damage(error, current))


def _stream(disk: Path, files: Sequence[Found]) -> Iterator[tuple[Found, Callable[[], Stream]]]:
    """The files of one file on disk, each with the call that opens it."""
    members = ((file, file.member, file.zipped) for file in files if file.member and file.zipped)
    if files[0].member is None:
        yield files[0], partial(_unzipped, disk)
    elif disk.suffix == ".zip":
        with ExitStack() as stack:
            raw = stack.enter_context(disk.open("rb"))
            whole = cache(lambda: stack.enter_context(zipfile.ZipFile(raw)))
            for file, name, zipped in members:
                yield file, partial(_open_member, name, zipped, raw, whole)
    else:
        wanted = {file.member: file for file in files}
        with _unzipped(disk) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                if member.name in wanted:
                    yield wanted[member.name], partial(_extract, archive, member)


def _open_member(name: str, zipped: Zipped, raw: BufferedReader, whole: Callable[[], zipfile.ZipFile]) -> Stream:
    """A member of a zip. A small one is read at once, in a quarter of the time that `zipfile` takes for it."""
    flags, method, checksum, size, full, at = zipped
    if method == zipfile.ZIP_DEFLATED and not flags & 1 and max(size, full) < _SMALL:
        raw.seek(at)
        header = raw.read(30)
        start = sum(struct.unpack_from("<HH", header, 26))  # behind name and extra field
        packed = raw.read(start + size)[start:]
        data = zlib.decompress(packed, -zlib.MAX_WBITS, full)
        if header[:4] == b"PK\3\4" and zlib.crc32(data) == checksum:
            return BytesIO(data)
    return whole().open(name)


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Stream:
    member = archive.extractfile(info)
    if member is None:  # a device or a fifo
        raise tarfile.ExtractError
    return member


def _zip_members(path: Path) -> list[tuple[str, Zipped | None]]:
    with path.open("rb") as file:
        members = _plain_directory(file)
        if members is None:
            with zipfile.ZipFile(file) as archive:
                members = [(info.filename, _zipped(info)) for info in archive.infolist()]
    return sorted(((name, zipped) for name, zipped in members if not name.endswith("/")), key=itemgetter(0))


def _zipped(info: zipfile.ZipInfo) -> Zipped:
    sizes = info.compress_size, info.file_size
    return info.flag_bits, info.compress_type, info.CRC, *sizes, info.header_offset


# The records at the end of a zip, the first of them only where it has more than 65,535 members, and one of its
# directory: APPNOTE.TXT of PKWARE, 4.3.12 to 4.3.16.
_END_64, _END, _MEMBER = map(struct.Struct, ("<32xQQQ4s16x", "<4s6xHLLH", "<4s4xHH4xLLLHHH8xL"))
_TOO_MUCH = 0xFFFFFFFF  # the number stands elsewhere


def _plain_directory(file: BufferedReader) -> list[tuple[str, Zipped]] | None:
    """The members of a zip, in a third of the time that `zipfile` takes for it; None, if anything about it is uncommon:
    a comment, bytes in front of it, more than 4 GiB, a name that is not ASCII, damage."""
    end = file.seek(0, os.SEEK_END) - _END.size
    if end < _END_64.size:
        return None
    file.seek(end - _END_64.size)
    tail = file.read()
    *whole, locator = _END_64.unpack_from(tail)
    mark, count, length, at, comment = _END.unpack_from(tail, _END_64.size)
    if locator == b"PK\6\7":
        end -= _END_64.size
        count, length, at = whole
    if mark != b"PK\5\6" or comment or at + length != end:
        return None
    file.seek(at)
    directory = file.read(length)
    members: list[tuple[str, Zipped]] = []
    at = 0
    while at + _MEMBER.size <= length:
        mark, flags, method, checksum, size, full, *lengths, where = _MEMBER.unpack_from(directory, at)
        at += _MEMBER.size
        name = directory[at : at + lengths[0]]
        if mark != b"PK\1\2" or where == _TOO_MUCH or b"\0" in name or not name.isascii():
            return None
        members.append((name.decode(), (flags, method, checksum, size, full, where)))
        at += sum(lengths)
    return members if at == length and len(members) == count else None


def _tar_names(path: Path) -> list[str]:
    """The files of a tar. `tarfile` takes a cut header for the end, so the closing block is looked for."""
    with _unzipped(path) as stream:
        names = _plain_members(stream)
        if names is None:
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                names = [info.name for info in archive if not info.isdir()]
                stream.seek(archive.offset)
                if any(_tar_block(stream)):
                    raise EOFError
        while stream.read(1 << 20):  # to the end: only there a checksum is compared
            pass
    return names


def _tar_block(stream: Stream) -> bytes:
    block = stream.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise EOFError
    return block


def _plain_members(stream: BufferedReader | gzip.GzipFile) -> list[str] | None:
    """The files of a tar to its closing block, in a fifth of the time that `tarfile` takes for it; None, if there is
    anything but files and folders with names of up to 100 bytes in it."""
    names: list[str] = []
    while any(header := _tar_block(stream)):
        kind, name = header[156:157], header[:100].rstrip(b"\0")
        size, checksum, prefix = header[124:136], header[148:156], header[345:500]
        try:
            sound = int(checksum.rstrip(b"\0 "), 8) == sum(header) - sum(checksum) + 8 * ord(" ")
            rest = -(-int(size.rstrip(b"\0 "), 8) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        except ValueError:
            return None
        if not sound or kind not in (b"0", b"5") or any(prefix) or b"\0" in name or len(name) == 100:
            return None
        if kind == b"0":
            names.append(name.decode("utf-8", "surrogateescape"))
        if rest < _SMALL:
            stream.read(rest)
        else:
            stream.seek(rest, os.SEEK_CUR)
    return names


def _unzipped(path: Path) -> BufferedReader | gzip.GzipFile:
    return gzip.open(path) if path.suffix in (".gz", ".tgz") else path.open("rb")


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
