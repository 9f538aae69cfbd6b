"""Raw cells -> typed values. The expected values are those of the rules in casting.py's docstring, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import Part, Place, RawColumn
from cxrspec.compiler.types import (
    BOOL,
    DATE,
    FLOAT,
    IMAGE,
    INT,
    SPLIT,
    TEXT,
    TIME,
    ListOf,
    RecordOf,
    Type,
    nullable,
    present,
)
from cxrspec.runtime.casting import (
    Cell,
    Cells,
    Fault,
    Lists,
    Records,
    are_lists,
    are_mappings,
    cast_cells,
    cast_series,
    compact,
    joined,
    one_by_one,
    rule_of,
)
from tests.one_cell import cast_value

HERE = (Place("name", "x"),)


def both(text: str | None, column: RawColumn) -> tuple[object, Fault]:
    """The value by both ways, which must agree."""
    rule = rule_of(column)
    done = cast_series(pl.Series([text], dtype=pl.String), rule)
    alone = cast_value(text, rule)
    assert (done.values[0], done.faults[0]) == alone
    return alone


@pytest.mark.parametrize(
    ("type", "text", "value"),
    [
        (INT, "50414267.0", 50414267),
        (INT, "+5", 5),
        (INT, " 5\t", 5),
        (INT, "007", 7),
        (INT, "-0", 0),
        (INT, "9223372036854775807", 2**63 - 1),
        (INT, "-9223372036854775808", -(2**63)),
        (FLOAT, "1e-3", 0.001),
        (FLOAT, "+.5", 0.5),
        (FLOAT, "12.", 12.0),
        (TEXT, "007", "007"),
        (TEXT, " a ", " a "),
        (IMAGE, "a.png", "a.png"),
        (SPLIT, " val", "val"),
        (BOOL, "TRUE", True),
        (BOOL, "1.0", True),
        (BOOL, "0", False),
        (BOOL, "False ", False),
        (DATE, "2020-02-29", date(2020, 2, 29)),
        (TIME, "23:59:59", time(23, 59, 59)),
    ],
)
def test_cells_that_fit(type: Type, text: str, value: object) -> None:
    assert both(text, RawColumn("x", type, HERE)) == (value, Fault.NONE)


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (INT, "1e5"),
        (INT, "1.5"),
        (INT, "9223372036854775808"),
        (INT, "1_000"),
        (INT, "٣"),
        (FLOAT, "nan"),
        (FLOAT, "inf"),
        (FLOAT, "1e999"),
        (FLOAT, "1,5"),
        (BOOL, "yes"),
        (SPLIT, "valid"),
        (DATE, "2021-02-29"),
        (DATE, "0000-01-01"),
        (DATE, "2021-2-9"),
        (TIME, "24:00:00"),
        (TIME, "23:59:60"),
        (ListOf(TEXT), "a"),
    ],
)
def test_cells_that_do_not_fit(type: Type, text: str) -> None:
    assert both(text, RawColumn("x", type, HERE)) == (None, Fault.CAST)


@pytest.mark.parametrize("text", [None, "", "  ", "None", " N/A "])
def test_missing(text: str | None) -> None:
    missing = ("", "None", "N/A")
    assert both(text, RawColumn("x", nullable(INT), HERE, missing=missing)) == (None, Fault.NONE)
    assert both(text, RawColumn("x", TEXT, HERE, missing=missing)) == (None, Fault.NULL)


def test_values() -> None:
    refusing = RawColumn("x", SPLIT, HERE, (("valid", "val"), ("1", "test")))
    assert both(" valid ", refusing) == ("val", Fault.NONE)
    assert both("1", refusing) == ("test", Fault.NONE)
    assert both("val", refusing) == (None, Fault.UNLISTED)
    keeping = RawColumn("x", TEXT, HERE, (("rnsa", "rsna"),), otherwise="keep")
    assert both("rnsa", keeping) == ("rsna", Fault.NONE)
    assert both(" other", keeping) == (" other", Fault.NONE)
    replacing = RawColumn("x", BOOL, HERE, (("pos", True),), otherwise="value", other=False)
    assert both("pos", replacing) == (True, Fault.NONE)
    assert both("neg", replacing) == (False, Fault.NONE)
    always = RawColumn("x", SPLIT, HERE, otherwise="value", other="test")
    assert both("anything", always) == ("test", Fault.NONE)


def test_squeeze() -> None:
    column = RawColumn("x", nullable(TEXT), HERE, squeeze=True)
    assert both("\n a \u00a0\r\n b ", column) == ("a b", Fault.NONE)
    assert both(" \n ", column) == (None, Fault.NONE)


@pytest.mark.parametrize(
    ("type", "cell", "value", "fault"),
    [
        (TEXT, 5, "5", Fault.NONE),
        (TEXT, 0.5, "0.5", Fault.NONE),
        (TEXT, True, None, Fault.CAST),
        (INT, True, None, Fault.CAST),
        (INT, 5.0, 5, Fault.NONE),
        (INT, 5.5, None, Fault.CAST),
        (FLOAT, float("nan"), None, Fault.CAST),
        (TEXT, float("inf"), None, Fault.CAST),
        (BOOL, True, True, Fault.NONE),
        (BOOL, 0, False, Fault.NONE),
        (TEXT, ["a"], None, Fault.CAST),
        (TEXT, {"a": "b"}, None, Fault.CAST),
        (ListOf(INT), [1, "2", 3.0], [1, 2, 3], Fault.NONE),
        (ListOf(INT), [], [], Fault.NONE),
        (ListOf(INT), None, None, Fault.NULL),
        (ListOf(INT), [None], None, Fault.NULL),
        (ListOf(nullable(INT)), [None, 1], [None, 1], Fault.NONE),
        (ListOf(INT), "1", None, Fault.CAST),
        (nullable(ListOf(ListOf(TEXT))), [["a"], []], [["a"], []], Fault.NONE),
        (RecordOf((("a", INT), ("b", nullable(TEXT)))), {"a": "1", "c": 0}, {"a": 1, "b": None}, Fault.NONE),
        (RecordOf((("a", INT),)), {"a": "x"}, None, Fault.CAST),
        (
            nullable(ListOf(RecordOf((("r", RecordOf((("a", INT),))),)))),
            [{"r": {"a": 1}}],
            [{"r": {"a": 1}}],
            Fault.NONE,
        ),
        (RecordOf((("a", INT),)), {}, None, Fault.NULL),
    ],
)
def test_json_cells(type: Type, cell: Cell, value: object, fault: Fault) -> None:
    rule = rule_of(RawColumn("x", type, HERE))
    assert cast_value(cell, rule) == (value, fault)
    done = cast_cells([cell], rule)
    assert done.values.dtype == dtype_of(type)
    assert (done.values.to_list(), done.faults.to_list()) == ([value], [fault])


def test_parts_have_their_own_values() -> None:
    type = ListOf(RecordOf((("kind", TEXT), ("words", TEXT))))
    parts = (Part("kind", Place("name", "label"), (("A", "Anatomy"),)), Part("words", Place("name", "tokens")))
    rule = rule_of(RawColumn("x", type, HERE, each=parts))
    assert cast_value([{"kind": "A", "words": "A"}], rule) == ([{"kind": "Anatomy", "words": "A"}], Fault.NONE)
    assert cast_value([{"kind": "B", "words": "A"}], rule) == (None, Fault.UNLISTED)


# Texts near the borders of the forms, and any text at all.
TYPES = st.sampled_from([BOOL, INT, FLOAT, TEXT, SPLIT, IMAGE, DATE, TIME])
FORMS = st.one_of(
    st.from_regex(r"\A[ \t]?[+-]?[0-9]{0,21}(\.[0-9]{0,3})?([eE][+-]?[0-9]{1,3})?[ \n\x1c]?\Z"),
    st.floats().map(repr),
    st.integers().map(str),
    st.dates().map(str),
    st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"),
    st.from_regex(r"\A[0-9]{2}:[0-9]{2}:[0-9]{2}\Z"),
    st.sampled_from(["true", "FALSE", "tRuE", "1.0", "train", "val", "None", "\x1f1", "1\u3000"]),
    st.text(),
)
VALUES = st.dictionaries(st.sampled_from(["1", "true", "train", "None"]), st.sampled_from([True, 5, 0.5, "val"]))


@given(
    cells=st.lists(st.none() | FORMS, min_size=1, max_size=20),
    type=TYPES,
    null=st.booleans(),
    values=VALUES,
    otherwise=st.sampled_from(["refuse", "keep", "value"]),
    squeeze=st.booleans(),
    missing=st.lists(st.sampled_from(["None", "1", "a  b"])),
)
def test_both_ways_agree(
    cells: list[str | None],
    type: Type,
    null: bool,
    values: dict[str, str | int | float | bool],
    otherwise: str,
    squeeze: bool,
    missing: list[str],
) -> None:
    column = RawColumn(
        "x",
        nullable(type) if null else type,
        HERE,
        values=tuple(values.items()),
        otherwise="refuse" if otherwise == "refuse" else "keep" if otherwise == "keep" else "value",
        other="test" if otherwise == "value" else None,
        missing=tuple(missing),
        squeeze=squeeze,
    )
    rule = rule_of(column)
    done = cast_series(pl.Series(cells, dtype=pl.String), rule)
    alone = [cast_value(cell, rule) for cell in cells]
    assert done.values.dtype == dtype_of(type)
    assert done.values.to_list() == [value for value, _ in alone]
    assert done.faults.to_list() == [fault for _, fault in alone]


NAMES = ("a", "b")
NESTED_TYPES = st.recursive(
    TYPES.flatmap(lambda type: st.sampled_from([type, nullable(type)])),
    lambda inner: st.one_of(
        inner.map(ListOf),
        inner.map(lambda item: nullable(ListOf(item))),
        st.tuples(inner, inner).map(lambda pair: RecordOf(tuple(zip(NAMES, pair, strict=True)))),
    ),
    max_leaves=4,
)
ATOMS: st.SearchStrategy[Cell] = st.none() | st.booleans() | st.integers() | st.floats() | FORMS
KEYS: st.SearchStrategy[str] = st.sampled_from((*NAMES, "c"))


def larger(inner: st.SearchStrategy[Cell]) -> st.SearchStrategy[Cell]:
    return st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)


CELLS = st.recursive(ATOMS, larger, max_leaves=6)


def fitting(type: Type) -> st.SearchStrategy[Cell]:
    """Cells of the shape of a type, with others here and there."""
    inner = present(type)
    if isinstance(inner, ListOf):
        shaped: st.SearchStrategy[Cell] = st.lists(fitting(inner.item), max_size=3)
    elif isinstance(inner, RecordOf):
        shaped = st.fixed_dictionaries({name: fitting(field) for name, field in inner.fields})
    else:
        shaped = FORMS | st.booleans() | st.integers() | st.floats()
    return st.one_of(shaped, shaped, shaped, CELLS)


def apart(cells: Sequence[Cell], type: Type) -> Cells:
    """Lists and records taken apart, as far as all cells are of the shape of the type."""
    match present(type):
        case ListOf(item) if are_lists(cells):
            return Lists(apart([item for cell in cells for item in cell], item), [len(cell) for cell in cells])
        case RecordOf(fields) if are_mappings(cells):
            return Records({name: apart([cell.get(name) for cell in cells], field) for name, field in fields})
        case _:
            return cells


@given(
    type_and_cells=NESTED_TYPES.flatmap(lambda type: st.tuples(st.just(type), st.lists(fitting(type), max_size=5))),
    values=VALUES,
    otherwise=st.sampled_from(["refuse", "keep", "value"]),
    squeeze=st.booleans(),
    missing=st.sampled_from([(), ("None", "1", "true")]),
    cut=st.integers(0, 4),
)
def test_nested_cells_are_cast_as_one_by_one(
    type_and_cells: tuple[Type, list[Cell]],
    values: dict[str, str | int | float | bool],
    otherwise: Literal["refuse", "keep", "value"],
    squeeze: bool,
    missing: tuple[str, ...],
    cut: int,
) -> None:
    type, cells = type_and_cells
    column = RawColumn(
        "x",
        type,
        HERE,
        values=tuple(values.items()),
        otherwise=otherwise,
        other="test" if otherwise == "value" else None,
        missing=missing,
        squeeze=squeeze,
    )
    rule = rule_of(column)
    alone = [cast_value(cell, rule) for cell in cells]
    parts = [compact(apart(part, type), type) for part in (cells[:cut], cells[cut:]) if part]
    for form in (cells, apart(cells, type), compact(cells, type), joined(parts)):
        done = cast_cells(form, rule)
        assert done.values.dtype == dtype_of(type)
        assert done.faults.to_list() == [fault for _, fault in alone]
        assert done.values.to_list() == [value for value, _ in alone]


BIG = (2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**60)


@pytest.mark.parametrize("missing", [(), ("7",)])
@pytest.mark.parametrize("type", [INT, nullable(INT), FLOAT, TEXT, ListOf(INT)])
@pytest.mark.parametrize("big", BIG)
def test_ints_are_cast_by_their_texts(big: int, type: Type, missing: tuple[str, ...]) -> None:
    """Those of 64 bits as they are, where nothing else is said of them."""
    rule = rule_of(RawColumn("x", type, HERE, missing=missing))
    others: list[Cell] = [big, True, None, "7", 7.5]
    for other in others:
        cells: list[Cell] = [[7], [other], []] if isinstance(type, ListOf) else [7, other]
        alone = [cast_value(cell, rule) for cell in cells]
        for form in (cells, compact(cells, type)):
            done = cast_cells(form, rule)
            assert list(zip(done.values.to_list(), done.faults.to_list(), strict=True)) == alone


def test_lists_with_nulls_among_them() -> None:
    for type, fault in ((ListOf(INT), Fault.NULL), (nullable(ListOf(INT)), Fault.NONE)):
        done = cast_cells(Lists([1, "2"], [None, 2, 0]), rule_of(RawColumn("x", type, HERE)))
        assert (done.values.to_list(), done.faults.to_list()) == ([None, [1, 2], []], [fault, Fault.NONE, Fault.NONE])


def test_what_is_alike_is_compact() -> None:
    """The laws above would hold if all cells stayed as they are."""
    whole = compact(Records({"a": [[1, 2], [], [3]], "b": ["x", 7, None]}), RecordOf((("a", ListOf(INT)), ("b", TEXT))))
    assert isinstance(whole, Records)
    lists, texts = whole.fields["a"], whole.fields["b"]
    assert isinstance(lists, Lists)
    assert isinstance(lists.items, pl.Series)
    assert isinstance(texts, pl.Series)
    assert (lists.items.to_list(), texts.to_list()) == ([1, 2, 3], ["x", "7", None])
    assert one_by_one(joined([whole, whole])) == 2 * [
        {"a": [1, 2], "b": "x"},
        {"a": [], "b": "7"},
        {"a": [3], "b": None},
    ]


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_int_reads_back(number: int) -> None:
    assert both(str(number), RawColumn("x", INT, HERE)) == (number, Fault.NONE)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_back(number: float) -> None:
    assert both(repr(number), RawColumn("x", FLOAT, HERE)) == (number, Fault.NONE)
