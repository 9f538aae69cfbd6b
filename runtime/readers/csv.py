"""CSV and its kin. The bytes are checked for structure first, with numpy; then Polars splits them into text cells.

A quote opens a field only at its start and closes it only at its end (RFC 4180); every record has as many fields as
the header; blank lines are skipped. Anything else is an error with its line: a reader that guesses loses rows.
"""

from __future__ import annotations

from codecs import BOM_UTF8, lookup
from collections.abc import Mapping, Sequence
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
    """Where the records that are not blank start and end in `data`, which ends in a newline; their fields and lines."""

    data: bytes
    starts: Ints
    ends: Ints
    widths: Ints
    lines: Ints


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
    indexes = {column: _index(column, layout, found, problems) for column in columns}
    table = _split(read, layout, sorted({index for index in indexes.values() if index is not None}))
    if table is None:
        problems.append(problem("CXR704", "a file that Polars reads as other records than it has", found.name))
        return None
    cells: dict[str, pl.Series] = {}
    for column, index in indexes.items():
        if index is not None:
            cells[column.name] = table[index]
        elif column.optional:
            cells[column.name] = pl.Series([None], dtype=pl.String).new_from_index(0, len(layout.lines))
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


def _split(read: Read, layout: _Layout, wanted: Sequence[int]) -> Mapping[int, pl.Series] | None:
    """The cells of these columns as text; None if Polars reads other records than were counted."""
    if not layout.body or not wanted:
        return dict.fromkeys(wanted, pl.Series(dtype=pl.String))
    try:
        table = pl.read_csv(
            layout.body,
            has_header=False,
            columns=wanted,
            separator=read.separator,
            quote_char=_quote(read),
            infer_schema=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:  # its text shows cells
        return None
    return dict(zip(wanted, table, strict=True)) if table.height == len(layout.lines) else None


def _quote(read: Read) -> str | None:
    return None if read.quote in ("", "none") else read.quote


# ------------------------------------------------------------------------------------------------------ structure


def _checked(read: Read, found: Found, data: bytes, problems: list[Diagnostic]) -> _Layout | None:
    """The layout of a file, or None: its structure is broken, which is noted with the first line concerned."""
    text = decoded(found, data, read.encoding, problems)
    if text is None:
        return None
    utf8 = data.removeprefix(BOM_UTF8) if lookup(read.encoding).name == "utf-8" else text.encode()
    records = _records(read, found, utf8, problems)
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
    header = _header(records, read) if read.header else ()
    return _Layout(header, width, _body(records, skip), pl.Series(records.lines[skip:]))


_BLOCK = 1 << 20
"""Bytes that are looked at together: few enough to stay in the processor's cache."""


def _records(read: Read, found: Found, data: bytes, problems: list[Diagnostic]) -> _Records | None:
    """Records and their fields, by what stands outside of quotes; None: a stray or unclosed quote."""
    import numpy as np

    data = data if data.endswith(b"\n") else data + b"\n"
    cells = np.frombuffer(data, np.uint8)
    quote = _quote(read)
    marks = _Marks(cells, read.separator.encode()[0], None if quote is None else quote.encode()[0])
    blocks = [marks.block(at) for at in range(0, len(cells), _BLOCK)]
    stray = marks.stray
    if stray is not None:
        line = data.count(b"\n", 0, stray) + 1
        help = "`quote: none` reads quotes as text"
        problems.append(problem("CXR705", "a stray or unclosed quote", found.name, line=line, help=[help]))
        return None
    ends, separators, newlines = (np.concatenate(each) for each in zip(*blocks, strict=True))
    starts = np.concatenate(([0], ends[:-1] + 1))
    widths = np.diff(separators, prepend=0) + 1
    lines = np.concatenate(([0], newlines[:-1])) + 1
    size = ends - starts
    written = (size > 1) | ((size == 1) & (cells[starts] != _RETURN))
    return _Records(data, starts[written], ends[written], widths[written], lines[written])


class _Marks:
    """What the bytes of a file mark, block after block; it knows what stood before."""

    def __init__(self, cells: NDArray[np.uint8], separator: int, quote: int | None) -> None:
        self.cells, self.separator, self.quote = cells, separator, quote
        self.quotes = self.separators = self.newlines = 0
        self.last = 0
        self.first_stray: int | None = None

    @property
    def stray(self) -> int | None:
        """The first quote that neither opens a field at its start, nor closes it at its end, nor is one of a pair."""
        return self.last if self.quotes % 2 and self.first_stray is None else self.first_stray

    def block(self, at: int) -> tuple[Ints, Ints, Ints]:
        """Where records end, and how many separators and newlines there are up to each of these ends."""
        import numpy as np

        block = self.cells[at : at + _BLOCK]
        marked = (block == _NEWLINE) | (block == self.separator)
        if self.quote is not None:
            marked |= block == self.quote
        places = np.flatnonzero(marked)
        marks = block[places]
        newline, separator = marks == _NEWLINE, marks == self.separator
        lines = self.newlines + np.cumsum(newline)
        if self.quote is not None:
            quoted = marks == self.quote
            count = self.quotes + np.cumsum(quoted)
            outside = count % 2 == 0
            self._look(at + places[quoted], outside[quoted])
            newline, separator = newline & outside, separator & outside
            self.quotes = int(count[-1]) if len(count) else self.quotes
        fields = self.separators + np.cumsum(separator)
        if len(places):
            self.newlines, self.separators = int(lines[-1]), int(fields[-1])
        return at + places[newline], fields[newline], lines[newline]

    def _look(self, quotes: Ints, closing: Bools) -> None:
        """Note the first stray one of these quotes; a pair of them inside of a field closes it and opens it again."""
        import numpy as np

        if not len(quotes) or self.first_stray is not None:
            return
        # Before the first byte stands, by numpy's index -1, the newline at the end: a border, as it should be.
        beside = self.cells[np.where(closing, quotes + 1, quotes - 1)]
        good = (beside == _NEWLINE) | (beside == self.separator) | (beside == self.quote)
        good |= closing & (beside == _RETURN) & (self.cells.take(quotes + 2, mode="clip") == _NEWLINE)
        self.last = int(quotes[-1])
        self.first_stray = None if good.all() else int(quotes[good.argmin()])


def _header(records: _Records, read: Read) -> tuple[str, ...]:
    """The names in the first record, trimmed; what is quoted is unquoted."""
    import numpy as np

    record = records.data[records.starts[0] : records.ends[0]]
    cells, quote = np.frombuffer(record, np.uint8), _quote(read)
    cut = cells == read.separator.encode()[0]
    if quote is not None:
        cut &= np.cumsum(cells == quote.encode()[0]) % 2 == 0
    cuts = [int(place) for place in np.flatnonzero(cut)]
    names = [record[a:b].decode().strip() for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, None], strict=True)]
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
