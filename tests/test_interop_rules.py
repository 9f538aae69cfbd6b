"""What the readers of chat ask of a row, in our words: they do not install side by side, so their rules stand here.

Each rule names the file that it is from, and the commit at which it was read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cxrspec.compiler.dialects import DIALECTS
from cxrspec.runtime import manifest
from cxrspec.runtime.emitters import NOTHING, sharegpt

from .chat_rows import TOKENS, plain
from .property.test_box_answers import printed
from .test_chat import PLACING, boxed, example, write

ROWS = [
    example([], "Why? <image>", "So <image>.", number=0),
    example(["lab/a.png"], "What?", "It.", number=1),
    example(["lab/a.png", "lab/1.2.b.dcm", "lab/c.jpg"], "Compare.", " ".join(TOKENS), number=2),
    example(["lab/a.png"], " ".join(TOKENS), "", number=3),
    example(["lab/a.png", "lab/b.png"], "Is lab/b.png like lab/a.png?", "No.", number=4),
    example([], "", "Nothing.", number=5),
]
"""Text alone, one image and several, tokens in prompts and answers, paths in a prompt, empty texts."""

WANTED = [row for row in plain(ROWS) if row.id != "t/s/4#0"]  # test_chat.py has those of which a path is printed


@pytest.fixture(params=["in front", "in the text"])
def about(request: pytest.FixtureRequest) -> Any:
    return NOTHING if request.param == "in front" else PLACING


def rows(format: str, folder: Path, about: Any) -> list[dict[str, Any]]:
    (file,) = write(format, ROWS, folder, about)
    if file.suffix == ".parquet":
        return pl.read_parquet(file).to_dicts()
    if file.suffix == ".json":
        return [*json.loads(file.read_text("utf-8"))]
    return [json.loads(line) for line in file.read_text("utf-8").split("\n")[:-1]]


# ---- TRL: huggingface/trl, trl/data_utils.py, `prepare_multimodal_messages` (a stored copy that names no commit), and
# trl/trainer/sft_trainer.py, `remove_none_values`


def trl(row: Mapping[str, Any]) -> Any:
    """The messages with images in their places; their number has to be that of the parts that are images."""
    messages = without_none(row["messages"])
    for message in messages:
        assert message["role"] in {"system", "user", "assistant", "tool"}
    places = [part for message in messages for part in message["content"] if part["type"] == "image"]
    assert len(places) == len(row["images"])
    for part, image in zip(places, row["images"], strict=True):
        part["image"] = image
    return messages


def without_none(value: Any) -> Any:
    def told(fields: dict[str, Any]) -> dict[str, Any]:
        return {key: item for key, item in fields.items() if item is not None}

    return json.loads(json.dumps(value), object_hook=told)


def test_trl_takes_every_row(tmp_path: Path, about: Any) -> None:
    for row, given in zip(rows("messages", tmp_path, about), ROWS, strict=True):
        user, assistant = trl(row)
        shown = [part["image"] for part in user["content"] if part["type"] == "image"]
        assert sorted(shown) == sorted(given["images"])
        assert all(part.keys() == {"type", part["type"]} for part in user["content"] + assistant["content"])


# ---- LLaMA-Factory: hiyouga/LLaMA-Factory, src/llamafactory/data/


def llama_factory(entry: Mapping[str, Any], folder: Path) -> Iterator[tuple[list[dict[str, str]], list[str]]]:
    """Messages and images of a data set of dataset_info.json.

    parser.py (01d3ac67): `file_name` below the folder of the registry, names of columns and tags.
    loader.py (dda34b5f): a folder is all its files, which are of one type.
    converter.py (02e2fb34): who speaks alternates, the number of messages is even, no image is an empty list or null.
    """
    place = folder / entry["file_name"]
    files = [*place.iterdir()] if place.is_dir() else [place]
    assert {file.suffix for file in files} == {".parquet"}
    assert entry["formatting"] == "sharegpt"
    columns, tags = entry["columns"], entry["tags"]
    for row in pl.read_parquet(files).to_dicts():
        messages = row[columns["messages"]]
        who = [message[tags["role_tag"]] for message in messages]
        assert who == [tags["user_tag"], tags["assistant_tag"]] * (len(messages) // 2)
        assert messages
        assert isinstance(row[columns["images"]], list)
        yield [{"content": message[tags["content_tag"]]} for message in messages], row[columns["images"]]


def counted(messages: Sequence[Mapping[str, str]], images: Sequence[str]) -> None:
    """mm_plugin.py (01915eaf): as many placeholders as media, over all messages of a row."""
    text = [message["content"] for message in messages]
    assert sum(one.count("<image>") for one in text) == len(images)
    assert not any(token in one for one in text for token in ("<video>", "<audio>"))


def test_llama_factory_takes_every_row(tmp_path: Path, about: Any) -> None:
    out = tmp_path / "out"
    (file,) = write("sharegpt", ROWS, out / "t" / "s", about)
    path = file.relative_to(out).as_posix()
    spec = manifest.Spec("t/s", "t", "s", "", others={"sharegpt": (manifest.File(path, 0, ""),)})
    versions = manifest.Versions("", "", "", "")
    registry = json.loads(sharegpt.registry(manifest.Manifest(versions, 1, "default", "parquet", specs=(spec,))))
    assert [*registry] == ["t--s--train"]
    found = [*llama_factory(registry["t--s--train"], out)]
    for messages, images in found:
        counted(messages, images)
    assert len(found) == len(ROWS)


# ---- ms-swift: modelscope/ms-swift, swift/

SPECIAL = ("<image>", "<video>", "<audio>", "<bbox>", "<ref-object>", "<cot-process>", "<start-image>")
"""template/base.py (02142f2c): where texts are cut."""


def swift(row: Mapping[str, Any]) -> str:
    """The texts of a row as Qwen2-VL reads them.

    dataset/preprocessor/core.py (05a12dc8): roles are known, no content is null, a box has two or four numbers, from
    the upper left corner to the lower right; images are a list of paths.
    template/base.py (02142f2c): each placeholder takes the next image, box or name; there are as many of each.
    templates/qwen.py (04241c11): how Qwen2-VL has names and boxes, of which the corners are of 1000 steps.
    """
    assert row["messages"]
    assert all(message["role"] in {"user", "assistant"} for message in row["messages"])
    assert all(message["content"] is not None for message in row["messages"])
    assert all(isinstance(image, str) for image in row["images"])
    objects: dict[str, Any] = row["objects"] or {"ref": [], "bbox": [], "bbox_type": "norm1"}
    assert objects["bbox_type"] == "norm1"
    for box in objects["bbox"]:
        assert len(box) == 4
        assert box[0] <= box[2]
        assert box[1] <= box[3]
    media = {"<image>": iter(row["images"]), "<bbox>": iter(objects["bbox"]), "<ref-object>": iter(objects["ref"])}
    pieces = re.split("(" + "|".join(SPECIAL) + ")", "\n".join(message["content"] for message in row["messages"]))
    text = ""
    for piece in pieces:
        if piece not in SPECIAL:
            text += piece
            continue
        value = next(media[piece])
        if piece == "<image>":
            text += "<|vision_start|><|image_pad|><|vision_end|>"
        elif piece == "<bbox>":
            x1, y1, x2, y2 = (round(corner * 1000) for corner in value)
            text += f"<|box_start|>({x1},{y1}),({x2},{y2})<|box_end|>"
        else:
            text += f"<|object_ref_start|>{value}<|object_ref_end|>"
    assert not any([*left] for left in media.values())
    return text


def test_swift_takes_every_row(tmp_path: Path, about: Any) -> None:
    for row, given in zip(rows("ms-swift", tmp_path, about), ROWS, strict=True):
        assert swift(row).count("<|image_pad|>") == len(given["images"])


def test_swift_prints_boxes_as_our_own_dialect_does(tmp_path: Path) -> None:
    """What goes through `objects` is what a run prints that has boxes in the dialect `qwen2_vl`."""
    corners = [(0.1, 0.25, 0.33333333, 1.0), (0.0, 0.0, 0.12345678, 0.98765432), (0.7772, 0.1, 0.7779, 0.2)]
    boxes = [dict(zip(("x1", "y1", "x2", "y2"), one, strict=True)) | {"width": 900, "height": 1250} for one in corners]
    items = [(label, box) for label, box in zip(("mass", "a b", ""), boxes, strict=True)]
    nameless = [(None, box) for box in boxes[:2]]

    def asked(dialect: str) -> list[dict[str, Any]]:
        return [
            example(["i.png"], f"Name {printed(nameless, dialect)}!", "x", "asked", 0),
            example(["i.png"], "Where?", printed(items, dialect), "found", 1),
        ]

    (file,) = write("ms-swift", asked("ms_swift"), tmp_path, boxed("ms_swift"))
    front = "<|vision_start|><|image_pad|><|vision_end|>"
    wanted = [f"{front}{turn['prompt']}\n{turn['answer']}" for row in asked("qwen2_vl") for turn in row["turns"]]
    assert [swift(row) for row in pl.read_parquet(file).to_dicts()] == wanted
    assert DIALECTS["qwen2_vl"].grid == 1000


# ---- LLaVA: haotian-liu/LLaVA (00346615) and LLaVA-VL/LLaVA-NeXT (45f2d920), llava/train/train.py


def llava(row: Mapping[str, Any]) -> tuple[list[str], str, str]:
    """Images, and what is said by whom, in the order of a template.

    A row that has `image` has pictures at these paths (of which LLaVA 1.5 takes one, as a text); human and gpt take
    turns. Where there is one `<image>`, it is moved to the front of its message, with a line break behind it. Texts are
    cut there, and each cut takes a picture.
    """
    image: Any = row.get("image", [])
    images: list[str] = [image] if isinstance(image, str) else image
    assert "image" not in row or images
    human, gpt = deepcopy(row["conversations"])
    assert (human["from"], gpt["from"]) == ("human", "gpt")
    for said in (human, gpt):
        if said["value"].count("<image>") == 1:
            said["value"] = ("<image>\n" + said["value"].replace("<image>", "").strip()).strip()
    assert len((human["value"] + gpt["value"]).split("<image>")) - 1 == len(images)
    return images, human["value"], gpt["value"]


def test_llava_takes_every_row(tmp_path: Path, about: Any) -> None:
    found = [llava(row) for row in rows("llava", tmp_path, about)]
    assert [sorted(images) for images, _, _ in found] == [sorted(row["images"]) for row in ROWS]


def test_llava_moves_nothing_that_stands_in_front(tmp_path: Path) -> None:
    (row,) = [row for row in rows("llava", tmp_path, NOTHING) if row["id"] == "t/s/1#0"]
    assert llava(row) == (["lab/a.png"], row["conversations"][0]["value"], "It.")


# ---- Qwen-VL: QwenLM/Qwen3-VL, qwen-vl-finetune/qwenvl/data/data_processor.py (23d3cce0)


def qwen_vl(row: Mapping[str, Any]) -> tuple[list[str], list[str], str]:
    """Images in the order shown, the texts round them, and the answer; each `<image>` takes the next of `image`."""
    images: Any = row.get("image") or []
    pool: list[str] = [images] if isinstance(images, str) else [*images]
    human, gpt = row["conversations"]
    assert human["from"] == "human"
    shown: list[str] = []
    texts: list[str] = []
    for piece in re.split("(<image>|<video>)", human["value"]):
        assert piece != "<video>"
        if piece == "<image>":
            shown.append(pool.pop(0))
        elif piece.strip():
            texts.append(piece.strip())
    assert not pool
    return shown, texts, gpt["value"]


def test_qwen_vl_takes_every_row(tmp_path: Path, about: Any) -> None:
    found = [qwen_vl(row) for row in rows("qwen-vl", tmp_path, about)]
    assert [sorted(images) for images, _, _ in found] == [sorted(row["images"]) for row in ROWS]
    wanted = [row.prompt.replace("<image>", "").strip() for row in WANTED]
    assert [" ".join(texts) for (_, texts, _), row in zip(found, ROWS, strict=True) if row["id"] != "t/s/4"] == wanted
