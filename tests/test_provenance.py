"""Where examples came from, and examples made again from it: against the sources' own files, and the written bytes."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.again import as_made, changes, differs, made_again, recipe, same_way
from cxrspec.runtime.commands.explain import told as text
from cxrspec.runtime.emitters import Shard, emitter
from cxrspec.runtime.examples import Example, Output, find, opened
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.provenance import Provenance, Provenances
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.unchanged import InPlace

from . import made_up
from .corpus import Corpus, compilation, corpus, root

VIEWS = "view_classification/mimic_cxr"
SPECS = sorted(compilation().specs)


def settings(data: Path, output: Output) -> Settings:
    return Settings(data, output.folder, Path("no local specs"), 7)


def told(made: Corpus) -> Provenances:
    output = opened(made.out)
    return Provenances(output, made.compilation, settings(made.data, output))


@pytest.fixture(scope="module")
def whole() -> Provenances:
    return told(corpus(1))


def first(output: Output, spec: str, split: str | None = None) -> dict[str, Any]:
    rows = output.scan(output.spec(spec))
    rows = rows if split is None else rows.filter(pl.col("split") == split)
    return rows.head(1).collect().row(0, named=True)


def facts(found: Provenance, title: str) -> list[tuple[str, str]]:
    (section,) = [one for one in found.sections if one.title.startswith(title)]
    return [(fact.label, fact.value) for fact in section.facts]


# ---- finding an example


def test_an_example_is_found_by_id_and_turn(whole: Provenances) -> None:
    row = first(whole.output, "image_classification/mimic_cxr")
    assert find(whole.output, row["id"]).row == row
    assert find(whole.output, row["id"]).turn is None
    assert find(whole.output, f"{row['id']}#1").turn == 1
    hashed = first(whole.output, "natural_language_explanation/mimic_nle")  # its own key ends in #0 or #1
    assert re.search("#[0-9]$", hashed["id"])
    assert find(whole.output, hashed["id"]).turn is None
    assert find(whole.output, f"{hashed['id']}#0").turn == 0


def test_what_is_not_there_is_told_with_what_is_near(whole: Provenances) -> None:
    row = first(whole.output, VIEWS)
    ids = sorted(whole.output.scan(whole.output.spec(VIEWS)).select("id").collect()["id"])
    for id, near in [
        (f"{row['id']}#{len(row['turns'])}", "counted from 0"),
        (f"{ids[3]}x", ids[4]),
        (f"{ids[3]}x#0", ids[3]),
        (f"{VIEWS}/!", ids[0]),
        ("view_classification/mimic_cx/1", VIEWS),
        ("nothing", "known specs"),
    ]:
        with pytest.raises(OutputError) as refused:
            find(whole.output, id)
        assert refused.value.diagnostic.code == "CXR821"
        assert near in refused.value.diagnostic.help[0]


def test_a_folder_without_an_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as refused:
        opened(tmp_path)
    assert refused.value.diagnostic.code == "CXR806"


# ---- what is told


@pytest.mark.parametrize("spec", SPECS)
def test_everything_is_told_of_every_spec(whole: Provenances, spec: str) -> None:
    row = first(whole.output, spec)
    found = whole.of(find(whole.output, row["id"]))
    assert not found.changed
    assert json.loads(json.dumps(found.data()))["id"] == row["id"]
    for number, turn in enumerate(row["turns"]):
        told = facts(found, f"Turn {number}")
        assert (("prompt", turn["prompt"]), ("answer", turn["answer"])) == tuple(told[:2])
        reads_so(told, turn["prompt"])
    assert dict(facts(found, "Split"))["split"] == row["split"]
    assert "not known" not in dict(facts(found, "Split")).get("decided by", "")
    files = [value.split(",")[0] for _, value in facts(found, "Files")]
    assert all((corpus(1).data / file).is_file() for file in files if not file.startswith("and "))
    rows_hold(found, row, corpus(1).data)
    assert all(fact.value.split("\n")[0] in text(found) for one in found.sections for fact in one.facts)


def reads_so(told: Sequence[tuple[str, str]], prompt: str) -> None:
    """The line of the file that is named is the one quoted, and literal alternatives stand in the prompt, in order."""
    assert [label for label, _ in told if label in ("form", "ticket", "line")] == ["form", "ticket", "line"]
    at = 0
    for label, value in told:
        found = re.fullmatch(r"(?:[0-9]+ of [0-9]+(?: of <\w+>)?|there): `(.*)` \((.*):([0-9]+)\)", value, re.DOTALL)
        if found:
            quoted, file, number = found.groups()
            line = Path(file.removeprefix("cxrspec/")).read_text().splitlines()[int(number) - 1]
            assert re.sub(r"^/[0-9]+/", "", quoted).strip() in line
            if label == "alternative" and not re.search(r"[(\[<{\\]", quoted):
                assert quoted in prompt[at:]
                at = prompt.index(quoted, at) + len(quoted)


def rows_hold(found: Provenance, row: Mapping[str, Any], data: Path) -> None:
    """In each line that is named stands a part of the example's ids."""
    ids = f"{row['id']}/{row['patient_id']}/{row['study_id']}".replace("%2F", "/").replace("%25", "%").split("/")
    for _, value in facts(found, "Rows"):
        for name, number in re.findall(r"([^\s:]+\.csv(?:\.gz)?):([0-9]+)", value):
            raw = (data / name).read_bytes()
            lines = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode().splitlines()
            assert any(part and part in lines[int(number) - 1] for part in ids), (name, number)


