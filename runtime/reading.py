"""The door of the read phase: the files of one table -> a checked, typed Polars frame.

    table = read_table(read, ["study_id", "view"], roots)
    table.frame, table.problems

Rows are never dropped: a cell that does not fit is null, counted, and an error that stops the specs using the table.
No message holds a cell: file, column, count and first line say where to look.

Files are read lot by lot: an archive or a large file is a lot, and so are some hundred small ones. A lot without any
finding is laid into the store, and taken from there as long as its files hold the same; with one, it is read anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from zlib import crc32

import polars as pl

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, near
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import is_nullable, present
from cxrspec.runtime.casting import Fault, cast_cells, rule_of, text_of
from cxrspec.runtime.code import code, libraries
from cxrspec.runtime.disk import Record
from cxrspec.runtime.locate import Found, Located, Roots, captured_names, find, is_steady, problem, uncollected
from cxrspec.runtime.readers import Raw, Reader, reader_names, reader_of
from cxrspec.runtime.store import Store

_FORMS = {
    "int": "an int is written 12, +12 or 12.0",
    "float": "a float is written 12, .5 or 1e-5",
    "label": "a label is 1 (positive), 0 (negative), -1 (uncertain) or empty (not mentioned)",
    "bool": "a bool is written true, false, 1 or 0",
    "date": "a date is written YYYY-MM-DD",
    "time": "a time is written HH:MM:SS",
    "split": "a split is train, val or test; `values` renames others",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read: the wanted columns in declared order, what is wrong with it, and the files on disk."""

    frame: pl.DataFrame
    problems: tuple[Diagnostic, ...]
    files: tuple[Path, ...]


def read_table(read: Read, wanted: Collection[str], roots: Roots, record: Record | None = None) -> Table:
    """Read the columns `wanted` (the key is read and checked as well). Raises nothing about data.

    With a `record` of what its files hold, lots are taken from the store and laid into it.
    """
    columns = [c for c in read.columns if c.name in wanted or c.name in read.key]
    chosen = [c.name for c in read.columns if c.name in wanted]
    located = find(read, roots)
    reader = reader_of(read.format)
    problems = [*located.problems, *_absence(read, located, reader)]
    lots: list[_Lot] = []
    if reader is not None:
        with uncollected():
            lots = [_lot(read, columns, reader, files, roots.store, record) for files in _lots(located)]
    problems += dict.fromkeys(found for lot in lots for found in lot.problems)
    lots = [lot for lot in lots if lot.files]
    frame = _together(read, columns, lots, problems) if lots else _empty(columns)
    frame = _empty(columns).clear(frame.height).with_columns(frame.get_columns()) if columns else frame
    return Table(frame.select(chosen), _gathered(problems), located.disk_files)


FILE, LINE, ROW = "$file", "$line", "$row"  # no column is called so


def read_places(read: Read, roots: Roots, record: Record | None = None) -> pl.DataFrame:
    """All columns of a table, and where each row stands: its file (as messages name it), its line in it (null where
    the reader knows none), and its number among the rows of the file, from 1."""
    reader, located = reader_of(read.format), find(read, roots)
    lots = (
        [] if reader is None else [_lot(read, read.columns, reader, one, roots.store, record) for one in _lots(located)]
    )
    lots = [lot for lot in lots if lot.files]
    if not lots:
        where = {FILE: pl.String(), LINE: pl.Int64(), ROW: pl.Int64()}
        return pl.DataFrame(schema=dict(_empty(read.columns).schema) | where)
    frame, rows = _together(read, read.columns, lots, []), _Rows(lots)
    counts = [count for _, count in rows.files]
    return frame.with_columns(
        _repeated([found.name for found, _ in rows.files], counts).alias(FILE),
        (pl.lit(None, pl.Int64) if rows.lines is None else rows.lines.cast(pl.Int64)).alias(LINE),
        pl.concat([pl.int_range(1, count + 1, eager=True) for count in counts]).alias(ROW),
    )


