"""DRAW: findings become text for a terminal, one line each, or JSON. What a finding says is not decided here.

    error[CXR203]: unknown column `veiw`
     --> specs/tasks/view_position.yaml:6:12
      |
    6 | where: age >= 18 and veiw == 'PA'
      |                      ^^^^ not a column of table `images`
      = help: a near name exists: `view`

Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias
from unicodedata import combining, east_asian_width

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label, Span

Format: TypeAlias = Literal["text", "concise", "json"]

TAB = 4
"""Columns of a screen between tab stops."""

_RED, _YELLOW, _BLUE, _BOLD, _END = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], format: Format, color: bool = False) -> str:
    """All findings, sorted by place, with a line break at the end; "" where there is nothing to say.

    `sources` are the texts of the files by path; a place in any other file is named, not drawn. `color` is for "text".
    """
    texts = {file: _Text(text) for file, text in sources.items()}
    found = sorted(diagnostics, key=_order)
    match format:
        case "text":
            drawing = _Drawing(texts, color)
            return "".join(f"{drawing.draw(one)}\n\n" for one in found) + _summary(found)
        case "concise":
            return "".join(_concise(one, texts) + "\n" for one in found)
        case "json":
            return json.dumps([_record(one, texts) for one in found], indent=2) + "\n"


def _order(one: Diagnostic) -> tuple[str, int, str, str]:
    match one.label:
        case Label(span):
            return span.file, span.start, one.code, one.message
        case DataPlace(file, _, line):
            return file, line or 0, one.code, one.message
        case None:
            return "", 0, one.code, one.message


def _summary(found: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning in 3 files`; nothing when clean."""
    if not found:
        return ""
    errors = sum(one.severity == "error" for one in found)
    counts = ((errors, "error"), (len(found) - errors, "warning"))
    files = len({_order(one)[0] for one in found if one.label is not None})
    where = f" in {_count(files, 'file')}" if files else ""
    return ", ".join(_count(number, what) for number, what in counts if number) + where + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# ---- lines and columns


class _Text:
    """A file's text, by lines."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")


_Texts: TypeAlias = Mapping[str, _Text]


def _name(span: Span, texts: _Texts) -> str:
    """`file:line:column`, as far as they are known."""
    text = texts.get(span.file)
    return ":".join([span.file, *map(str, text.position(span.start))]) if text else span.file


def _data_name(place: DataPlace) -> str:
    column = f", column `{place.column}`" if place.column is not None else ""
    return place.file + column + (f", first at line {place.line}" if place.line is not None else "")


# ---- for machines


def _concise(one: Diagnostic, texts: _Texts) -> str:
    """`file:line:column: error[CXR203]: message (help)`."""
    match one.label:
        case Label(span):
            place = f"{_name(span, texts)}: "
        case DataPlace():
            place = f"{_data_name(one.label)}: "
        case None:
            place = ""
    spec = f" [{one.spec}]" if one.spec else ""
    help = f" ({'; '.join(one.help)})" if one.help else ""
    return _printable(f"{place}{one.severity}[{one.code}]: {one.message}{spec}{help}")


def _record(one: Diagnostic, texts: _Texts) -> dict[str, Any]:
    """A finding as JSON; lines and columns from 1, the end is the first character that is not marked."""
    label = one.label if isinstance(one.label, Label) else None
    data = one.label if isinstance(one.label, DataPlace) else None
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        **_place(label, texts),
        "others": [_place(other, texts) for other in one.others],
        "help": list(one.help),
        "spec": one.spec,
        "data": {"file": data.file, "column": data.column, "line": data.line} if data else None,
    }


def _place(label: Label | None, texts: _Texts) -> dict[str, Any]:
    span = label.span if label else None
    text = texts.get(span.file) if span else None
    start = text.position(span.start) if text and span else (None, None)
    end = text.position(span.end) if text and span else (None, None)
    return {
        "file": span.file if span else None,
        "line": start[0],
        "column": start[1],
        "endLine": end[0],
        "endColumn": end[1],
        "label": label.text if label else None,
    }


# ---- for people


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label as it is drawn: its line, the columns of the screen it covers, and the words beside it."""

    line: int
    start: int
    width: int
    text: str
    primary: bool


