"""GROWTH: a few sources, each alone, at three sizes: whether time and memory grow in step with the examples."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cxrspec.runtime.synth import synth
from tests.bench.page import table
from tests.bench.run import cold, made
from tests.bench.timing import alone, quickest

SOURCES = ("chestxray14", "chexpert_plus", "mimic_cxr", "rad_restruct", "rexgradient")
SIZES = (0.3, 1.0, 3.0)
REPEATS = 2
SEED = 1


def tables(data: Path, scale: float, scratch: Path) -> str:
    """Cold runs of each size, and the line a + b n laid through them."""
    rows: list[list[str]] = []
    for source in SOURCES:
        counts: list[int] = []
        walls: list[float] = []
        memory: list[float] = []
        for size in SIZES:
            root = scratch / "data"
            alone(synth, root, size * scale, SEED, [source])
            runs = [cold(root, scratch, "--select", f"source:{source}") for _ in range(REPEATS)]
            shutil.rmtree(root)
            counts.append(sum(made(runs[0]).values()))
            walls.append(quickest([ran.cost for ran in runs]).wall)
            memory.append(max(ran.cost.memory for ran in runs))
        fixed, each, off = line(counts, walls)
        rows.append(
            [
                f"`{source}`",
                " / ".join(f"{count:,}" for count in counts),
                " / ".join(f"{wall:.2f}" for wall in walls),
                f"{fixed:.2f} s + {each * 1e6:.1f} s a million",
                f"{off:.0%}",
                " / ".join(f"{each:,.0f}" for each in memory),
            ]
        )
    sizes = " / ".join(f"{size:g}" for size in SIZES)
    return table(["source", f"examples at {sizes}", "wall, s", "line", "furthest off", "peak memory, MB"], rows)


def line(counts: Sequence[int], walls: Sequence[float]) -> tuple[float, float, float]:
    """The least squares of wall = a + b n: a and b; and how far the furthest point is off, as a share of it.

    Shares are squared, not seconds: else the largest size alone would lay the line.
    """
    n, wall = np.array(counts, dtype=float), np.array(walls)
    terms = np.stack([np.ones_like(n), n], axis=1)
    (fixed, each), *_ = np.linalg.lstsq(terms / wall[:, None], np.ones_like(wall), rcond=None)
    off = np.abs(fixed + each * n - wall) / wall
    return float(fixed), float(each), float(off.max())
