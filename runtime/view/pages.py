"""Examples page by page: slices of files, so that no more is read of an output than is shown.

A place is the number of an example in a selection, from 0, in the order of specs, splits and ids, whatever the text that
is looked for. A page without a text is one slice. With one, examples are looked through from a place on until the page is
full or the time is up: it then says where to go on, so pages that follow each other lose and repeat nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeAlias

import polars as pl

from cxrspec.runtime.view.corpus import Corpus, Piece, Selection

Row: TypeAlias = Mapping[str, Any]
"""One example, its columns by name."""

_CHUNK = 50_000  # examples looked through at a time: a row group of Parquet (emitters/parquet.py)


@dataclass(frozen=True, slots=True)
class Page:
    """Some examples of a selection.

    rows    in their order, each with its place as `at`
    start   no example before these, down to here, belongs to the page
    next    the place at which to go on; None at the end
    total   how many examples the selection has without its text
    """

    rows: Sequence[Row] = field(default_factory=list[Row])
    start: int = 0
    next: int | None = None
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Examples of one file that follow each other: from the row `offset`, which is at the place `at`."""

    piece: Piece
    offset: int
    rows: int
    at: int


def forward(corpus: Corpus, selection: Selection, at: int, size: int, seconds: float) -> Page:
    """The page of up to `size` examples from the place `at` on; looks for at most so many seconds.

    Raises:
        OSError, polars.exceptions.PolarsError: a file does not read, or is not there any more.
    """
    pieces = corpus.pieces(selection)
    total = sum(piece.rows for piece in pieces)
    found: list[Row] = []
    place, ends = at, monotonic() + seconds
    for chunk in _chunks(pieces, at, total, _CHUNK if selection.text else size):
        found += _read(corpus, chunk, selection.text, slice(0, size - len(found)))
        place = found[-1]["at"] + 1 if len(found) == size else chunk.at + chunk.rows
        if len(found) == size or monotonic() > ends:
            break
    return Page(found, at, place if place < total else None, total)


def backward(corpus: Corpus, selection: Selection, before: int, size: int, seconds: float) -> Page:
    """The page that ends just before a place; where it starts, the one before it ends.

    Raises:
        OSError, polars.exceptions.PolarsError: as `forward`.
    """
    pieces = corpus.pieces(selection)
    total = sum(piece.rows for piece in pieces)
    end = min(before, total)
    found: list[Row] = []
    start, ends = end, monotonic() + seconds
    step = _CHUNK if selection.text else size
    while start > 0 and len(found) < size:
        first = max(start - step, 0)
        for chunk in reversed([*_chunks(pieces, first, start, step)]):
            lacking = size - len(found)
            found[:0] = _read(corpus, chunk, selection.text, slice(-lacking, None)) if lacking else ()
        start = found[0]["at"] if len(found) == size else first
        if monotonic() > ends:
            break
    return Page(found, start, end if end < total else None, total)


def holds(text: str) -> pl.Expr:
    """Whether an example has this text in its id, a prompt or an answer; case does not matter."""
    pattern = f"(?i){pl.escape_regex(text)}"
    turn = pl.element().struct
    said = (turn.field(name).str.contains(pattern) for name in ("prompt", "answer"))
    return pl.col("id").str.contains(pattern) | pl.col("turns").list.eval(pl.any_horizontal(said)).list.any()


def _chunks(pieces: Iterable[Piece], first: int, end: int, size: int) -> Iterator[_Chunk]:
    """The examples from a place to another, in parts of at most `size` that do not leave a file."""
    at = 0
    for piece in pieces:
        low, high = max(first, at), min(end, at + piece.rows)
        for place in range(low, high, size):
            yield _Chunk(piece, place - at, min(size, high - place), place)
        at += piece.rows


def _read(corpus: Corpus, chunk: _Chunk, text: str | None, part: slice) -> Sequence[Row]:
    """A part of the examples of a chunk that hold the text; whole ones are read only from the first to the last of it."""
    rows = corpus.examples(chunk.piece.file).slice(chunk.offset, chunk.rows).with_row_index("at", chunk.at)
    if text:
        places = rows.select("at", "id", "turns").filter(holds(text)).select("at").collect()["at"].to_list()[part]
        if not places:
            return []
        first, last = places[0], places[-1]
        rows = rows.slice(first - chunk.at, last + 1 - first).filter(pl.col("at").is_in(places))
        return [*rows.collect().iter_rows(named=True)]
    return [*rows.collect().iter_rows(named=True)][part]