def _empty(columns: Iterable[RawColumn]) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: dtype_of(column.type) for column in columns})


def _absence(read: Read, located: Located, reader: Reader | None) -> Iterator[Diagnostic]:
    """What there is to say where nothing can be read; an absent table may be optional."""
    if reader is None:
        help = near(read.format, reader_names(), "readers")
        yield problem("CXR611", f"no reader `{read.format}`", read.table, help=[help])
    elif not located.files and not located.problems and not read.optional:
        patterns = ", ".join(f"`{entry}`" for entry in read.files)
        yield problem("CXR603", f"no file {patterns}", read.table)


# ---------------------------------------------------------------------------------------------------------- lots

_LARGE = 1 << 20
"""Bytes of a file that is a lot of its own."""

QUICK = ("csv", "files")
"""Formats that are read about as quickly as they are taken from a store."""

_FILE, _LINE = "/file", "/line"  # no column is called so


@dataclass(frozen=True, slots=True)
class _Lot:
    """The rows of some files.

    files   those that could be read, in the order of their rows, with their numbers of rows
    values  typed, without the columns for which the reader has no cells
    faults  of their cells, for the columns that have any
    lines   as `Raw` has them; `never`, too
    """

    files: tuple[tuple[Found, int], ...]
    values: pl.DataFrame
    lines: pl.Series | None
    faults: Mapping[str, pl.Series] = field(default_factory=dict[str, pl.Series])
    problems: tuple[Diagnostic, ...] = ()
    never: Mapping[str, Diagnostic] = field(default_factory=dict[str, Diagnostic])


def _lots(located: Located) -> Iterator[Located]:
    """The files of a table in lots. The names of small files say where one ends, so that a new file moves no others."""

    def alone(file: Found) -> Path | None:
        about = located.stamps.get(file.disk)
        return file.disk if file.member is not None or (about is not None and about[0] >= _LARGE) else None

    for disk, run in groupby(located.files, key=alone):
        lot: list[Found] = []
        for file in run:
            lot.append(file)
            if disk is None and crc32(file.path.encode()) % 256 == 0:
                yield Located(tuple(lot))
                lot = []
        if lot:
            yield Located(tuple(lot))


def _lot(
    read: Read, columns: Sequence[RawColumn], reader: Reader, files: Located, store: Store, record: Record | None
) -> _Lot:
    """A lot from the store; or from its files, and for the store."""
    if record is None or read.format in QUICK or not record.hashes.keys() >= set(map(str, files.disk_files)):
        return _read_lot(read, columns, reader, files)
    key = _key(read, columns, files, record)
    stored = store.get(key)
    if stored is not None:
        return _unpacked(stored, files)
    lot = _read_lot(read, columns, reader, files)
    if not lot.faults and not lot.problems and not lot.never and _are_steady(files, record, store):
        store.put(key, _packed(lot))
    return lot


def _read_lot(read: Read, columns: Sequence[RawColumn], reader: Reader, files: Located) -> _Lot:
    captured = captured_names(read)
    problems: list[Diagnostic] = []
    raw = reader.rows(read, [c for c in columns if not _known(c, captured)], files, problems)
    values: list[pl.Series] = []
    faults: dict[str, pl.Series] = {}
    for column in columns if raw.files else ():
        cells = _known_cells(column, raw) if _known(column, captured) else raw.cells.get(column.name)
        if cells is not None:
            cast = cast_cells(cells, rule_of(column))
            values.append(cast.values.alias(column.name))
            if (cast.faults != Fault.NONE).any():
                faults[column.name] = cast.faults
    return _Lot(raw.files, pl.DataFrame(values), raw.lines, faults, tuple(problems), raw.never)


