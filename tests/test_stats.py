"""Counts of an output, the tables of the data card, and the card."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.runtime import manifest
from cxrspec.runtime.card import card
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.manifest import Failed, File, Manifest, Source, Spec, Step, Unavailable, Versions
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.stats import (
    COLUMNS,
    Figures,
    Stats,
    Title,
    collect,
    differences,
    markdown,
    published,
    reasons,
    table,
)
from cxrspec.runtime.writing import Writer

SPLITS = ("train", "val", "test")
VERSIONS = Versions("0.1.0", "2.1.0", "0.9.3", "3.11")

# A card by hand. The numbers of images and studies are no sums: they are distinct over both rows.
KNOWN: dict[Title, Figures] = {
    ("View Classification", "B"): (1200, 0, 3, 1100, 0, 3, 900, 0, 3),
    ("Findings", "A"): (10, 1, 1, 0, 0, 0, 5, 1, 1),
}
TOTAL = (1210, 1, 4, 1100, 0, 3, 903, 1, 4)
CARD = """\
# Instruction Tuning Data for CXR

## Data Summary

|                 | Total   |
|:----------------|:--------|
| train           | 1,210   |
| val             | 1       |
| test            | 4       |
| images (train)  | 1,100   |
| images (val)    | 0       |
| images (test)   | 3       |
| studies (train) | 903     |
| studies (val)   | 1       |
| studies (test)  | 4       |

## All the datasets

