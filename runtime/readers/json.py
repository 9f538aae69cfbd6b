"""JSON: a path says which places are rows, and others, relative to a row, what its cells are.

    data[*]/paragraphs[*]/qas[*]     every item of nested lists           [*]   every item of the document
    *  findings/*                    every member of a mapping            ""    the whole document is one row
    answers[0]/text                  a place of a list                    ../context   the object around the row
    entities/*  x[*]/y               a list of cells

A cell that is absent is null. A path that meets a text, a list or a mapping where it expects another is a mistake:
of the whole file along `rows`, of the cell elsewhere.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate, chain, pairwise, repeat
from operator import itemgetter
from types import NoneType
from typing import Literal, TypeAlias, TypeVar, cast

import msgspec
import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import Part, Place, RawColumn, Read
from cxrspec.compiler.types import ListOf, RecordOf, present
from cxrspec.runtime.casting import Cell, Cells, Lists, Records, are_lists, are_mappings, compact, joined, one_by_one
from cxrspec.runtime.locate import Found, Located, contents, problem
from cxrspec.runtime.readers import Raw, decoded, never_there, shown_places


@dataclass(frozen=True, slots=True)
class Member:
    """`name`: the member of a mapping."""

    name: str


@dataclass(frozen=True, slots=True)
class Members:
    """`*`: every member of a mapping, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Item:
    """`[0]`: one item of a list."""

    index: int


@dataclass(frozen=True, slots=True)
class Items:
    """`[*]`: every item of a list."""


@dataclass(frozen=True, slots=True)
class Up:
    """`..`: the nearest mapping around."""


Step: TypeAlias = Member | Members | Item | Items | Up

_PIECE = re.compile(r"([^\[\]]*)((?:\[(?:\*|[0-9]+)\])*)")  # name[0][*]


def parse_path(text: str) -> tuple[Step, ...] | None:
    """The steps of a path; None if it does not parse.

    >>> parse_path("data[*]/x")
    (Member(name='data'), Items(), Member(name='x'))
    """
    steps: list[Step] = []
    for piece in text.split("/") if text else ():
        match = _PIECE.fullmatch(piece)
        if match is None or not piece:
            return None
        name, brackets = match.groups()
        if name:
            steps.append(Members() if name == "*" else Up() if name == ".." else Member(name))
        steps += [Items() if b == "*" else Item(int(b)) for b in re.findall(r"\[(\*|[0-9]+)\]", brackets)]
    return tuple(steps)


# ---------------------------------------------------------------------------------------------------------- nodes


class Absent(Enum):
    """What is found where a path ends before its last step."""

    ABSENT = 0


ABSENT = Absent.ABSENT


class Misfit(float):
    """What is found where a path leads elsewhere: not a number, which no cast accepts. Its message holds no data."""

    def __new__(cls, expected: str, found: Value) -> Misfit:
        """What was expected, and what was found there."""
        made = super().__new__(cls, math.nan)
        made.message = f"expected {expected}, found {_kind(found)}"
        return made

    message: str


Value: TypeAlias = "Cell | Literal[Absent.ABSENT]"
_NOTHING = (Absent, Misfit)
_NO_VALUE = (NoneType, *_NOTHING)
T = TypeVar("T")


def _kind(value: Value) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "null"
        case _:
            return "a single value"


@dataclass(frozen=True, slots=True)
class Nodes:
    """Values side by side, all come by in the same steps, so that each step is taken for all of them at once.

    around   what they are in, and `owners` says of each in which of those; None for whole documents
    keys     their names, where they are members of mappings
    places   their numbers among their neighbours, where all of these are visited
    """

    values: Sequence[Value]
    around: Nodes | None = None
    owners: Sequence[int] = ()
    keys: Sequence[str | None] | None = None
    places: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """Where steps lead from some nodes: other nodes, each from one of those (`origins`; None: one from each)."""

    nodes: Nodes
    origins: Sequence[int] | None = None


def visit(nodes: Nodes, steps: Sequence[Step], below: bool = False) -> Reached:
    """Where `steps` lead; a null has neither members nor items.

    Below `*` and `[*]` what is absent is null; `below` says that the nodes are there already.
    """
    origins: Sequence[int] | None = None
    absent: Value = None if below else ABSENT
    for step in steps:
        if isinstance(step, Up):
            nodes = _up(nodes, absent)
        elif isinstance(step, Members | Items):
            nodes = _all(nodes, step, absent)
            origins = nodes.owners if origins is None else _taken(origins, nodes.owners)
            absent = None
        else:
            nodes = _one(nodes, step, absent)
    return Reached(nodes, origins)


