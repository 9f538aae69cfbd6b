"""`cxrspec sources`: what is there of each source, and whether it is as declared."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from cxrspec.compiler.catalog import File
from cxrspec.compiler.codes import CODES
from cxrspec.compiler.pipeline import compile
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.presence import Presence
from cxrspec.runtime.sources import Overview, overview

from . import made_up

CANARY = "CANARY-3W"
SOURCE = """\
kind: source
name: lab
title: A made-up laboratory
use: {access: open}
license: CC0 1.0
identity: {space: lab, patient: patient, study: study}
tables:
  pictures:
    read: csv
    files: pictures.csv
    key: file
    count: COUNT
    columns:
      file: text
      patient: text
      study: int
      view: {type: text, values: {PA: PA, AP: AP}}
  notes:
    read: text
    files: notes/{study}.txt
    optional: yes
    columns: {study: int, note: {from: text(), type: text}}
  labels:
    read: jsonl
    files: labels.jsonl
    columns: {study: int, name: text}
"""
PICTURES = "file,patient,study,view\na.png,p1,1,PA\nb.png,p1,2,AP\nc.png,p2,3,PA\n"
LABELS = '{"study": 1, "name": "edema"}\n'


def put(root: Path, pictures: str | None = PICTURES, labels: str | None = LABELS) -> None:
    (root / "lab").mkdir(exist_ok=True)
    for name, text in (("pictures.csv", pictures), ("labels.jsonl", labels)):
        if text is not None:
            (root / "lab" / name).write_text(text, "utf-8")


def look(root: Path, count: str = "3", quick: bool = False) -> tuple[Overview, list[str]]:
    """What there is of the source, and what was told on the way."""
    compilation = compile([File("lab.yaml", "lab.yaml", SOURCE.replace("COUNT", count)), made_up.licenses()])
    assert not compilation.diagnostics
    told: list[str] = []
    (one,) = overview(compilation, Presence(Roots(root, {})), None if quick else told.append)
    assert CANARY not in repr(one)
    assert all(found.code in CODES for found in one.findings)
    return one, told


def test_a_sound_source_is_found(tmp_path: Path) -> None:
    put(tmp_path)
    one, told = look(tmp_path)
    assert (one.state, one.findings) == ("found", ())
    assert one.what == ("notes: no notes/{study}.txt in lab (optional)",)
    assert told == ["reading lab.pictures", "reading lab.labels"]


def test_without_any_file_a_source_is_absent(tmp_path: Path) -> None:
    one, told = look(tmp_path)
    assert (one.state, told) == ("absent", [])
    assert len(one.what) == 3


def cut(root: Path) -> None:
    packed = gzip.compress(PICTURES.encode())
    (root / "lab/pictures.csv").unlink()
    (root / "lab/pictures.csv.gz").write_bytes(packed[: len(packed) // 2])


def empty(root: Path) -> None:
    (root / "lab/labels.jsonl").write_text("", "utf-8")


def gone(root: Path) -> None:
    (root / "lab/labels.jsonl").unlink()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (gone, "labels: no labels.jsonl in lab"),
        (empty, "labels: lab/labels.jsonl an empty file"),
        (cut, "pictures: lab/pictures.csv.gz a damaged archive or compressed file"),
    ],
)
def test_files_that_are_not_all_there(tmp_path: Path, spoil: Callable[[Path], None], what: str) -> None:
    put(tmp_path)
    spoil(tmp_path)
    one, _ = look(tmp_path)
    assert one.state == "incomplete"
    assert what in one.what
    assert all(found.code != "CXR708" for found in one.findings)  # the rows of a broken table are not counted


@pytest.mark.parametrize(
    ("old", "new", "code", "what"),
    [
        ("view\n", "ViewPosition\n", "CXR610", "pictures: `view` a column that the files do not have"),
        (",3,PA", f",{CANARY},PA", "CXR701", "pictures: `study` cells that are not of the column's type"),
        (",3,PA", f",3,{CANARY}", "CXR703", "pictures: `view` cells that `values` does not list"),
        ("c.png", "a.png", "CXR706", "pictures: `file` a key that repeats"),
        ("p2", "", "CXR702", "pictures: `patient` null in a column without `| null`"),
        ("c.png,p2,3,PA\n", "", "CXR708", "pictures: lab/pictures.csv another number of rows than published"),
    ],
)
def test_tables_that_are_not_as_declared(tmp_path: Path, old: str, new: str, code: str, what: str) -> None:
    assert old in PICTURES
    put(tmp_path, PICTURES.replace(old, new))
    one, _ = look(tmp_path)
    assert [found.code for found in one.findings] == [code]
    assert one.state == "drifted"
    assert one.what == ("notes: no notes/{study}.txt in lab (optional)", what)


def test_a_file_that_lacks_counts_for_more_than_one_that_drifted(tmp_path: Path) -> None:
    put(tmp_path, PICTURES.replace("PA", CANARY), None)
    one, _ = look(tmp_path)
    assert (one.state, [found.code for found in one.findings]) == ("incomplete", ["CXR703"])


@pytest.mark.parametrize(("count", "state"), [("[3, 4]", "found"), ("[0, 3]", "found"), ("[4, 9]", "drifted")])
def test_a_count_may_be_a_range(tmp_path: Path, count: str, state: str) -> None:
    put(tmp_path)
    assert look(tmp_path, count)[0].state == state


def test_a_quick_look_reads_nothing(tmp_path: Path) -> None:
    put(tmp_path, CANARY)
    one, told = look(tmp_path, quick=True)
    assert (one.state, one.findings, told) == ("found", (), [])
