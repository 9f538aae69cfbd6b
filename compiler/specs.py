"""CHECK, the part about specs: identity, split, steps, key, inputs and turns become one relation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Label, Report, Span, close, near
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.forms import Forms, bound
from cxrspec.compiler.scopes import Scope
from cxrspec.compiler.tables import Flow, Table, Tables, circle
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Typed, draws
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    INT,
    SPLIT,
    TEXT,
    UNKNOWN,
    Type,
    Unknown,
    fits,
    is_nullable,
    nullable,
    present,
)

# The identity of a row, beside its split.
IDENTITY = ("$space", "$patient", "$study")


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked spec: its own relations, the last of which makes the examples."""

    spec: d.Spec
    task: d.Task
    relations: tuple[p.Relation, ...]


class Specs:
    """Checks specs against sources, tasks and words."""

    def __init__(
        self, tables: Tables, tasks: Mapping[str, d.Task], words: d.Words, checker: Checker, published: bool
    ) -> None:
        self.tables = tables
        self.tasks = tasks
        self.words = words
        self.checker = checker
        self.report: Report = checker.report
        self.published = published
        self.planned: dict[tuple[str, Span | None], p.Turns | None] = {}

    def check(self, spec: d.Spec) -> Checked | None:
        """The spec's relations, or None after a finding without which nothing can be said."""
        task = self.task(spec)
        if spec.source.name not in self.tables.sources:
            self.tables.unknown_source(spec.source.name, spec.source.span)
            return None
        source = self.tables.sources[spec.source.name]
        start = self.tables.find(spec.start, source.name)
        if task is None or start is None:
            return None
        return _SpecChecker(self, spec, task, source, start).check()

    def task(self, spec: d.Spec) -> d.Task | None:
        """The task that a spec names, or carries itself; None after a finding."""
        if isinstance(spec.task, d.Task):
            return spec.task
        if spec.task.name not in self.tasks and spec.task.name in self.tables.spoiled:
            return None
        if spec.task.name not in self.tasks:
            self.report.error(
                "CXR211",
                spec.task.span,
                f"unknown task `{spec.task.name}`",
                help=near(spec.task.name, self.tasks, "tasks"),
            )
            return None
        return self.tasks[spec.task.name]

    def turns(self, task: d.Task) -> p.Turns | None:
        """The turns of a task, which are the same for every spec of it; None after a finding."""
        key = (task.name, task.span)
        if key not in self.planned:
            scope = Scope(
                names=self.tables.constants("", task.constants),
                what="name",
                sources=self.tables.spoiled | self.tables.sources.keys(),
                functions=self.words.functions,
            )
            self.planned[key] = Forms(task, scope, {**self.words.rules, **task.rules}, self.checker).check()
        return self.planned[key]


