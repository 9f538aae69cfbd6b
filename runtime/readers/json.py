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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import repeat
from typing import Literal, TypeAlias, TypeVar, cast

import msgspec
import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import Part, Place, RawColumn, Read
from cxrspec.compiler.types import ListOf, RecordOf, present
from cxrspec.runtime.casting import Cell
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
    owners = range(len(nodes.values))
    if isinstance(step, Member):
        name = step.name
        members = [
            value.get(name, absent) if isinstance(value, dict) else _other(value, "a mapping", absent)
            for value in nodes.values
        ]
        return Nodes(members, nodes, owners, keys=[name] * len(members))
    index = step.index
    items = [
        (value[index] if index < len(value) else absent) if isinstance(value, list) else _other(value, "a list", absent)
        for value in nodes.values
    ]
    return Nodes(items, nodes, owners)


def _all(nodes: Nodes, step: Members | Items, absent: Value) -> Nodes:
    """All members or items of each."""
    found: list[Value] = []
    owners: list[int] = []
    keys: list[str | None] = []
    places: list[int] = []
    expected = "a mapping" if isinstance(step, Members) else "a list"
    for owner, value in enumerate(nodes.values):
        if isinstance(value, dict) and isinstance(step, Members):
            found += value.values()
            keys += value
        elif isinstance(value, list) and isinstance(step, Items):
            found += value
        else:
            found.append(_other(value, expected, absent))
            keys.append(None)
        added = len(found) - len(owners)
        owners += repeat(owner, added)
        places += range(added)
    return Nodes(found, nodes, owners, keys if isinstance(step, Members) else None, places)


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

Get: TypeAlias = Callable[[Nodes], Sequence[Value]]
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

    def get(nodes: Nodes) -> Sequence[Value]:
        found: Sequence[Value] = [ABSENT] * len(nodes.values)
        for place in places:
            others = place(nodes)
            found = [other if value is ABSENT else value for value, other in zip(found, others, strict=True)]
            if ABSENT not in found:
                break
        return found

    return get if len(places) > 1 else places[0]


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


def _firsts(reached: Reached, shape: Get, count: int) -> Sequence[Value]:
    """The first of the nodes that were reached from each origin; a misfit among them is one of the whole."""
    values = shape(reached.nodes)
    if reached.origins is None:
        return values
    found: list[Value] = [ABSENT] * count
    for origin, value in zip(reversed(reached.origins), reversed(values), strict=True):
        if not isinstance(found[origin], Misfit):
            found[origin] = value
    return found


def _lists(reached: Reached, shape: Get, count: int) -> Sequence[Value]:
    """The nodes that were reached from each origin, as a list; one that is absent or a misfit is the whole."""
    origins, values = reached.origins or (), shape(reached.nodes)
    lists: list[list[Value]] = [[] for _ in range(count)]
    for origin, value in zip(origins, values, strict=True):
        lists[origin].append(value)
    whole: dict[int, Value] = dict(enumerate(cast(list[list[Cell]], lists)))  # but for those that are replaced now
    if not set(_NOTHING).isdisjoint(map(type, values)):
        odd = [(origin, value) for origin, value in zip(origins, values, strict=True) if isinstance(value, _NOTHING)]
        whole |= reversed(odd)  # of several, the first
    return list(whole.values())


def _within(nodes: Nodes, shape: Get) -> Sequence[Value]:
    """The items of the one list that each node is; null, or something that the cast refuses, stays as it is."""
    if shape is _values:
        return nodes.values
    lists = [value if isinstance(value, list) else [] for value in nodes.values]
    items = _all(replace(nodes, values=lists), Items(), None)
    shaped = _lists(Reached(items, items.owners), shape, len(lists))
    return [own if isinstance(value, list) else value for value, own in zip(nodes.values, shaped, strict=True)]


def _or_null(values: Sequence[Value]) -> list[Cell]:
    """The values, with null for what is absent."""
    return [None if value is ABSENT else value for value in values]