|                           | train   | val   | test   | images (train)   | images (val)   | images (test)   \
| studies (train)   | studies (val)   | studies (test)   |
|:--------------------------|:--------|:------|:-------|:-----------------|:---------------|:----------------\
|:------------------|:----------------|:-----------------|
| [View Classification] [B] | 1,200   | 0     | 3      | 1,100            | 0              | 3               \
| 900               | 0               | 3                |
| [Findings] [A]            | 10      | 1     | 1      | 0                | 0              | 0               \
| 5                 | 1               | 1                |
| Total                     | 1,210   | 1     | 4      | 1,100            | 0              | 3               \
| 903               | 1               | 4                |"""


def test_the_tables_have_the_form_of_the_card() -> None:
    assert markdown(Stats(KNOWN, TOTAL, {}), KNOWN) == CARD


def test_rows_stand_in_the_published_order_and_others_after_by_name() -> None:
    rows = dict.fromkeys([("z", "z"), ("b", "b"), ("a", "a"), ("y", "y")], (0,) * 9)
    text = markdown(Stats(rows, (0,) * 9, {}), {("y", "y"): (0,) * 9, ("x", "x"): (0,) * 9, ("b", "b"): (0,) * 9})
    assert [line[2:9] for line in text.splitlines() if line.startswith("| [")] == [
        "[y] [y]",
        "[b] [b]",
        "[a] [a]",
        "[z] [z]",
    ]


def test_a_bar_in_a_cell_does_not_cut_it() -> None:
    assert table(["", "why"], [["a", "b|c\nd"]]).splitlines()[-1] == "| a  | b\\|c d |"


@pytest.mark.skipif("CXRSPEC_REAL_DATA" not in os.environ, reason="CXRSPEC_REAL_DATA names no folder of real data")
def test_the_published_table_gives_the_published_card() -> None:
    shared = Path(os.environ["CXRSPEC_REAL_DATA"]).resolve().parent
    with (shared / "published.csv").open(encoding="utf-8", newline="") as file:
        total = tuple(int(cell) for cell in list(csv.reader(file))[-1][2:])
    assert markdown(Stats(published(), total, {})) == (shared / "card.md").read_text(encoding="utf-8")


def test_the_packaged_table_adds_up() -> None:
    """Its own last line, which `published` leaves out, holds the sums of its examples."""
    path = Path(__file__).parent.parent / "specs" / "published.csv"
    last = path.read_text(encoding="utf-8").splitlines()[-1].split(",")
    rows = published()
    assert len(rows) == 55
    assert [sum(figures[i] for figures in rows.values()) for i in range(3)] == [int(cell) for cell in last[2:5]]
    assert rows == published(path)


@pytest.mark.parametrize("text", ["", "task,source\na,b\n", "task,source,train\na,b,many\n"])
def test_another_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.csv").write_text(text)
    with pytest.raises(OutputError) as caught:
        published(tmp_path / "other.csv")
    assert caught.value.diagnostic.code == "CXR808"


# An output of two specs that share pictures, studies of one name in two spaces, and one spec without rows.

EXAMPLE = st.fixed_dictionaries(
    {
        "split": st.sampled_from(SPLITS),
        "space": st.sampled_from(["mimic", "nih"]),
        "study_id": st.sampled_from("123"),
        "patient_id": st.sampled_from([None, "p"]),
        "images": st.lists(st.sampled_from("abcd"), max_size=3),
    }
).map(lambda row: row | {"study_id": f"{row['space']}/{row['study_id']}"})
OUTPUT = st.fixed_dictionaries(
    {name: st.lists(EXAMPLE, max_size=8) for name in ("view/a", "view/b", "findings/a", "findings/b")}
)
ROWS: dict[str, Title | None] = {
    "view/a": ("View", "Both"),
    "view/b": ("View", "Both"),
    "findings/a": ("Findings", "A"),
}


def write_output(out: Path, emit: str, specs: dict[str, list[dict[str, Any]]]) -> Manifest:
    made: list[Spec] = []
    for name, rows in specs.items():
        task, source = name.split("/")
        texts = {"id": "x", "task": task, "source": source, "target": "x"}
        lists: dict[str, list[Any]] = {"sizes": [], "turns": [], "boxes": [], "origin": []}
        frame = pl.DataFrame([{**row, **texts, **lists} for row in rows], schema=SCHEMA)
        writer = Writer(out / name, Formats(emit))
        writer.add(frame)
        paths, _ = writer.finish()
        files = tuple(File(str(path.relative_to(out)), 0, "") for path in paths[emit])
        made.append(Spec(name, task, source, "f00d", row=ROWS.get(name), files=files))
    written = Manifest(VERSIONS, 1, "default", emit, specs=tuple(made))
    manifest.write(written, out)
    return written


def counted(rows: list[dict[str, Any]]) -> Figures:
    """The figures by sets and counters of plain Python."""
    images = {(row["split"], image) for row in rows for image in row["images"]}
    studies = {(row["split"], row["space"], row["study_id"]) for row in rows}
    counts = [Counter(row["split"] for row in rows), Counter(s for s, _ in images), Counter(s for s, _, _ in studies)]
    return tuple(count[split] for count in counts for split in SPLITS)


@pytest.mark.parametrize("emit", ["parquet", "jsonl"])
@settings(max_examples=25, deadline=None)
@given(specs=OUTPUT)
def test_counts_are_those_of_plain_sets(emit: str, specs: dict[str, list[dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        write_output(Path(folder), emit, specs)
        stats = collect(Path(folder))
    groups = {
        ("View", "Both"): [*specs["view/a"], *specs["view/b"]],
        ("Findings", "A"): specs["findings/a"],
        ("findings", "b"): specs["findings/b"],
    }
    assert stats.rows == {title: counted(rows) for title, rows in groups.items()}
    assert stats.total == counted([row for rows in specs.values() for row in rows])
    unlinked = {title: sum(row["patient_id"] is None for row in rows) for title, rows in groups.items()}
    assert stats.unlinked == {title: count for title, count in unlinked.items() if count}


def test_an_output_without_specs_counts_nothing(tmp_path: Path) -> None:
    write_output(tmp_path, "parquet", {})
    assert collect(tmp_path) == Stats({}, (0,) * len(COLUMNS), {})


def no_manifest(out: Path) -> None:
    (out / "manifest.json").unlink()


def no_file(out: Path) -> None:
    next(out.rglob("*.parquet")).unlink()


def half_a_file(out: Path) -> None:
    path = next(out.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize("damage", [no_manifest, no_file, half_a_file])
def test_an_output_that_does_not_read_is_said(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    row = {"split": "val", "space": "canary", "study_id": "canary", "patient_id": None, "images": ["canary"]}
    write_output(tmp_path, "parquet", {"view/a": [row]})
    damage(tmp_path)
    with pytest.raises(OutputError) as caught:
        collect(tmp_path)
    assert caught.value.diagnostic.code == "CXR806"
    assert "canary" not in caught.value.diagnostic.message


def test_differences_come_with_their_reasons() -> None:
    against: dict[Title, Figures] = {**KNOWN, ("Same", "S"): (1,) * 9, ("Gone", "1"): (1,) * 9, ("Gone", "2"): (1,) * 9}
    ours: dict[Title, Figures] = {
        ("View Classification", "B"): (1201, 0, 3, 1100, 0, 3, 900, 0, 1),
        ("Findings", "A"): KNOWN["Findings", "A"],
        ("Same", "S"): (1,) * 9,
        ("Own", "O"): (5,) * 9,
    }
    said = {
        ("View Classification", "B"): "The rule is unknown.",
        ("Gone", "1"): "no source",
        ("Gone", "2"): "no source",
    }
    assert differences(Stats(ours, TOTAL, {}), against, said) == (
        """\
