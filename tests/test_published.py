"""What the published rows need and ours share: rows thinned out, tables made another way, splits copied, rows split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.pipeline import Compilation

from . import made_up
from .oracle.prompts import Wheel, draw, text_turn, unit
from .test_extra import permutation
from .test_soundness import REP, compiled, source, spec, splits

SEED = 6
ENGINES = ("in-memory", "streaming")
COLUMNS = "{image: text, patient: int, study: int, side: text | null, part: split}"
HEADER = ("image", "patient", "study", "side", "part")
ROWS = [
    (f"i{n:03d}", n // 2, n, ("left", "right", "")[n % 3], "train" if n % 5 < 3 else "val" if n % 5 == 3 else "test")
    for n in range(200)
]
OWN = "own: {column: part}"


def lab(tables: str = "", split: str = OWN) -> str:
    return source(tables, split, images=COLUMNS)


def rep(more: str, start: str = "images", key: str = "image") -> str:
    return spec(f"{more}\nkey: {key}\nbind: {{report: image}}", start)


def make(
    folder: Path, compilation: Compilation, rows: Sequence[tuple[object, ...]] = ROWS, **asked: Any
) -> dict[str, dict[str, Any]]:
    """The examples of the one spec by id, each patient on the side of its rows (a warning where published)."""
    made_up.write_text(folder / "data/lab/images.csv", made_up.csv_text(HEADER, rows))
    result = made_up.make(folder / "data", folder / "out", compilation, seed=SEED, **asked)
    assert {d.code for d in result.diagnostics if d.severity == "error"} <= {"CXR813"}
    return made_up.rows(folder / "out", REP)


def one_side() -> list[tuple[object, ...]]:
    """The rows, each of another patient."""
    return [(image, study, study, side, part) for image, _, study, side, part in ROWS]


# ---- keep

KEEP = """\
keep:
  few_left: {where: (side ?? "") == "left", split: train, rows: 10}
  some_right: {where: 'side in ["right"]', split: val, share: 0.4}
  fewer: {where: side is null or side != "right", split: train, rows: 30}
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_the_lowest_draws_are_kept(tmp_path: Path, engine: str) -> None:
    found = make(tmp_path, compiled(lab(), rep(KEEP)), one_side(), engine=engine)

    def drawn(name: str, image: str) -> int:
        return draw(SEED, f"{REP}/{image}", f"keep.{name}")

    kept = {image: (side, part) for image, _, _, side, part in ROWS}
    for name, side, rows in (("few_left", ("left",), 10), ("fewer", ("left", ""), 30)):
        thinned = [i for i, (where, part) in kept.items() if part == "train" and where in side]
        assert len(thinned) > rows
        for image in sorted(thinned, key=lambda i: drawn(name, i))[rows:]:
            del kept[image]
        if name == "few_left":
            right = [i for i, (where, part) in kept.items() if part == "val" and where == "right"]
            gone = [i for i in right if not unit(drawn("some_right", i)) < 0.4]
            assert 0 < len(gone) < len(right)
            for image in gone:
                del kept[image]
    assert splits(tmp_path) == {image: part for image, (_, part) in kept.items()}
    assert len(found) == len(kept)


def test_what_is_thinned_out_is_in_the_attrition(tmp_path: Path) -> None:
    keep = "keep:\n  few: {where: side is null, split: train, rows: 7}"
    made_up.write_text(tmp_path / "data/lab/images.csv", made_up.csv_text(HEADER, one_side()))
    result = made_up.make(tmp_path / "data", tmp_path / "out", compiled(lab(), rep(keep)), seed=SEED)
    there = sum(side == "" and part == "train" for _, _, _, side, part in ROWS)
    (few,) = [a for a in result.manifest.specs[0].attrition if a.step == "few"]
    assert (few.rows_in, few.rows_out) == (200, 200 - there + 7)


def test_what_is_thinned_out_hangs_on_no_order_and_no_other_row(tmp_path: Path) -> None:
    made = compiled(lab(), rep("keep:\n  few: {where: side is null, split: train, rows: 7}"))
    one = make(tmp_path, made, one_side())
    assert make(tmp_path, made, one_side()[::-1]) == one
    less = [row for row in one_side() if f"{REP}/{row[0]}" in one]
    assert make(tmp_path, made, less) == one


# ---- the overlay of a table, and of a spec

MADE = """
  ours:
    from: images
    steps:
      - where: {left: (side ?? "") == "left"}
    published:
      from: others
      steps:
        - where: {right: (side ?? "") == "right"}
      because: the other side was taken
  others:
    from: images
    steps:
      - where: {odd: study % 2 == 1}
"""


def test_a_table_is_made_another_way_in_a_published_run(tmp_path: Path) -> None:
    files = lab(MADE), rep("", "ours")
    found = make(tmp_path, compiled(*files), one_side())
    assert set(found) == {f"{REP}/{row[0]}" for row in ROWS if row[3] == "left"}
    found = make(tmp_path, compiled("# published\n", *files), one_side(), published=True)
    assert set(found) == {f"{REP}/{row[4]}/{row[0]}" for row in ROWS if row[3] == "right" and row[2] % 2}


