"""Laws of the steps that look at other rows or make others: what a plain loop over the rows does, in any order of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.to_polars import stages
from cxrspec.compiler.typed import Apply, Column, Const
from cxrspec.compiler.types import BOOL, INT, TEXT, ListOf, Type, nullable
from cxrspec.runtime.execute import Execution, Loss

from ..evaluating import ENGINES, Engine, table

MAYBE = nullable(INT)
COLUMNS: dict[str, Type] = {"k": INT, "g": MAYBE, "h": TEXT, "a": MAYBE, "b": INT, "x": ListOf(TEXT), "y": ListOf(TEXT)}

number = st.integers(0, 3)
texts = st.lists(st.sampled_from(["", "u", "v"]), max_size=2)
cells: dict[str, st.SearchStrategy[Any]] = {
    "g": st.none() | number,
    "h": st.sampled_from("pq"),
    "a": st.none() | number,
    "b": number,
    "x": texts,
    "y": texts,
}
rows = st.lists(st.fixed_dictionaries(cells), max_size=12).map(
    lambda found: [{"k": k, **row} for k, row in enumerate(found)]
)


def after(nodes: tuple[p.Node, ...], data: list[dict[str, Any]], engine: Engine) -> tuple[list[dict[str, Any]], Any]:
    """The rows behind the nodes, by their key, and what was lost and bad on the way."""
    frame = table(COLUMNS, data).drop("$id")
    read = p.Read("s.t", "csv", ("t.csv",), tuple(p.RawColumn(n, type, ()) for n, type in COLUMNS.items()))
    relations = (p.Relation("s.t", (read,)), p.Relation("made", (p.Scan("s.t", tuple(COLUMNS.items())), *nodes)))
    made = Execution(relations, lambda _: frame, Context(), engine).compute("made")
    return made.frame.to_dicts(), (made.losses, made.bad)


def column(name: str) -> Column:
    return Column(name, COLUMNS[name])


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms(use_true_random=False), st.sampled_from(ENGINES))
def test_lag_is_the_row_before(data: list[dict[str, Any]], shuffle: Any, engine: Engine) -> None:
    kept = p.Filter("small", Apply("<", (column("b"), Const(3, INT)), BOOL))
    take = (("k0", "k", MAYBE), ("x0", "x", nullable(ListOf(TEXT))))
    lag = p.Lag(("g", "h"), (column("a"), Apply("neg", (column("k"),), INT)), take, settled=True)
    later = p.Filter("later", Apply("is not null", (Column("k0", MAYBE),), BOOL))
    assert len(stages(p.Relation("r", (p.Scan("s.t", ()), kept, lag, later)))) == 2

    there = [row for row in data if row["b"] < 3]
    wanted: list[dict[str, Any]] = []
    for row in there:
        if row["g"] is None or row["a"] is None:
            continue
        same = [r for r in there if (r["g"], r["h"]) == (row["g"], row["h"]) and r["a"] is not None]
        before = [r for r in same if (r["a"], -r["k"]) < (row["a"], -row["k"])]
        if before:
            last = max(before, key=lambda r: (r["a"], -r["k"]))
            wanted.append(row | {"k0": last["k"], "x0": last["x"]})
    shuffled = list(data)
    shuffle.shuffle(shuffled)
    found, (losses, bad) = after((kept, lag, later), shuffled, engine)
    assert sorted(found, key=lambda row: row["k"]) == wanted
    assert losses == (
        Loss("made", "small", len(data), len(there)),
        Loss("made", "later", len(there), len(wanted)),
    )
    assert not bad


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from(ENGINES))
def test_rows_that_the_order_of_a_lag_leaves_equal_are_bad(data: list[dict[str, Any]], engine: Engine) -> None:
    lag = p.Lag(("g",), (column("a"), column("h")), (("x0", "x", nullable(ListOf(TEXT))),), settled=False)
    places = [(row["g"], row["a"], row["h"]) for row in data if row["g"] is not None and row["a"] is not None]
    equal = sum(places.count(place) > 1 for place in places)
    found, (_, bad) = after((lag,), data, engine)
    assert [one.rows for one in bad] == ([equal] if equal else [])
    assert len(found) == len(data) - equal


@settings(max_examples=60, deadline=None)
@given(rows, st.booleans(), st.sampled_from(ENGINES))
def test_unpivot_is_a_row_for_each_column(data: list[dict[str, Any]], listed: bool, engine: Engine) -> None:
    columns = ("x", "y") if listed else ("a", "b")
    type = ListOf(TEXT) if listed else MAYBE
    found, (losses, _) = after((p.Unpivot(columns, "name", "value", type),), data, engine)
    wanted = [
        {n: cell for n, cell in row.items() if n not in columns} | {"name": name, "value": row[name]}
        for row in data
        for name in columns
    ]
    assert sorted(found, key=lambda row: (row["k"], row["name"])) == wanted
    assert losses == (Loss("made", f"unpivot {', '.join(columns)}", len(data), 2 * len(data)),)
