"""The Polars bodies of functions and operators: a table where a body is one line, a function where it is more.

Draws are documented in docs/language.md: of the xxh64 of a row, and that of what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import cache
from typing import Any, Literal, cast

import polars as pl
import polars_hash as plh
from polars import field

from cxrspec.compiler import boxes
from cxrspec.compiler.dialects import DEFAULT, DIALECTS, Dialect
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.fast.index import index
from cxrspec.compiler.fast.labels import named
from cxrspec.compiler.functions import FUNCTIONS, TEXTS
from cxrspec.compiler.printing import filled
from cxrspec.compiler.texts import last_paragraph, literals, nonempty, section, squeeze
from cxrspec.compiler.typed import Apply, Branch, Build, Column, Const, Draw, Get, It, Map, Typed, Value, walk
from cxrspec.compiler.types import INT, TEXT, LabelsOf, ListOf, Scalar, Type, is_nullable, join, present

# A literal argument is handed to a body as it is, hence Any.
Body = (
    Callable[[pl.Expr], pl.Expr]
    | Callable[[pl.Expr, Any], pl.Expr]
    | Callable[[pl.Expr, Any, Any], pl.Expr]
    | Callable[[pl.Expr, pl.Expr, pl.Expr, pl.Expr, pl.Expr, pl.Expr], pl.Expr]
)

SEPARATOR = "\x1f"
FENCE = "\U0010fffd\x00"  # between two lists laid end to end; no text of a data file holds it


@dataclass(frozen=True, slots=True)
class ImageCopies:
    """Where a lab keeps converted copies of a source's images: `root` (below the data root) and a pattern.

    The pattern speaks of the original path below the source's folder: {path}, {parent}, {name}, {stem}.
    """

    root: str
    pattern: str = "{path}"


@dataclass(frozen=True, slots=True)
class Context:
    """What a lowered expression depends on besides its columns.

    boxes   how boxes are printed in prompts and answers
    names   the Polars column of a plan column, where it differs (a `let` of the second turn)
    turn    appended to the sites of draws: "" for the first turn of a form, "#1" for the second
    fast    whether fast forms (compiler/fast/) stand for the plain ones; the values are the same
    made    parts of expressions that have columns already
    row     the number that a row's draws are made of, if there is a column of it
    """

    seed: int = 0
    boxes: Dialect = DIALECTS[DEFAULT]
    images: Mapping[str, ImageCopies] = default(default_factory=dict[str, ImageCopies])
    names: Mapping[str, str] = default(default_factory=dict[str, str])
    turn: str = ""
    fast: bool = True
    made: Mapping[Typed, pl.Expr] = default(default_factory=dict[Typed, pl.Expr])
    row: pl.Expr | None = None


# ---- draws


def hashed(*texts: pl.Expr) -> pl.Expr:
    """xxh64 of the texts joined by U+001F, as UInt64; stable across engines, threads and versions."""
    joined = plh.concat_str(list(texts), separator=SEPARATOR)
    return joined.nchash.xxhash64()


def draw(context: Context, site: str) -> pl.Expr:
    """The draw of a row at `site`: a UInt64."""
    return mixed(numbered(context) if context.row is None else context.row, site + context.turn)


def numbered(context: Context, *texts: pl.Expr) -> pl.Expr:
    """The number that all draws of a row are made of: that of its id, or of other texts."""
    return hashed(pl.lit(str(context.seed)), *(texts or (pl.col("$id"),)))


def mixed(number: pl.Expr, site: str) -> pl.Expr:
    """The draw at `site` for what has this number.

    Polars has no shift, UInt64 wraps round at 2^64, and in a record what is named twice is made once.
    """
    first, second = (pl.lit(factor, pl.UInt64) for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53))
    shifted = field("x") ^ field("x") // 2**32
    start = pl.struct(((number ^ pl.lit(_number(site), pl.UInt64)) * first).alias("x"))
    return start.struct.with_fields(x=shifted * second).struct.with_fields(x=shifted).struct.field("x")


@cache
def _number(site: str) -> int:
    return int(pl.select(hashed(pl.lit(site))).item())


def unit(draw: pl.Expr) -> pl.Expr:
    """A UInt64 draw as a float in [0, 1)."""
    return draw.cast(pl.Float64) / 2.0**64


def odd(text: pl.Expr) -> pl.Expr:
    """What a row's draw is multiplied with, modulo 2^64, to be the draw of an item: xxh64 of the item, its last bit set."""
    return hashed(text) | 1


