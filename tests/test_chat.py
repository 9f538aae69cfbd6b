"""Rows of chat, in every format that has them: against plain Python over the same examples."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import plan as p
from cxrspec.compiler.dialects import DIALECTS
from cxrspec.compiler.reserved import RESERVED
from cxrspec.compiler.typed import Column
from cxrspec.compiler.types import BOX, IMAGE, TEXT, ListOf
from cxrspec.runtime.emitters import NOTHING, About, webdataset
from cxrspec.runtime.formats import Formats, dialect
from cxrspec.runtime.formats import formats as asked
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.writing import Writer

from .chat_rows import BEHIND, CHAT, TOKENS, Row, escape, front, plain, read, row_of, samples
from .evaluating import prompt
from .test_emitters import digests, frame_of, simple_row

# ---- made-up examples

words = st.sampled_from(
    [*TOKENS, "< image>", "<  |im_end|>", "<", "image>", " ", "\n", '"', "\\", "é😀", "a/b.c.png", "mass", ""]
)
texts = st.lists(words, max_size=4).map("".join)
turns = st.lists(st.fixed_dictionaries({"prompt": texts, "answer": texts, "form": st.just("ask")}), max_size=3)
images = st.lists(st.sampled_from(["lab/1.2.840.1.png", "lab/b c.jpg", "lab/é.dcm"]), max_size=3, unique=True)


@st.composite
def examples(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = draw(st.lists(st.fixed_dictionaries({"turns": turns, "images": images}), min_size=1, max_size=5))
    return [simple_row(number) | row for number, row in enumerate(rows)]


def example(
    images: Sequence[str], prompt: str, answer: str = "x", form: str = "ask", number: int = 0
) -> dict[str, Any]:
    return simple_row(number) | {"images": images, "turns": [{"prompt": prompt, "answer": answer, "form": form}]}


def write(format: str, rows: Iterable[Mapping[str, Any]], folder: Path, about: About = NOTHING) -> list[Path]:
    writer = Writer(folder, Formats("parquet", (format,)), about)
    writer.add(frame_of([*map(dict, rows)]))
    return writer.finish()[0][format]


def said(format: str, rows: Iterable[Mapping[str, Any]], about: About = NOTHING) -> list[Row]:
    """The rows of chat that a format makes of examples."""
    with TemporaryDirectory() as folder:
        return read(format, write(format, rows, Path(folder), about))


def named(rows: Iterable[Row], examples: Sequence[Mapping[str, Any]], format: str) -> list[Row]:
    """The rows with images by their paths, where a format has names of its own for them."""
    if format != "webdataset":
        return [*rows]
    paths = {
        row["id"]: {f"{n}.{path.rpartition('.')[2]}": path for n, path in enumerate(row["images"])} for row in examples
    }
    return [row._replace(images=[paths[row.id.partition("#")[0]][name] for name in row.images]) for row in rows]


# ---- rows


@pytest.mark.parametrize("format", CHAT)
@settings(max_examples=20, deadline=None)
@given(rows=examples())
def test_a_turn_is_a_row(format: str, rows: list[dict[str, Any]]) -> None:
    found = named(said(format, rows), rows, format)
    assert found == plain(rows, BEHIND.get(format, ""))
    for row in found:
        assert f"{row.prompt}\n{row.answer}".count("<image>") == len(row.images)
        rest = row.prompt.replace("<image>", "") + "\0" + row.answer
        assert not RESERVED.search(rest)


@settings(max_examples=50, deadline=None)
@given(text=texts)
def test_what_is_escaped_can_be_had_back(text: str) -> None:
    ((_, _, escaped, answer, _),) = said("sharegpt", [example([], text, text)])
    assert escaped == answer
    tokens = "|".join(f"{re.escape(token[0])} * {re.escape(token[1:])}" for token in TOKENS)
    assert re.sub(tokens, lambda found: found[0].replace(" ", "", 1), escaped) == text


def test_a_report_that_contains_tokens_is_read_as_text() -> None:
    """By hand."""
    rows = [example(["lab/1.png"], "Sum up: <image> seen. < image> <|im_end|>", "See <video> [INST] <lung>.")]
    ((id, shown, asked, answer, _),) = said("sharegpt", rows)
    assert (id, shown) == ("t/s/0#0", ["lab/1.png"])
    assert asked == "<image>Sum up: < image> seen. <  image> < |im_end|>"
    assert answer == "See < video> [ INST] <lung>."


def test_text_alone_has_types(tmp_path: Path) -> None:
    """A column of empty lists is still one of lists of text, so that files go together."""
    for format in ("messages", "sharegpt", "ms-swift", "chexinstruct"):
        (alone,) = write(format, [example([], "Why?")], tmp_path / format / "alone")
        (shown,) = write(format, [example(["lab/1.png"], "Why?")], tmp_path / format / "shown")
        assert pl.read_parquet_schema(alone) == pl.read_parquet_schema(shown)
        assert pl.read_parquet_schema(alone).get("images", pl.List(pl.String)) == pl.List(pl.String)


@pytest.mark.parametrize("format", [*CHAT, "chexinstruct"])
def test_no_turns_are_no_rows(format: str, tmp_path: Path) -> None:
    files = write(format, [simple_row(0)], tmp_path)
    assert len(files) == 1
    if format == "chexinstruct":
        assert pl.read_parquet(files).height == 0
    else:
        assert read(format, files) == []


# ---- images in prompts

SHOWING = p.Form("ask", (), None, 1, prompt((1, (("See ",), Column("image", IMAGE)))), p.TextAnswer(Column("x", TEXT)))
PLACING = replace(NOTHING, forms={"ask": SHOWING})


@pytest.mark.parametrize(
    ("images", "printed", "placed", "order"),
    [
        ("a", "See a.", "See <image>.", "a"),
        ("abc", "See a.", "<image><image>See <image>.", "bca"),
        ("abc", "Is c like a?", "<image>Is <image> like <image>?", "bca"),
        ("abc", "None.", "<image><image><image>None.", "abc"),
        ("ab", "a, then a.", "<image><image>, then lab/a.png.", "ba"),
        ("aa", "See a.", "<image>See <image>.", "aa"),
        ("a", "See a and <image>.", "See <image> and < image>.", "a"),
        ("", "See it.", "See it.", ""),
    ],
)
def test_images_stand_where_their_path_was_printed(images: str, printed: str, placed: str, order: str) -> None:
    path = "lab/{}.png".format
    text = re.sub(r"\b[abc]\b", lambda found: path(found[0]), printed)
    rows = [example([*map(path, images)], text), example(["lab/z.png"], text, form="other", number=1)]
    (first, other) = said("sharegpt", rows, PLACING)
    assert first == Row("t/s/0#0", [*map(path, order)], placed, "x")
    assert other == Row("t/s/1#0", ["lab/z.png"], "<image>" + text.replace("<image>", "< image>"), "x")


def test_parts_are_in_the_order_in_which_they_are_shown(tmp_path: Path) -> None:
    (file,) = write("messages", [example(["lab/a.png", "lab/b.png"], "Is lab/a.png like that?")], tmp_path, PLACING)
    (row,) = pl.read_parquet(file).to_dicts()
    image = {"type": "image", "text": None}
    first, second = ({"type": "text", "text": text} for text in ("Is ", " like that?"))
    assert row["messages"][0]["content"] == [image, first, image, second]
    assert row["images"] == ["lab/b.png", "lab/a.png"]


# ---- dialogues


@pytest.mark.parametrize("format", CHAT)
@settings(max_examples=15, deadline=None)
@given(rows=examples())
def test_a_dialogue_is_a_row(format: str, rows: list[dict[str, Any]]) -> None:
    """All turns of an example in their order, with the images in front of the first."""
    about = replace(NOTHING, dialogue=True)
    texts = [[escape(turn[text]) for turn in row["turns"] for text in ("prompt", "answer")] for row in rows]
    wanted = [
        row_of(row["id"], row["images"], [front(row["images"], BEHIND.get(format, "")) + told[0], *told[1:]])
        for row, told in zip(rows, texts, strict=True)
        if told
    ]
    assert named(said(format, rows, about), rows, format) == wanted


def test_images_stand_where_a_dialogue_printed_them_first() -> None:
    path = "lab/{}.png".format
    turns = [
        {"prompt": f"Compare {path('c')} with the others.", "answer": f"Is it {path('a')}?", "form": "ask"},
        {"prompt": f"No, {path('b')} as {path('c')}.", "answer": "So.", "form": "ask"},
        {"prompt": f"And {path('a')}?", "answer": "No.", "form": "other"},
    ]
    rows = [example([path(name) for name in "abc"], "") | {"turns": turns}, example([path("a")], "See.", number=1)]
    (first, second) = said("sharegpt", rows, replace(PLACING, dialogue=True))
    assert first == Row(
        "t/s/0",
        [path("a"), path("c"), path("b")],
        "<image>Compare <image> with the others.",
        "Is it lab/a.png?",
        ("No, <image> as lab/c.png.", "So.", "And lab/a.png?", "No."),
    )
    assert second == Row("t/s/1", [path("a")], "<image>See.", "x")


def test_a_dialogue_is_a_line_for_openai(tmp_path: Path) -> None:
    two = [{"prompt": f"Why {n}?", "answer": f"So {n}.", "form": "ask"} for n in range(2)]
    rows = [example(["a.png"], "") | {"turns": two}, example([], "What?", number=1)]
    (file,) = write("openai", rows, tmp_path, replace(NOTHING, dialogue=True))
    lines = [json.loads(line)["messages"] for line in file.read_text("utf-8").split("\n")[:-1]]
    image = {"type": "image_url", "image_url": {"url": "a.png"}}
    first = [[image, {"type": "text", "text": "Why 0?"}], "So 0.", "Why 1?", "So 1."]
    assert [message["content"] for message in lines[0]] == first
    assert [message["content"] for message in lines[1]] == ["What?", "x"]


# ---- boxes

ASKING = p.Form(
    "asked", (), None, 1, prompt((1, (("Name ",), Column("spots", ListOf(BOX))))), p.TextAnswer(Column("x", TEXT))
)
FINDING = p.Form(
    "found", (), None, 1, prompt((1, (("Where?",),))), p.BoxesAnswer(Column("spots", ListOf(BOX)), None, None)
)
PRINTED = {
    "chexagent": ("<|box|>(1,2),(3,100)<|/box|>", "<|ref|>{}<|/ref|>"),
    "qwen2_vl": ("<|box_start|>(1,2),(3,1000)<|box_end|>", "<|object_ref_start|>{}<|object_ref_end|>"),
    "ms_swift": ("<bbox>(0.100000000,0.200000000),(0.300000001,1.000000000)</bbox>", "<ref-object>{}</ref-object>"),
}


def boxed(name: str) -> About:
    return replace(NOTHING, forms={"asked": ASKING, "found": FINDING}, dialect=DIALECTS[name])


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("format", ["sharegpt", "messages"])
def test_printed_boxes_stay_and_others_are_text(name: str, format: str) -> None:
    """In turns that print them; a token that is no part of a box is escaped there, too."""
    box, ref = PRINTED[name]
    start = box[: box.index("(")]
    ours = f"{ref.format('a <image>')}{box} {ref.format('b')}{box}"
    rows = [
        example([], f"Name {box} {box}, not {start} or (1,2)", f"{box}", "asked", 0),
        example([], f"Where is {box}?", ours, "found", 1),
        example([], f"Where is {box}?", ours, "other", 2),
    ]
    asked, found, other = said(format, rows, boxed(name))
    broken = start.replace("<", "< ")
    tokens = [box.replace("<", "< "), ours.replace("<", "< ")]
    assert asked[2:4] == (f"Name {box} {box}, not {broken} or (1,2)", tokens[0])
    assert found[2:4] == (f"Where is {tokens[0]}?", ours.replace("<image>", "< image>"))
    assert other[2:4] == (f"Where is {tokens[0]}?", tokens[1])


def objects(rows: Sequence[Mapping[str, Any]], about: About) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        return pl.read_parquet(write("ms-swift", rows, Path(folder), about)).to_dicts()


def test_swift_prints_the_boxes_itself() -> None:
    box, ref = PRINTED["ms_swift"]
    other = box.replace("0.1", "0.0")
    rows = [
        example(["i.png"], f"Name {box} {other} <bbox>", "A mass.", "asked", 0),
        example(["i.png"], "Where?", f"{ref.format('a <image>')}{box} {ref.format('')}{other}", "found", 1),
        example(["i.png"], "Where?", "Nothing there.", "found", 2),
    ]
    asked, found, nothing = objects(rows, boxed("ms_swift"))
    corners = [[0.1, 0.2, 0.300000001, 1.0], [0.0, 0.2, 0.300000001, 1.0]]
    assert [m["content"] for m in asked["messages"]] == ["<image>Name <bbox> <bbox> < bbox>", "A mass."]
    assert asked["objects"] == {"ref": [], "bbox": corners, "bbox_type": "norm1"}
    assert [m["content"] for m in found["messages"]] == ["<image>Where?", "<ref-object><bbox> <ref-object><bbox>"]
    assert found["objects"] == {"ref": ["a < image>", ""], "bbox": corners, "bbox_type": "norm1"}
    assert [m["content"] for m in nothing["messages"]] == ["<image>Where?", "Nothing there."]
    assert nothing["objects"] is None


def test_swift_leaves_boxes_of_other_dialects_in_the_texts() -> None:
    box, ref = PRINTED["chexagent"]
    (row,) = objects([example(["i.png"], "Where?", ref.format("a") + box, "found")], boxed("chexagent"))
    assert row["messages"][1]["content"] == ref.format("a") + box
    assert row["objects"] is None


# ---- the dialect of a run


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([], "chexagent"),
        (["jsonl", "messages", "sharegpt", "webdataset"], "chexagent"),
        (["llava", "messages"], "unit"),
        (["qwen-vl"], "qwen3_vl"),
        (["ms-swift", "jsonl"], "ms_swift"),
        (["chexinstruct"], "chexagent"),
    ],
)
def test_the_dialect_is_that_of_the_formats(names: list[str], wanted: str) -> None:
    assert dialect(asked(names)) == wanted
    assert wanted in DIALECTS


def test_formats_of_different_dialects_have_none() -> None:
    with pytest.raises(OutputError) as caught:
        dialect(asked(["llava", "qwen-vl", "messages"]))
    found = caught.value.diagnostic
    assert (found.code, found.message) == (
        "CXR816",
        "models of these formats read boxes in different dialects: `llava` unit, `qwen-vl` qwen3_vl",
    )


# ---- the published shape


def test_rows_of_the_published_shape(tmp_path: Path) -> None:
    choice = p.ChoiceAnswer(
        Column("o", ListOf(TEXT)), Column("x", TEXT), ("letters",), "inline", ("text",), None, False, None
    )
    choosing = p.Form("choose", (), None, 1, prompt((1, (("Which? ",), p.OptionBlock()))), choice)
    about = replace(boxed("chexagent"), forms={"choose": choosing, "asked": ASKING, "found": FINDING})
    box, ref = PRINTED["chexagent"]
    options = "Which? Options: (A) PA, (B) AP <image>"
    rows = [
        example(["i.png", "j.png"], options, "PA", "choose", 0),
        example([], options, "PA", "asked", 1),
        example([], f"Name {box} {box}.", "x", "asked", 2),
        example([], f"Where is {box}?", ref.format("a") + box, "found", 3),
    ]
    rows = [row | {"task": "t", "source": "s", "study_id": "s/1"} for row in rows]
    turns: list[Any] = [row["turns"][0] for row in rows]
    found = pl.read_parquet(write("chexinstruct", rows, tmp_path, about)).to_dicts()
    assert found == [
        {
            "unique_id": f"t/s/{number}#0",
            "study_id": "s/1",
            "task_name": "t",
            "data_source": "s",
            "image_path": row["images"],
            "text": turn["prompt"],
            "target_text": turn["answer"],
            "options": ["PA", "AP <image>"] if number == 0 else [],
            "region": f"{box} {box}" if number == 2 else "",
            "qa_pair": {"q": turn["prompt"], "a": turn["answer"]},
        }
        for number, (row, turn) in enumerate(zip(rows, turns, strict=True))
    ]


# ---- tar files with pictures


def opened(pictures: Mapping[str, bytes], folder: Path) -> About:
    """Pictures that lie in a folder, by image."""
    paths = {image: folder / str(number) for number, image in enumerate(pictures)}
    for image, path in paths.items():
        path.write_bytes(pictures[image])

    def open(image: str) -> BinaryIO | None:
        return paths[image].open("rb") if image in paths else None

    return replace(NOTHING, picture=open)


def test_samples_hold_their_pictures_in_order(tmp_path: Path) -> None:
    pictures = {"lab/1.2.840.png": b"one", "lab/no suffix": b"two", "lab/B.JPG": b""}
    rows = [
        example([*pictures], "Compare."),
        example(["lab/gone.dcm", "lab/B.JPG"], "Compare.", number=1),
        example(["lab/B.JPG", "lab/B.JPG"], "Compare.", number=2),
        example([], "Why?", number=3),
        simple_row(4) | {"images": ["lab/B.JPG"]},
    ]
    rows[0]["turns"] *= 2
    (file,) = write("webdataset", rows, tmp_path / "out", opened(pictures, tmp_path))
    with tarfile.open(file) as tar:
        members = tar.getmembers()
    keys = [f"0000000000{n}" for n in range(5)]
    assert [member.name for member in members] == [
        *(f"{keys[0]}.{name}" for name in ("0.png", "1", "2.jpg", "json")),
        *(f"{keys[1]}.{name}" for name in ("1.jpg", "json")),
        *(f"{keys[2]}.{name}" for name in ("0.jpg", "json")),
        f"{keys[3]}.json",
        *(f"{keys[4]}.{name}" for name in ("0.jpg", "json")),
    ]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
    first, gone, twice, alone, still = samples(file)
    assert [first[name] for name in first["json"]["images"]] == [b"one", b"two", b""]
    assert [turn["id"] for turn in first["json"]["chats"]] == ["t/s/0#0", "t/s/0#1"]
    assert gone["json"]["images"] == ["0.dcm", "1.jpg"]
    assert gone["json"]["missing"] == ["0.dcm"]
    assert twice["json"]["images"] == twice["json"]["chats"][0]["images"] == ["0.jpg", "0.jpg"]
    assert alone == {"json": {"id": "t/s/3", "images": [], "missing": [], "chats": alone["json"]["chats"]}}
    assert still["json"]["chats"] == []


def test_a_file_holds_so_many_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "SAMPLES", 2)
    files = write("webdataset", [example([], "Why?", number=n) for n in range(5)], tmp_path)
    assert [file.name for file in files] == [f"train-0000{n}-of-00003.tar" for n in range(3)]
    assert [len(samples(file)) for file in files] == [2, 2, 1]


@pytest.mark.parametrize("format", [*CHAT, "chexinstruct"])
def test_equal_examples_give_equal_bytes(format: str, tmp_path: Path) -> None:
    """However they come; test_emitters.py does so for large files."""
    frame = frame_of([example([f"lab/{n}.png"] * (n % 3), f"Why {n}?", number=n) for n in range(7)])
    found: list[dict[str, str]] = []
    for number, pieces in enumerate(
        ([frame], [frame[:3], frame[3:]], [pl.concat([frame[:2], frame[2:]], rechunk=False)])
    ):
        writer = Writer(tmp_path / f"out{number}", Formats("parquet", (format,)), opened({"lab/1.png": b"x"}, tmp_path))
        for piece in pieces:
            writer.add(piece)
        found.append(digests(writer.finish()[0][format]))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1
