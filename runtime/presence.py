"""Which tables have files below the data root, and so which specs can run. Nothing is read for it."""

from __future__ import annotations

from collections.abc import Collection

from cxrspec.compiler import plan as p
from cxrspec.compiler.lower import absent
from cxrspec.compiler.pipeline import Compiled
from cxrspec.runtime.locate import Roots, is_there


class Presence:
    """Which tables have files below the roots, each looked up once."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._there: dict[str, bool] = {}

    def there(self, read: p.Read) -> bool:
        """Whether there are files of the table; damaged ones are there, too."""
        if read.table not in self._there:
            self._there[read.table] = is_there(read, self.roots)
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
