"""Plan -> Polars: a relation becomes a few lazy queries, cut where its rows change what they are.

Nothing in a query raises on data. A row that leaves gets the number of the gate it left by in the column `$lost`
(null: still there) and goes along to the end of its stage, where `$lost` is counted: filters and losing joins are
attrition, checks are bad rows. A stage ends before each node that makes other rows (or more of them) of those there
are or looks at other rows than its own (`Lag`), before `Turns`, and at the end of the relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, draw, expression, mixed, numbered
from cxrspec.compiler.boxes import outer
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.fast import alike
from cxrspec.compiler.fast.known import Few, Items, Known, known
from cxrspec.compiler.lower import before, result
from cxrspec.compiler.merging import MOST, with_leaders
from cxrspec.compiler.turns import add_turns
from cxrspec.compiler.typed import Build, Column, Draw, Get, Typed, draws, walk
from cxrspec.compiler.types import BOX, INT, RecordOf

LOST = "$lost"


@dataclass(frozen=True, slots=True)
class Gate:
    """A place where rows leave: a `filter` (attrition) or a `check` (bad rows)."""

    kind: Literal["filter", "check"]
    name: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Nodes between two places where rows change what they are, with the reason for the cut before it ("" = none).

    `known` is what lists can hold before it, where it asks turns. `passed` are the columns that later stages need; the
    last stage passes all.
    """

    nodes: tuple[p.Node, ...]
    change: str = ""
    known: Known = field(default_factory=dict[str, Items | Few])
    passed: tuple[str, ...] | None = None


def stages(relation: p.Relation) -> list[Stage]:
    """The relation's nodes behind its leaf, cut where rows become others or look at others, and before `Turns`."""
    nodes = relation.nodes
    asks = isinstance(nodes[-1], p.Turns)
    wanted = result(relation) if asks else p.schema(relation)
    cut: list[Stage] = []
    start = 1
    change = ""
    for place, node in enumerate(nodes[1:], 1):
        if _change(node) or isinstance(node, p.Lag | p.Turns):
            end = _late(nodes, start, place) if isinstance(node, p.Turns) else place
            cut.append(Stage(nodes[start:end], change, passed=tuple(sorted(before(nodes[end:], wanted)))))
            start, change = end, _change(node)
    return [*cut, Stage(nodes[start:], change, known(nodes[:start], {}) if asks else {})]


def _late(nodes: Sequence[p.Node], start: int, turns: int) -> int:
    """Where the stage of `turns` begins: before the columns made last, so that rows are narrow when they are sorted.

    Lists are what takes long to sort. What is drawn stays, since the stage knows of columns that are the same in every
    row, and so does what is checked, since a check speaks of all rows, also of those that a limit leaves out.
    """
    while turns > start:
        node = nodes[turns - 1]
        if not isinstance(node, p.Derive) or node.name in ("$id", "split") or node.checks or draws(node.expression):
            break
        turns -= 1
    return turns


def _change(node: p.Node) -> str:
    """What makes other rows of those there are, or more; "" for a node that keeps each row or loses it."""
    match node:
        case p.Group(by):
            return f"group by {', '.join(by) or 'nothing'}"
        case p.Merge(_, box):
            return f"merge {box}"
        case p.Explode(column):
            return f"explode {column}"
        case p.Unpivot(columns):
            return f"unpivot {', '.join(columns)}"
        case p.Union(relation):
            return f"union {relation}"
        case p.Join(many=True):
            return f"join {node.name}"
        case p.Contrast(_, name):
            return f"contrast {name}"
        case p.Copy(pairs):
            return ", ".join(f"copy {other} as {split}" for split, other in pairs)
        case _:
            return ""


def query(
    stage: Stage, rows: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], context: Context
) -> tuple[pl.LazyFrame, list[Gate]]:
    """The stage as one lazy query with the column `$lost`, and the gates its numbers stand for."""
    held = known(stage.nodes[:-1], stage.known)
    building = _Building(rows.with_columns(pl.lit(None, pl.UInt16).alias(LOST)), tables, context, held)
    for node in stage.nodes:
        building.add(node)
    rows = building.rows if stage.passed is None else building.rows.select(*stage.passed, LOST)
    return rows, building.gates


