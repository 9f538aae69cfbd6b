"""Labels from the files to lists of names: cells, positional lists, policies, joins and groups, against plain Python."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cxrspec.compiler import plan as p
from cxrspec.compiler.pipeline import Compilation, compile

from . import made_up
from .case_files import but_unused
from .evaluating import ENGINES, Engine

SOURCE = """\
kind: source
name: ward
title: A made-up set
use: {access: open}
license: none
identity: {space: ward, patient: patient, study: study}
constants:
  findings: [No Finding, Edema, Pleural Effusion]
  lenient:
    uncertain: {Edema: positive, Pleural Effusion: negative, else: skip}
    not_mentioned: {No Finding: skip, else: negative}
tables:
  images:
    read: csv
    files: images.csv
    key: image
    columns:
      image: text
      patient: int
      study: int
      mentions: {type: labels, fold: findings}
  sentences:
    read: json
    files: sentences.json
    rows: "[*]"
    key: study
    columns:
      study: int
      said: {type: labels, from: numbers, names: [Mass, Fracture]}
  studies:
    from: images
    steps:
      - group:
          by: study
          order: image
          take: {patient: only(patient), mentions: first(mentions), every: list(mentions)}
      - join: {table: sentences, on: study, kind: left}
      - derive:
          shown: each(every, size(positive(it, strict)))
splits:
  all: {constant: test}
"""
SPEC = """\
kind: spec
name: {name}
source: ward
from: {start}
key: {key}
inputs: {{report: text}}
bind:
  report: >-
    {report}
turns:
  - prompt: Write a report.
    answer: {{format: text, text: report}}
