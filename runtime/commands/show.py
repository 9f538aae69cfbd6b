"""`cxrspec show`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cxrspec.runtime.commands.options import Published, SpecsFolder
from cxrspec.runtime.commands.shared import complain, one_spec, read_settings


class StageName(StrEnum):
    """A tree of the compiler, from text to query."""

    document = "document"
    syntax = "syntax"
    typed = "typed"
    plan = "plan"
    polars = "polars"


def show(
    spec: Annotated[str, typer.Argument(help="A spec, as `cxrspec ls` names it.")],
    stage: Annotated[StageName, typer.Option(help="Which tree of the compiler.")] = StageName.plan,
    specs: SpecsFolder = None,
    published: Published = False,
) -> None:
    """Print a spec at one stage of the compiler."""
    from cxrspec.runtime.project import load
    from cxrspec.runtime.stages import stage_text

    compilation = load(read_settings(specs, None, None, None).specs, published)
    compiled = one_spec(compilation, spec)
    text = stage_text(compilation, compiled, stage.value)
    if text is None:
        complain(compilation.diagnostics, compilation.texts)
        raise typer.Exit(1)
    print(text.rstrip("\n"))
