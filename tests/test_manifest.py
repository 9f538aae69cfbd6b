"""manifest.json: what is written reads back, and the order of work does not show."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from cxrspec.runtime.manifest import (
    Authority,
    Counts,
    Failed,
    File,
    Manifest,
    Source,
    Spec,
    Step,
    Unavailable,
    Versions,
    hash_file,
    read,
    write,
)
from cxrspec.runtime.output import OutputError, is_ours

A = Spec("view/a", "view", "a", "f00d")
B = Spec(
    "view/b",
    "view",
    "b",
    "beef",
    row=("View Classification", "B"),
    because="the published rule is not known",
    way="aa",
    inputs={"b.x": "d1", "b.y": "d2"},
    attrition=(Step("b.studies", "has_view", 10, 9), Step("b.studies", "join official", 9, 8)),
    splits={"train": Counts(7, 6, 5), "val": Counts(0, 0, 0)},
    files=(File("view/b/train-00000-of-00001.parquet", 12, "33"),),
    terms={"access": "credentialed"},
    warnings={"CXR310": 2},
    authorities=(Authority("shared", "b.official", {"b.x": "d1"}), Authority("other", "c.own")),
    sources=("a", "b"),
    own_split="a benchmark",
    leak="a passage is asked for",
)
MANIFEST = Manifest(
    Versions("0.1.0", "2.1.0", "0.9.3", "3.11"),
    seed=1,
    mode="default",
    emit="parquet",
    boxes="unit",
    sources=(Source("a", "Source A", "CC0", "https://example.org", (), {"access": "open"}),),
    inputs={"d1": (File("b/x.csv", 3, "11"), File("b/z.csv", 3, "12")), "d2": (File("b/y.csv", 4, "22"),)},
    specs=(A, B),
    failed=(Failed("view/c", ("CXR701",)),),
    unavailable=(Unavailable("view/d", "source `d` is absent", ("View Classification", "D")),),
)


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    write(MANIFEST, tmp_path)
    assert read(tmp_path) == MANIFEST
    assert is_ours(tmp_path)


def test_the_file_holds_the_words_of_the_design(tmp_path: Path) -> None:
    write(MANIFEST, tmp_path)
    found = json.loads((tmp_path / "manifest.json").read_bytes())
    assert found["specs"][1]["splits"]["train"] == {"rows": 7, "images": 6, "studies": 5}
    assert found["specs"][1]["row"] == ["View Classification", "B"]
    assert found["specs"][0]["row"] is None
    assert found["versions"]["polars_hash"] == "0.9.3"


def test_the_file_is_laid_out_as_python_does(tmp_path: Path) -> None:
    """Two blanks a level, names in order, and every character as it is that JSON lets be."""
    characters = "".join(map(chr, range(0x300))) + "\u2028\ufeff\uffff\U0001f600"
    odd = replace(A, because=characters, warnings={"z": 1, "\U0001f600": 2, "\uffff": 3, "a": 4})
    manifest = replace(MANIFEST, specs=(odd, B))
    write(manifest, tmp_path)
    laid_out = json.dumps(asdict(manifest), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert (tmp_path / "manifest.json").read_bytes().decode() == laid_out
    assert read(tmp_path) == manifest


def test_a_manifest_that_was_laid_out_anew_reads_back(tmp_path: Path) -> None:
    text = json.dumps(dict(reversed(asdict(MANIFEST).items())))
    (tmp_path / "manifest.json").write_text(text)
    assert read(tmp_path) == MANIFEST


def test_the_order_of_work_does_not_show(tmp_path: Path) -> None:
    inputs = {digest: files[::-1] for digest, files in MANIFEST.inputs.items()}
    shuffled = replace(MANIFEST, specs=(B, A), inputs=inputs)
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, manifest in ((one, MANIFEST), (other, shuffled)):
        folder.mkdir()
        write(manifest, folder)
    assert (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()


def test_a_folder_without_manifest_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seed": 1', '"seed": "1"'),
        ('"seed": 1', '"seed": true'),
        ('"seed": 1', '"seed": null'),
        ('"seed": 1', '"grain": 1'),
        ('"default"', '"other"'),
        ('"rows": 7', '"rows": 7, "more": 1'),
        ('"size": 12', '"size": 12.5'),
        ('"View Classification",', ""),
        ("{", "["),
        ("}", ""),
    ],
)
def test_a_damaged_manifest_is_said(tmp_path: Path, old: str, new: str) -> None:
    write(MANIFEST, tmp_path)
    path = tmp_path / "manifest.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(OutputError) as caught:
        read(tmp_path)
    assert caught.value.diagnostic.code == "CXR806"
    assert str(path) in caught.value.diagnostic.message


def test_a_file_is_hashed_again_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in (b"one", b"three"):
        path.write_bytes(text)
        assert hash_file(path) == hashlib.sha256(text).hexdigest()


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = hash_file(path)

    def closed(*_: object) -> None:
        pytest.fail("opened again")

    monkeypatch.setattr(Path, "open", closed)
    assert hash_file(path) == first
