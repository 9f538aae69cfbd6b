"""CHECK, the part about specs: identity, split, steps, key, inputs and turns become one relation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.contrast import Contrast, Pool
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import (
    NO_CAUSE,
    Cause,
    Label,
    Report,
    Span,
    alike,
    close,
    leave_out,
    near,
    respell,
    write,
)
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.flows import Flow, Table
from cxrspec.compiler.forms import Asked, Forms, Spoken, bound
from cxrspec.compiler.identity import IDENTITY, escaped, identify, ids, joined, null, usable
from cxrspec.compiler.lint import check_inputs, check_rules
from cxrspec.compiler.scopes import Scope
from cxrspec.compiler.splits import Rows
from cxrspec.compiler.tables import Tables
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Typed, draws, narrowed, requirements
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    SPLIT,
    TEXT,
    UNKNOWN,
    Type,
    is_nullable,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked spec: the relation that makes its examples, those it looks splits up in, and what its forms say."""

    task: d.Task
    relation: p.Relation
    lookups: Mapping[str, p.Relation]
    spoken: tuple[Spoken, ...]


def check_spec(spec: d.Spec, declared: Declared, tables: Tables, turns: Mapping[str, Asked | None]) -> Checked | None:
    """The spec's relation, or None after a finding without which nothing can be said; `turns` are those of tasks."""
    task = _task(spec, declared, tables)
    if spec.source.name not in tables.sources:
        tables.unknown_source(spec.source.name, spec.source.span)
        return None
    source = tables.sources[spec.source.name]
    start = tables.find(spec.start, source.name)
    if task is None or start is None:
        return None
    return _SpecChecker(spec, task, source, start, tables, turns, declared.published).check()


def check_task(task: d.Task, tables: Tables) -> Asked | None:
    """The turns of a task, which are the same for every spec of it; None after a finding."""
    scope = Scope(
        names=tables.constants("", task.constants), what="name", sources=tables.named, functions=tables.words.functions
    )
    rules = {**tables.words.rules, **task.rules}
    check_rules(task.rules.values(), rules, tables.report)
    asked = Forms(task, scope, rules, tables.checker).check()
    if not tables.report.errors:  # a name that is wrong may be an input that is meant
        check_inputs(task, tables.report)
    return asked


def _task(spec: d.Spec, declared: Declared, tables: Tables) -> d.Task | None:
    """The task that a spec names, or carries itself; None after a finding."""
    if isinstance(spec.task, d.Task):
        return spec.task
    if spec.task.name in declared.tasks:
        return declared.tasks[spec.task.name]
    if spec.task.name not in declared.spoiled:
        name, span = spec.task.name, spec.task.span
        by_title = write(span, d.snake(name)) if d.snake(name) in declared.tasks else None
        help, fix = near(name, declared.tasks, "tasks"), by_title or respell(span, name, declared.tasks)
        tables.report.error("CXR211", span, f"unknown task `{name}`", help=help, fix=fix)
    return None


