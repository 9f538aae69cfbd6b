"""Prompts: texts that are worked out once for each leaf, and what is printed between them.

before    the text of every shape for every row, of which one is kept

    when(ticket < 216).then(concat_str([gather(["Which", "What"], leaf // 9 % 2), " findings?", block]))
    .when(ticket < 432).then(...) ... .otherwise(...)

after     a gather for each segment of literal text, whatever the shape

    concat_str([gather(["Which findings?", "What findings?", ...], leaf), when(shows).then(block).otherwise(""), ...])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from math import prod

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.fast.places import gathered
from cxrspec.compiler.nodes import node
from cxrspec.compiler.typed import Typed

# Larger wheels keep the plain form: the tables would take longer than the rows.
MOST_TICKETS = 2**20
MOST_LEAVES = 2**16

Insert = Typed | p.OptionBlock


@node
class Segments:
    """A wheel as columns, a row for each leaf.

    leaf     the leaf of each ticket
    texts    a column for each segment: its text in each leaf
    inserts  what is printed behind each segment but the last, None where nothing is
    """

    leaf: tuple[int, ...]
    texts: tuple[tuple[str, ...], ...]
    inserts: tuple[tuple[Insert | None, ...], ...]


def prompt(wheel: p.Prompt, ticket: pl.Expr, printed: Callable[[Insert], pl.Expr]) -> pl.Expr | None:
    """The text that a ticket names; `printed` gives that of a slot. None if the wheel is too large for tables."""
    if wheel.tickets > MOST_TICKETS or sum(map(leaves, wheel.shapes)) > MOST_LEAVES:
        return None
    segments = laid_out(wheel)
    leaf = gathered(segments.leaf, pl.UInt16, ticket)
    pieces = [gathered(segments.texts[0], pl.String, leaf)]
    for inserts, texts in zip(segments.inserts, segments.texts[1:], strict=True):
        pieces += [_inserted(inserts, leaf, printed), gathered(texts, pl.String, leaf)]
    return pl.concat_str(pieces)


def leaves(shape: p.Shape) -> int:
    """How many texts the tables of a shape make."""
    return prod(len(piece) for piece in shape.pieces if isinstance(piece, tuple))


@cache
def laid_out(wheel: p.Prompt) -> Segments:
    """The wheel as columns: shapes one below the other, the leaves of each in mixed radix order."""
    leaf: list[int] = []
    rows: list[tuple[list[str], list[Insert]]] = []
    for shape in wheel.shapes:
        each = shape.tickets // leaves(shape)
        for row in _leaves(shape):
            leaf += [len(rows)] * each
            rows.append(row)
    width = max(len(inserts) for _, inserts in rows)
    texts = tuple(tuple(t[i] if i < len(t) else "" for t, _ in rows) for i in range(width + 1))
    inserts = tuple(tuple(s[i] if i < len(s) else None for _, s in rows) for i in range(width))
    return Segments(tuple(leaf), texts, inserts)


def _leaves(shape: p.Shape) -> Iterator[tuple[list[str], list[Insert]]]:
    """For each leaf its texts, and the inserts between them."""
    for chosen in product(*(piece if isinstance(piece, tuple) else (piece,) for piece in shape.pieces)):
        texts, inserts = [""], list[Insert]()
        for piece in chosen:
            if isinstance(piece, str):
                texts[-1] += piece
            else:
                inserts.append(piece)
                texts.append("")
        yield texts, inserts


def _inserted(inserts: Sequence[Insert | None], leaf: pl.Expr, printed: Callable[[Insert], pl.Expr]) -> pl.Expr:
    """What a leaf prints behind a segment."""
    text = pl.lit("")
    for insert in dict.fromkeys(inserts):
        if insert is not None:
            text = (
                pl.when(gathered([one == insert for one in inserts], pl.Boolean, leaf))
                .then(printed(insert))
                .otherwise(text)
            )
    return text
