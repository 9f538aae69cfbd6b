"""CHECK, the part about values: what is compared with a value that it never has, and filters that no row passes.

It follows what columns can hold (domains.py) through tables, specs and the inputs of tasks, on declarations that are
checked already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace

from cxrspec.compiler import declarations as d
from cxrspec.compiler import syntax as s
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Label, Report, Span, close
from cxrspec.compiler.domains import ANY, FLAG, Domain, Env, Stranger, Values, union
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.flows import Known
from cxrspec.compiler.plan import parts
from cxrspec.compiler.scopes import Binding
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.tables import Tables
from cxrspec.compiler.typed import Const, Value
from cxrspec.compiler.types import BOOL, SPLIT, SPLITS, LabelsOf, is_nullable, present


def check_matches(declared: Declared, known: Known, specs: Iterable[tuple[d.Spec, d.Task]], report: Report) -> None:
    """Report what can match nothing, in the tables, in these specs and in their tasks (CXR430, CXR431, CXR432)."""
    _Matches(declared, known, report).check(specs)


class _Matches:
    """Domains of the columns of all tables, worked out when they are first asked for."""

    def __init__(self, declared: Declared, known: Known, report: Report) -> None:
        self.declared, self.checked, self.report = declared, known.tables, report
        self.tables = Tables(declared, Checker(report), known)
        self.values = Values()
        self.known: dict[str, Env] = {}

    def check(self, specs: Iterable[tuple[d.Spec, d.Task]]) -> None:
        for name in self.checked:
            self.table(name)
        bound: dict[tuple[str, Span | None], tuple[d.Task, list[Env]]] = {}
        for spec, task in specs:
            _, known = bound.setdefault((task.name, task.span), (task, []))
            known.append(self.spec(spec, task))
        for task, known in bound.values():
            self.forms(task, known)
        self.strangers()

    # ---- tables

    def table(self, full: str) -> Env:
        """What the columns of a table can hold; nothing of one that a finding stands in the way of."""
        if full not in self.known:
            self.known[full] = {}  # of a table in a circle
            owner, _, name = full.rpartition(".")
            checked = self.checked.get(full)
            if checked is not None:
                declared = self.declared.sources[owner].tables[name]
                if isinstance(declared, d.ReadTable):
                    types = checked.columns
                    self.known[full] = {n: _read(declared, n, types[n]) for n in types}
                else:
                    start = self.table(self.tables.full(declared.start, owner))
                    constants = self.constants(owner)
                    for step in declared.steps:
                        start = self.step(step, start, owner, constants)
                    self.known[full] = start
        return self.known[full]

    def constants(self, source: str, *more: Mapping[str, tuple[d.Constant, Span]]) -> Env:
        """The constants in scope; a policy is no value."""
        found = self.tables.constants(source, *more)
        return {name: _constant(binding) for name, binding in found.items() if binding.policy is None}

    def step(self, step: d.Step, columns: Env, source: str, constants: Env) -> Env:
        """What the columns can hold behind a step."""
        match step:
            case d.Where(conditions):
                for what, condition in conditions:
                    columns = self.where(what, condition, columns, constants)
                return columns
            case d.Derive(derived):
                for name, expression in derived:
                    columns = {**columns, name.name: self.values.of(expression, {**constants, **columns})}
                return columns
            case d.Select(names):
                return {name.name: columns.get(name.name, ANY) for name in names}
            case d.Join(table, _, take, kind):
                if kind in ("semi", "anti"):
                    return columns
                theirs = self.table(self.tables.full(table, source))
                pairs = [(n, n) for n in theirs] if take is None else [(new.name, old.name) for new, old in take]
                taken = {new: theirs.get(old, ANY) for new, old in pairs}
                return {**(_loose(taken) if kind == "left" else taken), **columns}
            case d.Group(by, order, take) | d.Merge(by, _, _, order, take):
                known = {**constants, **columns}
                for expression in order:
                    self.values.of(expression, known)
                kept = {name.name: columns.get(name.name, ANY) for name in by}
                box = {step.box.name: ANY} if isinstance(step, d.Merge) else {}
                return {**kept, **box, **{name.name: self.values.of(call, known) for name, call in take}}
            case d.Explode(column, item, position):
                rest = {name: domain for name, domain in columns.items() if name != column.name}
                place = {position.name: ANY} if position else {}
                return {**rest, item.name: columns.get(column.name, ANY), **place}
            case d.Union(table):
                theirs = self.table(self.tables.full(table, source))
                return {name: union((domain, theirs.get(name, ANY))) for name, domain in columns.items()}
            case d.Unpivot():
                return self.unpivot(step, columns, constants)
            case d.Lag(_, order, take):
                for expression in order:
                    self.values.of(expression, {**constants, **columns})
                return {**columns, **_loose({new.name: columns.get(old.name, ANY) for new, old in take})}
            case d.SplitRows(name, column):
                split = self.declared.sources[source].splits.get(name.name)
                return {**columns, column.name: ANY if split is None else self.split(split, source, columns)}
            case d.Contrast(pool, lacks, take, made, mark):
                self.values.of(lacks, {**constants, **columns})
                theirs = self.table(self.tables.full(pool, source))
                drawn = {new.name: theirs.get(old.name, ANY) for new, old in take}
                after = {**columns, **{n: union((columns.get(n, ANY), one)) for n, one in drawn.items()}}
                for name, expression in made:
                    value = self.values.of(expression, {**constants, **after})
                    after[name.name] = union((after.get(name.name, ANY), value))
                return {**after, mark.name: ANY}

    def unpivot(self, step: d.Unpivot, columns: Env, constants: Env) -> Env:
        """The names of the columns that go are the values of one; another has what they held."""
        if isinstance(step.columns, s.Name):
            names = tuple(str(value) for value in constants.get(step.columns.name, ANY).values or ())
            place = step.columns.span
        else:
            names, place = tuple(name.name for name in step.columns), step.span
        rest = {name: domain for name, domain in columns.items() if name not in names}
        value = union(columns.get(name, ANY) for name in names)
        return {**rest, step.name.name: Domain(names, places=_declared(place), null=False), step.value.name: value}

    def where(self, name: str, condition: s.Expr, columns: Env, constants: Env) -> Env:
        """What is left behind a filter; a finding if it is nothing. `false`, written out, says so on purpose."""
        before, known = self.values.found, {**constants, **columns}
        true, _ = self.values.assume(condition, known)
        if true is not None and self.values.found == before:
            return {column: true[column] for column in columns}
        if self.values.found == before and not isinstance(condition, s.Bool):
            what = "no row passes this filter" if name == "where" else f"no row passes the filter `{name}`"
            self.nothing("CXR431", condition, what, known)
        return {**columns, **dict.fromkeys(_names(condition) & columns.keys(), ANY)}

    # ---- specs

    def spec(self, spec: d.Spec, task: d.Task) -> Env:
        """What the inputs of a spec can be."""
        source = spec.source.name
        start = self.table(self.tables.full(spec.start, source))
        constants = self.constants(source, task.constants, spec.constants)
        columns = {**start, "split": self.side(spec, start)}
        for step in spec.steps:
            columns = {"split": columns["split"], **self.step(step, columns, source, constants)}
        known = {**constants, **columns}
        for expression in (*spec.key, *(spec.study or ())):
            self.values.of(expression, known)
        for keep in spec.keep:
            self.values.look(s.Name("split"), columns["split"], keep.split, keep.span)
            self.where(keep.name, keep.where, columns, constants)
        given = {name.name: self.values.of(expression, known) for name, expression in spec.bind}
        return {name.name: given.get(name.name, columns.get(name.name, ANY)) for name, _ in task.inputs}

    def side(self, spec: d.Spec, start: Env) -> Domain:
        """The splits that rows of a spec can be of: those of its source's split, and of their spaces."""
        source, spaces = self.declared.sources[spec.source.name], self.declared.spaces
        named = {i.space for i in source.identity}
        shared = (
            [] if spec.own_split or "split" in spec.overlaid else [spaces[n] for n in sorted(named & spaces.keys())]
        )
        found = [self.space(space) for space in shared]
        if len(shared) < len(named):
            name = spec.split.name if spec.split else next(iter(source.splits), "")
            found.append(self.split(source.splits[name], source.name, start) if name in source.splits else ANY)
        return union(found)

    def space(self, space: d.Space) -> Domain:
        """The splits that rows of a space can be of."""
        owner, _, name = space.authority.name.partition(".") if space.authority else ("", "", "")
        told = self.declared.sources[owner].splits.get(name) if owner in self.declared.sources else None
        otherwise = self.split(space.otherwise, "", {})
        return otherwise if told is None else union((self.split(told, owner, {}), otherwise))

    def split(self, split: d.Split, source: str, columns: Env) -> Domain:
        """The words that a split can say of rows with these columns."""
        place = _declared(split.span)
        match split:
            case d.ConstantSplit(word):
                return Domain((word,), places=place, null=False)
            case d.ListSplit(lists):
                return Domain(tuple(word for word, _ in lists), places=place, null=False)
            case d.HoldoutSplit(cut):
                return Domain(tuple(dict.fromkeys(_words(cut))), places=place, null=False)
            case d.RatioSplit(shares, out_of):
                own = Domain(("train", *(word for word, _ in shares)), places=place, null=False)
                return own if out_of is None else ANY
            case d.ColumnSplit(column, table):
                rows = columns if table is None else self.table(self.tables.full(table, source))
                return rows.get(column.name, ANY)

    # ---- tasks

    def forms(self, task: d.Task, bound: list[Env]) -> None:
        """The forms of a task, with what any of its specs binds."""
        known = self.constants("", task.constants)
        inputs = {name.name: union(one[name.name] for one in bound) for name, _ in task.inputs}
        for form in task.forms:
            there: Env = {**known, **inputs}
            for name, expression in form.let:
                there = {**there, name.name: self.values.of(expression, there)}
            if form.when is not None:
                before = self.values.found
                true, _ = self.values.assume(form.when, there)
                if true is None and self.values.found == before:
                    what = f"no example is asked by the form `{form.name}`"
                    self.nothing("CXR432", form.when, what, there)
                there = there if true is None else true
            for expression in _expressions(form):
                self.values.of(expression, there)

    # ---- findings

    def nothing(self, code: str, condition: s.Expr, message: str, known: Env) -> None:
        """A finding: the condition never holds."""
        bounded = {n: known[n] for n in sorted(_names(condition) & known.keys()) if known[n].values}
        help = [f"`{name}` is {_listed(domain.values or ())} here" for name, domain in bounded.items()]
        places = dict.fromkeys(place for domain in bounded.values() for place in domain.places)
        say = self.report.warning if code == "CXR432" else self.report.error
        say(code, condition.span, message, label="this never holds", others=places, help=help)

    def strangers(self) -> None:
        """A finding for each value that nothing can be; several of one declaration are one."""
        said = [found.label.span for found in self.report.diagnostics if isinstance(found.label, Label)]
        alike: dict[object, list[Stranger]] = {}
        for one in self.values.strangers.values():
            if not any(_inside(one.span, span) for span in said):
                alike.setdefault((one.domain.places[:1] or one.span, one.value), []).append(one)
        for group in alike.values():
            first, *more = sorted(group, key=lambda one: one.span or Span("", 0, 0))
            places = [Label(one.span, "and here") for one in more if one.span]
            subject = show_expression(first.subject)
            value = _shown(first.value)
            message = f"{value} is never in `{subject}`" if first.listed else f"`{subject}` is never {value}"
            help = _instead(first, subject)
            self.report.error("CXR430", first.span, message, others=[*first.domain.places, *places], help=help)
        for span in self.values.empty:
            help = "leave the condition out, or name what it is to be in"
            self.report.error("CXR431", span, "nothing is in an empty list", help=help)


