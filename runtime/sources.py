"""What lies below the data root: the state of every spec and every source."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.codes import CODES
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.lower import absent
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.runtime.locate import Roots, find, problem
from cxrspec.runtime.reading import read_table


class Presence:
    """Which tables have files below the roots, each looked up once."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._there: dict[str, bool] = {}

    def there(self, read: p.Read) -> bool:
        """Whether there are files of the table; damaged ones are there, too."""
        if read.table not in self._there:
            found = find(read, self.roots)
            self._there[read.table] = bool(found.files or found.problems)
        return self._there[read.table]


def at_hand(plan: p.Plan, presence: Presence) -> p.Plan:
    """The plan as it is run: an authority of a space whose files are not all there says nothing."""
    relations = {r.name: r for r in plan.relations}
    silent: list[str] = []
    for relation in plan.relations:
        alone = tuple(relations[name] for name in p.reached(relations, relation.name))
        if relation.space and lacking(p.Plan(relation.name, alone), presence):
            silent.append(relation.name)
    return absent(plan, silent) if silent else plan


def lacking(plan: p.Plan, presence: Presence) -> str:
    """Why a plan cannot run for want of files; "" if it can. A damaged file is there: reading it tells."""
    empty = {read.table for read in plan.reads if not presence.there(read)}
    for read in plan.reads:
        if read.table in empty and not read.optional:
            return f"{read.table}: {absence(read, presence.roots)}"
    for relation in plan.relations:
        if _is_empty(relation, empty):
            empty.add(relation.name)
    return f"{min(empty)}: absent" if plan.relations[-1].name in empty else ""


def _is_empty(relation: p.Relation, empty: Collection[str]) -> bool:
    """Whether a relation has no rows, for want of files: those it starts from, or those it must find in a join."""
    nothing = False
    for node in relation.nodes:
        match node:
            case p.Scan(other) | p.Join(other, kind="inner" | "semi"):
                nothing |= other in empty
            case p.Union(other):
                nothing &= other in empty
            case _:
                pass
    return nothing or relation.name in empty


def absence(read: p.Read, roots: Roots) -> str:
    """Which files were looked for, and where."""
    source = read.table.partition(".")[0]
    folders = " or ".join(roots.shown(folder) for folder in roots.of(source))
    return f"no {' or '.join((*read.files, *read.packed))} in {folders}"


def state(spec: Compiled, presence: Presence) -> str:
    """`ready`, `broken` (it does not compile) or `no data`."""
    if spec.plan is None:
        return "broken"
    return "no data" if lacking(at_hand(spec.plan, presence), presence) else "ready"


# ------------------------------------------------------------------------------------------------------- overview

_CUT_SHORT = frozenset(("CXR601", "CXR602", "CXR606"))  # damaged, not readable, empty: not all there


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is of a source.

    state      found; absent; incomplete: files are absent, damaged or empty; drifted: they are not as declared
    what       which tables, columns and files are concerned
    findings   what reading its tables found
    """

    source: str
    state: Literal["found", "incomplete", "drifted", "absent"]
    what: tuple[str, ...]
    findings: tuple[Diagnostic, ...] = ()


def overview(compilation: Compilation, presence: Presence, progress: Callable[[str], None] | None) -> list[Overview]:
    """For each source what there is. Its tables are read, each told to `progress`; with None only files are looked for."""
    return [_source(source, presence, progress) for _, source in sorted(compilation.sources.items())]


def _source(source: d.Source, presence: Presence, progress: Callable[[str], None] | None) -> Overview:
    tables = [table for table in source.tables.values() if isinstance(table, d.ReadTable)]
    absent = [table.read for table in tables if not presence.there(table.read)]
    what = [
        f"{read.table.partition('.')[2]}: {absence(read, presence.roots)}" + (" (optional)" if read.optional else "")
        for read in absent
    ]
    if len(absent) == len(tables):
        return Overview(source.name, "absent", tuple(what))
    findings: list[Diagnostic] = []
    for table in tables:
        if progress is not None and table.read not in absent:
            progress(f"reading {table.read.table}")
            here = _findings(table, presence.roots)
            findings += here
            what += dict.fromkeys(f"{table.name}: {_told(found)}" for found in here)
    needed = [read for read in absent if not read.optional]
    short = needed or any(found.code in _CUT_SHORT for found in findings)
    return Overview(
        source.name, "incomplete" if short else "drifted" if findings else "found", tuple(what), tuple(findings)
    )


def _findings(table: d.ReadTable, roots: Roots) -> list[Diagnostic]:
    """What reading a table finds; with all its files read, also that it has another number of rows than published."""
    done = read_table(table.read, [column.name for column in table.read.columns], roots)
    findings = list(done.problems)
    rows, (least, most) = done.frame.height, table.count or (0, done.frame.height)
    if not least <= rows <= most and not any(found.code < "CXR7" for found in findings):
        published = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        message = f"{rows:,} rows, published were {published}"
        findings.append(problem("CXR708", message, roots.shown(done.files[0]), severity="warning"))
    return findings


def _told(found: Diagnostic) -> str:
    """A finding in short: its column, else its file, and its kind."""
    place = found.label
    where = (f"`{place.column}`" if place.column else place.file) if isinstance(place, DataPlace) else ""
    return f"{where} {CODES[found.code]}"
