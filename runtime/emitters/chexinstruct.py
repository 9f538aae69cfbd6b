"""Rows in the shape of the published corpus, CheXinstruct: a turn is one; texts stand as they are, images beside them.

    {"unique_id": "view_classification/lab/1#0", "study_id": "lab/1", "task_name": "view_classification",
     "data_source": "lab", "image_path": ["lab/1.png"], "text": "Which view is this? Options: (A) PA, (B) AP",
     "target_text": "PA", "options": ["PA", "AP"], "region": "", "qa_pair": {"q": "Which view ...", "a": "PA"}}

`text` and `q` are the prompt, `target_text` and `a` the answer. `options` are those of the prompt in the order shown,
`region` the boxes that the prompt prints. They are Parquet, in which every column has a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import pattern_of, shown_by
from cxrspec.runtime.chat import printing_boxes, turn_id, turns
from cxrspec.runtime.emitters import About, Shard
from cxrspec.runtime.emitters.parquet import save

NEEDS: Mapping[str, str] = {}


def write(shard: Shard) -> list[Path]:
    """Write the turns of a shard as rows."""
    about, rows = shard.about, turns(shard.examples.select("id", "task", "source", "study_id", "images", "turns"))
    rows = rows.join(_options(about, rows), on=["form", "prompt"], how="left", maintain_order="left")
    made = rows.select(
        unique_id=turn_id(),
        study_id="study_id",
        task_name="task",
        data_source="source",
        image_path="images",
        text="prompt",
        target_text="answer",
        options=pl.col("options").fill_null(pl.lit([], pl.List(pl.String))),
        region=_region(about),
        qa_pair=pl.struct(q="prompt", a="answer"),
    )
    return [save(made, shard.path(".parquet"))]


def _options(about: About, rows: pl.DataFrame) -> pl.DataFrame:
    """The options that each of the prompts shows: form, prompt, options. A prompt is read once, however often it is used."""
    asked = [name for name, form in about.forms.items() if isinstance(form.answer, p.ChoiceAnswer)]
    prompts = rows.select("form", "prompt").filter(pl.col("form").is_in(asked)).unique()
    parts = [prompts.clear().with_columns(options=pl.lit([], pl.List(pl.String)))]
    for (form,), part in prompts.group_by("form"):
        shown = shown_by(about.forms[str(form)])
        options = pl.Series("options", [[*shown(text)] for text in part["prompt"]], pl.List(pl.String))
        parts.append(part.with_columns(options))
    return pl.concat(parts)


def _region(about: About) -> pl.Expr:
    """The boxes that a prompt prints, in the dialect of the run; "" if it prints none."""
    boxes = (
        pl.col("prompt")
        .str.extract_all(pattern_of(about.dialect, about.dialect.box))
        .list.join(about.dialect.around[1])
    )
    return pl.when(pl.col("form").is_in(printing_boxes(about))).then(boxes).otherwise(pl.lit(""))
