"""What everything in a plan is made of, followed back to what is read: equal numbers mean equal rows, equal values.

    derive a = head(report, 2)           the number of `a` is that of (head, the number of `report`, 2)
    derive b = a                         `b` has the number of `a`: names count for nothing

Numbers are given by one `Numbers`; two compilations that share it can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import cast

from cxrspec.compiler import plan as p
from cxrspec.compiler.typed import Column, Typed, columns
from cxrspec.compiler.types import Type

ORDERED = ("first", "list")  # aggregates that hang on the order of a group


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A column: `node` says in `relation` how it is made, of the columns `of`.

    `rows` are those that its value hangs on: of an aggregate, of a lag, of the right side of a left join.
    """

    relation: str
    name: str
    node: object
    of: Mapping[str, Made]
    rows: Rows | None
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """A step that says which rows there are: `kind` is its word in YAML. `rows` are those of another relation."""

    kind: str
    name: str
    node: object
    of: Mapping[str, Made]
    rows: Rows | None
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of `relation`: those of `start` (None: they are read), then `ops`. Filters in a row have no order."""

    relation: str
    start: Rows | None
    ops: tuple[Op, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Traced:
    """A relation: its last columns, its rows, and what stops a run (`checks`)."""

    columns: Mapping[str, Made]
    rows: Rows
    checks: tuple[Op, ...]


class Numbers:
    """Gives each shape a number, equal shapes the same."""

    def __init__(self) -> None:
        self.known: dict[object, int] = {}

    def of(self, *shape: object) -> int:
        """The number of a shape."""
        return self.known.setdefault(shape, len(self.known))


def shape(value: object, of: Mapping[str, Made] | None = None) -> object:
    """An expression or node as nested tuples: a column is its number, or with `of` None its name.

    Types are left out, since they follow from those of the columns that are read.
    """
    match value:
        case Column(name):
            return "column", name if of is None else of[name].number
        case p.RawColumn():
            return str(value.type), tuple(shape(getattr(value, f.name)) for f in fields(value) if f.name != "type")
        case _ if isinstance(value, tuple):
            return tuple(shape(item, of) for item in cast(tuple[object, ...], value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            inside = (getattr(value, f.name) for f in fields(value))
            return value.__class__.__name__, *(shape(x, of) for x in inside if not isinstance(x, Type))
        case _:
            return value.__class__.__name__, value


def step(node: object) -> tuple[str, str]:
    """The word of a step in YAML, and what is spoken of to tell it from others; ("", "") for what is none."""
    match node:
        case p.Join():
            return "join", node.name
        case p.Union(relation):
            return "union", relation.partition(".")[2]
        case p.Group(by):
            return "group", ", ".join(by)
        case p.Merge(by):
            return "merge", ", ".join(by)
        case p.Lag(by):
            return "lag", ", ".join(by)
        case p.Explode(column):
            return "explode", column
        case p.Unpivot(_, name):
            return "unpivot", name
        case p.Contrast():
            return "contrast", node.name
        case _:
            return "", ""


class Lineage:
    """Follows the relations of one compilation, each once."""

    def __init__(self, relations: Mapping[str, p.Relation], numbers: Numbers) -> None:
        self.relations = relations
        self.numbers = numbers
        self.known: dict[str, Traced] = {}

    def of(self, name: str) -> Traced:
        """How the relation of this name is made."""
        if name not in self.known:
            self.known[name] = _Walk(self, self.relations[name]).traced()
        return self.known[name]

    def made(self, relation: str, name: str, expression: Typed, seen: Mapping[str, Made]) -> Made:
        """The column that an expression on `seen` makes; a column taken as it is keeps its number."""
        of = {column: seen[column] for column in sorted(columns(expression))}
        number = seen[expression.name].number if isinstance(expression, Column) else None
        number = self.numbers.of(shape(expression, of)) if number is None else number
        return Made(relation, name, expression, of, None, number)


class _Walk:
    """One relation, node by node."""

    def __init__(self, lineage: Lineage, relation: p.Relation) -> None:
        self.lineage, self.relation = lineage, relation
        self.columns: dict[str, Made] = {}
        self.start: Rows | None = None
        self.ops: list[Op] = []
        self.checks: list[Op] = []

    def traced(self) -> Traced:
        for node in self.relation.nodes:
            self.node(node)
        return Traced(self.columns, self.rows(), tuple(self.checks))

    def number(self, *shape: object) -> int:
        return self.lineage.numbers.of(*shape)

    def rows(self) -> Rows:
        """The rows so far. Neighbouring filters and joins are a set; what gathers or draws rows stands between sets."""
        runs: list[object] = []
        run: list[int] = []
        for op in self.ops:
            if op.kind in GATHERING:
                runs += [tuple(sorted(run)), op.number]
                run = []
            else:
                run.append(op.number)
        number = self.number("rows", self.start.number if self.start else None, *runs, tuple(sorted(run)))
        return Rows(self.relation.name, self.start, tuple(self.ops), number)

    def op(
        self, kind: str, name: str, node: object, said: object, of: Iterable[str] = (), rows: Rows | None = None
    ) -> None:
        """A step on rows; `said` is what its number is made of beside the rows of another relation."""
        made = {column: self.columns[column] for column in of}
        number = self.number(kind, said, rows.number if rows else None)
        self.ops.append(Op(kind, name, node, made, rows, number))

    def check(self, name: str, node: object, said: object, of: Iterable[str] = ()) -> None:
        made = {column: self.columns[column] for column in of}
        self.checks.append(Op("check", name, node, made, None, self.number("check", said)))

    def make(self, name: str, node: object, of: Mapping[str, Made], said: object, rows: Rows | None = None) -> None:
        """A new column by something else than an expression."""
        number = self.number(type(node).__name__, said, rows.number if rows else None)
        self.columns[name] = Made(self.relation.name, name, node, of, rows, number)

    def typed(self, expression: Typed) -> object:
        return shape(expression, self.columns)

    def numbers(self, names: Iterable[str]) -> tuple[int, ...]:
        return tuple(self.columns[name].number for name in names)

    def node(self, node: p.Node) -> None:
        match node:
            case p.Read() | p.Scan() | p.Empty() | p.Holdout():
                self.leaf(node)
            case p.Filter(name, condition):
                self.op("where", name, condition, self.typed(condition), columns(condition))
            case p.Check(name, condition):
                self.check(name, condition, self.typed(condition), columns(condition))
            case p.Unique(name, column):
                self.check(name, node, self.numbers([column]), [column])
            case p.Derive(name, expression):
                self.columns[name] = self.lineage.made(self.relation.name, name, expression, self.columns)
            case p.Select(names):
                self.columns = {name: self.columns[name] for name in names}
            case p.Join():
                self.join(node)
            case p.Group() | p.Merge():
                self.gather(node)
            case p.Explode(column, item, _, position):
                self.op(*step(node), node, self.numbers([column]), [column])
                of = {column: self.columns.pop(column)}
                self.make(item, node, of, ("item", of[column].number))
                if position:
                    self.make(position, node, of, ("position", of[column].number))
            case p.Union(relation):
                self.union(node, self.lineage.of(relation))
            case p.Unpivot(gone, name, value):
                self.op(*step(node), node, (gone, self.numbers(gone)), gone)
                of = {column: self.columns.pop(column) for column in gone}
                self.make(name, node, of, ("names", gone))
                self.make(value, node, of, ("values", gone, tuple(made.number for made in of.values())))
            case p.Lag(by, order, take):
                of = {column: self.columns[column] for column in (*by, *_read(order))}
                place = self.numbers(by), tuple(map(self.typed, order))
                taken = {new: self.columns[column] for new, column, _ in take}
                for row in take:
                    self.make(
                        row[0],
                        replace(node, take=(row,)),
                        of | {row[1]: taken[row[0]]},
                        (place, taken[row[0]].number),
                        self.rows(),
                    )
            case p.Contrast():
                self.contrast(node)
            case p.Keep(name, condition, rows):
                self.op("keep", name, node, (rows, self.typed(condition)), columns(condition))
            case p.Copy(pairs):
                self.op("copy", "copy", node, pairs)
            case p.Turns():
                pass

    def leaf(self, node: p.Read | p.Scan | p.Empty | p.Holdout) -> None:
        """What a relation starts from. Where files are read, the table's name counts for nothing, its source does."""
        match node:
            case p.Read(table=table):
                source = table.partition(".")[0]
                files = replace(node, table=source, columns=(), key=(), generated=False)
                self.op("read", table, files, shape(files))
                self.check("key", node.key, node.key)
                for column in node.columns:
                    said = source, shape(replace(column, name="", values=tuple(sorted(column.values))))
                    self.make(column.name, column, {}, said)
            case p.Scan(relation):
                traced = self.lineage.of(relation)
                self.start, self.columns = traced.rows, dict(traced.columns)
            case p.Holdout(relation, key, _, cut):
                traced = self.lineage.of(relation)
                self.start, of = traced.rows, {key: traced.columns[key]}
                self.columns = dict(of)
                self.op("group", key, node, (), ())
                self.make("split", node, of, (of[key].number, shape(cut)), traced.rows)
            case p.Empty():
                self.op("read", self.relation.name, node, ())

    def join(self, node: p.Join) -> None:
        """A left join on a key takes no row and brings none; what it takes hangs on the rows over there."""
        right = self.lineage.of(node.relation)
        mine = [name for name, _ in node.on]
        on = tuple(sorted((self.columns[a].number, right.columns[b].number) for a, b in node.on))
        theirs = {f"{node.relation}.{b}": right.columns[b] for _, b in node.on}
        of = {name: self.columns[name] for name in mine} | theirs
        bare = replace(node, take=())
        for new, column, type in node.take:
            taken = right.columns[column]
            self.make(
                new,
                replace(node, take=((new, column, type),)),
                of | {f"{node.relation}.{column}": taken},
                (node.kind, on, taken.number),
                right.rows if node.kind == "left" else None,
            )
        if node.kind != "left" or node.many:
            number = self.number("join", node.kind, node.many, on, right.rows.number)
            self.ops.append(Op(*step(node), bare, of, right.rows, number))

    def gather(self, node: p.Group | p.Merge) -> None:
        """One row of several: an aggregate hangs on the rows so far, unless all its values are one."""
        rows = self.rows()
        by = self.numbers(node.by)
        order = tuple(map(self.typed, node.order))
        box = (node.box, node.over) if isinstance(node, p.Merge) else ()
        read = [*node.by, *(_read(node.order) if box else ()), *box[:1]]
        said = (by, node.over, order, self.columns[node.box].number) if isinstance(node, p.Merge) else by
        before, kept = dict(self.columns), {name: self.columns[name] for name in node.by}
        self.op(*step(node), replace(node, take=(), order=node.order if box else ()), said, read)
        self.columns = kept
        if isinstance(node, p.Merge):
            of = {name: before[name] for name in read}
            self.make(node.box, replace(node, take=()), of, said, rows)
        for one in node.take:
            argument = one.argument
            if one.function == "only" and argument is not None:  # the value that all rows of the group have
                self.columns[one.name] = self.lineage.made(self.relation.name, one.name, argument, before)
                continue
            ordered = bool(box) or one.function in ORDERED
            slim = replace(node, take=(one,), order=node.order if ordered else ())
            arguments = (argument,) if argument is not None else ()
            of = {name: before[name] for name in (*read, *_read(arguments), *(_read(node.order) if ordered else ()))}
            value = one.function, tuple(shape(x, before) for x in arguments), order if ordered else ()
            self.make(one.name, slim, of, (said, value), rows)

    def union(self, node: p.Union, other: Traced) -> None:
        for name, here in self.columns.items():
            there = other.columns[name]
            of = {name: here, f"{node.relation}.{name}": there}
            self.make(name, node, of, (here.number, there.number))
        self.op(*step(node), node, (), (), other.rows)

    def contrast(self, node: p.Contrast) -> None:
        """Given rows and drawn ones: columns that are taken are those of either."""
        pool = self.lineage.of(node.relation)
        names = {*node.seen, *node.key, *(theirs for _, theirs, _ in node.take)}
        there = {f"{node.relation}.{name}": pool.columns[name] for name in sorted(names)}
        seen = {name: pool.columns[name].number for name in (*node.seen, *node.key)}
        lacks = shape(node.lacks, self.columns | {"pool": _unread("pool")})
        said = node.site, lacks, tuple(seen.items())
        of = {name: self.columns[name] for name in node.own} | there
        number = self.number("contrast", said, pool.rows.number)
        self.ops.append(Op(*step(node), replace(node, take=()), of, pool.rows, number))
        for new, theirs, type in node.take:
            values = {new: self.columns[new]} | there
            numbers = self.columns[new].number, pool.columns[theirs].number
            self.make(new, replace(node, take=((new, theirs, type),)), values, (said, numbers))
        self.make("$drawn", replace(node, take=()), {}, "drawn")


GATHERING = frozenset(("group", "merge", "contrast", "keep", "copy", "union"))


def _read(expressions: Iterable[Typed]) -> list[str]:
    return sorted({name for e in expressions for name in columns(e)})


def _unread(name: str) -> Made:
    """A name that stands for a whole row: the columns that are read of it are counted by themselves."""
    return Made("", name, None, {}, None, -1)
