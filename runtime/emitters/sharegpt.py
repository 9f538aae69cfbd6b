"""Rows of chat in ShareGPT's form for LLaMA-Factory, and the registry by which it finds them.

    {"id": "view_classification/lab/1#0",
     "conversations": [{"from": "human", "value": "<image>Which view is this?"}, {"from": "gpt", "value": "PA"}],
     "images": ["lab/1.png"]}

LLaMA-Factory loads a file or all files of a folder, so each split has a folder. They are Parquet, in which every column
has a type: in JSON a column of empty lists has none, and does not go together with another file's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cxrspec.runtime.chat import chat, conversation
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.parquet import save
from cxrspec.runtime.formats import REGISTERED
from cxrspec.runtime.manifest import Manifest

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows of chat."""
    path = shard.path(".parquet")
    path = path.parent / shard.split / path.name
    path.parent.mkdir(exist_ok=True)
    rows = chat(shard)
    return [
        save(rows.select("id", conversation("from", "value", "human", "gpt").alias("conversations"), "images"), path)
    ]


def registry(manifest: Manifest) -> str:
    """What LLaMA-Factory reads as dataset_info.json: each split of each spec is the data set `<task>--<source>--<split>`."""
    folders = {
        f"{spec.name.replace('/', '--')}--{folder.name}": folder.as_posix()
        for spec in manifest.specs
        for folder in dict.fromkeys(PurePosixPath(file.path).parent for file in spec.others.get(REGISTERED, ()))
    }
    return json.dumps({name: _entry(folders[name]) for name in sorted(folders)}, indent=2) + "\n"


def _entry(folder: str) -> dict[str, Any]:
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    columns = {"messages": "conversations", "images": "images"}
    return {"file_name": folder, "formatting": "sharegpt", "columns": columns, "tags": tags}
