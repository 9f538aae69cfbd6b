"""Paths as rows: one row per file, nothing is opened. Its columns are captured pieces of the path and `file()`."""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Located
from cxrspec.runtime.readers import Raw, unknown_places


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """One row for every file of `located`; a column that would need its content is reported."""
    unknown_places(read, columns, "a list of files has only its path", problems)
    return Raw(tuple((found, 1) for found in located.files), {})
