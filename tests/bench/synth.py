"""SYNTH: what it costs to make up the raw files of all sources."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bench.page import table
from tests.bench.timing import command


def tables(data: Path, scale: float, scratch: Path) -> str:
    """One process; what it made is removed."""
    ran = command(["synth", "made", "--scale", str(scale)], scratch, scratch / "cache")
    files = [path.stat().st_size for path in (scratch / "made").rglob("*") if path.is_file()]
    shutil.rmtree(scratch / "made")
    size = f"{len(files):,} files", f"{sum(files) / 1e6:,.0f} MB"
    return table(
        ["", "wall", "all cores", "peak memory", "files", "size"],
        [[f"`cxrspec synth --scale {scale:g}`", *ran.cost.cells, *size]],
    )
