"""`cxrspec synth`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cxrspec.runtime.commands.shared import Progress, usage


def synth(
    out: Annotated[Path, typer.Argument(help="Folder that becomes the data root; it must be new or empty.")],
    scale: Annotated[
        float, typer.Option("--scale", help="1 has the published sizes; every quirk is there at any scale.")
    ] = 0.001,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes another root.")] = 1,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source; may be repeated.", show_default="all")
    ] = None,
) -> None:
    """Make up raw files of the sources, in their true layout."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime import synth as making

    for name in source or ():
        if name not in making.names():
            usage(f"`--source {name}` names no source that can be made up", near(name, making.names(), "sources"))
    if not 0 < scale <= 1:
        usage(f"`--scale {scale:g}` is not above 0 and at most 1")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        usage(f"`{out}` is there and not an empty folder", "nothing is written over")
    chosen = sorted({*(source or making.names())})
    with Progress() as progress:
        making.synth(out, scale, seed, chosen, progress.say)
    print(f"{len(chosen)} source{'s' if len(chosen) != 1 else ''} made up in {out}", file=sys.stderr)
