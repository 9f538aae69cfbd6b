"""Pictures: where a lab keeps them, which of them the specs name, and which of those are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, ImageCopies, path
from cxrspec.compiler.forms import bound
from cxrspec.compiler.lower import prune
from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.execute import Execution
from cxrspec.runtime.locate import Roots, find
from cxrspec.runtime.presence import Presence, at_hand, lacking
from cxrspec.runtime.reading import read_table
from cxrspec.runtime.settings import Settings

IMAGES = bound("images")


@dataclass(frozen=True, slots=True)
class Pictures:
    """How many pictures of a source the specs name; `missing` are not there, `packed` only in an archive."""

    source: str
    named: int
    missing: int
    packed: int


def copies(settings: Settings) -> dict[str, ImageCopies]:
    """Where the pictures of a source really are, by its name; below the data root if they are."""
    found: dict[str, ImageCopies] = {}
    for name, images in settings.images.items():
        root = images.root
        shown = root.relative_to(settings.data) if root.is_relative_to(settings.data) else root
        found[name] = ImageCopies(shown.as_posix(), images.pattern or "{path}")
    return found


def pictures(compilation: Compilation, settings: Settings, progress: Callable[[str], None]) -> list[Pictures]:
    """For each source whose pictures some spec with data names: how many, and how many are not there."""
    roots = Roots(settings.data, settings.sources)
    kept = copies(settings)
    found: list[Pictures] = []
    for source, paths in sorted(named(compilation, roots, settings.seed, progress).items()):
        progress(f"looking for pictures of {source}")
        places = pl.select(path(source, pl.lit(paths), Context(images=kept))).to_series()
        gone = paths.filter(~there(settings.data, places))
        packed = 0 if source in kept else _packed(compilation.sources[source], roots, gone)
        found.append(Pictures(source, len(paths), len(gone) - packed, packed))
    return found


def named(compilation: Compilation, roots: Roots, seed: int, progress: Callable[[str], None]) -> dict[str, pl.Series]:
    """The distinct paths, below the folder of their source, of all pictures in examples of specs that have data.

    Rows that break a rule name none, and neither do cells that do not fit: a run tells of both.
    """
    presence = Presence(roots)
    plans = [at_hand(spec.plan, presence) for spec in compilation.specs.values() if spec.plan is not None]
    relations: dict[str, p.Relation] = dict(compilation.relations)
    specs: list[str] = []
    for plan in plans:
        if not lacking(plan, presence) and IMAGES in p.schema(plan.relations[-1]):
            relations |= {r.name: r for r in plan.relations if isinstance(r.nodes[0], p.Empty)}
            relations[plan.spec] = _without_turns(relations[plan.spec])
            specs.append(plan.spec)
    pruned = prune(relations, specs)
    tables: dict[str, pl.DataFrame] = {}
    for read in (r.nodes[0] for r in pruned):
        if isinstance(read, p.Read):
            progress(f"reading {read.table}")
            tables[read.table] = read_table(read, [c.name for c in read.columns], roots).frame
    execution = Execution(pruned, tables.__getitem__, Context(seed))
    listed: list[pl.Series] = []
    for spec in specs:
        progress(f"listing the pictures of {spec}")
        listed.append(execution.compute(spec).frame[IMAGES].explode(empty_as_null=False).drop_nulls().unique())
    return _by_source(listed)


def _without_turns(relation: p.Relation) -> p.Relation:
    """The rows of a spec with their pictures only: a row's turns say nothing of its pictures."""
    nodes = tuple(node for node in relation.nodes if not isinstance(node, p.Turns))
    return replace(relation, nodes=(*nodes, p.Select((IMAGES,))))


def _by_source(listed: Iterable[pl.Series]) -> dict[str, pl.Series]:
    paths = pl.concat([pl.Series(dtype=pl.String), *listed]).unique().sort()
    split = paths.str.splitn("/", 2).struct.rename_fields(["source", "path"]).struct.unnest()
    return {str(source): frame["path"] for (source,), frame in split.group_by("source")}


def there(data: Path, places: pl.Series) -> pl.Series:
    """Whether a file of each path, from the data root, is there. Each folder is listed once."""
    pieces = places.str.extract_groups(r"^(?<folder>(?:.*/)?)(?<name>[^/]*)$").struct.unnest()
    names = {folder: _listing(data / folder) for folder in pieces["folder"].unique()}
    return pl.Series([name in names[folder] for folder, name in pieces.iter_rows()], dtype=pl.Boolean)


def _listing(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()


def _packed(source: d.Source, roots: Roots, gone: pl.Series) -> int:
    """How many of the pictures that are not there some table lists as members of an archive."""
    reads = [table.read for table in source.tables.values() if isinstance(table, d.ReadTable) and table.read.packed]
    if not reads or not len(gone):
        return 0
    members = {file.path for read in reads for file in find(read, roots).files if file.member is not None}
    return sum(path in members for path in gone)
