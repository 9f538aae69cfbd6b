"""JSON: a path says which places are rows, and others, relative to a row, what its cells are (../json_paths.py).

A cell that is absent is null. A path that meets a text, a list or a mapping where it expects another is a mistake:
of the whole file along `rows`, of the cell elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.casting import Cell, Cells, Lists, Records, compact, joined
from cxrspec.runtime.json_paths import (
    ABSENT,
    NO_VALUE,
    Absent,
    Column,
    Get,
    Items,
    Members,
    Misfit,
    Nodes,
    Step,
    any_of,
    cells_of,
    or_null,
    parse_path,
    taken,
    visit,
)
from cxrspec.runtime.json_text import BrokenJsonError, batches, opened, parse
from cxrspec.runtime.locate import Found, Located, contents, problem
from cxrspec.runtime.readers import Raw, decoded, never_there, shown_places


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a file that is read at once.

    nodes   documents; or, `below` one, all or some of its members or items
    steps   from these to rows
    lines   of the documents, where these tell one row from another
    """

    nodes: Nodes
    steps: Sequence[Step]
    lines: Sequence[int] | None = None
    below: bool = False


Stretches: TypeAlias = Callable[[str, Sequence[Step], bool], Iterator[Stretch]]
"""The stretches of a text, given the steps to its rows, and whether a path leads up from there."""


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The rows of every document; a file is one."""
    return rows_of_stretches(read, columns, located, problems, stretches, _SMALL)


_SMALL = 1 << 15
"""Characters of a document that is read together with others."""

_TOGETHER = 1 << 5
"""Documents that are read together."""


def rows_of_stretches(
    read: Read,
    columns: Sequence[RawColumn],
    located: Located,
    problems: list[Diagnostic],
    stretches: Stretches,
    small: int = 0,
) -> Raw:
    """The rows of the stretches of each file; a text of fewer characters than `small` is a document."""
    gets = {column.name: cells_of(column) for column in columns}
    steps = parse_path(read.rows)
    for column in columns:
        if gets[column.name] is None:
            message = f"a place that does not parse: {shown_places(column)}"
            problems.append(problem("CXR613", message, read.table, column=column.name))
    if steps is None:
        problems.append(problem("CXR613", "`rows` does not parse", read.table))
        return Raw((), {})
    up = any(".." in path.split("/") for column in columns for path in _paths(column))
    table = Gathered(columns, {name: get for name, get in gets.items() if get is not None})
    waiting: list[tuple[Found, Cell]] = []
    noted: list[Diagnostic] = []  # of what comes behind those that wait
    for found, data in contents(located, noted):
        text = decoded(found, data, read.encoding, noted)
        document = None if text is None or len(text) >= small else _sound(text)
        if noted or document is None or len(waiting) == _TOGETHER:
            table.read_together(waiting, steps, problems)
            problems += noted
            waiting, noted[:] = [], []
        if document is not None:
            waiting.append((found, document))
        elif text is not None:
            table.read(found, stretches(text, steps, up), problems)
    table.read_together(waiting, steps, problems)
    problems += noted
    return table.raw()


def _sound(text: str) -> Cell:
    """A document; None: null, or not sound."""
    try:
        return parse(text)
    except BrokenJsonError:
        return None


def _paths(column: RawColumn) -> Iterator[str]:
    for place in (*column.places, *(part.place for part in column.each)):
        yield place.path


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a stretch: how many they are, their lines, their cells by column, and the columns that some have."""

    count: int
    lines: Sequence[int] | None
    cells: Mapping[str, Cells]
    there: frozenset[str]


