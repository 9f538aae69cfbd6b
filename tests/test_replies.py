"""Replies read and scored: the corpus's own answers are right everywhere, and what is wrong with a file is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.examples import Output, opened
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.replies import Row, data, score, tables

from . import made_up
from .corpus import compilation, corpus, root

VIEWS = "view_classification/mimic_cxr"


def written(
    output: Output, spec: str, file: Path, change: Callable[[str, str], str] = lambda _, answer: answer
) -> Path:
    """The answers of a spec as replies, changed by `change` of (id, answer)."""
    lines: list[str] = []
    for row in output.scan(output.spec(spec)).collect().iter_rows(named=True):
        for number, turn in enumerate(row["turns"]):
            id = f"{row['id']}#{number}"
            lines.append(json.dumps({"id": id, "reply": change(id, turn["answer"])}, ensure_ascii=False))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def measures(found: Mapping[str, Any]) -> Iterator[float | None]:
    """Every measure of every form, and of every label."""
    names = ("exact", "precision", "recall", "f1", "macro_f1", "iou")
    for form in found["forms"]:
        for one in (form, *form.get("labels", ())):
            yield from (one[name] for name in names if name in one)


@pytest.fixture(scope="module")
def output() -> Output:
    return opened(corpus(1).out)


def test_own_answers_are_right_everywhere(output: Output, tmp_path: Path) -> None:
    for spec in output.made.specs:
        scored = score(output, compilation(), spec.name, written(output, spec.name, tmp_path / "own.jsonl"))
        found = data(spec.name, None, scored)
        assert not scored.diagnostics
        assert sum(form["turns"] for form in found["forms"]) >= sum(side.rows for side in spec.splits.values()) > 0
        assert {*measures(found)} == {1.0}, spec.name
        assert all(form["labels"] for form in found["forms"] if form["format"] != "text")


@pytest.mark.parametrize(("boxes", "emit"), [("pixels", "jsonl"), ("qwen3_vl", "parquet")])
def test_own_boxes_are_right_in_every_dialect(tmp_path: Path, boxes: str, emit: str) -> None:
    specs = ("abnormality_detection/vindr_cxr", "grounded_captioning/ms_cxr")
    made_up.make(root(1), tmp_path / "out", compilation(), select=specs, boxes=boxes, emit=Formats(emit))
    output = opened(tmp_path / "out")
    for spec in specs:
        scored = score(output, compilation(), spec, written(output, spec, tmp_path / "own.jsonl"))
        assert not scored.diagnostics
        assert {*measures(data(spec, None, scored))} == {1.0}


def test_published_rows_are_scored(tmp_path: Path) -> None:
    output = opened(corpus(1, published=True).out)
    spec = next(one.name for one in output.made.specs if one.name.startswith("image_classification/"))
    scored = score(output, compilation(published=True), spec, written(output, spec, tmp_path / "own.jsonl"))
    assert {*measures(data(spec, None, scored))} == {1.0}


def test_wrong_replies_are_counted(output: Output, tmp_path: Path) -> None:
    """Every reply says PA, and one in ten nothing: precision and recall of PA from the answers themselves."""
    spec, rows = output.spec(VIEWS), list[Row]()
    turns = [turn for row in output.scan(spec).collect().iter_rows(named=True) for turn in row["turns"]]
    numbers = iter(range(10**6))
    file = written(
        output, VIEWS, tmp_path / "pa.jsonl", lambda _id, _answer: "never heard of" if next(numbers) % 10 == 0 else "PA"
    )
    scored = score(output, compilation(), VIEWS, file, tell=rows.append)
    (form,) = data(VIEWS, None, scored)["forms"]
    # a prompt without options lets any text pass
    silent = [n % 10 == 0 for n in range(len(turns))]
    known = ["Options:" in turn["prompt"] for turn in turns]
    is_pa = [row.truth == "PA" for row in rows]
    right = sum(pa and not quiet for pa, quiet in zip(is_pa, silent, strict=True))
    assert form["unreadable"] == sum(a and b for a, b in zip(silent, known, strict=True)) > 0
    assert form["exact"] == right / len(turns)
    labels = {one["label"]: one for one in form["labels"]}
    assert labels["PA"]["support"] == sum(is_pa)
    assert labels["PA"]["recall"] == right / sum(is_pa)
    assert labels["PA"]["precision"] == right / (len(turns) - sum(silent))
    assert labels["AP"]["f1"] == 0
    assert [row.reply == "never heard of" for row in rows] == silent
    assert [row.exact for row in rows] == [row.said == row.truth for row in rows]


def test_a_split_is_scored_alone(output: Output, tmp_path: Path) -> None:
    file = written(output, VIEWS, tmp_path / "own.jsonl")
    test = output.spec(VIEWS).splits["test"].rows
    scored = score(output, compilation(), VIEWS, file, "test")
    assert not scored.diagnostics
    assert data(VIEWS, "test", scored)["forms"][0]["turns"] == test
    kept = [line for line in file.read_text().splitlines() if line][:1]
    file.write_text("\n".join(kept))
    scored = score(output, compilation(), VIEWS, file, "test")
    assert data(VIEWS, "test", scored)["forms"][0]["missing"] in (test, test - 1)


def test_what_is_wrong_with_replies_is_told(output: Output, tmp_path: Path) -> None:
    ids = output.scan(output.spec(VIEWS)).select("id").collect()["id"].to_list()
    lines = [
        b'\xef\xbb\xbf{"id": "%b#0", "reply": "SECRET"}' % ids[0].encode(),  # 1
        b"",
        b'{"id": "%b", "reply": "SECRET"}' % ids[0].encode(),  # 3: the same turn
        b'{"id": "%b", "reply": "SECRET", "model": "m"}' % ids[1].encode(),  # 4: a plain id
        b'{"id": "%b", "reply": 3}' % ids[2].encode(),  # 5
        b'["SECRET"]',  # 6
        b'{"id": "SECRET"',  # 7
        b'{"id": "\xff", "reply": "SECRET"}',  # 8
        b'{"id": "SECRET#0", "reply": "SECRET"}',  # 9: of nothing
        b'{"id": "%b#9", "reply": "SECRET"}' % ids[3].encode(),  # 10: of no turn
        b"[" * 100_000,  # 11
    ]
    file = tmp_path / "replies.jsonl"
    file.write_bytes(b"\n".join(lines))
    scored = score(output, compilation(), VIEWS, file)
    assert [(d.code, d.severity, d.message) for d in scored.diagnostics] == [
        ("CXR824", "error", '5 lines not readable as `{"id": ..., "reply": ...}`'),
        ("CXR825", "error", "2 replies to no turn of the spec"),
        ("CXR825", "error", "1 more reply to turns that have one"),
        ("CXR825", "warning", f"{len(ids) - 2} of {len(ids)} turns without a reply"),
    ]
    assert [lines_of(d) for d in scored.diagnostics] == [5, 9, 3, None]
    assert "the first lines are 5, 6, 7, 8, 11" in scored.diagnostics[0].help
    assert "SECRET" not in repr(scored.diagnostics)
    assert ids[0] not in repr(scored.diagnostics)


def lines_of(found: Diagnostic) -> int | None:
    return found.label.line if isinstance(found.label, DataPlace) else None


def test_unknown_specs_and_other_rules_are_told(output: Output, tmp_path: Path) -> None:
    file = written(output, VIEWS, tmp_path / "own.jsonl")
    with pytest.raises(OutputError) as unknown:
        score(output, compilation(), "view_classification/mimic", file)
    assert unknown.value.diagnostic.code == "CXR821"
    assert VIEWS in "".join(unknown.value.diagnostic.help)
    scored = score(output, changed(tmp_path / "one", ("In (which|what)", "From (which|what)")), VIEWS, file)
    assert [d.code for d in scored.diagnostics] == ["CXR822"]
    with pytest.raises(OutputError) as others:
        score(output, changed(tmp_path / "other", ("form: choose", "form: pick")), VIEWS, file)
    assert others.value.diagnostic.code == "CXR822"


def changed(specs: Path, edit: tuple[str, str]) -> Compilation:
    """What ships, with an edit of a task."""
    task = specs / "tasks" / "view_classification" / "task.yaml"
    task.parent.mkdir(parents=True)
    task.write_text(Path("specs/tasks/view_classification/task.yaml").read_text().replace(*edit))
    return made_up.load(specs)


def test_tables_hold_what_the_data_holds(output: Output, tmp_path: Path) -> None:
    scored = score(
        output, compilation(), VIEWS, written(output, VIEWS, tmp_path / "own.jsonl", lambda _id, _answer: "PA")
    )
    found = data(VIEWS, None, scored)
    text = tables(found)
    assert "| choose" in text
    assert f"{found['forms'][0]['exact']:.4f}" in text
    assert "and 2 more labels" in tables(found, labels=2)
