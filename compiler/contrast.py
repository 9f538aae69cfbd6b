"""CHECK, the step `contrast`: below each row stands one drawn from a pool, about another patient, for what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.diagnostics import Label
from cxrspec.compiler.flows import Flow
from cxrspec.compiler.identity import IDENTITY, ids
from cxrspec.compiler.scopes import Binding, Scope
from cxrspec.compiler.tables import Tables
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Get, Typed, columns, requirements, walk
from cxrspec.compiler.types import BOOL, TEXT, UNKNOWN, RecordOf, Type, is_nullable, join, nullable, present

POOL = "pool"


@dataclass(frozen=True, slots=True)
class Pool:
    """The rows that are drawn from: a relation with identity and split, its flow, and its key."""

    relation: p.Relation
    flow: Flow
    key: tuple[str, ...]


class Contrast:
    """One step `contrast` of a spec on its way; between `mark` and `draw` the rows get their id."""

    def __init__(self, step: d.Contrast, flow: Flow, tables: Tables) -> None:
        self.step = step
        self.flow = flow
        self.tables = tables
        self.checker = tables.checker

    def mark(self) -> None:
        """The column that tells drawn rows from given ones: empty on these."""
        step, flow = self.step, self.flow
        taken = self.tables.clash([step.mark], flow, "`mark: {column: ...}` names a new column")
        type = self.tables.column(step.origin, flow)
        origin = Column(step.origin.name, UNKNOWN if type is None else type)
        role = "what a drawn row is marked with"
        scope = self.tables.scope(flow, "", {}, None)
        told = self.checker.never_null(origin, step.origin, role, scope)
        self.checker.printable(told, step.origin.span, scope)
        text = origin if present(origin.type) == TEXT else Apply("text", (origin,), TEXT)
        flow.derive("$origin", text, None, "mark")
        if not taken:
            flow.derive(step.mark.name, Const("", TEXT), step.mark.span, "mark")

    def draw(self, pool: Pool, scope: Scope, identities: Sequence[d.Identity]) -> None:
        """The rows with a drawn one below each, then what is set in the drawn ones. `scope` is that of the given rows."""
        self.about_whom(identities)
        lacks = self.lacks(pool, scope)
        own = tuple(sorted(columns(lacks) - {POOL}))
        whole = Column(POOL, _record(pool.flow))
        seen = {part.name for part in walk(lacks) if isinstance(part, Get) and part.operand == whole}
        take = self.taken(pool)
        names = pool.relation.name, self.step.pool.name, self.step.mark.name
        self.flow.add(p.Contrast(*names, own, tuple(sorted(seen)), lacks, pool.key, take))
        self.flow.key = None

    def set(self, scope: Scope) -> None:
        """What is said of the drawn rows alone; `scope` is that of all rows."""
        drawn = Column("$drawn", BOOL)
        for name, expression in self.step.set:
            type = self.tables.column(name, self.flow)
            if type is None:
                continue
            value = self.checker.wants(expression, scope, type, f"what `{name.name}` is set to")
            self.flow.derive(name.name, Branch(drawn, value, Column(name.name, type), type), name.span, name.name)
        marked = Branch(drawn, Column("$origin", TEXT), Const("", TEXT), TEXT)
        self.flow.derive(self.step.mark.name, marked, self.step.mark.span, "mark")

    def lacks(self, pool: Pool, scope: Scope) -> Typed:
        """The condition that no drawn row fulfils, on the columns of a row and on `pool.<column>`."""
        place = self.step.lacks.span
        known = scope.with_names({POOL: Binding(Column(POOL, _record(pool.flow)), pool.flow.span)})
        lacks = self.checker.wants(self.step.lacks, known, BOOL, "what the pool lacks")
        for part in walk(lacks):
            if isinstance(part, Column) and part.name != POOL:
                role = f"`{part.name}`, by which rows are drawn,"
                told = self.checker.never_null(part, self.step.lacks, role, known)
                self.checker.printable(told, place, known)
        for assertion, _ in list(requirements(lacks))[:1]:
            message = f"`{assertion}` in `lacks`: no row is bad for what it says of another"
            self.tables.report.error("CXR428", place, message, help="a `derive` before it may assert this")
        return lacks

    def taken(self, pool: Pool) -> tuple[tuple[str, str, Type], ...]:
        """The columns that a drawn row has from the pool, beside whom it is about."""
        self.tables.once([new for new, _ in self.step.take])
        taken: list[tuple[str, str, Type]] = []
        for new, theirs in self.step.take:
            here, there = self.tables.column(new, self.flow), self.tables.column(theirs, pool.flow)
            if here is None or there is None:
                continue
            both = join(here, there)
            if both is None or present(both) != present(here):
                message = f"`{new.name}` is `{here}`, and `{theirs.name}` of the pool is `{there}`"
                self.tables.report.error("CXR303", new.span, message, others=_place(pool.flow))
                continue
            taken.append((new.name, theirs.name, both))
        loose = is_nullable(self.flow.columns["$patient"]) or is_nullable(pool.flow.columns["$patient"])
        who = dict.fromkeys(IDENTITY, TEXT) | ({"$patient": nullable(TEXT)} if loose else {})
        return (*taken, *((name, name, type) for name, type in who.items()))

    def about_whom(self, identities: Sequence[d.Identity]) -> None:
        """A finding unless a drawn row has the ids of the pool's row."""
        taken = {new.name for new, _ in self.step.take}
        kept = [n.name for i in identities for n in ids(i) if n.name not in taken and n.name in self.flow.columns]
        if kept:
            listed = ", ".join(f"`{name}`" for name in dict.fromkeys(kept))
            message = f"a drawn row would keep {listed} of the row it is drawn for"
            self.tables.report.error(
                "CXR427", self.step.span, message, help=f"`take:` brings {listed} of the pool's row"
            )


def _record(pool: Flow) -> RecordOf:
    """The columns of a row of the pool, as `pool.<column>` names them."""
    return RecordOf(tuple((name, type) for name, type in sorted(pool.columns.items()) if not name.startswith("$")))


def _place(flow: Flow) -> tuple[Label, ...]:
    return (Label(flow.span, "the pool is declared here"),) if flow.span else ()
