"""EXECUTE: the relations of a plan over tables that have been read, each computed once and dropped after its last use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from os.path import commonprefix
from typing import Literal

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, draw
from cxrspec.compiler.boxes import corners
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.fast.known import counted
from cxrspec.compiler.forms import bound
from cxrspec.compiler.to_polars import LOST, Gate, Stage, query, stages
from cxrspec.compiler.types import SPLITS

Engine = Literal["in-memory", "streaming"]
"""Both make the same bytes. Where none is asked for, each stage is made on the one that suits it (`suited`)."""

ROWS_AT_A_TIME = 100_000


@dataclass(frozen=True, slots=True)
class Loss:
    """What a step did to the number of rows."""

    relation: str
    step: str
    rows_in: int
    rows_out: int


@dataclass(frozen=True, slots=True)
class Bad:
    """Rows that broke a rule, by the rule; never what stood in them."""

    relation: str
    check: str
    rows: int


@dataclass(frozen=True, slots=True)
class Computed:
    """A relation's rows, with what was lost on the way and what was bad. Rows that have been used up are none."""

    frame: pl.DataFrame
    losses: tuple[Loss, ...] = ()
    bad: tuple[Bad, ...] = ()


class Execution:
    """Computes relations on demand and keeps their rows for as long as others are to be made from them.

    `tables` hands over what was read (a frame by `<source>.<table>`), each once.
    """

    def __init__(
        self,
        relations: Sequence[p.Relation],
        tables: Callable[[str], pl.DataFrame],
        context: Context,
        engine: Engine | None = None,
        limit: int | None = None,
    ) -> None:
        self.relations = {r.name: r for r in relations}
        self.tables = tables
        self.context = context
        self.engine: Engine | None = engine
        self.limit = limit
        self.done: dict[str, Computed] = {}
        self.users = Counter(name for r in relations for name in {*r.uses})

    def reached(self, name: str) -> list[str]:
        """The relation and all it is made from, those first."""
        return p.reached(self.relations, name)

    def compute(self, name: str) -> Computed:
        """The relation's rows; everything it needs is computed first."""
        if name not in self.done:
            relation = self.relations[name]
            counts = _Counts(name)
            frame = self._made(relation, stages(relation), counts)
            self.done[name] = counts.computed(frame)
        return self.done[name]

    def examples(self, name: str, source: str, generated: bool, emit: Callable[[pl.DataFrame], None]) -> Computed:
        """Hand the examples of a spec to `emit`, a batch at a time, sorted by split and id; none behind a bad row.

        It is the turns that take room, so rows are sorted before they are asked, and asked batch by batch.
        """
        relation = self.relations[name]
        counts = _Counts(name)
        *before, asking = stages(relation)
        rows = self._limited(self._made(relation, before, counts))
        rows = pl.concat([sorted_by(rows.filter(pl.col("split") == split), "$id") for split in SPLITS])
        asking = replace(asking, known=counted(rows, asking.known))
        output = example(p.schema(relation), name, source, generated)
        gates: list[Gate] = []
        lost = Counter[int]()
        for start in range(0, max(rows.height, 1), ROWS_AT_A_TIME):
            batch = rows.slice(start, ROWS_AT_A_TIME)
            made, gates, left = self._run(asking, batch, {}, output)
            lost += left
            if not counts.bad and not any(gates[number].kind == "check" for number in lost):
                emit(made)
        counts.add(asking, rows.height, rows.height, gates, lost)
        return counts.computed(rows.clear())

    def _made(self, relation: p.Relation, stages: Sequence[Stage], counts: _Counts) -> pl.DataFrame:
        """The rows of a relation behind some of its stages."""
        others = {name: self._taken(name) for name in sorted({*relation.uses})}
        frame = self._leaf(relation.nodes[0], others)
        tables = {name: other.lazy() for name, other in others.items()}
        for stage in stages:
            if stage.nodes:
                before = frame.height
                frame, gates, lost = self._run(stage, frame, tables)
                counts.add(stage, before, frame.height + lost.total(), gates, lost)
        return frame

    def _taken(self, name: str) -> pl.DataFrame:
        """The rows of a relation for one of those that are made from it; the last one takes them away."""
        computed = self.compute(name)
        self.users[name] -= 1
        if not self.users[name]:
            self.done[name] = replace(computed, frame=computed.frame.clear())
        return computed.frame

    def _leaf(self, leaf: p.Node, others: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        match leaf:
            case p.Read(table):
                return self.tables(table)
            case p.Empty(columns):
                return pl.DataFrame(schema={name: dtype_of(type) for name, type in columns})
            case p.Scan(relation, columns):
                return others[relation].select([name for name, _ in columns])
            case p.Holdout(relation, key, type, cut):
                return holdout(others[relation][key], cut, dtype_of(type))
            case _:
                raise AssertionError("a relation starts with a leaf")

    def _run(
        self, stage: Stage, frame: pl.DataFrame, tables: Mapping[str, pl.LazyFrame], output: Sequence[pl.Expr] = ()
    ) -> tuple[pl.DataFrame, list[Gate], Counter[int]]:
        """What comes out of a stage (all columns, or `output`), its gates, and how many rows left by which of them."""
        lazy, gates = query(stage, frame.lazy(), tables, self.context)
        made = (lazy.select(*output, LOST) if output else lazy).collect(engine=self.engine or suited(stage))
        lost = Counter[int](dict(made[LOST].drop_nulls().value_counts().iter_rows()))
        there = made.filter(pl.col(LOST).is_null()) if lost else made
        return there.drop(LOST), gates, lost

    def _limited(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With a limit, the rows of the lowest draws: the same ones whatever else there is."""
        if self.limit is None or frame.height <= self.limit:
            return frame
        return frame.sort(draw(self.context, ":limit")).head(self.limit)


@dataclass(slots=True)
class _Counts:
    """What a relation's stages did to the number of rows, so far."""

    relation: str
    losses: list[Loss] = field(default_factory=list[Loss])
    bad: list[Bad] = field(default_factory=list[Bad])

    def add(self, stage: Stage, before: int, there: int, gates: Sequence[Gate], lost: Mapping[int, int]) -> None:
        """A stage had `before` rows and made `there` of them, before its gates."""
        if stage.change:
            self.losses.append(Loss(self.relation, stage.change, before, there))
        for number, gate in enumerate(gates):
            gone = lost.get(number, 0)
            if gate.kind == "filter":
                self.losses.append(Loss(self.relation, gate.name, there, there - gone))
            elif gone:
                self.bad.append(Bad(self.relation, gate.name, gone))
            there -= gone

    def computed(self, frame: pl.DataFrame) -> Computed:
        return Computed(frame, tuple(self.losses), tuple(self.bad))


def suited(stage: Stage) -> Engine:
    """The engine that makes most stages of a kind sooner: where turns are asked, all cores have pieces of a batch."""
    return "streaming" if isinstance(stage.nodes[-1], p.Turns) else "in-memory"


def sorted_by(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows in the order of a column of texts that are all different, and begin alike.

    before    rows.sort(column)
    after     rows.sort(the eight bytes behind what all texts begin with, as one number; column)

    Most places are told by the numbers, which are compared ten times as quickly.
    """
    if rows.is_empty():
        return rows
    outermost = rows.select(least=pl.col(column).min(), most=pl.col(column).max()).row(0)
    shared = len(commonprefix(outermost).encode())  # noqa: RUF071 - by characters
    behind = pl.col(column).str.pad_end(shared + 8, "\0").cast(pl.Binary).bin.slice(shared, 8)
    return rows.sort(behind.bin.reinterpret(dtype=pl.UInt64, endianness="big"), column)


def holdout(keys: pl.Series, cut: p.Cut, dtype: pl.DataType) -> pl.DataFrame:
    """The table (key, split) of `Holdout`: scikit-learn's ShuffleSplit over the sorted distinct keys.

    `numpy.random.RandomState(seed).permutation(n)`; the first ceil(n * share) places are held, the following are
    kept, each in the order drawn; a cut of the held permutes the order the first cut left.
    """
    ordered = keys.drop_nulls().unique().sort().cast(dtype)
    parts = _cut(list(range(len(ordered))), cut)
    split: list[str] = [""] * len(ordered)
    for place, word in parts:
        split[place] = word
    return pl.DataFrame({keys.name: ordered, "split": pl.Series(split, dtype=pl.String)})


def _cut(places: list[int], cut: p.Cut) -> list[tuple[int, str]]:
    import numpy as np

    size = ceil(len(places) * cut.share)
    permutation: list[int] = np.random.RandomState(cut.seed).permutation(len(places)).tolist()
    order = [places[i] for i in permutation]
    kept = [(place, cut.kept) for place in order[size:]]
    held = order[:size]
    return kept + (_cut(held, cut.held) if isinstance(cut.held, p.Cut) else [(place, cut.held) for place in held])


def example(columns: Collection[str], spec: str, source: str, generated: bool) -> list[pl.Expr]:
    """The columns of the output, from those of a spec's rows that have been asked; `columns` are those of the plan."""
    images = pl.col(bound("images")) if bound("images") in columns else pl.lit([], dtype=pl.List(pl.String))
    shown = pl.col("boxes").list.eval(pl.struct(pl.lit(0, pl.Int64).alias("image"), *corners(pl.element())))
    box = pl.element().struct.field("box")
    first = pl.col("boxes").list.head((images.list.len() == 1).cast(pl.Int64))  # of several images only one is drawn on
    sizes = first.list.eval(pl.struct(width=box.struct.field("width"), height=box.struct.field("height")))
    return [
        pl.col("$id").alias("id"),
        pl.lit(spec.partition("/")[0]).alias("task"),
        pl.lit(source).alias("source"),
        pl.col("split"),
        pl.col("$space").alias("space"),
        pl.col("$patient").alias("patient_id"),
        pl.col("$study").alias("study_id"),
        images.alias("images"),
        sizes.alias("sizes"),
        pl.col("turns"),
        pl.col("target"),
        shown.alias("boxes"),
        pl.lit(["generated"] if generated else [], dtype=pl.List(pl.String)).alias("origin"),
    ]
