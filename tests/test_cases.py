"""Walks tests/cases/spec: what compiles keeps its trees and its plan, each mistake gives one message at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from cxrspec.compiler.catalog import File, as_text
from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.mending import mend
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.render import render
from cxrspec.runtime.mending import lines
from cxrspec.runtime.stages import stage_text

from . import made_up
from .case_files import WORKSPACES, Case, case, findings, packaged
from .conftest import GOLDEN, Golden

CASES = Path(__file__).parent / "cases" / "spec"
STAGES = ("syntax", "typed", "plan")
SHIPPED = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in (Path(__file__).parents[1] / "specs/tasks").glob("*/*.yaml")
    if path.name != "task.yaml"
)


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (CASES / folder).glob("*.yaml"))


def read(folder: str, name: str) -> Case:
    return case((CASES / folder / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml")


def drawn(compilation: Compilation) -> str:
    return render(compilation.diagnostics, compilation.texts, "text")


def check_fixes(bad: Case, before: Compilation, name: str, golden: Golden) -> None:
    """Every fix makes its finding go, brings no error, and changes what it says and nothing else.

    Warnings may come to light, since with errors some checks are not made.
    """
    if not any(found.fix for found in before.diagnostics):
        assert not (GOLDEN / "mended" / f"{name}.txt").exists()
        return
    mending = mend(packaged(), bad.files, WORKSPACES[bad.published])
    known = Counter(map(said, before.diagnostics))
    known -= Counter(said(found) for found in before.diagnostics if found.fix and found not in mending.refused)
    new = Counter(map(said, mending.compilation.diagnostics)) - known
    assert not [one for one in new if one.startswith("error") or not before.errors], drawn(mending.compilation)
    golden(f"mended/{name}", "\n".join([*lines(mending), *differences(bad.files, mending.files), *sorted(new)]))


def said(found: Diagnostic) -> str:
    return f"{found.severity}[{found.code}]: {found.message}"


def differences(before: tuple[File, ...], after: tuple[File, ...]) -> Iterator[str]:
    """The lines that differ, as they were and as they are."""
    for old, new in zip(before, after, strict=True):
        was, now = (as_text(file.text).splitlines() for file in (old, new))
        found = unified_diff(was, now, n=0, lineterm="")
        yield from (line for line in found if not line.startswith(("---", "+++", "@@")))


@pytest.mark.parametrize("name", names("bad"))
def test_a_mistake_gives_one_message_at_its_place(name: str, golden: Golden) -> None:
    bad = read("bad", name)
    assert bad.expected
    compilation = bad.compile()
    assert findings(compilation) == bad.expected, drawn(compilation)
    golden(f"messages/{name}", drawn(compilation))
    check_fixes(bad, compilation, name, golden)


@pytest.mark.parametrize("name", names("wish"))
def test_a_message_that_is_still_poor(name: str, golden: Golden) -> None:
    text = (CASES / "wish" / f"{name}.yaml").read_text("utf-8")
    assert text.startswith("# wish: ")
    compilation = case(text, f"{name}.yaml").compile()
    assert findings(compilation) == case(text, f"{name}.yaml").expected, drawn(compilation)
    golden(f"messages/{name}", drawn(compilation))
    check_fixes(case(text, f"{name}.yaml"), compilation, name, golden)


@pytest.mark.parametrize("name", names("ok"))
def test_a_spec_that_compiles_keeps_its_plan(name: str, golden: Golden) -> None:
    files = read("ok", name).files
    compilation = WORKSPACES[False].compile([*files, *packaged()])
    assert not compilation.diagnostics, drawn(compilation)
    local = {file.path for file in files}
    specs = [spec for spec in compilation.specs.values() if spec.file in local]
    for stage in STAGES:
        texts = [f"{spec.name}\n\n{stage_text(compilation, spec, stage)}\n" for spec in specs]
        golden(f"{stage}/{name}", "\n".join(texts))


@pytest.mark.parametrize("published", [False, True])
def test_what_ships_is_sound(published: bool) -> None:
    compilation = made_up.load(published=published)
    assert not compilation.diagnostics, drawn(compilation)
    assert sorted(compilation.specs) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_spec_that_ships_keeps_its_plan(name: str, golden: Golden) -> None:
    compilation = made_up.load()
    spec = compilation.specs[name]
    golden(f"plan/{name.replace('/', '.')}", stage_text(compilation, spec, "plan") or "")


def test_every_golden_file_has_a_case() -> None:
    known = {
        f"{what}/{name}" for what in ("messages", "mended") for folder in ("bad", "wish") for name in names(folder)
    }
    known |= {f"{stage}/{name}" for stage in STAGES for name in names("ok")}
    known |= {f"{what}/{name.replace('/', '.')}" for what in ("plan", "examples") for name in SHIPPED}
    assert {path.relative_to(GOLDEN).as_posix().removesuffix(".txt") for path in GOLDEN.rglob("*.txt")} <= known
