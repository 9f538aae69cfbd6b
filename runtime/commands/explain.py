"""`cxrspec explain`."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from typing import Annotated

import typer

from cxrspec.runtime.commands.shared import usage

WIDEST = 100
"""Columns that a paragraph fills at most: a wider one is hard to read."""


def explain(code: Annotated[str, typer.Argument(help="The code of a finding: CXR203.")]) -> None:
    """Print what a finding means, with a wrong and a right example."""
    from importlib.resources import files

    from cxrspec.compiler.codes import CODES
    from cxrspec.compiler.diagnostics import near

    if code.upper() not in CODES:
        usage(f"unknown code `{code}`", near(code.upper().replace("O", "0"), CODES, "codes"))
    page = files("cxrspec.docs") / "errors" / f"{code.upper()}.md"
    text = page.read_text(encoding="utf-8").rstrip()
    print(drawn(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


def drawn(page: str, width: int) -> str:
    """A page for a terminal: headings stand out, paragraphs fill the width, examples are set in."""
    parts = re.split(r"^```\w*\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    texts = [
        textwrap.indent(part, "    ") if index % 2 else _paragraphs(part, width) for index, part in enumerate(parts)
    ]
    return "\n\n".join(text.strip("\n") for text in texts if text.strip())


def _paragraphs(text: str, width: int) -> str:
    """Headings and paragraphs, a blank line between them."""
    found = [" ".join(part.split()) for part in text.split("\n\n")]
    lines = [
        f"\x1b[1m{part.lstrip('# ')}\x1b[0m" if part.startswith("#") else textwrap.fill(part, min(width, WIDEST))
        for part in found
        if part
    ]
    return "\n\n".join(lines)
