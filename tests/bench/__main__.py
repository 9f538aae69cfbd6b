"""What the command costs, process by process: start, compile, and the run of what ships; and one edit in a warm process.

The data is the root in CXRSPEC_REAL_DATA, else the demo's. Each line is the best of a few. "cold" is the first command
after an installation, "warm" the next one: what files say is in the cache.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import Process, SimpleQueue
from pathlib import Path

from cxrspec.compiler.catalog import File, as_text, overlay, shipped
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.demo import demo_root
from cxrspec.runtime.project import local_files
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


def measured(command: Sequence[str], folder: Path, cache: Path) -> Cost:
    """The cost of one process; it is the only child of a process of its own, which the kernel keeps accounts of."""
    answer: SimpleQueue[Cost] = SimpleQueue()
    process = Process(target=_measure, args=(command, folder, cache, answer))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"failed: {' '.join(command)}")
    return answer.get()


def _measure(command: Sequence[str], folder: Path, cache: Path, answer: SimpleQueue[Cost]) -> None:
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    quiet = subprocess.DEVNULL
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=quiet, stderr=quiet)
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer.put(Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))


def best(what: str, command: Sequence[str], folder: Path, cold: bool = False) -> None:
    """Print the cost of the quickest of a few equal processes; if `cold`, each has an empty cache."""
    costs: list[Cost] = []
    for n in range(REPEATS):
        cache = folder / f"cold{n}" if cold else folder / "cache"
        costs.append(measured([str(CXRSPEC), *command], folder, cache))
        if cold:
            shutil.rmtree(cache)
    print(f"{what:44}{min(costs, key=lambda cost: cost.wall)}", flush=True)


def edits(what: str, files: Sequence[File], place: str) -> None:
    """Print how long a warm process takes to compile again after a line is added to one file, and when it is gone."""
    workspace = Workspace()
    workspace.compile(files)
    (at,) = (i for i, file in enumerate(files) if file.place == place)
    text = as_text(files[at].text)
    walls: list[float] = []
    for n in range(2 * REPEATS):
        edited = [*files[:at], replace(files[at], text=f"# edit {n}\n{text}"), *files[at + 1 :]]
        start = time.perf_counter()
        workspace.compile(edited)
        walls.append(time.perf_counter() - start)
    print(f"{what:44}{min(walls):8.3f} s", flush=True)


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
        best("compile --check, what ships, cold", ["compile", "--check"], folder, cold=True)
        best("compile --check, what ships, warm", ["compile", "--check"], folder)
        write_specs(folder / "many", 1000)
        best("compile --check, 1,000 more specs, cold", ["compile", "--check", "many"], folder, cold=True)
        best("compile --check, 1,000 more specs, warm", ["compile", "--check", "many"], folder)
        edits("edit of a spec, what ships", shipped(), "tasks/view_classification/mimic_cxr.yaml")
        edits("edit of a task, what ships", shipped(), "tasks/view_classification/task.yaml")
        edits("edit of a source, what ships", shipped(), "sources/mimic_cxr.yaml")
        edits("edit of words.yaml, what ships", shipped(), "words.yaml")
        many = overlay(shipped(), local_files(folder / "many"))
        edits("edit of a spec, 1,000 more specs", many, "spec7.yaml")
        edits("edit of a source, 1,000 more specs", many, "source7.yaml")
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
