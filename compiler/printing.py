"""Values as texts: in the places of a pattern, such as `{stem}.png` or `({x1},{y1})`, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

import polars as pl


def filled(pattern: str, values: Mapping[str, pl.Expr]) -> pl.Expr:
    """The pattern with a text in each of its places; null if one of them is."""
    pieces: list[pl.Expr] = []
    for literal, place, _, _ in Formatter().parse(pattern):
        pieces += [pl.lit(literal)] + ([values[place]] if place else [])
    return pl.concat_str(pieces)


def as_json(value: pl.Expr) -> pl.Expr:
    """A text, or a list of texts or records, as JSON."""
    return pl.struct(value.alias("v")).struct.json_encode().str.strip_prefix('{"v":').str.strip_suffix("}")
