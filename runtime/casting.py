"""Raw cells -> typed values. Nothing raises: a cell that does not fit becomes null and has a `Fault`.

The rules, for a cell of a CSV, a text of XML or a value of JSON alike:

    blank cells (nothing but white space) and the words of `missing` are null
    `values` compares the cell without surrounding blanks; what it gives is read like a cell
    text image   as it stands, leading zeros and surrounding blanks too
    split        train, val or test, after `values`
    int          12, +12, -12, 12.0; not 1e5, which only measurements are written in; 64 bits
    float        12, .5, 1e-5; neither nan nor infinity
    label        an int that is 1, 0 or -1
    bool         true false 1 0 1.0 0.0, in any case
    date time    YYYY-MM-DD, HH:MM:SS

JSON adds: a number is the shortest text that gives it back, so a text column takes it; true and false are for bool
columns (and keys of `values`) only; lists and records are cast item by item, and one bad item is a bad cell, whose
fault is the greatest of its items'. Polars casts a column as a whole, all items of its lists as one column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, islice
from types import NoneType
from typing import TypeAlias, TypeGuard

import polars as pl

from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import Part, Place, RawColumn
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    INT,
    LABEL,
    SPLIT,
    SPLITS,
    ListOf,
    RecordOf,
    Scalar,
    Type,
    is_nullable,
    present,
)

# White space as Unicode has it; written out, because Rust's \s and Python's differ in five control characters.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_NOT_A_SPACE = BLANKS.replace(" ", "")
_BLANK_RUN = f"[{BLANKS}]{{2,}}|[{_NOT_A_SPACE}]"  # that is no space already
_INT = r"^[+-]?0*[0-9]{1,19}(\.0+)?$"  # +007.0
_FLOAT = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # -1.5e-3
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_LABELS = (1, 0, -1)


# What a cast takes: text, or a value of JSON. Not a number is a cell that no type accepts.
Cell: TypeAlias = "str | int | float | bool | list[Cell] | dict[str, Cell] | None"


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists side by side: the items of all, one list after the other, and how many each has (None: a null)."""

    items: Cells
    counts: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Records:
    """Records side by side, field by field."""

    fields: Mapping[str, Cells]


# The cells of a column: a series of texts or of ints; taken apart, where all are lists or records; else one by one.
Cells: TypeAlias = "pl.Series | Lists | Records | Sequence[Cell]"


class Fault(IntEnum):
    """Why a cell became null though it should not have."""

    NONE = 0
    CAST = 1
    UNLISTED = 2
    NULL = 3


@dataclass(frozen=True, slots=True)
class CellRule:
    """How cells of one column, or of one named place of its items, become values.

    `refuse`, `keep` and `other` say what becomes of a cell that `values` does not list. The items of a list have the
    rule `item`, the fields of a record their `parts`.
    """

    type: Type
    values: Mapping[str, str]
    refuse: bool
    keep: bool
    other: str | None
    missing: frozenset[str]
    squeeze: bool
    item: CellRule | None
    parts: Mapping[str, CellRule]


@dataclass(frozen=True, slots=True)
class Cast:
    """The values of a column, and a `Fault` (UInt8) for each."""

    values: pl.Series
    faults: pl.Series


def rule_of(column: RawColumn) -> CellRule:
    """The rule of a column; the parts of `each` have their own `values`, and share `missing` and `squeeze`."""
    return _rule(column, column.type, frozenset(column.missing), column.squeeze, column.each)


_PLAIN = Part("", Place("value"))


def _rule(
    said: RawColumn | Part, type: Type, missing: frozenset[str], squeeze: bool, each: Sequence[Part] = ()
) -> CellRule:
    inner, named = present(type), {part.name: part for part in each}
    fields = inner.fields if isinstance(inner, RecordOf) else ()
    return CellRule(
        type=type,
        values={raw: text_of(value) for raw, value in said.values},
        refuse=bool(said.values) and said.otherwise == "refuse",
        keep=said.otherwise == "keep" or (said.otherwise == "refuse" and not said.values),
        other=None if said.other is None else text_of(said.other),
        missing=missing,
        squeeze=squeeze,
        item=_rule(said, inner.item, missing, squeeze, each) if isinstance(inner, ListOf) else None,
        parts={name: _rule(named.get(name, _PLAIN), field, missing, squeeze) for name, field in fields},
    )


def text_of(value: str | int | float | bool) -> str:
    """A scalar as the text of a cell.

    >>> text_of(True), text_of(5), text_of(0.5)
    ('true', '5', '0.5')
    """
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)


# ------------------------------------------------------------------------------------------------- whole columns


