"""JSON lines: one example a line, the keys in the order of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.runtime.emitters import SCHEMA, Shard

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> Path:
    """Write a shard of JSON lines."""
    path = shard.folder / f"{shard.name}.jsonl"
    shard.examples.write_ndjson(path)
    return path


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of written files."""
    return pl.scan_ndjson(list(files), schema=SCHEMA)
