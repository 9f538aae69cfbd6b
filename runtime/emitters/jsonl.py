"""JSON lines: one example a line, the keys in the order of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.runtime.emitters import SCHEMA, shards

NEEDS: Mapping[str, str] = {}


def write(frame: pl.DataFrame, folder: Path, split: str) -> list[Path]:
    """Write `frame` as shards of JSON lines below `folder`."""
    written: list[Path] = []
    for path, rows in shards(frame, folder, split, "jsonl"):
        rows.write_ndjson(path)
        written.append(path)
    return written


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of written files."""
    return pl.scan_ndjson(list(files), schema=SCHEMA)
