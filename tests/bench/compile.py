"""COMPILE: what starting and compiling cost, process by process, and one edit in a warm process.

"cold" is the first command after an installation, "warm" the next one: what the files came to is in the cache. Where one
is edited in between, all is compiled, but only that one is parsed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cxrspec.compiler.catalog import File, as_text, overlay, shipped
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.project import local_files
from tests.bench.generated import write_specs
from tests.bench.page import table
from tests.bench.timing import Cost, alone, command, quickest

REPEATS = 3
SPEC = "tasks/view_classification/mimic_cxr.yaml"
TASK = "tasks/view_classification/task.yaml"


def tables(data: Path, scale: float, scratch: Path) -> str:
    """The best of a few equal processes, and of a few equal edits."""
    many = scratch / "many"
    write_specs(many, 1000)
    one = scratch / "one" / SPEC
    one.parent.mkdir(parents=True)
    one.write_text(next(as_text(file.text) for file in shipped() if file.place == SPEC), encoding="utf-8")
    check = ["compile", "--check"]
    processes: list[tuple[str, list[str], Callable[[Path], None]]] = [
        ("`cxrspec --help`", ["--help"], warm),
        ("`compile --check`, what ships, cold", check, cold),
        ("`compile --check`, what ships, warm", check, warm),
        ("`compile --check`, what ships, a spec edited", [*check, "one"], partial(edit, one)),
        ("`compile --check`, 1,000 more specs, cold", [*check, "many"], cold),
        ("`compile --check`, 1,000 more specs, warm", [*check, "many"], warm),
        ("`compile --check`, 1,000 more specs, a spec edited", [*check, "many"], partial(edit, many / "spec7.yaml")),
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
                [[what, *best(words, scratch, before)] for what, words, before in processes],
            ),
            table(
                ["in a warm process", "wall"],
                [[what, alone(edited, files, place)] for what, files, place in edits],
            ),
        ]
    )


def best(arguments: Sequence[str], scratch: Path, before: Callable[[Path], None]) -> tuple[str, ...]:
    """The cost of the quickest of a few equal processes, the first of which does not count; what is done `before` each
    is given the cache."""
    cache = scratch / "cache"
    costs: list[Cost] = []
    for _ in range(REPEATS + 1):
        before(cache)
        costs.append(command(arguments, scratch, cache).cost)
    return quickest(costs[1:]).cells[:2]


def cold(cache: Path) -> None:
    """Nothing is remembered."""
    shutil.rmtree(cache, ignore_errors=True)


def warm(cache: Path) -> None:
    """All is remembered."""


def edit(file: Path, cache: Path) -> None:
    """One file is another than before."""
    file.write_bytes(b"# edited\n" + file.read_bytes())


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