## Against the published table

2 of 3 rows equal in every figure.

### [View Classification] [B]

The rule is unknown.

|                | ours   | published   | difference   |
|:---------------|:-------|:------------|:-------------|
| train          | 1,201  | 1,200       | +1           |
| studies (test) | 1      | 3           | -2           |

### Not made

- no source: [Gone] [1], [Gone] [2]"""
    )


def test_reasons_are_those_of_the_manifest() -> None:
    made = (Spec("v/a", "v", "a", "f00d", row=("V", "A"), because="why"), Spec("v/b", "v", "b", "beef"))
    failed = (Failed("v/c", ("CXR701", "CXR702"), ("V", "C")), Failed("v/e", ("CXR701",)))
    gone = (Unavailable("v/d", "source `d` is absent", ("V", "D")),)
    found = reasons(Manifest(VERSIONS, 1, "default", "parquet", specs=made, failed=failed, unavailable=gone))
    assert found == {("V", "A"): "why", ("V", "C"): "stopped by CXR701, CXR702", ("V", "D"): "source `d` is absent"}


FULL = Manifest(
    VERSIONS,
    1729,
    "published",
    "parquet",
    sources=(
        Source(
            "a",
            "The A set",
            "Data Use | Agreement",
            "https://example.org/a",
            ("A. Author. The A set. 2020.",),
            {"redistribute": "no"},
        ),
    ),
    specs=(
        Spec(
            "view/a",
            "view",
            "a",
            "f00d",
            attrition=(Step("a.studies", "has_view", 1500, 1200),),
            files=tuple(
                File(f"view/a/{split}-0000{n}-of-00002.parquet", 1, "") for split in ("train", "val") for n in (0, 1)
            ),
            terms={"redistribute": "no"},
            leak="the view is asked for twice",
        ),
        Spec("view/empty", "view", "empty", "beef"),
    ),
    failed=(Failed("view/c", ("CXR701",)),),
)


def test_the_header_is_what_the_hub_reads() -> None:
    text = card(FULL, Stats(KNOWN, TOTAL, {}), KNOWN)
    _, header, body = text.split("---\n", 2)
    found = yaml.safe_load(header)
    assert found["configs"] == [
        {
            "config_name": "view--a",
            "data_files": [
                {"split": "train", "path": "view/a/train-*.parquet"},
                {"split": "validation", "path": "view/a/val-*.parquet"},
            ],
        }
    ]
    assert found["size_categories"] == ["1K<n<10K"]
    assert (found["license"], found["language"]) == ("other", ["en"])
    assert CARD in body


@pytest.mark.parametrize(
    "line",
    [
        "| a.studies | has_view | 1,500 | 1,200 | 300 |",
        "| a | The A set | Data Use \\| Agreement | https://example.org/a | redistribute: no |",
        "| view/a | 4 |",
        "| view/a | the view is asked for twice |",
        "Splits are those that were published, defects included: a patient may stand on two sides.",
        "- view/c: stopped by CXR701",
        "- A. Author. The A set. 2020.",
        "| View | ask | 1,234 | 2 |",
        "| seed | 1729 |",
    ],
)
def test_the_card_tells_where_everything_came_from(line: str) -> None:
    text = card(FULL, Stats(KNOWN, TOTAL, {("view", "a"): 4}), KNOWN, [("View", "ask", 1234, 2)])
    assert line in [" ".join(found.split()) for found in text.splitlines()]


def test_equal_inputs_give_an_equal_card() -> None:
    assert card(FULL, Stats(KNOWN, TOTAL, {}), KNOWN) == card(
        FULL, Stats(dict(reversed(KNOWN.items())), TOTAL, {}), KNOWN
    )