def _records(type: RecordOf, each: Sequence[Part]) -> Get | None:
    """Nodes as mappings of the record's fields: by the places of `each`, else by their names."""
    named = {part.name: part.place for part in each}
    fields = {
        name: _place_of(named.get(name, Place("name", name)), _values, isinstance(present(field), ListOf))
        for name, field in type.fields
    }
    if None in fields.values():
        return None
    gets = [get for get in fields.values() if get is not None]

    def records(nodes: Nodes) -> Sequence[Value]:
        columns = [_or_null(get(nodes)) for get in gets]
        found: list[dict[str, Cell]] = list(map(dict, map(zip, repeat(tuple(fields)), zip(*columns, strict=True))))
        return [
            value if value is None or isinstance(value, _NOTHING) else own
            for value, own in zip(nodes.values, found, strict=True)
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
    return rows_of_stretches(read, columns, located, problems, stretches)


def rows_of_stretches(
    read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic], stretches: Stretches
) -> Raw:
    """The rows of the stretches of each file."""
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
    for found, data in contents(located, problems):
        text = decoded(found, data, read.encoding, problems)
        if text is not None:
            table.read(found, stretches(text, steps, up), problems)
    return table.raw()


def _paths(column: RawColumn) -> Iterator[str]:
    for place in (*column.places, *(part.place for part in column.each)):
        yield place.path


class Gathered:
    """The cells of all files, column by column."""

    def __init__(self, columns: Sequence[RawColumn], gets: dict[str, Get]) -> None:
        self.columns, self.gets = columns, gets
        self.files: list[tuple[Found, int]] = []
        self.lines: list[int | None] = []
        self.cells: dict[str, list[Value]] = {name: [] for name in gets}
        self.names: dict[str, None] = {}

    def read(self, found: Found, stretches: Iterator[Stretch], problems: list[Diagnostic]) -> None:
        """Add the rows of a file; none, if there is a mistake in it, of which the first is noted."""
        before = len(self.lines)
        mistake = self._first_mistake(found, stretches)
        count = len(self.lines) - before
        if mistake is None:
            self.files.append((found, count))
            if not count:
                mistake = problem("CXR607", "a file without rows", found.name, severity="warning")
        else:
            del self.lines[before:]
            for cells in self.cells.values():
                del cells[before:]
        if mistake is not None:
            problems.append(mistake)

    def _first_mistake(self, found: Found, stretches: Iterator[Stretch]) -> Diagnostic | None:
        """Add the rows of a file up to its first mistake, and say which that is."""
        try:
            for stretch in stretches:
                reached = visit(stretch.nodes, stretch.steps, stretch.below)
                rows = reached.nodes.values
                lines = stretch.lines
                if lines is not None and reached.origins is not None:
                    lines = _taken(lines, reached.origins)
                for place, row in enumerate(rows):
                    if row is None or isinstance(row, _NOTHING):
                        return problem("CXR609", _no_row(row), found.name, line=lines[place] if lines else None)
                self.lines += lines or repeat(None, len(rows))
                for name, get in self.gets.items():
                    self.cells[name] += get(reached.nodes)
                for row in rows[:100]:
                    if isinstance(row, dict):
                        self.names |= dict.fromkeys(row)
        except BrokenJsonError as error:
            return problem("CXR608", str(error), found.name, line=error.line, help=[error.help])
        return None

    def raw(self) -> Raw:
        """The rows, and the columns that none of them has."""
        cells: dict[str, list[Cell]] = {}
        never: dict[str, Diagnostic] = {}
        for column in (c for c in self.columns if c.name in self.cells):
            values = self.cells[column.name]
            if values and not column.optional and all(value is ABSENT for value in values):
                never[column.name] = never_there(column, self.files[0][0].name, self.names)
            cells[column.name] = _or_null(values)
        lines = None if None in self.lines else pl.Series(self.lines, dtype=pl.Int64)
        return Raw(tuple(self.files), cells, lines, never)


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

_AT_ONCE = 1 << 12


def _batches(text: str, opened: _Opened) -> Iterator[Nodes]:
    """Some of the items or members of the document `text` at a time."""
    keys = list(opened) if isinstance(opened, dict) else None
    items = list(opened.values()) if isinstance(opened, dict) else opened
    pairs = _pairs(dict.fromkeys(keys or ()))
    for at in range(0, len(items), _AT_ONCE):
        batch = slice(at, at + _AT_ONCE)
        try:
            values: list[Cell] = [_QUICK.decode(item) for item in items[batch]]
        except _REFUSED:
            _told(text)  # says in which line of the whole it is
            values = [parse(bytes(item).decode()) for item in items[batch]]
        pairs += _pairs(values)
        yield Nodes(values, keys=keys and keys[batch], places=range(at, at + len(values)))
    if _colons(text) != pairs:
        _told(text)  # says that a key is doubled, if it is