def cast_cells(cells: Cells, rule: CellRule) -> Cast:
    """A column's cells, as text or as what JSON gives."""
    if isinstance(cells, pl.Series):
        return cast_series(cells, rule)
    if rule.item is not None:
        return _cast_lists(cells, rule, rule.item)
    if isinstance(present(rule.type), Scalar):
        return _cast_scalars(one_by_one(cells), rule)
    return _cast_records(cells, rule)


def one_by_one(cells: Cells) -> Sequence[Cell]:
    """The cells of a column, each for itself.

    >>> one_by_one(Lists([1, 2], [0, 2])), one_by_one(Records({"a": [1, 2]}))
    ([[], [1, 2]], [{'a': 1}, {'a': 2}])
    """
    match cells:
        case pl.Series():
            return cells.to_list()
        case Lists():
            items = iter(one_by_one(cells.items))
            return [None if count is None else list(islice(items, count)) for count in cells.counts]
        case Records():
            rows = zip(*map(one_by_one, cells.fields.values()), strict=True)
            return [dict(zip(cells.fields, row, strict=True)) for row in rows]
        case _:
            return cells


def compact(cells: Cells, type: Type) -> Cells:
    """The cells of a column of this type as they take least room, and are cast quickest, if nothing is odd about any."""
    inner = present(type)
    match cells:
        case Lists() if isinstance(inner, ListOf):
            return Lists(compact(cells.items, inner.item), cells.counts)
        case Records() if isinstance(inner, RecordOf):
            return Records({name: compact(cells.fields[name], field) for name, field in inner.fields})
        case pl.Series() | Lists() | Records():
            return cells
        case _ if isinstance(inner, ListOf) and are_lists(cells):
            return Lists(compact(list(chain.from_iterable(cells)), inner.item), list(map(len, cells)))
        case _ if isinstance(inner, Scalar):
            series = _series_of(cells)
            return cells if series is None else series
        case _:
            return cells


def joined(parts: Sequence[Cells]) -> Cells:
    """The cells of all parts, one part after the other."""
    match parts[0] if len(set(map(type, parts))) == 1 else None:
        case pl.Series():
            series = [part for part in parts if isinstance(part, pl.Series)]
            alike = len({part.dtype for part in series}) == 1
            return pl.concat(series if alike else [part.cast(pl.String) for part in series], rechunk=True)
        case Lists():
            lists = [part for part in parts if isinstance(part, Lists)]
            return Lists(joined([part.items for part in lists]), [n for part in lists for n in part.counts])
        case Records(fields):
            records = [part for part in parts if isinstance(part, Records)]
            return Records({name: joined([part.fields[name] for part in records]) for name in fields})
        case _:
            return list(chain.from_iterable(map(one_by_one, parts)))


def _series_of(cells: Sequence[Cell]) -> pl.Series | None:
    """Ints as ints, texts and ints as texts, nulls among them; None: there is something else."""
    kinds = set(map(type, cells))
    if kinds == {int}:
        with suppress(TypeError, OverflowError):  # of more than 64 bits, or than Polars has
            return pl.Series(cells, dtype=pl.Int64)
    if not kinds <= {str, int, NoneType}:
        return None
    texts = [repr(cell) if isinstance(cell, int) else cell for cell in cells] if int in kinds else cells
    return pl.Series(texts, dtype=pl.String)


def are_lists(cells: Sequence[object]) -> TypeGuard[Sequence[list[Cell]]]:
    """Whether all cells are lists."""
    return set(map(type, cells)) <= {list}


def are_mappings(cells: Sequence[object]) -> TypeGuard[Sequence[dict[str, Cell]]]:
    """Whether all cells are mappings."""
    return set(map(type, cells)) <= {dict}


def _cast_scalars(cells: Sequence[Cell], rule: CellRule) -> Cast:
    """Each cell by its text; what has none, and true and false where they are no text, do not fit."""
    series = _series_of(cells)
    if series is not None:
        return cast_series(series, rule)
    texts = [cell if cell is None or isinstance(cell, str) else _text_or_null(cell) for cell in cells]
    done = cast_series(pl.Series(texts, dtype=pl.String), rule)
    return _whole(done.values, done.faults, [_is_no_scalar(cell, rule) for cell in cells], rule)


def _text_or_null(cell: Cell) -> str | None:
    return text_of(cell) if isinstance(cell, str | int | float) else None


def _is_no_scalar(cell: Cell, rule: CellRule) -> bool:
    match cell:
        case list() | dict():
            return True
        case float():
            return not math.isfinite(cell)
        case bool() if present(rule.type) != BOOL and not rule.refuse:
            return text_of(cell) not in (rule.missing | rule.values.keys())
        case _:
            return False


