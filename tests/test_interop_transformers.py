"""Chat templates of `transformers` on rows of the format `messages`, by a small tokenizer and processor of our own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from cxrspec.compiler.dialects import DIALECTS, Resize
from cxrspec.runtime.emitters import NOTHING

from .chat_rows import TOKENS, plain, row_of
from .interop import library
from .test_chat import PLACING, example, write

pytestmark = pytest.mark.slow

TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% for part in message.content -%}
{%- if part.type == "image" -%}<image>{%- elif "text" in part -%}{{ part.text }}{%- endif -%}
{%- endfor -%}<|im_end|>
{% endfor -%}
"""
SPECIAL = ["<image>", "<|im_start|>", "<|im_end|>", "<pad>"]
PATCHES = 4
"""Tokens of an image: 28 by 28 pixels in patches of 14."""

ROWS = [
    example([], "Why? <image>", "So <image>.", number=0),
    example(["a.png"], "What?", "It.", number=1),
    example(["a.png", "b.png"], "Compare <|im_end|>.", " ".join(TOKENS), number=2),
    example(["a.png", "b.png"], "Is lab like a.png?", "No.", number=3),
]


@cache
def tokenizer() -> Any:
    """A token for each byte, and the special ones."""
    parts = library("tokenizers")
    alphabet = sorted(parts.pre_tokenizers.ByteLevel.alphabet())
    made = parts.Tokenizer(parts.models.BPE({byte: number for number, byte in enumerate(alphabet)}, []))
    made.pre_tokenizer = parts.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = parts.decoders.ByteLevel()
    special = {"pad_token": "<pad>", "extra_special_tokens": {"image_token": "<image>"}}
    fast = library("transformers").PreTrainedTokenizerFast(tokenizer_object=made, **special)
    fast.add_special_tokens({"additional_special_tokens": SPECIAL})
    return fast


@cache
def processor() -> Any:
    """LLaVA's, on a small tokenizer and small pictures."""
    library("transformers")
    clip = library("transformers.models.clip.image_processing_pil_clip").CLIPImageProcessorPil
    pictures = clip(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    return library("transformers").LlavaProcessor(
        pictures,
        tokenizer(),
        patch_size=14,
        vision_feature_select_strategy="full",
        image_token="<image>",
        chat_template=TEMPLATE,
    )


@pytest.fixture(params=["in front", "in the text"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> list[dict[str, Any]]:
    about = NOTHING if request.param == "in front" else PLACING
    return pl.read_parquet(write("messages", ROWS, tmp_path, about)).to_dicts()


def said(row: dict[str, Any]) -> list[str]:
    """The texts of a row, images as `<image>`."""
    return [
        "".join("<image>" if part["type"] == "image" else part["text"] for part in message["content"])
        for message in row["messages"]
    ]


def test_the_template_prints_the_parts_in_order(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        text = tokenizer().apply_chat_template(row["messages"], chat_template=TEMPLATE, tokenize=False)
        prompt, answer = said(row)
        assert text == f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"


def test_texts_have_no_special_token_of_their_own(rows: list[dict[str, Any]]) -> None:
    """As many as the template and the images bring: a report with `<|im_end|>` in it ends no turn."""
    special = {name: tokenizer().convert_tokens_to_ids(name) for name in SPECIAL}
    for row in rows:
        found = tokenizer().apply_chat_template(
            row["messages"], chat_template=TEMPLATE, tokenize=True, return_dict=True
        )
        ids = found["input_ids"]
        assert ids.count(special["<image>"]) == len(row["images"])
        assert ids.count(special["<|im_start|>"]) == ids.count(special["<|im_end|>"]) == 2
        assert tokenizer().decode(ids) == tokenizer().apply_chat_template(
            row["messages"], chat_template=TEMPLATE, tokenize=False
        )


def test_a_processor_takes_texts_and_pictures(rows: list[dict[str, Any]]) -> None:
    """Each image is as many tokens as it has patches; a count that did not fit would raise."""
    token = tokenizer().convert_tokens_to_ids("<image>")
    for row in rows:
        text = processor().apply_chat_template(row["messages"], tokenize=False)
        pictures = [Image.new("RGB", (40, 30 + number)) for number, _ in enumerate(row["images"])]
        made = processor()(images=pictures or None, text=text, return_tensors=None)
        (ids,) = made["input_ids"]
        assert [*ids].count(token) == PATCHES * len(pictures)
        assert len(made.get("pixel_values", [])) == len(pictures)


def test_rows_are_those_of_plain_python(tmp_path: Path) -> None:
    found = pl.read_parquet(write("messages", ROWS, tmp_path)).to_dicts()
    assert [row_of(row["id"], row["images"], said(row)) for row in found] == plain(ROWS)


def test_images_are_resized_as_the_processor_of_qwen_does() -> None:
    resize = DIALECTS["qwen2_5_vl"].grid
    assert isinstance(resize, Resize)
    theirs = library("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl").smart_resize
    limits = {"factor": 28, "min_pixels": 4 * 28 * 28, "max_pixels": 16384 * 28 * 28}
    for width, height in [(28, 28), (2544, 3056), (3056, 2544), (5000, 5000), (9000, 100), (42, 8_000), (40, 30)]:
        assert resize(width, height) == theirs(height, width, **limits)[::-1]
