"""Examples -> rows of chat, which the formats of trainings share: a turn is a row, its images stand in its prompt.

Turns are alternatives, so each is a conversation of its own; its id is `<id of the example>#<its place in turns>`. A
prompt holds `<image>` once for each image: where a slot printed the image's path (`{images[0]}`), else in front. No text
holds another token that is reserved (compiler/reserved.py), but for those round boxes that were printed.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import pattern_of
from cxrspec.compiler.dialects import Dialect
from cxrspec.compiler.printing import as_json
from cxrspec.compiler.reserved import ESCAPED, RESERVED, escaped
from cxrspec.compiler.turns import slots
from cxrspec.compiler.types import BOX, IMAGE, ListOf, Type
from cxrspec.runtime.emitters import About, Shard

IMAGE_TOKEN = "<image>"
_BORDER = "<video>"  # reserved, too: no text holds it, so texts can be cut there


def chat(shard: Shard, behind: str = "") -> pl.DataFrame:
    """The rows of chat of some examples: id, images, prompt, answer; `behind` follows on images that stand in front.

    `images` are in the order in which they stand in the prompt, never null. Rows are in the order of examples and turns.
    """
    dialect = shard.about.dialect
    boxed = [name for name, form in shard.about.forms.items() if isinstance(form.answer, p.BoxesAnswer)]
    printing = _printing(shard.about, IMAGE)
    rows = turns(shard.examples.select("id", "images", "turns")).with_columns(
        _escaped("prompt", printing_boxes(shard.about), dialect, dialect.box),
        _escaped("answer", boxed, dialect, dialect.labelled),
    )
    rows = _placed(rows, printing) if printing else rows.with_columns(placed=pl.lit(0, pl.UInt32))
    left = pl.col("images").list.len() - pl.col("placed")
    front = pl.lit(IMAGE_TOKEN).repeat_by(left).list.join("")
    prompt = pl.when(left > 0).then(front + behind + pl.col("prompt")).otherwise("prompt")
    return rows.select("id", "images", prompt.alias("prompt"), "answer")


def turns(examples: pl.DataFrame) -> pl.DataFrame:
    """The turns of some examples, each a row with the columns of its example; `id` is that of the turn."""
    numbers = pl.int_ranges(pl.col("turns").list.len()).alias("number")
    each = examples.with_columns(numbers).explode("turns", "number", empty_as_null=False, keep_nulls=False)
    return each.with_columns(pl.format("{}#{}", "id", "number").alias("id")).drop("number").unnest("turns")


def printing_boxes(about: About) -> list[str]:
    """The forms whose prompts print boxes."""
    return _printing(about, BOX, ListOf(BOX))


def _printing(about: About, *types: Type) -> list[str]:
    """The forms whose prompts print a value of one of these types."""
    return [name for name, form in about.forms.items() if any(slot.type in types for slot in slots(form.prompt))]


def _escaped(column: str, forms: Collection[str], dialect: Dialect, printed: str) -> pl.Expr:
    """A text without reserved tokens, but for boxes that were printed so in turns of these forms."""
    text = pl.col(column).str.replace_all(*ESCAPED)
    if not forms or not RESERVED.search(printed):
        return text
    names = ("label", "x1", "y1", "x2", "y2")
    again = printed.format(**{name: f"${{{name}}}" for name in names})
    restored = text.str.replace_all(pattern_of(dialect, escaped(printed)), again)
    return pl.when(pl.col("form").is_in(list(forms))).then(restored).otherwise(text)


def _placed(rows: pl.DataFrame, forms: Collection[str]) -> pl.DataFrame:
    """The rows with `<image>` where turns of these forms printed the path of an image, the first time each.

    Those images come behind the others, in the order of their places; `placed` says how many there are.
    """
    rows = rows.with_row_index("row")
    path = pl.col("images").str.replace_all(*ESCAPED)  # the prompt is escaped, too
    seen = (
        rows.filter(pl.col("form").is_in(list(forms)))
        .select("row", "prompt", "images", number=pl.int_ranges(pl.col("images").list.len()))
        .explode("images", "number", empty_as_null=False, keep_nulls=False)
        .with_columns(path=pl.when(pl.struct("row", "images").is_first_distinct()).then(path))
        .with_columns(at=pl.col("prompt").str.find(pl.col("path"), literal=True))
        .sort("row", "at", "number")
    )
    there = pl.col("at").is_not_null()
    ordered = seen.group_by("row", maintain_order=True).agg(
        ordered=pl.col("images"), paths=pl.col("path").filter(there)
    )
    rows = rows.join(ordered, on="row", how="left", maintain_order="left")
    for number in range(max([0, *ordered["paths"].list.len()])):
        around = pl.col("prompt").str.splitn(pl.col("paths").list.get(number, null_on_oob=True), 2)
        before, after = around.struct.field("field_0"), around.struct.field("field_1")
        rows = rows.with_columns(prompt=pl.coalesce(before + IMAGE_TOKEN + after, pl.col("prompt")))
    placed = pl.col("prompt").str.count_matches(IMAGE_TOKEN, literal=True)
    return rows.with_columns(images=pl.coalesce("ordered", "images"), placed=placed)


# ---- how formats write rows of chat


def conversation(role: str, content: str, asks: str, answers: str, *, parts: bool = False) -> pl.Expr:
    """Prompt and answer as a list of two messages: who (`role`) says what (`content`), as text or as `_parts`.

    conversation("from", "value", "human", "gpt")  ->  [{from: human, value: ...}, {from: gpt, value: ...}]
    """
    who = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(asks)).otherwise(pl.lit(answers))
    said = _parts(pl.element()) if parts else pl.element()
    return pl.concat_list("prompt", "answer").list.eval(pl.struct(who.alias(role), said.alias(content)))


def _parts(text: pl.Expr) -> pl.Expr:
    """A text as a list of its parts, `{type: image}` and `{type: text, text: ...}`, in their order."""
    pieces = text.str.replace_all(IMAGE_TOKEN, _BORDER + IMAGE_TOKEN + _BORDER, literal=True).str.split(_BORDER)
    shown = pl.when(pieces.list.len() > 1).then(pieces.list.filter(pl.element() != "")).otherwise(pieces)
    image = pl.element() == IMAGE_TOKEN
    type = pl.when(image).then(pl.lit("image")).otherwise(pl.lit("text"))
    return shown.list.eval(pl.struct(type.alias("type"), pl.when(~image).then(pl.element()).alias("text")))


def llava() -> pl.Expr:
    """A row of chat as the JSON that LLaVA's trainings and their kin read; `image` is a list if there are several.

    {"id": "...", "image": "lab/1.png", "conversations": [{"from": "human", "value": "<image>\\nWhich view?"}, ...]}
    """
    images = pl.col("images")
    image = pl.when(images.list.len() == 1).then(as_json(images.list.first())).otherwise(as_json(images))
    shown = pl.when(images.list.len() > 0).then(pl.concat_str(pl.lit(',"image":'), image)).otherwise(pl.lit(""))
    return pl.concat_str(
        pl.lit('{"id":'),
        as_json(pl.col("id")),
        shown,
        pl.lit(',"conversations":[{"from":"human","value":'),
        as_json(pl.col("prompt")),
        pl.lit('},{"from":"gpt","value":'),
        as_json(pl.col("answer")),
        pl.lit("}]}"),
    )
