"""What was compiled before comes out of the cache as it went in, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cxrspec.compiler.catalog import File, overlay, shipped
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime import compiled as stored
from cxrspec.runtime import memo as memos
from cxrspec.runtime.compiled import compiled, user_compilations

from .case_files import case, packaged
from .compared import told

CASES = sorted((Path(__file__).parent / "cases" / "spec").rglob("*.yaml"))
WORDS = File("words.yaml", "words.yaml", "kind: words\nconstants:\n  few: [a, b]\n")
TEXT = "kind: spec\ntask: t\nsource: s\nfrom: x\n"
SPEC = File("a.yaml", "a.yaml", TEXT.encode())


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is compiled from now on, and not known."""
    asked: list[object] = []

    def counted(files: Sequence[File], published: bool, memo: memos.DiskMemo) -> Compilation:
        asked.append((files, published))
        return compile(files, published, memo)

    monkeypatch.setattr(stored, "compile", counted)
    return asked


def parsed(*files: File, published: bool = False) -> None:
    """Let all these files be compiled before."""
    memo = memos.user_memo()
    compile(files, published, memo)
    memo.save()


def same(files: Sequence[File], published: bool) -> bool:
    """Whether the same comes out at first and again."""
    parsed(*files, published=published)
    made, known = compiled(files, published), compiled(files, published)
    return made is not known and told(made) == told(known)


def test_what_ships_comes_out_as_it_went_in(worked_out: list[object]) -> None:
    assert same(shipped(), published=True)
    assert len(worked_out) == 1


def test_so_do_findings_with_all_that_they_say(worked_out: list[object]) -> None:
    cases = [case(at.read_text("utf-8"), at.name) for at in CASES[::40]]
    for one in cases:
        assert same(overlay(packaged(), one.files), one.published)
    assert len(worked_out) == len(cases)


@pytest.mark.parametrize(
    ("files", "published"),
    [
        ([WORDS, SPEC], True),
        ([SPEC, WORDS], False),
        ([WORDS], False),
        ([WORDS, replace(SPEC, path="b.yaml")], False),
        ([WORDS, replace(SPEC, place="b.yaml")], False),
        ([WORDS, replace(SPEC, shipped=True)], False),
        ([WORDS, replace(SPEC, text=TEXT)], False),
        ([WORDS, replace(SPEC, text=b"# \xff\n" + TEXT.encode())], False),
    ],
)
def test_other_files_are_another_compilation(files: list[File], published: bool, worked_out: list[object]) -> None:
    parsed(*files, WORDS, SPEC, published=published)
    compiled([WORDS, SPEC])
    without = told(compile(files, published))
    for _ in ("made", "known"):
        assert told(compiled(files, published)) == without
    assert worked_out == [([WORDS, SPEC], False), (files, published)]


def test_one_with_a_file_that_is_new_is_not_stored(worked_out: list[object]) -> None:
    parsed(WORDS)
    for files in ([WORDS], [WORDS, SPEC], [WORDS, SPEC], [WORDS, SPEC], [WORDS]):
        assert told(compiled(files)) == told(compile(files))
    assert worked_out == [([WORDS], False), ([WORDS, SPEC], False), ([WORDS, SPEC], False)]


def test_a_run_keeps_it_at_once(worked_out: list[object]) -> None:
    made = compiled([WORDS, SPEC], keep=True)
    assert told(compiled([WORDS, SPEC], keep=True)) == told(made)
    assert worked_out == [([WORDS, SPEC], False)]


def test_one_of_another_version_is_not_taken(worked_out: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    parsed(WORDS)
    compiled([WORDS])
    monkeypatch.setattr(memos, "_OURS", ("cxrspec.compiler",))
    compiled([WORDS])
    assert len(worked_out) == 2


@pytest.mark.parametrize("spoilt", ["", "cut off", "another node"])
def test_a_damaged_one_is_made_anew(spoilt: str, worked_out: list[object]) -> None:
    parsed(WORDS)
    without = told(compiled([WORDS]))
    (lot,) = user_compilations().folder.iterdir()
    if spoilt == "another node":
        user_compilations().put(lot.stem, memos.packed(WORDS))
    else:
        lot.write_bytes(lot.read_bytes()[:-1] if spoilt else b"")
    for _ in ("made", "known"):
        assert told(compiled([WORDS])) == without
    assert len(worked_out) == 2


def test_those_that_were_not_asked_for_longest_go(worked_out: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    parsed(WORDS, SPEC)
    compiled([WORDS])
    (lot,) = user_compilations().folder.iterdir()
    monkeypatch.setattr(stored, "ROOM", lot.stat().st_size + 10)
    compiled([SPEC])
    assert lot not in user_compilations().folder.iterdir()
    compiled([SPEC])
    compiled([WORDS])
    assert len(worked_out) == 3


def test_where_none_can_be_stored_nothing_is_said(tmp_path: Path, worked_out: list[object]) -> None:
    (tmp_path / "cache").write_text("no folder")
    compiled([WORDS])
    compiled([WORDS])
    assert len(worked_out) == 2
