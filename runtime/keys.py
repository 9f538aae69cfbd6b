"""KEYS: which columns of the files hold the key of an example, its patient and its study, and which rows do.

    id mri.../9                   key: study     ->  reports.study is 9
    join: {table: findings, on: study}           ->  findings.study is 9, too

Only values that are followed back to a column of a file, as it stands there, are known. A row that comes in by other
values (the picture before this one, say) is not found so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias
from urllib.parse import unquote

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.lineage import Lineage, Made, Numbers, Traced
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.typed import Column
from cxrspec.compiler.types import INT, SPLIT, TEXT, present
from cxrspec.runtime.disk import Disk
from cxrspec.runtime.reading import FILE, LINE, ROW, read_places

Raw: TypeAlias = tuple[str, str]
"""A column of a table that is read: (table, column)."""

SHOWN = 3
"""Rows of a table whose places are told."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a table that hold known values: `by` are the columns, `places` where the first of `rows` stand."""

    table: str
    by: tuple[str, ...]
    rows: int
    places: tuple[str, ...]


def rows_of(
    compilation: Compilation, spec: Compiled, plan: p.Plan, example: Mapping[str, Any], disk: Disk
) -> list[Held]:
    """The rows of each table of the plan that hold the example's key, patient or study, as far as these are known."""
    known = values(compilation, spec, example)
    found: list[Held] = []
    for read in plan.reads:
        by = {c: v for (table, c), v in known.items() if table == read.table} or _of_patient(compilation, read, example)
        one = _held(read, by, disk) if by else None
        found += [one] if one is not None else []
    return found


def _of_patient(compilation: Compilation, read: p.Read, example: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a table that hold the example's patient (its study, where no patient is known) by their names."""
    source = compilation.sources[read.table.partition(".")[0]]
    names = {c.name for c in read.columns}
    for identity in source.identity:
        if identity.space == example["space"]:
            patient = example["patient_id"] is not None
            told = dict(
                _id(
                    *(
                        (identity.patient or (), example["patient_id"])
                        if patient
                        else (identity.study, example["study_id"])
                    )
                )
            )
            return told if told.keys() <= names else {}
    return {}


def _held(read: p.Read, by: Mapping[str, str], disk: Disk) -> Held | None:
    frame = read_places(read, disk.roots, disk.record(read))
    plain = {c.name for c in read.columns if present(c.type) in (TEXT, INT, SPLIT)}
    named = tuple(sorted(by.keys() & plain & {*frame.columns}))
    if not named:
        return None
    tests = [pl.col(name).cast(pl.String) == by[name] for name in named]
    found = frame.filter(reduce(pl.Expr.and_, tests))
    places = found.head(SHOWN).select(FILE, LINE, ROW).iter_rows()
    return Held(read.table, named, found.height, tuple(_place(*one) for one in places))


def _place(file: str, line: int | None, row: int) -> str:
    return f"{file}, row {row:,}" if line is None else f"{file}:{line}"


# ---- which values are known of which columns


def values(compilation: Compilation, spec: Compiled, example: Mapping[str, Any]) -> dict[Raw, str]:
    """The columns of files in which a value of the example is known to stand, with the value as text."""
    lineage = Lineage(compilation.relations, Numbers())
    traced = lineage.of(spec.name)
    known: dict[Raw, str] = {}
    for name, value in _named(compilation, spec, example):
        if name in traced.columns:
            known |= dict.fromkeys(_raw(traced.columns[name]), value)
    joined = [*_joins(traced)]
    while True:
        more = {
            theirs: known[mine]
            for ours, others in joined
            for mine in _raw(ours) & known.keys()
            for theirs in _raw(others) - known.keys()
        }
        if not more:
            return known
        known |= more


def _named(compilation: Compilation, spec: Compiled, example: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Columns of the spec's rows whose values the example tells: those of the key, else of its patient and study."""
    parts = str(example["id"]).split("/")[2:]
    if len(parts) == len(spec.spec.key) + 1 and parts[0] in ("train", "val", "test"):
        parts = parts[1:]  # of a published run, whose ids say the split
    if len(parts) == len(spec.spec.key):
        for expression, part in zip(spec.spec.key, parts, strict=True):
            if isinstance(expression, s.Name):
                yield expression.name, unquote(part)
    source = compilation.sources[spec.spec.source.name]
    for identity in source.identity:
        if identity.space == example["space"] and spec.spec.identity != "none":
            yield from _id(identity.patient or (), example["patient_id"])
            yield from _id(identity.study, example["study_id"])


def _id(names: Sequence[s.Name], id: str | None) -> Iterator[tuple[str, str]]:
    """The columns of an id `space/part/...` with their values."""
    parts = str(id).split("/")[1:]
    if names and len(parts) == len(names):
        yield from ((name.name, unquote(part)) for name, part in zip(names, parts, strict=True))


def _raw(made: Made) -> frozenset[Raw]:
    """The columns of files that a column is, unchanged; several where rows of several tables stand below each other."""
    match made.node:
        case p.RawColumn():
            return frozenset({(made.relation, made.name)})
        case Column(name):
            return _raw(made.of[name])
        case p.Join(relation, take=((_, theirs, _),)):
            return _raw(made.of[f"{relation}.{theirs}"])
        case p.Union() | p.Contrast():
            return frozenset(raw for one in _either(made) for raw in _raw(one))
        case _:
            return frozenset()


def _either(made: Made) -> list[Made]:
    """The columns that hold the values of one, here and in the rows that stand below."""
    match made.node:
        case p.Contrast(relation=relation, take=((_, theirs, _),)):
            return [made.of[made.name], made.of[f"{relation}.{theirs}"]]
        case p.Union():
            return [*made.of.values()]
        case _:
            return []


def _joins(traced: Traced) -> Iterator[tuple[Made, Made]]:
    """The pairs of columns by which rows were joined on the way to a relation: that of the row, and that over there."""
    seen: set[int] = set()
    left: list[Any] = [*traced.columns.values(), traced.rows]
    while left:
        one = left.pop()
        if id(one) in seen or one is None:
            continue
        seen.add(id(one))
        if isinstance(one, Made):
            yield from _pairs(one.node, one.of)
            left += [*one.of.values(), one.rows]
        else:
            left += [one.start]
            for op in one.ops:
                yield from _pairs(op.node, op.of)
                left += [*op.of.values(), op.rows]


def _pairs(node: object, of: Mapping[str, Made]) -> Iterable[tuple[Made, Made]]:
    if isinstance(node, p.Join):
        return [(of[mine], of[f"{node.relation}.{theirs}"]) for mine, theirs in node.on]
    return []
