"""Boxes, entities and counts: printed as plain Python prints them, and read back: parse(print(x)) == x up to the grid."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from itertools import chain
from math import floor
from typing import Any, Literal, cast

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import Boxed, parse, parse_boxes, parse_counts, parse_entities
from cxrspec.compiler.boxes import resized
from cxrspec.compiler.dialects import DIALECTS, Resize
from cxrspec.compiler.typed import Column, Const
from cxrspec.compiler.types import BOX, TEXT, ListOf, Type

from ..evaluating import ENGINES, ID, Engine, ask, prompt, table

Box = dict[str, Any]
NOTHING = prompt((2, (("Nothing there.",),)), (2, (("No ", "No sign of "), Column("finding", TEXT), (" seen.",))))
SOMETIMES = prompt(
    (2, (("Where is it?",),)), (2, (("At ", "In "), Column("spot", BOX), (" or ",), Column("spots", ListOf(BOX))))
)
TYPES: dict[str, Type] = {
    "boxes": ListOf(BOX),
    "records": p.LABELLED,
    "finding": TEXT,
    "spot": BOX,
    "spots": ListOf(BOX),
}

# ---- the printer in plain Python

ENDS = {
    "chexagent": ("<|ref|>", "<|/ref|>", "<|box|>", "<|/box|>"),
    "qwen2_vl": ("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"),
    "ms_swift": ("<ref-object>", "</ref-object>", "<bbox>", "</bbox>"),
}
GRIDS = {"chexagent": 100, "qwen2_vl": 1000, "qwen3_vl": 1000, "unit": 10_000, "ms_swift": 10**9}
DECIMALS = {"unit": 4, "ms_swift": 9}


def sides_of(box: Box, dialect: str) -> list[int]:
    """The steps along each corner's side."""
    width, height = int(box["width"]), int(box["height"])
    if dialect == "qwen2_5_vl":
        height, width = smart_resize(height, width)
    return [GRIDS.get(dialect) or side for side in (width, height) * 2]


def smart_resize(height: int, width: int) -> tuple[int, int]:
    """As transformers 5.24 has it for Qwen2.5-VL (models/qwen2_vl/image_processing_qwen2_vl.py), in our words."""
    tall, wide = round(height / 28) * 28, round(width / 28) * 28
    if tall * wide > 12_845_056:
        beta = math.sqrt((height * width) / 12_845_056)
        return max(28, math.floor(height / beta / 28) * 28), max(28, math.floor(width / beta / 28) * 28)
    if tall * wide < 3_136:
        beta = math.sqrt(3_136 / (height * width))
        return math.ceil(height * beta / 28) * 28, math.ceil(width * beta / 28) * 28
    return tall, wide


def steps(box: Box, dialect: str) -> list[int]:
    sides = sides_of(box, dialect)
    return [floor(box[c] * side + 0.5) for c, side in zip(("x1", "y1", "x2", "y2"), sides, strict=True)]


def numbers(box: Box, dialect: str) -> list[Any]:
    """Whole steps, or shares of the grid as texts."""
    places = DECIMALS.get(dialect)
    return [step if places is None else f"{step / 10**places:.{places}f}" for step in steps(box, dialect)]


def printed(boxes: Sequence[tuple[str | None, Box]], dialect: str) -> str:
    """Boxes with their labels; a label of None is not printed."""
    if dialect in ENDS:
        ref, no_ref, start, end = ENDS[dialect]
        texts = ["{}({},{}),({},{}){}".format(start, *numbers(box, dialect), end) for _, box in boxes]
        labels = ["" if label is None else f"{ref}{label}{no_ref}" for label, _ in boxes]
        return " ".join(map("{}{}".format, labels, texts))
    found: list[dict[str, Any]] = []
    for label, box in boxes:
        found.append({"bbox_2d": numbers(box, dialect)} | ({} if label is None else {"label": label}))
    text = json.dumps(found, ensure_ascii=False)
    return re.sub(r'"([01]\.[0-9]{4})"(?=[,\]])', r"\1", text) if dialect == "unit" else text


def on_grid(label: str, box: Box, dialect: str) -> Boxed:
    sides = sides_of(box, dialect)
    return Boxed(label, *(step / side for step, side in zip(steps(box, dialect), sides, strict=True)))


