"""JSON lines: a JSON document in each line, and blank lines, which count for nothing. Places are as in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Located
from cxrspec.runtime.readers import Raw
from cxrspec.runtime.readers.json import rows_of_documents


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The rows of every line of every file."""
    return rows_of_documents(read, columns, located, problems, documents)


def documents(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers. Only a newline ends one: U+2028 may stand in a JSON text."""
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