def by_draw(items: pl.Expr, draw: pl.Expr) -> pl.Expr:
    """The items of a list in the order of their own draws, lowest first."""
    return items.list.gather(_draws(items, draw).list.eval(pl.element().arg_sort()))


def first_by_draw(items: pl.Expr, draw: pl.Expr) -> pl.Expr:
    """The first of them; null if there is none."""
    return items.list.get(_draws(items, draw).list.arg_min(), null_on_oob=True)


def _draws(items: pl.Expr, draw: pl.Expr) -> pl.Expr:
    """The draw of each item of a list."""
    return items.cast(pl.List(pl.String)).list.eval(odd(pl.element())) * draw


# ---- lists


def beside(left: pl.Expr, right: pl.Expr, body: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> pl.Expr:
    """`body(items of left, items of right)` for each row, both lists of text: list.eval sees one list only,
    so the two are laid end to end with a fence between."""
    element = pl.element()
    fence = (element == FENCE).arg_max()
    return pl.concat_list([left, pl.lit(FENCE), right]).list.eval(
        body(element.slice(0, fence), element.slice(fence + 1))
    )


def list_of(items: Sequence[pl.Expr]) -> pl.Expr:
    """One list of these items for each row; items may be lists. Polars' `concat_list` takes ten times as long."""
    return pl.concat_arr(items).arr.to_list()


def there(items: pl.Expr) -> pl.Expr:
    """The items of a list that are not null. Polars' `list.drop_nulls` looks at each row by itself."""
    return items.list.filter(pl.element().is_not_null())


def common(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The items of `left` that are in `right`, in the order of `left`."""
    return beside(left, right, lambda a, b: a.filter(a.is_in(b.implode())))


def without(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The items of `left` that are not in `right`, in the order of `left`."""
    return beside(left, right, lambda a, b: a.filter(~a.is_in(b.implode())))


def item(items: pl.Expr, place: pl.Expr) -> pl.Expr:
    """The item at a place, from the end when negative; null if there is none.

    Polars' `list.get` raises for a literal list and a column of places of no rows, so the list is stretched first;
    and it gives up at the lowest of all numbers, whose opposite no 64 bits hold, so places stay near.
    """
    stretched = pl.when(place.is_null() | place.is_not_null()).then(items)
    return stretched.list.get(place.clip(-(2**31), 2**31 - 1), null_on_oob=True)


def index_of(items: pl.Expr, item: pl.Expr) -> pl.Expr:
    """The place of an item in a list, from 0; null if absent.

    Polars cannot compare no records with one that is null, so a null is not looked for.
    """
    sought = pl.when(item.is_not_null()).then(pl.concat_list([item, items]))
    places = sought.list.eval((pl.element().slice(1) == pl.element().first()).arg_true())
    return places.list.get(0, null_on_oob=True).cast(pl.Int64)


# ---- text


def capitalize(text: pl.Expr) -> pl.Expr:
    """First letter upper case, the rest lower case."""
    return pl.concat_str([text.str.slice(0, 1).str.to_uppercase(), text.str.slice(1).str.to_lowercase()])


def whole(text: pl.Expr) -> pl.Expr:
    """A text as Int64, null if it is no whole number of 64 bits."""
    trimmed = text.str.strip_chars()
    return pl.when(trimmed.str.contains(r"^[+-]?[0-9]+$")).then(trimmed).cast(pl.Int64, strict=False)


def numbers(text: pl.Expr) -> pl.Expr:
    """All whole numbers of a text; one of more than 64 bits is null."""
    return text.str.extract_all(r"-?[0-9]+").list.eval(pl.element().cast(pl.Int64, strict=False))


def contains_any(text: pl.Expr, pieces: list[str]) -> pl.Expr:
    """Whether any of the pieces stands in the text."""
    return text.str.contains_any(pl.lit(pieces, dtype=pl.List(pl.String)))


def digest(*texts: pl.Expr) -> pl.Expr:
    """16 hex digits of the texts' xxh64."""
    value = hashed(*texts)
    digits = [(value // 16**place % 16).cast(pl.Int64) for place in reversed(range(16))]
    return pl.concat_str([pl.lit("0123456789abcdef").str.slice(d, 1) for d in digits])


# ---- labels

STATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "1": lambda x: x == 1,
    "0": lambda x: x == 0,
    "u": lambda x: x == -1,
    "n": lambda x: x.is_null(),
}


def counted(labels: pl.Expr, type: Type, states: Sequence[str], fast: bool) -> pl.Expr:
    """The names of the labels in one of their `states` (letters of `STATES`: uncertain, not mentioned), in order."""
    inner = present(type)
    assert isinstance(inner, LabelsOf)
    held: list[pl.Expr] = []
    for name, letters in zip(inner.names, states, strict=True):
        value = labels.struct.field(name)
        held.append(pl.any_horizontal(STATES[letter](value) for letter in letters).fill_null(value=False))
    if fast:
        names = named(inner.names, held)
    else:
        names = there(list_of([pl.when(one).then(pl.lit(name)) for name, one in zip(inner.names, held, strict=True)]))
    return pl.when(labels.is_not_null()).then(names) if is_nullable(type) else names


# ---- numbers


def exact(body: Callable[..., pl.Expr]) -> Callable[..., pl.Expr]:
    """Arithmetic of whole numbers that gives null, where 64 bits do not hold the result, instead of wrapping round."""

    def checked(*numbers: pl.Expr) -> pl.Expr:
        return body(*(n.cast(pl.Int128) for n in numbers)).cast(pl.Int64, strict=False)

    return checked


# ---- ids and paths


def escape(text: pl.Expr) -> pl.Expr:
    """A part of an id: `%` and `/` escaped, so that [a/b, c] and [a, b/c] differ."""
    return text.str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)


def path(folder: str, text: pl.Expr, context: Context) -> pl.Expr:
    """An image's path below the data root, or that of a lab's converted copy."""
    copies = context.images.get(folder, ImageCopies(folder))
    name = text.str.extract(r"([^/]*)$", 1)
    pieces = {
        "path": text,
        "name": name,
        "stem": name.str.replace(r"\.[^.]*$", ""),
        "parent": text.str.extract(r"^(.*)/[^/]*$", 1).fill_null(""),
    }
    return pl.concat_str([pl.lit(f"{copies.root}/"), filled(copies.pattern, pieces)])


# ---- the table

BODIES: Mapping[str, Body] = {
    "lower": lambda x: x.str.to_lowercase(),
    "capitalize": capitalize,
    "strip": lambda x: x.str.strip_chars(),
    "squeeze": squeeze,
    "nonempty": nonempty,
    "replace": lambda x, old, new: x.str.replace_all(old, new, literal=True),
    "contains": lambda x, piece: x.str.contains(piece, literal=True),
    "contains_any": contains_any,
    "head": lambda x, n: pl.when(n.is_not_null()).then(x.str.slice(0, n.clip(0))),
    "tail": lambda x, n: x.str.slice(n.clip(0)),
    "split": lambda x, by: x.str.split(by),
    "part": lambda x, by, n: item(x.str.split(by), n),
    "match": lambda x, pattern: x.str.extract(pattern, 1),
    "text": lambda x: x.cast(pl.String),
    "int": whole,
    "int?": whole,
    "numbers": numbers,
    "literals": literals,
    "section": section,
    "last_paragraph": last_paragraph,
    "digest": digest,
    "size": lambda x: x.list.len().cast(pl.Int64),
    "first": lambda x: x.list.get(0, null_on_oob=True),
    "join": lambda x, by: x.list.join(by),
    "concat": lambda x, y: x.list.concat(y),
    "without": without,
    "unique": lambda x: x.list.unique(maintain_order=True),
    "present": there,
    "every": lambda x, n, offset: x.list.gather_every(n, offset),
    "least": lambda x: x.list.min(),
    "most": lambda x: x.list.max(),
    "index": index_of,
    "box": boxes.box,
    "box_xywh": lambda x, y, w, h, width, height: boxes.box(x, y, x + w, y + h, width, height),
    "rle_box": boxes.rle_box,
    "must": lambda x: x,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "not": lambda x: ~x,
    "neg": lambda x: 0 - x,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "is null": lambda x: x.is_null(),
    "is not null": lambda x: x.is_not_null(),
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: pl.when(y != 0).then(x / y),
    "%": lambda x, y: pl.when(y != 0).then(x % y),  # with the sign of y, as in Python
    "item": item,
    "all": lambda x: x.list.eval(pl.element().fill_null(value=False)).list.all().fill_null(value=True),
    "escape": escape,
}


def literal(value: Any, type: Type) -> pl.Expr:
    """A literal of the type's dtype; a list broadcasts like a scalar."""
    if isinstance(value, tuple):
        return pl.lit(list(cast(tuple[Value, ...], value)), dtype=dtype_of(type))
    return pl.lit(value, dtype=dtype_of(type))


def expression(e: Typed, context: Context) -> pl.Expr:
    """The Polars expression of a typed expression; its dtype is `dtype_of(e.type)`."""
    if context.made and e in context.made:
        return context.made[e]
    match e:
        case Column(name):
            return pl.col(context.names.get(name, name))
        case It():
            return pl.element()
        case Const(value, type):
            return literal(value, type)
        case Apply():
            return _apply(e, context)
        case Branch(condition, then, otherwise, type):
            return (
                pl.when(expression(condition, context))
                .then(_as(then, type, context))
                .otherwise(_as(otherwise, type, context))
            )
        case Map("each", items, body):
            return expression(items, context).list.eval(expression(body, context))
        case Map(_, items, body):
            return expression(items, context).list.filter(expression(body, context))
        case Build(fields):
            return pl.struct([expression(value, context).alias(name) for name, value in fields])
        case Get(operand, name):
            return expression(operand, context).struct.field(name)
        case Draw():
            return _draw(e, context)


def _as(e: Typed, type: Type, context: Context) -> pl.Expr:
    """The expression with the dtype of `type`, into which its own type fits (an int as float, `[]` as any list)."""
    lowered = expression(e, context)
    return lowered if present(e.type) == present(type) else lowered.cast(dtype_of(type))


def _apply(e: Apply, context: Context) -> pl.Expr:
    match e.operator:
        case "null":
            return pl.lit(None, dtype=dtype_of(e.type))
        case "list":
            item = present(e.type)
            assert isinstance(item, ListOf)
            return list_of([_as(a, item.item, context) for a in e.arguments])
        case "format":
            return pl.concat_str([expression(a, context).cast(pl.String) for a in e.arguments])
        case "??":
            value, other = (_as(a, e.type, context) for a in e.arguments)
            return pl.when(value.is_not_null()).then(value).otherwise(other)
        case "draw":
            who, site = e.arguments
            return unit(mixed(numbered(context, expression(who, context)), str(_plain(site))))
        case "path":
            folder = e.arguments[0]
            assert isinstance(folder, Const)
            return path(str(folder.value), expression(e.arguments[1], context), context)
        case "positive" | "negative":
            labels, states = e.arguments
            return counted(expression(labels, context), labels.type, _plain(states), context.fast)
        case "index" if context.fast and isinstance(items := e.arguments[0], Const) and items.type == ListOf(TEXT):
            return index(_plain(items), expression(e.arguments[1], context))
        case "in":
            return _membership(e.arguments[0], e.arguments[1], context)
        case "+" | "-" | "*" | "neg" if present(e.type) == INT:
            return exact(_body(e.operator))(*(expression(a, context) for a in e.arguments))
        case operator if operator in MIRRORED and [_is_fixed(a) for a in e.arguments] == [True, False]:
            # With what is one for all rows on the left Polars makes one row of them all, if those on the right are null.
            return _apply(replace(e, operator=MIRRORED[operator], arguments=e.arguments[::-1]), context)
        case _:
            return _body(e.operator)(*_arguments(e, context))


MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _is_fixed(e: Typed) -> bool:
    """Whether the expression has one value, whatever the row is."""
    return not any(isinstance(part, Column | It | Draw) for part in walk(e))


def _body(operator: str) -> Callable[..., pl.Expr]:
    return BODIES[operator]


def _arguments(e: Apply, context: Context) -> Iterator[Any]:
    """What the body is given: a literal argument as it is, another as an expression of its parameter's dtype."""
    function = FUNCTIONS.get(e.operator)
    for place, argument in enumerate(e.arguments):
        if function is None:
            yield expression(argument, context)
        elif place in function.literal:
            yield _plain(argument)
        elif isinstance(parameter := function.parameters[place], Scalar) or parameter == TEXTS:
            yield _as(argument, parameter, context)
        else:
            yield expression(argument, context)


def _plain(e: Typed) -> Any:
    assert isinstance(e, Const)
    return list(e.value) if isinstance(e.value, tuple) else e.value


def _membership(item: Typed, items: Typed, context: Context) -> pl.Expr:
    """Whether an item is in a list, both with one dtype: Polars does not look for an int among floats."""
    inner = present(items.type)
    assert isinstance(inner, ListOf)
    both = join(present(item.type), present(inner.item)) or present(item.type)  # a split among texts
    sought = _as(item, both, context)
    found = _as(items, ListOf(both), context).list.contains(sought)
    return (found & sought.is_not_null()).fill_null(value=False)


def _draw(e: Draw, context: Context) -> pl.Expr:
    arguments = [expression(a, context) for a in e.arguments]
    match e.function:
        case "chance":
            return unit(draw(context, e.site)) < arguments[0]
        case "choose" if len(arguments) == 1:
            return first_by_draw(arguments[0], draw(context, e.site))
        case "choose":
            return by_draw(arguments[0], draw(context, e.site)).list.head(arguments[1].clip(0))
        case _:
            truth, others = (_as(a, TEXTS, context) for a in e.arguments[:2])
            return decoys(truth, others, _plain(e.arguments[2]), context, e.site)


def decoys(truth: pl.Expr, others: pl.Expr, count: int, context: Context, site: str) -> pl.Expr:
    """`count` lists as long as `truth`: the i-th holds the i-th lowest draw of `others` as its anchor, and beside it
    the lowest draws among `truth` and the items that are nobody's anchor. An anchor stands in one list only and not
    in the truth, so all lists differ. Items stand in drawn order. Both lists count as sets; what `others` shares with
    `truth` is left out. Fewer lists if there are fewer anchors, none for an empty `truth`.
    """
    start = pl.struct(
        truth.list.unique(maintain_order=True).alias("truth"),
        others.list.set_difference(truth).alias("others"),
        draw(context, site).alias("draw"),
    )
    sets = there(list_of([_decoy(i) for i in range(count)]))
    made = (
        start.struct.with_fields(anchors=by_draw(field("others"), field("draw")))
        .struct.with_fields(pool=field("truth").list.concat(field("anchors").list.slice(count)))
        .struct.with_fields(sets=sets)
        .struct.field("sets")
    )
    return pl.when(truth.is_not_null() & others.is_not_null()).then(made)


def draw_of_list(draw: pl.Expr, i: int, role: Literal["items", "order"]) -> pl.Expr:
    """What the items of the i-th list, or their order, are drawn by: a draw of its own, as that of an item is."""
    return draw * odd(pl.lit(f"{role} {i}"))


def _decoy(i: int) -> pl.Expr:
    """The i-th list; null if it has no anchor."""
    length = field("truth").list.len().cast(pl.Int64)
    rest = by_draw(field("pool"), draw_of_list(field("draw"), i, "items")).list.head((length - 1).clip(0))
    made = by_draw(field("anchors").list.slice(i, 1).list.concat(rest), draw_of_list(field("draw"), i, "order"))
    return pl.when((field("anchors").list.len() > i) & (length > 0)).then(made)
