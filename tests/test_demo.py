"""The demo's data root: all sources, made whole or not at all; and what the examples made from it are, counted by hand."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cxrspec.runtime import demo, synth
from cxrspec.runtime.output import OutputError

from . import made_up


def nothing(root: Path, scale: float, seed: int) -> None:
    """Make a root without a file."""
    root.mkdir()


SLOWLY = """\
import time
from cxrspec.runtime import demo, synth

def slowly(root, scale, seed):
    root.mkdir()
    time.sleep(0.5)
    (root / "made").write_text("")

synth.synth = slowly
print(demo.demo_root())
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return demo.demo_root()


@dataclass(frozen=True)
class Report:
    findings: str
    impression: str
    images: int


def reports(root: Path) -> Iterator[Report]:
    """The reports, read by the standard library alone."""
    with tarfile.open(root / "openi/NLMCXR_reports.tgz") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            document = ElementTree.fromstring(file.read().decode())
            sections = {e.get("Label"): (e.text or "").strip() for e in document.iter("AbstractText")}
            yield Report(sections["FINDINGS"], sections["IMPRESSION"], len(document.findall("parentImage")))


def patients(root: Path) -> set[str]:
    """The patients of RSNA: its images."""
    with (root / "rsna" / "stage_2_train_labels.csv").open(newline="") as file:
        return {row["patientId"] for row in csv.DictReader(file)}


def test_it_has_every_source(root: Path) -> None:
    assert sorted(folder.name for folder in root.iterdir()) == list(synth.names())
    assert all(any(folder.iterdir()) for folder in root.iterdir())


def test_open_specs_have_the_examples_that_are_there(root: Path, tmp_path: Path) -> None:
    found = list(reports(root))
    wanted = {
        "findings_generation/openi": sum(bool(r.findings and r.images) for r in found),
        "impression_generation/openi": sum(bool(r.impression and r.images) for r in found),
        "findings_summarization/openi": sum(bool(r.findings and r.impression) for r in found),
        "image_classification/rsna": len(patients(root)),
    }
    result = made_up.make(root, tmp_path / "out", select=list(wanted))
    assert result.diagnostics == []
    made = {spec.name: sum(counts.rows for counts in spec.splits.values()) for spec in result.manifest.specs}
    assert made == wanted
    assert all(wanted.values())


def test_the_root_stands_in_the_cache_and_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = demo.demo_root()
    assert first.is_relative_to(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    assert demo.demo_root() == first
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == before


def test_the_root_is_another_when_what_makes_it_changes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(synth, "synth", nothing)
    copy = tmp_path / "synth"
    shutil.copytree(Path(synth.__file__).parent, copy)
    monkeypatch.setattr(synth, "__file__", str(copy / "__init__.py"))
    assert demo.demo_root().name == root.name
    with (copy / "casts" / "nih.py").open("a") as file:
        file.write("\n")
    assert demo.demo_root().name != root.name


def test_several_processes_make_one_root(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLOWLY]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    makers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    roots = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert len(roots) == 1
    assert [path.name for path in (tmp_path / "cxrspec").iterdir()] == [Path(roots.pop()).name]


def test_nothing_stays_of_a_make_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(root: Path, scale: float, seed: int) -> None:
        root.mkdir()
        (root / "half").write_text("a file")
        raise OSError(28, "no space left")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(synth, "synth", no_space)
    with pytest.raises(OutputError):
        demo.demo_root()
    assert list((tmp_path / "cxrspec").iterdir()) == []
