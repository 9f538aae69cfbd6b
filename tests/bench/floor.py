"""FLOOR: sources above 100,000 examples against the least that could be done.

The floor reads the same files: of CSV the same columns as text, of JSON the values that the quickest decoder makes (no
library scans columns of nested JSON), of other formats the bytes. It writes the examples that are there already as
Parquet; it checks nothing and makes nothing. Ours is a whole run, from an empty cache to an output in place.
Starting Python, importing and compiling count for neither.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import msgspec
import polars as pl

from cxrspec.compiler.pipeline import Compiled
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.locate import Roots, contents, find, uncollected
from cxrspec.runtime.project import load, select
from cxrspec.runtime.request import Request
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Settings
from tests.bench.page import table
from tests.bench.timing import Cost, alone, measured, quickest

LEAST = 100_000
REPEATS = 3
SEED = 1


def tables(data: Path, scale: float, scratch: Path) -> str:
    """For each source the quickest of a few runs, and the ratio to the quickest floor between them."""
    rows: list[list[str]] = []
    for source in sorted({spec.spec.source.name for spec in load(scratch).specs.values()}):
        cost, examples = alone(make, data, source, scratch)
        if examples < LEAST * scale:
            continue
        ours, floors = [cost], [alone(floor, data, source, scratch)]
        for _ in range(REPEATS - 1):
            ours.append(alone(make, data, source, scratch)[0])
            floors.append(alone(floor, data, source, scratch))
        mine, least = quickest(ours), quickest(floors)
        rows.append(
            [
                f"`{source}`",
                f"{examples:,}",
                *(f"{seconds:.2f} s" for cost in (mine, least) for seconds in (cost.wall, cost.cores)),
                f"{mine.wall / least.wall:.1f}",
            ]
        )
    return table(
        ["source", "examples", "wall", "all cores", "floor, wall", "floor, all cores", "times the floor"], rows
    )


def specs_of(source: str, scratch: Path) -> list[Compiled]:
    return select(load(scratch / "no specs"), [f"source:{source}"], set)[0]


def make(data: Path, source: str, scratch: Path) -> tuple[Cost, int]:
    """A run of a source, and the number of its examples; the output stays for the floor."""
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    for name in ("cache", "out"):
        shutil.rmtree(scratch / name, ignore_errors=True)
    compilation = load(scratch / "no specs")
    request = Request(Settings(data, scratch / "out", scratch, SEED), specs_of(source, scratch))
    cost = measured(lambda: run(compilation, request))
    return cost, pl.scan_parquet(scratch / "out/**/*.parquet").select(pl.len()).collect().item()


def floor(data: Path, source: str, scratch: Path) -> Cost:
    """Scan what the specs of a source read, and sink what they made."""
    specs = specs_of(source, scratch)
    frames = [pl.read_parquet(scratch / "out" / spec.name / "*.parquet") for spec in specs]
    reads: dict[tuple[str, ...], tuple[Read, set[RawColumn]]] = {}
    for read in (read for spec in specs if spec.plan for read in spec.plan.reads):
        reads.setdefault((*read.files, *read.packed), (read, set()))[1].update(read.columns)
    (scratch / "floor").mkdir(exist_ok=True)

    def work() -> None:
        roots = Roots(data, {})
        with uncollected():  # as we read, too: the collector of cycles takes longer than decoding
            for read, columns in reads.values():
                scan(read, columns, roots)
        for number, frame in enumerate(frames):
            frame.write_parquet(scratch / "floor" / f"{number}.parquet", compression="zstd", compression_level=1)

    return measured(work)


def scan(read: Read, columns: Iterable[RawColumn], roots: Roots) -> None:
    """What the files hold, unpacked: the columns of CSV as text, the values of JSON, else the bytes."""
    located = find(read, roots)
    if read.format == "files":
        return
    places = [place for column in columns for place in column.places]
    names, numbers = (
        {p.path.strip() for p in places if p.kind == "name"},
        {p.index for p in places if p.kind == "column"},
    )
    for _, data in contents(located, []):
        if read.format == "json":
            msgspec.json.decode(data)
        elif read.format == "csv":
            quote = None if read.quote in ("", "none") else read.quote
            lazy = pl.scan_csv(BytesIO(data), separator=read.separator, quote_char=quote, infer_schema=False)
            header = lazy.collect_schema().names()
            lazy.select(n for i, n in enumerate(header) if n.strip() in names or i in numbers).collect()
