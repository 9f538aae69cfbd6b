"""Runs that write several formats: what is in each, what the output says of them, what a second run does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any

import polars as pl
import pytest

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime import stats
from cxrspec.runtime.formats import formats
from cxrspec.runtime.request import Request, Result
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Images, Settings

from . import made_up
from .chat_rows import BEHIND, CHAT, Row, plain, read, samples

ALL = formats(["parquet", *CHAT, "chexinstruct"])
LINKED = formats(["parquet", "sharegpt", "messages"])  # none of them holds pictures
FINDINGS, SUMMARY, RSNA = "findings_generation/openi", "findings_summarization/openi", "image_classification/rsna"

SPECS = (FINDINGS, SUMMARY, RSNA)


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return made_up.load()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports with `<image>` in their texts, some without images; and radiographs."""
    return made_up.shipped_root(tmp_path_factory.mktemp("formats") / "data", 12)


@pytest.fixture(scope="module")
def whole(data: Path, compilation: Compilation) -> tuple[Path, Result]:
    out = data.parent / "out"
    return out, made_up.make(data, out, compilation, select=SPECS, emit=ALL)


def splits(out: Path, spec: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The examples of each split, in their order."""
    for file in sorted((out / spec).glob("*.parquet")):
        yield file.name.partition("-")[0], pl.read_parquet(file).to_dicts()


def files(out: Path, spec: str, format: str, split: str) -> list[Path]:
    return sorted(path for path in (out / spec / format).rglob(f"{split}-*") if path.is_file())


def test_each_format_has_every_turn(whole: tuple[Path, Result]) -> None:
    out, result = whole
    assert {*result.made} == {*SPECS}
    for format in CHAT:
        escaped = 0
        for spec in result.made:
            suffix = ".dcm" if spec == RSNA else ".png"
            for split, examples in splits(out, spec):
                wanted = plain(examples, BEHIND.get(format, ""))
                found = read(format, files(out, spec, format, split))
                if format == "webdataset":
                    wanted = [row._replace(images=[f"{n}{suffix}" for n, _ in enumerate(row.images)]) for row in wanted]
                assert found == wanted
                escaped += sum("< image>" in row.prompt + row.answer for row in found)
        assert escaped


def test_the_manifest_names_every_file(whole: tuple[Path, Result]) -> None:
    out, result = whole
    told = {file.path: file for spec in result.manifest.specs for file in spec.written}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there == told.keys() | {"manifest.json", "README.md", "croissant.json", "dataset_info.json"}
    for path, file in told.items():
        content = (out / path).read_bytes()
        assert (file.size, file.sha256) == (len(content), sha256(content).hexdigest())
    assert result.manifest.others == ALL.others
    assert f"parquet, {', '.join(ALL.others)}" in (out / "README.md").read_text("utf-8")


def test_counts_are_those_of_a_run_without_them(whole: tuple[Path, Result], tmp_path: Path, data: Path) -> None:
    made_up.make(data, tmp_path / "plain", made_up.load(), select=SPECS)
    assert stats.collect(whole[0]) == stats.collect(tmp_path / "plain")


def test_the_registry_has_every_split_of_every_spec(whole: tuple[Path, Result]) -> None:
    out, result = whole
    registry = json.loads((out / "dataset_info.json").read_text("utf-8"))
    wanted: dict[str, list[Row]] = {}
    for spec in result.made:
        for split, examples in splits(out, spec):
            wanted[f"{spec.replace('/', '--')}--{split}"] = plain(examples)
    assert list(registry) == sorted(wanted)
    for name, entry in registry.items():
        assert read("sharegpt", sorted((out / entry["file_name"]).iterdir())) == wanted[name]


def test_a_second_run_writes_nothing(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    made_up.make(data, tmp_path / "out", compilation, select=SPECS, emit=LINKED)
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")}
    again = made_up.make(data, tmp_path / "out", compilation, select=SPECS, emit=LINKED)
    assert not again.made
    assert {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")} == before


def test_the_registry_is_of_all_that_is_there(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    """Of specs that a run keeps, too; and it is written again where it is gone."""
    out = tmp_path / "out"
    made_up.make(data, out, compilation, select=[FINDINGS, RSNA], emit=LINKED)
    first = (out / "dataset_info.json").read_text("utf-8")
    made_up.make(data, out, compilation, select=[SUMMARY], emit=LINKED)
    names = json.loads((out / "dataset_info.json").read_text("utf-8"))
    assert names.keys() > json.loads(first).keys()
    assert {name.rpartition("--")[0].replace("--", "/") for name in names} == {FINDINGS, RSNA, SUMMARY}
    (out / "dataset_info.json").unlink()
    again = made_up.make(data, out, compilation, select=[SUMMARY], emit=LINKED)
    assert not again.made
    assert json.loads((out / "dataset_info.json").read_text("utf-8")) == names


def test_an_output_without_the_format_has_no_registry(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    made_up.make(data, tmp_path / "out", compilation, select=[RSNA], emit=formats(["llava"]), boxes="unit")
    assert not (tmp_path / "out" / "dataset_info.json").exists()


# ---- pictures

TARS = formats(["webdataset"])


def missing(result: Result) -> list[tuple[str | None, str]]:
    return [(d.spec, d.message) for d in result.diagnostics if d.code == "CXR817" and d.severity == "warning"]


def pictures(out: Path, spec: str) -> list[dict[str, Any]]:
    return [sample for file in sorted((out / spec / "webdataset").iterdir()) for sample in samples(file)]


def named(out: Path, spec: str) -> set[str]:
    return {image for row in made_up.rows(out, spec).values() for image in row["images"]}


def test_pictures_that_are_not_there_are_counted(data: Path, tmp_path: Path, compilation: Compilation) -> None:
    """Once each, however many examples name them. When they are there, the spec is made again."""
    mine, out = copytree(data, tmp_path / "data"), tmp_path / "out"
    first = made_up.make(mine, out, compilation, select=[FINDINGS, SUMMARY], emit=TARS)
    images = sorted(named(out, FINDINGS))
    assert missing(first) == [(FINDINGS, f"{len(images)} pictures are not there: samples lack them")]
    assert not first.failed
    for image in images[1:]:
        made_up.write_text(mine / image, f"picture {image}")
    second = made_up.make(mine, out, compilation, select=[FINDINGS, SUMMARY], emit=TARS)
    assert (second.made, second.kept) == ((FINDINGS,), (SUMMARY,))
    assert missing(second) == [(FINDINGS, "1 picture is not there: samples lack them")]
    assert asdict(second.manifest)["specs"][0]["warnings"] == {"CXR817": 1}
    made_up.write_text(mine / images[0], f"picture {images[0]}")
    third = made_up.make(mine, out, compilation, select=[FINDINGS, SUMMARY], emit=TARS)
    assert not missing(third)
    assert not made_up.make(mine, out, compilation, select=[FINDINGS, SUMMARY], emit=TARS).made
    examples = made_up.rows(out, FINDINGS)
    found = pictures(out, FINDINGS)
    assert len(found) == len(examples)
    for sample in found:
        told = sample["json"]
        shown = [sample[name].decode() for name in told["images"]]
        assert shown == [f"picture {image}" for image in examples[told["id"]]["images"]]
        assert told["missing"] == []


@pytest.mark.parametrize("where", ["roots", "copies"])
def test_pictures_lie_where_the_settings_say(where: str, data: Path, tmp_path: Path, compilation: Compilation) -> None:
    mine, out, elsewhere = copytree(data, tmp_path / "data"), tmp_path / "out", tmp_path / "elsewhere"
    made_up.make(mine, out, compilation, select=[FINDINGS])
    paths = {image.removeprefix("openi/") for image in named(out, FINDINGS)}
    for path in paths:
        made_up.write_text(elsewhere / path.replace(".png", ".jpg" if where == "copies" else ".png"), path)
    settings = Settings(mine, out, Path("no local specs"), 1)
    if where == "roots":
        settings = replace(settings, sources={"openi": (mine / "openi", elsewhere)})
    else:
        settings = replace(settings, images={"openi": Images(elsewhere, "{stem}.jpg")})
    result = run(compilation, Request(settings, [compilation.specs[FINDINGS]], emit=TARS))
    assert result.made == (FINDINGS,)
    assert not missing(result)
    shown = {sample[name].decode() for sample in pictures(out, FINDINGS) for name in sample["json"]["images"]}
    assert shown == paths
