"""CSV and its kin. The bytes are checked for structure first, with numpy; then Polars splits them into text cells.

A quote opens a field only at its start and closes it only at its end (RFC 4180); every record has as many fields as
the header; blank lines are skipped. Anything else is an error with its line: a reader that guesses loses rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Found, Located, contents, problem
from cxrspec.runtime.readers import Raw, decoded, near_names, shown_places

if TYPE_CHECKING:  # numpy is loaded when a table is read, not when the command starts
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_NEWLINE, _RETURN = b"\n"[0], b"\r"[0]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A file whose structure is sound.

    header  the trimmed names of the columns, () without a header
    width   the number of fields of every record
    body    the records: no header, no blank lines, no carriage returns at line ends
    lines   the line in the file on which each record begins
    """

    header: tuple[str, ...]
    width: int
    body: bytes
    lines: pl.Series


@dataclass(frozen=True, slots=True)
class _Records:
    """Where the records that are not blank start and end in `data`, which ends in a newline; and their fields."""

    data: bytes
    starts: Ints
    ends: Ints
    separators: Ints
    lines: Ints

    @property
    def widths(self) -> Ints:
        """The number of fields of each record."""
        import numpy as np

        found = np.searchsorted(self.separators, self.ends) - np.searchsorted(self.separators, self.starts)
        return (found + 1).astype(np.int64)


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """The records of every file; columns are headers, compared trimmed, or numbers of columns from 0."""
    files: list[tuple[Found, int]] = []
    pieces: list[dict[str, pl.Series]] = []
    lines: list[pl.Series] = []
    for found, data in contents(located, problems):
        layout = _checked(read, found, data, problems)
        cells = None if layout is None else _cells(read, found, layout, columns, problems)
        if layout is not None and cells is not None:
            files.append((found, len(layout.lines)))
            pieces.append(cells)
            lines.append(layout.lines)
    if not files:
        return Raw((), {})
    everywhere = [c.name for c in columns if all(c.name in cells for cells in pieces)]
    return Raw(tuple(files), {name: pl.concat([p[name] for p in pieces]) for name in everywhere}, pl.concat(lines))


def _cells(
    read: Read, found: Found, layout: _Layout, columns: Sequence[RawColumn], problems: list[Diagnostic]
) -> dict[str, pl.Series] | None:
    """The wanted cells as text; a column that is absent is null if it is optional, else left out and reported."""
    table = _split(read, layout)
    if table is None:
        problems.append(problem("CXR704", "a file that Polars reads as other records than it has", found.name))
        return None
    cells: dict[str, pl.Series] = {}
    for column in columns:
        index = _index(column, layout, found, problems)
        if index is not None:
            cells[column.name] = table.to_series(index)
        elif column.optional:
            cells[column.name] = pl.Series([None], dtype=pl.String).new_from_index(0, table.height)
    return cells


def _index(column: RawColumn, layout: _Layout, found: Found, problems: list[Diagnostic]) -> int | None:
    """Which column of the file it is; None: there is none, which is a problem unless it is optional."""
    for place in column.places:
        if place.kind == "column" and place.index < layout.width:
            return place.index
        if place.kind == "name" and place.path.strip() in layout.header:
            name = place.path.strip()
            if layout.header.count(name) > 1:
                problems.append(problem("CXR612", f"the header has `{name}` twice", found.name, column=column.name))
            return layout.header.index(name)
    if not column.optional:
        message = f"no column {shown_places(column)} in {layout.width} columns"
        help = near_names(column, filter(None, layout.header))
        problems.append(problem("CXR610", message, found.name, column=column.name, help=[help]))
    return None