def near(read: Boxed, box: Box, dialect: str) -> bool:
    """Whether each corner is within half a step of the exact one, but for what floating point adds."""
    corners = zip(read[1:], (box[c] for c in ("x1", "y1", "x2", "y2")), sides_of(box, dialect), strict=True)
    return all(abs(corner - exact) * side <= 0.5 + 1e-6 for corner, exact, side in corners)


# ---- made-up boxes

shares = st.one_of(
    st.floats(0, 1), st.sampled_from([0.0, 0.005, 0.125, 0.5, 0.995, 1.0]), st.integers(0, 100).map(lambda n: n / 100)
)
labels = st.one_of(
    st.sampled_from(
        ["mass", "", "edema, left", 'a "b"', "{x1}", "<|ref|", "(1,2)", "a\\b\n\x01é😀", "label: [1]", " "]
    ),
    st.sampled_from([*chain.from_iterable(ENDS.values()), '"bbox_2d"']).map(lambda token: f"x{token}y"),
    st.text(max_size=4).filter(lambda text: text.isprintable()),
)


@st.composite
def boxes(draw: st.DrawFn, width: int = 900, height: int = 1250) -> Box:
    x = sorted(draw(st.tuples(shares, shares)))
    y = sorted(draw(st.tuples(shares, shares)))
    return {"x1": x[0], "y1": y[0], "x2": x[1], "y2": y[1], "width": width, "height": height}


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Boxes and labels; now and then one of an image of another size."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 12))):
        odd = draw(st.sampled_from([False, False, False, True]))
        one = boxes() | boxes(640) if odd else boxes()
        many = draw(st.lists(one, max_size=3))
        made.append(
            {ID: f"{draw(st.integers(0, 99))}/{number}", "boxes": many, "finding": draw(labels), "spot": draw(boxes())}
            | {"records": [{"label": draw(labels), "box": box} for box in draw(st.lists(one, max_size=3))]}
            | {"spots": draw(st.lists(one, max_size=2))}
        )
    return made


def sizes(found: Sequence[Box]) -> set[tuple[int, int]]:
    return {(box["width"], box["height"]) for box in found}


def tokens(dialect: str) -> Sequence[str]:
    return ENDS.get(dialect, ('"bbox_2d"',))


def broken(items: Sequence[tuple[str, Box]], empty: bool, dialect: str) -> bool:
    """Whether a row breaks a rule that can be told without knowing what was drawn."""
    held = any(token in label for label, _ in items for token in tokens(dialect))
    return held or len(sizes([box for _, box in items])) > 1 or (not items and not empty)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_boxes_are_printed_and_read_back(dialect: str, data: st.DataObject) -> None:
    made = data.draw(rows())
    records, empty = data.draw(st.booleans()), data.draw(st.sampled_from([None, NOTHING]))
    answer = p.BoxesAnswer(
        Column("records", p.LABELLED) if records else Column("boxes", ListOf(BOX)),
        None if records else Column("finding", TEXT),
        empty,
    )
    engine: Engine = data.draw(st.sampled_from(ENGINES))
    form = p.Form("ask", (), None, 1, prompt((1, (("Where?",),))), answer)
    found = ask([form], table(TYPES, made), engine, boxes=dialect)
    for result, row in zip(found, made, strict=True):
        items = (
            [(r["label"], r["box"]) for r in row["records"]] if records else [(row["finding"], b) for b in row["boxes"]]
        )
        if result["lost"] is not None:
            drawn = not items and result["lost"].startswith("`empty:` that reads like boxes")
            assert broken(items, empty is not None, dialect) or drawn
            assert not drawn or any(token in row["finding"] for token in tokens(dialect))
            continue
        assert not broken(items, empty is not None, dialect)
        (turn,) = result["turns"]
        size = (900, 1250) if not items else (items[0][1]["width"], items[0][1]["height"])
        said = parse(answer, turn["answer"], dialect=DIALECTS[dialect], size=size)
        assert said == tuple(on_grid(label, box, dialect) for label, box in items)
        assert all(near(read, box, dialect) for read, (_, box) in zip(cast("list[Boxed]", said), items, strict=True))
        exact = [{"label": label} | {c: box[c] for c in ("x1", "y1", "x2", "y2")} for label, box in items]
        assert json.loads(result["target"]) == exact
        assert result["boxes"] == [{"label": label, "box": box} for label, box in items]
        if items:
            assert turn["answer"] == printed(items, dialect)
        else:
            assert turn["answer"] in (
                "Nothing there.",
                f"No {row['finding']} seen.",
                f"No sign of {row['finding']} seen.",
            )


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_boxes_in_a_prompt(dialect: str, data: st.DataObject) -> None:
    made = data.draw(rows())
    engine: Engine = data.draw(st.sampled_from(ENGINES))
    form = p.Form("ask", (), None, 1, SOMETIMES, p.TextAnswer(Const("x", TEXT)))
    for result, row in zip(ask([form], table(TYPES, made), engine, boxes=dialect), made, strict=True):
        shown = [row["spot"], *row["spots"]]
        asked = result["turns"][0]["prompt"]
        if asked == "Where is it?":
            assert result["boxes"] == []
            continue
        spot, spots = (printed([(None, box) for box in some], dialect) for some in (shown[:1], shown[1:]))
        assert asked in (f"At {spot} or {spots}", f"In {spot} or {spots}")
        assert result["boxes"] == [{"label": "", "box": box} for box in shown]
        assert (result["lost"] is None) == (len(sizes(shown)) == 1)