def _taken(items: Sequence[T], places: Sequence[int]) -> list[T]:
    return [items[place] for place in places]


def _one(nodes: Nodes, step: Member | Item, absent: Value) -> Nodes:
    """The member or the item of that name or number in each."""
    values = nodes.values
    owners = range(len(values))
    if isinstance(step, Member):
        name = step.name
        if are_mappings(values):
            members: list[Value] = [value.get(name, absent) for value in values]
        else:
            members = [
                value.get(name, absent) if isinstance(value, dict) else _other(value, "a mapping", absent)
                for value in values
            ]
        return Nodes(members, nodes, owners, keys=[name] * len(members))
    index = step.index
    if are_lists(values):
        with suppress(IndexError):
            return Nodes(list(map(itemgetter(index), values)), nodes, owners)
    items = [
        (value[index] if index < len(value) else absent) if isinstance(value, list) else _other(value, "a list", absent)
        for value in values
    ]
    return Nodes(items, nodes, owners)


def _all(nodes: Nodes, step: Members | Items, absent: Value) -> Nodes:
    """All members or items of each; one that is of another kind has what is found there, without a name."""
    values = nodes.values
    found: list[Value]
    if isinstance(step, Members):
        mappings: Sequence[dict[str, Cell] | dict[None, Value]] = (
            values
            if are_mappings(values)
            else [value if isinstance(value, dict) else {None: _other(value, "a mapping", absent)} for value in values]
        )
        found = [member for mapping in mappings for member in mapping.values()]
        keys, counts = list(chain.from_iterable(mappings)), list(map(len, mappings))
    else:
        lists: Sequence[Sequence[Value]] = (
            values
            if are_lists(values)
            else [value if isinstance(value, list) else [_other(value, "a list", absent)] for value in values]
        )
        found = list(chain.from_iterable(lists))
        keys, counts = None, list(map(len, lists))
    owners = list(chain.from_iterable(map(repeat, range(len(counts)), counts)))
    places = list(chain.from_iterable(map(range, counts)))
    return Nodes(found, nodes, owners, keys, places)


def _up(nodes: Nodes, absent: Value) -> Nodes:
    """The nearest mapping around each."""
    index: Sequence[int] = range(len(nodes.values))
    named = False
    inner = nodes
    while inner.around is not None and not named:
        index, named, inner = _taken(inner.owners, index), inner.keys is not None, inner.around
    if not named:
        return Nodes([absent] * len(nodes.values))
    owners = _taken(inner.owners, index) if inner.around is not None else ()
    return Nodes(_taken(inner.values, index), inner.around, owners)


def _other(value: Value, expected: str, absent: Value) -> Value:
    """What a step finds in a value of another kind."""
    return absent if value is None else value if isinstance(value, _NOTHING) else Misfit(expected, value)


def _keys(nodes: Nodes) -> Sequence[str | None]:
    """The name of each, or of the nearest around it that has one."""
    if nodes.keys is not None or nodes.around is None:
        return nodes.keys or [None] * len(nodes.values)
    return _taken(_keys(nodes.around), nodes.owners)


def _positions(nodes: Nodes, level: int) -> Sequence[Value]:
    """The number of each among its neighbours; at a level above 0, that of what it is in."""
    if nodes.places is not None and level == 0:
        return nodes.places
    if nodes.around is None:
        return [Misfit("a position", None)] * len(nodes.values)
    return _taken(_positions(nodes.around, level - (nodes.places is not None)), nodes.owners)


# ---------------------------------------------------------------------------------------------------------- cells

Column: TypeAlias = "Sequence[Value] | Lists | Records"
"""Cells, of which some may be absent, and misfits; taken apart only where none is."""

Get: TypeAlias = Callable[[Nodes], Column]
"""The cells of a column, one for each node."""


def cells_of(column: RawColumn) -> Get | None:
    """How the cells of a column are got from rows; None: a place does not parse."""
    type = present(column.type)
    item = present(type.item) if isinstance(type, ListOf) else type
    shape = _records(item, column.each) if isinstance(item, RecordOf) else _values
    if shape is None:
        return None
    places = [_place_of(place, shape, isinstance(type, ListOf)) for place in column.places]
    return _first_of([place for place in places if place is not None]) if None not in places else None


def _values(nodes: Nodes) -> Sequence[Value]:
    return nodes.values


