"""Rows of chat for the finetuning of Qwen-VL (qwen-vl-finetune/ of QwenLM/Qwen3-VL): the shape of LLaVA's, one a line.

    {"id": "view_classification/lab/1#0", "image": "lab/1.png",
     "conversations": [{"from": "human", "value": "<image>\\nWhich view is this?"}, {"from": "gpt", "value": "PA"}]}

Its table of data sets names a file as `annotation_path`, and the data root as `data_path`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cxrspec.runtime.chat import chat, llava
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.jsonl import save

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows of chat."""
    path = shard.path(".jsonl")
    save(chat(shard, behind="\n").select(llava()), path)
    return [path]