class Gathered:
    """The cells of all files, column by column."""

    def __init__(self, columns: Sequence[RawColumn], gets: dict[str, Get]) -> None:
        self.columns, self.gets = columns, gets
        self.types = {column.name: column.type for column in columns}
        self.files: list[tuple[Found, int]] = []
        self.parts: list[Rows] = []
        self.names: dict[str, None] = {}

    def read(self, found: Found, stretches: Iterator[Stretch], problems: list[Diagnostic]) -> None:
        """Add the rows of a file; none, if there is a mistake in it, of which the first is noted."""
        before = len(self.parts)
        mistake = self._first_mistake(found, stretches)
        if mistake is None:
            count = sum(part.count for part in self.parts[before:])
            self.files.append((found, count))
            if not count:
                mistake = problem("CXR607", "a file without rows", found.name, severity="warning")
        else:
            del self.parts[before:]
        if mistake is not None:
            problems.append(mistake)

    def read_together(
        self, files: Sequence[tuple[Found, Cell]], steps: Sequence[Step], problems: list[Diagnostic]
    ) -> None:
        """Add the rows of files of a document each: of all at once, or file by file if there is anything to note."""
        reached = visit(Nodes([document for _, document in files]), steps)
        counts = Counter(range(len(files)) if reached.origins is None else reached.origins)
        if len(counts) < len(files) or any_of(NO_VALUE, reached.nodes.values):
            for found, document in files:
                self.read(found, iter([Stretch(Nodes([document]), steps)]), problems)
        elif files:
            self.files += [(found, counts[number]) for number, (found, _) in enumerate(files)]
            self._add(reached.nodes, None, list(accumulate(counts[number] for number in range(len(files)))))

    def _first_mistake(self, found: Found, stretches: Iterator[Stretch]) -> Diagnostic | None:
        """Add the rows of a file up to its first mistake, and say which that is."""
        try:
            for stretch in stretches:
                reached = visit(stretch.nodes, stretch.steps, stretch.below)
                rows = reached.nodes.values
                lines = stretch.lines
                if lines is not None and reached.origins is not None:
                    lines = taken(lines, reached.origins)
                if any_of(NO_VALUE, rows):
                    place, row = next((p, row) for p, row in enumerate(rows) if isinstance(row, NO_VALUE))
                    return problem("CXR609", _no_row(row), found.name, line=lines[place] if lines else None)
                if rows:
                    self._add(reached.nodes, lines, [len(rows)])
        except BrokenJsonError as error:
            return problem("CXR608", str(error), found.name, line=error.line, help=[error.help])
        return None

    def _add(self, nodes: Nodes, lines: Sequence[int] | None, ends: Sequence[int]) -> None:
        """Add rows, those of a file up to each of `ends`."""
        columns = {name: get(nodes) for name, get in self.gets.items()}
        there = frozenset(name for name, column in columns.items() if _is_there(column))
        cells = {name: compact(or_null(column), self.types[name]) for name, column in columns.items()}
        self.parts.append(Rows(len(nodes.values), lines, cells, there))
        if len(there) < len(columns):
            for start, end in pairwise([0, *ends]):
                first = nodes.values[start : min(start + 100, end)]
                self.names |= dict.fromkeys(chain.from_iterable(row for row in first if isinstance(row, dict)))

    def raw(self) -> Raw:
        """The rows, and the columns that none of them has."""
        cells: dict[str, Cells] = {}
        never: dict[str, Diagnostic] = {}
        for column in (c for c in self.columns if c.name in self.gets):
            there = any(column.name in part.there for part in self.parts)
            if self.parts and not column.optional and not there:
                never[column.name] = never_there(column, self.files[0][0].name, self.names)
            cells[column.name] = joined([part.cells[column.name] for part in self.parts])
        lines = [part.lines for part in self.parts if part.lines is not None]
        numbers = pl.Series(list(chain.from_iterable(lines)), dtype=pl.Int64)
        return Raw(tuple(self.files), cells, numbers if len(lines) == len(self.parts) else None, never)


def _is_there(column: Column) -> bool:
    """Whether not all cells are absent."""
    return isinstance(column, Lists | Records) or any(value is not ABSENT for value in column)


def _no_row(found: Absent | Misfit | None) -> str:
    if isinstance(found, Absent):
        return "`rows` leads to a member or an item that is not there"
    return f"along `rows`: {(found or Misfit('a row', None)).message}"


def stretches(text: str, steps: Sequence[Step], up: bool) -> Iterator[Stretch]:
    """A document: some thousand of its items or members at a time, where the rows are in them, else the whole of it.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    match steps[:1]:
        case (Items(),):
            inside = opened(text, list)
        case (Members(),) if not up:  # from there, `..` is the whole document
            inside = opened(text, dict)
        case _:
            inside = None
    if inside is None:
        yield Stretch(Nodes([parse(text)]), steps)
        return
    keys = list(inside) if isinstance(inside, dict) else None
    for at, values in batches(text, inside):
        end = at + len(values)
        yield Stretch(Nodes(values, keys=keys and keys[at:end], places=range(at, end)), steps[1:], below=True)
