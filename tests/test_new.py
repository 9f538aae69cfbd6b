"""`cxrspec new`: what it writes compiles, takes no cell of data along, and never takes the place of a file."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxrspec.compiler.catalog import File, shipped
from cxrspec.compiler.drafts import (
    INPUTS,
    NAME,
    DraftError,
    NewColumn,
    Roles,
    column_name,
    draft_source,
    draft_task,
)
from cxrspec.compiler.fitting import draft_spec, fit, tables_for
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.csv_columns import guess_roles, read_header

from . import made_up
from .case_files import REMEMBERED
from .corpus import compilation
from .test_cli import CANARY, cxrspec

SHIPPED = Workspace(memo=REMEMBERED)
PROJECT = Workspace(memo=REMEMBERED)


def compiled(*files: tuple[str, str]) -> Compilation:
    """Files by path and text, with the words and licences that ship."""
    return PROJECT.compile([*(File(path, path, text) for path, text in files), *made_up.shared()])


def sound(*files: tuple[str, str]) -> Compilation:
    """The same, without a finding."""
    compilation = compiled(*files)
    assert [(found.code, found.message) for found in compilation.diagnostics] == []
    return compilation


# ---- tasks

IMAGES = ("images", "list of image")
TASKS: list[tuple[str, list[tuple[str, str]]]] = [
    *((format, []) for format in INPUTS),
    ("text", [("report", "text")]),
    ("text", [IMAGES, ("tube", "bool")]),
    ("text", [("sure", "bool"), ("age", "int"), ("report", "text")]),
    ("text", [IMAGES, ("report", "text"), ("indication", "text"), ("age", "int"), ("dose", "float")]),
    ("choice", [("side", "text"), ("sides", "list of text"), ("question", "text")]),
    ("choice", [IMAGES, ("frontal", "bool"), ("side", "text"), ("sides", "list of text")]),
    ("choices", [("found", "list of text"), ("known", "list of text"), ("before", "list of text")]),
    ("boxes", [IMAGES, ("places", "list of box")]),
    ("boxes", [IMAGES, ("seen", "list of record(label text, box box)"), ("where", "box"), ("others", "list of box")]),
    ("entities", [IMAGES, ("found", "list of record(type text, text text)"), ("part", "split")]),
    ("counts", [("numbers", "list of record(name text, number int)")]),
]


@pytest.mark.parametrize(("format", "inputs"), TASKS)
def test_a_task_compiles(format: str, inputs: list[tuple[str, str]]) -> None:
    compilation = sound(("task.yaml", draft_task("Device: Presence, 2", format, inputs)))
    [task] = compilation.tasks.values()
    assert (task.name, task.title) == ("device_presence_2", "Device: Presence, 2")
    assert [(name.name, str(type)) for name, type in task.inputs] == [*(inputs or INPUTS[format])]


@pytest.mark.parametrize(
    ("format", "inputs", "why"),
    [
        ("choice", [IMAGES], "needs an input of type `text`: the right one"),
        ("choice", [IMAGES, ("side", "text")], "needs an input of type `list of text`: its options"),
        ("choices", [("known", "list of text")], "its options"),
        ("text", [IMAGES], "`text` or `bool`"),
        ("boxes", [IMAGES, ("report", "text")], "`list of box`"),
        ("counts", [("counts", "list of record(name text, count int)")], "number int"),
        ("text", [("report", "txet")], "`txet` is no type"),
        ("text", [("report", "text"), ("age", "int | null")], "may be null"),
        ("text", [("report", "text"), ("pair", "record(a text, b text)")], "cannot be printed"),
    ],
)
def test_inputs_that_make_no_task_are_said(format: str, inputs: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(DraftError, match=re.escape(why)):
        draft_task("A Task", format, inputs)


# ---- sources


@given(
    st.dictionaries(
        st.one_of(st.text(min_size=1, max_size=12), st.text("Ab0 (){}[],:#-'\"|&*!%@`?=~<>.", min_size=1, max_size=6))
        .map(str.strip)
        .filter(bool),
        st.sampled_from(["text", "int", "bool", "float | null"]),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
    st.sampled_from([",", ";", "\t"]),
)
@example({"A(": "text", "no": "text", "A)(": "int", "Off": "bool", "1e3": "text", "null": "text"}, False, ",")
def test_a_source_compiles_whatever_its_headers_are(headers: dict[str, str], image: bool, separator: str) -> None:
    readable = {header: type for header, type in headers.items() if header.isprintable()}
    columns = {
        column_name(header) or f"column_{i}": (header, type) for i, (header, type) in enumerate(readable.items())
    }
    new = [NewColumn(name, type, header) for name, (header, type) in columns.items()]
    firm = [column.name for column in new if "null" not in column.type]
    if not firm:
        return
    texts = [column.name for column in new if column.type == "text"]
    roles = Roles(firm[:2], firm[-1], None, texts[0] if image and texts else None)
    compilation = sound(("lab.yaml", draft_source("lab", "a file, 2.csv", new, roles, separator)))
    tables = compilation.sources["lab"].tables
    assert ("images" in tables) == (image and bool(texts))
    raw = compilation.relations["lab.a_file_2"]
    assert [column.places[0].path for column in raw.nodes[0].columns] == [header for header, _ in columns.values()]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("PatientID", "patient_id"),
        ("Patient ID", "patient_id"),
        ("AP/PA", "ap_pa"),
        ("StudyInstanceUID", "study_instance_uid"),
        ("2nd reader", "_2nd_reader"),
        ("split", "split_"),
        ("in", "in_"),
        ("%", ""),
    ],
)
def test_columns_are_called_by_their_headers(header: str, name: str) -> None:
    assert column_name(header) == name
    assert not name or NAME.fullmatch(name)


def written(folder: Path, *rows: str) -> Path:
    path = folder / "entries.csv"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def test_types_are_guessed_from_the_first_rows(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "image,PatientID,StudyID,age,dose,when,at,tube,part,code,none,all",
        "a.png,P1,7,40,0.5,2020-01-02,10:11:12,true,train,007,,x",
        "b.png,P1,8,,12,2020-01-03,10:11:13,False,test,012,,",
    )
    header = read_header(path)
    assert {column.name: column.type for column in header.columns} == {
        "image": "text",
        "patient_id": "text",
        "study_id": "int",
        "age": "int | null",
        "dose": "float",
        "when": "date",
        "at": "time",
        "tube": "bool",
        "part": "split",
        "code": "text",  # a number with a zero in front is a name
        "none_": "text | null",  # `patient: none` means that there is none
        "all": "text | null",
    }
    assert header.separator == ","
    assert guess_roles(header.columns, header.single) == Roles(("image",), "patient_id", "study_id", "image")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_seen(separator: str, tmp_path: Path) -> None:
    path = written(tmp_path, separator.join(["file", "note, long", "more"]), separator.join(["a", '"b, c"', "d"]))
    header = read_header(path)
    assert (header.separator, [column.header for column in header.columns]) == (
        separator,
        ["file", "note, long", "more"],
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no header"), (b"\n\n", "no header"), (b"a,b,a\n1,2,3\n", "two columns"), (b"a,\xff\n", "UTF-8")],
)
def test_a_file_without_a_header_to_speak_of_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "entries.csv"
    path.write_bytes(content)
    with pytest.raises(DraftError, match=why):
        read_header(path)


# ---- specs


def redrafted(name: str) -> Iterator[str]:
    """The draft of a spec that ships, in its own place: without the values that its author gave it."""
    whole = SHIPPED.compile(shipped())
    one, source = whole.specs[name], whole.specs[name].spec.source.name
    others = [file for file in shipped() if file.path != one.file]
    rest = SHIPPED.compile(others)
    task = rest.tasks[one.spec.task.name]
    start = one.spec.start.name
    assert start in [found.table for found in tables_for(rest, task, source, {}) if not found.missing]
    text = draft_spec(
        rest,
        task,
        source,
        fit(rest, task, source, start, {}),
        {},
        "it is a text to answer from" if name in LEAKS else "",
    )
    yield text
    after = SHIPPED.compile([*others, File("new.yaml", "new.yaml", text)])
    assert [(found.code, found.message) for found in after.diagnostics if "new.yaml" in str(found.label)] == []
    assert after.errors == 0
    assert after.specs[name].plan is not None


LEAKS = ("text_qa/radqa",)
# Values of these inputs stand in no column, or the table has no key.
UNFIT = (
    "close_ended_vqa/rad_restruct",
    "image_classification/covidx",
    "image_classification/rsna",
    "temporal_image_classification/ms_cxr_t",
    "temporal_sentence_similarity/ms_cxr_t",
)


@pytest.mark.parametrize(
    "name",
    [
        "abnormality_grounding/vindr_cxr",
        "image_classification/chexpert",
        "progression_findings_generation/mimic_cxr",
        "report_evaluation/rexval",
        "text_qa/radqa",
        "view_classification/mimic_cxr",
    ],
)
def test_specs_are_drafted_in_place_of_those_that_ship(name: str) -> None:
    assert list(redrafted(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in compilation().specs if name not in UNFIT])
def test_every_spec_that_ships_is_drafted_in_its_place(name: str) -> None:
    assert list(redrafted(name))


SOURCE = """\
kind: source
name: ward
title: A made-up ward
use: {access: open}
license: CC0 1.0
identity: {space: ward, patient: patient, study: file}
constants: {sides: [left, right]}
tables:
  films:
    read: csv
    files: films.csv
    key: file
    columns:
      file: text
      patient: text
      age: int
      remark: text | null
      side: text | null
  images:
    from: films
    steps:
      - derive: {image: image(file)}
  remarks:
    from: films
    steps:
      - select: [remark]
