"""What there is of every source below the data root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cxrspec.compiler import declarations as d
from cxrspec.compiler.codes import CODES
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.locate import Roots, problem
from cxrspec.runtime.presence import Presence, absence
from cxrspec.runtime.reading import read_table

_CUT_SHORT = frozenset(("CXR601", "CXR602", "CXR606"))  # damaged, not readable, empty: not all there


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is of a source.

    state      found; absent; incomplete: files are absent, damaged or empty; drifted: they are not as declared
    what       which tables, columns and files are concerned
    findings   what reading its tables found
    """

    source: str
    state: Literal["found", "incomplete", "drifted", "absent"]
    what: tuple[str, ...]
    findings: tuple[Diagnostic, ...] = ()


def overview(compilation: Compilation, presence: Presence, progress: Callable[[str], None] | None) -> list[Overview]:
    """For each source what there is. Its tables are read, each told to `progress`; with None only files are looked for."""
    return [_source(source, presence, progress) for _, source in sorted(compilation.sources.items())]


def _source(source: d.Source, presence: Presence, progress: Callable[[str], None] | None) -> Overview:
    tables = [table for table in source.tables.values() if isinstance(table, d.ReadTable)]
    absent = [table.read for table in tables if not presence.there(table.read)]
    what = [
        f"{read.table.partition('.')[2]}: {absence(read, presence.roots)}" + (" (optional)" if read.optional else "")
        for read in absent
    ]
    if len(absent) == len(tables):
        return Overview(source.name, "absent", tuple(what))
    findings: list[Diagnostic] = []
    for table in tables:
        if progress is not None and table.read not in absent:
            progress(f"reading {table.read.table}")
            here = _findings(table, presence.roots)
            findings += here
            what += dict.fromkeys(f"{table.name}: {_told(found)}" for found in here)
    needed = [read for read in absent if not read.optional]
    short = needed or any(found.code in _CUT_SHORT for found in findings)
    return Overview(
        source.name, "incomplete" if short else "drifted" if findings else "found", tuple(what), tuple(findings)
    )


def _findings(table: d.ReadTable, roots: Roots) -> list[Diagnostic]:
    """What reading a table finds; with all its files read, also that it has another number of rows than published."""
    done = read_table(table.read, [column.name for column in table.read.columns], roots)
    findings = list(done.problems)
    rows, (least, most) = done.frame.height, table.count or (0, done.frame.height)
    if not least <= rows <= most and not any(found.code < "CXR7" for found in findings):
        published = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        message = f"{rows:,} rows, published were {published}"
        findings.append(problem("CXR708", message, roots.shown(done.files[0]), severity="warning"))
    return findings


def _told(found: Diagnostic) -> str:
    """A finding in short: its column, else its file, and its kind."""
    place = found.label
    where = (f"`{place.column}`" if place.column else place.file) if isinstance(place, DataPlace) else ""
    return f"{where} {CODES[found.code]}"
