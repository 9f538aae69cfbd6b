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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

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


@dataclass(frozen=True, slots=True)
class Node:
    """A value and how it was come by, innermost first: its key, the mappings around it, its places in what it is in."""

    value: Cell
    key: str | None = None
    parents: tuple[Cell, ...] = ()
    positions: tuple[int, ...] = ()

    def child(self, value: Cell, key: str | None, position: int | None = None) -> Node:
        """A value inside of this one; `position` only where all of its neighbours are visited."""
        parents = (self.value, *self.parents) if isinstance(self.value, dict) else self.parents
        positions = self.positions if position is None else (position, *self.positions)
        return Node(value, self.key if key is None else key, parents, positions)


class WrongShapeError(Exception):
    """What was expected and found where a path leads elsewhere; holds no data."""

    def __init__(self, expected: str, found: Cell) -> None:
        super().__init__(f"expected {expected}, found {_kind(found)}")


class _AbsentError(Exception):
    """A path that ends before its last step."""


def _kind(value: Cell) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "null"
        case _:
            return "a single value"


def visit(node: Node, steps: Sequence[Step]) -> list[Node]:
    """The nodes that `steps` lead to. A null has neither members nor items.

    Raises:
        WrongShapeError: a list where a mapping is expected, and so on.
        _AbsentError: a member or an item that is not there (below `*` and `[*]` that makes a null instead).
    """
    nodes = [node]
    many = False
    for step in steps:
        found: list[Node] = []
        for each in nodes:
            try:
                found += _children(each, step)
            except _AbsentError:
                if not many:
                    raise
                found.append(Node(None))
        nodes, many = found, many or isinstance(step, Members | Items)
    return nodes


def _children(node: Node, step: Step) -> list[Node]:
    value = node.value
    if isinstance(step, Up):
        if not node.parents:
            raise _AbsentError
        return [Node(node.parents[0], None, node.parents[1:])]
    if value is None:
        raise _AbsentError
    match step, value:
        case Member(name), dict():
            if name not in value:
                raise _AbsentError
            return [node.child(value[name], name)]
        case Members(), dict():
            return [node.child(member, key, place) for place, (key, member) in enumerate(value.items())]
        case Item(index), list():
            if index >= len(value):
                raise _AbsentError
            return [node.child(value[index], None)]
        case Items(), list():
            return [node.child(item, None, place) for place, item in enumerate(value)]
        case _:
            raise WrongShapeError("a list" if isinstance(step, Item | Items) else "a mapping", value)


# ---------------------------------------------------------------------------------------------------------- cells

MISFIT = math.nan  # a cell of another shape than its path says: no cast accepts it

Get: TypeAlias = Callable[[Node], Cell]


class Absent(Enum):
    """No place of a column is there: null, unless it is so in every row."""

    ABSENT = 0


Find: TypeAlias = Callable[[Node], Cell | Literal[Absent.ABSENT]]


def cell_of(column: RawColumn) -> Find | None:
    """How the cell of a column is got from a row: None where absent; None as a whole: a place does not parse."""
    type = present(column.type)
    item = present(type.item) if isinstance(type, ListOf) else type
    shape = _record_of(item, column.each) if isinstance(item, RecordOf) else _value
    if shape is None:
        return None
    places = [_place_of(place, shape, isinstance(type, ListOf)) for place in column.places]
    return _first_of([place for place in places if place is not None]) if None not in places else None


def _value(node: Node) -> Cell:
    return node.value


def _first_of(places: Sequence[Get]) -> Find:
    """The first place that is there."""

    def find(node: Node) -> Cell | Literal[Absent.ABSENT]:
        for place in places:
            try:
                return place(node)
            except _AbsentError:
                continue
            except WrongShapeError:
                return MISFIT
        return Absent.ABSENT

    return find


def _place_of(place: Place, shape: Get, many: bool) -> Get | None:
    """One place as a function; `shape` makes of each node found what is cast; `many`: of each item of a list."""
    match place.kind:
        case "key":
            return lambda node: node.key
        case "position":
            return lambda node: _position(node, place.index)
        case "value":
            steps: tuple[Step, ...] | None = ()
        case "name":
            steps = parse_path(place.path)
        case _:
            return None
    if steps is None:
        return None
    if not many and shape is _value and len(steps) == 1 and isinstance(steps[0], Member):
        return _member(steps[0])
    if not many:
        return lambda node: shape(_first(visit(node, steps)))
    listed = any(isinstance(step, Members | Items) for step in steps)
    return lambda node: _list(visit(node, steps), shape, listed)


def _member(step: Member) -> Get:
    """The plain case of most columns, without making nodes."""

    def get(node: Node) -> Cell:
        value = node.value
        if isinstance(value, dict) and step.name in value:
            return value[step.name]
        return _first(_children(node, step)).value  # which says what is wrong

    return get


def _first(nodes: Sequence[Node]) -> Node:
    if not nodes:
        raise _AbsentError
    return nodes[0]


def _position(node: Node, level: int) -> Cell:
    return node.positions[level] if level < len(node.positions) else MISFIT


def _list(nodes: Sequence[Node], shape: Get, listed: bool) -> Cell:
    """The cells of a list: the nodes themselves, or what is in the one list that was found."""
    if not listed:
        if not isinstance(nodes[0].value, list):
            return nodes[0].value  # null, or something the cast refuses
        nodes = _children(nodes[0], Items())
    return [shape(node) for node in nodes]


