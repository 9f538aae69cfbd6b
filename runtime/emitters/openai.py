"""Lines of chat for OpenAI's fine-tuning.

    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "lab/1.png"}},
                                               {"type": "text", "text": "Which view is this?"}]},
                  {"role": "assistant", "content": "PA"}]}

A turn is a line: those of a file are the turns of its examples in their order; a dialogue is one. A line has `messages` and
nothing else, as developers.openai.com/api/docs/guides/vision-fine-tuning shows it: who it is about stays at home. That page
asks for URLs of the pictures; here stand their paths, and what they are served below goes in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cxrspec.runtime.chat import turns
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.jsonl import save

NEEDS: Mapping[str, str] = {"external_services": "yes"}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as lines of chat."""
    path, dialogue = shard.path(".jsonl"), shard.about.dialogue
    rows = turns(shard.examples.select("images", "turns"))
    shown = (pl.col("images").list.len() > 0) & ((pl.col("number") == 0) | (not dialogue))
    user = pl.when(shown).then(_seen()).otherwise(_said("user", "prompt"))
    said = rows.select("example", said=pl.concat_str(user, pl.lit(","), _said("assistant", "answer")))
    if dialogue:
        said = said.group_by("example", maintain_order=True).agg(pl.col("said").str.join(","))
    save(said.select(pl.concat_str(pl.lit('{"messages":['), "said", pl.lit("]}"))), path)
    return [path]


def _seen() -> pl.Expr:
    """The prompt behind its images."""
    image = pl.struct(pl.lit("image_url").alias("type"), pl.struct(pl.element().alias("url")).alias("image_url"))
    images = pl.col("images").list.eval(image.struct.json_encode()).list.join(",")
    text = pl.struct(pl.lit("text").alias("type"), pl.col("prompt").alias("text")).struct.json_encode()
    return pl.concat_str(pl.lit('{"role":"user","content":['), images, pl.lit(","), text, pl.lit("]}"))


def _said(role: str, text: str) -> pl.Expr:
    """A message that is a text."""
    return pl.struct(pl.lit(role).alias("role"), pl.col(text).alias("content")).struct.json_encode()
