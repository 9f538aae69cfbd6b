"""Examples -> rows of chat, which the formats of trainings share.

Turns are alternatives, so each is a row, a conversation of its own; its id is `<id of the example>#<its place in turns>`. Of a
dialogue all turns of an example are one row with the id of the example. Prompts hold `<image>` once for each image: where
a slot printed the image's path (`{images[0]}`), else in front of the first. No text holds another token that is reserved
(compiler/reserved.py), but for those round boxes that were printed.
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
    """The rows of chat of some examples: id, images, and what is `said`, prompts and answers in turn.

    `images` are in the order in which they stand in the prompts, never null; `behind` follows on those that stand in front.
    Rows are in the order of examples and turns.
    """
    about = shard.about
    boxed = [name for name, form in about.forms.items() if isinstance(form.answer, p.BoxesAnswer)]
    rows = turns(shard.examples.select("id", "images", "turns")).with_columns(
        _escaped("prompt", printing_boxes(about), about.dialect, about.dialect.box),
        _escaped("answer", boxed, about.dialect, about.dialect.labelled),
        chat=pl.col("example") if about.dialogue else pl.int_range(pl.len(), dtype=pl.UInt32),
    )
    printing = _printing(about, IMAGE)
    rows = _placed(rows, printing) if printing else rows.with_columns(placed=pl.lit(0, pl.UInt32))
    left = pl.col("images").list.len() - pl.col("placed")
    in_front = (left > 0) & ((pl.col("number") == 0) | (not about.dialogue))
    front = pl.lit(IMAGE_TOKEN).repeat_by(left).list.join("") + behind
    prompt = pl.when(in_front).then(front + pl.col("prompt")).otherwise("prompt")
    said = pl.concat_list(prompt, "answer").alias("said")
    if about.dialogue:
        whole = rows.group_by("chat", maintain_order=True).agg(pl.col("id", "images").first(), said.explode())
        return whole.select("id", "images", "said")
    return rows.select(turn_id(), "images", said)


def turns(examples: pl.DataFrame) -> pl.DataFrame:
    """The turns of some examples, each a row with the columns of its example, whose place is `example`; its own is `number`."""
    numbers = pl.int_ranges(pl.col("turns").list.len()).alias("number")
    each = examples.with_row_index("example").with_columns(numbers)
    return each.explode("turns", "number", empty_as_null=False, keep_nulls=False).unnest("turns")


def turn_id() -> pl.Expr:
    """The id of a turn."""
    return pl.format("{}#{}", "id", "number").alias("id")


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
    """The rows with `<image>` where turns of these forms printed the path of an image, the first time in a chat.

    Those images come behind the others, in the order of their places; `placed` says how many of a chat there are.
    """
    rows = rows.with_row_index("turn")
    turn, at, there = pl.col("turn"), pl.col("at"), pl.col("at").is_not_null()
    path = pl.col("images").str.replace_all(*ESCAPED)  # the prompt is escaped, too
    seen = (
        rows.filter(pl.col("form").is_in(list(forms)))
        .select("chat", "turn", "prompt", "images", place=pl.int_ranges(pl.col("images").list.len()))
        .explode("images", "place", empty_as_null=False, keep_nulls=False)
        .with_columns(path=pl.when(pl.struct("turn", "images").is_first_distinct()).then(path))
        .with_columns(at=pl.col("prompt").str.find(pl.col("path"), literal=True))
        .with_columns(at=pl.when(turn == turn.filter(there).min().over("chat", "images")).then(at))
    )
    ordered = (
        seen.group_by("chat", "place")
        .agg(pl.col("images").first(), turn.filter(there).first(), at.drop_nulls().first())
        .sort("chat", "turn", "at", "place")
        .group_by("chat")
        .agg(ordered=pl.col("images"), placed=at.count())
    )
    paths = seen.filter(there).sort("turn", "at").group_by("turn").agg(paths=pl.col("path"))
    rows = rows.join(ordered, on="chat", how="left", maintain_order="left")
    rows = rows.join(paths, on="turn", how="left", maintain_order="left")
    for number in range(max([0, *paths["paths"].list.len()])):
        around = pl.col("prompt").str.splitn(pl.col("paths").list.get(number, null_on_oob=True), 2)
        before, after = around.struct.field("field_0"), around.struct.field("field_1")
        rows = rows.with_columns(prompt=pl.coalesce(before + IMAGE_TOKEN + after, pl.col("prompt")))
    return rows.with_columns(images=pl.coalesce("ordered", "images"), placed=pl.col("placed").fill_null(0))


# ---- how formats write rows of chat


def conversation(role: str, content: str, asks: str, answers: str, *, parts: bool = False) -> pl.Expr:
    """What is said as a list of messages: who (`role`) says what (`content`), as text or as `_parts`.

    conversation("from", "value", "human", "gpt")  ->  [{from: human, value: ...}, {from: gpt, value: ...}]
    """
    who = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit(asks)).otherwise(pl.lit(answers))
    said = _parts(pl.element()) if parts else pl.element()
    return pl.col("said").list.eval(pl.struct(who.alias(role), said.alias(content)))


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
    who = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("human")).otherwise(pl.lit("gpt"))
    said = pl.concat_str(pl.lit('{"from":"'), who, pl.lit('","value":'), as_json(pl.element()), pl.lit("}"))
    told = pl.concat_str(pl.lit(',"conversations":['), pl.col("said").list.eval(said).list.join(","), pl.lit("]}"))
    return pl.concat_str(pl.lit('{"id":'), as_json(pl.col("id")), shown, told)
