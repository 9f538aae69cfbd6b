"""Made-up data roots of all sources, at demo scale, and whole runs over them, each made once in a session of tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.demo import SCALE
from cxrspec.runtime.run import Result
from cxrspec.runtime.synth import synth

from . import made_up

SEEDS = (1, 2, 3)


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
    path = _scratch() / f"data-{seed}"
    synth(path, SCALE, seed)
    return path


@cache
def corpus(seed: int, published: bool = False) -> Corpus:
    """All specs over that root."""
    out = _scratch() / f"out-{seed}-{'published' if published else 'default'}"
    result = made_up.make(root(seed), out, compilation(published), seed=seed, published=published)
    return Corpus(root(seed), out, compilation(published), result)


@cache
def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="cxrspec-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
