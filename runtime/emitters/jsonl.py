"""JSON lines: one example a line, the keys in the order of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from cxrspec.runtime.emitters import SCHEMA, Shard

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write a shard of JSON lines."""
    path = shard.path(".jsonl")
    shard.examples.write_ndjson(path)
    return [path]


def save(lines: pl.DataFrame, to: Path | BinaryIO) -> None:
    """Write the JSON in the one column of `lines`, one a line; other formats do so, too."""
    lines.write_csv(to, include_header=False, quote_style="never")


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of written files."""
    return pl.scan_ndjson(list(files), schema=SCHEMA)