def _first_of(places: Sequence[Get]) -> Get:
    """The first place that is there."""

    def get(nodes: Nodes) -> Column:
        found = places[0](nodes)
        for place in places[1:]:
            if not _any_of((Absent,), found):
                break
            others = _values_of(place(nodes))
            found = [
                other if value is ABSENT else value for value, other in zip(_values_of(found), others, strict=True)
            ]
        return found

    return get


def _any_of(kinds: Iterable[type], column: Column) -> bool:
    """Whether some of the cells are of these kinds, of which lists and records are none."""
    return not isinstance(column, Lists | Records) and not set(map(type, column)).isdisjoint(kinds)


def _values_of(column: Column) -> Sequence[Value]:
    return one_by_one(column) if isinstance(column, Lists | Records) else column


def _place_of(place: Place, shape: Get, many: bool) -> Get | None:
    """One place as a function; `shape` makes of each node found what is cast; `many`: of each item of a list."""
    match place.kind:
        case "key":
            return _keys
        case "position":
            return lambda nodes: _positions(nodes, place.index)
        case "value":
            steps: tuple[Step, ...] | None = ()
        case "name":
            steps = parse_path(place.path)
        case _:
            return None
    if steps is None:
        return None
    if not many:
        return lambda nodes: _firsts(visit(nodes, steps), shape, len(nodes.values))
    if any(isinstance(step, Members | Items) for step in steps):
        return lambda nodes: _lists(visit(nodes, steps), shape, len(nodes.values))
    return lambda nodes: _within(visit(nodes, steps).nodes, shape)


def _firsts(reached: Reached, shape: Get, count: int) -> Column:
    """The first of the nodes that were reached from each origin; a misfit among them is one of the whole."""
    column = shape(reached.nodes)
    if reached.origins is None:
        return column
    found: list[Value] = [ABSENT] * count
    for origin, value in zip(reversed(reached.origins), reversed(_values_of(column)), strict=True):
        if not isinstance(found[origin], Misfit):
            found[origin] = value
    return found


def _lists(reached: Reached, shape: Get, count: int) -> Column:
    """The nodes that were reached from each origin, as a list; one that is absent or a misfit is the whole."""
    origins, column = reached.origins or (), shape(reached.nodes)
    if not _any_of(_NOTHING, column):
        return Lists(_or_null(column), list(map(Counter(origins).get, range(count), repeat(0))))
    lists: list[list[Value]] = [[] for _ in range(count)]
    values = _values_of(column)
    for origin, value in zip(origins, values, strict=True):
        lists[origin].append(value)
    whole: dict[int, Value] = dict(enumerate(cast(list[list[Cell]], lists)))  # but for those that are replaced now
    odd = [(origin, value) for origin, value in zip(origins, values, strict=True) if isinstance(value, _NOTHING)]
    whole |= reversed(odd)  # of several, the first
    return list(whole.values())


def _within(nodes: Nodes, shape: Get) -> Column:
    """The items of the one list that each node is; null, or something that the cast refuses, stays as it is."""
    values = nodes.values
    if shape is _values:
        return values
    lists = values if are_lists(values) else [value if isinstance(value, list) else [] for value in values]
    items = _all(replace(nodes, values=lists), Items(), None)
    shaped = _lists(Reached(items, items.owners), shape, len(lists))
    if lists is values:
        return shaped
    own = _values_of(shaped)
    return [own[place] if isinstance(value, list) else value for place, value in enumerate(values)]


def _or_null(column: Column) -> Cells:
    """The cells, with null for what is absent."""
    if _any_of((Absent,), column):
        return [None if value is ABSENT else value for value in _values_of(column)]
    return cast(Cells, column)


def _records(type: RecordOf, each: Sequence[Part]) -> Get | None:
    """Nodes as mappings of the record's fields: by the places of `each`, else by their names."""
    named = {part.name: part.place for part in each}
    fields = {
        name: _place_of(named.get(name, Place("name", name)), _values, isinstance(present(field), ListOf))
        for name, field in type.fields
    }
    if None in fields.values():
        return None
    gets = {name: get for name, get in fields.items() if get is not None}

    def records(nodes: Nodes) -> Column:
        found = Records({name: _or_null(get(nodes)) for name, get in gets.items()})
        if not _any_of(_NO_VALUE, nodes.values):
            return found
        return [
            value if isinstance(value, _NO_VALUE) else own
            for value, own in zip(nodes.values, one_by_one(found), strict=True)
        ]

    return records


