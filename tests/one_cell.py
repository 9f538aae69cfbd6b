"""One cell -> one value, in plain Python: the rules of casting.py's docstring once more, cell by cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, time

from cxrspec.compiler.types import SPLITS, Scalar, is_nullable, present
from cxrspec.runtime.casting import BLANKS, Cell, CellRule, Fault, text_of

INT = re.compile(r"[+-]?0*[0-9]{1,19}(\.0+)?")
FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
TRUE, FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")


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
    return key == "" or (re.sub(f"[{BLANKS}]+", " ", key) if rule.squeeze else key) in rule.missing


def _list_value(cell: Cell, rule: CellRule) -> tuple[object, Fault]:
    if not isinstance(cell, list):
        return None, Fault.CAST
    items = [cast_value(item, rule) for item in cell]
    fault = max((fault for _, fault in items), default=Fault.NONE)
    return (None, fault) if fault else ([value for value, _ in items], Fault.NONE)


def _record_value(cell: Cell, parts: Mapping[str, CellRule]) -> tuple[object, Fault]:
    if not isinstance(cell, dict):
        return None, Fault.CAST
    fields = {name: cast_value(cell.get(name), rule) for name, rule in parts.items()}
    fault = max(fault for _, fault in fields.values())
    return (None, fault) if fault else ({name: value for name, (value, _) in fields.items()}, Fault.NONE)


def _scalar_value(cell: Cell, name: str, rule: CellRule) -> tuple[object, Fault]:
    if not isinstance(cell, str | int | float) or (isinstance(cell, float) and not math.isfinite(cell)):
        return None, Fault.CAST
    text: str | None = text_of(cell)
    if rule.squeeze:
        text = re.sub(f"[{BLANKS}]+", " ", text_of(cell)).strip(" ")
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
    if not INT.fullmatch(text):
        return None
    number = int(text.partition(".")[0])
    return number if number in range(-(2**63), 2**63) else None


def _label_value(text: str) -> int | None:
    number = _int_value(text)
    return number if number in (1, 0, -1) else None


def _float_value(text: str) -> float | None:
    number = float(text) if FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def _bool_value(text: str) -> bool | None:
    lower = text.lower()
    return True if lower in TRUE else False if lower in FALSE else None


def _day_value(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DATE.fullmatch(text) else None
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
    "time": lambda text: time.fromisoformat(text) if TIME.fullmatch(text) else None,
}
