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
from cxrspec.runtime.emitters import emitter
from cxrspec.runtime.manifest import Manifest, Spec, read
from cxrspec.runtime.output import OutputError

Title: TypeAlias = tuple[str, str]
"""Task and source, as the published table writes them."""

Figures: TypeAlias = tuple[int, ...]
"""One row of the table: as many numbers as `COLUMNS`."""

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


@dataclass(frozen=True, slots=True)
class _Found:
    """What one published row's files hold: examples by split, and its distinct images and studies."""

    rows: pl.DataFrame
    images: pl.DataFrame
    studies: pl.DataFrame
    unlinked: int


def collect(out: Path) -> Stats:
    """Count an output from the files that its manifest names.

    Raises:
        OutputError: CXR806, there is no manifest, or a file is missing or does not read.
    """
    manifest = read(out)
    if manifest is None:
        raise OutputError("CXR806", f"`{out}` holds no output of cxrspec")
    paths = _files(out, manifest)
    try:
        found = {title: _find(manifest.emit, paths[title]) for title in paths}
    except pl.exceptions.PolarsError as error:
        raise OutputError("CXR806", f"`{out}` holds a file that does not read", "run again to write it anew") from error
    return Stats(
        {title: _figures(f.rows, f.images, f.studies) for title, f in found.items()},
        _total(list(found.values())),
        {title: f.unlinked for title, f in found.items() if f.unlinked},
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
            "# Instruction Tuning Data for CXR",
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


def _files(out: Path, manifest: Manifest) -> dict[Title, list[Path]]:
    paths = defaultdict[Title, list[Path]](list)
    for spec in manifest.specs:
        paths[title(spec)] += [out / file.path for file in spec.files]
    missing = sorted(str(path) for group in paths.values() for path in group if not path.is_file())
    if missing:
        raise OutputError("CXR806", f"{len(missing)} files of the output are missing, first `{missing[0]}`")
    return paths


def _find(emit: str, paths: Sequence[Path]) -> _Found:
    none = pl.DataFrame(schema={"split": pl.String})
    if not paths:
        return _Found(none, none, none, 0)
    rows = emitter(emit).scan(paths)
    images = rows.select("split", pl.col("images").alias("image"))
    by_split, unlinked, images_found, studies = pl.collect_all(
        [
            rows.select("split"),
            rows.select(pl.col("patient_id").is_null().sum()),
            images.explode("image", empty_as_null=False, keep_nulls=False).unique(),
            rows.select("split", "space", "study_id").unique(),
        ]
    )
    return _Found(by_split, images_found, studies, int(unlinked.item()))


def _figures(rows: pl.DataFrame, images: pl.DataFrame, studies: pl.DataFrame) -> Figures:
    return tuple(count for frame in (rows, images, studies) for count in _by_split(frame))


def _by_split(frame: pl.DataFrame) -> list[int]:
    counts = dict(frame.group_by("split").len().iter_rows())
    return [int(counts.get(split, 0)) for split in SPLITS]


def _total(found: Sequence[_Found]) -> Figures:
    def together(frames: list[pl.DataFrame]) -> pl.DataFrame:
        """Rows of files without rows have no columns but `split`, and are left out."""
        return pl.concat([f for f in frames if f.height] or frames[:1])

    if not found:
        return (0,) * len(COLUMNS)
    return _figures(
        together([f.rows for f in found]),
        together([f.images for f in found]).unique(),
        together([f.studies for f in found]).unique(),
    )


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
