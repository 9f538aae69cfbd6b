"""The functions of the language: one row each, with name, signature and what it does; bodies.py holds what they are in Polars.

A null argument gives null, unless the row says otherwise; so `lower(text | null)` is `text | null`, and the proof
that it is not null is asked for where the value is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cxrspec.compiler.types import (
    BOOL,
    BOX,
    FLOAT,
    IMAGE,
    INT,
    NEVER,
    TEXT,
    UNKNOWN,
    ListOf,
    Nullable,
    RecordOf,
    Scalar,
    Type,
    Variable,
    fits,
    is_nullable,
    join,
    nullable,
    present,
)

Kind = Literal["plain", "draw", "lambda", "must", "image", "labels"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `parameters` may hold `Variable`s; the last `optional` of them may be left out.

    kind    plain; draw (keyed to identity: not in tables); lambda (its last argument speaks of `it`);
            must (asserts, takes null); image (knows the source it stands in); labels (takes labels and a policy)
    literal the places of arguments that must be written out, because the plan is fixed by them
    """

    name: str
    parameters: tuple[Type, ...]
    result: Type
    doc: str
    optional: int = 0
    kind: Kind = "plain"
    literal: tuple[int, ...] = ()

    @property
    def signature(self) -> str:
        """`name(T, int?) -> T | null`, as the documentation prints it."""
        required = len(self.parameters) - self.optional
        parts = [f"{p}?" if i >= required else str(p) for i, p in enumerate(self.parameters)]
        return f"{self.name}({', '.join(parts)}) -> {self.result}"


T, U = Variable("T"), Variable("U")
TEXTS = ListOf(TEXT)
LABELS, POLICY = Scalar("labels"), Scalar("policy")  # as signatures call them; labels.py checks what they are
HEADING = r"[A-Z][A-Z ()/,\-]*"  # the name of a report's section, as it stands before a colon

_ROWS = (
    Function("lower", (TEXT,), TEXT, "lower case"),
    Function("capitalize", (TEXT,), TEXT, "first letter upper case, the rest lower case"),
    Function("strip", (TEXT,), TEXT, "without white space at either end"),
    Function("squeeze", (TEXT,), TEXT, "runs of white space become one blank; stripped"),
    Function("nonempty", (TEXT,), Nullable(TEXT), "null if empty"),
    Function(
        "replace", (TEXT, TEXT, TEXT), TEXT, "with every literal occurrence of the second by the third", literal=(1, 2)
    ),
    Function("contains", (TEXT, TEXT), BOOL, "whether the second, literally, stands in the first"),
    Function("contains_any", (TEXT, TEXTS), BOOL, "whether any of these, literally, stands in the text", literal=(1,)),
    Function("head", (TEXT, INT), TEXT, "the first n characters; none if n is below zero"),
    Function("tail", (TEXT, INT), TEXT, "all but the first n characters; all if n is below zero"),
    Function("split", (TEXT, TEXT), TEXTS, "the pieces at a literal separator", literal=(1,)),
    Function(
        "part", (TEXT, TEXT, INT), Nullable(TEXT), "the n-th piece at a separator, negative from the end", literal=(1,)
    ),
    Function(
        "match",
        (TEXT, TEXT),
        Nullable(TEXT),
        "the first group of a regular expression; null without a match",
        literal=(1,),
    ),
    Function("text", (T,), TEXT, "a number, a split or an image's path as text"),
    Function("int", (TEXT,), INT, "a text as whole number of 64 bits; a text that is none makes a bad row"),
    Function("int?", (TEXT,), Nullable(INT), "a text as whole number of 64 bits, or null"),
    Function(
        "numbers",
        (TEXT,),
        ListOf(INT),
        "all whole numbers of a text, in order; one of more than 64 bits makes a bad row",
    ),
    Function(
        "literals",
        (TEXT,),
        TEXTS,
        "the items of a list of texts and numbers as Python writes it; any other text makes a bad row",
    ),
    Function(
        "section",
        (TEXT, TEXTS),
        Nullable(TEXT),
        "what stands under the last heading of one of these names, squeezed; null if there is nothing",
        literal=(1,),
    ),
    Function(
        "last_paragraph",
        (TEXT,),
        Nullable(TEXT),
        "what follows the last heading, or all of a text without headings, squeezed; null if there is nothing",
    ),
    Function(
        "digest",
        (TEXT, TEXT),
        TEXT,
        "16 hex digits of the xxh64 of the texts, joined by U+001F; for keys, no draw",
        optional=1,
    ),
    Function("size", (ListOf(T),), INT, "the length of a list"),
    Function("first", (ListOf(T),), Nullable(T), "the first item; null if there is none"),
    Function("join", (TEXTS, TEXT), TEXT, "the items with a separator between", literal=(1,)),
    Function("where", (ListOf(T), BOOL), ListOf(T), "the items for which the condition on `it` holds", kind="lambda"),
    Function("each", (ListOf(T), U), ListOf(U), "the expression on `it`, for each item", kind="lambda"),
    Function("concat", (ListOf(T), ListOf(T)), ListOf(T), "one list after the other"),
    Function("without", (TEXTS, TEXTS), TEXTS, "the items of the first that are not in the second, in order"),
    Function("unique", (ListOf(T),), ListOf(T), "the first of each, in order"),
    Function("present", (ListOf(Nullable(T)),), ListOf(T), "the items that are not null"),
    Function("every", (ListOf(T), INT, INT), ListOf(T), "every n-th item, from an offset", literal=(1, 2)),
    Function("least", (ListOf(T),), Nullable(T), "the smallest item; null if there is none"),
    Function("most", (ListOf(T),), Nullable(T), "the largest item; null if there is none"),
    Function("index", (ListOf(T), T), Nullable(INT), "the place of an item, from 0; null if absent"),
    Function(
        "box",
        (FLOAT, FLOAT, FLOAT, FLOAT, INT, INT),
        BOX,
        "from x1, y1, x2, y2 in pixels, and the image's width and height; clipped to the image; "
        "one without area makes a bad row",
    ),
    Function(
        "box_xywh",
        (FLOAT, FLOAT, FLOAT, FLOAT, INT, INT),
        BOX,
        "the same from x, y and the box's own width and height",
    ),
    Function(
        "rle_box",
        (TEXT, INT, INT),
        Nullable(BOX),
        "the box round a mask in run lengths, of an image of this width and height: a gap, a run, a gap, a run ..., "
        'column by column, a blank between; "-1" is null, anything else makes a bad row',
    ),
    Function(
        "image",
        (TEXT, TEXT),
        IMAGE,
        "a picture below the folder of the source whose file says it, or of the one named",
        optional=1,
        kind="image",
        literal=(1,),
    ),
    Function("names", (LABELS,), TEXTS, "the names of labels, in the order declared", kind="labels"),
    Function(
        "positive",
        (LABELS, POLICY),
        TEXTS,
        "the names of the labels that are positive under a policy, in the order declared",
        kind="labels",
    ),
    Function(
        "negative",
        (LABELS, POLICY),
        TEXTS,
        "the names of the labels that are negative under a policy, in the order declared",
        kind="labels",
    ),
    Function("must", (Nullable(T),), T, "asserts: a null makes a bad row", kind="must"),
    Function("chance", (FLOAT,), BOOL, "true with this probability", kind="draw", literal=(0,)),
    Function(
        "choose",
        (ListOf(T), INT),
        Nullable(T),
        "one item (texts or numbers, none of them null), null if there is none; with k: k items (all, if there are fewer), in drawn order",
        optional=1,
        kind="draw",
    ),
    Function(
        "decoys",
        (TEXTS, TEXTS, INT),
        ListOf(TEXTS),
        "n lists as long as the first, all different, none equal to it as a set, each with an item of the second; "
        "fewer if the second is too short, none if the first is empty",
        kind="draw",
        literal=(2,),
    ),
)
FUNCTIONS: Mapping[str, Function] = {f.name: f for f in _ROWS}