def _key(read: Read, columns: Sequence[RawColumn], files: Located, record: Record) -> str:
    """What a lot is stored under: all that it hangs on."""
    rules = repr((code(), libraries(), replace(read, columns=tuple(columns))))
    paths, hashes = (file.path for file in files.files), (record.hashes[str(disk)] for disk in files.disk_files)
    text = "\0".join([rules, *paths, "", *hashes])
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _are_steady(files: Located, record: Record, store: Store) -> bool:
    """Whether files hold to this moment what is known of them."""
    try:
        return all(is_steady(disk, record.stamps.get(str(disk)), store.began) for disk in files.disk_files)
    except OSError:
        return False


def _packed(lot: _Lot) -> bytes:
    """A sound lot as one frame: which of its files each row is from, and its line, stand beside the values."""
    counts = pl.DataFrame({"count": [count for _, count in lot.files]}, {"count": pl.Int64}).with_row_index(_FILE)
    file = counts.select(pl.col(_FILE).repeat_by("count").explode(empty_as_null=False)).to_series()
    frame = pl.DataFrame([*lot.values, file, *([] if lot.lines is None else [lot.lines.alias(_LINE)])])
    return frame.write_ipc(None, compression="lz4").getvalue()


def _unpacked(stored: bytes, files: Located) -> _Lot:
    frame = pl.read_ipc(stored)
    counts = dict(frame[_FILE].value_counts().iter_rows())
    numbered = tuple((file, counts.get(number, 0)) for number, file in enumerate(files.files))
    lines = frame[_LINE] if _LINE in frame.columns else None
    return _Lot(numbered, frame.drop(_FILE, _LINE, strict=False), lines)


def _together(
    read: Read, columns: Sequence[RawColumn], lots: Sequence[_Lot], problems: list[Diagnostic]
) -> pl.DataFrame:
    """The rows of all lots, without the columns that one lacks; what only all of them show is added to `problems`."""
    rows = _Rows(lots)
    problems += (never := _never(lots)).values()
    lost = {name for name, found in never.items() if found.severity == "error"}
    there = [c for c in columns if c.name not in lost and all(c.name in lot.values.columns for lot in lots)]
    for column in there:
        problems += _cell_problems(column, rows)
    frame = pl.concat([lot.values.select(column.name for column in there) for lot in lots])
    if all(name in frame.columns for name in read.key):
        problems += _key_problems(read, frame, rows)
    return frame


def _never(lots: Sequence[_Lot]) -> dict[str, Diagnostic]:
    """The columns that no row of any lot has."""
    first, *others = [lot for lot in lots if any(count for _, count in lot.files)] or lots
    return {name: found for name, found in first.never.items() if all(name in lot.never for lot in others)}


# ------------------------------------------------------------------------------------------------------- columns


def _known(column: RawColumn, captured: Collection[str]) -> bool:
    """Whether a column needs no reader: a constant, a captured piece of the path, `row()`, `file()`."""
    if column.constant is not None or not column.places:
        return True
    place = column.places[0]
    return place.kind in ("row", "file") or (place.kind == "name" and place.path in captured)


def _known_cells(column: RawColumn, raw: Raw) -> pl.Series:
    counts = [count for _, count in raw.files]
    place = column.places[0] if column.constant is None and column.places else None
    if place is None:
        text = None if column.constant is None else text_of(column.constant)
        return _repeated([text], [sum(counts)])
    if place.kind == "row":
        return pl.concat([pl.int_range(count, eager=True) for count in counts]).cast(pl.String)
    if place.kind == "file":
        return _repeated([found.path for found, _ in raw.files], counts)
    return _repeated([found.captures.get(place.path) for found, _ in raw.files], counts)


def _repeated(texts: Sequence[str | None], counts: Sequence[int]) -> pl.Series:
    each = pl.DataFrame({"text": texts, "count": counts}, schema={"text": pl.String, "count": pl.Int64})
    return each.select(pl.col("text").repeat_by("count").explode(empty_as_null=False)).to_series()


# ------------------------------------------------------------------------------------------------------- problems


