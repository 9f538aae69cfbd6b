"""The census of examples, beside sets of plain Python."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.runtime.census import COLUMNS, Census, census, counts, together, torn
from cxrspec.runtime.emitters import SCHEMA

SPLITS = ("train", "val", "test")
ROW = st.fixed_dictionaries(
    {
        "split": st.sampled_from(SPLITS),
        "images": st.lists(st.sampled_from("abc"), max_size=2),
        "patient_id": st.sampled_from([None, "p", "q", "r"]),
        "study_id": st.sampled_from(["1", "2", "3", "p"]),
    }
)
SPECS = st.dictionaries(st.sampled_from("xyz"), st.lists(ROW, max_size=5))
Rows = list[dict[str, Any]]


def of(rows: Rows) -> Census:
    examples = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in COLUMNS})
    return census({split: examples.filter(split=split) for split in SPLITS})


@settings(max_examples=60, deadline=None)
@given(SPECS)
def test_a_census_of_parts_counts_as_the_whole(specs: dict[str, Rows]) -> None:
    whole = [row for rows in specs.values() for row in rows]
    found = counts(together(of(rows) for rows in specs.values()))
    for split in SPLITS:
        rows = [row for row in whole if row["split"] == split]
        images, studies = {image for row in rows for image in row["images"]}, {row["study_id"] for row in rows}
        assert (found[split].rows, found[split].images, found[split].studies) == (len(rows), len(images), len(studies))


@settings(max_examples=60, deadline=None)
@given(SPECS)
def test_who_stands_on_two_sides_is_said_of_every_spec_that_names_them(specs: dict[str, Rows]) -> None:
    whole = [row for rows in specs.values() for row in rows]
    expected: dict[str, int] = {}
    for name, rows in specs.items():
        for kind in ("patient_id", "study_id"):
            here = {row[kind] for row in rows} - {None}
            two = {one for one in here if len({row["split"] for row in whole if row[kind] == one}) > 1}
            expected[name] = expected.get(name, 0) + len(two)
    assert torn({name: of(rows) for name, rows in specs.items()}) == {n: two for n, two in expected.items() if two}
