"""Data-use terms: no source is freer than its licence, an output is never freer than its sources, and a format that
needs more than they allow gets nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.catalog import File, as_text, shipped
from cxrspec.compiler.declared import declare
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.licenses import check_licenses
from cxrspec.compiler.parsed import parse_file
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.compiler.terms import TERMS
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.request import Result
from cxrspec.runtime.synth import synth

from . import made_up

# Which of the sources may be sent to services of others: those that are open, by where each is obtained.
OPEN = {"openi", "rad_restruct", "object_cxr", "chestxray14"}
CHAT = Formats("parquet", ("openai",))
MIMIC, OPENI, RSNA = "view_classification/mimic_cxr", "findings_generation/openi", "image_classification/rsna"


# ---- licences


@cache
def files() -> dict[str, File]:
    """The files that ship without which no licence can be looked at, by name."""
    return {f.place: f for f in shipped() if f.place.startswith("sources/") or f.place == "licenses.yaml"}


def found(changed: File) -> list[str]:
    """The codes of what is found of licences, with a file in place of the one that ships."""
    used = [changed if f.place == changed.place else f for f in files().values()]
    parsed = {f.path: parse_file(f, False) for f in used if f in (changed, files()["licenses.yaml"])}
    report = Report()
    declared = declare(
        [f for f in used if f.path in parsed], parsed, {f.path: as_text(f.text) for f in used}, False, report
    )
    check_licenses(declared, report)
    return [one.code for one in report.diagnostics]


def loosened() -> Iterator[Any]:
    """Each source with one of its terms freer by one word."""
    for place, file in files().items():
        text = as_text(file.text)
        said = re.search(r"^use: \{(.*)\}$", text, re.MULTILINE)
        for term, word in re.findall(r"(\w+): ([\w ]+)", said[1] if said else ""):
            words = TERMS[term]
            for freer in words[words.index(word) + 1 :]:
                new = text.replace(f"{term}: {word}", f"{term}: {freer}", 1)
                yield pytest.param(File(file.path, place, new, True), id=f"{place}-{term}-{freer}")


@pytest.mark.parametrize("file", list(loosened()))
def test_no_term_of_a_source_that_ships_can_be_loosened(file: File) -> None:
    assert found(file) == ["CXR433"]


@pytest.mark.parametrize("place", [place for place in files() if place != "licenses.yaml"])
def test_every_term_of_a_source_that_ships_may_be_left_out(place: str) -> None:
    text = as_text(files()[place].text)
    strict = re.sub(r"^use: .*$", "use: {}", text, count=1, flags=re.MULTILINE)
    assert strict != text
    assert found(File(files()[place].path, place, strict, True)) == found(files()[place]) == []


# ---- a format that needs a term


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with two open sources and two that are not."""
    root = tmp_path_factory.mktemp("terms") / "data"
    synth(root, 0.0005, 1, ["mimic_cxr", "openi", "rad_restruct", "rsna"])
    return root


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return made_up.load()


def lines(out: Path, spec: str) -> list[Any]:
    files = sorted((out / spec / "openai").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").split("\n")[:-1]]


def test_closed_sources_are_kept_from_a_service_of_others(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    result = made_up.make(data, tmp_path / "out", compilation, emit=CHAT)
    reached = {name: set(spec.plan.sources) for name, spec in compilation.specs.items() if spec.plan is not None}
    assert {spec.rpartition("/")[2] for spec in result.made} == {"openi", "rad_restruct"}
    assert all(reached[name] <= OPEN for name in result.made)
    assert {MIMIC, RSNA} <= {failed.name for failed in result.manifest.failed}
    assert all(not reached[failed.name] <= OPEN for failed in result.manifest.failed)
    assert not list((tmp_path / "out").glob("*/mimic_cxr/*"))
    assert not list((tmp_path / "out").glob("*/rsna/*"))
    (said,) = [one for one in result.diagnostics if one.spec == MIMIC]
    assert said.code == "CXR815"
    assert said.message == (
        "no examples in the format `openai`, which needs `external_services: yes`: "
        "`mimic_cxr` has `external_services: no`"
    )


def test_each_turn_is_a_line_of_chat(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    """What stands in the lines is what stands in the examples; nothing says who it is about."""
    made_up.make(data, tmp_path / "out", compilation, select=[OPENI], emit=CHAT)
    made_up.make(data, tmp_path / "plain", compilation, select=[OPENI])
    examples = made_up.rows(tmp_path / "plain", OPENI)
    assert examples == made_up.rows(tmp_path / "out", OPENI)
    splits = ("test", "train", "val")  # as the files are sorted
    expected = [
        [
            {
                "role": "user",
                "content": [
                    *({"type": "image_url", "image_url": {"url": image}} for image in row["images"]),
                    {"type": "text", "text": turn["prompt"]},
                ],
            },
            {"role": "assistant", "content": turn["answer"]},
        ]
        for split in splits
        for row in sorted(examples.values(), key=lambda row: row["id"].encode())
        if row["split"] == split
        for turn in row["turns"]
    ]
    assert expected
    assert lines(tmp_path / "out", OPENI) == [{"messages": messages} for messages in expected]


def test_examples_without_images_are_text(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    spec = "findings_summarization/openi"
    made_up.make(data, tmp_path / "out", compilation, select=[spec], emit=CHAT)
    users = [line["messages"][0]["content"] for line in lines(tmp_path / "out", spec)]
    assert users
    assert all(isinstance(text, str) for text in users)


def test_what_terms_forbid_later_goes(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    out = tmp_path / "out"
    specs = [OPENI, "open_ended_vqa/rad_restruct"]

    def again(**terms: str) -> Result:
        changed = [File(f.path, f.place, closed(as_text(f.text), terms), True) for f in shipped()]
        return made_up.make(data, out, compile(changed), select=specs, emit=CHAT)

    def closed(text: str, terms: dict[str, str]) -> str:
        source = re.search(r"^kind: source\nname: (\w+)$", text, re.MULTILINE)
        word = terms.get(source[1] if source else "", "yes")
        return text.replace("external_services: yes", f"external_services: {word}") if source else text

    assert not again().failed
    assert lines(out, OPENI)
    result = again(openi="no")
    assert {failed.name: failed.codes for failed in result.manifest.failed} == dict.fromkeys(specs, ("CXR815",))
    assert not lines(out, OPENI)
    assert not result.manifest.specs
    assert "openi" not in {path.name for path in out.rglob("*")}