class _Rows:
    """Which file and line each row of some lots came from, and which cells do not fit."""

    def __init__(self, lots: Sequence[_Lot]) -> None:
        self.lots = lots
        self.files = [file for lot in lots for file in lot.files]
        self.ends = pl.Series([count for _, count in self.files], dtype=pl.Int64).cum_sum()
        lines = [lot.lines for lot in lots if lot.lines is not None]
        self.lines = pl.concat(lines) if sum(map(len, lines)) == self.ends[-1] else None

    def faults(self, column: str) -> pl.Series | None:
        """A fault for each row of a column that has any."""
        if not any(column in lot.faults for lot in self.lots):
            return None
        none = pl.Series([Fault.NONE], dtype=pl.UInt8)
        heights = [sum(count for _, count in lot.files) for lot in self.lots]
        return pl.concat(
            lot.faults.get(column, none.new_from_index(0, height))
            for lot, height in zip(self.lots, heights, strict=True)
        )

    def problem(self, number: str, message: str, rows: pl.Series, column: str, help: str = "") -> Diagnostic:
        """A finding about the rows marked in `rows`: at the first of them, and in how many files they are."""
        places = rows.arg_true()
        first, concerned = int(places[0]), self.ends.search_sorted(places, side="right")
        file, files = int(concerned[0]), concerned.n_unique()
        found, count = self.files[file]
        if self.lines is None:
            message += f", first in row {first - int(self.ends[file]) + count + 1}"
        line = None if self.lines is None else self.lines[first]
        spread = f"in {files:,} files of the table" if files > 1 else ""
        return problem(number, message, found.name, column=column, line=line, help=[help, spread])


def _cell_problems(column: RawColumn, rows: _Rows) -> list[Diagnostic]:
    """One finding for each kind of fault in a column."""
    faults = rows.faults(column.name)
    if faults is None:
        return []
    type = present(column.type)
    says = {
        Fault.CAST: ("CXR701", f"not readable as `{type}`", _FORMS.get(str(type), "")),
        Fault.UNLISTED: ("CXR703", "not listed in `values`", "`else: keep` takes an unlisted value as it is"),
        Fault.NULL: ("CXR702", f"empty, in a column of type `{type}`", f"`{type} | null` lets empty cells pass"),
    }
    found: list[Diagnostic] = []
    for fault, (number, what, help) in says.items():
        marked = faults == fault
        if marked.any():
            message = f"{_count(int(marked.sum()), 'cell')} of `{column.name}` {what}"
            found.append(rows.problem(number, message, marked, column.name, help))
    return found


def _key_problems(read: Read, frame: pl.DataFrame, rows: _Rows) -> list[Diagnostic]:
    """Rows whose key is null, where the types allow it, and rows that repeat the key of an earlier one."""
    if not read.key:
        return []
    names = ", ".join(read.key)
    null = frame.select(pl.any_horizontal(pl.col(n).is_null() for n in read.key)).to_series()
    repeated = ~frame.select(pl.struct(read.key).is_first_distinct()).to_series() & ~null
    allowed = {c.name for c in read.columns if is_nullable(c.type)}
    found: list[Diagnostic] = []
    if null.any() and allowed.intersection(read.key):
        message = f"{_count(int(null.sum()), 'row')} without a key (`{names}`)"
        found.append(rows.problem("CXR707", message, null, names))
    if repeated.any():
        message = f"{_count(int(repeated.sum()), 'row')} with the key (`{names}`) of an earlier row"
        found.append(rows.problem("CXR706", message, repeated, names))
    return found


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _gathered(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The same finding in many files becomes one, at the first file."""
    alike: dict[tuple[str, str, str | None], list[Diagnostic]] = {}
    for found in problems:
        column = found.label.column if isinstance(found.label, DataPlace) else None
        alike.setdefault((found.code, found.message, column), []).append(found)
    return tuple(
        same[0]
        if len(same) == 1
        else replace(same[0], help=(*same[0].help, f"and in {_count(len(same) - 1, 'more file')}"))
        for same in alike.values()
    )