def test_the_rows_are_those_of_the_key(whole: Provenances) -> None:
    """Counted in the file itself."""
    row = first(whole.output, VIEWS)
    key = row["id"].rpartition("/")[2]
    raw = (root(1) / "mimic_cxr/mimic-cxr-2.0.0-metadata.csv.gz").read_bytes()
    lines = gzip.decompress(raw).decode().splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if line.startswith(key)]
    held = dict(facts(whole.of(find(whole.output, row["id"])), "Rows"))["mimic_cxr.metadata"]
    assert held == (
        f"1 row with the same dicom_id, study_id, subject_id: mimic_cxr/mimic-cxr-2.0.0-metadata.csv.gz:{number}"
    )


def test_an_authority_is_told_from_what_is_drawn_otherwise(whole: Provenances) -> None:
    """Whether Rad-ReStruct lists the report is looked up in its own files."""
    with_lists = {
        path.stem for path in (root(1) / "rad_restruct").rglob("*_qa_pairs/*.json") if not path.stem.startswith("id_")
    }
    assert with_lists
    for row in whole.output.scan(whole.output.spec("findings_generation/openi")).head(40).collect().to_dicts():
        decided = dict(facts(whole.of(find(whole.output, row["id"])), "Split"))["decided by"]
        known = row["study_id"].rpartition("/")[2] in with_lists
        assert decided.startswith("the authority" if known else "otherwise")


def test_filters_are_those_of_the_manifest(whole: Provenances) -> None:
    spec = whole.output.spec(VIEWS)
    counted = dict(facts(whole.of(find(whole.output, first(whole.output, VIEWS)["id"])), "Filters"))
    assert spec.attrition
    for step in spec.attrition:
        said = counted[f"{step.relation}: {step.step}"]
        assert said == (
            f"all {step.rows_in:,}" if step.rows_in == step.rows_out else f"{step.rows_out:,} of {step.rows_in:,}"
        )


def test_one_turn_is_told_alone(whole: Provenances) -> None:
    row = first(whole.output, "image_classification/mimic_cxr")
    found = whole.of(find(whole.output, f"{row['id']}#1"))
    assert [one.title for one in found.sections if one.title.startswith("Turn")] == ["Turn 1"]


def test_a_published_example_is_told(tmp_path: Path) -> None:
    whole = told(corpus(1, published=True))
    for spec in ("image_classification/chestxray14", "view_classification/chexpert"):
        row = first(whole.output, spec)
        found = whole.of(find(whole.output, row["id"]))
        assert ("mode", "published") in facts(found, "Run")
        reads_so(facts(found, "Turn 0"), row["turns"][0]["prompt"])


def test_without_data_the_rest_is_told(whole: Provenances, tmp_path: Path) -> None:
    apart = Provenances(whole.output, whole.compilation, settings(tmp_path, whole.output))
    for spec in (VIEWS, "findings_generation/openi"):
        found = apart.of(find(whole.output, first(whole.output, spec)["id"]))
        assert not found.changed
        assert facts(found, "Rows")[0][1].startswith("not looked up: ")
        assert ("seed", "1") in facts(found, "Run")
        reads_so(facts(found, "Turn 0"), find(whole.output, found.id).row["turns"][0]["prompt"])


# ---- what changed since


def copy_of(data: Path, source: str, target: Path) -> Path:
    shutil.copytree(data / source, target / source)
    return target


def small(tmp_path: Path, **asked: Any) -> tuple[Output, Path]:
    """An output of RadNLI alone, with data of its own."""
    data = copy_of(root(1), "radnli", tmp_path / "data")
    made_up.make(data, tmp_path / "out", compilation(), select=["natural_language_inference/radnli"], **asked)
    return opened(tmp_path / "out"), data


NLI = "natural_language_inference/radnli"


def test_changed_sources_are_told(tmp_path: Path) -> None:
    output, data = small(tmp_path)
    row = first(output, NLI)
    (file,) = (data / "radnli").rglob("radnli_test*.jsonl")
    file.write_bytes(file.read_bytes() + b"\n")
    whole = Provenances(output, compilation(), settings(data, output))
    found = whole.of(find(output, row["id"]))
    assert [(d.code, d.severity) for d in found.changed] == [("CXR822", "warning")]
    assert "radnli.pairs" in found.changed[0].message
    with pytest.raises(OutputError) as refused:
        made_again(found.recipe, [row["id"]], whole.place)
    assert refused.value.diagnostic.code == "CXR822"
    shutil.rmtree(data / "radnli")
    with pytest.raises(OutputError) as absent:
        made_again(found.recipe, [row["id"]], Provenances(output, compilation(), settings(data, output)).place)
    assert absent.value.diagnostic.code == "CXR812"