# ----------------------------------------------------------------------------------------------------------- rows


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
        if len(counts) < len(files) or _any_of(_NO_VALUE, reached.nodes.values):
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
                    lines = _taken(lines, reached.origins)
                if _any_of(_NO_VALUE, rows):
                    place, row = next((p, row) for p, row in enumerate(rows) if isinstance(row, _NO_VALUE))
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
        cells = {name: compact(_or_null(column), self.types[name]) for name, column in columns.items()}
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


# ------------------------------------------------------------------------------------------------------- documents


class BrokenJsonError(Exception):
    """Why a text is not JSON, and where; holds no data."""

    def __init__(self, message: str, line: int | None = None, help: str = "") -> None:
        super().__init__(message)
        self.line, self.help = line, help


def parse(text: str) -> Cell:
    """The value of a JSON text: from a quick decoder, and from a telling one where that refuses or a key is doubled.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    try:
        value: Cell = _QUICK.decode(text)
        if _colons(text) == _pairs(value):
            return value
    except _REFUSED:
        pass
    return _told(text)


_QUICK = msgspec.json.Decoder(float_hook=float)  # Python's own reading of what is no integer: the last bit, and 1e400
_ENCODER = msgspec.json.Encoder()
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)


def _pairs(value: object) -> int:
    """The pairs of all objects in a value, and the colons in its texts: no colon is escaped here."""
    return _ENCODER.encode(value).count(b":")


def _colons(text: str) -> int:
    r"""As many as the `_pairs` of what a JSON text says, and more if a key is doubled: a decoder drops a pair of these.

    An escaped backslash before `u003a` counts as well: too many, as if a key were doubled.
    """
    escaped = text.count("\\u003a") + text.count("\\u003A") if "\\" in text else 0
    return text.count(":") + escaped


def _told(text: str) -> Cell:
    """The value of a JSON text, or what is wrong with it.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    try:
        value: Cell = json.loads(text, object_pairs_hook=_mapping)
        if "\\ud" in text or "\\uD" in text:  # half of a pair of escapes is text to Python, but no UTF-8
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        lines = error.msg == "Extra data" and error.lineno > 1
        help = "one document in each line is `read: jsonl`" if lines else ""
        what = "a second document behind the first" if error.msg == "Extra data" else "broken JSON"
        raise BrokenJsonError(what, error.lineno, help) from None
    except RecursionError:
        raise BrokenJsonError("JSON that is nested too deeply") from None
    except UnicodeEncodeError:
        raise BrokenJsonError("a text with half a character (`\\ud800` without its other half)") from None
    except ValueError:  # a number of thousands of digits
        raise BrokenJsonError("a number that is too long") from None


def _mapping(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise BrokenJsonError("an object with the same key twice")
    return mapping


def stretches(text: str, steps: Sequence[Step], up: bool) -> Iterator[Stretch]:
    """A document: some thousand of its items or members at a time, where the rows are in them, else the whole of it.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    opened = _opened(text, steps[:1], up)
    if opened is None:
        yield Stretch(Nodes([parse(text)]), steps)
    else:
        yield from (Stretch(nodes, steps[1:], below=True) for nodes in _batches(text, opened))


def _opened(text: str, first: Sequence[Step], up: bool) -> _Opened | None:
    """The items or members of a document as they are written; None: rows are not in them, or it is not sound."""
    try:
        match first:
            case (Items(),):
                return _ITEMS.decode(text)
            case (Members(),) if not up:  # from there, `..` is the whole document
                return _MEMBERS.decode(text)
            case _:
                return None
    except _REFUSED:
        return None


_Opened: TypeAlias = "list[msgspec.Raw] | dict[str, msgspec.Raw]"

_ITEMS, _MEMBERS = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(dict[str, msgspec.Raw])

_AT_ONCE = 1 << 18
"""About the characters of a stretch: what is made of as many stays in a processor's cache."""


def _batches(text: str, opened: _Opened) -> Iterator[Nodes]:
    """Some of the items or members of the document `text` at a time."""
    keys = list(opened) if isinstance(opened, dict) else None
    items = list(opened.values()) if isinstance(opened, dict) else opened
    pairs = _pairs(dict.fromkeys(keys or ()))
    step = 1 + len(items) * _AT_ONCE // len(text)
    for at in range(0, len(items), step):
        batch = slice(at, at + step)
        try:
            values: list[Cell] = [_QUICK.decode(item) for item in items[batch]]
        except _REFUSED:
            _told(text)  # says in which line of the whole it is
            values = [parse(bytes(item).decode()) for item in items[batch]]
        pairs += _pairs(values)
        yield Nodes(values, keys=keys and keys[batch], places=range(at, at + len(values)))
    if _colons(text) != pairs:
        _told(text)  # says that a key is doubled, if it is