class _Drawing:
    """Draws findings into text, with or without colours."""

    def __init__(self, texts: _Texts, color: bool) -> None:
        self.texts, self.color = texts, color

    def draw(self, one: Diagnostic) -> str:
        style = _RED if one.severity == "error" else _YELLOW
        sections = _sections(one, self.texts)
        gutter = " " * len(str(max((mark.line for *_, marks in sections for mark in marks), default=1)))
        lines = [self.paint(style, f"{one.severity}[{one.code}]") + self.paint(_BOLD, f": {_printable(one.message)}")]
        for index, (name, file, marks) in enumerate(sections):
            lines += [self.bar(gutter)] if index else []
            lines.append(f"{gutter}{self.paint(_BLUE, ':::' if index else '-->')} {_printable(name)}")
            lines += self.snippet(file, marks, gutter, style)
        notes = [("spec", one.spec)] if one.spec else []
        notes += [("help", help) for help in one.help]
        lines += [f"{gutter} {self.paint(_BLUE, '=')} {self.paint(_BOLD, what)}: {_printable(t)}" for what, t in notes]
        return "\n".join(lines)

    def snippet(self, file: str, marks: Sequence[_Mark], gutter: str, style: str) -> Iterator[str]:
        """The lines that are marked, each with its marks below; lines between are left out."""
        bar, drawn = self.bar(gutter), 0
        for mark in marks:
            if drawn == 0:
                yield bar
            elif mark.line > drawn + 1:
                yield self.paint(_BLUE, "...")
            if mark.line != drawn:
                number = self.paint(_BLUE, f"{mark.line:>{len(gutter)}} |")
                yield f"{number} {_screen(self.texts[file].line(mark.line))}".rstrip()
            drawn = mark.line
            below = ("^" if mark.primary else "-") * mark.width
            words = f"{below} {_printable(mark.text)}".rstrip()
            yield f"{bar} {' ' * mark.start}{self.paint(style if mark.primary else _BLUE, words)}"

    def bar(self, gutter: str) -> str:
        return f"{gutter} {self.paint(_BLUE, '|')}"

    def paint(self, style: str, text: str) -> str:
        return f"{style}{text}{_END}" if self.color else text


def _sections(one: Diagnostic, texts: _Texts) -> list[tuple[str, str, list[_Mark]]]:
    """The files that a finding speaks of, the primary place's first: name of the place, file, marks by line."""
    data = [(_data_name(one.label), "", list[_Mark]())] if isinstance(one.label, DataPlace) else []
    primary = [one.label] if isinstance(one.label, Label) else []
    labels: dict[str, list[Label]] = {}
    for label in (*primary, *one.others):
        labels.setdefault(label.span.file, []).append(label)
    return data + [
        (_name(group[0].span, texts), file, sorted(_marks(group, one, texts), key=lambda mark: (mark.line, mark.start)))
        for file, group in labels.items()
    ]


def _marks(labels: Iterable[Label], one: Diagnostic, texts: _Texts) -> Iterator[_Mark]:
    """A place of several lines is marked in its first one."""
    for label in labels:
        text = texts.get(label.span.file)
        if text is None:
            continue
        line, column = text.position(label.span.start)
        content = text.line(line)
        start = len(_cells(content[: column - 1]))
        end = len(_cells(content[: column - 1 + label.span.end - label.span.start]))
        yield _Mark(line, start, max(1, end - start), label.text, label is one.label)


def _screen(line: str) -> str:
    """A line as a terminal shows it: tabs as blanks, nothing that moves the cursor."""
    return "".join(_cells(line))


def _cells(line: str) -> list[str]:
    """What stands in each column of the screen; a wide character takes two, the second is empty.

    >>> _cells("a\\tb"), _cells("漢")
    (['a', ' ', ' ', ' ', 'b'], ['漢', ''])
    """
    cells: list[str] = []
    for character in line:
        if character == "\t":
            cells += " " * (TAB - len(cells) % TAB)
        elif combining(character) and cells:
            cells[-1] += character
        else:
            cells += [_printable(character)] + [""] * (east_asian_width(character) in ("W", "F"))
    return cells


def _printable(text: str) -> str:
    """`text` without characters that a terminal acts on or that cannot be told from a blank."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
