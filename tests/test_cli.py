"""The command as somebody uses it: what it prints where, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
import typer
from PIL import Image

from cxrspec.compiler.codes import CODES
from cxrspec.runtime.cli import app, main
from cxrspec.runtime.commands.explain import drawn

from .corpus import corpus

HOUSE = Path(__file__).parents[1]
SHIPPED = sorted(
    p.relative_to(HOUSE / "specs/tasks").with_suffix("").as_posix() for p in HOUSE.glob("specs/tasks/*/*.yaml")
)
SPECS = [name for name in SHIPPED if not name.endswith("/task")]
COMMANDS = (
    "compile",
    "diff",
    "run",
    "stats",
    "view",
    "ls",
    "show",
    "prompts",
    "schema",
    "explain",
    "parse",
    "sources",
    "synth",
    "images",
    "catalogue",
    "new",
)
CANARY = "CANARY-7Q"


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, without settings of the user's."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CXRSPEC_DATA", raising=False)
    return folder


@dataclass(frozen=True)
class Done:
    """What a call left behind."""

    exit_code: int
    stdout: str
    stderr: str


def cxrspec(*arguments: str) -> Done:
    """One call of the command's entry point."""
    out, err = io.StringIO(), io.StringIO()
    argv = patch.object(sys, "argv", ["cxrspec", *arguments])
    with redirect_stdout(out), redirect_stderr(err), argv, pytest.raises(SystemExit) as ended:
        main()
    assert "CXR901" not in err.getvalue(), err.getvalue()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def local(text: str, name: str = "local.yaml") -> None:
    path = Path("specs") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def rewritten(name: str, old: str, new: str) -> None:
    """A local copy of a file that ships, with a difference."""
    text = (HOUSE / "specs" / name).read_text("utf-8")
    assert old in text
    local(text.replace(old, new), name.replace("/", "-"))