def test_changed_rules_are_told(tmp_path: Path) -> None:
    output, data = small(tmp_path)
    row = first(output, NLI)
    task = tmp_path / "specs" / "tasks" / "natural_language_inference" / "task.yaml"
    task.parent.mkdir(parents=True)
    shipped = Path("specs/tasks/natural_language_inference/task.yaml").read_text()
    task.write_text(
        re.sub(r"(?m)^      .*\{premise\}.*$", lambda m: m[0].replace("{premise}", "so: {premise}"), shipped)
    )
    whole = Provenances(output, made_up.load(tmp_path / "specs"), settings(data, output))
    found = whole.of(find(output, row["id"]))
    assert [d.code for d in found.changed] == ["CXR822"]
    assert dict(facts(found, "Turn 0"))["path"].startswith("not known")


def test_a_spec_that_is_gone_is_told(tmp_path: Path) -> None:
    output, data = small(tmp_path)
    specs = {name: one for name, one in compilation().specs.items() if name != NLI}
    whole = Provenances(output, without(specs), settings(data, output))
    found = whole.of(find(output, first(output, NLI)["id"]))
    assert [d.code for d in found.changed] == ["CXR822"]
    assert "not known" in dict(facts(found, "Spec"))["file"]
    assert dict(facts(found, "Split"))["rule"].startswith("not known")


def without(specs: Mapping[str, Any]) -> Compilation:
    return replace(compilation(), specs=specs)


# ---- made again


def again(made: Corpus, spec: str, ids: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The examples of some ids as they were written, and as they are made again."""
    output = opened(made.out)
    place = InPlace(made.compilation, as_made(output.made, settings(made.data, output)))
    entry = output.spec(spec)
    of = recipe(entry, output.made)
    assert not changes(of, place)
    assert same_way(of, place)
    written = output.scan(entry).filter(pl.col("id").is_in(list(ids))).collect()
    return written, made_again(of, ids, place)


def same_bytes(written: pl.DataFrame, made: pl.DataFrame, folder: Path) -> None:
    """The same rows as Parquet and as lines of JSON, byte by byte."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [frame.sort("id").rechunk() for frame in (written, made)]
    assert ordered[0].height == ordered[1].height > 0
    for format in ("parquet", "jsonl"):
        files = [emitter(format).write(Shard("test", n, folder, frame)) for n, frame in enumerate(ordered)]
        assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


@pytest.mark.parametrize("spec", [VIEWS, "abnormality_grounding/vindr_cxr", "image_classification/rsna"])
def test_an_example_is_made_again(tmp_path: Path, spec: str) -> None:
    row = first(opened(corpus(1).out), spec)
    written, made = again(corpus(1), spec, [row["id"]])
    same_bytes(written, made, tmp_path)
    assert differs(row, made) is None
    other = differs({**row, "target": "another"}, made)
    assert other is not None
    assert (other.code, "in `target`" in other.message) == ("CXR823", True)
    assert differs(row, made.clear()) is not None


@pytest.mark.slow
@pytest.mark.parametrize("published", [False, True])
def test_a_thousand_examples_are_made_again(tmp_path: Path, published: bool) -> None:
    made = corpus(1, published)
    output = opened(made.out)
    chance = random.Random(3)
    names = [spec.name for spec in output.made.specs if any(side.rows for side in spec.splits.values())]
    ids = {name: output.scan(output.spec(name)).select("id").collect()["id"].to_list() for name in names}
    each = 1000 // len(names)
    chosen = {name: chance.sample(some, min(each, len(some))) for name, some in ids.items()}
    spare = [(name, id) for name, some in ids.items() for id in sorted({*some} - {*chosen[name]})]
    for name, id in chance.sample(spare, 1000 - sum(map(len, chosen.values()))):
        chosen[name].append(id)
    assert sum(map(len, chosen.values())) == 1000
    for name, some in chosen.items():
        written, again_made = again(made, name, some)
        assert written.height == len(some)
        same_bytes(written, again_made, tmp_path / name)


def test_an_output_of_lines_with_a_limit_and_pixels_is_made_again(tmp_path: Path) -> None:
    spec = "abnormality_detection/vindr_cxr"
    emit, data = Formats("jsonl"), root(1)
    made_up.make(data, tmp_path / "out", compilation(), select=[spec], emit=emit, boxes="pixels", limit=5, seed=3)
    output = opened(tmp_path / "out")
    rows = output.scan(output.spec(spec)).collect()
    assert rows.height == 5
    place = InPlace(compilation(), as_made(output.made, settings(data, output)))
    of = recipe(output.spec(spec), output.made)
    same_bytes(rows, made_again(of, rows["id"].to_list(), place), tmp_path / "again")
    assert Provenances(output, compilation(), settings(data, output)).of(
        Example(output.spec(spec), rows.row(0, named=True))
    )
