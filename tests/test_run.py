"""Whole runs over bad input: what is said, what is still made, what stays as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.catalog import shipped
from cxrspec.compiler.diagnostics import DataPlace
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.compiler.render import render
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.output import OutputError, open_output
from cxrspec.runtime.request import Result

from . import made_up
from .oracle.prompts import draw

CANARY = "CANARY"
RSNA = "image_classification/rsna"
OPENI = ("findings_generation/openi", "findings_summarization/openi", "impression_generation/openi")
LABELS = "rsna/kaggle_stage_2_train_labels.csv.zip/stage_2_train_labels.csv"
REPORTS = "openi/NLMCXR_reports.tgz"

# ---- a good root full of canaries, and an output made from it


def canary_rsna() -> list[tuple[object, ...]]:
    """Rows of RSNA whose every id is a canary."""
    return [(f"{CANARY}-{row[0]}", *row[1:]) for row in made_up.rsna_rows(30)]


def canary_openi(more: int = 0) -> dict[int, str | bytes]:
    texts = {
        n: made_up.report_xml(f"{CANARY} findings {n}", f"{CANARY} impression {n}", [f"{CANARY}{n}_IM"])
        for n in range(1, 12 + more)
    }
    return dict(texts.items())


def fill(data: Path, more: int = 0) -> None:
    made_up.write_rsna(data, canary_rsna())
    made_up.write_openi(data, canary_openi(more))


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return made_up.load()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, compilation: Compilation) -> Path:
    """A folder with `data` and the `out` made from it."""
    folder = tmp_path_factory.mktemp("good")
    fill(folder / "data")
    assert not made_up.make(folder / "data", folder / "out", compilation).diagnostics
    return folder


@pytest.fixture
def lab(tmp_path: Path, good: Path) -> Path:
    """A copy of the good folder, to break."""
    shutil.copytree(good, tmp_path / "lab")
    return tmp_path / "lab"


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a folder by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def silent(result: Result, out: Path, captured: Iterable[str]) -> None:
    """No cell and no key is told: not in findings, however drawn, not in the manifest and the card, not on the terminal."""
    told = [repr(result.diagnostics), repr(result.manifest), *captured]
    told += [render(result.diagnostics, {}, format) for format in ("text", "concise", "json")]
    told += [path.read_text() for path in (out / "manifest.json", out / "README.md") if path.exists()]
    assert not [text for text in told if CANARY in text]


# ---- files and cells

XML_LINES = '<?xml version="1.0"?>\n<eCitation>\n<broken>CANARY</eCitation>\n'


def rsna(*rows: tuple[object, ...], header: tuple[str, ...] = made_up.RSNA_HEADER) -> Callable[[Path], None]:
    """RSNA's good rows with others above them."""
    return lambda data: void(made_up.write_rsna(data, [*rows, *canary_rsna()], header))


def openi(number: int, text: str | bytes) -> Callable[[Path], None]:
    """OpenI with one report replaced."""
    return lambda data: void(made_up.write_openi(data, canary_openi() | {number: text}))


