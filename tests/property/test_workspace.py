"""A workspace gives after any edits what a compilation from nothing gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxrspec.compiler.catalog import File, shipped
from cxrspec.compiler.parsed import Parsed
from cxrspec.compiler.pieces import Watched
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.memo import DiskMemo

from ..case_files import REMEMBERED, case, packaged
from ..compared import whole
from .test_compile import CASES, changed

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def text_of(file: File) -> str:
    return file.text if isinstance(file.text, str) else file.text.decode()


@st.composite
def histories(draw: st.DrawFn, base: tuple[File, ...]) -> list[list[File]]:
    """States of a folder: each differs from the one before it in a file that is changed, put back, taken away or new."""
    local = draw(st.sampled_from(CASES))
    start = [*case(local.read_text("utf-8"), local.name).files, *base]
    written = {file.path: file for file in start}
    states = [start]
    for _ in range(draw(st.integers(1, 4))):
        files = list(states[-1])
        at = draw(st.integers(0, len(files) - 1))
        file = files[at]
        match draw(st.sampled_from(["change", "change", "change", "mend", "delete", "swap", "back"])):
            case "change":
                files[at] = replace(file, text=draw(changed(text_of(file))))
            case "mend":
                files = [written.get(one.path, one) for one in files]
            case "delete":
                del files[at]
            case "swap":
                files = files[at:] + files[:at]
            case _:
                files = list(draw(st.sampled_from(states)))
        states.append(files)
    return states


def follow(states: list[list[File]], workspace: Workspace) -> None:
    for files in states:
        assert whole(workspace.compile(files)) == whole(compile(files, workspace.published, REMEMBERED))


@settings(max_examples=12, suppress_health_check=QUIET)
@given(states=histories(packaged()), published=st.booleans())
def test_edits_give_what_a_compilation_from_nothing_gives(states: list[list[File]], published: bool) -> None:
    follow(states, Workspace(published))


@pytest.mark.slow
@settings(max_examples=1000, suppress_health_check=QUIET)
@given(states=histories(packaged()), published=st.booleans())
def test_many_edits_give_what_a_compilation_from_nothing_gives(states: list[list[File]], published: bool) -> None:
    follow(states, Workspace(published))


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=QUIET)
@given(states=histories(tuple(shipped())))
def test_edits_of_what_ships_give_what_a_compilation_from_nothing_gives(states: list[list[File]]) -> None:
    follow(states, Workspace())


@pytest.mark.parametrize("file", packaged(), ids=lambda file: file.place)
def test_a_file_that_goes_breaks_and_comes_back(file: File) -> None:
    """Every file of a small folder in turn: others may reach it, or miss it."""
    files, others = list(packaged()), [one for one in packaged() if one != file]
    broken = [replace(one, text=text_of(one) + "\n  }") if one == file else one for one in files]
    states = {"all": files, "gone": others, "broken": broken, "last": [*others, file]}
    made = {name: whole(compile(state, memo=REMEMBERED)) for name, state in states.items()}
    workspace = Workspace()
    for name in ("gone", "all", "gone", "broken", "all", "last", "broken", "gone"):
        assert whole(workspace.compile(states[name])) == made[name], name


# ---- what is made again


ASK: dict[str, Callable[[Mapping[str, object]], object]] = {
    "get a": lambda asked: asked.get("a"),
    "get z": lambda asked: asked.get("z"),
    "a in": lambda asked: "a" in asked,
    "z in": lambda asked: "z" in asked,
    "list": list,
    "items": lambda asked: [*asked.items()],
    "number": len,
    "nothing": lambda _: None,
}
VALUES = [object() for _ in range(3)]
NOW: dict[str, dict[str, object]] = {
    "same": {"a": VALUES[0], "b": VALUES[1]},
    "other order": {"b": VALUES[1], "a": VALUES[0]},
    "another a": {"a": VALUES[2], "b": VALUES[1]},
    "no a": {"b": VALUES[1]},
    "another b": {"a": VALUES[0], "b": VALUES[2]},
    "a new z": {"a": VALUES[0], "b": VALUES[1], "z": VALUES[2]},
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("now", NOW)
def test_a_note_holds_while_answers_are_the_same(ask: str, now: str) -> None:
    watched = Watched(NOW["same"])
    answer = ASK[ask](watched)
    if watched.note().holds(NOW[now]):
        assert ASK[ask](NOW[now]) == answer
    assert watched.note().holds(dict(NOW["same"]))
    assert Watched(NOW["same"]).note().holds(NOW[now])


def test_a_note_holds_where_only_others_changed() -> None:
    watched = Watched(NOW["same"])
    assert watched["a"] is VALUES[0]
    assert "y" not in watched
    holds = {name for name, now in NOW.items() if watched.note().holds(now)}
    assert holds == {"same", "other order", "another b", "a new z"}


class Counted(dict[str, Parsed]):
    """A memo that counts what was parsed."""

    parsed = 0

    def __setitem__(self, key: str, parsed: Parsed, /) -> None:
        self.parsed += 1
        super().__setitem__(key, parsed)


def kept(before: Compilation, after: Compilation) -> set[str]:
    """The specs whose plan is the very same object."""
    plans = {name: spec.plan for name, spec in before.specs.items()}
    return {name for name, spec in after.specs.items() if spec.plan is not None and spec.plan is plans.get(name)}


def edited(place: str, old: str = "", new: str = "") -> list[File]:
    """What ships with a comment in one file, or other text."""
    files = shipped()
    (at,) = (i for i, file in enumerate(files) if file.place == place)
    text = text_of(files[at])
    assert old in text
    files[at] = replace(files[at], text=text.replace(old, new, 1) if old else f"# a comment\n{text}")
    return files


@pytest.mark.parametrize(
    ("files", "again"),
    [
        (edited("tasks/view_classification/mimic_cxr.yaml"), {"view_classification/mimic_cxr"}),
        (
            edited("tasks/view_classification/task.yaml"),
            {"view_classification/mimic_cxr", "view_classification/chexpert"},
        ),
        (edited("sources/rexval.yaml"), {"report_evaluation/rexval"}),
        (edited("tasks/view_classification/mimic_cxr.yaml", "from:", "form:"), {"view_classification/mimic_cxr"}),
    ],
)
def test_only_what_reaches_an_edit_is_made_again(files: list[File], again: set[str]) -> None:
    memo = Counted()
    workspace = Workspace(memo=memo)
    before = workspace.compile(shipped())
    assert kept(before, workspace.compile(shipped())) == before.specs.keys()
    memo.parsed = 0
    after = workspace.compile(files)
    assert memo.parsed == 1
    assert before.specs.keys() - kept(before, after) == again


def test_pieces_that_nobody_asks_for_are_forgotten() -> None:
    workspace = Workspace()
    workspace.compile(shipped())
    number = len(workspace.pieces.old)
    spec = edited("tasks/view_classification/mimic_cxr.yaml")
    workspace.compile([file for file in spec if "view_classification" not in file.place])
    assert 0 < len(workspace.pieces.old) < number
    assert len(workspace.files.old) < len(spec)


def test_a_workspace_starts_from_a_memo(tmp_path: Path) -> None:
    first = DiskMemo(tmp_path / "memo")
    Workspace(memo=first).compile(packaged())
    first.save()
    again = DiskMemo(tmp_path / "memo")
    assert whole(Workspace(memo=again).compile(packaged())) == whole(compile(packaged()))
    assert not again.grown
