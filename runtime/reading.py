"""The door of the read phase: the files of one table -> a checked, typed Polars frame.

    table = read_table(read, ["study_id", "view"], roots)
    table.frame, table.problems

Rows are never dropped: a cell that does not fit is null, counted, and an error that stops the specs using the table.
No message holds a cell: file, column, count and first line say where to look.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, near
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import is_nullable, present
from cxrspec.runtime.casting import Fault, cast_cells, rule_of, text_of
from cxrspec.runtime.locate import Located, Roots, captured_names, find, problem
from cxrspec.runtime.readers import Raw, reader_names, reader_of

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


def read_table(read: Read, wanted: Collection[str], roots: Roots) -> Table:
    """Read the columns `wanted` (the key is read and checked as well). Raises nothing about data."""
    with _uncollected():
        return _read_table(read, wanted, roots)


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the collector of cycles: the millions of values of a file hold none, and it would visit them all the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read_table(read: Read, wanted: Collection[str], roots: Roots) -> Table:
    columns = [c for c in read.columns if c.name in wanted or c.name in read.key]
    chosen = [c.name for c in read.columns if c.name in wanted]
    located = find(read, roots)
    problems = list(located.problems)
    raw = _raw(read, columns, located, problems)
    frame = _typed(read, columns, raw, problems) if raw.files else _empty(columns)
    if raw.files and all(name in frame.columns for name in read.key):
        problems += _key_problems(read, frame, raw)
    frame = _empty(columns).clear(frame.height).with_columns(frame.get_columns()) if columns else frame
    return Table(frame.select(chosen), _gathered(problems), located.disk_files)


def _empty(columns: Iterable[RawColumn]) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: dtype_of(column.type) for column in columns})


def _raw(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The rows as they stand in the files; none if the table is absent."""
    reader = reader_of(read.format)
    if reader is None:
        help = near(read.format, reader_names(), "readers")
        problems.append(problem("CXR611", f"no reader `{read.format}`", read.table, help=[help]))
        return Raw((), {})
    if not located.files:
        if not problems and not read.optional:
            patterns = ", ".join(f"`{entry}`" for entry in read.files)
            problems.append(problem("CXR603", f"no file {patterns}", read.table))
        return Raw((), {})
    captured = captured_names(read)
    return reader.rows(read, [c for c in columns if not _known(c, captured)], located, problems)


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


def _typed(read: Read, columns: Sequence[RawColumn], raw: Raw, problems: list[Diagnostic]) -> pl.DataFrame:
    """The columns with their types; one that a problem was reported for is left out."""
    captured = captured_names(read)
    where = _Where(raw)
    done: list[pl.Series] = []
    for column in columns:
        cells = _known_cells(column, raw) if _known(column, captured) else raw.cells.get(column.name)
        if cells is not None:
            cast = cast_cells(cells, rule_of(column))
            done.append(cast.values.alias(column.name))
            problems += _cell_problems(column, cast.faults, where)
    return pl.DataFrame(done)


# ------------------------------------------------------------------------------------------------------- problems


class _Where:
    """Which file and line a row came from."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.ends = pl.Series([count for _, count in raw.files], dtype=pl.Int64).cum_sum()

    def problem(self, code: str, message: str, rows: pl.Series, column: str, help: str = "") -> Diagnostic:
        """A finding about the rows marked in `rows`: at the first of them, and in how many files they are."""
        places = rows.arg_true()
        first, concerned = int(places[0]), self.ends.search_sorted(places, side="right")
        file, files = int(concerned[0]), concerned.n_unique()
        found, count = self.raw.files[file]
        if self.raw.lines is None:
            message += f", first in row {first - int(self.ends[file]) + count + 1}"
        line = None if self.raw.lines is None else self.raw.lines[first]
        spread = f"in {files:,} files of the table" if files > 1 else ""
        return problem(code, message, found.name, column=column, line=line, help=[help, spread])


def _cell_problems(column: RawColumn, faults: pl.Series, where: _Where) -> list[Diagnostic]:
    """One finding for each kind of fault in a column."""
    type = present(column.type)
    says = {
        Fault.CAST: ("CXR701", f"not readable as `{type}`", _FORMS.get(str(type), "")),
        Fault.UNLISTED: ("CXR703", "not listed in `values`", "`else: keep` takes an unlisted value as it is"),
        Fault.NULL: ("CXR702", f"empty, in a column of type `{type}`", f"`{type} | null` lets empty cells pass"),
    }
    found: list[Diagnostic] = []
    for fault, (code, what, help) in says.items():
        rows = faults == fault
        if rows.any():
            message = f"{_count(int(rows.sum()), 'cell')} of `{column.name}` {what}"
            found.append(where.problem(code, message, rows, column.name, help))
    return found


def _key_problems(read: Read, frame: pl.DataFrame, raw: Raw) -> list[Diagnostic]:
    """Rows whose key is null, where the types allow it, and rows that repeat the key of an earlier one."""
    if not read.key:
        return []
    where, names = _Where(raw), ", ".join(read.key)
    null = frame.select(pl.any_horizontal(pl.col(n).is_null() for n in read.key)).to_series()
    repeated = ~frame.select(pl.struct(read.key).is_first_distinct()).to_series() & ~null
    allowed = {c.name for c in read.columns if is_nullable(c.type)}
    found: list[Diagnostic] = []
    if null.any() and allowed.intersection(read.key):
        message = f"{_count(int(null.sum()), 'row')} without a key (`{names}`)"
        found.append(where.problem("CXR707", message, null, names))
    if repeated.any():
        message = f"{_count(int(repeated.sum()), 'row')} with the key (`{names}`) of an earlier row"
        found.append(where.problem("CXR706", message, repeated, names))
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