def _cast_lists(cells: Cells, rule: CellRule, item: CellRule) -> Cast:
    """All items of all lists at once, which are then gathered into lists again."""
    lists, others = (cells, ()) if isinstance(cells, Lists) else _as_lists(one_by_one(cells), rule)
    items = cast_cells(lists.items, item)
    counts = pl.Series("count", lists.counts, dtype=pl.Int64)
    count = pl.col("count").fill_null(0)
    places = pl.int_ranges(count.cum_sum() - count, count.cum_sum())
    values = pl.when(pl.col("count").is_not_null()).then(pl.lit(items.values).implode().list.gather(places))
    done = counts.to_frame().select(value=values)["value"]
    faults = _no_faults(len(counts))
    if (items.faults != Fault.NONE).any():
        greatest = pl.lit(items.faults).implode().list.gather(places).list.max().fill_null(Fault.NONE)
        faults = counts.to_frame().select(fault=greatest)["fault"]
    return _whole(done, faults, others, rule)


def _as_lists(cells: Sequence[Cell], rule: CellRule) -> tuple[Lists, Sequence[bool]]:
    """Cells as lists, those that are none as nulls; and which of these are no nulls, as in `_whole`."""
    if are_lists(cells):
        return Lists(list(chain.from_iterable(cells)), list(map(len, cells))), ()
    found = [cell if isinstance(cell, list) else None for cell in cells]
    counts = [None if cell is None else len(cell) for cell in found]
    return Lists(list(chain.from_iterable(filter(None, found))), counts), _others(cells, list, rule)


def _cast_records(cells: Cells, rule: CellRule) -> Cast:
    """Field by field."""
    if isinstance(cells, Records):
        return _cast_fields(cells, rule)
    values = one_by_one(cells)
    there = [isinstance(cell, dict) for cell in values]
    mappings = [cell if isinstance(cell, dict) else {} for cell in values]
    fields = Records({name: [mapping.get(name) for mapping in mappings] for name in rule.parts})
    done = _cast_fields(fields, rule)
    if all(there):
        return done
    only = pl.DataFrame({"there": there}, {"there": pl.Boolean}).select(
        value=pl.when("there").then(pl.lit(done.values)),
        fault=pl.when("there").then(pl.lit(done.faults)).otherwise(Fault.NONE),
    )
    return _whole(only["value"], only["fault"], _others(values, dict, rule), rule)


def _cast_fields(records: Records, rule: CellRule) -> Cast:
    casts = {name: cast_cells(records.fields[name], part) for name, part in rule.parts.items()}
    values = pl.DataFrame([done.values.alias(name) for name, done in casts.items()]).to_struct()
    faults = pl.DataFrame([done.faults.alias(name) for name, done in casts.items()]).max_horizontal()
    return _whole(values, faults, (), rule)


def _whole(values: pl.Series, faults: pl.Series, others: Sequence[bool], rule: CellRule) -> Cast:
    """The cast of cells of which `others` (empty: none) are of another kind than the type; a cell with a fault has no
    value."""
    if not others and not values.has_nulls() and (faults == Fault.NONE).all():
        return Cast(values.alias(""), faults.cast(pl.UInt8).alias(""))
    other = pl.Series("other", others or [False] * len(values), dtype=pl.Boolean)
    cast = pl.DataFrame([values.alias("value"), faults.alias("fault"), other])
    fault = pl.when("other").then(Fault.CAST).otherwise("fault")
    value = pl.when(fault == Fault.NONE).then("value")
    null = value.is_null() & (fault == Fault.NONE) & (not is_nullable(rule.type))
    done = cast.select(value=value, fault=pl.when(null).then(Fault.NULL).otherwise(fault).cast(pl.UInt8))
    return Cast(done["value"].alias(""), done["fault"].alias(""))


def _no_faults(count: int) -> pl.Series:
    return pl.Series([Fault.NONE], dtype=pl.UInt8).new_from_index(0, count)


def _others(cells: Sequence[Cell], kind: type[list[Cell]] | type[dict[str, Cell]], rule: CellRule) -> Sequence[bool]:
    """Whether each cell is neither of this kind nor null."""
    return [not isinstance(cell, kind) and not _is_null(cell, rule) for cell in cells]


def _is_null(cell: Cell, rule: CellRule) -> bool:
    if cell is None or not isinstance(cell, str):
        return cell is None
    key = cell.strip(BLANKS)
    return key == "" or (re.sub(_BLANK_RUN, " ", key) if rule.squeeze else key) in rule.missing


def cast_series(cells: pl.Series, rule: CellRule) -> Cast:
    """Cells of text, or ints in the place of theirs, all at once."""
    name = present(rule.type)
    if cells.dtype == pl.Int64:
        if name == INT and rule.keep and not rule.values and not rule.missing and not cells.has_nulls():
            return Cast(cells, _no_faults(len(cells)))
        cells = cells.cast(pl.String)
    if name in _FEW or rule.values:
        return _cast_distinct(cells, rule)
    if name in (INT, FLOAT) and rule.keep:
        return _cast_numbers(cells, rule)
    return _cast_texts(cells, rule)


