"""COMPARE: five specs against a loop over rows, vectorised pandas, and DuckDB.

All read the same Parquet files, one for each table as it was read and checked, and write all examples as Parquet. What
they write is compared row by row (targets as the data they hold), and there is no table where a row differs. Each run
has a process of its own, whose start and imports do not count. Raw formats are left out: pandas and SQL read half of
them not at all. The floor reads the same files and writes the finished examples, as that of FLOOR does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import polars as pl

from cxrspec.compiler.bodies import Context
from cxrspec.compiler.dialects import DEFAULT, DIALECTS
from cxrspec.compiler.pipeline import Compiled
from cxrspec.runtime.behind import Behind
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.execute import Execution
from cxrspec.runtime.formats import PARQUET
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.project import load
from cxrspec.runtime.reading import read_table
from cxrspec.runtime.writing import Writer
from tests.bench import draws
from tests.bench.page import table
from tests.bench.timing import Cost, alone, measured, quickest

SPECS = tuple(draws.DRAWS)
OTHERS: Mapping[str, str] = {"row loop": "row_loop", "pandas": "vectorised", "DuckDB": "duck"}
"""The others, each with its module."""

SLOW = ("row loop",)
"""Who runs once; all others run by turns."""

REPEATS = 3


def tables(data: Path, scale: float, scratch: Path) -> str:
    """The quickest of a few runs of each, and the ratios to ours."""
    rows: list[list[str]] = []
    for spec in SPECS:
        folder = scratch / spec.replace("/", "-")
        alone(prepare, spec, data, folder)
        found: dict[str, list[Cost]] = {who: [] for who in ("ours", *OTHERS, "floor")}
        for turn in range(REPEATS):
            for who, costs in found.items():
                if turn == 0 or who not in SLOW:
                    costs.append(alone(timed, spec, folder, who))
        for who in OTHERS:
            alone(check, folder, who)
        mine, *others, least = map(quickest, found.values())
        rows.append(
            [
                f"`{spec}`",
                f"{pl.scan_parquet(folder / 'ours/*').select(pl.len()).collect().item():,}",
                f"{least.wall:.2f} s",
                f"{mine.wall:.2f} s, {mine.wall / least.wall:.1f}",
                *(f"{cost.wall:.2f} s, {cost.wall / mine.wall:.1f}" for cost in others),
            ]
        )
    titles = ["spec", "examples", "floor", "ours, times the floor", *(f"{who}, times ours" for who in OTHERS)]
    return table(titles, rows)


def prepare(spec: str, data: Path, folder: Path) -> None:
    """Read what the spec reads into Parquet files, and put prompts and draws beside them."""
    folder.mkdir()
    plan, roots = compiled(spec).plan, Roots(data, {})
    assert plan is not None
    for read in plan.reads:
        frame = read_table(read, [column.name for column in read.columns], roots).frame
        frame.write_parquet(file_of(folder, read.table))
    draws.write(spec, folder)


def timed(spec: str, folder: Path, who: str) -> Cost:
    """The cost of making and writing a spec's examples, from tables in Parquet."""
    out = folder / who
    out.mkdir(exist_ok=True)
    if who == "ours":
        one = compiled(spec)
        return measured(lambda: ours(one, folder, out))
    if who == "floor":
        return floor(compiled(spec), folder, out)
    build: Callable[[Path, Path], None] = import_module(f"tests.bench.{OTHERS[who]}").BUILD[spec]
    return measured(lambda: build(folder, out / "all.parquet"))


def ours(spec: Compiled, folder: Path, out: Path) -> None:
    """What a run does behind reading."""
    assert spec.plan is not None
    context = Context(draws.SEED, DIALECTS[DEFAULT])
    execution = Execution(spec.plan.relations, lambda name: pl.read_parquet(file_of(folder, name)), context)
    writer = Writer(out, PARQUET)
    *others, _ = execution.reached(spec.name)
    for name in others:
        execution.compute(name)
    with Behind() as behind:

        def emit(examples: pl.DataFrame) -> None:
            behind.do(partial(writer.add, examples))

        execution.examples(spec.name, spec.spec.source.name, False, emit)
        behind.wait()
    writer.finish()


def floor(spec: Compiled, folder: Path, out: Path) -> Cost:
    """The cost of reading what a spec's examples are made from, and of writing them."""
    assert spec.plan is not None
    tables = [file_of(folder, read.table) for read in spec.plan.reads]
    examples = pl.read_parquet(folder / "ours/*.parquet")

    def work() -> None:
        for path in tables:
            pl.read_parquet(path)
        examples.write_parquet(out / "all.parquet", compression="zstd", compression_level=1)

    return measured(work)


def check(folder: Path, who: str) -> None:
    """Compare what somebody wrote with what we wrote.

    Raises:
        AssertionError: a row differs.
    """
    from polars.testing import assert_frame_equal

    mine = pl.read_parquet(folder / "ours/*.parquet").sort("id")
    theirs = pl.read_parquet(folder / who / "all.parquet").match_to_schema(SCHEMA)
    assert mine.height, "no examples"
    assert_frame_equal(*(frame.with_columns(as_data(frame["target"])) for frame in (theirs, mine)))


def as_data(answers: pl.Series) -> pl.Series:
    """Answers in JSON with all numbers written alike: 0.00002 is 2e-05 elsewhere."""
    return pl.Series(answers.name, [json.dumps(json.loads(answer)) for answer in answers])


def compiled(spec: str) -> Compiled:
    return load(Path("no local specs")).specs[spec]


def file_of(folder: Path, table: str) -> Path:
    return folder / f"{table.partition('.')[2]}.parquet"
