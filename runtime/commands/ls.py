"""`cxrspec ls`."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, ListFormat, OutFolder, Published, Seed, Select, SpecsFolder
from cxrspec.runtime.commands.shared import print_rows, read_settings, selected


def ls(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    out: OutFolder = None,
    select: Select = None,
    published: Published = False,
    seed: Seed = None,
    format: Annotated[ListFormat, typer.Option(help="text or json.")] = ListFormat.text,
) -> None:
    """List the specs, and whether their data is there."""
    from cxrspec.runtime.presence import state
    from cxrspec.runtime.project import load
    from cxrspec.runtime.request import Request
    from cxrspec.runtime.unchanged import InPlace, as_last

    settings = read_settings(specs, data, out, seed)
    compilation = load(settings.specs, published)
    place = InPlace(compilation, as_last(Request(settings, published=published)))
    rows = [
        {
            "name": spec.name,
            "task": spec.spec.task.name,
            "source": spec.spec.source.name,
            "state": state(spec, place.disk),
        }
        for spec in sorted(selected(compilation, select, place.modified), key=lambda spec: spec.name)
    ]
    print_rows(rows, format)
    raise typer.Exit(1 if compilation.errors else 0)
