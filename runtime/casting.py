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
columns (and keys of `values`) only; lists and records are cast item by item, and one bad item is a bad cell.
Flat cells are cast as a whole with Polars (`cast_series`), nested ones one by one (`cast_value`); both agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import IntEnum
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import Part, Place, RawColumn
from cxrspec.compiler.types import SPLITS, ListOf, RecordOf, Scalar, Type, is_nullable, present

# White space as Unicode has it; written out, because Rust's \s and Python's differ in five control characters.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_BLANK_RUN = f"[{BLANKS}]+"
_INT = r"^[+-]?0*[0-9]{1,19}(\.0+)?$"  # +007.0
_FLOAT = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # -1.5e-3
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_LABELS = (1, 0, -1)
_INT64 = range(-(2**63), 2**63)


# What a cast takes: text, or a value of JSON. Not a number is a cell that no type accepts.
Cell: TypeAlias = "str | int | float | bool | list[Cell] | dict[str, Cell] | None"


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


def cast_cells(cells: pl.Series | Sequence[Cell], rule: CellRule) -> Cast:
    """A column's cells, as text or as what JSON gives."""
    if isinstance(cells, pl.Series):
        return cast_series(cells, rule)
    if isinstance(present(rule.type), Scalar) and all(map(_is_flat, cells)):
        texts = [text_of(cell) if isinstance(cell, str | int | float) else None for cell in cells]
        return cast_series(pl.Series(texts, dtype=pl.String), rule)
    casts = [cast_value(cell, rule) for cell in cells]
    values = pl.Series([value for value, _ in casts], dtype=dtype_of(rule.type), strict=True)
    return Cast(values, pl.Series([fault for _, fault in casts], dtype=pl.UInt8))


def _is_flat(cell: Cell) -> bool:
    """Whether a cell's text says all there is to say: true and false are no text, and infinity no number."""
    if isinstance(cell, float):
        return math.isfinite(cell)
    return cell is None or (isinstance(cell, str | int) and not isinstance(cell, bool))


def cast_series(cells: pl.Series, rule: CellRule) -> Cast:
    """Cells of text, all at once."""
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


# ----------------------------------------------------------------------------------------------------- one value


def cast_value(cell: Cell, rule: CellRule) -> tuple[object, Fault]:
    """One cell, nested or not: its value and its fault."""
    value, fault = None, Fault.NONE
    if not _is_null(cell, rule):
        type = present(rule.type)
        if rule.item is not None:
            value, fault = _list_value(cell, rule.item)
        elif isinstance(type, Scalar):
            value, fault = _scalar_value(cell, type.name, rule)
        else:
            value, fault = _record_value(cell, rule.parts)
    if value is None and fault is Fault.NONE and not is_nullable(rule.type):
        fault = Fault.NULL
    return value, fault


def _is_null(cell: Cell, rule: CellRule) -> bool:
    if cell is None or not isinstance(cell, str):
        return cell is None
    key = cell.strip(BLANKS)
    return key == "" or (re.sub(_BLANK_RUN, " ", key) if rule.squeeze else key) in rule.missing


def _list_value(cell: Cell, rule: CellRule) -> tuple[object, Fault]:
    if not isinstance(cell, list):
        return None, Fault.CAST
    items = [cast_value(item, rule) for item in cell]
    fault = next((fault for _, fault in items if fault), Fault.NONE)
    return (None, fault) if fault else ([value for value, _ in items], Fault.NONE)


def _record_value(cell: Cell, parts: Mapping[str, CellRule]) -> tuple[object, Fault]:
    if not isinstance(cell, dict):
        return None, Fault.CAST
    fields = {name: cast_value(cell.get(name), rule) for name, rule in parts.items()}
    fault = next((fault for _, fault in fields.values() if fault), Fault.NONE)
    return (None, fault) if fault else ({name: value for name, (value, _) in fields.items()}, Fault.NONE)


def _scalar_value(cell: Cell, name: str, rule: CellRule) -> tuple[object, Fault]:
    if not isinstance(cell, str | int | float) or (isinstance(cell, float) and not math.isfinite(cell)):
        return None, Fault.CAST
    text: str | None = text_of(cell)
    if rule.squeeze:
        text = re.sub(_BLANK_RUN, " ", text_of(cell)).strip(" ")
    key = (text or "").strip(BLANKS)
    if key in rule.missing:
        return None, Fault.NONE
    if key in rule.values:
        text = rule.values[key]
    elif rule.refuse:
        return None, Fault.UNLISTED
    elif isinstance(cell, bool) and name != "bool":
        return None, Fault.CAST
    elif not rule.keep:
        text = rule.other
    if text is None:
        return None, Fault.NONE
    value = _PARSERS[name](text if name in ("text", "image") else text.strip(BLANKS))
    return value, Fault.NONE if value is not None else Fault.CAST


def _int_value(text: str) -> int | None:
    if not re.search(_INT, text):
        return None
    number = int(text.partition(".")[0])
    return number if number in _INT64 else None


def _label_value(text: str) -> int | None:
    number = _int_value(text)
    return number if number in _LABELS else None


def _float_value(text: str) -> float | None:
    number = float(text) if re.search(_FLOAT, text) else math.inf
    return number if math.isfinite(number) else None


def _bool_value(text: str) -> bool | None:
    lower = text.lower()
    return True if lower in _TRUE else False if lower in _FALSE else None


def _day_value(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.search(_DATE, text) else None
    except ValueError:
        return None


_PARSERS: dict[str, Callable[[str], object]] = {
    "text": lambda text: text,
    "image": lambda text: text,
    "split": lambda text: text if text in SPLITS else None,
    "int": _int_value,
    "label": _label_value,
    "float": _float_value,
    "bool": _bool_value,
    "date": _day_value,
    "time": lambda text: time.fromisoformat(text) if re.search(_TIME, text) else None,
}
