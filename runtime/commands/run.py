"""`cxrspec run`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, Published, Seed, SpecsFolder
from cxrspec.runtime.commands.shared import Progress, complain, how_many, read_settings, usage

if TYPE_CHECKING:
    from cxrspec.runtime.run import Result
    from cxrspec.runtime.settings import Settings


def run(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the output.", show_default="out")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Names, globs, task:..., source:..., access:...; may be repeated."),
    ] = None,
    published: Published = False,
    emit: Annotated[str, typer.Option(help="Format of the files: parquet, jsonl or openai.")] = "parquet",
    boxes: Annotated[
        str, typer.Option(help="Dialect of boxes in texts: chexagent, qwen2_vl, qwen3_vl, unit or pixels.")
    ] = "chexagent",
    seed: Seed = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Keep so many examples of each spec: those of the lowest draws.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Run on a small made-up data root; nothing is downloaded.")
    ] = False,
    accept_moves: Annotated[
        bool,
        typer.Option(
            "--accept-moves", help="Let examples move to another split where the authority of a space changed."
        ),
    ] = False,
    timings: Annotated[
        bool, typer.Option("--timings", help="Print for each source how long it took, and with how much memory.")
    ] = False,
) -> None:
    """Make the corpus."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.compiler.dialects import DIALECTS
    from cxrspec.runtime import emitters
    from cxrspec.runtime.project import load
    from cxrspec.runtime.project import select as choose
    from cxrspec.runtime.run import Request
    from cxrspec.runtime.run import run as make
    from cxrspec.runtime.timings import COLUMNS, Timings

    clocks = Timings(peaks=timings)
    if emit not in emitters.names():
        usage(f"unknown output format `{emit}`", near(emit, emitters.names(), "formats"))
    if boxes not in DIALECTS:
        usage(f"unknown dialect of boxes `{boxes}`", near(boxes, DIALECTS, "dialects"))
    settings = _run_settings(specs, data, out, seed, demo)
    compilation = load(settings.specs, published)
    complain(compilation.diagnostics, compilation.texts)
    chosen, unknown = choose(compilation, select or [])
    for word, hint in unknown:
        usage(f"`--select {word}` names no spec", hint)
    named = frozenset(select or ()) & compilation.specs.keys()
    with Progress() as progress:
        request = Request(settings, chosen, named, published, emit, boxes, limit, demo, accept_moves)
        result = make(compilation, request, progress.say, clocks)
    complain(result.diagnostics, compilation.texts)
    _print_made(result, {spec.name for spec in chosen}, settings)
    if timings:
        from cxrspec.runtime.stats import table

        print(table(COLUMNS, clocks.rows()), file=sys.stderr)
    raise typer.Exit(1 if result.failed or compilation.errors else 0)


def _run_settings(specs: Path | None, data: Path | None, out: Path | None, seed: int | None, demo: bool) -> Settings:
    """The settings of a run; a data root that was named is there, and the demo has its own."""
    from dataclasses import replace

    from cxrspec.runtime.settings import DATA_VARIABLE

    settings = read_settings(specs, data, out, seed)
    if demo:
        from cxrspec.runtime.demo import demo_root

        if data is not None:
            usage("--demo makes its own data root; --data names another")
        return replace(settings, data=demo_root(), out=out or Path("demo"), sources={}, images={})
    named = data is not None or DATA_VARIABLE in os.environ
    if named and not settings.sources and not settings.data.is_dir():
        usage(f"the data root `{settings.data}` does not exist", "--demo makes one up")
    return settings


def _print_made(result: Result, chosen: Collection[str], settings: Settings) -> None:
    """The examples of each spec that was made; what was skipped or kept goes to stderr."""
    for absent in result.manifest.unavailable:
        print(f"skipped {absent.name}: {absent.reason}", file=sys.stderr)
    for spec in result.manifest.specs:
        if spec.name in result.made:
            counts = " / ".join(f"{spec.splits[split].rows:,}" for split in ("train", "val", "test"))
            print(f"{spec.name}: {counts}")
        elif spec.name in chosen:
            print(f"kept {spec.name} as it was made before", file=sys.stderr)
    if result.made:
        print(f"{how_many(len(result.made))} (train / val / test) in {settings.out}", file=sys.stderr)
    elif not result.failed:
        help = "--data names the data root, --demo makes one up"
        print(f"no data for any spec in {settings.data}; {help}", file=sys.stderr)
