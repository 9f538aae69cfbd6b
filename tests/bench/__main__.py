"""What the command costs, process by process: start, compile, and the run of what ships.

The data is the root in CXRSPEC_REAL_DATA, else the demo's. Each line is the best of a few processes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Process, SimpleQueue
from pathlib import Path

from cxrspec.runtime.demo import demo_root
from tests.bench.generated import write_specs

REPEATS = 3
CXRSPEC = Path(sys.executable).parent / "cxrspec"


@dataclass(frozen=True)
class Cost:
    """Wall time, time of all cores, and the most memory held at a time."""

    wall: float
    cores: float
    memory: float

    def __str__(self) -> str:
        return f"{self.wall:8.2f} s {self.cores:8.2f} s {self.memory:8.0f} MB"


def measured(command: Sequence[str], folder: Path) -> Cost:
    """The cost of one process; it is the only child of a process of its own, which the kernel keeps accounts of."""
    answer: SimpleQueue[Cost] = SimpleQueue()
    process = Process(target=_measure, args=(command, folder, answer))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"failed: {' '.join(command)}")
    return answer.get()


def _measure(command: Sequence[str], folder: Path, answer: SimpleQueue[Cost]) -> None:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer.put(Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))


def best(what: str, command: Sequence[str], folder: Path) -> None:
    """Print the cost of the quickest of a few equal processes."""
    costs = [measured([str(CXRSPEC), *command], folder) for _ in range(REPEATS)]
    print(f"{what:44}{min(costs, key=lambda cost: cost.wall)}", flush=True)


def main() -> None:
    """Print the table."""
    real = os.environ.get("CXRSPEC_REAL_DATA")
    data = Path(real).resolve() if real else demo_root()
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {'real' if real else 'demo'} data, best of {REPEATS}"
    )
    print(f"{'':44}{'wall':>10}{'all cores':>11}{'memory':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        best("cxrspec --help", ["--help"], folder)
        best("compile --check, what ships", ["compile", "--check"], folder)
        write_specs(folder / "many", 1000)
        best("compile --check, 1,000 more specs", ["compile", "--check", "many"], folder)
        run = ["run", "--data", str(data), "--out"]
        best("run, everything, anew and again", [*run, "out"], folder)
        for spec in (
            "findings_generation/openi",
            "findings_summarization/openi",
            "image_classification/rsna",
            "impression_generation/openi",
        ):
            best(f"run, {spec}", [*run, spec.replace("/", "."), "--select", spec], folder)


if __name__ == "__main__":
    main()
