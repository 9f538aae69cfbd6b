"""How specs are made one after another: their order, and what is dropped on the way."""

from __future__ import annotations

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.typed import Apply, Column, Const
from cxrspec.compiler.types import BOOL, INT
from cxrspec.runtime.execute import Execution, Loss
from cxrspec.runtime.making import in_order

KEY = (("k", INT),)


def test_specs_that_share_tables_follow_one_another() -> None:
    needs = {
        "a/mimic": ["mimic.images", "mimic.reports"],
        "b/nih": ["nih.entries"],
        "c/mimic": ["mimic.images"],
        "d/both": ["mimic.reports", "nih.entries"],
        "e/none": list[str](),
    }
    assert in_order(needs) == ["e/none", "b/nih", "d/both", "a/mimic", "c/mimic"]


def test_what_is_quick_to_read_comes_first_among_equals() -> None:
    needs = {"a": ["json"], "b": ["xml", "csv"], "c": ["csv"], "d": ["jsonl"]}
    assert in_order(needs, {"json", "jsonl", "xml"}) == ["c", "b", "a", "d"]
    assert in_order(needs) == ["a", "c", "b", "d"]


def test_every_spec_stands_in_the_order_once() -> None:
    needs = {str(number): {number % 3, number % 5} for number in range(30)}
    ordered = in_order({name: [str(table) for table in tables] for name, tables in needs.items()})
    assert sorted(ordered) == sorted(needs)


def test_rows_are_dropped_after_their_last_use_and_what_was_lost_is_not() -> None:
    small = p.Filter("small", Apply("<", (Column("k", INT), Const(3, INT)), BOOL))
    relations = (
        p.Relation("s.t", (p.Read("s.t", "csv", ("t.csv",), (p.RawColumn("k", INT, ()),)),)),
        p.Relation("some", (p.Scan("s.t", KEY), small)),
        p.Relation("one", (p.Scan("some", KEY),)),
        p.Relation("two", (p.Scan("some", KEY), p.Join("s.t", (("k", "k"),), (), "semi", "s.t"))),
    )
    frames = {"s.t": pl.DataFrame({"k": [1, 2, 3, 4]})}
    execution = Execution(relations, frames.pop, Context())
    assert execution.compute("one").frame["k"].to_list() == [1, 2]
    assert not frames
    assert [len(execution.done[name].frame) for name in ("s.t", "some")] == [4, 2]
    assert sorted(execution.compute("two").frame["k"]) == [1, 2]
    assert [len(execution.done[name].frame) for name in ("s.t", "some")] == [0, 0]
    assert execution.compute("some").losses == (Loss("some", "small", 4, 2),)
