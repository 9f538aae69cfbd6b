"""`cxrspec sources`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, ListFormat, SpecsFolder
from cxrspec.runtime.commands.shared import Progress, complain, print_rows, read_settings, usage

if TYPE_CHECKING:
    from cxrspec.compiler.pipeline import Compilation
    from cxrspec.runtime.settings import Settings


def sources(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only look for files; read none.")] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Count the pictures that specs name, and those that are missing.")
    ] = False,
    format: Annotated[ListFormat, typer.Option(help="text or json.")] = ListFormat.text,
) -> None:
    """Tell for each source what is there: found, incomplete, drifted (not as declared) or absent."""
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.presence import Presence
    from cxrspec.runtime.project import load
    from cxrspec.runtime.sources import overview

    if quick and images:
        usage("--quick reads nothing, and --images reads what names the pictures")
    settings = read_settings(specs, data, None, None)
    compilation = load(settings.specs)
    print(f"data root: {settings.data}", file=sys.stderr)
    if images:
        _print_pictures(compilation, settings, format)
        raise typer.Exit(1 if compilation.errors else 0)
    with Progress() as progress:
        seen = overview(compilation, Presence(Roots(settings.data, settings.sources)), None if quick else progress.say)
    complain([found for one in seen for found in one.findings], {})
    print_rows([{"source": one.source, "state": one.state, "what": "; ".join(one.what)} for one in seen], format)
    raise typer.Exit(1 if compilation.errors else 0)


def _print_pictures(compilation: Compilation, settings: Settings, format: ListFormat) -> None:
    from dataclasses import asdict

    from cxrspec.runtime.pictures import pictures

    with Progress() as progress:
        found = pictures(compilation, settings, progress.say)
    print_rows([asdict(one) for one in found], format)
