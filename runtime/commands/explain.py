"""`cxrspec explain`."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, ListFormat, OutFolder, SpecsFolder
from cxrspec.runtime.commands.shared import complain, read_settings, usage

if TYPE_CHECKING:
    from cxrspec.runtime.examples import Example
    from cxrspec.runtime.provenance import Fact, Provenance, Provenances, Section

WIDEST = 100
"""Columns that a paragraph fills at most: a wider one is hard to read."""

BESIDE = 24
"""Letters of a label beside which its value stands; that of a longer one stands below it."""


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CODE|EXAMPLE_ID",
            help="The code of a finding, CXR203; or the id of an example, with #n for its n-th turn, from 0.",
        ),
    ],
    out: OutFolder = None,
    data: DataFolder = None,
    specs: SpecsFolder = None,
    format: Annotated[ListFormat, typer.Option(help="How an example's origin is printed.")] = ListFormat.text,
    again: Annotated[
        bool, typer.Option("--again", help="Make the example again from its sources, and compare.")
    ] = False,
) -> None:
    """Print what a finding means, or where an example came from."""
    if "/" in what:
        _example(what, out, data, specs, format, again)
    else:
        _code(what)


def _code(code: str) -> None:
    """Print the page of a code."""
    from importlib.resources import files

    from cxrspec.compiler.codes import CODES
    from cxrspec.compiler.diagnostics import near

    if code.upper() not in CODES:
        usage(f"unknown code `{code}`", near(code.upper().replace("O", "0"), CODES, "codes"))
    page = files("cxrspec.docs") / "errors" / f"{code.upper()}.md"
    text = page.read_text(encoding="utf-8").rstrip()
    print(drawn(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


def _example(id: str, out: Path | None, data: Path | None, specs: Path | None, format: ListFormat, again: bool) -> None:
    """Print where an example came from."""
    import json

    from cxrspec.runtime.examples import find, opened
    from cxrspec.runtime.project import load
    from cxrspec.runtime.provenance import Provenances

    settings = read_settings(specs, data, out, None)
    output = opened(settings.out)
    example = find(output, id)
    if output.made.demo and data is None:
        from cxrspec.runtime.demo import of_demo

        settings = of_demo(settings)
    whole = Provenances(output, load(settings.specs, output.made.mode == "published"), settings)
    found = whole.of(example)
    if format is ListFormat.json:
        print(json.dumps(found.data(), ensure_ascii=False, indent=1))
    else:
        print(told(found, bold=sys.stdout.isatty()))
    if found.changed:
        complain(found.changed, {})
    if again:
        _again(whole, example, found)


def _again(whole: Provenances, example: Example, found: Provenance) -> None:
    """Make an example again, and say whether it is the same."""
    from cxrspec.runtime.again import differs, made_again

    made = made_again(found.recipe, [example.id], whole.place)
    if differing := differs(example.row, made):
        complain([differing], {})
        raise typer.Exit(1)
    print("made again from its sources: the same", file=sys.stderr)


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


def told(found: Provenance, bold: bool = False) -> str:
    """The sections for a terminal: a heading, then its facts, values of several lines set in below each other."""
    return "\n\n".join(_section(one, bold) for one in found.sections)


def _section(section: Section, bold: bool) -> str:
    width = max((len(fact.label) for fact in section.facts if len(fact.label) <= BESIDE), default=0)
    head = f"\x1b[1m{section.title}\x1b[0m" if bold else section.title
    return "\n".join([head, *_lines(section.facts, width)])


def _lines(facts: Iterable[Fact], width: int) -> Iterator[str]:
    for fact in facts:
        first, *more = fact.value.split("\n")
        if len(fact.label) > BESIDE:
            yield f"  {fact.label}"
            more = [first, *more]
        else:
            yield f"  {fact.label.ljust(width)}  {first}".rstrip()
        yield from (f"  {' ' * width}  {line}".rstrip() for line in more)
