"""What something costs: a command, or a function in a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

CXRSPEC = Path(sys.executable).parent / "cxrspec"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Wall time and time of all cores in seconds, and the most memory held at a time in MB."""

    wall: float
    cores: float
    memory: float

    @property
    def cells(self) -> tuple[str, str, str]:
        """The three as cells of a table."""
        return f"{self.wall:.2f} s", f"{self.cores:.2f} s", f"{self.memory:,.0f} MB"


@dataclass(frozen=True)
class Ran:
    """A command that ended well: its cost, what it printed, and when it said what it was doing."""

    cost: Cost
    printed: tuple[str, ...]
    progress: tuple[tuple[float, str], ...]


def command(arguments: Sequence[str | Path], folder: Path, cache: Path) -> Ran:
    """Run `cxrspec` with these arguments in `folder`, with what it remembers in `cache`.

    The kernel keeps accounts of a process from the memory of the one that started it, so the bench itself stays small:
    whatever holds data runs in processes of its own.
    """
    words = [str(CXRSPEC), *map(str, arguments)]
    stamped: list[tuple[float, str]] = []
    start = time.perf_counter()
    with (folder / "printed").open("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=_environment(cache),
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        stamped += ((time.perf_counter() - start, line.rstrip("\n")) for line in process.stderr)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit("\n".join([f"failed: {' '.join(words)}", *(line for _, line in stamped)]))
        printed.seek(0)
        lines = printed.read().splitlines()
    return Ran(Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), tuple(lines), tuple(stamped))


def _environment(cache: Path) -> dict[str, str]:
    """That of a user: what is compiled of Python is kept, whatever is said here."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"XDG_CACHE_HOME": str(cache)}


def alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function gives in a fresh process; it stands at the top of a module."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def measured(call: Callable[[], object]) -> Cost:
    """The cost of a call in this process; what the process held before counts in its memory."""
    wall, cores = time.perf_counter(), time.process_time()
    call()
    wall, cores = time.perf_counter() - wall, time.process_time() - cores
    return Cost(wall, cores, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def quickest(costs: Sequence[Cost]) -> Cost:
    """The cost with the least wall time."""
    return min(costs, key=lambda cost: cost.wall)
