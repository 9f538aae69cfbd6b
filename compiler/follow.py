"""FOLLOW: columns, inputs, lets and constants on their way through tables, specs and tasks that are checked already.

What each can hold and where it was declared goes along with it (domains.py). What comes of it is data: matches.py and
unused.py say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, TypeAlias

from cxrspec.compiler import declarations as d
from cxrspec.compiler import syntax as s
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Label, Span
from cxrspec.compiler.domains import ANY, FLAG, Domain, Env, Values, union
from cxrspec.compiler.flows import Known, Table
from cxrspec.compiler.identity import ids
from cxrspec.compiler.plan import RawColumn, parts
from cxrspec.compiler.types import BOOL, SPLIT, SPLITS, LabelsOf, Type, is_nullable, present

What: TypeAlias = Literal["column", "table", "split", "constant", "policy", "function", "rule", "let"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """Something that has a name to be used by; `source` is whose it is, "" for words and tasks."""

    what: What
    name: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that never holds, of a filter or a form; `known` is what its names can be."""

    of: Literal["filter", "form"]
    name: str
    condition: s.Expr
    known: Env


@dataclass(slots=True)
class Followed:
    """What was met on the way.

    values        what is compared with what it never has, and the places of all declarations that are used
    never         conditions that never hold
    declarations  what is declared, by the place of its name
    reached       the sources that specs are made from
    """

    values: Values = field(default_factory=Values)
    never: list[Never] = field(default_factory=list[Never])
    declarations: dict[Span, Declaration] = field(default_factory=dict[Span, Declaration])
    reached: set[str] = field(default_factory=set[str])

    def declare(self, what: What, name: str, span: Span | None, source: str, domain: Domain = ANY) -> Domain:
        """What a name stands for that is declared at `span`."""
        if span is None:
            return domain
        self.declarations.setdefault(span, Declaration(what, name, span, source))
        return replace(domain, origins=frozenset((span,)))

    def use(self, span: Span | None) -> None:
        """What is declared at `span` is used."""
        if span is not None:
            self.values.used.add(span)


def follow(declared: Declared, known: Known, specs: Iterable[tuple[d.Spec, d.Task]]) -> Followed:
    """Follow what is declared, through these specs and all tables and tasks."""
    walk = _Walk(declared, known)
    walk.words()
    for source in declared.sources.values():
        walk.source(source)
    for space in declared.spaces.values():
        walk.space(space)
    bound: dict[Span | None, tuple[d.Task, list[Env]]] = {task.span: (task, []) for task in declared.tasks.values()}
    for spec, task in specs:
        _, inputs = bound.setdefault(task.span, (task, []))
        inputs.append(walk.spec(spec, task))
    for task, inputs in bound.values():
        walk.task(task, inputs)
    for name in walk.values.called & declared.words.functions.keys():
        walk.followed.use(declared.words.functions[name].span)
    return walk.followed


