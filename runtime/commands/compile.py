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
    github = "github"
    sarif = "sarif"


def compile_(
    specs: Annotated[
        Path | None,
        typer.Argument(help="Folder of local specs, laid over those that ship.", show_default="specs, if there is one"),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check; write no plans.")] = False,
    format: Annotated[Format, typer.Option(help="How findings are printed.")] = Format.text,
    out: Annotated[Path, typer.Option(help="Where plans are written, as text and JSON.")] = Path("plans"),
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is certain in local files, and say what remains.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    published: Published = False,
) -> None:
    """Prove that specs are sound, without any data."""
    from cxrspec.compiler.catalog import SHIPPED
    from cxrspec.compiler.render import render
    from cxrspec.runtime.project import load

    folder = read_settings(specs, None, None, None).specs
    compilation = _mended(folder, published, format) if fix else load(folder, published)
    found, color = compilation.diagnostics, sys.stdout.isatty()
    print(render(found, compilation.texts, format.value, color, compilation.ignored), end="")
    fixable = sum(one.fix is not None and not one.fix.edits[0].span.file.startswith(SHIPPED) for one in found)
    if fixable and not fix and format is Format.text:
        print(f"--fix mends {fixable} of them" if len(found) > 1 else "--fix mends it")
    if not check:
        written = _write_plans(compilation, out)
        print(f"plans of {how_many(written)} written to {out}", file=sys.stderr)
    elif format is Format.text and not found:
        print(f"sound: {how_many(len(compilation.specs))}")
    wrong = len(found) if strict else compilation.errors
    raise typer.Exit(1 if wrong else 0)


def _mended(folder: Path, published: bool, format: Format) -> Compilation:
    """What comes of the specs once they are mended; what was mended is said, on stderr beside machine formats."""
    from cxrspec.runtime.mending import lines, mend_folder

    mending = mend_folder(folder, published)
    for line in lines(mending):
        print(line, file=sys.stdout if format in (Format.text, Format.concise) else sys.stderr)
    return mending.compilation


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
