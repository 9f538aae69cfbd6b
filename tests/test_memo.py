"""A memo changes nothing but the time: with none, an empty one, a full one and a bad one the same comes out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.catalog import File, overlay, shipped
from cxrspec.compiler.parsed import Parsed, parse_file
from cxrspec.compiler.pipeline import compile
from cxrspec.runtime import memo as memos
from cxrspec.runtime.memo import DiskMemo, user_memo

from .case_files import WORKSPACES, case, packaged
from .compared import told, whole

CASES = sorted((Path(__file__).parent / "cases" / "spec").rglob("*.yaml"))
SPEC = File("a.yaml", "a.yaml", "kind: spec\ntask: t\nsource: s\nfrom: x\nkey: [a, b(c)]\n")


def kept(path: Path, *parsed: File) -> DiskMemo:
    """A memo in a file, with what these files say."""
    memo = DiskMemo(path)
    for file in parsed:
        parse_file(file, False, memo)
    memo.save()
    return memo


@pytest.mark.parametrize("published", [False, True])
def test_what_ships_comes_out_of_a_memo_as_it_went_in(published: bool, tmp_path: Path) -> None:
    without = whole(compile(shipped(), published))
    for _ in ("empty", "full"):
        memo = DiskMemo(tmp_path / "memo")
        assert whole(compile(shipped(), published, memo)) == without
        memo.save()
    assert not memo.grown


def test_files_of_cases_come_out_of_a_memo_as_they_went_in(tmp_path: Path) -> None:
    """One memo for all of them: files of the same name and other texts are told apart."""
    cases = [case(at.read_text("utf-8"), at.name) for at in CASES]
    files = [(file, one.published) for one in cases for file in one.files]
    without = [told(parse_file(file, published)) for file, published in files]
    for _ in ("empty", "full"):
        memo = DiskMemo(tmp_path / "memo")
        assert [told(parse_file(file, published, memo)) for file, published in files] == without
        memo.save()
    assert not memo.grown


def test_cases_come_out_of_a_memo_and_a_workspace_as_without(tmp_path: Path) -> None:
    for at in CASES[::25]:
        one = case(at.read_text("utf-8"), at.name)
        files = overlay(packaged(), one.files)
        without = whole(compile(files, one.published))
        for _ in ("empty", "full"):
            memo = DiskMemo(tmp_path / "memo")
            assert whole(compile(files, one.published, memo)) == without, at.name
            memo.save()
        assert whole(WORKSPACES[one.published].compile(files)) == without, at.name


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, path="b.yaml"),
        replace(SPEC, text=f"{SPEC.text!s}\n"),
        replace(SPEC, text=str(SPEC.text).encode()),
        replace(SPEC, path="a.yamlkind: spec", text=str(SPEC.text).removeprefix("kind: spec")),
    ],
)
def test_another_path_or_text_is_another_file(other: File) -> None:
    memo = dict[str, Parsed]()
    parse_file(SPEC, False, memo)
    assert parse_file(SPEC, False, memo) is parse_file(SPEC, False, memo)
    assert told(parse_file(other, False, memo)) == told(parse_file(other, False))
    parse_file(SPEC, True, memo)
    assert len(memo) == 3


def test_neither_place_nor_shipping_is_remembered() -> None:
    memo = dict[str, Parsed]()
    first = parse_file(SPEC, False, memo)
    assert parse_file(replace(SPEC, place="c/d.yaml", shipped=True), False, memo) is first


# ---- files that are no memo


def test_a_memo_of_another_version_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path / "memo", SPEC)
    assert len(DiskMemo(tmp_path / "memo").old) == 1
    monkeypatch.setattr(memos, "_OURS", ("cxrspec.compiler",))
    assert DiskMemo(tmp_path / "memo").old == {}
    kept(tmp_path / "memo", SPEC)
    assert len(DiskMemo(tmp_path / "memo").old) == 1


def test_the_version_hangs_on_code_grammars_and_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {DiskMemo(Path("none")).version}
    for name, value in (("_OURS", ("cxrspec.compiler",)), ("_OURS", ("cxrspec.grammars",)), ("_LIBRARIES", ("yaml",))):
        with monkeypatch.context() as patch:
            patch.setattr(memos, name, value)
            versions.add(DiskMemo(Path("none")).version)
    assert len(versions) == 4


SPOIL: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "head alone": lambda whole: whole[:32],
    "cut off": lambda whole: whole[:-1],
    "longer": lambda whole: whole + b".",
    "another bit": lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    "another version": lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
    "text": lambda _: b"kind: memo\n",
}


@pytest.mark.parametrize("how", SPOIL)
def test_a_damaged_memo_is_empty_and_written_anew(how: str, tmp_path: Path) -> None:
    path = tmp_path / "memo"
    kept(path, SPEC)
    path.write_bytes(SPOIL[how](path.read_bytes()))
    assert DiskMemo(path).old == {}
    kept(path, SPEC)
    assert len(DiskMemo(path).old) == 1


class Harmful:
    """What makes a file when it is unpacked by somebody who trusts it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_memo_runs_no_code(tmp_path: Path) -> None:
    """Whoever writes into the cache could write anything; its digests are no secret."""
    memo = kept(tmp_path / "memo", SPEC)
    harmful = pickle.dumps(Harmful(tmp_path / "harmed"))
    (key,) = memo.asked
    for body in (
        harmful,
        pickle.dumps({key: harmful}),
        pickle.dumps({key: 1}),
        pickle.dumps({key: pickle.dumps(SPEC)}),
    ):
        head = memo.version + memos._digest(body)  # pyright: ignore[reportPrivateUsage]
        (tmp_path / "memo").write_bytes(head + body)
        assert told(parse_file(SPEC, False, DiskMemo(tmp_path / "memo"))) == told(parse_file(SPEC, False))
    assert not (tmp_path / "harmed").exists()
    pickle.loads(harmful)
    assert (tmp_path / "harmed").exists()


def test_where_no_memo_can_be_written_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept(tmp_path / "file" / "memo", SPEC)
    (tmp_path / "memo").mkdir()
    kept(tmp_path / "memo", SPEC)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "memo"]


def test_a_memo_keeps_what_was_asked_for_and_some_of_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [replace(SPEC, path=f"{n}.yaml") for n in range(5)]
    kept(tmp_path / "memo", *files)
    size = len(next(iter(DiskMemo(tmp_path / "memo").old.values())))
    monkeypatch.setattr(memos, "SPARE", 2 * size)
    kept(tmp_path / "memo", files[4], replace(SPEC, path="5.yaml"))
    last = DiskMemo(tmp_path / "memo")
    for file in reversed(files):
        parse_file(file, False, last)
    assert len(last.old) == 4
    assert len(last.asked) == 5
    monkeypatch.setattr(memos, "SPARE", 0)
    kept(tmp_path / "memo", replace(SPEC, path="6.yaml"))
    assert len(DiskMemo(tmp_path / "memo").old) == 1


def test_the_memo_stands_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_memo().path == tmp_path / "cxrspec" / "memo"


def test_what_was_read_in_a_run_is_remembered_in_it(tmp_path: Path) -> None:
    memo = DiskMemo(tmp_path / "memo")
    parsed = parse_file(SPEC, False, memo)
    [key] = memo.asked
    assert memo.get(key) == parsed
