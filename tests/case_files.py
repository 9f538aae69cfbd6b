"""A case is a text that holds one or more local files, and says where findings are expected.

    # file: sources/lab.yaml            the lines below belong to this file (a case of one file needs no such line)
    where: veiw == "PA"                 # error: CXR203

The comment names the codes of the findings whose primary place starts in its line (`error:` or `warning:`); it is
taken away before the file is compiled, since in block text it would be part of a prompt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cxrspec.compiler.catalog import File, overlay
from cxrspec.compiler.diagnostics import Diagnostic, Label
from cxrspec.compiler.parsed import Parsed
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.workspace import Workspace

REMEMBERED: dict[str, Parsed] = {}
"""What files of cases say: those that all cases stand on are read once. With and without it the same comes out (test_memo.py)."""

WORKSPACES = {published: Workspace(published, REMEMBERED) for published in (False, True)}
"""Where cases are compiled, one after the other (test_memo.py: the same comes out as from nothing)."""

BASE = Path(__file__).parent / "specs_base"

_EXPECTED = re.compile(r"[ \t]*# (error|warning): (CXR\d{3}(?:, CXR\d{3})*)$")

Place = tuple[str, int, str, str]
"""File, line, severity and code of a finding."""


@dataclass(frozen=True, slots=True)
class Case:
    """Local files and the findings that are expected in them; `published`: as for `cxrspec run --published`."""

    files: tuple[File, ...]
    expected: Counter[Place]
    published: bool

    def compile(self) -> Compilation:
        """The case laid over what ships."""
        return WORKSPACES[self.published].compile(overlay(packaged(), self.files))


@cache
def packaged() -> tuple[File, ...]:
    """A few sources, tasks and specs as though they shipped: a case's message does not change when a spec is added."""
    places = {path.relative_to(BASE).as_posix(): path for path in sorted(BASE.rglob("*.yaml"))}
    return tuple(File(f"cxrspec/specs/{place}", place, path.read_bytes(), True) for place, path in places.items())


def case(text: str, path: str = "local.yaml") -> Case:
    """The case that a text holds; `path` names the file if no line does."""
    expected: Counter[Place] = Counter()
    files = [_file(name, content, expected) for name, content in _parts(text, path)]
    return Case(tuple(files), expected, "\n# published\n" in f"\n{text}")


def _parts(text: str, path: str) -> Iterable[tuple[str, str]]:
    first, *named = re.split(r"^# file: (.+)\n", text, flags=re.MULTILINE)
    if not named:
        return [(path, first)]
    return zip(named[::2], named[1::2], strict=True)


def _file(path: str, content: str, expected: Counter[Place]) -> File:
    lines: list[str] = []
    for number, line in enumerate(content.split("\n"), 1):
        if match := _EXPECTED.search(line):
            expected.update((path, number, match[1], code) for code in match[2].split(", "))
        lines.append(_EXPECTED.sub("", line))
    return File(path, path, "\n".join(lines))


UNUSED = frozenset(("CXR440", "CXR441", "CXR442", "CXR443"))
"""What a file for many tests declares and one of them does not use."""


def but_unused(compilation: Compilation) -> list[Diagnostic]:
    """All findings but those about what is never used."""
    return [found for found in compilation.diagnostics if found.code not in UNUSED]


def findings(compilation: Compilation) -> Counter[Place]:
    """Where a compilation has which findings."""
    return Counter(_place(found, compilation) for found in compilation.diagnostics)


def _place(found: Diagnostic, compilation: Compilation) -> Place:
    assert isinstance(found.label, Label), found
    span = found.label.span
    return span.file, compilation.texts[span.file].count("\n", 0, span.start) + 1, found.severity, found.code