def _read(table: d.ReadTable, name: str, type: object) -> Domain:
    """What a column that is read can hold, as far as its declaration says."""
    if isinstance(type, LabelsOf):
        return Domain(type.names, places=_declared(table.labels[name].span))
    if name in table.labels:
        return ANY
    column, span = table.columns[name]
    null = is_nullable(column.type)
    if column.constant is not None:
        return Domain((column.constant,), places=_declared(span), null=False)
    if column.values and column.otherwise != "keep":
        more = () if column.other is None else (column.other,)
        return Domain(tuple(dict.fromkeys((*(v for _, v in column.values), *more))), places=_declared(span), null=null)
    match present(column.type):
        case type if type == SPLIT:
            return Domain(SPLITS, places=_declared(span), null=null)
        case type if type == BOOL:
            return replace(FLAG, null=null)
        case _:
            return ANY


def _loose(columns: Env) -> Env:
    """Columns that may be null, whatever they were."""
    return {name: replace(domain, null=True) for name, domain in columns.items()}


def _constant(binding: Binding) -> Domain:
    assert isinstance(binding.value, Const)
    value = binding.value.value
    return Domain(value if isinstance(value, tuple) else (value,), places=_declared(binding.declared), null=False)


def _declared(span: Span | None) -> tuple[Label, ...]:
    return (Label(span, "its values are declared here"),) if span is not None else ()


