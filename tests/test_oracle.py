"""Every example of the specs that ship against an oracle in plain Python, on made-up data and, where it is, on the real data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from cxrspec.runtime import stats
from cxrspec.runtime.request import Result

from . import made_up
from .corpus import SEEDS, compilation, corpus
from .oracle import (
    brax,
    chexpert,
    mimic_images,
    mimic_questions,
    mimic_reports,
    mimic_texts,
    ms_cxr,
    nih,
    object_cxr,
    openi,
    padchest,
    rexgradient,
    siim,
    vindr,
)
from .oracle.examples import Example, Examples, Oracle, example

FAMILIES = (
    *(brax, chexpert, mimic_images, mimic_questions, mimic_reports, mimic_texts, ms_cxr, nih, object_cxr),
    *(openi, padchest, rexgradient, siim, vindr),
)
ORACLES: dict[str, Oracle] = {spec: oracle for family in FAMILIES for spec, oracle in family.ORACLES.items()}


def rebuilt(spec: str) -> bool:
    """Whether a published run makes the spec from what can be downloaded."""
    published = compilation().specs[spec].spec.published
    return published is None or published.rebuilds


CASES = [(spec, published) for spec in ORACLES for published in (False, True) if not published or rebuilt(spec)]


def test_every_spec_has_an_oracle() -> None:
    assert ORACLES.keys() == compilation().specs.keys()


@pytest.mark.parametrize("seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[1:])])
@pytest.mark.parametrize(
    ("spec", "published"), CASES, ids=[f"{spec}-{'published' if published else 'default'}" for spec, published in CASES]
)
def test_every_made_up_example_is_the_oracle_s(spec: str, published: bool, seed: int) -> None:
    made = corpus(seed, published)
    expected = ORACLES[spec](made.data, seed, published)
    compare(made.out, spec, expected)
    told = next(one for one in made.result.manifest.specs if one.name == spec)
    counts = {split: (c.rows, c.images, c.studies) for split, c in told.splits.items() if c.rows}
    assert counts == counted(expected.values())


THIRDS = {"train", "val", "test"}


SEED = 2  # with which the few patients of each source are drawn into every split that they can stand in


@pytest.mark.parametrize(
    ("absent", "specs", "splits"),
    [
        (
            "mimic_cxr/mimic-cxr-2.0.0-split.csv.gz",
            ["view_classification/mimic_cxr", "image_classification/cxr_lt", "named_entity_recognition/radgraph"],
            THIRDS,
        ),
        ("chexpert/CheXpert-v1.0-small", ["impression_generation/chexpert_plus"], THIRDS),
        ("chestxray14/test_list.txt", ["image_classification/rsna", "image_classification/covidx"], THIRDS),
        ("rad_restruct/data", ["findings_generation/openi"], {"test"}),
    ],
)
def test_without_its_authority_a_patient_stands_where_the_space_says(
    absent: str, specs: list[str], splits: set[str], tmp_path: Path
) -> None:
    data, source = corpus(1).data, absent.partition("/")[0]
    (tmp_path / source).mkdir()
    for path in [*data.glob("*"), *data.glob(f"{source}/*")]:
        link = tmp_path / path.relative_to(data)
        if not link.exists() and path != data / absent:
            link.symlink_to(path)
    assert not made_up.make(tmp_path, tmp_path / "out", compilation(), select=specs, seed=SEED).diagnostics
    for spec in specs:
        expected = ORACLES[spec](tmp_path, SEED, False)
        compare(tmp_path / "out", spec, expected)
        assert counted(expected.values()).keys() == splits


def compare(out: Path, spec: str, expected: Examples) -> None:
    """Every example of a spec is the expected one."""
    found = {id: example(row) for id, row in made_up.rows(out, spec).items()}
    assert found.keys() == expected.keys()
    assert {id for id in found if found[id] != expected[id]} == set()


def counted(examples: Iterable[Example]) -> dict[str, tuple[int, int, int]]:
    """Rows, distinct images and distinct studies of each split that has any."""
    found: dict[str, list[Example]] = {}
    for one in examples:
        found.setdefault(one.split, []).append(one)
    return {
        split: (len(rows), len({i for one in rows for i in one.images}), len({one.study for one in rows}))
        for split, rows in found.items()
    }


# ---- OpenI and RSNA, on the real data where it is

REAL = os.environ.get("CXRSPEC_REAL_DATA")
needs_real_data = pytest.mark.skipif(REAL is None, reason="CXRSPEC_REAL_DATA names no data root")

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


def made_from(root: Path, out: Path, published: bool = False) -> Result:
    """The run of the specs on open data, each of whose examples is the oracle's."""
    result = made_up.make(root, out, compilation(published), select=[*COUNTS], published=published)
    assert not result.failed
    for spec in COUNTS:
        compare(out, spec, ORACLES[spec](root, 1, published))
    return result


def counts(out: Path) -> dict[str, dict[str, tuple[int, int, int]]]:
    return {spec: counted(map(example, made_up.rows(out, spec).values())) for spec in COUNTS}


def test_rows_linked_to_nih_are_nih_s(tmp_path: Path) -> None:
    """The mapping file moves rows to another space, patient and study."""
    data = made_up.shipped_root(tmp_path / "data")
    patients = sorted(nih.pneumonia(data))
    made_up.write_nih_map(
        data, {patient: f"{place:08d}_001.png" for place, patient in enumerate(patients) if place % 3}
    )
    assert 0 < len(nih.nih_images(data)) < len(patients)
    made_from(data, tmp_path / "out")
    spaces = {row["space"] for row in made_up.rows(tmp_path / "out", "image_classification/rsna").values()}
    assert spaces == {"nih", "rsna"}


@needs_real_data
def test_every_real_example_is_the_oracle_s(tmp_path: Path) -> None:
    root, out = Path(str(REAL)), tmp_path / "out"
    made_from(root, out)
    assert counts(out) == COUNTS
    labels = nih.pneumonia(root)
    splits = dict.fromkeys(("train", "val", "test"), 0)
    for id, row in made_up.rows(out, "image_classification/rsna").items():
        positive = labels[id.rpartition("/")[2]]
        splits[row["split"]] += positive
        assert row["turns"][0]["answer"] == ("Yes" if positive else "No")
    assert splits == {"train": 4162, "val": 928, "test": 922}  # published


@needs_real_data
def test_a_published_run_rebuilds_the_rows(tmp_path: Path) -> None:
    """With the defect of the published rule: 27 first letters stood for the studies of 3,419 reports."""
    wanted = COUNTS | {"findings_summarization/openi": {"test": (3419, 0, 27)}}
    result = made_from(Path(str(REAL)), tmp_path / "out", published=True)
    assert counts(tmp_path / "out") == wanted
    told, reasons = stats.collect(tmp_path / "out"), stats.reasons(result.manifest)
    assert "4 of 4 rows equal" in stats.differences(told, stats.published(), reasons)
