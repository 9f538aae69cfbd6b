"""Laws of types: what the checker says an expression is, Polars makes of it, and it is null only where that may be."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cxrspec.compiler.bodies import Context, expression
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.functions import FUNCTIONS
from cxrspec.compiler.scopes import facts
from cxrspec.compiler.typed import Apply, Branch, Column, It, Typed, walk
from cxrspec.compiler.types import BOX, FIELDS_OF_BOX, LabelsOf, ListOf, Nullable, RecordOf, Scalar, Type, present

from ..evaluating import ENGINES, check, sound, table, values
from .typed_strategies import NAMES, NULLABLE, PLAIN, TYPES, expressions_of, rows

PYTHON: dict[str, type] = {
    "bool": bool,
    "int": int,
    "float": float,
    "text": str,
    "date": date,
    "time": time,
    "image": str,
    "split": str,
}

expressions = (
    st.sampled_from(sorted(PLAIN))
    .flatmap(lambda name: st.booleans().flatmap(lambda null: expressions_of(name, null)))
    .filter(lambda text: all(text.count(f"{draw}(") < 2 for draw in ("chance", "decoys")))
)  # a second is refused, CXR315


def is_of(value: Any, type: Type) -> bool:
    """Whether a value is one of `type`, with no null where there may be none."""
    match type:
        case Nullable(inner):
            return value is None or is_of(value, inner)
        case ListOf(item):
            return isinstance(value, list) and all(is_of(each, item) for each in value)  # pyright: ignore[reportUnknownVariableType]
        case RecordOf(fields):
            return isinstance(value, dict) and all(is_of(value[name], field) for name, field in fields)
        case Scalar("box"):
            return is_of(value, FIELDS_OF_BOX)
        case LabelsOf(names):
            return isinstance(value, dict) and all(value[name] in (1, 0, -1, None) for name in names)
        case Scalar(name):
            return isinstance(value, PYTHON[name])
        case _:
            return value is None


def compares_a_written_box(typed: Typed) -> bool:
    """Whether a box is compared with one that is the same for all rows: Polars cannot, if that one is none."""
    return any(
        isinstance(part, Apply)
        and part.operator in ("==", "!=")
        and any(
            present(one.type) == BOX and not any(isinstance(x, Column | It) for x in walk(one))
            for one in part.arguments
        )
        for part in walk(typed)
    )


def is_what_the_checker_says(text: str, rows: list[dict[str, Any]]) -> None:
    typed, report = check(text, TYPES)
    assert report.errors == 0, report.diagnostics
    assume(not compares_a_written_box(typed))
    data = table(TYPES, rows)
    lowered = data.lazy().select(expression(typed, Context()).alias("x"))
    assert lowered.collect_schema()["x"] == dtype_of(typed.type)
    for engine in ENGINES:
        found = values([typed], data, engine)["0"]
        assert found.dtype == dtype_of(typed.type)
        assert len(found) == len(rows)
        for value, holds in zip(found.to_list(), sound(typed, data, engine), strict=True):
            assert not holds or is_of(value, typed.type), (value, str(typed.type))


def _asked(name: str) -> st.SearchStrategy[str]:
    """Conditions on an expression of this type that may be null."""
    made = expressions_of(name, True)
    plain = st.sampled_from(["({}) is null", "({}) is not null", "not (({}) is null)", "({}) in [({})]"])
    texts = st.sampled_from(['(({}) ?? "a") == "b"', '"x" != (({}) ?? "x") or ({}) is not null', '(({}) ?? "") != ""'])
    template = st.one_of(plain, texts) if name == "text" else plain
    return st.tuples(template, made).map(lambda both: both[0].replace("{}", both[1]))


conditions = st.one_of(expressions_of("bool", False), st.sampled_from(sorted(PLAIN)).flatmap(_asked)).filter(
    lambda text: not any(f"{draw}(" in text for draw in ("chance", "decoys", "choose"))
)


def proves_no_null(text: str, rows: list[dict[str, Any]]) -> None:
    assume(rows)  # of no rows nothing is proved
    typed, report = check(text, TYPES)
    assume(report.errors == 0)  # lists of lists and records are not looked for
    assume(not compares_a_written_box(typed))
    branches = [part for part in walk(typed) if isinstance(part, Branch)]
    assume(all(any(isinstance(x, Column) for x in walk(one.condition)) for one in branches))  # Polars folds the others
    data = table(TYPES, rows)
    holds = sound(typed, data)
    for truth in (True, False):
        proved = list(facts(typed, truth))
        for row, kept in zip(values([typed, *proved], data).iter_rows(), holds, strict=True):
            assert not kept or row[0] is not truth or None not in row[1:], (text, truth)


A_BOX = {"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0, "width": 4, "height": 8}


@settings(max_examples=60, deadline=None)
@given(text=expressions, rows=rows())
def test_an_expression_is_what_the_checker_says(text: str, rows: list[dict[str, Any]]) -> None:
    is_what_the_checker_says(text, rows)


@settings(max_examples=60, deadline=None)
@given(text=conditions, rows=rows())
def test_what_a_condition_proves_is_no_null(text: str, rows: list[dict[str, Any]]) -> None:
    proves_no_null(text, rows)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(text=expressions, rows=rows())
def test_many_expressions(text: str, rows: list[dict[str, Any]]) -> None:
    is_what_the_checker_says(text, rows)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(text=conditions, rows=rows())
def test_many_conditions(text: str, rows: list[dict[str, Any]]) -> None:
    proves_no_null(text, rows)


def test_a_null_is_in_no_list_of_records() -> None:
    typed, _ = check("index(bs, x)", TYPES)
    data = table(TYPES, [dict.fromkeys(TYPES) | {"bs": []}, dict.fromkeys(TYPES) | {"bs": [A_BOX]}])
    assert [values([typed], data, engine)["0"].to_list() for engine in ENGINES] == [[None, None]] * 2


@pytest.mark.parametrize(
    "text",
    [
        "0.5 > (f ?? 0.1)",
        "(f ?? 0.1) < 0.5",
        '"b" != (t ?? "a")',
        '"b" > (t ?? "a")',
        "0 <= (i ?? 9)",
        "size([1, 2]) <= (i ?? 9)",
    ],
)
def test_columns_that_are_all_null_are_compared_row_by_row(text: str) -> None:
    typed, _ = check(text, TYPES)
    data = table(TYPES, [dict.fromkeys(TYPES)] * 3)
    assert [values([typed], data, engine)["0"].to_list() for engine in ENGINES] == [[True] * 3] * 2


def test_every_function_can_be_made() -> None:
    written = " ".join([*PLAIN.values(), *NULLABLE.values(), "must("])
    assert not [name for name in FUNCTIONS if f"{name}(" not in written]
    assert set(PLAIN) | {"split", "labels"} == set(NAMES)
