"""Rows of chat for TRL and whoever applies a chat template: the parts of a message in the order in which they are shown.

    {"id": "view_classification/lab/1#0",
     "messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which view is this?"}]},
                  {"role": "assistant", "content": [{"type": "text", "text": "PA"}]}],
     "images": ["lab/1.png"]}

They are Parquet, in which every column has a type, also where all rows are text alone. An image's part has a `text` that
is null: TRL leaves such keys out (trl/trainer/sft_trainer.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cxrspec.runtime.chat import chat, conversation
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.parquet import save

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows of chat."""
    messages = conversation("role", "content", "user", "assistant", parts=True)
    return [save(chat(shard).select("id", messages.alias("messages"), "images"), shard.path(".parquet"))]
