"""Expressions from their text to their values, for the tests: parsed, checked, lowered and run on a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from cxrspec.compiler import syntax as s
from cxrspec.compiler.bodies import Context, expression
from cxrspec.compiler.declarations import Policy, Verdicts
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.dialects import DEFAULT, DIALECTS
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.grammar import parse_expression, parse_type
from cxrspec.compiler.plan import Form, Prompt, Shape, Turns
from cxrspec.compiler.scopes import Binding, Scope, constant
from cxrspec.compiler.to_polars import LOST, Stage, query
from cxrspec.compiler.typed import Column, Const, Typed, requirements
from cxrspec.compiler.types import INT, TEXT, LabelsOf, ListOf, Type, nullable

Engine = Literal["in-memory", "streaming"]
ENGINES: tuple[Engine, ...] = ("in-memory", "streaming")
ID = "$id"
CONSTANTS = {"views": Const(("PA", "AP"), ListOf(TEXT)), "limit": Const(3, INT)}
LABELS = LabelsOf(("A", "B, c", "é"))
POLICIES = {
    "strict": Policy(Verdicts((), "skip"), Verdicts((), "negative")),
    "lenient": Policy(
        Verdicts(((s.Name("A"), "positive"), (s.Name("é"), "negative")), "skip"),
        Verdicts(((s.Name("B, c"), "positive"), (s.Name("A"), "skip")), "negative"),
    ),
}


def place(start: int, end: int) -> Span:
    return Span("e", start, end)


def type_of(text: str) -> Type:
    """The type that a text names; `labels`, which no text names, are `LABELS`."""
    if text in ("labels", "labels | null"):
        return LABELS if text == "labels" else nullable(LABELS)
    report = Report()
    found = parse_type(text, place, report)
    assert not report.diagnostics, text
    return found


def parsed(text: str) -> s.Expr:
    report = Report()
    found = parse_expression(text, place, report)
    assert not report.diagnostics, (text, report.diagnostics)
    return found


def scope_of(types: Mapping[str, Type], site: str | None = "form.name") -> Scope:
    """The columns of a made-up table, two constants, two policies, two sources."""
    columns = {name: Binding(Column(name, type)) for name, type in types.items()}
    constants = {name: Binding(value) for name, value in CONSTANTS.items()}
    constants |= {name: constant(policy, None) for name, policy in POLICIES.items()}
    sources = frozenset({"openi", "rsna"})
    return Scope({**constants, **columns}, "column", source="rsna", sources=sources, site=site)


def check(e: s.Expr | str, types: Mapping[str, Type], site: str | None = "form.name") -> tuple[Typed, Report]:
    """The typed tree of an expression, and what was found on the way."""
    report = Report()
    tree = parsed(e) if isinstance(e, str) else e
    return Checker(report).check(tree, scope_of(types, site)), report


def table(types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a table; each has an id, its number unless it names another."""
    schema = {ID: pl.String()} | {name: dtype_of(type) for name, type in types.items()}
    return pl.DataFrame([{ID: str(n)} | dict(row) for n, row in enumerate(rows)], schema=schema)


def values(typed: Sequence[Typed], rows: pl.DataFrame, engine: Engine = "in-memory", seed: int = 0) -> pl.DataFrame:
    """The values of some expressions, as columns "0", "1" ..."""
    lowered = [expression(e, Context(seed=seed)).alias(str(i)) for i, e in enumerate(typed)]
    return rows.lazy().with_columns(lowered).select(str(i) for i in range(len(typed))).collect(engine=engine)


def sound(typed: Typed, rows: pl.DataFrame, engine: Engine = "in-memory") -> list[bool]:
    """Whether each row keeps all that the expression asks for."""
    needed = [condition for _, condition in requirements(typed)]
    if not needed:
        return [True] * len(rows)
    return [all(row) for row in values(needed, rows, engine).iter_rows()]


def prompt(*shapes: tuple[int, tuple[Any, ...]]) -> Prompt:
    """A prompt of shapes given as (tickets, pieces)."""
    starts = [sum(tickets for tickets, _ in shapes[:i]) for i in range(len(shapes))]
    wheel = sum(tickets for tickets, _ in shapes)
    return Prompt(
        wheel, tuple(Shape(at, tickets, pieces) for at, (tickets, pieces) in zip(starts, shapes, strict=True))
    )


def ask(
    forms: Sequence[Form], rows: pl.DataFrame, engine: Engine = "in-memory", seed: int = 0, boxes: str = DEFAULT
) -> list[dict[str, Any]]:
    """The rows with their `turns`, `target` and `boxes`; `lost` is the name of the gate a row left by, or None."""
    lazy, gates = query(Stage((Turns(tuple(forms)),)), rows.lazy(), {}, Context(seed=seed, boxes=DIALECTS[boxes]))
    names = [gate.name for gate in gates]
    found = lazy.select(ID, "turns", "target", "boxes", LOST).collect(engine=engine).to_dicts()
    return [row | {"lost": None if row[LOST] is None else names[int(row[LOST])]} for row in found]
