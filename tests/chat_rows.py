"""What stands in files of chat, read by plain Python: the same rows, whatever format they are in."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

CHAT = ("messages", "llava", "sharegpt", "qwen-vl", "ms-swift", "webdataset")
"""The formats whose rows are chat."""

BEHIND = {"llava": "\n", "qwen-vl": "\n"}
"""What follows on the images in front of a prompt."""

TOKENS = (
    *("<image>", "<video>", "<audio>", "<bbox>", "</bbox>", "<ref-object>", "</ref-object>", "<img>", "</s>", "<s>"),
    *("<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|box|>", "<|/box|>", "<|ref|>", "<|/ref|>", "<|endoftext|>"),
    *("<start_of_turn>", "<cot-process>", "<<SYS>>", "<</SYS>>", "[INST]", "[/INST]", "[IMG]", "<｜end▁of▁sentence｜>"),
)
"""Tokens that some of the readers take for something else than text."""


class Row(NamedTuple):
    """What is said in turn, first a prompt and its answer, then `more` in a dialogue; `<image>` where an image is shown."""

    id: str
    images: list[str]
    prompt: str
    answer: str
    more: tuple[str, ...] = ()


def row_of(id: str, images: list[str], said: Iterable[str]) -> Row:
    prompt, answer, *more = said
    return Row(id, images, prompt, answer, tuple(more))


def escape(text: str) -> str:
    """A text with one blank more in each of its tokens, behind the bracket."""
    for token in TOKENS:
        pattern = f"({re.escape(token[0])} *)({re.escape(token[1:])})"
        text = re.sub(pattern, lambda found: f"{found[1]} {found[2]}", text, flags=re.IGNORECASE)
    return text


def plain(examples: Iterable[Mapping[str, Any]], behind: str = "") -> list[Row]:
    """The rows of examples whose prompts print no path of an image, and no box."""
    return [
        Row(
            f"{row['id']}#{number}",
            row["images"],
            front(row["images"], behind) + escape(turn["prompt"]),
            escape(turn["answer"]),
        )
        for row in examples
        for number, turn in enumerate(row["turns"])
    ]


def front(images: Sequence[str], behind: str) -> str:
    """The images in front of a prompt."""
    return "<image>" * len(images) + behind if images else ""


# ---- files


def read(format: str, files: Iterable[Path]) -> list[Row]:
    """The rows in files of a format, in their order."""
    return [row for file in files for row in READ[format](file)]


def _messages(file: Path) -> Iterator[Row]:
    for row in pl.read_parquet(file).to_dicts():
        said = _alternate(row["messages"], "role", "content", "user", "assistant")
        yield row_of(row["id"], row["images"], map(_whole, said))


def _sharegpt(file: Path) -> Iterator[Row]:
    for row in pl.read_parquet(file).to_dicts():
        yield _said(row["id"], row["images"], row["conversations"])


def _swift(file: Path) -> Iterator[Row]:
    for row in pl.read_parquet(file).to_dicts():
        yield row_of(row["id"], row["images"], _alternate(row["messages"], "role", "content", "user", "assistant"))


def _llava(file: Path) -> Iterator[Row]:
    text = file.read_text("utf-8")
    rows = json.loads(text) if file.suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]
    for row in rows:
        image = row.get("image", [])
        assert "image" not in row or image
        yield _said(row["id"], [image] if isinstance(image, str) else image, row["conversations"])


def _said(id: str, images: list[str], conversations: Sequence[Mapping[str, str]]) -> Row:
    return row_of(id, images, _alternate(conversations, "from", "value", "human", "gpt"))


def _alternate(messages: Sequence[Mapping[str, Any]], role: str, content: str, asks: str, answers: str) -> list[Any]:
    """What is said, by two in turn."""
    assert [message[role] for message in messages] == [asks, answers] * (len(messages) // 2)
    assert all(message.keys() == {role, content} for message in messages)
    return [message[content] for message in messages]


def _whole(parts: Sequence[Mapping[str, Any]]) -> str:
    """The text of a message that is in parts, of which none is empty."""
    assert all((part["text"] is None) == (part["type"] == "image") for part in parts)
    assert all(part["text"] for part in parts if part["type"] == "text") or len(parts) == 1
    return "".join("<image>" if part["type"] == "image" else part["text"] for part in parts)


def _webdataset(file: Path) -> Iterator[Row]:
    for sample in samples(file):
        names = {name: name for name in sample if name != "json"} | {n: n for n in sample["json"]["missing"]}
        for chat in sample["json"]["chats"]:
            assert [*chat] == ["id", "images", "messages"]
            said = _alternate(chat["messages"], "role", "content", "user", "assistant")
            yield row_of(chat["id"], [names[name] for name in chat["images"]], said)


def samples(file: Path) -> list[dict[str, Any]]:
    """The samples of a tar, as WebDataset groups its members: by what stands before the first dot."""
    found: dict[str, dict[str, Any]] = {}
    with tarfile.open(file) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            key, _, name = member.name.partition(".")
            found.setdefault(key, {})[name] = json.loads(content.read()) if name == "json" else content.read()
    return list(found.values())


READ: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    "messages": _messages,
    "llava": _llava,
    "sharegpt": _sharegpt,
    "qwen-vl": _llava,
    "ms-swift": _swift,
    "webdataset": _webdataset,
}
