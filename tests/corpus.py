"""Made-up data roots of all sources, at demo scale, and whole runs over them, each made once for all processes of a session."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.demo import SCALE
from cxrspec.runtime.request import Result
from cxrspec.runtime.synth import synth

from . import made_up

SEEDS = (1, 2, 3)
T = TypeVar("T")


@dataclass(frozen=True)
class Corpus:
    """An output over the made-up root `data`, and what the run said."""

    data: Path
    out: Path
    compilation: Compilation
    result: Result


@cache
def compilation(published: bool = False) -> Compilation:
    """What ships."""
    return made_up.load(published=published)


@cache
def root(seed: int) -> Path:
    """A made-up data root of every source."""

    def made(path: Path) -> Path:
        synth(path, SCALE, seed)
        return path

    return once(f"data-{seed}", made)


@cache
def corpus(seed: int, published: bool = False) -> Corpus:
    """All specs over that root."""
    data, whole = root(seed), compilation(published)

    def run(out: Path) -> tuple[Path, Result]:
        return out, made_up.make(data, out, whole, seed=seed, published=published)

    out, result = once(f"out-{seed}-{'published' if published else 'default'}", run)
    return Corpus(data, out, whole, result)


def once(name: str, make: Callable[[Path], T]) -> T:
    """What `make` makes of a path of this name; one process makes it, and the others wait for that."""
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "corpus"  # the tests' own (conftest.py)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make(folder / name)))
    made: T = pickle.loads(kept.read_bytes())
    return made