# ---- pairs

words = st.one_of(
    st.sampled_from(["edema", "a: b", "", "a\nb", ":", ": ", "x:", " y", "é\r", "12", "a: 3"]),
    st.text("ab: \n1", max_size=4),
)
TYPES_OF_PAIRS: dict[str, Type] = {
    "entities": ListOf(p.PAIRS["entities"]),
    "counts": ListOf(p.PAIRS["counts"]),
    "finding": TEXT,
}


def lines(pairs: Sequence[tuple[str, Any]]) -> str:
    return "\n".join(f"{first}: {second}" for first, second in pairs)


@pytest.mark.parametrize("format", ["entities", "counts"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_pairs_are_printed_and_read_back(format: Literal["entities", "counts"], data: st.DataObject) -> None:
    number = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9)
    one = st.fixed_dictionaries(
        {"type": words, "text": words} if format == "entities" else {"name": words, "number": number}
    )
    rows: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {str(format): st.lists(one, max_size=3), "finding": words}
    )
    made = data.draw(st.lists(rows, min_size=1, max_size=12))
    empty = data.draw(st.sampled_from([None, NOTHING]))
    answer = p.PairsAnswer(format, Column(format, TYPES_OF_PAIRS[format]), empty)
    form = p.Form("ask", (), None, 1, prompt((1, (("Which?",),))), answer)
    types: dict[str, Type] = {format: TYPES_OF_PAIRS[format], "finding": TEXT}
    for result, row in zip(ask([form], table(types, made), data.draw(st.sampled_from(ENGINES))), made, strict=True):
        pairs = [tuple(item[name] for name, _ in p.PAIRS[format].fields) for item in row[format]]
        texts = [first for first, _ in pairs] + ([second for _, second in pairs] if format == "entities" else [])
        unreadable = any(not text or "\n" in text for text in texts)
        unreadable |= format == "entities" and any(": " in first for first, _ in pairs)
        if result["lost"] is not None:
            drawn = not pairs and result["lost"].startswith("`empty:` that reads like")
            assert unreadable or drawn or (not pairs and empty is None)
            continue
        assert not unreadable
        (turn,) = result["turns"]
        assert not pairs or turn["answer"] == lines(pairs)
        assert parse(answer, turn["answer"]) == tuple(pairs)
        assert json.loads(result["target"]) == row[format]


# ---- replies

CHEXAGENT = "<|ref|>mass<|/ref|><|box|>(0,25),(50,100)<|/box|>"
MASS = Boxed("mass", 0.0, 0.25, 0.5, 1.0)


