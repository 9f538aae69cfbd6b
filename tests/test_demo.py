"""The demo's data root: made whole or not at all, the same every time, with the quirks of the real files in it."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from cxrspec.runtime import demo
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.project import load
from cxrspec.runtime.run import Request, run
from cxrspec.runtime.settings import Settings


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo") / "data"
    demo.make(made)
    return made


@dataclass(frozen=True)
class Report:
    number: int
    findings: str
    impression: str
    images: list[str]
    text: str


def reports(root: Path) -> Iterator[Report]:
    """The reports, read by the standard library alone."""
    with tarfile.open(root / "openi/NLMCXR_reports.tgz") as archive:
        for member in archive.getmembers():
            found = re.fullmatch(r"ecgen-radiology/(\d+)\.xml", member.name)
            file = archive.extractfile(member)
            assert found is not None
            assert file is not None
            document = ElementTree.fromstring(text := file.read().decode())
            sections = {e.get("Label"): e.text or "" for e in document.iter("AbstractText")}
            assert list(sections) == ["COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION"]
            images = [str(e.get("id")) for e in document.findall("parentImage")]
            yield Report(int(found[1]), sections["FINDINGS"], sections["IMPRESSION"], images, text)


def labels(root: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(root / "rsna/kaggle_stage_2_train_labels.csv.zip") as archive:
        assert archive.namelist() == ["stage_2_train_labels.csv"]
        return list(csv.DictReader(io.StringIO(archive.read("stage_2_train_labels.csv").decode())))


def test_openi_has_the_quirks_of_the_real_collection(root: Path) -> None:
    found = list(reports(root))
    numbers = {report.number for report in found}
    assert len(found) >= 36
    assert set(range(1, max(numbers))) - numbers
    assert any(not r.findings for r in found)
    assert any(not r.impression for r in found)
    assert any(not r.images for r in found)
    assert {len(r.images) for r in found} >= {1, 2, 3}
    assert any("XXXX" in r.findings + r.impression for r in found)
    variants = {re.sub(r"\d+", "0", image) for r in found for image in r.images}
    assert variants == {"CXR0_0_IM-0-0", "CXR0_IM-0-0"}
    assert all(f'<uId id="CXR{r.number}"/>' in r.text for r in found)


def test_rsna_has_several_boxes_and_blank_ones(root: Path) -> None:
    rows = labels(root)
    assert list(rows[0]) == ["patientId", "x", "y", "width", "height", "Target"]
    boxes = Counter(row["patientId"] for row in rows)
    assert max(boxes.values()) > 1
    for row in rows:
        blank = [row[name] == "" for name in ("x", "y", "width", "height")]
        assert blank == [row["Target"] == "0"] * 4
    assert all(boxes[row["patientId"]] == 1 for row in rows if row["Target"] == "0")
    assert not (root / "rsna" / "pneumonia-challenge-dataset-mappings_2018.json").exists()


def test_every_spec_that_ships_has_examples(root: Path, tmp_path: Path) -> None:
    compilation = load(tmp_path / "none")
    settings = Settings(root, tmp_path / "out", tmp_path / "none", 1)
    result = run(compilation, Request(settings, list(compilation.specs.values())))
    assert result.diagnostics == []
    made = {spec.name: sum(counts.rows for counts in spec.splits.values()) for spec in result.manifest.specs}
    assert made.keys() == compilation.specs.keys()
    assert all(made.values()), made

    found = list(reports(root))
    assert made["findings_generation/openi"] == sum(bool(r.findings and r.images) for r in found)
    assert made["impression_generation/openi"] == sum(bool(r.impression and r.images) for r in found)
    assert made["findings_summarization/openi"] == sum(bool(r.findings and r.impression) for r in found)
    patients = {row["patientId"]: row["Target"] for row in labels(root)}
    assert made["image_classification/rsna"] == len(patients)
    scan = pl.scan_parquet(tmp_path / "out" / "image_classification" / "rsna" / "*.parquet").collect()
    assert set(scan["split"]) == {"train", "val", "test"}


def test_two_makes_are_equal(root: Path, tmp_path: Path) -> None:
    demo.make(tmp_path / "again")
    files = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file()]
    assert len(files) == 2
    assert all((root / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)


def test_the_root_stands_in_the_cache_and_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = demo.demo_root()
    assert first.is_relative_to(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    assert demo.demo_root() == first
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == before


def test_several_processes_make_one_root(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cxrspec.runtime.demo import demo_root; print(demo_root())"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    makers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    roots = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert len(roots) == 1
    assert [path.name for path in (tmp_path / "cxrspec").iterdir()] == [Path(roots.pop()).name]


def test_nothing_stays_of_a_make_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: object) -> bytes:
        raise OSError(28, "no space left")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(demo, "_zip", no_space)
    with pytest.raises(OutputError):
        demo.demo_root()
    assert list((tmp_path / "cxrspec").iterdir()) == []