def cut(path: str) -> Callable[[Path], None]:
    """A file of which only the first two thirds arrived."""

    def cut(data: Path) -> None:
        content = (data / path).read_bytes()
        (data / path).write_bytes(content[: len(content) * 2 // 3])

    return cut


def raw_rsna(content: bytes) -> Callable[[Path], None]:
    """RSNA's labels as these bytes, in the open."""

    def write(data: Path) -> None:
        (data / "rsna" / "kaggle_stage_2_train_labels.csv.zip").unlink()
        (data / "rsna" / "stage_2_train_labels.csv").write_bytes(content)

    return write


def mapping(content: str) -> Callable[[Path], None]:
    return lambda data: void(made_up.write_text(data / MAPPING, content))


def void(_: object) -> None: ...


MAPPING = "rsna/pneumonia-challenge-dataset-mappings_2018.json"
OPEN_LABELS = "rsna/stage_2_train_labels.csv"
HEADER = ("patientId", "x", "y", "width", "height", "Targt")


@dataclass(frozen=True)
class Broken:
    """Something done to the data, and the one finding it makes for each spec of its source."""

    name: str
    breaks: Callable[[Path], None]
    code: str
    place: DataPlace
    says: str
    helps: str = ""
    specs: tuple[str, ...] = (RSNA,)


BROKEN = (
    Broken("missing column", rsna(header=("patientId", "x", "y", "width", "height", "Class")), "CXR610", DataPlace(LABELS, "target"), "no column `Target` in 6 columns"),
    Broken("misspelt column", rsna(header=HEADER), "CXR610", DataPlace(LABELS, "target"), "no column `Target`", "`Targt`"),
    Broken("cells for a header", raw_rsna(b"CANARY1,CANARY2,Target\nCANARY3,,0\n"), "CXR610", DataPlace(OPEN_LABELS, "patient_id"), "no column `patientId`"),
    Broken("wrong type", rsna((f"{CANARY}1", "", "", "", "", 0), (f"{CANARY}2", "", "", "", "", CANARY)), "CXR701", DataPlace(LABELS, "target", 3), "1 cell of `target`"),
    Broken("empty cell", rsna((f"{CANARY}1", "", "", "", "", "")), "CXR702", DataPlace(LABELS, "target", 2), "1 cell of `target`"),
    Broken("short line", rsna((f"{CANARY}1", CANARY, 0)), "CXR704", DataPlace(LABELS, None, 2), "1 record with another number of fields"),
    Broken("stray quote", raw_rsna(b'patientId,Target\na,1\nCANARY"x,0\n'), "CXR705", DataPlace(OPEN_LABELS, None, 3), "a stray or unclosed quote"),
    Broken("not UTF-8", raw_rsna(b"patientId,Target\nCANARY\xff,1\n"), "CXR605", DataPlace(OPEN_LABELS, None, 2), "a file that is not UTF-8"),
    Broken("empty file", raw_rsna(b""), "CXR606", DataPlace(OPEN_LABELS), "an empty file"),
    Broken("truncated zip", cut("rsna/kaggle_stage_2_train_labels.csv.zip"), "CXR601", DataPlace("rsna/kaggle_stage_2_train_labels.csv.zip"), "damaged archive"),
    Broken("broken JSON", mapping('[{"subset_img_id": "CANARY"},\n{"subset_img_id" CANARY}]'), "CXR608", DataPlace(MAPPING, None, 2), "broken JSON"),
    Broken("JSON of another shape", mapping('{"CANARY": {"subset_img_id": "CANARY"}}'), "CXR609", DataPlace(MAPPING), "expected a list, found a mapping"),
    Broken("duplicate key", mapping('[{"subset_img_id": "CANARY", "img_id": "CANARY"}, {"subset_img_id": "CANARY", "img_id": "CANARY"}]'), "CXR706", DataPlace(MAPPING, "patient_id"), "1 row with the key (`patient_id`) of an earlier row, first in row 2"),
    Broken("truncated tgz", cut(REPORTS), "CXR601", DataPlace(REPORTS), "truncated archive", specs=OPENI),
    Broken("broken XML", openi(3, XML_LINES), "CXR608", DataPlace(f"{REPORTS}/ecgen-radiology/3.xml", None, 3), "broken XML", specs=OPENI),
    Broken("XML of another shape", openi(3, "<CANARY/>"), "CXR609", DataPlace(f"{REPORTS}/ecgen-radiology/3.xml"), "finds no element", specs=OPENI),
    Broken("empty member", openi(3, ""), "CXR606", DataPlace(f"{REPORTS}/ecgen-radiology/3.xml"), "an empty file", specs=OPENI),
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: b.name)
def test_bad_data_stops_its_specs_only(
    broken: Broken, lab: Path, compilation: Compilation, capfd: pytest.CaptureFixture[str]
) -> None:
    before = everything(lab / "out")
    fill(lab / "data", more=3) if broken.specs == (RSNA,) else rsna_grows(lab / "data")
    broken.breaks(lab / "data")
    result = made_up.make(lab / "data", lab / "out", compilation)

    assert made_up.codes(result) == [(broken.code, spec) for spec in sorted(broken.specs)]
    for found in result.diagnostics:
        assert found.label == broken.place
        assert broken.says in found.message
        assert broken.helps in " ".join(found.help)
    assert result.failed
    silent(result, lab / "out", capfd.readouterr())

    after = everything(lab / "out")
    others = {RSNA, *OPENI} - set(broken.specs)
    kept = {name for name in before if name.startswith(broken.specs)}
    assert kept
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}
    grown = {name for name in before if name.startswith(tuple(others))}
    assert grown
    assert all(after[name] != before[name] for name in grown if name.endswith(".parquet") and "test" in name)
    assert {f.name: f.codes for f in result.manifest.failed} == dict.fromkeys(broken.specs, (broken.code,))
    assert {s.name for s in result.manifest.specs} == {RSNA, *OPENI}


def rsna_grows(data: Path) -> None:
    made_up.write_rsna(data, [*canary_rsna(), *[(f"{CANARY}-more-{n}", "", "", "", "", 0) for n in range(20)]])


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_made_leaves_the_output_as_it_was(
    seed: int, lab: Path, compilation: Compilation, capfd: pytest.CaptureFixture[str]
) -> None:
    before = everything(lab / "out")
    rsna(header=HEADER)(lab / "data")
    openi(3, XML_LINES)(lab / "data")
    result = made_up.make(lab / "data", lab / "out", compilation, seed=seed)
    assert result.failed
    assert {f.name for f in result.manifest.failed} == {RSNA, *OPENI}
    assert everything(lab / "out") == before
    silent(result, lab / "out", capfd.readouterr())


def test_a_count_holds_all_bad_cells_and_their_files(tmp_path: Path, compilation: Compilation) -> None:
    made_up.write_rsna(tmp_path / "data", [*canary_rsna(), *[("x", "", "", "", "", "?")] * 1234])
    (found,) = made_up.make(tmp_path / "data", tmp_path / "out", compilation).diagnostics
    assert found.message.startswith("1,234 cells of `target`")
    assert found.label == DataPlace(LABELS, "target", len(canary_rsna()) + 2)


def test_an_absent_source_is_reported_and_left_out(lab: Path, compilation: Compilation) -> None:
    """It keeps what it had; asked for by name it is a failure."""
    before = made_up.data_files(lab / "out")
    shutil.rmtree(lab / "data" / "rsna")
    result = made_up.make(lab / "data", lab / "out", compilation)
    assert not result.failed
    assert not result.diagnostics
    (absent,) = (one for one in result.unavailable if one.name in (RSNA, *OPENI))
    assert (absent.name, absent.row) == (RSNA, ("Image Classification", "RSNA"))
    assert "stage_2_train_labels.csv" in absent.reason
    assert made_up.data_files(lab / "out") == before
    named = made_up.make(lab / "data", lab / "out", compilation, select=[RSNA], named=frozenset([RSNA]))
    assert made_up.codes(named) == [("CXR812", RSNA)]
    assert named.failed
    assert made_up.data_files(lab / "out") == before


def test_no_source_at_all(tmp_path: Path, compilation: Compilation) -> None:
    result = made_up.make(tmp_path / "nowhere", tmp_path / "out", compilation)
    assert not result.failed
    assert {u.name for u in result.manifest.unavailable} == set(compilation.specs)


def test_a_warning_goes_to_the_specs_that_read_the_column(tmp_path: Path, compilation: Compilation) -> None:
    """No report has an impression: odd for two specs, and nothing that the third ever sees."""
    reports = {n: made_up.report_xml("findings", None, ["a"]) for n in (1, 2)}
    made_up.write_openi(tmp_path / "data", reports)
    result = made_up.make(tmp_path / "data", tmp_path / "out", compilation)
    told = {(d.code, d.spec, d.label.column) for d in result.diagnostics if isinstance(d.label, DataPlace)}
    assert told == {("CXR610", spec, "impression") for spec in OPENI[1:]}
    warned = {s.name: dict(s.warnings) for s in result.manifest.specs}
    assert warned == {OPENI[0]: {}, OPENI[1]: {"CXR610": 1}, OPENI[2]: {"CXR610": 1}}
    assert not result.failed


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_files_without_rows_make_no_examples(tmp_path: Path, compilation: Compilation, engine: str) -> None:
    made_up.write_rsna(tmp_path / "data", [])
    result = made_up.make(tmp_path / "data", tmp_path / "out", compilation, engine=engine)
    assert [(d.code, d.severity, d.label) for d in result.diagnostics] == [("CXR607", "warning", DataPlace(LABELS))]
    assert not result.failed
    assert not made_up.data_files(tmp_path / "out")


# ---- the output


def test_a_file_where_the_output_should_be(lab: Path, compilation: Compilation) -> None:
    for place, code in (("file", "CXR802"), ("file/below", "CXR803")):
        (lab / "file").write_text("mine")
        with pytest.raises(OutputError) as raised:
            made_up.make(lab / "data", lab / place, compilation)
        assert raised.value.diagnostic.code == code
        assert (lab / "file").read_text() == "mine"


def test_a_second_run_at_the_same_time(lab: Path, compilation: Compilation) -> None:
    before = everything(lab / "out")
    with open_output(lab / "out"), pytest.raises(OutputError) as raised:
        made_up.make(lab / "data", lab / "out", compilation)
    assert raised.value.diagnostic.code == "CXR801"
    assert everything(lab / "out") == before


def test_one_spec_with_another_seed_does_not_mix(lab: Path, compilation: Compilation) -> None:
    before = everything(lab / "out")
    with pytest.raises(OutputError) as raised:
        made_up.make(lab / "data", lab / "out", compilation, select=[RSNA], seed=2)
    assert raised.value.diagnostic.code == "CXR811"
    assert everything(lab / "out") == before


# ---- rows that break a rule

CELLS = """\
kind: source
name: cells
title: Made up
use: {access: open}
license: none
identity: {space: cells, patient: none, study: n}
tables:
  cells:
    read: csv
    files: cells.csv
    key: n
    columns:
      n: int
      g: text
      maybe: text | null
      said: text
      number: int
  named:
    from: cells
    steps:
      - where: said != "CANARY99"
  lists:
    from: cells
    steps:
      - where: n < 3
  alike:
    from: cells
    steps:
      - group: {by: g, take: {said: only(said), n: min(n)}}
  tied:
    from: cells
    steps:
      - group: {by: g, order: [g, text(number) == "x"], take: {said: first(said), n: min(n)}}
splits:
  all: {constant: test}
  listed: {lists: {test: lists}, key: n}
"""
SPEC = """\
kind: spec
name: {name}
source: cells
from: named
split: all
key: n
inputs: {{said: text}}
turns:
  - form: ask
    prompt: |
      (What|Which)?
    answer: {{format: text, text: said}}
"""
CELL_ROWS = [
    (1, "a", "x", "1", 1),
    (2, "a", "", "1", 2),
    (3, "b", "CANARY", "CANARY1", 3),
    (4, "b", "", "CANARY2", 4),
    (5, "c", "", "5", 5),
]  # fmt: skip

RULES: dict[str, tuple[str, str, int]] = {
    "must": ("steps:\n  - derive: {x: must(maybe)}\nbind: {said: x}\n", "must() in `x`", 3),
    "must in a filter": ("where:\n  there: must(maybe) != \"y\"\n", "must() in `there`", 3),
    "int": ("steps:\n  - derive: {x: int(said)}\nbind: {said: text(x)}\n", "int() in `x`", 2),
    "only": ("from: alike\n", "only() in `said`", 1),
    "an order that does not settle": ("from: tied\n", "order within g stands more than once", 4),
    "literals": ("steps:\n  - derive: {x: literals(said)}\nbind: {said: 'join(x, \"\")'}\n", "literals() in `x`", 5),
    "a lag whose order does not settle": ('steps:\n  - lag: {by: g, order: [number > 9], take: {x: said}}\nbind: {said: x ?? ""}\n', "order within g stands more than once", 4),
    "ids": ("key: g\n", "key stands more than once", 4),
    "no split": ("split: listed\n", "a row without a split", 3),
    "not an option": ("answer: {format: choice, options: '[\"1\", \"5\"]', correct: said}", "an answer that is no option", 2),
    "equal options": ("answer: {format: choice, options: '[said, \"5\"]', correct: said}", "equal options", 1),
    "no answer": ("answer: {format: choices, options: '[\"1\", \"5\"]', correct: 'where([said], it == \"1\")'}", "no answer", 3),
}  # fmt: skip


def with_cells(*specs: str, source: str = CELLS) -> Compilation:
    """The source of cells and these specs."""
    local = [made_up.file(f"cells{i}.yaml", text) for i, text in enumerate((source, *specs))]
    found = compile([*local, made_up.licenses()])
    assert not found.errors, found.diagnostics
    return found


def spec_text(name: str, change: str = "") -> str:
    """The plain spec with some of its fields put in place of its own."""
    text = SPEC.format(name=name)
    if change.startswith("answer"):
        return text.replace("answer: {format: text, text: said}", change)
    for line in change.splitlines():
        key = line.partition(":")[0]
        kept = [old for old in text.splitlines() if not (old.startswith(f"{key}:") and not line.startswith(" "))]
        text = "\n".join(kept) + "\n"
    return text.replace("inputs:", f"{change}inputs:")


@pytest.mark.parametrize("rule", RULES)
def test_rows_that_break_a_rule_stop_their_spec(rule: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change, check, count = RULES[rule]
    write_cells(tmp_path / "data")
    made = with_cells(spec_text("Plain"), spec_text("Odd", change))
    result = made_up.make(tmp_path / "data", tmp_path / "out", made)
    (found,) = result.diagnostics
    assert (found.code, found.severity, found.spec) == ("CXR751", "error", "odd/cells")
    assert found.message.startswith("1 row breaks" if count == 1 else f"{count} rows break")
    assert check in found.message
    assert result.failed
    assert [s.name for s in result.manifest.specs] == ["plain/cells"]
    silent(result, tmp_path / "out", capfd.readouterr())


def write_cells(data: Path, rows: Sequence[tuple[object, ...]] = CELL_ROWS) -> None:
    header = ("n", "g", "maybe", "said", "number")
    made_up.write_text(data / "cells" / "cells.csv", made_up.csv_text(header, rows))


def test_a_rule_holds_where_its_branch_is_taken_only(tmp_path: Path) -> None:
    change = "steps:\n  - derive:\n      x: 'if maybe is null then \"none\" else must(maybe)'\nbind: {said: x}\n"
    write_cells(tmp_path / "data")
    result = made_up.make(tmp_path / "data", tmp_path / "out", with_cells(spec_text("Odd", change)))
    assert not result.diagnostics
    said = [row["turns"][0]["answer"] for row in made_up.rows(tmp_path / "out", "odd/cells").values()]
    assert sorted(said) == ["CANARY", "none", "none", "none", "x"]


def test_a_bad_column_stops_the_specs_that_read_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The others come out as they do alone, byte for byte."""
    reads = spec_text("Reads", "bind: {said: text(number)}\n")
    write_cells(tmp_path / "data", [*CELL_ROWS, (6, "d", "", "6", CANARY)])
    result = made_up.make(tmp_path / "data", tmp_path / "out", with_cells(spec_text("Plain"), reads))
    assert made_up.codes(result) == [("CXR701", "reads/cells")]
    (found,) = result.diagnostics
    assert found.label == DataPlace("cells/cells.csv", "number", 7)
    silent(result, tmp_path / "out", capfd.readouterr())
    assert not made_up.make(tmp_path / "data", tmp_path / "alone", with_cells(spec_text("Plain"))).diagnostics
    assert made_up.data_files(tmp_path / "out") == made_up.data_files(tmp_path / "alone")


def test_a_bad_row_of_a_shared_table_stops_the_specs_that_see_it(tmp_path: Path) -> None:
    """`x` of the shared table is bad in one row; the spec that does not use `x` is made, byte for byte as alone."""
    source = CELLS.replace('said != "CANARY99"', 'said != "CANARY99"\n      - derive: {x: must(maybe)}')
    write_cells(tmp_path / "data")
    uses = spec_text("Uses", "bind: {said: x}\n")
    result = made_up.make(tmp_path / "data", tmp_path / "out", with_cells(spec_text("Plain"), uses, source=source))
    assert made_up.codes(result) == [("CXR751", "uses/cells")]
    alone = with_cells(spec_text("Plain"), source=source)
    assert not made_up.make(tmp_path / "data", tmp_path / "alone", alone).diagnostics
    assert made_up.data_files(tmp_path / "out") == made_up.data_files(tmp_path / "alone")


# ---- expectations, attrition, limits, seeds


@pytest.mark.parametrize(("expect", "holds"), [("5", True), ("[4, 6]", True), ("4", False), ("[6, 9]", False)])
def test_expected_numbers(tmp_path: Path, expect: str, holds: bool) -> None:
    write_cells(tmp_path / "data")
    made = with_cells(spec_text("Plain", f"expect: {{test: {expect}}}\n"))
    result = made_up.make(tmp_path / "data", tmp_path / "out", made)
    assert made_up.codes(result) == ([] if holds else [("CXR752", "plain/cells")])


def test_every_row_lost_is_in_the_attrition(tmp_path: Path) -> None:
    """Along a relation the steps join on to each other, and end in the number of examples."""
    made_up.shipped_root(tmp_path / "data")
    made_up.extra_root(tmp_path / "data")
    result = made_up.make(tmp_path / "data", tmp_path / "out", made_up.load(made_up.EXTRA))
    assert not result.diagnostics
    checked = 0
    for spec in result.manifest.specs:
        last: dict[str, int] = {}
        for step in spec.attrition:
            assert last.get(step.relation, step.rows_in) == step.rows_in
            assert step.rows_out <= step.rows_in or step.step.startswith(("explode", "union", "join"))
            last[step.relation] = step.rows_out
            checked += 1
        assert last[spec.name] == sum(counts.rows for counts in spec.splits.values())
        assert last[spec.name] == len(made_up.rows(tmp_path / "out", spec.name))
    assert checked > 20


def test_attrition_speaks_in_the_names_of_filters(tmp_path: Path) -> None:
    reports: dict[int, tuple[str | None, str | None, list[str]]] = {
        1: ("f", "i", ["a"]),
        2: ("f", None, []),
        3: (None, "i", ["b"]),
        4: ("  ", "i", []),
        5: ("f", "", ["c"]),
    }
    made_up.write_openi(tmp_path / "data", {n: made_up.report_xml(*report) for n, report in reports.items()})
    result = made_up.make(tmp_path / "data", tmp_path / "out", made_up.load())
    told = {
        s.name: [(a.step, a.rows_in, a.rows_out) for a in s.attrition if a.relation == s.name]
        for s in result.manifest.specs
    }
    applies = "a form applies"
    assert told["findings_generation/openi"] == [("has_findings", 5, 3), ("has_images", 3, 2), (applies, 2, 2)]
    assert told["findings_summarization/openi"] == [("has_both", 5, 1), (applies, 1, 1)]


def test_a_limit_keeps_the_lowest_draws(lab: Path, compilation: Compilation) -> None:
    made_up.make(lab / "data", lab / "few", compilation, limit=4)
    for spec in (RSNA, *OPENI):
        whole, few = made_up.rows(lab / "out", spec), made_up.rows(lab / "few", spec)
        lowest = sorted(whole, key=lambda id: draw(1, id, ":limit"))[:4]
        assert few == {id: whole[id] for id in few}
        assert set(few) == set(lowest)


def test_another_seed_changes_draws_and_no_membership(lab: Path, compilation: Compilation) -> None:
    made_up.make(lab / "data", lab / "other", compilation, seed=2)
    for spec in (RSNA, *OPENI):
        ours, theirs = made_up.rows(lab / "out", spec), made_up.rows(lab / "other", spec)
        drawn = [id for id in ours if ours[id]["turns"] != theirs[id]["turns"]]
        assert ours.keys() == theirs.keys()
        assert drawn
        assert all({**ours[id], "turns": None} == {**theirs[id], "turns": None} for id in ours)


def test_a_published_run_carries_the_overlay(lab: Path) -> None:
    """Ids carry the split, and the study of a summary is the first letter of its findings, as it was published."""
    made_up.make(lab / "data", lab / "published", made_up.load(published=True), published=True)
    spec = "findings_summarization/openi"
    ours, theirs = made_up.rows(lab / "out", spec), made_up.rows(lab / "published", spec)
    assert {id.replace("/test/", "/") for id in theirs} == set(ours)
    assert {row["study_id"] for row in theirs.values()} == {"openi/C"}
    assert {row["study_id"] for row in ours.values()} == {f"openi/{n}" for n in range(1, 12)}


# ---- patients


def test_a_patient_on_two_sides_stops_the_spec(lab: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where no line says whose split the space has: RSNA's own is by image."""
    compilation = compile([file for file in shipped() if not file.place.startswith("spaces")])
    before = everything(lab / "out")
    patients = {str(row[0]): f"00000007_{n:03d}.png" for n, row in enumerate(canary_rsna())}
    made_up.write_nih_map(lab / "data", patients)
    result = made_up.make(lab / "data", lab / "out", compilation)
    assert made_up.codes(result) == [("CXR813", RSNA)]
    assert result.failed
    assert result.diagnostics[0].message.startswith("1 of its patients")
    after = everything(lab / "out")
    files = before.keys() - {"manifest.json", "README.md", "croissant.json"}
    assert {path: after[path] for path in files} == {path: before[path] for path in files}
    silent(result, lab / "out", capfd.readouterr())
    warned = made_up.make(lab / "data", lab / "published", made_up.load(published=True), published=True)
    assert [(d.code, d.severity) for d in warned.diagnostics] == [("CXR813", "warning")]
    assert not warned.failed
    assert (lab / "published" / RSNA).is_dir()


def test_one_patient_across_specs(tmp_path: Path) -> None:
    """Two specs of a space that split the same studies otherwise are refused."""
    write_cells(tmp_path / "data", CELL_ROWS[:2])
    other = CELLS.replace("{constant: test}", "{constant: test}\n  train: {constant: train}")
    made = with_cells(spec_text("Plain"), spec_text("Other", "split: train\n"), source=other)
    result = made_up.make(tmp_path / "data", tmp_path / "out", made)
    assert made_up.codes(result) == [("CXR813", "other/cells"), ("CXR813", "plain/cells")]
    assert not (tmp_path / "out").exists()


# ---- one more row, one more spec


def test_another_row_changes_no_other_example(tmp_path: Path) -> None:
    made = made_up.load(made_up.EXTRA)
    rows, documents = made_up.fourteen_rows(), made_up.rounds()
    more = (
        (*rows, ("99999999_000.png", "Mass|Edema", 999)),
        documents | {"morning_rounds/999.json": documents[next(iter(documents))]},
    )
    for place, (labels, rounds) in {"one": (rows, documents), "two": more}.items():
        made_up.write_fourteen(tmp_path / place, list(labels))
        made_up.write_rounds(tmp_path / place, rounds)
        assert not made_up.make(tmp_path / place, tmp_path / f"out {place}", made).diagnostics
    for spec in ("image_classification/fourteen", "label_quiz/fourteen", "round_question/rounds"):
        one, two = (made_up.rows(tmp_path / f"out {place}", spec) for place in ("one", "two"))
        assert len(two) > len(one)
        assert {id: two[id] for id in one} == one


def test_other_specs_change_nothing(lab: Path) -> None:
    made_up.extra_root(lab / "data")
    made_up.make(lab / "data", lab / "more", made_up.load(made_up.EXTRA))
    assert made_up.data_files(lab / "more").items() > made_up.data_files(lab / "out").items()


def test_specs_not_asked_for_stay_as_they_were(lab: Path, compilation: Compilation) -> None:
    before = everything(lab / "out")
    made_up.write_openi(lab / "data", canary_openi(5))
    result = made_up.make(lab / "data", lab / "out", compilation, select=OPENI[:1])
    after = everything(lab / "out")
    changed = {name for name in before if after[name] != before[name]}
    assert {name for name in changed if name.endswith(".parquet")} == {
        name for name in before if name.startswith(OPENI[0])
    }
    assert {s.name for s in result.manifest.specs} == {RSNA, *OPENI}


def test_the_manifest_names_every_file(lab: Path) -> None:
    told: Mapping[str, Any] = json.loads((lab / "out" / "manifest.json").read_text())
    files = {f["path"] for spec in told["specs"] for f in spec["files"]}
    assert files == set(made_up.data_files(lab / "out"))
    inputs = {f["path"] for read in told["inputs"].values() for f in read}
    assert {name for spec in told["specs"] for name in spec["inputs"].values()} == told["inputs"].keys()
    assert inputs == {p.relative_to(lab / "data").as_posix() for p in (lab / "data").rglob("*") if p.is_file()}


def test_jsonl_holds_the_same_examples(lab: Path, compilation: Compilation) -> None:
    made_up.make(lab / "data", lab / "lines", compilation, emit=Formats("jsonl"))
    for spec in (RSNA, *OPENI):
        text = "".join(path.read_text(encoding="utf-8") for path in (lab / "lines" / spec).glob("*.jsonl"))
        found = [json.loads(line) for line in text.split("\n")[:-1]]
        assert {line["id"]: line for line in found} == made_up.rows(lab / "out", spec)
