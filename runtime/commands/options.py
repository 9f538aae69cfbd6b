"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ListFormat(StrEnum):
    """How a list is printed."""

    text = "text"
    json = "json"


SpecsFolder = Annotated[
    Path | None, typer.Option("--specs", help="Folder of local specs, laid over those that ship.", show_default="specs")
]
OutFolder = Annotated[Path | None, typer.Option("--out", help="Folder of the output.", show_default="out")]
Select = Annotated[
    list[str] | None,
    typer.Option("--select", help="Names, globs, task:..., source:..., access:..., state:modified; may be repeated."),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Data root: one folder for each source.", show_default="CXRSPEC_DATA, else data"),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of all draws.", show_default="1")]
Published = Annotated[
    bool,
    typer.Option("--published", help="Rebuild the published rows, their defects named, instead of the correct ones."),
]
