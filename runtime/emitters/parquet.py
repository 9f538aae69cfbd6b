"""Parquet files, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.runtime.emitters import Shard

NEEDS: Mapping[str, str] = {}

_LEVEL = 1  # the default, 3, takes twice the time; files of made-up examples came out within 6 per cent of its
_ROWS_PER_GROUP = 50_000
_PAGE_BYTES = 1 << 30  # above any column chunk: else Polars ends pages where the work was cut among its threads


def write(shard: Shard) -> list[Path]:
    """Write a shard of Parquet."""
    return [save(shard.examples, shard.path(".parquet"))]


def save(rows: pl.DataFrame, path: Path) -> Path:
    """Write rows to a file; other formats do so, too, whose readers load Parquet."""
    rows.rechunk().write_parquet(
        path,
        compression="zstd",
        compression_level=_LEVEL,
        statistics=True,
        row_group_size=_ROWS_PER_GROUP,
        data_page_size=_PAGE_BYTES,
    )
    return path


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of written files."""
    return pl.scan_parquet(list(files), glob=False)
