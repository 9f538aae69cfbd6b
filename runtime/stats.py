"""Counts of an output, from its files, and the two Markdown tables of the data card."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.census import Census, counts, read_census, together
from cxrspec.runtime.emitters import scan
from cxrspec.runtime.manifest import Manifest, Spec, read
from cxrspec.runtime.output import OutputError

Title: TypeAlias = tuple[str, str]
"""Task and source, as the published table writes them."""

Figures: TypeAlias = tuple[int, ...]
"""One row of the table: as many numbers as `COLUMNS`."""

CORPUS = "Instruction Tuning Data for CXR"
"""What the published card calls the whole."""

COLUMNS = tuple(f"{what} ({split})" if what else split for what in ("", "images", "studies") for split in SPLITS)


@dataclass(frozen=True, slots=True)
class Stats:
    """What an output holds.

    rows      by task and source. Images and studies are distinct, a study is one of its space
    total     rows are sums; images and studies are distinct over everything
    unlinked  examples without a patient, by task and source
    """

    rows: Mapping[Title, Figures]
    total: Figures
    unlinked: Mapping[Title, int]


def collect(out: Path) -> Stats:
    """Count an output from the files that its manifest names.

    Raises:
        OutputError: CXR806, there is no manifest, or a file is missing or does not read.
    """
    manifest = read(out)
    if manifest is None:
        raise OutputError("CXR806", f"`{out}` holds no output of cxrspec")
    files = {spec.name: [out / file.path for file in spec.files] for spec in manifest.specs}
    missing = sorted(str(path) for paths in files.values() for path in paths if not path.is_file())
    if missing:
        raise OutputError("CXR806", f"{len(missing)} files of the output are missing, first `{missing[0]}`")
    try:
        found = {name: read_census(scan(manifest.emit, paths)) for name, paths in files.items()}
    except pl.exceptions.PolarsError as error:
        raise OutputError("CXR806", f"`{out}` holds a file that does not read", "run again to write it anew") from error
    return count(manifest.specs, found)


def count(specs: Iterable[Spec], found: Mapping[str, Census]) -> Stats:
    """Count an output whose specs hold what was found in their files, by name."""
    parts = defaultdict[Title, list[Census]](list)
    for spec in specs:
        parts[title(spec)].append(found[spec.name])
    rows = {title: together(some) for title, some in parts.items()}
    lone = {title: sum(side.unlinked for side in one.values()) for title, one in rows.items()}
    return Stats(
        {title: _figures(one) for title, one in rows.items()},
        _figures(together(rows.values())),
        {title: examples for title, examples in lone.items() if examples},
    )


def title(spec: Spec) -> Title:
    """The published row of `spec`; its own task and source where it has none."""
    return spec.row or (spec.task, spec.source)


def published(path: Path | None = None) -> dict[Title, Figures]:
    """The published table (or another of its form), by task and source, in its order; the total is left out.

    Raises:
        OutputError: CXR808, the file is absent or of another form.
    """
    if path is None:
        with as_file(files("cxrspec.specs") / "published.csv") as packaged:
            return published(packaged)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
        rows = {(line[0], line[1]): tuple(int(cell) for cell in line[2:]) for line in lines}
    except (OSError, ValueError, IndexError) as error:
        raise OutputError("CXR808", f"`{path}` is not a table of published figures") from error
    expected = ["task", "source", *(name.replace(" (", "_").rstrip(")") for name in COLUMNS)]
    if header != expected or any(len(figures) != len(COLUMNS) for figures in rows.values()):
        raise OutputError("CXR808", f"`{path}` has other columns", "expected columns: " + ", ".join(expected))
    rows.pop(("Total", ""), None)
    return rows


def markdown(stats: Stats, known: Mapping[Title, Figures] | None = None) -> str:
    """The two tables of the data card; rows of `known` (default: the published table) in its order, others after."""
    order = list(published() if known is None else known)
    ours = [t for t in order if t in stats.rows] + sorted(set(stats.rows) - set(order))
    every = [[_bracketed(t), *_numbers(stats.rows[t])] for t in ours]
    return "\n\n".join(
        (
            f"# {CORPUS}",
            "## Data Summary",
            table(["", "Total"], zip(COLUMNS, _numbers(stats.total), strict=True)),
            "## All the datasets",
            table(["", *COLUMNS], [*every, ["Total", *_numbers(stats.total)]]),
        )
    )


def reasons(manifest: Manifest) -> dict[Title, str]:
    """Why a published row differs or was not made, by task and source: the words of the specs and of the run."""
    made = {title(spec): spec.because for spec in manifest.specs if spec.because}
    failed = {f.row: "stopped by " + ", ".join(f.codes) for f in manifest.failed if f.row}
    return {**{u.row: u.reason for u in manifest.unavailable if u.row}, **failed, **made}


def differences(stats: Stats, against: Mapping[Title, Figures], reasons: Mapping[Title, str]) -> str:
    """What `stats` has otherwise than the published table `against`, each row with its reason, as Markdown."""
    made = [t for t in against if t in stats.rows]
    other = [t for t in made if stats.rows[t] != against[t]]
    parts = ["## Against the published table", f"{len(made) - len(other)} of {len(made)} rows equal in every figure."]
    for t in other:
        parts += [f"### {_bracketed(t)}", reasons.get(t, "No reason is given."), _compared(stats.rows[t], against[t])]
    missing = defaultdict[str, list[Title]](list)
    for t in against:
        if t not in stats.rows:
            missing[reasons.get(t, "not part of this run")].append(t)
    if missing:
        parts.append("### Not made")
        parts.append("\n".join(f"- {why}: {', '.join(map(_bracketed, rows))}" for why, rows in missing.items()))
    return "\n\n".join(parts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, every column as wide as its longest cell, and two wider than its heading.

    >>> print(table(["", "Total"], [["train", "1,000"]]))
    |       | Total   |
    |:------|:--------|
    | train | 1,000   |
    """
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max([len(name) + 2, *(len(row[i]) for row in cells)]) for i, name in enumerate(header)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in (header, *cells)]
    lines.insert(1, "|" + "|".join(":" + "-" * (width + 1) for width in widths) + "|")
    return "\n".join(lines)


def _figures(found: Census) -> Figures:
    by_split = counts(found)
    splits = [by_split[split] for split in SPLITS]
    return (*(one.rows for one in splits), *(one.images for one in splits), *(one.studies for one in splits))


def _bracketed(title: Title) -> str:
    return f"[{title[0]}] [{title[1]}]"


def _numbers(figures: Figures) -> list[str]:
    return [f"{figure:,}" for figure in figures]


def _compared(ours: Figures, theirs: Figures) -> str:
    return table(
        ["", "ours", "published", "difference"],
        [
            [name, f"{our:,}", f"{their:,}", f"{our - their:+,}"]
            for name, our, their in zip(COLUMNS, ours, theirs, strict=True)
            if our != their
        ],
    )
