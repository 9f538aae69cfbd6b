"""Paths as rows: one row per file, nothing is opened. Its columns are captured pieces of the path and `file()`."""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Located, problem
from cxrspec.runtime.readers import Raw, shown_places


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """One row for every file of `located`; a column that would need its content is reported."""
    problems += [
        problem("CXR610", f"{shown_places(c)}: a list of files has only its path", read.table, column=c.name)
        for c in columns
    ]
    return Raw(tuple((found, 1) for found in located.files), {})