class _SpecChecker:
    """One spec on its way from the rows of `from` to turns."""

    def __init__(self, specs: Specs, spec: d.Spec, task: d.Task, source: d.Source, start: Table) -> None:
        self.spec, self.task, self.source, self.start = spec, task, source, start
        self.tables, self.checker, self.report = specs.tables, specs.checker, specs.report
        self.specs, self.published = specs, specs.published
        self.constants = self.tables.constants(source.name, task.constants, spec.constants)
        self.flow = self.tables.scan(start, f"column of `{start.relation.name}`", start.span)
        self.extra: list[p.Relation] = []
        self.drawn = False

    def check(self) -> Checked | None:
        self.identity()
        self.split()
        self.flow.hidden = (*IDENTITY, "split")
        self.steps()
        if self.flow.broken:
            return None
        if self.spec.study is not None:
            study = _joined([Column("$space", TEXT), self.part(self.spec.study, "study")])
            self.flow.derive("$study", study, None, "study")
        if "$id" not in self.flow.columns:
            self.key()
        self.unique()
        self.bind()
        turns = self.specs.turns(self.task)
        if turns is None or self.flow.partial:
            return None
        self.flow.add(turns)
        last = p.Relation(self.spec.name, tuple(self.flow.nodes))
        return Checked(self.spec, self.task, (*self.extra, last))

    # ---- identity

    def identity(self) -> None:
        """`$space`, `$patient`, `$study`: the first identity whose ids are not null holds for a row."""
        if self.spec.identity == "none":
            study = _joined([Const(self.spec.start.name, TEXT), self.part(self.spec.key, "key")])
            self.names(self.source.name, _null(), study)
            return
        usable = [i for i in self.source.identity if self.known(i)]
        if not usable:
            names = [n for i in self.source.identity for n in (*(i.patient or ()), *i.study)]
            help = "join the column in, or say `identity: none`"
            self.no_identity(self.start, names, self.spec.start.span, help)
            self.names(self.source.name, _null(), Const("", TEXT))
            return
        space, patient, study = self.one(usable[-1])
        if is_nullable(study.type) and not self.tables.strange & {(self.source.name, name) for name in self.ids()}:
            self.report.error(
                "CXR416",
                self.spec.start.span,
                "the study of a row may be null, and no identity comes after",
                others=self.identity_place(usable[-1]),
                help="a table can leave such rows out: `where: study is not null`",
            )
        for identity in reversed(usable[:-1]):
            first_space, first_patient, first_study = self.one(identity)
            there = self.all_there(identity)
            space = Branch(there, first_space, space, TEXT)
            patient = Branch(there, first_patient, patient, nullable(TEXT))
            study = Branch(there, _narrowed(first_study), study, TEXT)
        self.flow.derive("$space", space, None, "identity")
        self.flow.derive("$patient", patient, None, "identity")
        self.flow.derive("$study", study, None, "identity")

    def ids(self) -> set[str]:
        """The names of all id columns of the source."""
        return {n.name for i in self.source.identity for n in (*(i.patient or ()), *i.study)}

    def no_identity(self, table: Table, names: Sequence[s.Name], span: Span | None, help: str) -> None:
        """A finding: the table lacks some of these ids. What no table has is said once, of the source."""
        missing = {n.name: n for n in names if n.name not in table.columns}
        if any((self.source.name, name) in self.tables.strange for name in missing):
            return
        listed = ", ".join(f"`{name}`" for name in missing)
        message = f"`{table.relation.name}` lacks the identity of its rows: {listed}"
        others = [Label(n.span, "the identity is declared here") for n in list(missing.values())[:1] if n.span]
        self.report.error("CXR415", span, message, others=others, help=help)

    def identity_place(self, identity: d.Identity) -> tuple[Label, ...]:
        return (Label(identity.span, "declared here"),) if identity.span else ()

    def known(self, identity: d.Identity) -> bool:
        return all(n.name in self.flow.columns for n in (*(identity.patient or ()), *identity.study))

    def one(self, identity: d.Identity) -> tuple[Typed, Typed, Typed]:
        space: Typed = Const(identity.space, TEXT)
        patient = self.qualified(identity.space, identity.patient) if identity.patient else _null()
        return space, patient, self.qualified(identity.space, identity.study)

    def qualified(self, space: str, columns: tuple[s.Name, ...]) -> Typed:
        """`space/id`: ids of different spaces never meet."""
        parts = [self.escaped(Column(n.name, self.flow.columns[n.name])) for n in columns]
        return _joined([Const(space, TEXT), *parts])

    def escaped(self, value: Typed) -> Typed:
        text = (
            value
            if present(value.type) == TEXT
            else Apply("text", (value,), nullable(TEXT) if is_nullable(value.type) else TEXT)
        )
        return Apply("escape", (text,), text.type)

    def all_there(self, identity: d.Identity) -> Typed:
        names = [*(identity.patient or ()), *identity.study]
        tests: list[Typed] = [Apply("is not null", (Column(n.name, self.flow.columns[n.name]),), BOOL) for n in names]
        found = tests[0]
        for test in tests[1:]:
            found = Apply("and", (found, test), BOOL)
        return found

    def names(self, space: str, patient: Typed, study: Typed) -> None:
        """The identity of a table without ids: the space is the source, the study the table and the key."""
        self.flow.derive("$space", Const(space, TEXT), None, "identity")
        self.flow.derive("$patient", patient, None, "identity")
        self.flow.derive("$study", _joined([Const(space, TEXT), study]), None, "identity")

    # ---- split

    def split(self) -> None:
        """The column `split` of every row, by the split of the source that the spec names."""
        name = self.spec.split
        splits = self.source.splits
        if name is None and len(splits) == 1:
            name = s.Name(next(iter(splits)), span=self.spec.source.span)
        if name is None or name.name not in splits:
            if name is None:
                self.unnamed_split()
            else:
                self.tables.unknown_split(name, self.source)
            self.flow.derive("split", Const("test", SPLIT), None, "split")
            return
        expression = self.split_of(splits[name.name], name)
        if is_nullable(expression.type):
            told = Apply("is not null", (expression,), BOOL)
            self.flow.add(p.Check("a row without a split", told))
            expression = _narrowed(expression)
        self.flow.derive("split", expression, None, "split")

    def unnamed_split(self) -> None:
        """A finding: the spec names no split, and there is not just one."""
        if not self.source.splits:
            message = f"the source `{self.source.name}` has no splits"
            help = "`splits:` of the source declares them; `{constant: test}` puts all rows into one"
            self.report.error("CXR417", self.spec.source.span, message, help=help)
            return
        known = near("", self.source.splits, "splits")
        message = f"the spec names none of the splits of `{self.source.name}`"
        self.report.error("CXR417", self.spec.span, message, help=(known, "`split:` names one"))

    def split_of(self, split: d.Split, asked: s.Name) -> Typed:
        """The split of a row as an expression on it; other tables it needs are joined to the flow."""
        match split:
            case d.ConstantSplit(word):
                return Const(word, SPLIT)
            case d.ColumnSplit(table, column):
                if table is None or self.is_start(table):
                    return self.split_column(column, self.flow)
                return self.from_table(table, column, asked)
            case d.RatioSplit(shares, out_of):
                return self.ratio(shares, out_of, asked)
            case d.ListSplit(lists, key):
                return self.lists(lists, key, asked)
            case d.HoldoutSplit(cut, key):
                return self.holdout(cut, key, asked)

    def is_start(self, table: s.Name) -> bool:
        owner, _, short = table.name.rpartition(".")
        return f"{owner or self.source.name}.{short}" == self.start.relation.name

    def split_column(self, column: s.Name, flow: Flow) -> Typed:
        """A column of `flow` that holds splits; a finding if it does not."""
        type = self.tables.column(column, flow)
        if type is not None and not fits(type, nullable(SPLIT)):
            self.report.error(
                "CXR418",
                column.span,
                f"`{column.name}` is `{type}`, expected `split`",
                help="`{type: split, values: {...}}` makes it one",
            )
        return Column(column.name, type if type is not None and fits(type, nullable(SPLIT)) else SPLIT)

    def from_table(self, table: s.Name, column: s.Name, asked: s.Name) -> Typed:
        """The split stands in another table: rows get it by patient, else by study."""
        other = self.tables.find(table, self.source.name)
        identity = self.source.identity[0]
        by = identity.patient or identity.study
        if other is None or not self.known(identity):
            self.flow.partial = True
            return Const("test", SPLIT)
        flow = self.tables.scan(other, f"column of `{other.relation.name}`", other.span)
        if any(n.name not in flow.columns for n in by):
            self.no_identity(other, by, table.span, "the split of another table is found by patient, else by study")
            return Const("test", SPLIT)
        told = self.split_column(column, flow)
        flow.add(p.Group(tuple(n.name for n in by), (), (p.Aggregate("$split", "only", told, told.type),)))
        return self.joined_split(flow, tuple((n.name, n.name) for n in by), asked)

    def joined_split(self, flow: Flow, on: tuple[tuple[str, str], ...], asked: s.Name) -> Typed:
        """Join a relation of our own that has the column `$split`."""
        for mine, theirs in on:
            self.tables.comparable(s.Name(mine, span=asked.span), self.flow, s.Name(theirs, span=asked.span), flow)
        relation = p.Relation(f"{self.spec.name} split {asked.name}", tuple(flow.nodes))
        self.extra.append(relation)
        self.flow.add(p.Join(relation.name, on, (("$split", "$split", nullable(SPLIT)),), "left", relation.name))
        return Column("$split", nullable(SPLIT))

    def ratio(self, shares: tuple[tuple[str, float], ...], out_of: s.Name | None, asked: s.Name) -> Typed:
        """A threshold on the draw of the patient (the study where no patient is known): `draw < share`."""
        who = Apply("??", (Column("$patient", nullable(TEXT)), Column("$study", TEXT)), TEXT)
        draw = Apply("draw", (who, Const(f"split {asked.name}", TEXT)), FLOAT)
        rest: Typed = Const("train", SPLIT)
        threshold, cuts = 0.0, list[tuple[str, float]]()
        for word, share in shares:
            threshold += share
            cuts.append((word, threshold))
        for word, below in reversed(cuts):
            rest = Branch(Apply("<", (draw, Const(below, FLOAT)), BOOL), Const(word, SPLIT), rest, SPLIT)
        if out_of is None:
            return rest
        if out_of.name not in self.source.splits or circle(asked.name, self.source) != ("",):
            return rest  # said when the source was checked
        base = self.split_of(self.source.splits[out_of.name], out_of)
        self.flow.derive("$base", base, None, "split")
        column = Column("$base", base.type)
        is_train = Apply("==", (_narrowed(column), Const("train", SPLIT)), BOOL)
        return Branch(is_train, rest, column, base.type)

    def lists(self, lists: tuple[tuple[str, s.Name], ...], key: s.Name, asked: s.Name) -> Typed:
        """A row's split is the list that names its key."""
        if self.tables.column(key, self.flow) is None:
            return Const("test", SPLIT)
        flow: Flow | None = None
        for word, name in lists:
            table = self.tables.find(name, self.source.name)
            if table is None:
                self.flow.partial = True
                return Const("test", SPLIT)
            one = self.tables.scan(table, f"column of `{table.relation.name}`", table.span)
            if self.tables.column(key, one) is None:
                return Const("test", SPLIT)
            one.derive("$split", Const(word, SPLIT), None, "split")
            one.add(p.Select((key.name, "$split")))
            flow = self._below(flow, one, f"{self.spec.name} split {asked.name}: {word}")
        assert flow is not None
        flow.add(p.Group((key.name,), (), (p.Aggregate("$split", "only", Column("$split", SPLIT), SPLIT),)))
        return self.joined_split(flow, ((key.name, key.name),), asked)

    def _below(self, above: Flow | None, below: Flow, name: str) -> Flow:
        if above is None:
            return below
        relation = p.Relation(name, tuple(below.nodes))
        self.extra.append(relation)
        above.add(p.Union(relation.name))
        return above

    def holdout(self, cut: d.Cut, key: s.Name, asked: s.Name) -> Typed:
        """A table (key, split) over the keys of `from`, computed once at run and joined."""
        type = self.tables.column(key, self.flow)
        if type is None:
            return Const("test", SPLIT)
        if present(type) not in (TEXT, INT) and not isinstance(type, Unknown):
            self.report.error(
                "CXR419",
                key.span,
                f"a holdout sorts its keys; `{key.name}` is `{type}`",
                help="the key of a holdout is text or int",
            )
        leaf = p.Holdout(self.start.relation.name, key.name, present(type), _cut(cut))
        flow = Flow("column of a holdout", [leaf], p.step({}, leaf), {}, (key.name,))
        flow.derive("$split", Column("split", SPLIT), None, "split")
        return self.joined_split(flow, ((key.name, key.name),), asked)

    # ---- steps, key, inputs, turns

    def steps(self) -> None:
        """The spec's own steps. Before the first one that draws, rows get their id: the draw holds on to it."""
        for step in self.spec.steps:
            if self.draws(step):
                self.drawn = True
                if "$id" not in self.flow.columns:
                    self.key_before(step)
            if isinstance(step, d.Group | d.Explode):
                self.flow.columns.pop("$id", None)  # the rows are others now; the id is made again
            self.keeps_key(step)
            self.tables.steps((step,), self.flow, self.source.name, self.constants, self.spec.name)

    def key_before(self, step: d.Step) -> None:
        """The id, which a draw holds on to; a finding if a column of the key is not there yet."""
        missing = [e for e in self.spec.key if isinstance(e, s.Name) and e.name not in self.scope().names]
        if not missing:
            self.key()
            return
        message = f"a draw, and `{missing[0].name}` of the key is not there before it"
        others = [Label(e.span, "not a column before the draw") for e in missing if e.span]
        help = near(missing[0].name, [n for n in self.flow.columns if not n.startswith("$")], "columns")
        self.report.error("CXR311", step.span, message, others=others, help=help)
        self.flow.columns["$id"] = UNKNOWN

    def keeps_key(self, step: d.Step) -> None:
        """A finding if a column of the key is made anew after a draw was keyed to it."""
        made = step.columns if isinstance(step, d.Derive) else step.take if isinstance(step, d.Group) else ()
        plain = {e.name for e in self.spec.key if isinstance(e, s.Name)}
        for name, _ in made:
            if self.drawn and name.name in plain and name.name in self.flow.columns:
                help = "give the new column another name, or make it in a step of its own before the draw"
                message = f"`{name.name}` is part of the key, and a draw is keyed to what it was"
                self.report.error("CXR311", name.span, message, help=help)

    def draws(self, step: d.Step) -> bool:
        """Whether a step holds a draw; what else is wrong with it is said when it is checked."""
        if not isinstance(step, d.Derive):
            return False
        quiet, scope = Checker(Report()), replace(self.scope(), site="")
        return any(draws(quiet.check(expression, scope)) for _, expression in step.columns)

    def scope(self) -> Scope:
        return self.tables.scope(self.flow, self.source.name, self.constants, None)

    def part(self, expressions: tuple[s.Expr, ...], role: str) -> Typed:
        """Parts of an id, each escaped, joined by `/`."""
        scope = self.scope()
        parts: list[Typed] = []
        for expression in expressions:
            typed = self.checker.never_null(
                self.checker.check(expression, scope), expression.span, f"a part of `{role}`"
            )
            self.checker.printable(typed, expression.span)
            parts.append(self.escaped(typed))
        return parts[0] if len(parts) == 1 else _joined(parts)

    def key(self) -> None:
        """`$id`: the spec's name and the key; a published run may hold a key in several splits."""
        where: list[Typed] = [Const(f"{self.spec.name}/", TEXT)]
        if self.published:
            where += [Column("split", SPLIT), Const("/", TEXT)]
        self.flow.derive("$id", Apply("format", (*where, self.part(self.spec.key, "key")), TEXT), None, "key")

    def unique(self) -> None:
        """Ids are unique: proved where the key holds the key of the relation, else checked at run."""
        plain = {e.name for e in self.spec.key if isinstance(e, s.Name)}
        if self.flow.key is None or not set(self.flow.key) <= plain:
            self.flow.add(p.Unique("key", "$id"))

    def bind(self) -> None:
        """The inputs of the task: bound, or the column of the same name."""
        given = {name.name: expression for name, expression in self.spec.bind}
        inputs = {name.name for name, _ in self.task.inputs}
        misspelt: set[str] = set()
        for name, _ in self.spec.bind:
            if name.name not in inputs:
                misspelt |= set(close(name.name, inputs))
                help = near(name.name, inputs, "inputs")
                message = f"the task has no input `{name.name}`"
                self.report.error("CXR213", name.span, message, others=self.task_place(), help=help)
        values: list[tuple[str, Typed]] = []
        for name, type in self.task.inputs:
            if name.name in given:
                scope = replace(self.scope(), site=f"bind:{name.name}")
                role = f"the input `{name.name}`"
                values.append((name.name, self.checker.wants(given[name.name], scope, type, role)))
            elif name.name not in misspelt:
                values.append((name.name, self.unbound(name, type)))
        for name_text, value in values:
            self.flow.derive(bound(name_text), value, None, name_text)

    def unbound(self, name: s.Name, type: Type) -> Typed:
        """The column of an input's name. A spec that carries its task is marked where it declares the input."""
        place = name.span if isinstance(self.spec.task, d.Task) else self.spec.span
        found = self.flow.columns.get(name.name)
        if found is None:
            visible = [n for n in self.flow.columns if not n.startswith("$")]
            self.report.error(
                "CXR502",
                place,
                f"the input `{name.name}` is not bound, and there is no column of that name",
                others=(Label(name.span, "the input is declared here"),) if name.span and name.span != place else (),
                help=near(name.name, visible, "columns"),
            )
            return Column(name.name, type)
        return self.checker.fitted(
            Column(name.name, found),
            type,
            place,
            f"the column `{name.name}`, taken as the input of that name,",
        )

    def task_place(self) -> tuple[Label, ...]:
        return (Label(self.task.span, "the task is declared here"),) if self.task.span else ()


def _null() -> Typed:
    """No value, where a text could stand."""
    return Apply("null", (), nullable(TEXT))


def _joined(parts: list[Typed]) -> Typed:
    """Parts of an id with `/` between; null if one of them is."""
    pieces: list[Typed] = []
    for i, part in enumerate(parts):
        pieces += [Const("/", TEXT), part] if i else [part]
    return Apply("format", tuple(pieces), nullable(TEXT) if any(is_nullable(x.type) for x in parts) else TEXT)


def _narrowed(value: Typed) -> Typed:
    return replace(value, type=present(value.type))


def _cut(cut: d.Cut) -> p.Cut:
    return p.Cut(cut.seed, cut.share, cut.kept, cut.held if isinstance(cut.held, str) else _cut(cut.held))
