"""CHECK, the part about tables: declarations of sources become typed relations, each name bound and each step checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import declaration, origin_of
from cxrspec.compiler.declared import Declared, Either
from cxrspec.compiler.diagnostics import Label, Report, Span, alike, close, first, last, near, respell
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.flows import Flow, Known, Table
from cxrspec.compiler.functions import AGGREGATES
from cxrspec.compiler.lint import check_rules
from cxrspec.compiler.scopes import Binding, Origin, Scope, constant, facts, is_broken
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.splits import Splits
from cxrspec.compiler.typed import Apply, Build, Column, Const, Typed, draws, requirements
from cxrspec.compiler.types import (
    BOOL,
    BOX,
    INT,
    LABEL,
    NEVER,
    TEXT,
    UNKNOWN,
    LabelsOf,
    ListOf,
    RecordOf,
    Type,
    Unknown,
    is_nullable,
    join,
    nullable,
    present,
)


def _differ(a: Type, b: Type) -> bool:
    """Whether two types are known and differ in more than `| null`."""
    return present(a) != present(b) and UNKNOWN not in (present(a), present(b))


def check_tables(declared: Declared, checker: Checker) -> Known:
    """Check all functions, tables, splits and spaces, whether a spec uses them or not."""
    tables = Tables(declared, checker)
    check_rules(declared.words.rules.values(), declared.words.rules, checker.report)
    tables.check_functions()
    tables.check_all()
    for source in declared.sources.values() if "spaces" not in declared.lost else ():
        tables.spaces(source, declared.spaces)
    sound = tables.splits.of_spaces()
    return replace(tables.known, sound=sound, relations=tables.splits.relations)


class Tables:
    """All tables of all sources; without what is `known` of them each is checked when it is first asked for."""

    def __init__(self, declared: Declared, checker: Checker, known: Known | None = None) -> None:
        self.sources = declared.sources
        self.words = declared.words
        self.spoiled = declared.spoiled
        self.named = Either(declared.sources, declared.spoiled)
        self.checker = checker
        self.report: Report = checker.report
        self.made: dict[str, Table | None] = {}
        self.known = known or Known(self.made)
        self.making: list[str] = []
        self.splits = Splits(cast(Any, self), declared)  # pyright knows this class by two paths

    def check_all(self) -> None:
        """Check every table, whether a spec uses it or not."""
        for source in self.sources.values():
            for name in source.tables:
                self.table(source.name, name, source.span)
        strange = frozenset(id for source in self.sources.values() for id in self.identity(source))
        self.known = replace(self.known, strange=strange)
        for source in self.sources.values():
            self.splits.declared(source)

    def identity(self, source: d.Source) -> Iterator[tuple[str, str]]:
        """The ids of an identity are columns of some table; a name that no table has is said here, once for all specs."""
        tables = [self.made[f"{source.name}.{name}"] for name in source.tables]
        known = {name for table in self.made.values() if table for name in table.columns}
        names = [n for i in source.identity for n in (*(i.patient or ()), *i.study)]
        for name in names:
            if name.name not in known and None not in tables:
                here = {n for table in tables if table for n in table.columns}
                label, help = f"not a column of any table of `{source.name}`", near(name.name, here, "columns")
                fix = respell(name.span, name.name, here)
                self.report.error("CXR203", name.span, f"unknown name `{name.name}`", label=label, help=help, fix=fix)
                yield source.name, name.name

    def spaces(self, source: d.Source, declared: Mapping[str, d.Space]) -> None:
        """A space that nobody else has, one typo away from one that others have: its patients would be split apart."""
        others = {i.space for other in self.sources.values() if other is not source for i in other.identity}
        known = {source.name, *declared, *others}
        for identity in source.identity:
            fix = respell(identity.space_span, identity.space, known)
            if identity.space not in known and fix is not None:
                message = f"no other source has the space `{identity.space}`"
                help = near(identity.space, known, "spaces")
                self.report.error("CXR219", identity.space_span, message, help=help, fix=fix)

    def check_functions(self) -> None:
        """Check every function written in YAML by its own types, whether anything calls it or not."""
        for function in self.words.functions.values():
            takes = {name: Binding(Column(name, type)) for name, type in function.takes}
            shared = {name: constant(value, span) for name, (value, span) in self.words.constants.items()}
            others = {n: f for n, f in self.words.functions.items() if n != function.name}
            scope = Scope({**shared, **takes}, f"name in `{function.name}`", functions=others)
            self.checker.check(function.gives, scope)

    def has_column(self, table: s.Name, column: s.Name | None, source: d.Source) -> None:
        """A finding unless the table is there and has the column."""
        found = self.find(table, source.name)
        if found is not None and column is not None:
            self.column(column, self.scan(found, f"column of `{found.relation.name}`", found.span))

    # ---- finding

    def unknown_split(self, name: s.Name, source: d.Source) -> None:
        """A finding: the source has no split of this name."""
        help = near(name.name, source.splits, f"splits of `{source.name}`")
        label = f"not a split of `{source.name}`"
        fix = respell(last(name.span, name.name), name.name, source.splits)
        self.report.error("CXR212", name.span, f"unknown split `{name.name}`", label=label, help=help, fix=fix)

    def unknown_source(self, name: str, span: Span | None) -> None:
        """A finding, unless a file that could not be read would have declared it."""
        if name not in self.spoiled:
            help, fix = near(name, self.sources, "sources"), respell(first(span, name), name, self.sources)
            self.report.error("CXR209", span, f"unknown source `{name}`", help=help, fix=fix)

    @staticmethod
    def full(name: s.Name, source: str) -> str:
        """The name of the relation that a table's name means in a file of `source`."""
        return name.name if "." in name.name else f"{source}.{name.name}"

    def find(self, name: s.Name, source: str) -> Table | None:
        """The table that `name` means in a file of `source`: its own, or `other.table`; None after a finding."""
        owner, _, table = self.full(name, source).rpartition(".")
        if owner not in self.sources:
            self.unknown_source(owner, name.span)
            return None
        if table not in self.sources[owner].tables:
            tables = self.sources[owner].tables
            self.report.error(
                "CXR210",
                name.span,
                f"unknown table `{table}`",
                label=f"not a table of `{owner}`",
                help=near(table, tables, "tables"),
                cause=alike(table, {known: one.span for known, one in tables.items()}),
                fix=respell(last(name.span, table), table, tables),
            )
            return None
        return self.table(owner, table, name.span)

    def table(self, source: str, name: str, asked: Span | None) -> Table | None:
        """The checked table; None if a finding stands in its way, which is reported once, whoever asks."""
        full = f"{source}.{name}"
        if full in self.making:
            way = " -> ".join(f"`{table}`" for table in (*self.making[self.making.index(full) :], full))
            self.report.error("CXR402", asked, f"the table `{full}` is made from itself", help=way)
            return None
        if full not in self.known.tables:
            self.making.append(full)
            declared = self.sources[source].tables[name]
            self.made[full] = (
                self.read(source, declared) if isinstance(declared, d.ReadTable) else self.derived(source, declared)
            )
            self.making.pop()
        return self.known.tables[full]

    def read(self, source: str, table: d.ReadTable) -> Table:
        """A table that is read: its columns as declared, its key."""
        places = {name: span for name, (_, span) in table.columns.items()}
        places |= {name: column.span for name, column in table.labels.items() if column.span is not None}
        for name in table.key:
            if name.name in table.labels:
                self.report.error("CXR304", name.span, f"`{name.name}` is `labels`, which are no key")
            elif name.name not in table.columns:
                self.report.error(
                    "CXR203",
                    name.span,
                    f"unknown name `{name.name}`",
                    label=f"not a column of `{table.read.table}`",
                    help=near(name.name, table.columns, "columns"),
                    fix=respell(name.span, name.name, table.columns),
                )
            elif is_nullable(table.columns[name.name][0].type):
                help = "leave `| null` out: a row without its key is a bad row"
                cause = declaration(name.name, Binding(Const("", UNKNOWN), places[name.name]))
                self.report.error("CXR302", name.span, f"`{name.name}`, a key, may be null", help=help, cause=cause)
        for name in table.part_of.values():
            if name.name not in table.columns:
                label, help = f"not a column of `{table.read.table}`", near(name.name, table.columns, "columns")
                fix = respell(name.span, name.name, table.columns)
                self.report.error("CXR203", name.span, f"unknown name `{name.name}`", label=label, help=help, fix=fix)
        columns: dict[str, Type] = {name: column.type for name, (column, _) in table.columns.items()}
        key = tuple(n.name for n in table.key if n.name in columns) if table.key else None
        made = [self.labels(name, column, source) for name, column in table.labels.items()]
        columns |= {derive.name: derive.expression.type for _, derive in made}
        nodes: tuple[p.Node, ...] = (table.read,)
        if made:
            raw = (*table.read.columns, *(column for more, _ in made for column in more))
            nodes = (replace(table.read, columns=raw), *(derive for _, derive in made), p.Select(tuple(columns)))
        return Table(p.Relation(table.read.table, nodes), columns, places, {}, key, table.span)

    def labels(self, name: str, column: d.LabelColumn, source: str) -> tuple[tuple[p.RawColumn, ...], p.Derive]:
        """The columns that stand in the file, `<name>.<label>` or one list `<name>.`, and the labels made of them."""
        listed = self.listed(column.names, self.constants(source))
        if not listed:
            return (), p.Derive(name, Const("", UNKNOWN))
        self.labels_once(listed)
        labels = LabelsOf(tuple(label.name for label in listed))
        cell, places, missing = nullable(LABEL), column.places, column.missing
        if not places:
            raw = [p.RawColumn(f"{name}.{n}", cell, (p.Place("name", n),), missing=missing) for n in labels.names]
            return tuple(raw), p.Derive(
                name, Build(tuple((n, Column(f"{name}.{n}", cell)) for n in labels.names), labels)
            )
        items = Column(f"{name}.", ListOf(cell))
        one = tuple((n, Apply("item", (items, Const(i, INT)), cell)) for i, n in enumerate(labels.names))
        whole = Apply("==", (Apply("size", (items,), INT), Const(len(one), INT)), BOOL)
        check = p.Check(f"another number of labels in `{name}`", whole)
        return (p.RawColumn(items.name, items.type, places, missing=missing),), p.Derive(
            name, Build(one, labels), (check,)
        )

    def labels_once(self, names: Iterable[s.Name]) -> None:
        """A finding for each label that is named a second time."""
        seen: dict[str, s.Name] = {}
        for name in names:
            first = seen.setdefault(name.name, name)
            if first is not name:
                others = (Label(first.span, "the first one"),) if first.span not in (None, name.span) else ()
                self.report.error("CXR218", name.span, f"the label `{name.name}` is named twice", others=others)

    def derived(self, source: str, table: d.DerivedTable) -> Table | None:
        """A table that is made by steps; None where the table it starts from is not known."""
        start = self.find(table.start, source)
        if start is None:
            return None
        flow = self.scan(start, f"column of `{source}.{table.name}`", table.span)
        self.steps(table.steps, flow, source, self.constants(source), None)
        if flow.broken or flow.partial:
            return None
        return Table(
            p.Relation(f"{source}.{table.name}", tuple(flow.nodes)),
            flow.columns,
            flow.places,
            flow.origins,
            flow.key,
            table.span,
        )

    def scan(self, table: Table, what: str, span: Span | None) -> Flow:
        """A flow that starts with the rows of `table`."""
        columns = dict(table.columns)
        node = p.Scan(table.relation.name, tuple(columns.items()))
        return Flow(what, [node], columns, dict(table.places), table.key, span, dict(table.origins))

    # ---- scopes

    def constants(self, source: str, *more: Mapping[str, tuple[d.Constant, Span]]) -> dict[str, Binding]:
        """The constants in scope: those of words.yaml, of the source, and `more`; the later shadow the earlier."""
        shared = self.words.constants
        own = self.sources[source].constants if source in self.sources else {}
        return {name: constant(value, span) for part in (shared, own, *more) for name, (value, span) in part.items()}

    def scope(self, flow: Flow, source: str, constants: Mapping[str, Binding], site: str | None) -> Scope:
        """What an expression behind the last node of `flow` may speak of."""
        visible = {
            n: Binding(Column(n, t), flow.places.get(n), origin=flow.origins.get(n, Origin()))
            for n, t in flow.columns.items()
            if not n.startswith("$")
        }
        return Scope(
            names={**constants, **visible},
            what=flow.what,
            source=source,
            sources=self.named,
            functions=self.words.functions,
            site=site,
            declared=flow.span,
        )

    # ---- steps

    def steps(
        self, steps: Iterable[d.Step], flow: Flow, source: str, constants: Mapping[str, Binding], spec: str | None
    ) -> None:
        """Append the nodes of `steps` to `flow`. In a spec (`spec` is its name) draws are allowed."""
        for step in steps:
            if flow.broken:
                return
            match step:
                case d.Where():
                    self.where(step, flow, source, constants)
                case d.Derive():
                    self.derive(step, flow, source, constants, spec)
                case d.Select():
                    self.select(step, flow)
                case d.Join():
                    self.join(step, flow, source)
                case d.Group():
                    self.group(step, flow, source, constants)
                case d.Merge():
                    self.merge(step, flow, source, constants)
                case d.Explode():
                    self.explode(step, flow)
                case d.Union(table):
                    self.union(table, flow, source)
                case d.Unpivot():
                    self.unpivot(step, flow, constants)
                case d.Lag():
                    self.lag(step, flow, source, constants)
                case d.SplitRows():
                    self.splits.step(step, flow, self.sources[source], self.making[-1])
                case d.Contrast():
                    raise AssertionError("contrast stands in the steps of a spec, which looks after it itself")

    def where(self, step: d.Where, flow: Flow, source: str, constants: Mapping[str, Binding]) -> None:
        """A filter for each condition; what it proves not to be null is not null from here on."""
        for name, condition in step.conditions:
            typed = self.checker.wants(condition, self.scope(flow, source, constants, None), BOOL, "the condition")
            for assertion, needed in requirements(typed):
                flow.add(p.Check(f"{assertion}() in `{name}`", needed))
            flow.add(p.Filter(name, typed))
            for proved in facts(typed):
                if isinstance(proved, Column) and proved.name in flow.columns:
                    flow.columns[proved.name] = present(flow.columns[proved.name])
            if is_broken(typed):
                flow.columns |= {n: UNKNOWN for n, t in flow.columns.items() if is_nullable(t)}

    def derive(
        self, step: d.Derive, flow: Flow, source: str, constants: Mapping[str, Binding], spec: str | None
    ) -> None:
        """New columns, each seeing those above it; in a spec they may draw."""
        for name, expression in step.columns:
            if name.name in flow.hidden:
                self.clash([name], flow, "the split of a spec's rows is that of the source")
                continue
            scope = self.scope(flow, source, constants, name.name if spec else None)
            typed = self.checker.check(expression, scope)
            if draws(typed):
                self._draw(flow, step.span)
            flow.derive(name.name, typed, name.span, name.name, origin_of(typed, scope))

    def select(self, step: d.Select, flow: Flow) -> None:
        """Only these columns, and the hidden ones of a spec's rows."""
        kept = tuple(n.name for n in step.columns if self.column(n, flow) is not None)
        if len(kept) < len(step.columns):
            flow.broken = True
            return
        self.once(step.columns)
        flow.add(p.Select(tuple(dict.fromkeys((*kept, *flow.hidden)))))
        flow.key = flow.key if flow.key and set(flow.key) <= set(kept) else None

    def _draw(self, flow: Flow, span: Span | None) -> None:
        """A draw in a step needs the example's id, so the key must be known before it."""
        if "$id" not in flow.columns:
            self.report.error("CXR311", span, "the columns of `key` are not there yet, so nothing can be drawn here")

    def column(self, name: s.Name, flow: Flow) -> Type | None:
        """The type of a column named where only a name may stand; None after a finding."""
        if name.name in flow.columns:
            return flow.columns[name.name]
        declared = (Label(flow.span, "declared here"),) if flow.span else ()
        visible = [n for n in flow.columns if not n.startswith("$")]
        self.report.error(
            "CXR203",
            name.span,
            f"unknown name `{name.name}`",
            label=f"not a {flow.what}",
            others=declared,
            help=near(name.name, visible, "columns"),
            fix=respell(name.span, name.name, visible),
        )
        return None

    def clash(self, names: Iterable[s.Name], flow: Flow, help: str) -> set[str]:
        """Those of the names that columns have already (one finding); `help` says how to take them otherwise."""
        taken = [name for name in names if name.name in flow.columns]
        if taken:
            what = "a column" if len(taken) == 1 else "columns"
            listed = ", ".join(f"`{name.name}`" for name in taken)
            first = flow.places.get(taken[0].name)
            others = (Label(first, "the first one"),) if first else ()
            message = f"{what} {listed} {'is' if len(taken) == 1 else 'are'} there already"
            self.report.error("CXR404", taken[0].span, message, others=others, help=help)
        return {name.name for name in taken}

    def once(self, names: Iterable[s.Name], others: Iterable[str] = ()) -> bool:
        """Whether every name stands once, and is none of `others`; each that does not is a finding."""
        seen = set(others)
        sound = True
        for name in names:
            if name.name in seen:
                self.report.error("CXR404", name.span, f"a column `{name.name}` is named twice")
                sound = False
            seen.add(name.name)
        return sound

    def join(self, step: d.Join, flow: Flow, source: str) -> None:
        """Columns of another table: its key is among `on`, or `many: yes` says that rows may multiply."""
        right = self.find(step.table, source)
        if right is None:
            flow.partial = True
            flow.columns |= {new.name: UNKNOWN for new, _ in step.take or ()}
            flow.broken = step.take is None and step.kind in ("inner", "left")
            return
        on: list[tuple[str, str]] = []
        other = Flow(
            f"column of `{right.relation.name}`",
            [],
            dict(right.columns),
            dict(right.places),
            right.key,
            right.span,
            dict(right.origins),
        )
        for mine, theirs in step.on:
            if self.comparable(mine, flow, theirs, other):
                on.append((mine.name, theirs.name))
        keyed = right.key is not None and set(right.key) <= {theirs for _, theirs in on}
        if not keyed and not step.many and step.kind in ("inner", "left") and len(on) == len(step.on):
            key = f"its key is [{', '.join(right.key)}]" if right.key else "it has no key"
            self.report.error(
                "CXR406",
                step.table.span,
                f"`{right.relation.name}` may have several rows for one of these: {key}",
                others=(Label(right.span, "declared here"),) if right.span else (),
                help="join on its key, or say `many: yes`",
            )
        flow.add(
            p.Join(right.relation.name, tuple(on), self.taken(step, flow, other), step.kind, step.table.name, step.many)
        )
        if step.kind in ("inner", "semi"):  # a null is equal to nothing
            flow.columns |= {mine: present(flow.columns[mine]) for mine, _ in on}
        if step.many:
            flow.key = None

    def comparable(self, mine: s.Name, flow: Flow, theirs: s.Name, other: Flow) -> bool:
        """Whether two columns of a join can ever be equal; a finding if not."""
        here, there = self.column(mine, flow), self.column(theirs, other)
        if here is None or there is None:
            return False
        if _differ(here, there):
            table = other.what.removeprefix("column of ")
            message = f"`{mine.name}` is `{here}`, `{theirs.name}` of {table} is `{there}`"
            help = "`text(x)` or `int?(x)`, derived before, makes one like the other"
            cause = flow.cause(mine.name) + other.cause(theirs.name)
            self.report.error("CXR405", mine.span, message, label="they can never be equal", help=help, cause=cause)
            return False
        return True

    def taken(self, step: d.Join, flow: Flow, right: Flow) -> tuple[tuple[str, str, Type], ...]:
        """The columns a join brings in: (new name, theirs, type); a left join may leave them null."""
        if step.kind in ("semi", "anti"):
            if step.take is not None:
                help = "`kind: left` or an inner join brings columns"
                self.report.error("CXR409", step.span, f"a join of kind `{step.kind}` brings no columns", help=help)
            return ()
        pairs = step.take
        if pairs is None:
            joined = {theirs.name for _, theirs in step.on}
            known = all(mine.name in flow.columns and theirs.name in right.columns for mine, theirs in step.on)
            names = [n for n in right.columns if n not in joined and (known or n not in flow.columns)]
            pairs = tuple((s.Name(n, span=step.table.span),) * 2 for n in names)
        example = next((theirs.name for new, theirs in pairs if new.name in flow.columns), "")
        help = f"`take: {{new_name: {example}}}` takes it under another name"
        clashing = self.clash([new for new, _ in pairs], flow, help)
        taken: list[tuple[str, str, Type]] = []
        for new, theirs in pairs:
            type = self.column(theirs, right)
            if type is None:  # a misspelt name is not taken; what was meant is not said to be missing
                flow.columns |= {n: UNKNOWN for n in close(theirs.name, right.columns) if n not in flow.columns}
            if new.name not in clashing and new.name not in {t[0] for t in taken}:
                type = UNKNOWN if type is None else nullable(type) if step.kind == "left" else type
                taken.append((new.name, theirs.name, type))
                origin = right.origin(theirs.name)
                flow.declare(new.name, new.span, replace(origin, null=None) if step.kind == "left" else origin)
        return tuple(taken)

    def group(self, step: d.Group, flow: Flow, source: str, constants: Mapping[str, Binding]) -> None:
        """One row for each value of `by`, which is the key from here on."""
        by, order, take = self.gathered(step, step.by, flow, source, constants)
        flow.add(p.Group(by, order, take))
        flow.key = by

    def merge(self, step: d.Merge, flow: Flow, source: str, constants: Mapping[str, Binding]) -> None:
        """Boxes that overlap become one. Which one leads hangs on the order, so that is settled whatever is taken."""
        type, what = self.column(step.box, flow), f"the column `{step.box.name}`"
        box = Column(step.box.name, UNKNOWN if type is None else type)
        scope = self.scope(flow, source, constants, None)
        if self.checker.fitted(box, BOX, step.box.span, what, scope).type != BOX:
            flow.broken = True
            return
        by, order, take = self.gathered(step, (*step.by, step.box), flow, source, constants)
        flow.add(p.Merge(by, step.box.name, step.over, order, take))
        flow.key = None

    def gathered(
        self,
        step: d.Group | d.Merge,
        kept: tuple[s.Name, ...],
        flow: Flow,
        source: str,
        constants: Mapping[str, Binding],
    ) -> tuple[tuple[str, ...], tuple[Typed, ...], tuple[p.Aggregate, ...]]:
        """`by`, `order` and `take` of a step that makes one row of several; `kept` are the columns beside those taken."""
        by = tuple(n.name for n in step.by if self.column(n, flow) is not None)
        scope = self.scope(flow, source, constants, None)
        order = tuple(self.checker.check(e, scope) for e in step.order)
        taken = [self.aggregate(name, expression, scope) for name, expression in step.take]
        if not order and isinstance(step, d.Group):
            self.unordered(step)
        hidden = [
            p.Aggregate(n, "only", Column(n, flow.columns[n]), flow.columns[n]) for n in flow.hidden if n not in by
        ]
        others = {*(name.name for name in kept), *flow.hidden}
        single = self.once(kept) and self.once([name for name, _ in step.take], others)
        used = [(a.name, a.argument) for a in taken if a.argument is not None] + [("order", e) for e in order]
        for what, expression in used:
            for assertion, needed in requirements(expression):
                flow.add(p.Check(f"{assertion}() in `{what}`", needed))
        if isinstance(step, d.Merge) or any(a.function in ("first", "list") for a in taken):
            self.settled(by, step.order, order, flow)
        flow.broken = len(by) < len(step.by) or not single
        for (name, _), one in zip(step.take, taken, strict=True):
            flow.declare(name.name, name.span, Origin() if one.argument is None else origin_of(one.argument, scope))
        return by, order, (*taken, *hidden)

    def unordered(self, step: d.Group) -> None:
        """A finding if a group without an order takes what hangs on it."""
        calls = [call for _, call in step.take if isinstance(call, s.Call) and call.function in ("first", "list")]
        if not calls:
            return
        places = [call.function_span or call.span for call in calls]
        self.report.error(
            "CXR413",
            places[0],
            f"`{calls[0].function}` without an order",
            others=[Label(place, "and here") for place in places[1:] if place],
            help="`order: [...]` in the group says which row comes first; `only(x)` needs none",
        )

    def settled(self, by: tuple[str, ...], written: tuple[s.Expr, ...], order: tuple[Typed, ...], flow: Flow) -> None:
        """Rows of a group that the order leaves equal are bad rows: `first` and `list` would hang on the files' order."""
        if not order or self.told_apart(by, written, flow):
            return
        values = (*(Column(n, flow.columns[n]) for n in by), *order)
        parts = tuple((str(i), value) for i, value in enumerate(values))
        flow.add(p.Derive("$order", Build(parts, RecordOf(tuple((n, value.type) for n, value in parts)))))
        flow.add(p.Unique(f"order within {', '.join(by) or 'all rows'}", "$order"))

    def told_apart(self, by: tuple[str, ...], order: tuple[s.Expr, ...], flow: Flow) -> bool:
        """Whether no two rows of a group are equal in the order, because it names what is left of the key.

        A finding where the key is known and is not reached: then rows may be equal that could be told apart.
        """
        named = {e.name for e in order if isinstance(e, s.Name)}
        missing = [f"`{name}`" for name in flow.key or () if name not in {*by, *named}]
        if missing and order and named <= flow.columns.keys():
            message = f"the order does not reach the key: {', '.join(missing)} may tell apart what is equal in it"
            help = f"{', '.join(missing)} at its end settles it; without, rows that are equal are bad rows"
            self.report.warning("CXR444", order[-1].span, message, help=help)
        return flow.key is not None and not missing

    def aggregate(self, name: s.Name, call: s.Expr, scope: Scope) -> p.Aggregate:
        """One aggregate of a group."""
        if not isinstance(call, s.Call) or call.function not in AGGREGATES:
            if not isinstance(call, s.Invalid):
                self.no_aggregate(name, call)
            return p.Aggregate(name.name, "count", None, UNKNOWN)
        wanted = 0 if call.function == "count" else 1
        if len(call.arguments) != wanted:
            self.report.error(
                "CXR308",
                call.span,
                f"`{call.function}` with {len(call.arguments)} argument{'s' * (len(call.arguments) != 1)}",
                help=f"it takes {wanted}",
            )
            return p.Aggregate(name.name, "count", None, UNKNOWN)
        if call.function == "count":
            return p.Aggregate(name.name, "count", None, INT)
        argument = self.checker.check(call.arguments[0], scope)
        listed = call.function in ("list", "list_unique")
        whole = present(argument.type)
        compounded = isinstance(whole, ListOf | RecordOf | LabelsOf) or whole == BOX
        compared = compounded and call.function in ("min", "max", "most_common")
        if compared or (isinstance(whole, ListOf | LabelsOf) and call.function == "list_unique"):
            self.report.error("CXR304", call.span, f"`{call.function}` does not take `{argument.type}`")
        return p.Aggregate(name.name, call.function, argument, ListOf(argument.type) if listed else argument.type)

    def no_aggregate(self, name: s.Name, written: s.Expr) -> None:
        """The finding about an expression where an aggregate belongs, or about one around an aggregate."""
        inner = [part for part in s.walk(written) if isinstance(part, s.Call) and part.function in AGGREGATES]
        if not inner:
            help = "one of " + ", ".join(f"`{a}({'' if a == 'count' else 'x'})`" for a in AGGREGATES)
            self.report.error("CXR412", written.span, "an aggregate belongs here", help=help)
            return
        aggregate = show_expression(inner[0])
        rest = show_expression(written).replace(aggregate, name.name)
        helps = [f"here stands `{name.name}: {aggregate}`"] * (len(inner) == 1)
        helps += ["the rest belongs into a `derive` after the group" + f": `{name.name}: {rest}`" * (len(inner) == 1)]
        others = [Label(part.span, "an aggregate") for part in inner if part.span]
        self.report.error("CXR412", written.span, "an aggregate with more around it", others=others, help=helps)

    def explode(self, step: d.Explode, flow: Flow) -> None:
        """One row for each item of a list; with its position the key lives on."""
        type = self.column(step.column, flow)
        listed = UNKNOWN if type is None else present(type)
        if not isinstance(listed, ListOf | Unknown):
            self.report.error(
                "CXR305",
                step.column.span,
                f"`explode` asks for a list, found `{type}`",
                cause=flow.cause(step.column.name),
            )
        key, position = flow.key, step.position.name if step.position else None
        names = [n for n in (step.item, step.position) if n is not None and n.name != step.column.name]
        if self.clash(names, flow, "`as:` and `position:` name new columns"):
            return
        if step.position is not None and not self.once([step.position], (step.column.name, step.item.name)):
            flow.broken = True
            return
        flow.add(
            p.Explode(
                step.column.name, step.item.name, listed.item if isinstance(listed, ListOf) else UNKNOWN, position
            )
        )
        flow.key = None
        if key is not None and position is not None and step.column.name not in key:
            flow.key = (*key, position)

    def union(self, name: s.Name, flow: Flow, source: str) -> None:
        """The rows of another table with the same columns; nothing is unique any more."""
        other = self.find(name, source)
        if other is None:
            flow.partial = True
            return
        if flow.hidden:
            self.report.error(
                "CXR407",
                name.span,
                "a union has no place in a spec: its rows would have no identity and no split",
                help="make the union in a table of the source",
            )
            return
        mine, theirs = flow.columns, other.columns
        types = {n: (mine.get(n), theirs.get(n)) for n in sorted(mine.keys() | theirs.keys())}
        odd = [
            f"`{n}` is missing here"
            if here is None
            else f"`{n}` is missing there"
            if there is None
            else f"`{n}` has other labels there"
            if isinstance(present(here), LabelsOf) and isinstance(present(there), LabelsOf)
            else f"`{n}` is `{here}` here and `{there}` there"
            for n, (here, there) in types.items()
            if here is None or there is None or _differ(here, there)
        ]
        if odd:
            self.report.error(
                "CXR408",
                name.span,
                f"`{other.relation.name}` has other columns: {', '.join(odd)}",
                others=(Label(other.span, "declared here"),) if other.span else (),
                help="the tables of a union have the same columns with the same types; `select` and `derive` make them so",
            )
            return
        flow.columns = {n: nullable(t) if t != theirs[n] else t for n, t in mine.items()}
        flow.nodes.append(p.Union(other.relation.name))
        flow.key = None

    def unpivot(self, step: d.Unpivot, flow: Flow, constants: Mapping[str, Binding]) -> None:
        """One row for each of the columns, which all have one type; the name of the column joins the key."""
        names = self.listed(step.columns, constants)
        known = [name for name in names if self.column(name, flow) is not None]
        sound = len(known) == len(names) > 0 and self.once(names)
        if "split" in flow.hidden and "split" in {name.name for name in names}:
            message = "the split of a spec's rows is that of the source"
            self.report.error("CXR404", step.span, message, help="`unpivot` takes the columns it names away")
            sound = False
        new = [step.name, step.value]
        if self.clash(new, flow, "`name:` and `value:` name new columns") or not self.once(new):
            sound = False
        type = self.one_type(known, flow)
        flow.broken = not sound
        if not sound:
            return
        columns = tuple(name.name for name in names)
        flow.add(p.Unpivot(columns, step.name.name, step.value.name, type))
        flow.declare(step.name.name, step.name.span)
        origins = [flow.origin(name.name) for name in known]
        flow.declare(step.value.name, step.value.span, next(iter(origins), Origin()))
        flow.key = None if flow.key is None or set(flow.key) & {*columns} else (*flow.key, step.name.name)

    def one_type(self, names: Iterable[s.Name], flow: Flow) -> Type:
        """The type that holds the values of all these columns; a finding for the first that does not go with the others."""
        type: Type = NEVER
        for name in names:
            joined = join(type, flow.columns[name.name])
            if joined is None:
                message = f"`{name.name}` is `{flow.columns[name.name]}`, the columns before it are `{type}`"
                help = "the columns of an `unpivot` have one type; `derive` makes them so"
                self.report.error("CXR303", name.span, message, help=help, cause=flow.cause(name.name))
                return UNKNOWN
            type = joined
        return type

    def listed(self, names: tuple[s.Name, ...] | s.Name, constants: Mapping[str, Binding]) -> tuple[s.Name, ...]:
        """Names that stand in a list, or in the constant that is named in its place; none after a finding."""
        if not isinstance(names, s.Name):
            return names
        binding = constants.get(names.name)
        if binding is None:
            lists = [name for name, one in constants.items() if isinstance(one.value.type, ListOf)]
            help = [near(names.name, lists, "constants"), f"a list of one is written `[{names.name}]`"]
            label, fix = "neither a list nor a constant", respell(names.span, names.name, lists)
            self.report.error("CXR203", names.span, f"unknown name `{names.name}`", label=label, help=help, fix=fix)
            return ()
        value = self.checker.name(names, Scope(constants, "constant"))
        if isinstance(value.type, Unknown):
            return ()
        if not isinstance(value, Const) or not isinstance(value.value, tuple) or value.type != ListOf(TEXT):
            message = f"the constant `{names.name}` is `{value.type}`, expected `list of text`"
            others = (Label(binding.declared, "declared here"),) if binding.declared else ()
            self.report.error("CXR301", names.span, message, others=others)
            return ()
        return tuple(s.Name(str(name), span=names.span) for name in value.value)

    def lag(self, step: d.Lag, flow: Flow, source: str, constants: Mapping[str, Binding]) -> None:
        """Columns of the row before; the order leaves no two rows of a group equal, by the key or by a check."""
        by = tuple(n.name for n in step.by if self.column(n, flow) is not None)
        scope = self.scope(flow, source, constants, None)
        order = tuple(self.checker.check(e, scope) for e in step.order)
        for expression in order:
            for assertion, needed in requirements(expression):
                flow.add(p.Check(f"{assertion}() in `order`", needed))
        clashing = self.clash([new for new, _ in step.take], flow, "`take: {new_name: column}` names new columns")
        taken: list[tuple[str, str, Type]] = []
        for new, column in step.take:
            type = self.column(column, flow)
            if new.name not in clashing:
                taken.append((new.name, column.name, UNKNOWN if type is None else nullable(type)))
                flow.declare(new.name, new.span, replace(flow.origin(column.name), null=None))
        flow.add(p.Lag(by, order, tuple(taken), self.told_apart(by, step.order, flow)))
