"""`cxrspec explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrspec.runtime.commands.shared import usage


def explain(code: Annotated[str, typer.Argument(help="The code of a finding: CXR203.")]) -> None:
    """Print what a finding means, with a wrong and a right example."""
    from importlib.resources import files

    from cxrspec.compiler.codes import CODES
    from cxrspec.compiler.diagnostics import near

    if code.upper() not in CODES:
        usage(f"unknown code `{code}`", near(code.upper().replace("O", "0"), CODES, "codes"))
    page = files("cxrspec.docs") / "errors" / f"{code.upper()}.md"
    print(page.read_text(encoding="utf-8").rstrip())
