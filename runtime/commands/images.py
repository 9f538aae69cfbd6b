"""`cxrspec images`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, SpecsFolder
from cxrspec.runtime.commands.shared import Progress, complain, read_settings, toml, usage


def images(
    source: Annotated[str, typer.Argument(help="A source, by its name.")],
    out: Annotated[Path, typer.Argument(help="Folder of the converted pictures.")],
    specs: SpecsFolder = None,
    data: DataFolder = None,
) -> None:
    """Write the DICOM and PNG pictures of a source as PNG files of 8 bits."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.project import load

    try:
        from cxrspec.runtime.convert import convert
    except ModuleNotFoundError as error:
        usage(f"`cxrspec images` needs `{error.name}`, which is not installed", "pip install 'cxrspec[images]'")
    settings = read_settings(specs, data, None, None)
    sources = load(settings.specs).sources
    if source not in sources:
        usage(f"unknown source `{source}`", near(source, sources, "sources"))
    roots = Roots(settings.data, settings.sources)
    with Progress() as progress:
        done = convert(roots.of(source), out, roots.shown, progress.say)
    complain(done.findings, {})
    if not done.made + done.there + len(done.findings):
        folders = " or ".join(roots.shown(folder) for folder in roots.of(source))
        usage(f"no DICOM or PNG picture in {folders}", "pictures in an archive are unpacked first")
    print(f"pictures written: {done.made:,}, there before: {done.there:,}", file=sys.stderr)
    print(f"[images.{source}]\nroot = {toml(out.resolve())}\npattern = {toml(done.pattern)}")
    raise typer.Exit(1 if done.findings else 0)
