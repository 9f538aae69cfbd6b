"""What ships, run as a whole over made-up data: every spec gives examples, every filter works, nobody stands on two sides."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from cxrspec.compiler import plan as p
from cxrspec.runtime import stats

from . import made_up
from .corpus import Corpus, compilation, corpus, root

SPECS = sorted(compilation().specs)
SPECS_OF_MIMIC = [
    "findings_generation/mimic_cxr",
    "findings_summarization/mimic_cxr",
]  # with a rule of its own, without


@pytest.fixture(scope="module")
def default() -> Corpus:
    return corpus(1)


@pytest.fixture(scope="module")
def published() -> Corpus:
    return corpus(1, published=True)


def test_there_is_a_spec_for_each_published_row() -> None:
    rows = {spec.spec.published.row for spec in compilation().specs.values() if spec.spec.published}
    assert rows == set(stats.published())
    assert len(SPECS) == len(rows) == 55


def test_every_spec_gives_examples(default: Corpus) -> None:
    assert not default.result.diagnostics
    assert [spec.name for spec in default.result.manifest.specs] == SPECS
    assert [s.name for s in default.result.manifest.specs if not sum(c.rows for c in s.splits.values())] == []


def filters(spec: str) -> set[tuple[str, str]]:
    """The filters that a spec and the tables it is made from declare: (relation, name)."""
    plan = compilation().specs[spec].plan
    assert plan is not None
    declared = [r for r in plan.relations if not r.name.startswith("space ")]
    return {(r.name, node.name) for r in declared for node in r.nodes if isinstance(node, p.Filter)}


@pytest.mark.parametrize("spec", SPECS)
def test_every_filter_takes_some_rows_and_leaves_some(default: Corpus, spec: str) -> None:
    made = next(one for one in default.result.manifest.specs if one.name == spec)
    steps = {(x.relation, x.step): (x.rows_in, x.rows_out) for x in made.attrition}
    kept = {key: steps[key] for key in filters(spec)}
    assert {key: numbers for key, numbers in kept.items() if not 0 < numbers[1] < numbers[0]} == {}


def sides(found: Corpus) -> dict[str, set[str]]:
    """Each patient (study, where no patient is known) of a space with the splits it stands in, over all specs."""
    own = {name for name, spec in found.compilation.specs.items() if spec.spec.own_split}
    seen: dict[str, set[str]] = defaultdict(set)
    for spec in found.result.manifest.specs:
        if spec.name not in own:
            for row in made_up.rows(found.out, spec.name).values():
                seen[row["patient_id"] or row["study_id"]].add(row["split"])
    return seen


def test_no_patient_stands_on_two_sides(default: Corpus) -> None:
    found = sides(default)
    spaces = {who.partition("/")[0] for who in found}
    assert spaces >= {"mimic", "chexpert", "nih", "openi", "bimcv"}
    assert {who for who, splits in found.items() if len(splits) > 1} == set()


def test_a_published_run_finds_the_patients_on_two_sides(published: Corpus) -> None:
    """Planted: patients of MIMIC, of NIH, and reports of OpenI whose sources' own splits conflict."""
    found = {who for who, splits in sides(published).items() if len(splits) > 1}
    assert {who.partition("/")[0] for who in found} >= {"mimic", "nih", "openi"}
    warned = {d.spec for d in published.result.diagnostics if d.code == "CXR813"}
    assert {"image_classification/cxr_lt", "image_classification/rsna", "findings_generation/openi"} <= warned


def test_a_published_run_makes_the_rows_that_can_be_rebuilt(published: Corpus) -> None:
    assert [d for d in published.result.diagnostics if d.severity == "error"] == []
    skipped = {one.name: one.reason for one in published.result.manifest.unavailable}
    assert all(reason.startswith("rebuilds: no (") for reason in skipped.values())
    assert len(published.result.manifest.specs) == 36
    assert {*skipped, *(one.name for one in published.result.manifest.specs)} == set(SPECS)


def test_a_marked_image_without_its_picture_gives_no_example(default: Corpus, tmp_path: Path) -> None:
    """Its boxes need its size; without them it would be said to show nothing."""
    spec, left_out = "foreign_object_detection/object_cxr", "dev/00001.jpg"
    folder = tmp_path / "data" / "object_cxr"
    shutil.copytree(default.data / "object_cxr", folder)
    with zipfile.ZipFile(default.data / "object_cxr/dev.zip") as old, zipfile.ZipFile(folder / "dev.zip", "w") as new:
        for name in set(old.namelist()) - {left_out}:
            new.writestr(name, old.read(name))
    made_up.make(tmp_path / "data", tmp_path / "out", compilation(), select=[spec])
    before, after = (made_up.rows(out, spec) for out in (default.out, tmp_path / "out"))
    assert before.keys() - after.keys() == {f"{spec}/{left_out}"}
    assert before[f"{spec}/{left_out}"]["boxes"]


def test_a_row_of_private_text_is_made_where_the_text_is(tmp_path: Path) -> None:
    """`rebuilds: no` with a rule of its own: of three studies with such text one has nothing left without earlier ones."""
    rows = made_up.rows(corpus(1).out, SPECS_OF_MIMIC[0]).values()
    studies = [row["study_id"].rpartition("/")[2] for row in rows][:3]
    texts = dict(zip(studies, ("Made up: clear lungs.", "The tube was removed.", "Made up: a nodule."), strict=True))
    shutil.copytree(root(1) / "mimic_cxr", tmp_path / "data" / "mimic_cxr")
    private = {"findings": {f"s{study}": text for study, text in texts.items()}, "impression": {}}
    (tmp_path / "data" / "mimic_cxr" / "mimic_cxr_struct.json").write_text(json.dumps(private), encoding="utf-8")
    rebuilding = compilation(published=True)
    result = made_up.make(tmp_path / "data", tmp_path / "out", rebuilding, select=SPECS_OF_MIMIC, published=True)
    assert not result.failed
    rows = made_up.rows(tmp_path / "out", SPECS_OF_MIMIC[0]).values()
    expected = {f"mimic/{study}": text for study, text in texts.items() if "removed" not in text}
    assert {row["study_id"]: row["turns"][0]["answer"] for row in rows} == expected
    assert [row["origin"] for row in rows] == [["generated"]] * 2
    (skipped,) = result.manifest.unavailable
    assert skipped.name == SPECS_OF_MIMIC[1]
    assert skipped.reason.startswith("rebuilds: no (")