def _split(read: Read, layout: _Layout) -> pl.DataFrame | None:
    """All cells as text, in columns by number; None if Polars reads other records than were counted."""
    names = [str(index) for index in range(layout.width)]
    if not layout.body:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    try:
        table = pl.read_csv(
            layout.body,
            has_header=False,
            new_columns=names,
            separator=read.separator,
            quote_char=_quote(read),
            infer_schema=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:  # its text shows cells
        return None
    return table if table.shape == (len(layout.lines), layout.width) else None


def _quote(read: Read) -> str | None:
    return None if read.quote in ("", "none") else read.quote


# ------------------------------------------------------------------------------------------------------ structure


def _checked(read: Read, found: Found, data: bytes, problems: list[Diagnostic]) -> _Layout | None:
    """The layout of a file, or None: its structure is broken, which is noted with the first line concerned."""
    text = decoded(found, data, read.encoding, problems)
    if text is None:
        return None
    records = _records(read, found, text.encode(), problems)
    if records is None:
        return None
    widths = records.widths
    width, odd = int(widths[0]), widths != widths[0]
    if odd.any():
        first = int(odd.argmax())
        message = (
            f"{_count(int(odd.sum()), 'record')} with another number of fields than the first line: "
            f"{widths[first]} where {width} are expected"
        )
        problems.append(problem("CXR704", message, found.name, line=int(records.lines[first])))
        return None
    skip = 1 if read.header else 0
    if len(widths) == skip:
        problems.append(problem("CXR607", "a header without rows", found.name, severity="warning"))
    header = _header(records, _quote(read)) if read.header else ()
    return _Layout(header, width, _body(records, skip), pl.Series(records.lines[skip:]))


def _records(read: Read, found: Found, data: bytes, problems: list[Diagnostic]) -> _Records | None:
    """Records and their fields, by what stands outside of quotes; None: a stray or unclosed quote."""
    import numpy as np

    data = data if data.endswith(b"\n") else data + b"\n"
    cells = np.frombuffer(data, np.uint8)
    newline, separator = cells == _NEWLINE, cells == read.separator.encode()[0]
    newlines = np.flatnonzero(newline)
    quote = _quote(read)
    if quote is not None:
        quotes = cells == quote.encode()[0]
        stray = _stray(cells, np.flatnonzero(quotes), newline | separator)
        if stray is not None:
            line = int(np.searchsorted(newlines, stray)) + 1
            help = "`quote: none` reads quotes as text"
            problems.append(problem("CXR705", "a stray or unclosed quote", found.name, line=line, help=[help]))
            return None
        outside = ~np.logical_xor.accumulate(quotes)
        newline, separator = newline & outside, separator & outside
    ends = np.flatnonzero(newline)
    starts = np.concatenate(([0], ends[:-1] + 1))
    size = ends - starts
    written = (size > 1) | ((size == 1) & (cells[starts] != _RETURN))
    starts, ends = starts[written], ends[written]
    return _Records(data, starts, ends, np.flatnonzero(separator), np.searchsorted(newlines, starts) + 1)


def _stray(cells: NDArray[np.uint8], quotes: Ints, borders: Bools) -> int | None:
    """The first quote that neither opens a field at its start, nor closes it at its end, nor is one of a pair."""
    import numpy as np

    opening, closing = quotes[0::2], quotes[1::2]
    # Before the first byte stands, by numpy's index -1, the newline at the end: a border, as it should be.
    opens = borders[opening - 1]
    opens[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    after = closing + 1
    returns = (cells[after] == _RETURN) & (cells.take(after + 1, mode="clip") == _NEWLINE)
    closes = borders[after] | returns
    closes[: len(opening) - 1] |= opening[1:] == after[: len(opening) - 1]
    bad = np.concatenate((opening[~opens], closing[~closes], quotes[-1:] if len(quotes) % 2 else quotes[:0]))
    return int(bad.min()) if len(bad) else None


def _header(records: _Records, quote: str | None) -> tuple[str, ...]:
    """The names in the first record, trimmed; what is quoted is unquoted."""
    start, end = int(records.starts[0]), int(records.ends[0])
    cuts = [int(cut) for cut in records.separators if start <= cut < end]
    pieces = zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True)
    names = [records.data[a:b].decode().strip() for a, b in pieces]
    if quote is not None:
        names = [n[1:-1].replace(quote * 2, quote).strip() if n.startswith(quote) else n for n in names]
    return tuple(names)


def _body(records: _Records, skip: int) -> bytes:
    """The records behind the first `skip`, each ended by a newline only."""
    import numpy as np

    if len(records.starts) == skip:
        return b""
    cells = np.frombuffer(records.data, np.uint8)
    starts, ends = records.starts[skip:], records.ends[skip:]
    returned = cells[ends - 1] == _RETURN
    if not returned.any() and (starts[1:] == ends[:-1] + 1).all():
        return records.data[starts[0] : ends[-1] + 1]
    # +1 where kept bytes begin, -1 behind them: the running sum says what is kept.
    marks = np.zeros(len(cells) + 1, np.int8)
    marks[starts] += 1
    marks[ends - returned] -= 1
    keep = np.cumsum(marks[:-1], dtype=np.int8).astype(np.bool_)
    keep[ends] = True
    return cells[keep].tobytes()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