class _SpecChecker:
    """One spec on its way from the rows of `from` to turns."""

    def __init__(
        self,
        spec: d.Spec,
        task: d.Task,
        source: d.Source,
        start: Table,
        tables: Tables,
        turns: Mapping[str, Asked | None],
        published: bool,
    ) -> None:
        self.spec, self.task, self.source, self.start = spec, task, source, start
        self.tables, self.checker, self.report = tables, tables.checker, tables.report
        self.turns, self.published = turns, published
        self.constants = self.tables.constants(source.name, task.constants, spec.constants)
        self.flow = self.tables.scan(start, f"column of `{start.relation.name}`", start.span)
        self.splits = tables.splits
        self.identities = () if spec.identity == "none" else usable(source, self.flow.columns)
        self.drawn = False

    def check(self) -> Checked | None:
        self.identity()
        self.split()
        self.flow.hidden = (*IDENTITY, "split")
        self.steps()
        if self.flow.broken:
            return None
        if self.spec.study is not None:
            study = joined([Column("$space", TEXT), self.part(self.spec.study, "study")])
            self.flow.derive("$study", study, None, "study")
        if "$id" not in self.flow.columns:
            self.key()
        self.unique()
        self.keep()
        published = self.spec.published
        if self.published and published is not None and published.copy:
            self.flow.add(p.Copy(published.copy))
        self.bind()
        carried = self.task is self.spec.task
        asked = check_task(self.task, self.tables) if carried else self.turns[self.task.name]
        if asked is None or self.flow.partial:
            return None
        self.flow.add(asked.turns)
        last = p.Relation(self.spec.name, tuple(self.flow.nodes))
        return Checked(self.task, last, self.splits.relations, asked.spoken)

    # ---- identity

    def identity(self) -> None:
        """`$space`, `$patient`, `$study`: the first identity whose ids are not null holds for a row."""
        if self.spec.identity == "none":  # the space is the source, the study the table and the key
            study = joined([Const(self.spec.start.name, TEXT), self.part(self.spec.key, "key")])
            self.names(joined([Const(self.source.name, TEXT), study]))
            return
        if not self.identities:
            names = [n for i in self.source.identity for n in ids(i)]
            help = "join the column in, or say `identity: none`"
            self.splits.no_identity(self.start.relation.name, self.flow, self.source, names, self.spec.start.span, help)
            self.names(Const("", TEXT))
            return
        identify(self.flow, self.identities)
        self.has_study(self.flow, self.identities[-1], self.spec.start.span)

    def has_study(self, flow: Flow, last: d.Identity, span: Span | None) -> None:
        """A finding if the study of a row may be null: then nothing would say whose the row is."""
        known = {(self.source.name, n.name) for i in self.source.identity for n in ids(i)}
        if is_nullable(flow.columns["$study"]) and not any(one in self.tables.known.strange for one in known):
            message = "the study of a row may be null, and no identity comes after"
            others = (Label(last.span, "declared here"),) if last.span else ()
            help = "a table can leave such rows out: `where: study is not null`"
            nulls = [n.name for n in last.study if is_nullable(flow.columns.get(n.name, UNKNOWN))]
            cause = sum((flow.cause(name, null=True) for name in nulls), NO_CAUSE)
            self.report.error("CXR416", span, message, others=others, help=help, cause=cause)

    def names(self, study: Typed) -> None:
        """The identity of rows without ids."""
        for name, value in zip(IDENTITY, (Const(self.source.name, TEXT), null(), study), strict=True):
            self.flow.derive(name, value, None, "identity")

    # ---- split

    def split(self) -> None:
        """The column `split` of every row: its space's, where that has a line of its own; else the spec's."""
        expression = self.split_of(Rows(self.flow, self.start.relation.name, self.source, self.identities))
        if is_nullable(expression.type):
            told = Apply("is not null", (expression,), BOOL)
            self.flow.add(p.Check("a row without a split", told))
            expression = narrowed(expression)
        self.flow.derive("split", expression, None, "split")

    def split_of(self, rows: Rows) -> Typed:
        """The split of rows of the spec, or of those it draws from."""
        if self.splits.unread and "split" not in self.spec.overlaid:
            rows.flow.partial = True
            return Const("test", SPLIT)
        spaces = {i.space: None for i in rows.identities}
        listed = [space for space in spaces if space in self.splits.spaces]
        if self.spec.own_split and not listed:
            self.idle_own_split(spaces)
        if self.spec.own_split or "split" in self.spec.overlaid or not listed:
            return self.own_split(rows)
        if len(listed) < len(spaces):
            rest = self.own_split(rows)
        else:
            if self.spec.split is not None:
                self.split_in_space(listed)
            rest = self.splits.in_space(rows, listed.pop())
        for space in reversed(listed):
            here = Apply("==", (Column("$space", TEXT), Const(space, TEXT)), BOOL)
            told = self.splits.in_space(rows, space)
            rest = Branch(here, told, rest, rest.type)
        return rest

    def own_split(self, rows: Rows) -> Typed:
        """The split of rows by the split of the source that the spec names, or by the only one there is."""
        name, splits = self.spec.split, self.source.splits
        if name is None and len(splits) == 1:
            name = s.Name(next(iter(splits)), span=self.spec.source.span)
        if name is not None and name.name in splits:
            return self.splits.by_source(rows, name)
        if name is None:
            self.unnamed_split()
        else:
            self.tables.unknown_split(name, self.source)
        return Const("test", SPLIT)

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

    def split_in_space(self, spaces: Sequence[str]) -> None:
        """A finding: the spec names a split, where its spaces have one for all."""
        assert self.spec.split is not None
        named = ", ".join(f"`{space}`" for space in spaces)
        what = (
            f"the space {named} has its own split" if len(spaces) == 1 else f"the spaces {named} have their own splits"
        )
        places = [self.splits.spaces[space].span for space in spaces]
        self.report.error(
            "CXR424",
            self.spec.split.span,
            f"{what}, which holds for all sources",
            others=[Label(place, "declared here") for place in places if place],
            help=(
                "leave `split:` out",
                "`own_split: <why>` beside it takes the spec out of the check of patients on two sides",
            ),
            fix=leave_out(self.spec.entries, "split"),
        )

    def idle_own_split(self, spaces: Collection[str]) -> None:
        """A finding: no row of the spec is of a space with a split for all."""
        named = ", ".join(f"`{space}`" for space in spaces)
        help = near("", self.splits.spaces, "spaces with a split")
        message = f"`own_split` where no space has a split for all: its rows are of {named or 'none'}"
        fix = leave_out(self.spec.entries, "own_split")
        self.report.error("CXR425", self.spec.own_split_span, message, help=(help, "leave `own_split` out"), fix=fix)

    # ---- steps, key, inputs, turns

    def steps(self) -> None:
        """The spec's own steps. Before the first one that draws, rows get their id: the draw holds on to it."""
        for step in self.spec.steps:
            if isinstance(step, d.Contrast):
                self.contrast(step)
                continue
            if self.draws(step):
                self.drawn = True
                if "$id" not in self.flow.columns:
                    self.key_before(step)
            if isinstance(step, d.Group | d.Merge | d.Explode | d.Unpivot):
                self.flow.columns.pop("$id", None)  # the rows are others now; the id is made again
            self.keeps_key(step)
            self.tables.steps((step,), self.flow, self.source.name, self.constants, self.spec.name)

    def contrast(self, step: d.Contrast) -> None:
        """Drawn rows below those given. The draw holds on to the id of a given row; all get one of their own behind it."""
        pool = self.pool(step)
        contrast = Contrast(step, self.flow, self.tables)
        contrast.mark()
        self.flow.columns.pop("$id", None)
        self.key_before(step)
        if pool is not None:
            contrast.draw(pool, self.scope(), self.identities)
            contrast.set(self.scope())
        self.flow.columns.pop("$id", None)
        self.drawn = True

    def pool(self, step: d.Contrast) -> Pool | None:
        """The rows to draw from, with identity and split as the spec's own rows have them; None after a finding."""
        table = self.tables.find(step.pool, self.source.name)
        if table is None or not self.identities:
            self.flow.partial = True
            if self.spec.identity == "none":
                help = "`identity` of the source names the columns; the pool has them, too"
                self.report.error(
                    "CXR427", step.span, "rows without ids, from which nobody else can be drawn", help=help
                )
            return None
        name = table.relation.name
        flow = self.tables.scan(table, f"column of `{name}`", table.span)
        names = [n for i in self.identities for n in ids(i)]
        if any(n.name not in flow.columns for n in names):
            help = "a drawn row is about the patient of the pool's row"
            self.splits.no_identity(name, flow, self.source, names, step.pool.span, help)
            return None
        if table.key is None:
            others = (Label(table.span, "declared here"),) if table.span else ()
            help = "`key:` of a table that is read, or `group` by the columns that name a row"
            message = f"the pool `{name}` has no key, by which its rows could be drawn"
            self.report.error("CXR426", step.pool.span, message, others=others, help=help)
            return None
        identify(flow, self.identities)
        self.has_study(flow, self.identities[-1], step.pool.span)
        split = self.split_of(Rows(flow, name, self.source, self.identities))
        if is_nullable(split.type):
            flow.add(p.Filter("a split", Apply("is not null", (split,), BOOL)))
        flow.derive("split", narrowed(split), None, "split")
        self.flow.partial |= flow.partial
        return Pool(self.splits.relation(f"{self.spec.name} pool {name}", flow), flow, table.key)

    def key_before(self, step: d.Step) -> None:
        """The id, which a draw holds on to; a finding if a column of the key is not there yet."""
        missing = [e for e in self.spec.key if isinstance(e, s.Name) and e.name not in self.scope().names]
        if not missing:
            self.key()
            return
        message = f"a draw, and `{missing[0].name}` of the key is not there before it"
        others = [Label(e.span, "not a column before the draw") for e in missing if e.span]
        help = near(missing[0].name, [n for n in self.flow.columns if not n.startswith("$")], "columns")
        fix = respell(missing[0].span, missing[0].name, self.flow.columns) if len(missing) == 1 else None
        self.report.error("CXR311", step.span, message, others=others, help=help, fix=fix)
        self.flow.columns["$id"] = UNKNOWN

    def keeps_key(self, step: d.Step) -> None:
        """A finding if a column of the key is made anew after a draw was keyed to it."""
        made = step.columns if isinstance(step, d.Derive) else step.take if isinstance(step, d.Group | d.Merge) else ()
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
            typed = self.checker.check(expression, scope)
            typed = self.checker.never_null(typed, expression, f"a part of `{role}`", scope)
            self.checker.printable(typed, expression.span, scope)
            parts.append(escaped(typed))
        return parts[0] if len(parts) == 1 else joined(parts)

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

    def keep(self) -> None:
        """Rows that are thinned out, each time among what the one before left."""
        for keep in self.spec.keep:
            role = f"what `{keep.name}` thins out"
            condition = self.checker.wants(keep.where, self.scope(), BOOL, role)
            for assertion, needed in requirements(condition):
                self.flow.add(p.Check(f"{assertion}() in `{keep.name}`", needed))
            of_split = Apply("==", (Column("split", SPLIT), Const(keep.split, SPLIT)), BOOL)
            thinned = Apply("and", (of_split, condition), BOOL)
            if keep.rows is not None:
                self.flow.add(p.Keep(keep.name, thinned, keep.rows))
            else:
                draw = Apply("draw", (Column("$id", TEXT), Const(f"keep.{keep.name}", TEXT)), FLOAT)
                stays = Apply("<", (draw, Const(keep.share or 0.0, FLOAT)), BOOL)
                self.flow.add(p.Filter(keep.name, Branch(thinned, stays, Const(True, BOOL), BOOL)))

    def bind(self) -> None:
        """The inputs of the task: bound, or the column of the same name."""
        given = {name.name: expression for name, expression in self.spec.bind}
        inputs = {name.name: name.span for name, _ in self.task.inputs}
        misspelt: set[str] = set()
        for name, _ in self.spec.bind:
            if name.name not in inputs:
                misspelt |= set(close(name.name, inputs))
                help = near(name.name, inputs, "inputs")
                message = f"the task has no input `{name.name}`"
                fix = respell(name.span, name.name, inputs.keys() - given.keys())
                cause = alike(name.name, inputs)
                others = () if cause.others else self.task_place()
                self.report.error("CXR213", name.span, message, others=others, help=help, cause=cause, fix=fix)
        values: list[tuple[str, Typed]] = []
        for name, type in self.task.inputs:
            if name.name in given:
                scope = replace(self.scope(), site=f"bind:{name.name}")
                role = f"the input `{name.name}`"
                values.append((name.name, self.checker.wants(given[name.name], scope, type, role, _wanted(name))))
            elif name.name not in misspelt:
                values.append((name.name, self.unbound(name, type)))
        for name_text, value in sorted(values, key=lambda pair: pair[0]):
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
            self.scope(),
            _wanted(name) if place != name.span else NO_CAUSE,
        )

    def task_place(self) -> tuple[Label, ...]:
        return (Label(self.task.span, "the task is declared here"),) if self.task.span else ()


def _wanted(name: s.Name) -> Cause:
    """Why an input is expected to be of its type."""
    return Cause((Label(name.span, "the input is declared here"),), (name.span,)) if name.span else NO_CAUSE