def labels(*rows: str) -> None:
    """A made-up file of labels, below the data root `data`."""
    path = Path("data/rsna/stage_2_train_labels.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["patientId,x,y,width,height,Target", *rows]) + "\n", "utf-8")


def sound(*rows: str) -> None:
    labels(*(f"patient-{n:03},,,,,{n % 2}" for n in range(40)), *rows)


# ---- help


def test_help_is_printed_in_full_for_every_command() -> None:
    done = cxrspec("--help")
    assert done.exit_code == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    group: Any = typer.main.get_command(app)
    assert tuple(group.commands) == COMMANDS
    for name, command in group.commands.items():
        text = cxrspec(name, "--help").stdout
        assert f"cxrspec {name} " in text.splitlines()[0]
        assert command.help in " ".join(text.split())
        assert all(parameter.help for parameter in command.params), name
        assert max(map(len, text.splitlines())) <= 80


def test_without_a_command_help_is_printed() -> None:
    done = cxrspec()
    assert done.exit_code == 2
    assert "Usage:" in done.stdout + done.stderr


# ---- compile


def test_what_ships_is_sound_from_an_empty_folder(empty: Path) -> None:
    done = cxrspec("compile", "--check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert str(len(SPECS)) in done.stdout
    assert list(empty.iterdir()) == []


def test_plans_are_written_as_text_and_json() -> None:
    done = cxrspec("compile", "--out", "made")
    assert (done.exit_code, done.stdout) == (0, "")
    for name in SPECS:
        assert name in Path(f"made/{name}.txt").read_text("utf-8")
        assert json.loads(Path(f"made/{name}.json").read_text("utf-8"))["spec"] == name
    assert len(list(Path("made").rglob("*.*"))) == 2 * len(SPECS)


def test_findings_are_printed_with_their_place_and_exit_1() -> None:
    rewritten("tasks/image_classification/rsna.yaml", "from: images", "from: imgaes")
    done = cxrspec("compile", "--check")
    assert done.exit_code == 1
    assert "CXR210" in done.stdout
    assert "specs/tasks-image_classification-rsna.yaml:" in done.stdout
    assert "`images`" in done.stdout


def test_a_warning_fails_only_when_strict() -> None:
    rewritten("tasks/image_classification/rsna.yaml", "key: patient_id", "key: 'f\"{patient_id}\"'")
    assert cxrspec("compile", "--check").exit_code == 0
    assert "warning[CXR214]" in cxrspec("compile", "--check").stdout
    assert cxrspec("compile", "--check", "--strict").exit_code == 1


@pytest.mark.parametrize("broken", [False, True])
def test_json_stands_alone_on_stdout(broken: bool) -> None:
    if broken:
        local("kind: spec\ntask: nope\n")
    done = cxrspec("compile", "--check", "--format", "json")
    assert done.exit_code == broken
    found = json.loads(done.stdout)
    assert bool(found) == broken
    assert all(one["code"] in CODES and one["severity"] in ("error", "warning") for one in found)


def test_concise_findings_have_a_line_each() -> None:
    local("kind: task\nname: Empty\nturns: 1\nwhat: 2\n")
    lines = cxrspec("compile", "--check", "--format", "concise").stdout.splitlines()
    count = len(json.loads(cxrspec("compile", "--check", "--format", "json").stdout))
    assert len(lines) == count > 1
    assert all(line.startswith("specs/local.yaml:") for line in lines)


MACHINES = ("json", "github", "sarif")


@pytest.mark.parametrize("format", MACHINES)
def test_nothing_but_the_format_is_on_stdout_when_files_are_mended(format: str) -> None:
    rewritten("tasks/image_classification/rsna.yaml", "from: images", "from: imgaes\nexpct: {train: 1}")
    unmended = cxrspec("compile", "--check", "--format", format)
    assert (unmended.exit_code, unmended.stderr) == (1, "")
    done = cxrspec("compile", "--check", "--fix", "--format", format)
    assert done.stdout == cxrspec("compile", "--check", "--format", format).stdout
    place = "specs/tasks-image_classification-rsna.yaml"
    assert done.stderr.splitlines() == [
        f"{place}:5: write `expect` (CXR007: unknown key `expct`)",
        f"{place}:4: write `images` (CXR210: unknown table `imgaes`)",
    ]
    assert done.exit_code == 0


def test_sarif_and_github_of_the_command() -> None:
    local("kind: spec\ntask: nope\n")
    (run,) = json.loads(cxrspec("compile", "--check", "--format", "sarif").stdout)["runs"]
    assert {one["ruleId"] for one in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    lines = cxrspec("compile", "--check", "--format", "github").stdout.splitlines()
    assert all(line.startswith("::error file=specs/local.yaml,line=") for line in lines)


def test_fix_says_what_it_did_and_what_remains() -> None:
    rewritten("tasks/image_classification/rsna.yaml", "from: images", "from: imgaes")
    place = "specs/tasks-image_classification-rsna.yaml"
    assert cxrspec("compile", "--check").stdout.splitlines()[-1] == "--fix mends 1 of them"
    done = cxrspec("compile", "--check", "--fix")
    assert done.stdout.splitlines()[0] == f"{place}:4: write `images` (CXR210: unknown table `imgaes`)"
    assert "warning[CXR214]" in done.stdout
    assert done.exit_code == 0
    assert cxrspec("compile", "--check", "--fix", "--strict").exit_code == 1
    assert Path(place).read_text() == (HOUSE / "specs/tasks/image_classification/rsna.yaml").read_text()


def test_any_folder_of_specs_can_be_named(empty: Path) -> None:
    local("kind: spec\ntask: nope\n")
    (empty / "specs").rename(empty / "mine")
    assert cxrspec("compile", "--check").exit_code == 0
    assert cxrspec("compile", "--check", "mine").exit_code == 1
    (empty / "cxrspec.toml").write_text('specs = "mine"\n')
    assert cxrspec("compile", "--check").exit_code == 1


# ---- wrong usage


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ("compile nowhere", "nowhere"),
        ("compile --fromat json", "--format"),
        ("ls --specs nowhere", "nowhere"),
        ("ls --format xml", "json"),
        ("show findings_generation/opni", "`findings_generation/openi`"),
        ("show findings_generation/openi --stage sql", "polars"),
        ("prompts findings", "`findings_generation`"),
        ("explain CXR2033", "`CXR203`"),
        ("parse view_classification/mimic_cxr replies.jsonl", "replies.jsonl"),
        ("parse view_classification/mimic_cxr . --split dev", "test"),
        ("run --select findings_generation/opni", "`findings_generation/openi`"),
        ("run --emit parket", "`parquet`"),
        ("run --emit llava --emit qwen-vl", "CXR816"),
        ("run --boxes chexagnt", "`chexagent`"),
        ("run --limit 0", "limit"),
        ("run --seed one", "seed"),
        ("stats nowhere", "cxrspec run"),
        ("synth made --source opni", "`openi`"),
        ("synth made --scale 0", "above 0"),
        ("rum", "rum"),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(arguments: str, hint: str, empty: Path) -> None:
    done = cxrspec(*arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert hint in done.stderr
    assert list(empty.iterdir()) == []


def test_settings_that_are_not_understood_exit_2(empty: Path) -> None:
    (empty / "cxrspec.toml").write_text('dta = "somewhere"\n')
    done = cxrspec("ls")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "CXR805" in done.stderr
    assert "`data`" in done.stderr


# ---- ls, sources, show, prompts, explain


def test_lists_are_read_by_machines_too() -> None:
    sound()
    specs = json.loads(cxrspec("ls", "--format", "json").stdout)
    assert [row["name"] for row in specs] == SPECS
    assert {row["name"]: row["state"] for row in specs} == {
        n: "ready" if n.endswith("rsna") else "no data" for n in SPECS
    }
    done = cxrspec("sources", "--quick", "--format", "json")
    sources = [path.stem for path in (HOUSE / "specs/sources").glob("*.yaml")]
    states = dict.fromkeys(sources, "absent") | {"rsna": "found"}
    assert {row["source"]: row["state"] for row in json.loads(done.stdout)} == states
    assert done.exit_code == 0


def test_sources_tell_what_is_not_as_declared() -> None:
    sound()
    done = cxrspec("sources")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert rows["rsna"].split()[1] == "drifted"
    assert rows["rsna"].endswith("boxes: rsna/stage_2_train_labels.csv another number of rows than published")
    assert "warning[CXR708]: 40 rows, published were 30,227" in done.stderr
    assert done.exit_code == 0


def test_sources_count_the_pictures_that_are_missing() -> None:
    sound()
    folder = Path("data/rsna/stage_2_train_images")
    folder.mkdir()
    for number in range(0, 40, 4):
        (folder / f"patient-{number:03}.dcm").touch()
    done = cxrspec("sources", "--images")
    assert done.stdout.split("  ") == ["rsna", "40 named", "30 missing", "0 packed\n"]
    done = cxrspec("sources", "--images", "--format", "json")
    assert json.loads(done.stdout) == [{"source": "rsna", "named": 40, "missing": 30, "packed": 0}]
    assert (done.exit_code, cxrspec("sources", "--images", "--quick").exit_code) == (0, 2)


def test_a_broken_spec_is_listed_as_broken() -> None:
    rewritten("tasks/image_classification/rsna.yaml", "from: images", "from: imgaes")
    done = cxrspec("ls", "--format", "json")
    assert {row["name"]: row["state"] for row in json.loads(done.stdout)}["image_classification/rsna"] == "broken"
    assert done.exit_code == 1


@pytest.mark.parametrize("stage", ["document", "syntax", "typed", "plan", "polars"])
def test_a_spec_is_shown_at_every_stage(stage: str) -> None:
    done = cxrspec("show", "findings_generation/openi", "--stage", stage)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "findings" in done.stdout


def test_a_broken_spec_is_shown_up_to_where_it_breaks() -> None:
    rewritten("tasks/image_classification/rsna.yaml", "from: images", "from: imgaes")
    assert cxrspec("show", "image_classification/rsna", "--stage", "syntax").exit_code == 0
    done = cxrspec("show", "image_classification/rsna")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "CXR210" in done.stderr


def test_prompts_are_counted_and_listed() -> None:
    local(
        "kind: task\nname: Small\ninputs: {x: text}\nturns:\n  - prompt: (Is|Was) it {x}[, now]?\n    answer: {format: text, text: x}\n"
    )
    lines = cxrspec("prompts", "small").stdout.splitlines()
    assert [line.strip() for line in lines] == [
        "ask: 1 pattern, 4 prompts",
        "Is it {x}?",
        "Is it {x}, now?",
        "Was it {x}?",
        "Was it {x}, now?",
    ]
    apart = cxrspec("prompts", "small", "--limit", "2").stdout.splitlines()
    assert [line.strip() for line in apart[1:]] == ["Is it {x}?", "Was it {x}?"]
    assert len(cxrspec("prompts", "small", "--limit", "0").stdout.splitlines()) == 1


def test_prompts_of_a_spec_with_turns_of_its_own() -> None:
    local(
        "kind: spec\nname: Small\nsource: rsna\nfrom: images\nkey: patient_id\ninputs: {target: int}\n"
        "turns:\n  - prompt: Is it [so|thus]?\n    answer: {format: text, text: text(target)}\n"
    )
    assert cxrspec("prompts", "small/rsna").stdout.splitlines()[0] == "ask: 1 pattern, 3 prompts"
    done = cxrspec("prompts", "small")
    assert (done.exit_code, "`small/rsna`" in done.stderr) == (2, True)


def test_a_code_is_explained_in_any_case_of_letters() -> None:
    page = (HOUSE / "docs/errors/CXR203.md").read_text("utf-8")
    for code in ("CXR203", "cxr203"):
        done = cxrspec("explain", code)
        assert (done.exit_code, done.stdout.strip()) == (0, page.strip())


def test_an_example_is_explained_and_its_replies_are_scored(empty: Path) -> None:
    """As somebody uses it: the answers of a split as replies, one of them wrong and one line broken."""
    made = corpus(1)
    where = ("--out", str(made.out), "--data", str(made.data))
    spec = "natural_language_inference/radnli"
    (file,) = (made.out / spec).glob("test-*.parquet")
    rows = pl.read_parquet(file).to_dicts()
    id = f"{rows[0]['id']}#0"
    done = cxrspec("explain", id, *where, "--again")
    assert (done.exit_code, done.stderr) == (0, "made again from its sources: the same\n")
    assert f"  id       {rows[0]['id']}\n" in done.stdout
    data = json.loads(cxrspec("explain", id, *where, "--format", "json").stdout)
    assert (data["id"], data["turn"], data["changed"]) == (rows[0]["id"], 0, [])
    assert data["sections"][0]["facts"][0] == {"label": "id", "value": rows[0]["id"]}
    lost = cxrspec("explain", f"{id}9", *where)
    assert (lost.exit_code, lost.stdout) == (1, "")
    assert "error[CXR821]: no turn" in lost.stderr

    replies = [
        {"id": f"{row['id']}#{n}", "reply": turn["answer"]} for row in rows for n, turn in enumerate(row["turns"])
    ]
    replies[0]["reply"] = CANARY
    Path("replies.jsonl").write_text("\n".join([*map(json.dumps, replies), "{"]), "utf-8")
    asked = ("parse", spec, "replies.jsonl", "--out", str(made.out), "--split", "test")
    done = cxrspec(*asked, "--rows", "rows.jsonl", "--format", "json")
    (form,) = json.loads(done.stdout)["forms"]
    assert (done.exit_code, form["turns"], form["missing"]) == (1, len(replies), 0)
    assert form["exact"] == 1 - 1 / len(replies)
    assert (
        f'error[CXR824]: 1 line not readable as `{{"id": ..., "reply": ...}}`\n --> replies.jsonl, first at line {len(replies) + 1}'
        in done.stderr
    )
    assert CANARY not in done.stdout + done.stderr
    written = [json.loads(line) for line in Path("rows.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in written] == [reply["id"] for reply in replies]
    assert [row["exact"] for row in written] == [False] + [True] * (len(replies) - 1)
    Path("replies.jsonl").write_text("\n".join(map(json.dumps, replies)), "utf-8")
    done = cxrspec(*asked)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{1 - 1 / len(replies):.4f}" in done.stdout


PAGE = """\
# CXR999: a heading

Words that fill
a line of a terminal, with `code` in them.

## Wrong

```yaml
kind: spec

name: x   # a line that is longer than the terminal is wide
```
"""


def test_a_page_on_a_terminal() -> None:
    assert drawn(PAGE, 30) == (
        "\x1b[1mCXR999: a heading\x1b[0m\n\n"
        "Words that fill a line of a\nterminal, with `code` in them.\n\n"
        "\x1b[1mWrong\x1b[0m\n\n"
        "    kind: spec\n\n    name: x   # a line that is longer than the terminal is wide"
    )


# ---- run and stats


def test_the_demo_runs_and_is_counted(empty: Path) -> None:
    done = cxrspec("run", "--demo", "--select", "source:openi", "--select", "source:rsna")
    assert done.exit_code == 0
    lines = dict(line.replace(",", "").split(": ") for line in done.stdout.splitlines())
    assert list(lines) == [name for name in SPECS if name.endswith(("/openi", "/rsna"))]
    assert [path.name for path in empty.iterdir() if not path.name.startswith(".")] == ["demo"]
    counted = cxrspec("stats", "demo")
    assert counted.exit_code == 0
    total = next(line for line in counted.stdout.splitlines() if line.startswith("| Total   "))
    sums = [sum(int(counts.split(" / ")[place]) for counts in lines.values()) for place in range(3)]
    assert [int(cell.replace(",", "")) for cell in total.split("|")[2:5]] == sums


def test_made_up_data_is_run_on() -> None:
    roots = ("made", "same", "other")
    done = cxrspec("synth", "made", "--source", "openi", "--source", "rsna")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines() == ["making up openi", "making up rsna", "2 sources made up in made"]
    assert cxrspec("run", "--data", "made", "--select", "findings_generation/openi").exit_code == 0
    assert cxrspec("synth", "same", "--source", "rsna").exit_code == 0
    assert cxrspec("synth", "other", "--source", "rsna", "--seed", "2", "--scale", "0.002").exit_code == 0
    first, same, other = ({path.name: path.read_bytes() for path in Path(name, "rsna").iterdir()} for name in roots)
    assert first == same != other


def test_made_up_data_is_not_written_over_what_is_there() -> None:
    Path("made").mkdir()
    Path("made/mine.txt").write_text("mine")
    done = cxrspec("synth", "made", "--source", "rsna")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "`made`" in done.stderr
    assert [path.name for path in Path("made").iterdir()] == ["mine.txt"]
    Path("made/mine.txt").unlink()
    assert cxrspec("synth", "made", "--source", "rsna").exit_code == 0


def test_specs_without_data_are_skipped_unless_named() -> None:
    done = cxrspec("run")
    assert (done.exit_code, done.stdout) == (0, "")
    assert all(f"skipped {name}" in done.stderr for name in SPECS)
    assert "--data" in done.stderr
    named = cxrspec("run", "--select", SPECS[0])
    assert (named.exit_code, named.stdout) == (1, "")
    assert "CXR812" in named.stderr


def test_what_is_there_is_made() -> None:
    sound()
    done = cxrspec("run", "--emit", "jsonl", "--out", "made")
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    name, _, counts = line.partition(": ")
    assert name == "image_classification/rsna"
    assert sum(map(int, counts.split(" / "))) == 40
    examples = [json.loads(x) for p in Path("made").rglob("*.jsonl") for x in p.read_text("utf-8").splitlines()]
    assert len(examples) == 40


def test_a_limit_keeps_the_same_examples(empty: Path) -> None:
    def ids(out: str) -> Iterator[str]:
        for path in sorted((empty / out).rglob("*.jsonl")):
            for line in path.read_text("utf-8").splitlines():
                yield json.loads(line)["id"]

    sound()
    for limit in (5, 9):
        cxrspec("run", "--emit", "jsonl", "--limit", str(limit), "--out", f"made{limit}")
    assert len(set(ids("made5"))) == 5
    assert set(ids("made5")) < set(ids("made9"))


def test_an_output_is_not_mixed_with_another_seed() -> None:
    cxrspec("run", "--demo", "--out", "made", "--select", "source:openi")
    done = cxrspec("run", "--demo", "--out", "made", "--seed", "2", "--select", SPECS[0])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "CXR811" in done.stderr


def test_made_up_data_is_not_mixed_with_real_data() -> None:
    sound()
    cxrspec("run", "--out", "made", "--select", "image_classification/rsna")
    done = cxrspec("run", "--demo", "--out", "made", "--select", "findings_generation/openi")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "made-up data no" in done.stderr
    assert cxrspec("run", "--demo", "--data", "data").exit_code == 2


def test_a_failed_run_tells_no_old_counts() -> None:
    sound()
    assert cxrspec("run", "--select", "image_classification/rsna").exit_code == 0
    sound(f"patient-900,,,,,{CANARY}")
    done = cxrspec("run", "--select", "image_classification/rsna")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "kept image_classification/rsna as it was made before" in done.stderr
    assert CANARY not in done.stderr


def test_a_spec_that_lost_its_kind_is_missed() -> None:
    rewritten("tasks/findings_generation/openi.yaml", "kind: spec", "knid: spec")
    rewritten("tasks/findings_generation/task.yaml", "about:", "about: ")
    done = cxrspec("compile", "--check", "--format", "concise")
    assert done.exit_code == 1
    assert done.stdout.startswith("specs/tasks-findings_generation-openi.yaml:1:1: error[CXR0")


def test_a_data_root_that_is_not_there_is_wrong_usage() -> None:
    done = cxrspec("run", "--data", "nowhere")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "`nowhere`" in done.stderr


def test_a_path_that_cannot_be_written_is_named(empty: Path) -> None:
    (empty / "plans").write_text("")
    done = cxrspec("compile")
    assert done.exit_code == 2
    assert "CXR809" in done.stderr
    assert "plans" in done.stderr


def test_a_folder_of_somebody_else_is_left_alone(empty: Path) -> None:
    (empty / "out").mkdir()
    (empty / "out" / "thesis.txt").write_text("years of work")
    done = cxrspec("run", "--demo", "--out", "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "CXR802" in done.stderr
    assert [path.name for path in (empty / "out").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (f"patient-900,,,,,{CANARY}", "CXR701"),
        (f"patient-900,,,,,1,{CANARY}", "CXR704"),
        (f'patient-900,,,,"{CANARY},1', "CXR705"),
    ],
)
def test_bad_data_exits_1_and_is_never_printed(row: str, code: str) -> None:
    sound(row)
    done = cxrspec("run", "--select", "image_classification/rsna")
    assert (done.exit_code, done.stdout) == (1, "")
    assert code in done.stderr
    assert "stage_2_train_labels.csv" in done.stderr
    assert CANARY not in done.stderr


def test_differences_from_published_figures_follow_the_tables() -> None:
    cxrspec("run", "--demo", "--select", "source:openi")
    alone, compared = cxrspec("stats", "demo"), cxrspec("stats", "demo", "--against", "published")
    assert compared.exit_code == 0
    assert compared.stdout.startswith(alone.stdout)
    with (HOUSE / "specs/published.csv").open(newline="") as file:
        figures = {row["task"]: row["test"] for row in csv.DictReader(file) if row["source"] == "OpenI"}
    assert figures["Findings Generation"] in compared.stdout.removeprefix(alone.stdout).replace(",", "")


# ---- our own errors


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=60,
        check=False,
    )


BREAKS = f"""
import sys
from cxrspec.runtime import cli, project
def broken(*_: object) -> None:
    raise ValueError("{CANARY}")
project.load = broken
sys.argv = ["cxrspec", "ls"]
cli.main()
"""


def test_an_error_of_ours_is_one_line_without_data() -> None:
    done = run_python(BREAKS)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[CXR901]")
    assert CANARY not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_traceback_is_printed_on_request() -> None:
    assert "Traceback" in run_python(BREAKS, CXRSPEC_TRACEBACK="1").stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    script = Path(sys.executable).parent / "cxrspec"
    command = f"'{script}' show findings_generation/openi --stage polars | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout
    assert done.stderr == ""


def test_commands_load_no_more_than_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = "import sys; from cxrspec.runtime import cli; sys.argv = ['cxrspec', *{}]\ntry: cli.main()\nfinally: print([m for m in ('polars', 'numpy', 'lark', 'yaml', 'jsonschema') if m in sys.modules], file=sys.stderr)"
    assert run_python(code.format(["--help"])).stderr.strip() == "[]"
    assert run_python(code.format(["compile", "--check"])).stderr.strip() == "['lark', 'yaml']"
    assert run_python(code.format(["compile", "--check"])).stderr.strip() == "[]", "what was read before is remembered"
    sound()
    assert "polars" in run_python(code.format(["run"])).stderr.splitlines()[-1]
    assert run_python(code.format(["run"])).stderr.splitlines()[-2:] == ["kept 1 spec as it was", "[]"]


# ---- images


def picture(name: str) -> None:
    """A made-up PNG of 16 bits, below the data root."""
    path = Path("data/rsna/stage_2_train_images") / name
    path.parent.mkdir(exist_ok=True)
    Image.new("I;16", (4, 3), 900).save(path, "PNG")


def test_converted_pictures_are_found_with_the_lines_that_are_printed() -> None:
    sound()
    for number in range(40):
        picture(f"patient-{number:03}.dcm")
    done = cxrspec("images", "rsna", "copies")
    assert done.exit_code == 0
    assert done.stderr.endswith("pictures written: 40, there before: 0\n")
    Path("cxrspec.toml").write_text(done.stdout, "utf-8")
    assert cxrspec("sources", "--images").stdout.split("  ") == ["rsna", "40 named", "0 missing", "0 packed\n"]
    assert cxrspec("run").exit_code == 0
    table = pl.read_parquet("out/image_classification/rsna/*.parquet")
    assert all(Path(path).is_file() for path in table["images"].explode())
    assert cxrspec("images", "rsna", "copies").stderr.endswith("pictures written: 0, there before: 40\n")


def test_pictures_that_cannot_be_converted_are_listed() -> None:
    sound()
    picture("a.png")
    picture("b.png")
    path = Path("data/rsna/stage_2_train_images/b.png")
    path.write_bytes(path.read_bytes()[:50])
    done = cxrspec("images", "rsna", "copies")
    assert "error[CXR615]: a damaged PNG file\n --> rsna/stage_2_train_images/b.png\n" in done.stderr
    assert "pictures written: 1," in done.stderr
    assert done.exit_code == 1


def test_images_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    sound()
    unknown, none = cxrspec("images", "rnsa", "copies"), cxrspec("images", "rsna", "copies")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "unknown source `rnsa`" in unknown.stderr
    assert "`rsna`" in unknown.stderr
    assert (none.exit_code, none.stdout) == (2, "")
    assert "no DICOM or PNG picture in rsna" in none.stderr
    monkeypatch.setitem(sys.modules, "pydicom", None)
    monkeypatch.delitem(sys.modules, "cxrspec.runtime.convert")
    bare = cxrspec("images", "rsna", "copies")
    assert (bare.exit_code, bare.stdout) == (2, "")
    assert "needs `pydicom`" in bare.stderr
    assert "pip install 'cxrspec[images]'" in bare.stderr