_FEW = (LABEL, BOOL, SPLIT)


def _cast_distinct(cells: pl.Series, rule: CellRule) -> Cast:
    """A column in which few texts stand again and again: each of them is cast once."""
    texts = cells.unique()
    cast = _cast_texts(texts, rule)
    places = cells.replace_strict(texts, pl.int_range(len(texts), eager=True)).cast(pl.Int64)  # text, if there are none
    return Cast(cast.values.gather(places), cast.faults.gather(places))


def _cast_numbers(cells: pl.Series, rule: CellRule) -> Cast:
    """Numbers, almost all of which are written as Polars reads them; the others are cast by all rules."""
    values = cells.cast(dtype_of(rule.type), strict=False)
    odd = (values.is_null() | ~values.is_finite() | cells.is_in(rule.missing)).arg_true()
    cast = _cast_texts(cells.gather(odd), rule)
    return Cast(values.scatter(odd, cast.values), _no_faults(len(cells)).scatter(odd, cast.faults))


def _cast_texts(cells: pl.Series, rule: CellRule) -> Cast:
    """Cells of text by all rules."""
    raw = pl.col("cell")
    if rule.squeeze:
        raw = raw.str.replace_all(_BLANK_RUN, " ").str.strip_chars(" ")
    key = raw.str.strip_chars(BLANKS)
    null = raw.is_null() | (key == "") | key.is_in(list(rule.missing))
    typed = cells.alias("cell").to_frame().lazy().select(null=null, key=key, text=_mapped(raw, key, rule))
    typed = typed.with_columns(text=pl.when(pl.col("null")).then(None).otherwise(pl.col("text")))
    typed = typed.with_columns(value=_cast(pl.col("text"), rule.type))
    unlisted = ~pl.col("null") & ~pl.col("key").is_in(list(rule.values))
    fault = (
        pl.when(unlisted if rule.refuse else pl.lit(False))
        .then(Fault.UNLISTED)
        .when(pl.col("text").is_not_null() & pl.col("value").is_null())
        .then(Fault.CAST)
        .when(pl.col("value").is_null() & (not is_nullable(rule.type)))
        .then(Fault.NULL)
        .otherwise(Fault.NONE)
    )
    done = typed.select("value", fault=fault.cast(pl.UInt8)).collect()
    return Cast(done["value"].alias(""), done["fault"].alias(""))


def _mapped(raw: pl.Expr, key: pl.Expr, rule: CellRule) -> pl.Expr:
    """The cells after `values`; an unlisted one is kept, replaced, or null where it is refused."""
    if not rule.values:
        return raw if rule.keep else pl.lit(rule.other, dtype=pl.String)
    default = raw if rule.keep else pl.lit(rule.other, dtype=pl.String)
    return key.replace_strict(list(rule.values), list(rule.values.values()), default=default, return_dtype=pl.String)


def _cast(text: pl.Expr, type: Type) -> pl.Expr:
    scalar = present(type)
    if not isinstance(scalar, Scalar):  # flat cells hold no lists and records
        return pl.lit(None, dtype=dtype_of(type))
    return _EXPRESSIONS[scalar.name](text if scalar.name in ("text", "image") else text.str.strip_chars(BLANKS))


def _where(text: pl.Expr, regex: str) -> pl.Expr:
    return pl.when(text.str.contains(regex)).then(text)


def _int_expr(text: pl.Expr) -> pl.Expr:
    return _where(text, _INT).str.replace(r"\.0+$", "").str.strip_prefix("+").cast(pl.Int64, strict=False)


def _label_expr(text: pl.Expr) -> pl.Expr:
    number = _int_expr(text)
    return pl.when(number.is_in(_LABELS)).then(number).cast(pl.Int8)


def _float_expr(text: pl.Expr) -> pl.Expr:
    number = _where(text, _FLOAT).str.strip_prefix("+").cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _bool_expr(text: pl.Expr) -> pl.Expr:
    lower = text.str.to_lowercase()
    return pl.when(lower.is_in(_TRUE)).then(True).when(lower.is_in(_FALSE)).then(False)


def _date_expr(text: pl.Expr) -> pl.Expr:
    day = _where(text, _DATE).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.dt.year() > 0).then(day)  # Python's dates begin with year 1


_EXPRESSIONS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "text": lambda text: text,
    "image": lambda text: text,
    "split": lambda text: pl.when(text.is_in(SPLITS)).then(text),
    "int": _int_expr,
    "label": _label_expr,
    "float": _float_expr,
    "bool": _bool_expr,
    "date": _date_expr,
    "time": lambda text: _where(text, _TIME).str.to_time("%H:%M:%S", strict=False),
}
