"""Parquet files, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.runtime.emitters import shards

NEEDS: Mapping[str, str] = {}

_ROWS_PER_GROUP = 50_000
_PAGE_BYTES = 1 << 30  # above any column chunk: else Polars ends pages where the work was cut among its threads


def write(frame: pl.DataFrame, folder: Path, split: str) -> list[Path]:
    """Write `frame` as Parquet shards below `folder`."""
    written: list[Path] = []
    for path, rows in shards(frame, folder, split, "parquet"):
        rows.write_parquet(
            path, compression="zstd", statistics=True, row_group_size=_ROWS_PER_GROUP, data_page_size=_PAGE_BYTES
        )
        written.append(path)
    return written


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of written files."""
    return pl.scan_parquet(list(files), glob=False)
