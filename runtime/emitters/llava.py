"""Rows of chat for LLaVA's trainings: one JSON array a file, since they load a file as a whole.

    [{"id": "view_classification/lab/1#0", "image": "lab/1.png",
      "conversations": [{"from": "human", "value": "<image>\\nWhich view is this?"}, {"from": "gpt", "value": "PA"}]}]

A row of text alone has no `image`: they take any that is there for a path (llava/train/train.py). `image` is a list where
there are several, which LLaVA-NeXT reads, and LLaVA 1.5 does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cxrspec.runtime.chat import chat, llava
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.jsonl import save

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows of chat."""
    path = shard.path(".json")
    before = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("")).otherwise(pl.lit(","))
    with path.open("wb") as file:
        file.write(b"[\n")
        save(chat(shard, behind="\n").select(before + llava()), file)
        file.write(b"]\n")
    return [path]
