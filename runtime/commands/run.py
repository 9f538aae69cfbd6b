"""`cxrspec run`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, OutFolder, Published, Seed, Select, SpecsFolder
from cxrspec.runtime.commands.shared import Progress, complain, how_many, read_settings, selected, usage

if TYPE_CHECKING:
    from cxrspec.compiler.pipeline import Compiled
    from cxrspec.runtime.formats import Formats
    from cxrspec.runtime.request import Result
    from cxrspec.runtime.settings import Settings


def run(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    out: OutFolder = None,
    select: Select = None,
    published: Published = False,
    emit: Annotated[
        list[str] | None,
        typer.Option(
            help="A format to write; may be repeated: parquet, jsonl, messages, llava, sharegpt, qwen-vl, ms-swift, "
            "webdataset, chexinstruct or openai.",
            show_default="parquet",
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="Dialect of boxes in texts: chexagent, qwen2_vl, qwen2_5_vl, qwen3_vl, unit, pixels or ms_swift.",
            show_default="that of the formats, else chexagent",
        ),
    ] = None,
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
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash all files, those whose size and times are as they were, too.")
    ] = False,
    timings: Annotated[
        bool, typer.Option("--timings", help="Print for each source how long it took, and with how much memory.")
    ] = False,
) -> None:
    """Make the corpus: what is not there yet as it would be made."""
    from cxrspec.runtime.project import load
    from cxrspec.runtime.request import Request
    from cxrspec.runtime.timings import COLUMNS, Timings
    from cxrspec.runtime.unchanged import InPlace

    clocks = Timings(peaks=timings)
    written, printed = _written(emit or (), boxes)
    settings = _run_settings(specs, data, out, seed, demo)
    compilation = load(settings.specs, published, keep=True)
    complain(compilation.diagnostics, compilation.texts)
    request = Request(settings, (), frozenset(), published, written, printed, limit, demo, accept_moves, verify)
    place = InPlace(compilation, request)
    chosen = selected(compilation, select, place.modified)
    place.request = replace(request, specs=chosen, named=frozenset(select or ()) & compilation.specs.keys())
    result = place.unchanged()
    if result is None:
        from cxrspec.runtime.run import make

        with Progress() as progress:
            result = make(place, progress.say, clocks)
    complain(result.diagnostics, compilation.texts)
    _print_made(result, chosen, settings)
    if timings:
        from cxrspec.runtime.stats import table

        print(table(COLUMNS, clocks.rows()), file=sys.stderr)
    raise typer.Exit(1 if result.failed or compilation.errors else 0)


def _written(emit: Sequence[str], boxes: str | None) -> tuple[Formats, str]:
    """The formats that are asked for, and the dialect of boxes in them; wrong usage if there are no such ones."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.compiler.dialects import DIALECTS
    from cxrspec.runtime.formats import dialect, formats
    from cxrspec.runtime.output import OutputError

    if boxes is not None and boxes not in DIALECTS:
        usage(f"unknown dialect of boxes `{boxes}`", near(boxes, DIALECTS, "dialects"))
    try:
        written = formats(emit)
        return written, boxes or dialect(written)
    except OutputError as error:
        complain([error.diagnostic], {})
        raise typer.Exit(2) from None


def _run_settings(specs: Path | None, data: Path | None, out: Path | None, seed: int | None, demo: bool) -> Settings:
    """The settings of a run; a data root that was named is there, and the demo has its own."""
    from cxrspec.runtime.settings import DATA_VARIABLE

    settings = read_settings(specs, data, out, seed)
    if demo:
        from cxrspec.runtime.demo import of_demo

        if data is not None:
            usage("--demo makes its own data root; --data names another")
        return replace(of_demo(settings), out=out or Path("demo"))
    named = data is not None or DATA_VARIABLE in os.environ
    if named and not settings.sources and not settings.data.is_dir():
        usage(f"the data root `{settings.data}` does not exist", "--demo makes one up")
    return settings


def _print_made(result: Result, chosen: Sequence[Compiled], settings: Settings) -> None:
    """The examples of each spec that was made; what was skipped or kept goes to stderr."""
    for absent in result.unavailable:
        print(f"skipped {absent.name}: {absent.reason}", file=sys.stderr)
    for spec in result.manifest.specs:
        if spec.name in result.made:
            counts = " / ".join(f"{spec.splits[split].rows:,}" for split in ("train", "val", "test"))
            print(f"{spec.name}: {counts}")
        elif spec.name in (*result.stopped, *(absent.name for absent in result.unavailable)):
            print(f"kept {spec.name} as it was made before", file=sys.stderr)
    if result.kept:
        were = "as it was" if len(result.kept) == 1 else "as they were"
        print(f"kept {how_many(len(result.kept))} {were}", file=sys.stderr)
    if result.made:
        print(f"{how_many(len(result.made))} (train / val / test) in {settings.out}", file=sys.stderr)
    elif not chosen:
        print("no spec is modified", file=sys.stderr)
    elif not result.kept and not result.failed:
        help = "--data names the data root, --demo makes one up"
        print(f"no data for any spec in {settings.data}; {help}", file=sys.stderr)
