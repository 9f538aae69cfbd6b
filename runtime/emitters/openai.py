"""Lines of chat for OpenAI's fine-tuning.

    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "lab/1.png"}},
                                               {"type": "text", "text": "Which view is this?"}]},
                  {"role": "assistant", "content": "PA"}]}

A turn is a line: those of a file are the turns of its examples in their order. A line has `messages` and nothing else, as developers.openai.com/api/docs/guides/vision-fine-tuning shows it: who
it is about stays at home. That page asks for URLs of the pictures; here stand their paths, behind which they are put.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.jsonl import save

NEEDS: Mapping[str, str] = {"external_services": "yes"}
BOXES = None


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as lines of chat."""
    path = shard.path(".jsonl")
    turns = shard.examples.select("images", "turns").explode("turns", empty_as_null=False, keep_nulls=False)
    save(turns.select(_line()), path)
    return [path]


def _line() -> pl.Expr:
    """A turn as JSON in one line."""
    prompt, answer = (pl.col("turns").struct.field(name) for name in ("prompt", "answer"))
    image = pl.struct(pl.lit("image_url").alias("type"), pl.struct(pl.element().alias("url")).alias("image_url"))
    images = pl.col("images").list.eval(image.struct.json_encode()).list.join(",")
    text = pl.struct(pl.lit("text").alias("type"), prompt.alias("text")).struct.json_encode()
    shown = pl.concat_str(pl.lit('{"role":"user","content":['), images, pl.lit(","), text, pl.lit("]}"))
    user = pl.when(pl.col("images").list.len() > 0).then(shown).otherwise(_said("user", prompt))
    return pl.concat_str(pl.lit('{"messages":['), user, pl.lit(","), _said("assistant", answer), pl.lit("]}"))


def _said(role: str, text: pl.Expr) -> pl.Expr:
    """A message that is a text."""
    return pl.struct(pl.lit(role).alias("role"), text.alias("content")).struct.json_encode()
