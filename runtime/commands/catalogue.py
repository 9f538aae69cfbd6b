"""`cxrspec catalogue`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cxrspec.runtime.commands.options import SpecsFolder
from cxrspec.runtime.commands.shared import complain, read_settings


def catalogue(
    folder: Annotated[Path, typer.Argument(help="Folder that the pages are written to.")] = Path("catalogue"),
    specs: SpecsFolder = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="An output that examples and counts are taken from.", show_default="out"),
    ] = None,
) -> None:
    """Write a page for each source and each spec: what it reads, its rule in words, its prompts, an example."""
    from cxrspec.runtime.catalogue import write
    from cxrspec.runtime.project import load

    settings = read_settings(specs, None, out, None)
    compilation = load(settings.specs)
    complain(compilation.diagnostics, compilation.texts)
    print(f"{write(compilation, settings.out, folder)} pages written to {folder}", file=sys.stderr)
    raise typer.Exit(1 if compilation.errors else 0)
