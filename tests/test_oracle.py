"""Every example of the specs that ship against an oracle in plain Python, on made-up data and, where it is, on the real data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxrspec.runtime import stats

from . import made_up
from .oracle.examples import Examples, example
from .oracle.openi_rsna import nih_images, openi, pneumonia, rsna

REAL = os.environ.get("CXRSPEC_REAL_DATA")
needs_real_data = pytest.mark.skipif(REAL is None, reason="CXRSPEC_REAL_DATA names no data root")

ORACLES: dict[str, Callable[[Path, int], Examples]] = {
    "findings_generation/openi": lambda root, seed: openi(root, "findings_generation", seed),
    "impression_generation/openi": lambda root, seed: openi(root, "impression_generation", seed),
    "findings_summarization/openi": lambda root, seed: openi(root, "findings_summarization", seed),
    "image_classification/rsna": rsna,
}
COUNTS = {
    "findings_generation/openi": {"test": (3337, 6473, 3337)},
    "impression_generation/openi": {"test": (3820, 7418, 3820)},
    "findings_summarization/openi": {"test": (3419, 0, 3419)},
    "image_classification/rsna": {
        "train": (18678, 18678, 18678),
        "val": (4003, 4003, 4003),
        "test": (4003, 4003, 4003),
    },
}


def compare(root: Path, out: Path, seed: int) -> None:
    result = made_up.make(root, out, seed=seed)
    assert not result.diagnostics
    for spec, oracle in ORACLES.items():
        expected = oracle(root, seed)
        found = {id: example(row) for id, row in made_up.rows(out, spec).items()}
        assert found.keys() == expected.keys()
        assert {id for id in found if found[id] != expected[id]} == set()
        assert found


@pytest.mark.parametrize("seed", [1, 20])
def test_every_made_up_example_is_the_oracle_s(tmp_path: Path, seed: int) -> None:
    made_up.shipped_root(tmp_path / "data")
    compare(tmp_path / "data", tmp_path / "out", seed)


def test_rows_linked_to_nih_are_nih_s(tmp_path: Path) -> None:
    """The mapping file moves rows to another space, patient and study, and changes no draw and no split."""
    data = made_up.shipped_root(tmp_path / "data")
    patients = sorted(pneumonia(data))
    made_up.write_nih_map(
        data, {patient: f"{place:08d}_001.png" for place, patient in enumerate(patients) if place % 3}
    )
    assert 0 < len(nih_images(data)) < len(patients)
    compare(data, tmp_path / "out", 1)
    spaces = {row["space"] for row in made_up.rows(tmp_path / "out", "image_classification/rsna").values()}
    assert spaces == {"nih", "rsna"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real data root, and an output made from it."""
    root, out = Path(str(REAL)), tmp_path_factory.mktemp("real") / "out"
    compare(root, out, 1)
    return root, out


@needs_real_data
def test_every_real_example_is_the_oracle_s(real: tuple[Path, Path]) -> None:
    assert sum(len(made_up.rows(real[1], spec)) for spec in ORACLES) == 3337 + 3820 + 3419 + 26684


@needs_real_data
def test_the_published_counts(real: tuple[Path, Path]) -> None:
    found = {spec: counted(real[1], spec) for spec in COUNTS}
    assert found == COUNTS


@needs_real_data
def test_the_published_positives(real: tuple[Path, Path]) -> None:
    labels = pneumonia(real[0])
    splits = dict.fromkeys(("train", "val", "test"), 0)
    for id, row in made_up.rows(real[1], "image_classification/rsna").items():
        positive = labels[id.rpartition("/")[2]]
        splits[row["split"]] += positive
        assert row["turns"][0]["answer"] == ("Yes" if positive else "No")
    assert splits == {"train": 4162, "val": 928, "test": 922}


@needs_real_data
def test_a_published_run_rebuilds_the_rows(tmp_path: Path) -> None:
    """With the defect of the published rule: 27 first letters stood for the studies of 3,419 reports."""
    result = made_up.make(Path(str(REAL)), tmp_path / "out", made_up.load(published=True), published=True)
    assert not result.failed
    wanted = COUNTS | {"findings_summarization/openi": {"test": (3419, 0, 27)}}
    assert {spec: counted(tmp_path / "out", spec) for spec in COUNTS} == wanted
    told = stats.collect(tmp_path / "out")
    reasons = stats.reasons(result.manifest)
    assert "4 of 4 rows equal" in stats.differences(told, stats.published(), reasons)


def counted(out: Path, spec: str) -> dict[str, tuple[int, int, int]]:
    """Rows, distinct images and distinct studies of each split that has any."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in made_up.rows(out, spec).values():
        found.setdefault(row["split"], []).append(row)
    return {
        split: (len(rows), len({i for row in rows for i in row["images"]}), len({row["study_id"] for row in rows}))
        for split, rows in found.items()
    }
