"""`cxrspec ls`."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, ListFormat, SpecsFolder
from cxrspec.runtime.commands.shared import print_rows, read_settings


def ls(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    format: Annotated[ListFormat, typer.Option(help="text or json.")] = ListFormat.text,
) -> None:
    """List the specs, and whether their data is there."""
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.project import load
    from cxrspec.runtime.sources import Presence, state

    settings = read_settings(specs, data, None, None)
    compilation = load(settings.specs)
    presence = Presence(Roots(settings.data, settings.sources))
    rows = [
        {"name": name, "task": spec.spec.task.name, "source": spec.spec.source.name, "state": state(spec, presence)}
        for name, spec in sorted(compilation.specs.items())
    ]
    print_rows(rows, format)
    raise typer.Exit(1 if compilation.errors else 0)