OVERLAY = """\
expect: {val: 40}
published:
  row: [Rep, Lab]
  copy: {val: test}
  keep:
    few: {where: study >= 0, split: train, rows: 20}
  expect: {val: [40, 40], train: 20}
  because: val was a copy of test, and train was thinned out
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_split_that_was_published_as_a_copy_of_another(tmp_path: Path, engine: str) -> None:
    """Its rows have ids of their own, so they are asked anew; in our own run nothing is copied."""
    turns = "  - form: ask\n    prompt: Write (a|the|one) report.\n    answer: {format: text, text: report}"
    asked = spec(f"{OVERLAY}\nkey: image\nbind: {{report: image}}", turns=turns)
    found = make(tmp_path, compiled(lab(), asked), one_side(), engine=engine)
    assert Counter(row["split"] for row in found.values()) == {"train": 120, "val": 40, "test": 40}
    (tmp_path / "out").rename(tmp_path / "ours")
    found = make(tmp_path, compiled("# published\n", lab(), asked), one_side(), published=True, engine=engine)
    test = {f"{REP}/test/{row[0]}": row for row in ROWS if row[4] == "test"}
    copied = {f"{id}~val": row for id, row in test.items()}
    assert {id for id, row in found.items() if row["split"] == "test"} == set(test)
    assert {id for id, row in found.items() if row["split"] == "val"} == set(copied)
    assert sum(row["split"] == "train" for row in found.values()) == 20
    wheel = Wheel("Write (a|the|one) report.", {})
    for id, (image, *_) in (test | copied).items():
        expected = text_turn(SEED, id, "ask", wheel, image, {})
        assert [(t["prompt"], t["answer"]) for t in found[id]["turns"]] == [(expected.prompt, expected.answer)]
        assert found[id]["study_id"] == found[id.removesuffix("~val")]["study_id"]


# ---- the step `split`: rows that were split before they were put together

GROUPED = """
  patients:
    from: images
    steps:
      - group: {by: patient, order: [image], take: {study: min(study), images: list(image)}}
    published:
      steps:
        - where: {seen: side is not null}
        - split: {name: by_row, as: side_of}
        - group: {by: [patient, side_of], order: [image], take: {study: min(study), images: list(image)}}
      because: the rows were split one by one, so that a patient stood on several sides
"""
CUT = "{holdout: {seed: 0, share: 0.3, kept: train, held: {seed: 0, share: 0.5, kept: test, held: val}}, key: image}"


def by_row(images: Sequence[str]) -> dict[str, str]:
    """0.3 of the sorted keys held, halved once more in the order drawn: numpy's legacy generator."""
    order = [sorted(images)[place] for place in permutation(0, len(images))]
    held = math.ceil(len(images) * 0.3)
    again = [order[:held][place] for place in permutation(0, held)]
    half = math.ceil(held * 0.5)
    return (
        dict.fromkeys(order[held:], "train") | dict.fromkeys(again[:half], "val") | dict.fromkeys(again[half:], "test")
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_were_split_before_they_were_grouped(tmp_path: Path, engine: str) -> None:
    """The keys of the cut are those of the rows that came to the step."""
    body = "split: ours\npublished: {row: [Rep, Lab], split: given, key: [patient], because: by row}"
    asked = spec(f"{body}\nkey: patient\nbind: {{report: 'join(images, \"+\")'}}", "patients")
    files = lab(GROUPED, f"ours: {{constant: test}}\n  by_row: {CUT}\n  given: {{column: side_of}}"), asked
    ours = make(tmp_path, compiled(*files), engine=engine)
    assert set(ours) == {f"{REP}/{n}" for n in range(100)}
    (tmp_path / "out").rename(tmp_path / "ours")
    found = make(tmp_path, compiled("# published\n", *files), published=True, engine=engine)
    seen = [row for row in ROWS if row[3]]
    sides = by_row([image for image, *_ in seen])
    expected: dict[str, list[str]] = {}
    for image, patient, *_ in seen:
        expected.setdefault(f"{REP}/{sides[image]}/{patient}", []).append(image)
    assert {id: row["target"] for id, row in found.items()} == {id: f'"{"+".join(i)}"' for id, i in expected.items()}
    assert len({id.rpartition("/")[2] for id in found}) < len(found)


def test_a_step_by_draw_and_by_another_table(tmp_path: Path) -> None:
    """Every form of split may stand in the step; the ids that it needed are gone behind it."""
    tables = """
  parts: {read: csv, files: parts.csv, key: patient, columns: {patient: int, half: split}}
  made:
    from: images
    published:
      steps:
        - split: {name: drawn, as: by_draw}
        - split: {name: listed, as: by_list}
      because: they were
"""
    cut = "drawn: {ratio: {val: 0.5}}\n  listed: {table: parts, column: half}\n  own: {column: part}"
    told = """'f"{by_draw} {if by_list is null then "none" else text(by_list)}"'"""
    asked = rep("split: own", "made").replace("report: image", f"report: {told}")
    parts = [(n, ("train", "test")[n % 2]) for n in range(50)]
    made_up.write_text(tmp_path / "data/lab/parts.csv", made_up.csv_text(("patient", "half"), parts))
    # the columns are there in a published run only
    found = make(tmp_path, compiled("# published\n", lab(tables, cut), asked), published=True)
    assert len(found) == 200
    for image, patient, _, _, part in ROWS:
        by_draw = "val" if unit(draw(SEED, f"lab/{patient}", "split drawn")) < 0.5 else "train"
        by_list = ("train", "test")[patient % 2] if patient < 50 else "none"
        assert found[f"{REP}/{part}/{image}"]["target"] == f'"{by_draw} {by_list}"'
