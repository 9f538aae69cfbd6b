"""Rows of chat for ms-swift, which prints boxes itself, as each model has them: texts hold `<bbox>` in their place.

    {"id": "abnormality_grounding/lab/1#0",
     "messages": [{"role": "user", "content": "<image>Where is the mass?"},
                  {"role": "assistant", "content": "<ref-object><bbox>"}],
     "images": ["lab/1.png"],
     "objects": {"ref": ["mass"], "bbox": [[0.1, 0.25, 0.5, 1.0]], "bbox_type": "norm1"}}

So it is with boxes in the dialect `ms_swift`, from whose texts they are taken; other dialects stay in the texts. Rows
without boxes have null for `objects`. They are Parquet, in which every column has a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cxrspec.compiler.answers import pattern_of
from cxrspec.compiler.dialects import DIALECTS
from cxrspec.runtime.chat import chat, conversation
from cxrspec.runtime.emitters import Shard
from cxrspec.runtime.emitters.parquet import save

NEEDS: Mapping[str, str] = {}

_DIALECT = DIALECTS["ms_swift"]
_BOX = pattern_of(_DIALECT, _DIALECT.box)
_LABEL = r"(?s)<ref-object>(.*?)</ref-object>"
_OBJECTS = pl.Struct({"ref": pl.List(pl.String), "bbox": pl.List(pl.List(pl.Float64)), "bbox_type": pl.String})


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows of chat."""
    rows = chat(shard)
    if shard.about.dialect == _DIALECT:
        said = pl.col("said").list.join("\n")
        label = pl.element().str.strip_prefix("<ref-object>").str.strip_suffix("</ref-object>")
        number = pl.element().str.extract_all(r"[01]\.[0-9]+").cast(pl.List(pl.Float64))
        boxes = said.str.extract_all(_BOX).list.eval(number)
        objects = pl.struct(ref=said.str.extract_all(_LABEL).list.eval(label), bbox=boxes, bbox_type=pl.lit("norm1"))
        bare = pl.element().str.replace_all(_BOX, "<bbox>").str.replace_all(_LABEL, "<ref-object>")
        rows = rows.with_columns(pl.col("said").list.eval(bare), objects=pl.when(boxes.list.len() > 0).then(objects))
    else:
        rows = rows.with_columns(objects=pl.lit(None, _OBJECTS))
    messages = conversation("role", "content", "user", "assistant")
    return [save(rows.select("id", messages.alias("messages"), "images", "objects"), shard.path(".parquet"))]
