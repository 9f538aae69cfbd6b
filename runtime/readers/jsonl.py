"""JSON lines: a JSON document in each line, and blank lines, which count for nothing. Places are as in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.casting import Cell
from cxrspec.runtime.json_paths import Nodes, Step
from cxrspec.runtime.json_text import BrokenJsonError, parse
from cxrspec.runtime.locate import Located
from cxrspec.runtime.readers import Raw
from cxrspec.runtime.readers.json import Stretch, rows_of_stretches


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The rows of every line of every file."""
    return rows_of_stretches(read, columns, located, problems, stretches)


def stretches(text: str, steps: Sequence[Step], up: bool) -> Iterator[Stretch]:
    """All lines at once, up to one that is broken.

    Raises:
        BrokenJsonError: a line is not JSON, nested beyond reason, or an object has a key twice.
    """
    values: list[Cell] = []
    numbers: list[int] = []
    for number, line in documents(text):
        try:
            values.append(parse(line))
        except BrokenJsonError as error:
            yield Stretch(Nodes(values), steps, numbers)
            raise BrokenJsonError(str(error), number, error.help) from None
        numbers.append(number)
    yield Stretch(Nodes(values), steps, numbers)


def documents(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers. Only a newline ends one: U+2028 may stand in a JSON text."""
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
