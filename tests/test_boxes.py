"""Boxes from raw cells to examples, against plain Python over the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cxrspec.compiler.catalog import shipped
from cxrspec.compiler.pipeline import Compilation, compile

from . import made_up
from .evaluating import ENGINES, Engine
from .test_functions import BadRowError, box

SOURCE = """\
kind: source
name: lab
title: A made-up set
use: {access: open}
license: none
identity: {space: lab, patient: none, study: image}
tables:
  marks:
    read: csv
    files: marks.csv
    key: number
    columns: {number: int, image: text, finding: text, x: float, y: float, w: float, h: float}
  masks:
    read: csv
    files: masks.csv
    key: image
    columns: {image: text, runs: text}
  boxes:
    from: marks
    steps:
      - derive: {box: 'box_xywh(x, y, w, h, 40, 30)'}
  regions:
    from: boxes
    steps:
      - group:
          by: [image, finding]
          order: [box.x1, box, number]
          take: {boxes: list(box), labelled: 'list(record(label = finding, box = box))'}
  single:
    from: regions
    steps:
      - explode: {column: boxes, as: box, position: place}
splits:
  all: {constant: test}
"""
SPEC = """\
kind: spec
name: Boxes
source: lab
from: single
key: [image, finding, place]
bind:
  said: 'f"{box.x1} {box.x2} {box.height} {size(labelled)} {must(labelled[0].label)} {must(labelled[-1].box.y1)}"'
inputs: {said: text}
turns:
  - prompt: What?
    answer: {format: text, text: said}
"""
Mark = tuple[int, str, str, float, float, float, float]


def marks(count: int, seed: int) -> list[Mark]:
    """Boxes of a few findings on a few images, some beyond the border."""
    chance = Random(seed)
    return [
        (
            n,
            f"i{chance.randrange(5)}",
            chance.choice(["edema", "mass"]),
            float(chance.randrange(-4, 36)),
            float(chance.randrange(-4, 36)),
            chance.randrange(5, 60) / 2,
            chance.randrange(5, 60) / 2,
        )
        for n in range(count)
    ]


def write(data: Path, rows: Sequence[Mark]) -> Path:
    header = ("number", "image", "finding", "x", "y", "w", "h")
    made_up.write_text(data / "lab" / "marks.csv", made_up.csv_text(header, rows))
    return data


def load(spec: str = SPEC, source: str = SOURCE) -> Compilation:
    made = compile([made_up.file("source.yaml", source), made_up.file("spec.yaml", spec), *shipped()])
    assert not made.diagnostics, made.diagnostics
    return made


def answers(data: Path, out: Path, engine: Engine) -> dict[str, str]:
    result = made_up.make(data, out, load(), select=["boxes/lab"], engine=engine)
    assert not result.diagnostics
    return {id: row["turns"][0]["answer"] for id, row in made_up.rows(out, "boxes/lab").items()}


@pytest.mark.parametrize("engine", ENGINES)
def test_boxes_in_groups_lists_and_rows_of_their_own(engine: Engine, tmp_path: Path) -> None:
    rows = [row for row in marks(40, 5) if sound(row)]
    assert len(rows) < 40
    groups: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for number, image, finding, *_ in rows:
        made = box_of(rows, number)
        groups.setdefault((image, finding), []).append((made["x1"], tuple(made.values()), number, made))
    wanted = {
        f"boxes/lab/{image}/{finding}/{place}": f"{one['x1']} {one['x2']} 30 {len(boxes)} {finding} {max(boxes)[3]['y1']}"
        for (image, finding), boxes in groups.items()
        for place, (*_, one) in enumerate(sorted(boxes))
    }
    assert answers(write(tmp_path / "data", rows), tmp_path / "out", engine) == wanted
    Random(2).shuffle(rows)
    assert answers(write(tmp_path / "data", rows), tmp_path / "out", engine) == wanted


def box_of(rows: Sequence[Mark], number: int) -> dict[str, Any]:
    x, y, w, h = next(row for row in rows if row[0] == number)[3:]
    return box(x, y, x + w, y + h, 40, 30)


def sound(row: Mark) -> bool:
    try:
        return bool(box_of([row], row[0]))
    except BadRowError:
        return False


def test_a_box_without_area_stops_the_spec(tmp_path: Path) -> None:
    row = (0, "i", "mass", 40.0, 2.0, 5.0, 5.0)
    assert not sound(row)
    result = made_up.make(write(tmp_path / "data", [row]), tmp_path / "out", load(), select=["boxes/lab"])
    (found,) = result.diagnostics
    assert (found.code, found.message) == ("CXR751", "1 row breaks a rule of `lab.boxes`: box_xywh() in `box`")
