"""What is said of values holds of every row: conditions are asked of all rows there can be, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import syntax as s
from cxrspec.compiler.domains import Domain, Env, Values
from cxrspec.compiler.typed import Value

Row = Mapping[str, Value | None]

VALUES = ("a", "b", "c")
KNOWN: dict[str, Domain] = {
    "x": Domain(VALUES, null=False),
    "y": Domain(("a", "b"), null=False),
    "any": Domain(null=False),
    "loose": Domain(VALUES),
    "flag": Domain((True, False), null=False),
}
CELLS: dict[str, tuple[Value | None, ...]] = {
    "x": VALUES,
    "y": ("a", "b"),
    "any": (*VALUES, "d"),
    "loose": (*VALUES, None),
    "flag": (True, False),
}
ROWS: list[Row] = [dict(zip(CELLS, cells, strict=True)) for cells in product(*CELLS.values())]

texts = st.sampled_from((*VALUES, "z")).map(s.Text)
names = st.sampled_from(("x", "y", "any")).map(s.Name)


def lists() -> st.SearchStrategy[s.Items]:
    return st.lists(texts | names, max_size=3).map(lambda items: s.Items(tuple(items)))


comparisons = st.one_of(
    st.builds(s.Binary, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), names | texts, names | texts),
    st.builds(s.Binary, st.sampled_from(("in", "not in")), names | texts | st.just(s.Name("loose")), lists()),
    st.builds(s.IsNull, st.just(s.Name("loose")), st.booleans()),
    st.sampled_from((s.Name("flag"), s.Bool(True), s.Bool(False))),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(s.Binary, st.sampled_from(("and", "or")), inner, inner),
        st.builds(s.Unary, st.just("not"), inner),
        st.builds(s.If, inner, inner, inner),
    ),
    max_leaves=6,
)
values = st.recursive(
    texts | names | st.just(s.Name("loose")),
    lambda inner: st.one_of(
        st.builds(s.If, conditions, inner, inner), st.builds(s.Binary, st.just("??"), inner, inner)
    ),
    max_leaves=5,
)


def value_of(e: s.Expr, row: Row) -> Value | None:
    """The value of an expression in a row, by the rules of docs/language.md."""
    match e:
        case s.Text(value) | s.Bool(value):
            return value
        case s.Name(name):
            return row[name]
        case s.Unary(_, operand):
            return not value_of(operand, row)
        case s.IsNull(operand, negated):
            return (value_of(operand, row) is not None) == negated
        case s.If(condition, then, otherwise):
            return value_of(then if value_of(condition, row) else otherwise, row)
        case s.Binary("??", left, right):
            found = value_of(left, row)
            return value_of(right, row) if found is None else found
        case s.Binary("and", left, right):
            return bool(value_of(left, row)) and value_of(right, row)
        case s.Binary("or", left, right):
            return bool(value_of(left, row)) or value_of(right, row)
        case s.Binary("in" | "not in" as operator, left, s.Items(items)):
            return (value_of(left, row) in [value_of(item, row) for item in items]) == (operator == "in")
        case s.Binary(operator, left, right):
            a, b = str(value_of(left, row)), str(value_of(right, row))
            return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]
        case _:
            raise AssertionError(e)


def fits(value: Value | None, domain: Domain) -> bool:
    return domain.null if value is None else domain.holds(value)


@settings(max_examples=300)
@given(conditions)
def test_what_a_condition_leaves_has_every_row_that_it_leaves(condition: s.Expr) -> None:
    sides = Values().assume(condition, KNOWN)
    for row in ROWS:
        side: Env | None = sides[0] if value_of(condition, row) else sides[1]
        assert side is not None, row
        assert all(fits(row[name], side[name]) for name in row), row


@given(values)
def test_an_expression_is_one_of_its_values(e: s.Expr) -> None:
    domain = Values().of(e, KNOWN)
    assert all(fits(value_of(e, row), domain) for row in ROWS)


@given(st.sampled_from(("==", "!=")), st.sampled_from(("x", "y")).map(s.Name), texts)
def test_a_value_is_a_stranger_where_no_row_tells_it_apart(
    operator: Literal["==", "!="], name: s.Name, text: s.Text
) -> None:
    comparison = s.Binary(operator, name, text)
    found = Values()
    found.of(comparison, KNOWN)
    assert bool(found.strangers) == (len({value_of(comparison, row) for row in ROWS}) == 1)