class _Walk:
    """Tables are followed when they are first asked for."""

    def __init__(self, declared: Declared, known: Known) -> None:
        self.declared = declared
        self.checked: Mapping[str, Table | None] = known.tables
        self.followed = Followed()
        self.values = self.followed.values
        self.tables: dict[str, Env] = {}

    # ---- words

    def words(self) -> None:
        """Functions and rules that all files share."""
        words = self.declared.words
        shared = self.constants("")
        for function in words.functions.values():
            self.followed.declare("function", function.name, function.span, "")
            self.values.of(function.gives, {**shared, **{name: ANY for name, _ in function.takes}})
        for name, span in words.rule_spans.items():
            self.followed.declare("rule", name, span, "")
            named = {part.name for part in parts(words.rules[name]) if isinstance(part, s.Rule)} - {name}
            self.values.used |= {words.rule_spans[other] for other in named & words.rule_spans.keys()}

    def constants(self, source: str, *more: Mapping[str, tuple[d.Constant, Span]]) -> Env:
        """The constants in scope; the later shadow the earlier."""
        own = self.declared.sources[source].constants if source in self.declared.sources else {}
        owned = (("", self.declared.words.constants), (source, own), *((source, one) for one in more))
        found: dict[str, Domain] = {}
        for owner, constants in owned:
            for name, (value, span) in constants.items():
                what: What = "policy" if isinstance(value, d.Policy) else "constant"
                found[name] = self.followed.declare(what, name, span, owner, _constant(value, span))
        return found

    # ---- tables

    def source(self, source: d.Source) -> None:
        """All tables and splits of a source."""
        for name, table in source.tables.items():
            self.followed.declare("table", name, table.span, source.name)
            self.table(f"{source.name}.{name}")
        for name, split in source.splits.items():
            self.followed.declare("split", name, split.span, source.name)
            for asked in [""] if split.table is not None else source.tables:  # what it asks is used, if it is or not
                self.says(split, source.name, self.table(f"{source.name}.{asked}"))

    def refer(self, name: s.Name, source: str) -> Env:
        """What the columns of a table can hold that is named in a file of `source`; the table is used."""
        full = name.name if "." in name.name else f"{source}.{name.name}"
        owner, _, table = full.rpartition(".")
        if owner in self.declared.sources and table in self.declared.sources[owner].tables:
            self.followed.use(self.declared.sources[owner].tables[table].span)
            if owner != source:
                self.followed.reached.add(owner)
        return self.table(full)

    def table(self, full: str) -> Env:
        """What the columns of a table can hold; nothing of one that a finding stands in the way of."""
        if full not in self.tables:
            self.tables[full] = {}  # of a table in a circle
            owner, _, name = full.rpartition(".")
            checked = self.checked.get(full)
            if checked is not None:
                source = self.declared.sources[owner]
                declared = source.tables[name]
                if isinstance(declared, d.ReadTable):
                    columns = self.read(declared, checked.columns, owner)
                else:
                    columns, constants = self.refer(declared.start, owner), self.constants(owner)
                    for step in declared.steps:
                        columns = self.step(step, columns, owner, constants)
                for identity in source.identity:
                    self.use(columns, *ids(identity))
                self.tables[full] = columns
        return self.tables[full]

    def read(self, table: d.ReadTable, types: Mapping[str, Type], owner: str) -> Env:
        """The columns of a table that is read; its key is used, and what stands in the names of its files."""
        constants = self.constants(owner)
        for column in table.labels.values():
            if isinstance(column.names, s.Name):
                self.use(constants, column.names)
        spans = {name: span for name, (_, span) in table.columns.items()}
        spans |= {name: span for name, column in table.labels.items() if (span := column.span)}
        columns = {
            name: self.followed.declare("column", name, spans.get(name), owner, _cell(table, name, type))
            for name, type in types.items()
        }
        self.use(columns, *table.key)
        captured = [name for name, (column, _) in table.columns.items() if _is_captured(column, table)]
        self.use(columns, *map(s.Name, captured))
        return columns

    def use(self, known: Env, *names: s.Name) -> None:
        """These names are used."""
        for name in names:
            self.values.use(known.get(name.name, ANY))

    def step(self, step: d.Step, columns: Env, source: str, constants: Env) -> Env:
        """What the columns can hold behind a step."""
        known = {**constants, **columns}
        match step:
            case d.Where(conditions):
                for what, condition in conditions:
                    columns = self.where(what, condition, columns, constants)
                return columns
            case d.Derive(derived):
                for name, expression in derived:
                    columns = {
                        **columns,
                        name.name: self.made(name, source, self.values.of(expression, {**constants, **columns})),
                    }
                return columns
            case d.Select(names):
                return {name.name: columns.get(name.name, ANY) for name in names}
            case d.Join():
                return self.join(step, columns, source)
            case d.Group(by, order, take) | d.Merge(by, _, _, order, take):
                self.use(columns, *by)
                for expression in order:
                    self.values.of(expression, known)
                kept = {name.name: columns.get(name.name, ANY) for name in by}
                if isinstance(step, d.Merge):
                    self.use(columns, step.box)
                    kept[step.box.name] = ANY
                return {
                    **kept,
                    **{name.name: self.made(name, source, self.values.of(call, known)) for name, call in take},
                }
            case d.Explode(column, item, position):
                self.use(columns, column)
                rest = {name: domain for name, domain in columns.items() if name != column.name}
                place = {position.name: ANY} if position else {}
                return {**rest, item.name: columns.get(column.name, ANY), **place}
            case d.Union(table):
                theirs = self.refer(table, source)
                return {name: union((domain, theirs.get(name, ANY))) for name, domain in columns.items()}
            case d.Unpivot():
                return self.unpivot(step, columns, constants)
            case d.Lag(by, order, take):
                self.use(columns, *by, *(old for _, old in take))
                for expression in order:
                    self.values.of(expression, known)
                before = {new.name: self.made(new, source, columns.get(old.name, ANY)) for new, old in take}
                return {**columns, **_loose(before)}
            case d.SplitRows(name, column):
                return {**columns, column.name: self.split(name.name, source, columns)}
            case d.Contrast():
                return self.contrast(step, columns, source, constants)

    def made(self, name: s.Name, source: str, domain: Domain) -> Domain:
        """A column that a step makes."""
        return self.followed.declare("column", name.name, name.span, source, domain)

    def join(self, step: d.Join, columns: Env, source: str) -> Env:
        """Columns of another table; those that are named are columns of their own, and theirs are used."""
        theirs = self.refer(step.table, source)
        self.use(columns, *(mine for mine, _ in step.on))
        self.use(theirs, *(other for _, other in step.on))
        if step.kind in ("semi", "anti"):
            return columns
        if step.take is None:
            taken = dict(theirs)
        else:
            self.use(theirs, *(old for _, old in step.take))
            taken = {new.name: self.made(new, source, theirs.get(old.name, ANY)) for new, old in step.take}
        return {**(_loose(taken) if step.kind == "left" else taken), **columns}

    def unpivot(self, step: d.Unpivot, columns: Env, constants: Env) -> Env:
        """The names of the columns that go are the values of one; another has what they held."""
        if isinstance(step.columns, s.Name):
            self.use(constants, step.columns)
            listed = constants.get(step.columns.name, ANY).values or ()
            names, place = tuple(s.Name(str(value)) for value in listed), step.columns.span
        else:
            names, place = step.columns, step.span
        self.use(columns, *names)
        gone = tuple(name.name for name in names)
        rest = {name: domain for name, domain in columns.items() if name not in gone}
        value = union(columns.get(name, ANY) for name in gone)
        return {**rest, step.name.name: Domain(gone, places=_declared(place), null=False), step.value.name: value}

    def contrast(self, step: d.Contrast, columns: Env, source: str, constants: Env) -> Env:
        """Given rows and drawn ones, of which some columns are the pool's and some are set."""
        theirs = self.refer(step.pool, source)
        self.values.of(step.lacks, {**constants, **columns})
        seen = [part.name for part in parts(step.lacks) if isinstance(part, s.Field) and part.operand == s.Name("pool")]
        pool = self.checked.get(step.pool.name if "." in step.pool.name else f"{source}.{step.pool.name}")
        self.use(theirs, *map(s.Name, (*seen, *((pool.key or ()) if pool else ()))), *(old for _, old in step.take))
        self.use(columns, step.origin)
        drawn = {new.name: theirs.get(old.name, ANY) for new, old in step.take}
        after = {**columns, **{name: union((columns.get(name, ANY), one)) for name, one in drawn.items()}}
        for name, expression in step.set:
            value = self.values.of(expression, {**constants, **after})
            after[name.name] = union((after.get(name.name, ANY), value))
        return {**after, step.mark.name: ANY}

    def where(self, name: str, condition: s.Expr, columns: Env, constants: Env) -> Env:
        """What is left behind a filter. One that is `false`, written out, says so on purpose."""
        before, known = self.values.found, {**constants, **columns}
        true, _ = self.values.assume(condition, known)
        if true is not None and self.values.found == before:
            return {column: true[column] for column in columns}
        if self.values.found == before and not isinstance(condition, s.Bool):
            self.followed.never.append(Never("filter", name, condition, known))
        lost = {part.name for part in parts(condition) if isinstance(part, s.Name)} & columns.keys()
        return {**columns, **{one: Domain(origins=columns[one].origins) for one in lost}}

    # ---- specs

    def spec(self, spec: d.Spec, task: d.Task) -> Env:
        """What the inputs of a spec can be."""
        source = spec.source.name
        self.followed.reached.add(source)
        start = self.refer(spec.start, source)
        constants = self.constants(source, task.constants, spec.constants)
        columns: Env = {**start, "split": replace(self.side(spec, start), origins=frozenset())}
        for step in spec.steps:
            columns = {"split": columns["split"], **self.step(step, columns, source, constants)}
        known = {**constants, **columns}
        for expression in (*spec.key, *(spec.study or ())):
            self.values.of(expression, known)
        for keep in spec.keep:
            self.values.look(s.Name("split"), columns["split"], keep.split, keep.span)
            self.where(keep.name, keep.where, columns, constants)
        for word, least, _ in spec.expect:
            if least > 0:
                self.values.look(s.Name("split"), columns["split"], word, spec.expect_spans.get(word))
        bound = {name.name: self.values.of(expression, known) for name, expression in spec.bind}
        self.use(columns, *(name for name, _ in task.inputs if name.name not in bound))
        return {name.name: bound.get(name.name, columns.get(name.name, ANY)) for name, _ in task.inputs}

    def side(self, spec: d.Spec, start: Env) -> Domain:
        """The splits that rows of a spec can be of: those of its source's split, and of their spaces."""
        source, spaces = self.declared.sources[spec.source.name], self.declared.spaces
        named = {i.space for i in source.identity}
        alone = spec.own_split or "split" in spec.overlaid or spec.identity == "none"
        shared = [] if alone else [spaces[name] for name in sorted(named & spaces.keys())]
        found = [self.space(space) for space in shared]
        if len(shared) < len(named):
            name = spec.split.name if spec.split else next(iter(source.splits), "")
            found.append(self.split(name, source.name, start))
        return union(found)

    def space(self, space: d.Space) -> Domain:
        """The splits that rows of a space can be of."""
        otherwise = self.says(space.otherwise, "", {})
        if space.authority is None:
            return otherwise
        owner, _, name = space.authority.name.partition(".")
        self.followed.reached.add(owner)
        return union((self.split(name, owner, {}), otherwise))

    def split(self, name: str, source: str, columns: Env) -> Domain:
        """The words that a split of a source can say of rows with these columns; it is used."""
        split = self.declared.sources[source].splits.get(name) if source in self.declared.sources else None
        if split is None:
            return ANY
        self.followed.use(split.span)
        return self.says(split, source, columns)

    def says(self, split: d.Split, source: str, columns: Env) -> Domain:
        """The words that a split can say; the columns that it asks are used."""
        place = _declared(split.span)
        rows = columns if split.table is None else self.refer(split.table, source)
        match split:
            case d.ConstantSplit(word):
                return Domain((word,), places=place, null=False)
            case d.ListSplit(lists, key):
                self.use(rows, key)
                for _, table in lists:
                    self.use(self.refer(table, source), key)
                return Domain(tuple(word for word, _ in lists), places=place, null=False)
            case d.HoldoutSplit(cut, key):
                self.use(rows, key)
                return Domain(tuple(dict.fromkeys(_words(cut))), places=place, null=False)
            case d.RatioSplit(shares, None):
                return Domain(("train", *(word for word, _ in shares)), places=place, null=False)
            case d.RatioSplit(_, out_of):
                other = self.declared.sources[source].splits.get(out_of.name) if out_of else None
                if other is not None and other.span not in self.values.used:  # else it was asked, or asks this one
                    self.split(out_of.name if out_of else "", source, columns)
                return ANY
            case d.ColumnSplit(column):
                return self.values.use(rows.get(column.name, ANY))

    # ---- tasks

    def task(self, task: d.Task, bound: list[Env]) -> None:
        """The forms of a task, with what any of its specs binds."""
        known = self.constants("", task.constants)
        inputs = {name.name: union(one[name.name] for one in bound) if bound else ANY for name, _ in task.inputs}
        for rule, span in task.rule_spans.items():
            self.followed.declare("rule", rule, span, "")
        for form in task.forms:
            there: Env = {**known, **{name: replace(domain, origins=frozenset()) for name, domain in inputs.items()}}
            for name, expression in form.let:
                value = self.values.of(expression, there)
                there = {**there, name.name: self.followed.declare("let", name.name, name.span, "", value)}
            if form.when is not None:
                before = self.values.found
                true, _ = self.values.assume(form.when, there)
                if true is None and self.values.found == before:
                    self.followed.never.append(Never("form", form.name, form.when, there))
                there = there if true is None else true
            for expression in _expressions(form):
                self.values.of(expression, there)
            self.rules((form.prompt, form.answer), task, set())

    def rules(self, of: object, task: d.Task, seen: set[str]) -> None:
        """The rules that a prompt names, and those that they name, are used."""
        words = self.declared.words
        for part in parts(of):
            if isinstance(part, s.Rule) and part.name not in seen:
                seen.add(part.name)
                own = part.name in task.rules
                self.followed.use((task.rule_spans if own else words.rule_spans).get(part.name))
                self.rules((task.rules if own else words.rules).get(part.name), task, seen)


def _cell(table: d.ReadTable, name: str, type: Type) -> Domain:
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


def _is_captured(column: RawColumn, table: d.ReadTable) -> bool:
    """Whether a column is a piece of the path, and so says which files are read."""
    return any(f"{{{place.path}}}" in file for place in column.places for file in table.read.files)


def _loose(columns: Env) -> Env:
    """Columns that may be null, whatever they were."""
    return {name: replace(domain, null=True) for name, domain in columns.items()}


def _constant(value: d.Constant, span: Span) -> Domain:
    """What a constant is; a policy is no value."""
    if isinstance(value, d.Policy):
        return ANY
    return Domain(value if isinstance(value, tuple) else (value,), places=_declared(span), null=False)


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
    for one in fields(form.answer):
        value = getattr(form.answer, one.name)
        if isinstance(value, s.Expr):
            yield value