class _Building:
    """The query of one stage on its way. `alike` are columns that are the same in every row."""

    def __init__(self, rows: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], context: Context, known: Known) -> None:
        self.rows = rows
        self.known = known
        self.tables = tables
        self.context = context
        self.gates: list[Gate] = []
        self.alike: set[str] = set()

    def gate(self, kind: Literal["filter", "check"], name: str, holds: pl.Expr) -> None:
        """Rows for which `holds` is not true leave by this gate, unless they have left already."""
        number = pl.lit(len(self.gates), pl.UInt16)
        leaves = pl.col(LOST).is_null() & ~holds.fill_null(value=False)
        self.rows = self.rows.with_columns(pl.when(leaves).then(number).otherwise(pl.col(LOST)).alias(LOST))
        self.gates.append(Gate(kind, name))

    def add(self, node: p.Node) -> None:
        match node:
            case p.Filter(name, condition):
                self.gate("filter", name, expression(condition, self.context))
            case p.Check(name, condition):
                self.gate("check", name, expression(condition, self.context))
            case p.Derive(name, value, checks):
                for check in checks:
                    self.add(check)
                self.rows = self.rows.with_columns(self.lower(value).alias(name))
                self.alike.discard(name)
            case p.Select(columns):
                self.rows = self.rows.select(*columns, LOST)
            case p.Join():
                self.join(node)
            case p.Group():
                self.group(node)
            case p.Merge():
                self.merge(node)
            case p.Explode():
                self.explode(node)
            case p.Union(relation):
                self.rows = pl.concat([self.rows, self.tables[relation]], how="diagonal")
            case p.Unpivot():
                self.unpivot(node)
            case p.Lag():
                self.lag(node)
            case p.Unique(name, column):
                alone = pl.col(LOST).is_null().sum().over(column) <= 1
                self.gate("check", f"{name} stands more than once", alone)
            case p.Contrast():
                self.contrast(node)
            case p.Keep(name, condition, rows):
                thinned = pl.col(LOST).is_null() & expression(condition, self.context)
                rank = pl.when(thinned).then(draw(self.context, f"keep.{name}")).rank("min")
                self.gate("filter", name, rank.is_null() | (rank <= rows))
            case p.Copy():
                self.copy(node)
            case p.Turns(forms):
                add_turns(self, forms, self.context, self.known)
            case p.Read() | p.Scan() | p.Holdout() | p.Empty():
                raise AssertionError("a leaf inside a stage")

    def lower(self, e: Typed) -> pl.Expr:
        """The Polars expression of an expression."""
        made: dict[Typed, pl.Expr] = {}
        for one in walk(e) if self.context.fast else ():
            if isinstance(one, Draw) and (drawn := alike.drawn(one, self.alike, self.context)) is not None:
                made[one] = drawn
        return expression(e, replace(self.context, made=made))

    def join(self, node: p.Join) -> None:
        """A left join that marks its matches, so that an inner join can count its losses; `on: []` matches all rows."""
        on = [(pl.col(mine), pl.col(theirs)) for mine, theirs in node.on] or [(pl.lit(0), pl.lit(0))]
        mine, theirs = [f"$mine{i}" for i in range(len(on))], [f"$theirs{i}" for i in range(len(on))]
        keys = [theirs.alias(name) for (_, theirs), name in zip(on, theirs, strict=True)]
        taken = [pl.col(theirs).alias(new) for new, theirs, _ in node.take]
        marked = self.tables[node.relation].with_columns(*keys, pl.lit(value=True).alias("$hit"))
        right = marked.select(*theirs, *taken, "$hit")
        if node.kind in ("semi", "anti"):
            right = right.unique()
        left = self.rows.with_columns(mine.alias(name) for (mine, _), name in zip(on, mine, strict=True))
        self.rows = left.join(right, left_on=mine, right_on=theirs, how="left")
        match node.kind:
            case "inner" | "semi":
                self.gate("filter", node.name, pl.col("$hit"))
            case "anti":
                self.gate("filter", f"not {node.name}", pl.col("$hit").is_null())
            case "left":
                pass
        self.rows = self.rows.drop("$hit", *mine)
        if not node.on and not node.many:  # one row for all
            self.alike |= {new for new, _, _ in node.take}

    def group(self, node: p.Group) -> None:
        """One row a group; `only` marks the groups whose values differ, and they leave as bad rows behind it.

        Rows are sorted before they are grouped, which keeps their order: to sort each group by itself takes longer.
        """
        order = [expression(e, self.context) for e in node.order]
        rows = self.rows.sort(*node.by, *order) if order else self.rows
        made: list[pl.Expr] = []
        for aggregate in node.take:
            value = pl.len() if aggregate.argument is None else expression(aggregate.argument, self.context)
            made.append(AGGREGATES[aggregate.function](value).cast(dtype_of(aggregate.type)).alias(aggregate.name))
            if aggregate.function == "only":
                made.append(value.n_unique().alias(f"$distinct.{aggregate.name}"))
        if node.by:
            grouped = rows.group_by(*node.by).agg(made)
        else:  # one row of all rows, none of none
            grouped = rows.select(*made, pl.len().alias("$rows")).filter(pl.col("$rows") > 0).drop("$rows")
        self.rows = grouped.with_columns(pl.lit(None, pl.UInt16).alias(LOST))
        for aggregate in node.take:
            if aggregate.function == "only":
                self.gate(
                    "check", f"only() in `{aggregate.name.lstrip('$')}`", pl.col(f"$distinct.{aggregate.name}") == 1
                )
                self.rows = self.rows.drop(f"$distinct.{aggregate.name}")

    def merge(self, node: p.Merge) -> None:
        """One row for each box that leads. Boxes of one group are of one image, and no more than a mask has bits."""
        order = [expression(e, self.context) for e in node.order]
        self.rows = with_leaders(self.rows, node.by, node.box, node.over, order)
        box, boxes = Column(node.box, BOX), Column("$boxes", INT)
        sides = ("width", "height")
        size = Build(tuple((s, Get(box, s, INT)) for s in sides), RecordOf(tuple((s, INT) for s in sides)))
        made = (
            p.Aggregate(node.box, "outer", box, BOX),
            p.Aggregate("$boxes", "max", boxes, INT),
            p.Aggregate("$sizes", "distinct", size, INT),
        )
        self.group(p.Group((*node.by, "$leader"), node.order, (*made, *node.take)))
        self.gate("check", f"more than {MOST} boxes to merge in `{node.box}`", pl.col("$boxes") <= MOST)
        self.gate("check", f"boxes of images of different size in `{node.box}`", pl.col("$sizes") == 1)
        self.rows = self.rows.drop("$leader", "$boxes", "$sizes")

    def contrast(self, node: p.Contrast) -> None:
        """Rows and pool are put on their rings; the pool's row that follows a row there is the one drawn for it."""
        ring = ["split", *node.own]
        key = [f"$key{i}" for i in range(len(node.key))]
        rows = self.rows.with_row_index("$row")
        pool = self.tables[node.relation].with_row_index("$place")
        seen = pl.struct(node.seen or node.key).alias("pool")
        parts = [pl.col(column).alias(name) for column, name in zip(node.key, key, strict=True)]
        lacking = ~expression(node.lacks, self.context)
        pairs = (
            rows.select(ring).unique().join(pool.select("split", "$place", seen, *parts), on="split").filter(lacking)
        )
        texts = [pl.col(name).cast(pl.String) for name in (*key, *node.own)]
        at = mixed(numbered(self.context, *texts), node.site)
        there = pairs.select(*ring, "$place", *key, at.alias("$point"))
        here = rows.select(*ring, "$row", draw(self.context, node.site).alias("$point"))
        order = ["$point", pl.col("$row").is_null(), *key]
        following = pl.col("$place").backward_fill().over(ring, order_by=order)
        first = pl.col("$place").drop_nulls().first().over(ring, order_by=order)
        all = pl.concat([there, here], how="diagonal").with_columns(following.fill_null(first))
        drawn = all.filter(pl.col("$row").is_not_null()).select("$row", "$place")
        names = {new: f"$taken {new}" for new, _, _ in node.take}
        taken = pool.select("$place", *(pl.col(theirs).alias(names[new]) for new, theirs, _ in node.take))
        below = rows.join(drawn, on="$row", how="left").join(taken, on="$place", how="left")
        below = below.with_columns(pl.col(name).alias(new) for new, name in names.items()).drop(names.values())
        both = (
            rows.with_columns(pl.lit(value=False).alias("$drawn")),
            below.with_columns(pl.lit(value=True).alias("$drawn")),
        )
        self.rows = pl.concat(both, how="diagonal")
        self.gate("filter", f"drawn from {node.name}", ~pl.col("$drawn") | pl.col("$place").is_not_null())
        self.rows = self.rows.drop("$row", "$place")

    def copy(self, node: p.Copy) -> None:
        """The rows of a split once more, in place of those of another."""
        split = pl.col("split")
        copies = [
            self.rows.filter(split == other).with_columns(pl.lit(word).alias("split"), pl.col("$id") + f"~{word}")
            for word, other in node.pairs
        ]
        own = self.rows.filter(~split.is_in([word for word, _ in node.pairs]))
        self.rows = pl.concat([own, *copies])

    def explode(self, node: p.Explode) -> None:
        """An empty list and a null give no row; the position is counted before the items part."""
        items = pl.col(node.column).alias(node.item)
        columns = [node.item]
        if node.position is not None:
            columns.append(node.position)
            places = pl.int_ranges(0, pl.col(node.column).list.len(), dtype=pl.Int64).alias(node.position)
            self.rows = self.rows.with_columns(places)
        self.rows = self.rows.with_columns(items)
        if node.item != node.column:
            self.rows = self.rows.drop(node.column)
        self.rows = self.rows.explode(columns, empty_as_null=False, keep_nulls=False)

    def unpivot(self, node: p.Unpivot) -> None:
        """The rows once for each column: Polars' own `unpivot` takes no lists and records."""
        name = [pl.lit(column).alias(node.name) for column in node.columns]
        value = [pl.col(column).cast(dtype_of(node.type)).alias(node.value) for column in node.columns]
        rest = pl.exclude(node.columns)
        self.rows = pl.concat([self.rows.select(rest, n, v) for n, v in zip(name, value, strict=True)])

    def lag(self, node: p.Lag) -> None:
        """The row before, among those of the stage that have all that is asked for; the others stand in a group apart."""
        order = [expression(e, self.context).alias(f"$order.{i}") for i, e in enumerate(node.order)]
        names = [f"$order.{i}" for i in range(len(order))]
        there = pl.all_horizontal(pl.col(name).is_not_null() for name in (*node.by, *names))
        self.rows = self.rows.with_columns(order).with_columns(there.alias("$there"))
        if not node.settled:
            alone = pl.len().over(*node.by, *names) <= 1
            within = ", ".join(node.by) or "all rows"
            self.gate("check", f"order within {within} stands more than once", alone | ~pl.col("$there"))
        before = [
            pl.when("$there").then(pl.col(column).shift().over("$there", *node.by, order_by=names)).alias(new)
            for new, column, _ in node.take
        ]
        self.rows = self.rows.with_columns(before).drop(*names, "$there")


AGGREGATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "only": lambda x: x.first(),
    "first": lambda x: x.first(),
    "list": lambda x: x.implode(),
    "list_unique": lambda x: x.unique().sort().implode(),
    "min": lambda x: x.min(),
    "max": lambda x: x.max(),
    "count": lambda x: x,
    "most_common": lambda x: x.drop_nulls().mode().min(),
    "outer": outer,
    "distinct": lambda x: x.n_unique(),
}
