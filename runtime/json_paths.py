"""Paths into JSON: which nodes of documents they lead to, and the cells of columns that they name there.

    data[*]/paragraphs[*]/qas[*]     every item of nested lists           [*]   every item of the document
    *  findings/*                    every member of a mapping            ""    the document itself
    answers[0]/text                  a place of a list                    ../context   the nearest mapping around
    entities/*  x[*]/y               a list of cells

Each step is taken for many nodes at once. What is absent is null; a path that meets a text, a list or a mapping where it
expects another finds a misfit, which no cast accepts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, repeat
from operator import itemgetter
from types import NoneType
from typing import Literal, TypeAlias, TypeVar, cast

from cxrspec.compiler.plan import Part, Place, RawColumn
from cxrspec.compiler.types import ListOf, RecordOf, present
from cxrspec.runtime.casting import Cell, Cells, Lists, Records, are_lists, are_mappings, one_by_one


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
NO_VALUE = (NoneType, *_NOTHING)
"""What is found where there is no value."""
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
            origins = nodes.owners if origins is None else taken(origins, nodes.owners)
            absent = None
        else:
            nodes = _one(nodes, step, absent)
    return Reached(nodes, origins)


def taken(items: Sequence[T], places: Sequence[int]) -> list[T]:
    """The items at these places."""
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
        index, named, inner = taken(inner.owners, index), inner.keys is not None, inner.around
    if not named:
        return Nodes([absent] * len(nodes.values))
    owners = taken(inner.owners, index) if inner.around is not None else ()
    return Nodes(taken(inner.values, index), inner.around, owners)


def _other(value: Value, expected: str, absent: Value) -> Value:
    """What a step finds in a value of another kind."""
    return absent if value is None else value if isinstance(value, _NOTHING) else Misfit(expected, value)


def _keys(nodes: Nodes) -> Sequence[str | None]:
    """The name of each, or of the nearest around it that has one."""
    if nodes.keys is not None or nodes.around is None:
        return nodes.keys or [None] * len(nodes.values)
    return taken(_keys(nodes.around), nodes.owners)


def _positions(nodes: Nodes, level: int) -> Sequence[Value]:
    """The number of each among its neighbours; at a level above 0, that of what it is in."""
    if nodes.places is not None and level == 0:
        return nodes.places
    if nodes.around is None:
        return [Misfit("a position", None)] * len(nodes.values)
    return taken(_positions(nodes.around, level - (nodes.places is not None)), nodes.owners)


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
            if not any_of((Absent,), found):
                break
            others = _values_of(place(nodes))
            found = [
                other if value is ABSENT else value for value, other in zip(_values_of(found), others, strict=True)
            ]
        return found

    return get


def any_of(kinds: Iterable[type], column: Column) -> bool:
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
    if not any_of(_NOTHING, column):
        return Lists(or_null(column), list(map(Counter(origins).get, range(count), repeat(0))))
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


def or_null(column: Column) -> Cells:
    """The cells, with null for what is absent."""
    if any_of((Absent,), column):
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
        found = Records({name: or_null(get(nodes)) for name, get in gets.items()})
        if not any_of(NO_VALUE, nodes.values):
            return found
        return [
            value if isinstance(value, NO_VALUE) else own
            for value, own in zip(nodes.values, one_by_one(found), strict=True)
        ]

    return records
