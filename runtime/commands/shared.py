"""What commands share: settings, wrong usage, and printing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from cxrspec.runtime.commands.options import ListFormat

if TYPE_CHECKING:
    from cxrspec.compiler.diagnostics import Diagnostic
    from cxrspec.compiler.pipeline import Compilation, Compiled
    from cxrspec.runtime.settings import Settings


def toml(value: object) -> str:
    """A text of TOML, whose escapes are those of JSON."""
    import json

    return json.dumps(str(value), ensure_ascii=False)


def read_settings(specs: Path | None, data: Path | None, out: Path | None, seed: int | None) -> Settings:
    """What cxrspec.toml, the environment and the options say; wrong usage if they cannot be understood."""
    from cxrspec.compiler.diagnostics import Report
    from cxrspec.runtime.settings import Options, load

    report = Report()
    settings = load(Path(), os.environ, Options(data, out, specs, seed), report)
    if report.errors:
        complain(report.diagnostics, {})
        raise typer.Exit(2)
    if specs is not None and not specs.is_dir():
        usage(f"no folder `{specs}`")
    return settings


def one_spec(compilation: Compilation, name: str) -> Compiled:
    """The spec of this name; wrong usage if there is none."""
    from cxrspec.compiler.diagnostics import near

    if name not in compilation.specs:
        usage(f"unknown spec `{name}`", near(name, compilation.specs, "specs"))
    return compilation.specs[name]


def selected(
    compilation: Compilation, words: Sequence[str] | None, modified: Callable[[], Collection[str]]
) -> list[Compiled]:
    """The specs that `--select` names, all if it is not given; wrong usage if a word names none."""
    from cxrspec.runtime.project import select

    chosen, unknown = select(compilation, words or (), modified)
    for word, hint in unknown:
        usage(f"`--select {word}` names no spec", hint)
    return chosen


def usage(message: str, help: str = "") -> NoReturn:
    """End the command with exit 2: it was not called as it can be."""
    print(f"error: {message}" + (f"\n  = help: {help}" if help else ""), file=sys.stderr)
    raise typer.Exit(2)


def complain(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """Print findings to stderr; `texts` are the files that they mark, by path."""
    from cxrspec.compiler.render import render

    print(render(diagnostics, texts, "text", color=sys.stderr.isatty()), end="", file=sys.stderr)


def print_rows(rows: Iterable[Mapping[str, str | int]], format: ListFormat) -> None:
    """Rows as JSON, or as a table, in which a number stands with its name."""
    listed = list(rows)
    if format is ListFormat.json:
        import json

        print(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    texts = [[v if isinstance(v, str) else f"{v:,} {name}" for name, v in row.items()] for row in listed]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def how_many(number: int) -> str:
    """`1 spec`, `2 specs`."""
    return f"{number:,} spec" if number == 1 else f"{number:,} specs"


class Progress:
    """What is being done: one changing line on a terminal, plain lines elsewhere; on stderr."""

    def __enter__(self) -> Progress:
        self.status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self.status = Console(stderr=True).status("starting")
            self.status.start()
        return self

    def say(self, what: str) -> None:
        """Show what is being done."""
        if self.status is not None:
            self.status.update(what)
        else:
            print(what, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self.status is not None:
            self.status.stop()
