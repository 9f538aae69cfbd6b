"""Boxes from raw cells to examples, against plain Python over the same cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import floor
from pathlib import Path
from random import Random
from textwrap import indent
from typing import Any

import pytest

from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime.output import OutputError

from . import made_up
from .case_files import but_unused
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
    made = compile([made_up.file("source.yaml", source), made_up.file("spec.yaml", spec), made_up.licenses()])
    assert not but_unused(made)
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


DRAWN = """\
kind: spec
name: Drawn
source: lab
from: shown
key: [image, finding]
inputs: {images: list of image, boxes: list of box, finding: text, drawn: bool}
turns:
  - form: told
    when: not drawn
    prompt: What is {boxes}?
    answer: {format: text, text: finding}
  - form: drawn
    prompt: Where is {finding}?
    answer: {format: boxes, boxes: boxes, label: finding}
"""
SHOWN = """\
  shown:
    from: regions
    steps:
      - derive:
          images: 'if finding == "mass" then [image(image)] else [image(image), image(finding)]'
          drawn: size(boxes) > 4
splits:
"""


def test_the_output_of_boxes(tmp_path: Path) -> None:
    """The column `boxes` is that of the first turn; the size is known where one image is shown."""
    rows = [row for row in marks(60, 8) if sound(row)]
    data = write(tmp_path / "data", rows)
    compilation = load(DRAWN, SOURCE.replace("splits:\n", SHOWN))
    seen = set[tuple[bool, str]]()
    for dialect in ("chexagent", "pixels"):
        made_up.make(data, tmp_path / dialect, compilation, select=["drawn/lab"], boxes=dialect)
        for id, example in made_up.rows(tmp_path / dialect, "drawn/lab").items():
            image, finding = id.split("/")[2:]
            boxes = [box_of(rows, row[0]) for row in rows if row[1:3] == (image, finding)]
            drawn = len(boxes) > 4
            label = finding if drawn else ""
            wanted = [{"image": 0, "label": label} | {c: one[c] for c in ("x1", "y1", "x2", "y2")} for one in boxes]
            assert sorted(map(str, example["boxes"])) == sorted(map(str, wanted))
            assert example["sizes"] == ([{"width": 40, "height": 30}] if finding == "mass" else [])
            texts = [turn["answer" if turn["form"] == "drawn" else "prompt"] for turn in example["turns"]]
            pixels = [round(one["x1"] * 40) for one in boxes]
            shown = (
                [f"({floor(one['x1'] * 100 + 0.5)}," for one in boxes]
                if dialect == "chexagent"
                else [f"[{x}," for x in pixels]
            )
            assert all(piece in text for text in texts for piece in shown)
            assert [turn["form"] for turn in example["turns"]] == (["drawn"] if drawn else ["told", "drawn"])
            assert json.loads(example["target"]) == (
                [{k: v for k, v in one.items() if k != "image"} for one in example["boxes"]] if drawn else finding
            )
            seen.add((drawn, finding))
    assert len(seen) == 4


def test_the_dialect_belongs_to_the_output(tmp_path: Path) -> None:
    rows = [row for row in marks(20, 9) if sound(row)]
    data, out = write(tmp_path / "data", rows), tmp_path / "out"
    compilation = load(DRAWN, SOURCE.replace("splits:\n", SHOWN))
    result = made_up.make(data, out, compilation, select=["drawn/lab"], boxes="qwen3_vl")
    assert result.manifest.boxes == "qwen3_vl"
    assert "printed as qwen3_vl" in (out / "README.md").read_text("utf-8")
    made_up.write_rsna(data, made_up.rsna_rows(4))
    with pytest.raises(OutputError, match="boxes qwen3_vl"):
        made_up.make(data, out, compilation, select=["image_classification/rsna"])
    made_up.make(data, out, compilation, select=["image_classification/rsna"], boxes="qwen3_vl")
    assert made_up.rows(out, "drawn/lab")


MERGE = """\
steps:
  - merge:
      by: image
      box: box
      over: 0.2
      order: [box.x1, number]
      take: {findings: list_unique(finding)}
"""
MERGED = "  merged:\n    from: boxes\n" + indent(MERGE, "    ") + "splits:\n"
TOLD = """\
kind: spec
name: Merged
source: lab
from: merged
key: [image, box.x1, box.y1]
bind: {said: 'f"{box.x2} {join(findings, "+")}"'}
inputs: {said: text}
turns:
  - prompt: What?
    answer: {format: text, text: said}
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "spec", [TOLD, TOLD.replace("from: merged\n", f"from: boxes\n{MERGE}")], ids=["in a table", "in a spec"]
)
def test_boxes_are_merged_whatever_they_show(spec: str, engine: Engine, tmp_path: Path) -> None:
    """By hand: the second box joins the first (they share 16 of 24 columns), the third is apart."""
    rows: list[Mark] = [
        (1, "i", "mass", 0.0, 0.0, 20.0, 30.0),
        (2, "i", "edema", 4.0, 0.0, 20.0, 30.0),
        (3, "i", "edema", 30.0, 0.0, 8.0, 30.0),
        (4, "j", "edema", 4.0, 0.0, 20.0, 30.0),
    ]
    compilation = load(spec, SOURCE.replace("splits:\n", MERGED))
    data, out = write(tmp_path / "data", rows), tmp_path / "out"
    result = made_up.make(data, out, compilation, select=["merged/lab"], engine=engine)
    answers = {id: row["turns"][0]["answer"] for id, row in made_up.rows(out, "merged/lab").items()}
    assert answers == {
        "merged/lab/i/0.0/0.0": "0.6 edema+mass",
        "merged/lab/i/0.75/0.0": "0.95 edema",
        "merged/lab/j/0.1/0.0": "0.6 edema",
    }
    (made,) = result.manifest.specs
    assert [(s.step, s.rows_in, s.rows_out) for s in made.attrition] == [("merge box", 4, 3), ("a form applies", 3, 3)]


def test_an_order_that_leaves_boxes_equal_stops_the_spec(tmp_path: Path) -> None:
    rows: list[Mark] = [(n, "i", "mass", 4.0, float(n), 20.0, 9.0) for n in range(3)]
    compilation = load(
        TOLD,
        SOURCE.replace(
            "splits:\n",
            MERGED.replace("[box.x1, number]", "[box.x1]  # cxrspec: ignore[CXR444] equal boxes are wanted"),
        ),
    )
    result = made_up.make(write(tmp_path / "data", rows), tmp_path / "out", compilation, select=["merged/lab"])
    (found,) = result.diagnostics
    rule = "order within image stands more than once"
    assert (found.code, found.message) == ("CXR751", f"3 rows break a rule of `lab.merged`: {rule}")


def test_a_box_without_area_stops_the_spec(tmp_path: Path) -> None:
    row = (0, "i", "mass", 40.0, 2.0, 5.0, 5.0)
    assert not sound(row)
    result = made_up.make(write(tmp_path / "data", [row]), tmp_path / "out", load(), select=["boxes/lab"])
    (found,) = result.diagnostics
    assert (found.code, found.message) == ("CXR751", "1 row breaks a rule of `lab.boxes`: box_xywh() in `box`")
