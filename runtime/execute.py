"""EXECUTE: the relations of a plan over tables that have been read, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, hashed
from cxrspec.compiler.boxes import corners
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.forms import bound
from cxrspec.compiler.to_polars import LOST, Gate, query, stages

Engine = Literal["in-memory", "streaming"]


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
    """A relation's rows, with what was lost on the way and what was bad."""

    frame: pl.DataFrame
    losses: tuple[Loss, ...] = ()
    bad: tuple[Bad, ...] = ()


class Execution:
    """Computes relations on demand; `tables` hands over what was read (a frame by `<source>.<table>`)."""

    def __init__(
        self,
        relations: Sequence[p.Relation],
        tables: Callable[[str], pl.DataFrame],
        context: Context,
        engine: Engine = "streaming",
        limit: int | None = None,
    ) -> None:
        self.relations = {r.name: r for r in relations}
        self.tables = tables
        self.context = context
        self.engine: Engine = engine
        self.limit = limit
        self.done: dict[str, Computed] = {}

    def compute(self, name: str) -> Computed:
        """The relation's rows; everything it needs is computed first, and kept for others."""
        if name not in self.done:
            self.done[name] = self._compute(self.relations[name])
        return self.done[name]

    def reached(self, name: str) -> list[str]:
        """The relation and all it is made from, those first."""
        return p.reached(self.relations, name)

    def _compute(self, relation: p.Relation) -> Computed:
        frame = self._leaf(relation.nodes[0])
        losses: list[Loss] = []
        bad: list[Bad] = []
        others = {n.relation for n in relation.nodes if isinstance(n, p.Join | p.Union | p.Contrast)}
        tables = {name: self.compute(name).frame.lazy() for name in sorted(others)}
        for stage in stages(relation):
            before = frame.height
            if any(isinstance(node, p.Turns) for node in stage.nodes):
                frame = self._limited(frame)
            lazy, gates = query(stage, frame.lazy(), tables, self.context)
            made = lazy.collect(engine=self.engine)
            if stage.change:
                losses.append(Loss(relation.name, stage.change, before, made.height))
            self._count(relation.name, made, gates, losses, bad)
            frame = made.filter(pl.col(LOST).is_null()).drop(LOST)
        return Computed(frame, tuple(losses), tuple(bad))

    def _leaf(self, leaf: p.Node) -> pl.DataFrame:
        match leaf:
            case p.Read(table):
                return self.tables(table)
            case p.Empty(columns):
                return pl.DataFrame(schema={name: dtype_of(type) for name, type in columns})
            case p.Scan(relation, columns):
                return self.compute(relation).frame.select([name for name, _ in columns])
            case p.Holdout(relation, key, type, cut):
                return holdout(self.compute(relation).frame[key], cut, dtype_of(type))
            case _:
                raise AssertionError("a relation starts with a leaf")

    def _limited(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With a limit, the rows of the lowest draws: the same ones whatever else there is."""
        if self.limit is None or frame.height <= self.limit:
            return frame
        drawn = hashed(pl.lit(str(self.context.seed)), pl.col("$id"), pl.lit(":limit"))
        return frame.sort(drawn).head(self.limit)

    @staticmethod
    def _count(relation: str, made: pl.DataFrame, gates: Sequence[Gate], losses: list[Loss], bad: list[Bad]) -> None:
        lost: Mapping[int | None, int] = dict(made[LOST].value_counts().iter_rows()) if made.height else {}
        here = made.height
        for number, gate in enumerate(gates):
            gone = lost.get(number, 0)
            if gate.kind == "filter":
                losses.append(Loss(relation, gate.name, here, here - gone))
            elif gone:
                bad.append(Bad(relation, gate.name, gone))
            here -= gone


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


def examples(computed: pl.DataFrame, spec: str, source: str, generated: bool) -> pl.DataFrame:
    """A spec's rows in the form of the output, sorted by id."""
    images = pl.col(bound("images")) if bound("images") in computed.columns else pl.lit([], dtype=pl.List(pl.String))
    shown = pl.col("boxes").list.eval(pl.struct(pl.lit(0, pl.Int64).alias("image"), *corners(pl.element())))
    box = pl.element().struct.field("box")
    first = pl.col("boxes").list.head((images.list.len() == 1).cast(pl.Int64))  # of several images only one is drawn on
    sizes = first.list.eval(pl.struct(width=box.struct.field("width"), height=box.struct.field("height")))
    return (
        computed.lazy()
        .select(
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
        )
        .sort("id")
        .collect()
    )