splits:
  ours: {ratio: {test: 0.2}}
  theirs: {constant: test}
"""


def drafted(inputs: str, table: str, bind: dict[str, str] | None = None) -> str:
    """A spec of a choice with these inputs."""
    body = "turns:\n  - prompt: Which? {options}\n    answer: {format: choice, options: options, correct: answer}\n"
    task = f"kind: task\nname: Side\ninputs: {inputs}\n{body}"
    before = compiled(("ward.yaml", SOURCE), ("task.yaml", task))
    fitted = fit(before, before.tasks["side"], "ward", table, bind or {})
    text = draft_spec(before, before.tasks["side"], "ward", fitted, bind or {}, "")
    assert compiled(("ward.yaml", SOURCE), ("task.yaml", task), ("spec.yaml", text)).errors == 0
    return text


def test_inputs_are_bound_by_name_and_type() -> None:
    text = drafted(
        "{images: list of image, answer: text, options: list of text}", "images", {"answer": 'side ?? "left"'}
    )
    assert text.splitlines()[1:] == [
        "kind: spec",
        "task: side",
        "source: ward",
        "from: images",
        "key: file",
        "bind:",
        "  images: '[image]'",
        "  answer: 'side ?? \"left\"'",
        "  options: sides",
        "split: ours    # or theirs",
    ]


def test_a_value_that_may_be_null_is_asked_for_and_a_guess_is_said_to_be_one() -> None:
    lines = drafted("{answer: text, options: list of text}", "images", {"options": '["a"]'}).splitlines()
    [guess] = [line for line in lines if "answer:" in line]
    assert re.fullmatch(r"  answer: (\w+)    # a guess; (`\w+`, ){2}`\w+` would fit, too", guess)
    lines = drafted(
        "{remark: text, answer: text, options: list of text}", "images", {"answer": 'side ?? ""'}
    ).splitlines()
    assert lines[5:7] == ["where:", "  has_remark: remark is not null"]


@pytest.mark.parametrize(
    ("inputs", "table", "why"),
    [
        ("{answer: text, options: list of text, images: list of image}", "films", "fits `images` (list of image)"),
        ("{answer: text, options: list of text}", "remarks", "`ward.remarks` has no key"),
        ("{answer: text, options: list of text}", "flims", "no table `flims`"),
    ],
)
def test_what_is_missing_is_named(inputs: str, table: str, why: str) -> None:
    with pytest.raises(DraftError, match=re.escape(why)):
        drafted(inputs, table)


# ---- the command


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a file of data in another one; without a terminal."""
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    rows = ["file,PatientID,visit,rating,note"]
    rows += [f"{n:04}.png,P{n // 2},{n},{'poor' if n % 2 else 'good'},{CANARY}" for n in range(6)]
    (tmp_path / "ratings.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


CSV = ("--csv", "../ratings.csv")
TASK = (
    "--answer",
    "choice",
    "--input",
    "images: list of image",
    "--input",
    "rating: text",
    "--input",
    "ratings: list of text",
)


def test_source_task_and_spec_come_one_after_the_other(lab: Path) -> None:
    for arguments, path in (
        (("source", "harbor", *CSV), "sources/harbor.yaml"),
        (("task", "Image Quality", *TASK), "tasks/image_quality/task.yaml"),
        (("spec", "image_quality", "harbor", "--bind", 'ratings=["good", "poor"]'), "tasks/image_quality/harbor.yaml"),
    ):
        done = cxrspec("new", *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"written to specs/{path}\n", "")
        assert CANARY not in (text := Path(f"specs/{path}").read_text("utf-8"))
        assert "0001" not in text
        assert cxrspec("compile", "--check", "--strict").exit_code == (path.endswith("quality/harbor.yaml"))
    found = cxrspec("compile", "--check").stdout  # the columns that the spec does not need
    assert re.findall(r"CXR\d+\]: (.*)", found) == ["nobody reads the column `note`"]
    text = Path("specs/tasks/image_quality/harbor.yaml").read_text("utf-8")
    assert (
        "from: images\nkey: file\nbind:\n  images: '[image]'\n  ratings: '[\"good\", \"poor\"]'\nsplit: by_patient\n"
        in text
    )


def test_a_file_that_is_there_is_left_alone(lab: Path) -> None:
    for arguments in (("source", "harbor", *CSV), ("task", "Image Quality")):
        assert cxrspec("new", *arguments).exit_code == 0
        paths = {path: path.read_bytes() for path in Path("specs").rglob("*.yaml")}
        done = cxrspec("new", *arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "is there already" in done.stderr
        assert {path: path.read_bytes() for path in Path("specs").rglob("*.yaml")} == paths


def test_on_a_terminal_it_asks(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("file:text, subject:text, side:text | null\nnone\nfile\n"))
    assert cxrspec("new", "source", "ward").exit_code == 0
    text = Path("specs/sources/ward.yaml").read_text("utf-8")
    assert "patient: subject, study: file" in text
    assert "      side: text | null\n" in text
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert cxrspec("new", "task", "Side").exit_code == 0
    assert "format: choice" in Path("specs/tasks/side/task.yaml").read_text("utf-8")
    monkeypatch.setattr(sys, "stdin", Terminal('images\n["left", "right"]\n'))
    done = cxrspec("new", "spec", "side", "ward")
    assert done.exit_code == 0, done.stderr
    assert '  known: \'["left", "right"]\'\n' in Path("specs/tasks/side/ward.yaml").read_text("utf-8")


def test_an_editor_is_told_of_the_schema_that_lies_there(lab: Path) -> None:
    Path("cxrspec.schema.json").write_text("{}")
    cxrspec("new", "task", "Side", "--answer", "choice")
    first = Path("specs/tasks/side/task.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../../cxrspec.schema.json"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ("source 2nd --columns file:text", "no digit first"),
        ("source ward", "--columns"),
        ("source ward --csv nothing.csv", "nothing.csv"),
        ("source ward --columns file", "name: type"),
        ("source ward --columns file:txet", "`txet` is no type"),
        ("source ward --columns file:text,age:int", "--key"),
        ("source ward --columns file:text --key flie", "a near name exists: `file`"),
        ("source openi --columns file:text --key file", "CXR214"),
        ("task 2nd --answer text", "a letter first"),
        ("task Side --answer txt", "choices"),
        ("task Side --answer boxes --input report:text", "list of box"),
        ("spec view_clasification openi", "`view_classification`"),
        ("spec view_classification opni", "`openi`"),
        ("spec view_classification mimic_cxr", "is there already"),
        ("spec view_classification rsna", "`images` lacks `views` (list of text)"),
        ("spec findings_summarization padchest --bind reprot=x", "no input `reprot`"),
        ("spec view_classification padchest --bind views", "name=expression"),
        ("spec findings_generation brax --from imagse", "known tables of `brax`: `entries`, `studies`"),
        ("spec view_classification brax --from studies --bind view=veiw --bind views=veiw", "is not written"),
    ],
)
def test_what_cannot_be_written_exits_2_with_a_hint(arguments: str, hint: str, lab: Path) -> None:
    done = cxrspec("new", *arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert hint in " ".join(done.stderr.split())
    assert list(lab.iterdir()) == []