def _words(cut: d.Cut) -> Iterator[str]:
    yield cut.kept
    if isinstance(cut.held, str):
        yield cut.held
    else:
        yield from _words(cut.held)


def _expressions(form: d.Form) -> Iterator[s.Expr]:
    """The expressions of a form behind its condition."""
    for part in parts((form.prompt, form.answer)):
        if isinstance(part, s.Slot):
            yield part.expression
    for field in fields(form.answer):
        value = getattr(form.answer, field.name)
        if isinstance(value, s.Expr):
            yield value


def _inside(span: Span | None, other: Span) -> bool:
    return span is not None and span.file == other.file and other.start <= span.start and span.end <= other.end


def _names(e: s.Expr) -> set[str]:
    return {part.name for part in parts(e) if isinstance(part, s.Name)}


def _instead(found: Stranger, subject: str) -> str:
    """What could have been meant, or all that there is."""
    values = found.domain.values or ()
    lower = {str(value).lower(): str(value) for value in values}
    alike = close(str(found.value).lower(), lower)
    if alike:
        return f"a near value exists: `{lower[alike[0]]}`"
    holds = "holds" if found.listed else "is"
    return f"`{subject}` {holds} {_listed(values)} here" if values else ""


def _listed(values: Sequence[Value]) -> str:
    """`a`, `b` or `c`; of many the first."""
    shown = [_shown(value) for value in values[:12]]
    if len(values) > 12:
        return f"{', '.join(shown)} or one of {len(values) - 12} more"
    return " or ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def _shown(value: Value) -> str:
    if value == "":
        return "the empty text"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
