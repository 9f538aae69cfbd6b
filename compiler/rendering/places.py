"""What all ways to print findings share: their order, and places as lines and columns.

Lines and columns count from 1, columns in characters; an end is the first character that is not marked.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label, Span


class Text:
    """A file's text, by lines."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        """Where the lines start."""
        return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def lines(self, first: int, last: int) -> Span:
        """The characters of these lines, their breaks included."""
        return Span("", self.starts[first - 1], self.starts[last] if last < len(self.starts) else len(self.text))

    def line(self, number: int) -> str:
        """The text of a line, without its break."""
        span = self.lines(number, number)
        return self.text[span.start : span.end].rstrip("\r\n")


Texts: TypeAlias = Mapping[str, Text]


def order(found: Diagnostic) -> tuple[str, int, str, str]:
    """What findings are sorted by: file and place."""
    match found.label:
        case Label(span):
            return span.file, span.start, found.code, found.message
        case DataPlace(file, _, line):
            return file, line or 0, found.code, found.message
        case None:
            return "", 0, found.code, found.message


def place_name(span: Span, texts: Texts) -> str:
    """`file:line:column`, as far as they are known."""
    text = texts.get(span.file)
    return ":".join([span.file, *map(str, text.position(span.start))]) if text else span.file


def data_name(place: DataPlace) -> str:
    """A place in data in words."""
    column = f", column `{place.column}`" if place.column is not None else ""
    return place.file + column + (f", first at line {place.line}" if place.line is not None else "")


def counts(found: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning in 3 files`."""
    errors = sum(one.severity == "error" for one in found)
    numbers = ((errors, "error"), (len(found) - errors, "warning"))
    files = len({order(one)[0] for one in found if one.label is not None})
    where = f" in {count(files, 'file')}" if files else ""
    return ", ".join(count(number, what) for number, what in numbers if number) + where


def count(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def printable(text: str) -> str:
    """`text` without characters that a terminal acts on or that cannot be told from a blank."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
