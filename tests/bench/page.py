"""Tables in Markdown, and their places in docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column holds words, the others numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(command: str) -> str:
    """Where, when and how tables were made."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    names = ("polars", "pandas", "pyarrow", "duckdb")
    versions = ", ".join([f"Python {platform.python_version()}", *filter(None, map(_versioned, names))])
    today = f"{date.today():%d %B %Y}".lstrip("0")
    return f"{today}, {os.cpu_count()} cores, {memory:.0f} GiB; {versions}. Made by `{command}`."


def _versioned(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def put(part: str, text: str) -> None:
    """Put what a part of the bench found on the page."""
    PAGE.write_text(placed(PAGE.read_text("utf-8"), part, text), "utf-8")


def placed(page: str, part: str, text: str) -> str:
    """A page with the text of a part between its two marks.

    Raises:
        ValueError: the page has no such marks.
    """
    between = re.compile(rf"(<!-- bench {part} -->\n).*?(<!-- end -->)", re.DOTALL)
    made, places = between.subn(lambda marks: f"{marks[1]}{text}\n{marks[2]}", page)
    if places != 1:
        raise ValueError(f"{places} places for `{part}`")
    return made
