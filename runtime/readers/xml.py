"""XML: `rows` is an XPath, and so are the places of the columns, relative to a row.

    rows: /eCitation        findings: {from: "A/AbstractText[@Label='FINDINGS']"}       ids: {from: "parentImage/@id"}

The text of an element is all text inside of it. A list column takes every match, any other the first; an absent
element is null. Names are compared without their namespaces. Entities are not expanded: a file with some is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import polars as pl
from lxml import etree

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import Place, RawColumn, Read
from cxrspec.compiler.types import ListOf, RecordOf, present
from cxrspec.runtime.casting import Cell
from cxrspec.runtime.locate import Found, Located, contents, problem
from cxrspec.runtime.readers import Raw, never_there, shown_places

Element: TypeAlias = etree._Element  # pyright: ignore[reportPrivateUsage]  # lxml has no other name for it
Get: TypeAlias = Callable[[Element, int], list[Cell]]  # the matches in a row, given its place in the file

_TEXT = etree.XPath("string()", smart_strings=False)


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The elements that `rows` finds, in every file."""
    path = _compiled(read.rows or "/*")
    if path is None:
        problems.append(problem("CXR613", "`rows` does not parse", read.table))
        return Raw((), {})
    gets = _gets(read, columns, problems)
    files: list[tuple[Found, int]] = []
    lines: list[int] = []
    cells: dict[str, list[list[Cell]]] = {name: [] for name in gets}
    names: dict[str, None] = {}
    for found, data in contents(located, problems):
        found_rows = _rows(found, data, path, problems)
        if found_rows:
            files.append((found, len(found_rows)))
            lines += [cast(int, row.sourceline) for row in found_rows]
            names |= dict.fromkeys(str(child.tag) for child in found_rows[0].iterchildren("*"))
            for name, get in gets.items():
                cells[name] += [get(row, place) for place, row in enumerate(found_rows)]
    done: dict[str, Sequence[Cell]] = {}
    never: dict[str, Diagnostic] = {}
    for column in (c for c in columns if c.name in cells):
        matches = cells[column.name]
        if matches and not column.optional and not any(matches):
            never[column.name] = never_there(column, files[0][0].name, names)
        many = isinstance(present(column.type), ListOf)
        done[column.name] = matches if many else [m[0] if m else None for m in matches]
    return Raw(tuple(files), done, pl.Series(lines, dtype=pl.Int64), never)


def _gets(read: Read, columns: Sequence[RawColumn], problems: list[Diagnostic]) -> dict[str, Get]:
    gets = {column.name: _get(column) for column in columns}
    for column in columns:
        if gets[column.name] is None:
            message = f"a place that does not parse: {shown_places(column)}"
            problems.append(problem("CXR613", message, read.table, column=column.name))
    return {name: get for name, get in gets.items() if get is not None}


def _rows(found: Found, data: bytes, path: etree.XPath, problems: list[Diagnostic]) -> list[Element]:
    root = _root(found, data, problems)
    if root is None:
        return []
    matches = path(root.getroottree())
    elements = [m for m in matches if isinstance(m, Element)] if isinstance(matches, list) else []
    if not elements:
        problems.append(problem("CXR609", "`rows` finds no element", found.name))
    return elements


def _root(found: Found, data: bytes, problems: list[Diagnostic]) -> Element | None:
    """The document of a file, names without namespaces; None: a problem, which is noted."""
    if not data.strip():
        problems.append(problem("CXR606", "an empty file", found.name))
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:  # its text may show a piece of the file
        problems.append(problem("CXR608", "broken XML", found.name, line=error.lineno))
        return None
    if next(root.iter(etree.Entity), None) is not None:
        problems.append(problem("CXR609", "a file with entities, which are not expanded", found.name))
        return None
    if b"xmlns" in data:
        for element in root.iter("*"):
            element.tag = etree.QName(element).localname
    return root


# ---------------------------------------------------------------------------------------------------------- cells


def _compiled(path: str) -> etree.XPath | None:
    """An XPath that parses and whose functions exist, or None."""
    try:
        compiled = etree.XPath(path, smart_strings=False)
        compiled(etree.Element("x"))
    except etree.XPathError:
        return None
    return compiled


def _get(column: RawColumn) -> Get | None:
    """How the matches of a column are got from a row, at the first place that has any; None: one does not parse."""
    type = present(column.type)
    item = present(type.item) if isinstance(type, ListOf) else type
    shape = _record(column) if isinstance(item, RecordOf) else _text
    places = [_place(place, shape) for place in column.places] if shape is not None else [None]
    known = [place for place in places if place is not None]
    return _first_of(known) if len(known) == len(places) else None


def _first_of(places: Sequence[Get]) -> Get:
    """The matches at the first place that has any."""

    def get(row: Element, number: int) -> list[Cell]:
        for place in places:
            found = place(row, number)
            if found:
                return found
        return []

    return get


Shape: TypeAlias = Callable[[object], Cell]


def _place(place: Place, shape: Shape) -> Get | None:
    if place.kind == "position" and place.index == 0:
        return lambda row, number: [str(number)]
    path = _compiled(place.path) if place.kind == "name" else None
    return None if path is None else lambda row, number: [shape(match) for match in _matches(path(row))]


def _matches(found: object) -> list[object]:
    """What an XPath gives, as a list; a function gives a single text, number or truth."""
    return cast(list[object], found) if isinstance(found, list) else [found]


def _text(match: object) -> Cell:
    return str(_TEXT(match) if isinstance(match, Element) else match)


def _record(column: RawColumn) -> Shape | None:
    """An element as a mapping of the places of `each`."""
    gets = {part.name: get for part in column.each if (get := _place(part.place, _text)) is not None}
    if len(gets) < len(column.each):
        return None

    def record(match: object) -> Cell:
        if not isinstance(match, Element):
            return str(match)
        found = {name: get(match, 0) for name, get in gets.items()}
        return {name: texts[0] if texts else None for name, texts in found.items()}

    return record
