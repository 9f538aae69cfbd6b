"""`cxrspec compile`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import Published
from cxrspec.runtime.commands.shared import how_many, read_settings

if TYPE_CHECKING:
    from cxrspec.compiler.pipeline import Compilation


class Format(StrEnum):
    """How findings are printed."""

    text = "text"
    concise = "concise"
    json = "json"


def compile_(
    specs: Annotated[
        Path | None,
        typer.Argument(help="Folder of local specs, laid over those that ship.", show_default="specs, if there is one"),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check; write no plans.")] = False,
    format: Annotated[Format, typer.Option(help="How findings are printed.")] = Format.text,
    out: Annotated[Path, typer.Option(help="Where plans are written, as text and JSON.")] = Path("plans"),
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    published: Published = False,
) -> None:
    """Prove that specs are sound, without any data."""
    from cxrspec.compiler.render import render
    from cxrspec.runtime.project import load

    compilation = load(read_settings(specs, None, None, None).specs, published)
    text = render(compilation.diagnostics, compilation.texts, format.value, color=sys.stdout.isatty())
    print(text, end="")
    if not check:
        written = _write_plans(compilation, out)
        print(f"plans of {how_many(written)} written to {out}", file=sys.stderr)
    elif format is Format.text and not compilation.diagnostics:
        print(f"sound: {how_many(len(compilation.specs))}")
    wrong = len(compilation.diagnostics) if strict else compilation.errors
    raise typer.Exit(1 if wrong else 0)


def _write_plans(compilation: Compilation, out: Path) -> int:
    from cxrspec.compiler.serial import to_json
    from cxrspec.compiler.show_plan import show_plan

    plans = {name: spec.plan for name, spec in compilation.specs.items() if spec.plan is not None}
    for name, plan in plans.items():
        path = out / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(show_plan(plan), encoding="utf-8")
        path.with_suffix(".json").write_text(to_json(plan), encoding="utf-8")
    return len(plans)
