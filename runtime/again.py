"""AGAIN: examples made anew from the same sources by the same rules, those of a few ids instead of all.

What an example is made from is its recipe; the plan runs as it did, and only the rows of the ids are asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.dialects import DIALECTS
from cxrspec.compiler.lower import absent
from cxrspec.compiler.pipeline import Compiled
from cxrspec.compiler.serial import fingerprint
from cxrspec.compiler.typed import Apply, Column, Const
from cxrspec.compiler.types import BOOL, TEXT, ListOf
from cxrspec.runtime import manifest
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.execute import Execution
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.pictures import copies
from cxrspec.runtime.reading import read_table
from cxrspec.runtime.request import Request
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.unchanged import InPlace


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the examples of a spec were made from, as the manifest has it.

    plan    fingerprint of the plan that was run
    inputs  digests of the files of each table that it read
    way     a digest of all else: code, versions, folders
    silent  the spaces whose authority was not there
    """

    spec: str
    mode: Literal["default", "published"]
    seed: int
    boxes: str
    plan: str
    inputs: Mapping[str, str]
    way: str
    silent: tuple[str, ...]


def recipe(spec: manifest.Spec, made: manifest.Manifest) -> Recipe:
    """The recipe of the examples of a spec."""
    silent = tuple(one.space for one in spec.authorities if not one.inputs)
    return Recipe(spec.name, made.mode, made.seed, made.boxes, spec.plan, dict(spec.inputs), spec.way, silent)


def as_made(made: manifest.Manifest, settings: Settings) -> Request:
    """The request that an output answers."""
    return Request(
        replace(settings, seed=made.seed),
        published=made.mode == "published",
        emit=Formats(made.emit, made.others),
        boxes=made.boxes,
        limit=made.limit,
        demo=made.demo,
    )


def planned(recipe: Recipe, spec: Compiled) -> p.Plan | None:
    """The plan of a spec as it was run then: without the authorities that were not there. None if it does not compile."""
    if spec.plan is None:
        return None
    silent = [relation.name for relation in spec.plan.relations if relation.space in recipe.silent]
    return absent(spec.plan, silent) if silent else spec.plan


def changes(recipe: Recipe, place: InPlace) -> list[Diagnostic]:
    """What is other now than when the examples were made; `place` has the specs and sources of now.

    Where the data is not at hand, its files are not compared.
    """
    spec = place.compilation.specs.get(recipe.spec)
    plan = None if spec is None else planned(recipe, spec)
    if spec is None or plan is None:
        what = "there is no such spec now" if spec is None else "it does not compile now"
        return [Diagnostic("CXR822", "warning", what, help=("`--specs` names a folder of specs",), spec=recipe.spec)]
    found: list[tuple[str, str]] = []
    if fingerprint(plan) != recipe.plan:
        found.append(("its rules are others now", f"`cxrspec ls --select {recipe.spec}` tells whether it is modified"))
    if not place.lacks(spec):
        now = place.inputs(plan)
        if now is None:
            found.append(("files of its sources do not read now", "`cxrspec sources` tells which"))
        else:
            then = recipe.inputs
            tables = sorted(table for table in then.keys() | now.keys() if then.get(table) != now.get(table))
            found += [(f"the files of `{table}` hold something else now", "") for table in tables]
    return [
        Diagnostic("CXR822", "warning", what, help=(help,) if help else (), spec=recipe.spec) for what, help in found
    ]


def same_way(recipe: Recipe, place: InPlace) -> bool:
    """Whether code, versions and folders are those of then; if not, examples may come out in other words."""
    spec = place.compilation.specs.get(recipe.spec)
    plan = None if spec is None else planned(recipe, spec)
    return spec is not None and plan is not None and place.way_of(spec, sorted(plan.sources)) == recipe.way


def made_again(recipe: Recipe, ids: Collection[str], place: InPlace) -> pl.DataFrame:
    """The examples of these ids, with the columns of an output, in the order of split and id.

    Raises:
        OutputError: CXR822, rules or sources are others now, so that nothing would be shown by it; CXR812, the data is
            not at hand.
    """
    spec = place.compilation.specs.get(recipe.spec)
    changed = changes(recipe, place)
    if changed:
        raise OutputError("CXR822", f"`{recipe.spec}` cannot be made again: {changed[0].message}", *changed[0].help)
    assert spec is not None
    plan = planned(recipe, spec)
    assert plan is not None
    if lacks := place.lacks(spec):
        raise OutputError("CXR812", f"`{recipe.spec}` cannot be made again: {lacks}", "`--data` names the data root")
    execution = _execution(recipe, _only(plan, ids), place)
    found: list[pl.DataFrame] = []
    generated = any(read.generated for read in plan.reads)
    execution.examples(recipe.spec, spec.spec.source.name, generated, found.append)
    return pl.concat(found) if found else SCHEMA.to_frame()


def differs(row: Mapping[str, Any], made: pl.DataFrame) -> Diagnostic | None:
    """The finding where an example, as it was written, is not the only one in `made`, the same in every column."""
    rows = made.to_dicts()
    if rows == [dict(row)]:
        return None
    columns = [name for name in row if len(rows) == 1 and rows[0][name] != row[name]]
    where = f"in {', '.join(f'`{name}`' for name in columns)}" if columns else "it is no example now"
    help = "cxrspec or a library may be another version; a run makes the spec anew"
    return Diagnostic("CXR823", "error", f"the example comes out otherwise: {where}", help=(help,))


def rows_again(recipe: Recipe, plan: p.Plan, name: str, place: InPlace) -> pl.DataFrame:
    """The rows of one relation of a plan, from data that is at hand."""
    named = {relation.name: relation for relation in plan.relations}
    alone = [named[one] for one in p.reached(named, name)]
    return _execution(recipe, alone, place).compute(name).frame


def _execution(recipe: Recipe, relations: Sequence[p.Relation], place: InPlace) -> Execution:
    """What computes relations as they were computed then."""
    tables = {
        read.table: read_table(read, [c.name for c in read.columns], place.roots, place.disk.record(read)).frame
        for read in (relation.nodes[0] for relation in relations)
        if isinstance(read, p.Read)
    }
    context = Context(recipe.seed, DIALECTS[recipe.boxes], copies(place.settings))
    return Execution(relations, tables.pop, context)


def _only(plan: p.Plan, ids: Collection[str]) -> tuple[p.Relation, ...]:
    """The relations of a plan in which only the rows of some ids are asked. All that hangs on other rows is behind them."""
    *others, last = plan.relations
    here = Apply("in", (Column("$id", TEXT), Const(tuple(sorted(ids)), ListOf(TEXT))), BOOL)
    *before, turns = last.nodes
    return *others, replace(last, nodes=(*before, p.Filter("id", here), turns))
