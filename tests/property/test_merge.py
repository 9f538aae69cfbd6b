"""The step `merge` against a plain loop over the boxes, in any order of rows and on both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from time import process_time
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.to_polars import LOST, Stage, query
from cxrspec.compiler.typed import Column, Get
from cxrspec.compiler.types import BOX, FLOAT, INT, TEXT, ListOf, Type, nullable

from ..evaluating import ENGINES, Engine, table

Row = dict[str, Any]
TYPES: dict[str, Type] = {"image": TEXT, "finding": nullable(TEXT), "box": BOX, "number": INT}
ORDER = (Get(Column("box", BOX), "x1", FLOAT), Column("number", INT))


def overlap(a: Row, b: Row) -> float:
    """Intersection over union."""
    width = max(min(a["x2"], b["x2"]) - max(a["x1"], b["x1"]), 0.0)
    height = max(min(a["y2"], b["y2"]) - max(a["y1"], b["y1"]), 0.0)
    area_a, area_b = ((c["x2"] - c["x1"]) * (c["y2"] - c["y1"]) for c in (a, b))
    return float(width * height / (area_a + area_b - width * height))


def merged(boxes: Sequence[Row], over: float) -> list[tuple[Row, list[int]]]:
    """The rule as a loop: the first box takes all later ones that overlap it, then the first of the rest."""
    rest = sorted(boxes, key=lambda row: (row["box"]["x1"], row["number"]))
    found: list[tuple[Row, list[int]]] = []
    while rest:
        leader, *others = rest
        taken = [leader, *(row for row in others if overlap(leader["box"], row["box"]) > over)]
        rest = [row for row in others if row not in taken]
        corners = {
            c: (min if c in ("x1", "y1") else max)(row["box"][c] for row in taken) for c in ("x1", "y1", "x2", "y2")
        }
        found.append((leader["box"] | corners, [row["number"] for row in taken]))
    return found


def by_loop(rows: Sequence[Row], over: float) -> list[Row]:
    groups: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["image"], row["finding"]), []).append(row)
    return [
        {"image": image, "finding": finding, "box": box, "numbers": numbers, "size": len(numbers)}
        for (image, finding), boxes in groups.items()
        for box, numbers in merged(boxes, over)
    ]


def by_plan(rows: Sequence[Row], over: float, engine: Engine) -> tuple[list[Row], list[str]]:
    """The merged rows, and the gates that others left by."""
    take = (
        p.Aggregate("numbers", "list", Column("number", INT), ListOf(INT)),
        p.Aggregate("size", "count", None, INT),
    )
    node = p.Merge(("image", "finding"), "box", over, ORDER, take)
    lazy, gates = query(Stage((node,)), table(TYPES, rows).lazy().drop("$id"), {}, Context())
    made = lazy.collect(engine=engine)
    assert set(made.columns) == {"image", "finding", "box", "numbers", "size", LOST}
    assert dict(made.schema) | {LOST: pl.UInt16()} == dict(made.schema)
    numbers: list[int] = made[LOST].drop_nulls().to_list()
    lost = [gates[number].name for number in numbers]
    return made.filter(pl.col(LOST).is_null()).drop(LOST).to_dicts(), lost


def comparable(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(repr(dict(sorted(row.items()))) for row in rows)


def box(chance: Random, steps: int, size: int = 100) -> Row:
    """A box on a coarse grid, so that many touch or agree exactly."""
    x, y = (sorted(chance.sample(range(steps + 1), 2)) for _ in "xy")
    return {
        "x1": x[0] / steps,
        "y1": y[0] / steps,
        "x2": x[1] / steps,
        "y2": y[1] / steps,
        "width": size,
        "height": size,
    }


def rows_of(chance: Random, count: int, groups: int, steps: int) -> list[Row]:
    return [
        {
            "image": f"i{chance.randrange(groups)}",
            "finding": chance.choice(["mass", "edema", None]),
            "box": box(chance, steps),
            "number": number,
        }
        for number in range(count)
    ]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 40),
    groups=st.integers(1, 4),
    steps=st.sampled_from([2, 4, 9, 1000]),
    over=st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9]),
    engine=st.sampled_from(ENGINES),
)
def test_merge_is_the_loop(seed: int, count: int, groups: int, steps: int, over: float, engine: Engine) -> None:
    chance = Random(seed)
    rows = rows_of(chance, count, groups, steps)
    wanted = comparable(by_loop(rows, over))
    for _ in range(2):
        found, lost = by_plan(rows, over, engine)
        assert (comparable(found), lost) == (wanted, [])
        chance.shuffle(rows)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [63, 64, 65, 130])
def test_a_mask_has_so_many_bits(count: int, engine: Engine) -> None:
    """All boxes of a group may lead, up to the last bit of a mask; one more, and the group is bad rows."""
    chance = Random(count)
    apart = [box(chance, 1) | {"y1": n / 200, "y2": (n + 1) / 200} for n in range(count)]
    rows = [{"image": "i", "finding": None, "box": one, "number": n} for n, one in enumerate(apart)]
    rows += [{"image": "i", "finding": "mass", "box": one, "number": count + n} for n, one in enumerate(apart[:3])]
    for step in (1, -1):
        found, lost = by_plan(rows[::step], 0.0, engine)
        good = [row for row in by_loop(rows, 0.0) if count <= 64 or row["finding"] == "mass"]
        assert comparable(found) == comparable(good)
        assert set(lost) == (set() if count <= 64 else {"more than 64 boxes to merge in `box`"})


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_as_many_boxes_as_radiographs_have(engine: Engine) -> None:
    """67,020 boxes on 15,000 images take less than half a second of all cores together."""
    chance = Random(6)
    rows = [row | {"finding": "mass"} for row in rows_of(chance, 67_020, 15_000, 400)]
    data = table(TYPES, rows).lazy().drop("$id")
    times: list[float] = []
    made = pl.DataFrame()
    for _ in range(3):
        start = process_time()
        made = query(Stage((p.Merge(("image", "finding"), "box", 0.1, ORDER, ()),)), data, {}, Context())[0].collect(
            engine=engine
        )
        times.append(process_time() - start)
    found = made.select("image", *(pl.col("box").struct.field(c) for c in ("x1", "y1", "x2", "y2")))
    wanted = [(row["image"], *(row["box"][c] for c in ("x1", "y1", "x2", "y2"))) for row in by_loop(rows, 0.1)]
    assert sorted(found.rows()) == sorted(wanted)
    assert min(times) < 0.5


def test_a_box_joins_a_leader_and_never_a_member() -> None:
    """Three in a row, each over the next: the third overlaps the second only, which leads nothing."""
    x = [(0.0, 0.4), (0.2, 0.6), (0.4, 0.8)]
    rows = [
        {
            "image": "i",
            "finding": "mass",
            "number": n,
            "box": {"x1": a, "y1": 0.0, "x2": b, "y2": 1.0, "width": 9, "height": 9},
        }
        for n, (a, b) in enumerate(x)
    ]
    found, _ = by_plan(rows, 0.1, "in-memory")
    assert sorted((row["box"]["x1"], row["box"]["x2"], row["numbers"]) for row in found) == [
        (0.0, 0.6, [0, 1]),
        (0.4, 0.8, [2]),
    ]


def test_boxes_of_images_of_different_size_are_bad_rows() -> None:
    rows = rows_of(Random(1), 2, 1, 1)
    rows = [row | {"finding": "mass"} for row in rows]
    rows[1]["box"] |= {"width": 99}
    assert by_plan(rows, 0.5, "in-memory") == ([], ["boxes of images of different size in `box`"])
