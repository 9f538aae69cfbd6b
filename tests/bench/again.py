"""AGAIN: a run over an output that is in place, with nothing changed, one spec edited, one file of a source changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cxrspec.compiler.catalog import as_text, shipped
from tests.bench.page import table
from tests.bench.run import made
from tests.bench.timing import Ran, command

SPEC = "tasks/view_classification/mimic_cxr.yaml"
SOURCE, FILE = "chestxray14", "Data_Entry_2017_v2020.csv"


def tables(data: Path, scale: float, scratch: Path) -> str:
    """One run after the other into one folder, each after one change; what was made and what was written."""
    root, specs = scratch / "data", scratch / "specs"
    link(data, root)
    changes: Sequence[tuple[str, Callable[[], object]]] = (
        ("the first run, cold", lambda: None),
        ("nothing changed", lambda: None),
        ("a comment in a spec", lambda: edit(specs, "# a remark\n")),
        ("a spec edited", lambda: edit(specs, "", "chance(0.5)", "chance(0.4)")),
        ("a file of a source changed", lambda: shorten(root / SOURCE / FILE)),
        ("nothing changed", lambda: None),
    )
    return table(
        ["", "wall", "all cores", "peak memory", "specs made", "files written"],
        [[what, *told(change, scratch)] for what, change in changes],
    )


def told(change: Callable[[], object], scratch: Path) -> tuple[str, ...]:
    """The cells of a run after a change."""
    change()
    before = files(scratch / "out")
    ran = run(scratch)
    written = files(scratch / "out") - before
    return *ran.cost.cells, f"{len(made(ran))}", f"{len(written)}"


def run(scratch: Path) -> Ran:
    return command(["run", "--data", "data", "--specs", "specs", "--out", "out"], scratch, scratch / "cache")


def files(out: Path) -> set[tuple[Path, int, int]]:
    """The files there are: another inode or time of writing is another file."""
    paths = [path for path in out.rglob("*") if path.is_file()]
    return {(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def link(data: Path, root: Path) -> None:
    """A data root that is `data`, but for a copy of the file that will change; and a folder of specs, which is empty."""
    (root / SOURCE).mkdir(parents=True)
    (root.parent / "specs").mkdir()
    for path in [*data.iterdir(), *(data / SOURCE).iterdir()]:
        mine = root / path.relative_to(data)
        if path.name == FILE:
            mine.write_bytes(path.read_bytes())
        elif not mine.exists():
            mine.symlink_to(path)


def edit(specs: Path, head: str, old: str = "", new: str = "") -> None:
    """A local copy of the spec, with a line in front or something in place of something."""
    (text,) = (as_text(file.text) for file in shipped() if file.place == SPEC)
    assert old in text
    path = specs / SPEC
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + (text.replace(old, new) if old else text), "utf-8")


def shorten(path: Path) -> None:
    """Leave the last row of a file of rows out."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), "utf-8")