def _record_of(type: RecordOf, each: Sequence[Part]) -> Get | None:
    """An item as a mapping of the record's fields: by the places of `each`, else by their names."""
    named = {part.name: part.place for part in each}
    fields = {
        name: _place_of(named.get(name, Place("name", name)), _value, isinstance(present(field), ListOf))
        for name, field in type.fields
    }
    if None in fields.values():
        return None
    finds = {name: _first_of([get]) for name, get in fields.items() if get is not None}

    def get(node: Node) -> Cell:
        if node.value is None:
            return None
        found = {name: find(node) for name, find in finds.items()}
        return {name: None if value is Absent.ABSENT else value for name, value in found.items()}

    return get


# ----------------------------------------------------------------------------------------------------------- rows


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The rows of every document; a file is one."""
    return rows_of_documents(read, columns, located, problems, lambda text: [(None, text)])


Split: TypeAlias = Callable[[str], Iterable[tuple[int | None, str]]]
"""The documents of a file, each with its line, where a row is told by that."""


def rows_of_documents(
    read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic], split: Split
) -> Raw:
    """The rows of the documents that `split` finds in each file."""
    finds = {column.name: cell_of(column) for column in columns}
    steps = parse_path(read.rows)
    for column in columns:
        if finds[column.name] is None:
            message = f"a place that does not parse: {shown_places(column)}"
            problems.append(problem("CXR613", message, read.table, column=column.name))
    if steps is None:
        problems.append(problem("CXR613", "`rows` does not parse", read.table))
        return Raw((), {})
    table = Gathered(columns, {name: find for name, find in finds.items() if find is not None})
    for found, data in contents(located, problems):
        text = decoded(found, data, read.encoding, problems)
        if text is not None:
            _read_file(found, split(text), steps, table, problems)
    return table.raw(problems)


def _read_file(
    found: Found,
    documents: Iterable[tuple[int | None, str]],
    steps: Sequence[Step],
    table: Gathered,
    problems: list[Diagnostic],
) -> None:
    """Add the rows of a file, up to its first mistake."""
    nodes: list[Node] = []
    lines: list[int | None] = []
    for line, text in documents:
        made = _read_document(found, line, text, steps, problems)
        if made is None:
            return
        nodes += made
        lines += [line] * len(made)
    table.add(found, nodes, lines)
    if not nodes:
        problems.append(problem("CXR607", "a file without rows", found.name, severity="warning"))


def _read_document(
    found: Found, line: int | None, text: str, steps: Sequence[Step], problems: list[Diagnostic]
) -> list[Node] | None:
    """The rows of a document; None: a mistake, which is noted."""
    try:
        nodes = visit(Node(parse(text)), steps)
        if any(node.value is None for node in nodes):
            raise WrongShapeError("a row", None)
        return nodes
    except BrokenJsonError as error:
        problems.append(problem("CXR608", str(error), found.name, line=line or error.line, help=[error.help]))
    except WrongShapeError as error:
        problems.append(problem("CXR609", f"along `rows`: {error}", found.name, line=line))
    except _AbsentError:
        problems.append(
            problem("CXR609", "`rows` leads to a member or an item that is not there", found.name, line=line)
        )
    return None


class Gathered:
    """The cells of all documents, column by column."""

    def __init__(self, columns: Sequence[RawColumn], finds: dict[str, Find]) -> None:
        self.columns, self.finds = columns, finds
        self.files: list[tuple[Found, int]] = []
        self.lines: list[int | None] = []
        self.cells: dict[str, list[Cell | Literal[Absent.ABSENT]]] = {name: [] for name in finds}
        self.names: dict[str, None] = {}

    def add(self, found: Found, nodes: Sequence[Node], lines: Sequence[int | None]) -> None:
        """Add the rows of a file, with their lines."""
        self.files.append((found, len(nodes)))
        self.lines += lines
        for name, find in self.finds.items():
            self.cells[name] += map(find, nodes)
        for node in nodes[:100]:
            if isinstance(node.value, dict):
                self.names |= dict.fromkeys(node.value)

    def raw(self, problems: list[Diagnostic]) -> Raw:
        """The rows; a column that no row has is reported."""
        cells: dict[str, list[Cell]] = {}
        for column in (c for c in self.columns if c.name in self.cells):
            values = self.cells[column.name]
            if values and not column.optional and all(value is Absent.ABSENT for value in values):
                problems.append(never_there(column, self.files[0][0].name, self.names))
                if problems[-1].severity == "error":
                    continue
            cells[column.name] = [None if value is Absent.ABSENT else value for value in values]
        lines = None if None in self.lines else pl.Series(self.lines, dtype=pl.Int64)
        return Raw(tuple(self.files), cells, lines)


# ------------------------------------------------------------------------------------------------------- documents


class BrokenJsonError(Exception):
    """Why a text is not JSON, and where; holds no data."""

    def __init__(self, message: str, line: int | None = None, help: str = "") -> None:
        super().__init__(message)
        self.line, self.help = line, help


def parse(text: str) -> Cell:
    """The value of a JSON text.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    try:
        value: Cell = json.loads(text, object_pairs_hook=_mapping)
        if "\\ud" in text.lower():  # half of a pair of escapes is text to Python, but no UTF-8
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


def _mapping(pairs: Iterable[tuple[str, Cell]]) -> dict[str, Cell]:
    listed = list(pairs)
    mapping = dict(listed)
    if len(mapping) != len(listed):
        raise BrokenJsonError("an object with the same key twice")
    return mapping