"""
REPORTS = {
    "strictly": (
        "images",
        "image",
        'f"{join(positive(mentions, strict), "+")}/{join(negative(mentions, strict), "+")}"',
    ),
    "leniently": (
        "images",
        "image",
        'f"{join(positive(mentions, lenient), "+")}/{join(negative(mentions, lenient), "+")}"',
    ),
    "grouped": ("studies", "study", 'f"{join(positive(mentions, strict), "+")}/{join(each(shown, text(it)), "+")}"'),
    "joined": (
        "studies",
        "study",
        'if said is null then "none" else join(positive(said, strict) + names(said), "+")',
    ),
    "coalesced": ("studies", "study", 'join(negative(said, strict) ?? names(said) ?? ["none"], "+")'),
    "silent": ("images", "image", 'join(names(mentions), "+")'),
}
FINDINGS = ("No Finding", "Edema", "Pleural Effusion")
CELLS: dict[str, int | None] = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1, "": None, " 1 ": 1}


def compiled(name: str) -> Compilation:
    start, key, report = REPORTS[name]
    spec = SPEC.format(name=name.title(), start=start, key=key, report=report)
    files = [made_up.file("ward.yaml", SOURCE), made_up.file("spec.yaml", spec)]
    made = compile([*files, *made_up.shared()])
    assert not but_unused(made)
    return made


def rows(count: int = 60, seed: int = 3) -> list[tuple[str, int, int, str, str, str]]:
    random = Random(seed)
    cells = [(random.choice([*CELLS]), random.choice([*CELLS]), random.choice([*CELLS])) for _ in range(count)]
    return [(f"i{n:02}", n // 6, n // 3, *three) for n, three in enumerate(cells)]


NUMBERS: list[list[float | None]] = [[1, 0], [1.0, -1], [None, 1], [0, 0]]
SAID = {str(study): NUMBERS[study // 2 % 4] for study in range(0, 20, 2)}
SENTENCES = [{"study": int(study), "numbers": numbers} for study, numbers in SAID.items()]


def write(data: Path, images: list[tuple[str, int, int, str, str, str]], sentences: Any = SENTENCES) -> Path:
    text = made_up.csv_text(("image", "patient", "study", *FINDINGS), images)
    made_up.write_text(data / "ward" / "images.csv", text)
    made_up.write_text(data / "ward" / "sentences.json", json.dumps(sentences))
    return data


def answers(name: str, folder: Path, engine: Engine = "streaming") -> dict[str, str]:
    result = made_up.make(folder / "data", folder / "out", compiled(name), select=[f"{name}/ward"], engine=engine)
    assert not result.diagnostics
    made = made_up.rows(folder / "out", f"{name}/ward")
    return {id.rpartition("/")[2]: row["turns"][0]["answer"] for id, row in made.items()}


def lists(cells: tuple[str, ...], positive: dict[str, set[int | None]], negative: dict[str, set[int | None]]) -> str:
    said = dict(zip(FINDINGS, (CELLS[cell] for cell in cells), strict=True))
    return "/".join("+".join(n for n, state in said.items() if state in counts[n]) for counts in (positive, negative))


STRICT: tuple[dict[str, set[int | None]], ...] = ({n: {1} for n in FINDINGS}, {n: {0, None} for n in FINDINGS})
LENIENT: tuple[dict[str, set[int | None]], ...] = (
    {"No Finding": {1}, "Edema": {1, -1}, "Pleural Effusion": {1}},
    {"No Finding": {0}, "Edema": {0, None}, "Pleural Effusion": {0, -1, None}},
)


@pytest.mark.parametrize("engine", ENGINES)
def test_lists_under_a_policy(engine: Engine, tmp_path: Path) -> None:
    images = rows()
    write(tmp_path / "data", images)
    assert answers("strictly", tmp_path, engine) == {i: lists(tuple(cells), *STRICT) for i, _, _, *cells in images}
    assert answers("leniently", tmp_path, engine) == {i: lists(tuple(cells), *LENIENT) for i, _, _, *cells in images}


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_in_a_group(engine: Engine, tmp_path: Path) -> None:
    """`first` takes those of one row, all together; `list` those of every row."""
    images = rows()
    write(tmp_path / "data", list(reversed(images)))
    studies: dict[str, list[tuple[str, ...]]] = {}
    for _, _, study, *cells in images:
        studies.setdefault(str(study), []).append(tuple(cells))
    firsts = {study: lists(cells[0], *STRICT).partition("/")[0] for study, cells in studies.items()}
    sizes = {study: [str(sum(CELLS[cell] == 1 for cell in one)) for one in cells] for study, cells in studies.items()}
    assert answers("grouped", tmp_path, engine) == {s: f"{firsts[s]}/{'+'.join(sizes[s])}" for s in studies}


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_that_a_join_did_not_find(engine: Engine, tmp_path: Path) -> None:
    """They are null as a whole, and so are the lists made of them; labels of which none is mentioned are not."""
    write(tmp_path / "data", rows())
    names = ("Mass", "Fracture")
    positive = {s: [n for n, x in zip(names, xs, strict=True) if x == 1] for s, xs in SAID.items()}
    negative = {s: [n for n, x in zip(names, xs, strict=True) if x in (0, None)] for s, xs in SAID.items()}
    studies = [str(study) for study in range(20)]
    assert answers("joined", tmp_path, engine) == {
        s: "+".join([*positive[s], *names]) if s in SAID else "none" for s in studies
    }
    assert answers("coalesced", tmp_path, engine) == {
        s: "+".join(negative[s]) if s in SAID else "none" for s in studies
    }


def test_a_plan_reads_no_labels_that_it_does_not_use(tmp_path: Path) -> None:
    images = rows(6)
    write(tmp_path / "data", images)
    columns = {read.table: [c.name for c in read.columns] for read in plan("silent").reads}
    assert columns == {"ward.images": ["image", "patient", "study"]}
    assert answers("silent", tmp_path) == dict.fromkeys((i for i, *_ in images), "+".join(FINDINGS))


def plan(name: str) -> p.Plan:
    found = compiled(name).specs[f"{name}/ward"].plan
    assert found is not None
    return found


@pytest.mark.parametrize("cell", ["2", "yes", "0.5", "-2", "1e0"])
def test_a_cell_that_is_no_label(cell: str, tmp_path: Path) -> None:
    """It stops who uses the labels, and nobody else; the finding shows no cell."""
    write(tmp_path / "data", [*rows(6), ("i99", 9, 9, "1", cell, "0")])
    made = made_up.make(tmp_path / "data", tmp_path / "out", compiled("strictly"), select=["strictly/ward"])
    (found,) = made.diagnostics
    assert (found.code, found.message) == ("CXR701", "1 cell of `mentions.Edema` not readable as `label`")
    assert len(answers("silent", tmp_path)) == 7


@pytest.mark.parametrize("numbers", [[], [1], [1, 0, 1]])
def test_a_list_of_another_length(numbers: list[int], tmp_path: Path) -> None:
    write(tmp_path / "data", rows(), [*SENTENCES, {"study": 99, "numbers": numbers}])
    made = made_up.make(tmp_path / "data", tmp_path / "out", compiled("joined"), select=["joined/ward"])
    (found,) = made.diagnostics
    assert found.code == "CXR751"
    assert found.message == "1 row breaks a rule of `ward.sentences`: another number of labels in `said`"
    assert len(answers("grouped", tmp_path)) == 20


@pytest.mark.parametrize("numbers", [None, [1, 2], [1, "x"], "1,0", 1])
def test_a_list_that_is_none(numbers: Any, tmp_path: Path) -> None:
    write(tmp_path / "data", rows(), [*SENTENCES, {"study": 99, "numbers": numbers}])
    made = made_up.make(tmp_path / "data", tmp_path / "out", compiled("joined"), select=["joined/ward"])
    assert made_up.codes(made) == [("CXR702" if numbers is None else "CXR701", "joined/ward")]
