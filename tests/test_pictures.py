"""The pictures that specs name, and which of them are there: counted by hand, and against what a run writes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import polars as pl

from cxrspec.compiler.catalog import File
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.pictures import Pictures, named, pictures, there
from cxrspec.runtime.settings import Images, Settings

from . import made_up
from .case_files import but_unused

SOURCE = """\
kind: source
name: lab
title: A made-up laboratory
use: {access: open}
license: CC0 1.0
identity: {space: lab, patient: none, study: file}
tables:
  pictures:
    read: csv
    files: pictures.csv
    key: file
    columns: {file: text, seen: bool, other: text | null}
  lying:
    read: files
    files: png/{name}
    packed: png.zip
    columns: {name: text}
splits:
  all: {constant: test}
"""
TASK = """\
kind: task
name: Look
inputs: {images: list of image}
turns:
  - form: look
    prompt: What is there?
    answer: {format: text, text: '"Lungs."'}
"""
SPEC = """\
kind: spec
task: look
source: lab
from: pictures
where: seen
key: file
bind: {images: IMAGES}
"""
OTHER = """\
kind: source
name: far
title: Pictures of another laboratory
use: {access: open}
license: CC0 1.0
identity: {space: far, patient: none, study: file}
tables:
  list:
    read: csv
    files: list.csv
    columns: {file: text}
splits:
  all: {constant: test}
"""
BOTH = """'present([image(f"png/{file}"), if other is null then image(file) else image(other, "far")])'"""
OWN = """'[image(f"png/{file}")]'"""


def laboratory(images: str = OWN) -> Compilation:
    texts = {"lab.yaml": SOURCE, "far.yaml": OTHER, "task.yaml": TASK, "spec.yaml": SPEC.replace("IMAGES", images)}
    compilation = compile([*(File(name, name, text) for name, text in texts.items()), made_up.licenses()])
    assert not but_unused(compilation)
    return compilation


def put(data: Path, *rows: str) -> None:
    (data / "lab/png").mkdir(parents=True)
    (data / "lab/pictures.csv").write_text("\n".join(["file,seen,other", *rows]) + "\n", "utf-8")


def settings(data: Path, **images: Images) -> Settings:
    return Settings(data, Path("out"), Path("specs"), 1, {}, images)


def look(compilation: Compilation, settings: Settings) -> list[Pictures]:
    return pictures(compilation, settings, lambda _: None)


def test_pictures_there_missing_and_packed(tmp_path: Path) -> None:
    put(tmp_path, "a.png,1,", "b.png,1,", "c.png,1,", "d.png,1,", "unseen.png,0,")
    (tmp_path / "lab/png/a.png").touch()
    with zipfile.ZipFile(tmp_path / "lab/png.zip", "w") as archive:
        for name in ("a", "b", "c", "unseen"):
            archive.writestr(f"png/{name}.png", "")
    assert look(laboratory(), settings(tmp_path)) == [Pictures("lab", named=4, missing=1, packed=2)]


def test_converted_copies_are_looked_for_in_their_place(tmp_path: Path) -> None:
    put(tmp_path / "data", "a.dcm,1,", "b.dcm,1,", "c.dcm,1,")
    (tmp_path / "copies/png").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.dcm"):
        (tmp_path / "copies/png" / name).touch()
    mapped = Images(tmp_path / "copies", "{parent}/{stem}.png")
    assert look(laboratory(), settings(tmp_path / "data", lab=mapped)) == [Pictures("lab", 3, 1, 0)]
    with zipfile.ZipFile(tmp_path / "data/lab/png.zip", "w") as archive:
        archive.writestr("png/c.dcm", "")
    assert look(laboratory(), settings(tmp_path / "data", lab=mapped)) == [Pictures("lab", 3, 1, 0)]


def test_a_picture_belongs_to_the_source_it_lies_in(tmp_path: Path) -> None:
    put(tmp_path, "a.png,1,x/1.png", "b.png,1,x/1.png", "c.png,1,x/2.png", "d.png,1,")
    (tmp_path / "far/x").mkdir(parents=True)
    (tmp_path / "far/x/2.png").touch()
    (tmp_path / "lab/d.png").touch()
    assert look(laboratory(BOTH), settings(tmp_path)) == [Pictures("far", 2, 1, 0), Pictures("lab", 5, 4, 0)]


def test_without_data_no_picture_is_named(tmp_path: Path) -> None:
    assert look(laboratory(), settings(tmp_path)) == []


def test_a_broken_table_names_what_it_can(tmp_path: Path) -> None:
    put(tmp_path, "a.png,1,", "b.png,CANARY,", ",1,")
    told: list[str] = []
    assert pictures(laboratory(), settings(tmp_path), told.append) == [Pictures("lab", 1, 1, 0)]
    assert "CANARY" not in " ".join(told)


def test_the_pictures_named_are_those_a_run_writes(tmp_path: Path) -> None:
    data = made_up.extra_root(tmp_path / "data")
    compilation = made_up.load(made_up.EXTRA)
    result = made_up.make(data, tmp_path / "out", compilation, seed=3)
    written = {
        image
        for spec in result.made
        for row in made_up.rows(tmp_path / "out", spec).values()
        for image in row["images"]
    }
    found = named(compilation, Roots(data, {}), 3, lambda _: None)
    assert len(written) > 50
    assert {f"{source}/{path}" for source, paths in found.items() for path in paths} == written


def test_names_of_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("one/a b.png", "one/two/ü.png", "top.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    places = ["one/a b.png", "one/two/ü.png", "top.png", "one/ü.png", "none/a b.png", str(tmp_path / "top.png"), "one"]
    assert there(tmp_path, pl.Series(places)).to_list() == [True, True, True, False, False, True, True]
