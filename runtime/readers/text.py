"""Plain text: one row per file, and `text()` is all that stands in it. An empty file is an empty cell."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Found, Located, contents
from cxrspec.runtime.readers import Raw, text_of, unknown_places


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """One row for every file of `located`."""
    whole = [column.name for column in columns if any(place.kind == "text" for place in column.places)]
    unknown_places(
        read, [c for c in columns if c.name not in whole], "a file of text has `text()` and its path", problems
    )
    files: list[tuple[Found, int]] = []
    texts: list[str] = []
    for found, data in contents(located, problems):
        text = text_of(found, data, read.encoding, problems)
        if text is not None:
            files.append((found, 1))
            texts.append(text)
    cells = pl.Series(texts, dtype=pl.String)
    return Raw(tuple(files), dict.fromkeys(whole, cells))
