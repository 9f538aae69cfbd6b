"""COMPILE: what starting and compiling cost, process by process, and one edit in a warm process.

"cold" is the first command after an installation, "warm" the next one: what the files came to is in the cache.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cxrspec.compiler.catalog import File, as_text, overlay, shipped
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.project import local_files
from tests.bench.generated import write_specs
from tests.bench.page import table
from tests.bench.timing import alone, command, quickest

REPEATS = 3
SPEC = "tasks/view_classification/mimic_cxr.yaml"
TASK = "tasks/view_classification/task.yaml"


def tables(data: Path, scale: float, scratch: Path) -> str:
    """The best of a few equal processes, and of a few equal edits."""
    many = scratch / "many"
    write_specs(many, 1000)
    check = ["compile", "--check"]
    processes = [
        ("`cxrspec --help`", ["--help"], False),
        ("`compile --check`, what ships, cold", check, True),
        ("`compile --check`, what ships, warm", check, False),
        ("`compile --check`, 1,000 more specs, cold", [*check, "many"], True),
        ("`compile --check`, 1,000 more specs, warm", [*check, "many"], False),
    ]
    more = overlay(shipped(), local_files(many))
    edits = [
        ("an edit of a spec, what ships", shipped(), SPEC),
        ("an edit of a task, what ships", shipped(), TASK),
        ("an edit of a source, what ships", shipped(), "sources/mimic_cxr.yaml"),
        ("an edit of words.yaml, what ships", shipped(), "words.yaml"),
        ("an edit of a spec, 1,000 more specs", more, "spec7.yaml"),
        ("an edit of a source, 1,000 more specs", more, "source7.yaml"),
    ]
    return "\n\n".join(
        [
            table(
                ["process", "wall", "all cores"],
                [[what, *best(words, scratch, cold)] for what, words, cold in processes],
            ),
            table(
                ["in a warm process", "wall"],
                [[what, alone(edited, files, place)] for what, files, place in edits],
            ),
        ]
    )


def best(arguments: Sequence[str], scratch: Path, cold: bool) -> tuple[str, ...]:
    """The cost of the quickest of a few equal processes; if `cold`, each has an empty cache."""
    cache = scratch / "cache"
    costs = [] if cold else [command(arguments, scratch, cache).cost]
    for _ in range(REPEATS):
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        costs.append(command(arguments, scratch, cache).cost)
    return quickest(costs).cells[:2]


def edited(files: Sequence[File], place: str) -> str:
    """How long a warm process takes to compile again after a line is added to one file, and when it is gone."""
    workspace = Workspace()
    workspace.compile(files)
    (at,) = (i for i, file in enumerate(files) if file.place == place)
    text = as_text(files[at].text)
    walls: list[float] = []
    for n in range(2 * REPEATS):
        now = [*files[:at], replace(files[at], text=f"# edit {n}\n{text}"), *files[at + 1 :]]
        start = time.perf_counter()
        workspace.compile(now)
        walls.append(time.perf_counter() - start)
    return f"{min(walls):.3f} s"