@pytest.mark.parametrize(
    ("dialect", "reply", "said"),
    [
        ("chexagent", CHEXAGENT, (MASS,)),
        ("chexagent", f"{CHEXAGENT} {CHEXAGENT}", (MASS, MASS)),
        ("chexagent", f"{CHEXAGENT}{CHEXAGENT}", None),
        ("chexagent", f"{CHEXAGENT}.", None),
        ("chexagent", f"There: {CHEXAGENT}", None),
        ("chexagent", CHEXAGENT.replace("100", "101"), None),
        ("chexagent", CHEXAGENT.replace("(0,", "(60,"), None),
        ("chexagent", CHEXAGENT.replace("(0,", "(-1,"), None),
        ("chexagent", CHEXAGENT.replace("25", "0.25"), None),
        ("chexagent", CHEXAGENT.replace("25", "\u0662"), None),
        ("chexagent", CHEXAGENT.replace("25", "2" * 5000), None),
        ("chexagent", "Nothing there.", ()),
        ("chexagent", "", None),
        ("qwen2_vl", CHEXAGENT, None),
        (
            "qwen2_vl",
            "<|object_ref_start|>mass<|object_ref_end|><|box_start|>(0,250),(500,1000)<|box_end|>",
            (MASS,),
        ),
        ("qwen3_vl", '[{"bbox_2d": [0, 250, 500, 1000], "label": "mass"}]', (MASS,)),
        ("qwen3_vl", '[{"bbox_2d": [0, 250, 500, 1000], "label": "a\\q"}]', None),
        ("qwen3_vl", '[{"bbox_2d": [0, 250, 500, 1000], "label": "\\u00e9\\""}]', (Boxed('é"', 0.0, 0.25, 0.5, 1.0),)),
        ("unit", '[{"bbox_2d": [0.0000, 0.2500, 0.5000, 1.0000], "label": "mass"}]', (MASS,)),
        ("unit", '[{"bbox_2d": [0, 0.25, 0.5, 1], "label": "mass"}]', None),
        ("pixels", '[{"bbox_2d": [0, 100, 100, 400], "label": "mass"}]', (MASS,)),
        ("pixels", '[{"bbox_2d": [0, 100, 201, 400], "label": "mass"}]', None),
    ],
)
def test_replies_with_boxes(dialect: str, reply: str, said: tuple[Boxed, ...] | None) -> None:
    assert parse_boxes(reply, NOTHING, DIALECTS[dialect], (200, 400)) == said


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(15, 40_000), st.integers(15, 40_000)), min_size=20, max_size=60))
def test_images_are_resized_alike_in_python_and_polars(sizes: list[tuple[int, int]]) -> None:
    resize = DIALECTS["qwen2_5_vl"].grid
    assert isinstance(resize, Resize)
    width, height = pl.col("width"), pl.col("height")
    both = [resized(side, width, height, resize) for side in (width, height)]
    frame = pl.DataFrame(sizes, {"width": pl.Int64, "height": pl.Int64}, orient="row")
    wanted = [smart_resize(height, width)[::-1] for width, height in sizes]
    assert frame.select(pl.struct(w=both[0], h=both[1]).struct.unnest()).rows() == wanted
    assert [resize(width, height) for width, height in sizes] == wanted


def test_boxes_in_pixels_need_a_size() -> None:
    with pytest.raises(ValueError, match="size of the image"):
        parse_boxes('[{"bbox_2d": [0, 1, 2, 3], "label": "x"}]', None, DIALECTS["pixels"])


@pytest.mark.parametrize(
    ("reply", "entities", "counts"),
    [
        ("a: b", (("a", "b"),), None),
        ("a: 3", (("a", "3"),), (("a", 3),)),
        ("a: b: 3", (("a", "b: 3"),), (("a: b", 3),)),
        ("a: -3\nb: 0", (("a", "-3"), ("b", "0")), (("a", -3), ("b", 0))),
        ("a: 3\n", None, None),
        ("a:3", None, None),
        (": 3", None, None),
        ("a: ", None, None),
        ("a: +3", (("a", "+3"),), None),
        ("a: " + "3" * 5000, (("a", "3" * 5000),), None),
        ("Nothing there.", (), ()),
        ("", None, None),
    ],
)
def test_replies_with_pairs(reply: str, entities: Any, counts: Any) -> None:
    assert parse_entities(reply, NOTHING) == entities
    assert parse_counts(reply, NOTHING) == counts


@given(reply=st.text('<|>refbox(),12: \n[]{}"\\d_2.', max_size=12))
def test_any_reply_gives_an_answer_or_none(reply: str) -> None:
    for dialect in DIALECTS.values():
        assert parse_boxes(reply, NOTHING, dialect, (9, 9)) in (None, ())
    assert parse_entities(reply, None) != ()
    assert parse_counts(reply, None) != ()