# What makes one value of a group's rows; it stands under `take:` alone.
AGGREGATES = ("only", "first", "list", "list_unique", "min", "max", "count", "most_common")

# The scalar types that `text(x)` and a slot can print.
PRINTABLE = ("text", "int", "float", "split", "image")


def solve(function: Function, arguments: Sequence[Type]) -> tuple[Type | None, int]:
    """The result type for these argument types, or None and the place of the first argument that does not fit.

    Null passes through: a nullable argument where a plain one is asked for makes the result nullable.
    """
    bound: dict[str, Type] = {}
    lifted = False
    for place, (argument, parameter) in enumerate(zip(arguments, function.parameters, strict=False)):
        if is_nullable(argument) and not is_nullable(parameter):
            lifted, argument = True, present(argument)
        if not _bind(argument, parameter, bound):
            return None, place
    result = function.result
    if function.name == "choose" and len(arguments) == 2:
        result = ListOf(T)
    result = substitute(result, bound)
    return (nullable(result) if lifted else result), -1


def _bind(actual: Type, wanted: Type, bound: dict[str, Type]) -> bool:
    """Whether `actual` fits `wanted`, with its variables bound in `bound` as a side effect."""
    match wanted:
        case Variable(name):
            joined = join(bound[name], actual) if name in bound else actual
            if joined is not None:
                bound[name] = joined
            return joined is not None
        case Nullable(inner):
            return _bind(present(actual), inner, bound)
        case ListOf(item) if isinstance(actual, ListOf):
            return _bind(actual.item, item, bound)
        case ListOf(item) if fits(actual, UNKNOWN) and not isinstance(actual, ListOf):
            _bind(NEVER, item, bound)
            return fits(actual, wanted)
        case _:
            return fits(actual, wanted)


def substitute(type: Type, bound: Mapping[str, Type]) -> Type:
    """`type` with its variables replaced; an unbound one is Unknown."""
    match type:
        case Variable(name):
            return bound.get(name, UNKNOWN)
        case ListOf(item):
            return ListOf(substitute(item, bound))
        case Nullable(inner):
            return nullable(substitute(inner, bound))
        case RecordOf(fields):
            return RecordOf(tuple((n, substitute(t, bound)) for n, t in fields))
        case _:
            return type
