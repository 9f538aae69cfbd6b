"""`cxrspec schema`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Kind(StrEnum):
    """A kind of file."""

    source = "source"
    task = "task"
    spec = "spec"
    spaces = "spaces"
    licenses = "licenses"
    words = "words"


def schema(
    kind: Annotated[
        Kind | None, typer.Argument(help="Of one kind of file.", show_default="one for all, which goes by `kind:`")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it to this folder, as <kind>.schema.json.", show_default="print it")
    ] = None,
) -> None:
    """Print the JSON Schema of the files, for editors."""
    from cxrspec.compiler.editor import for_editors

    text = json.dumps(for_editors(kind), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        print(text, end="")
        return
    path = out / f"{kind or 'cxrspec'}.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"written to {path}", file=sys.stderr)
