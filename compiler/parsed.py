"""ONE FILE: what it says, taken by itself. `load`, `validate` and `parse` one after the other.

What comes of a file hangs on its path, its text and whether a published run is meant, and on nothing else: no other
file is looked at. So it can be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cxrspec.compiler import declarations as d
from cxrspec.compiler.catalog import File
from cxrspec.compiler.diagnostics import Diagnostic, Report
from cxrspec.compiler.document import load
from cxrspec.compiler.ignoring import Comment, comments
from cxrspec.compiler.parse import parse
from cxrspec.compiler.schema import validate


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one file says.

    value        the file as plain values; None where it is no YAML that can be read
    declaration  what it declares; None where the file has not the form of its kind
    comments     where a comment asks for findings to be ignored
    findings     what is wrong with the file, whatever the other files say
    """

    value: Any
    declaration: d.Declaration | None
    comments: tuple[Comment, ...]
    findings: tuple[Diagnostic, ...]


def parse_file(file: File, published: bool) -> Parsed:
    """What `file` says; with `published`, overlays stand in place of what they overlay."""
    report = Report()
    document = load(file.text, file.path, report)
    valid = document is not None and validate(document, report)
    declaration = parse(document, report, published) if document is not None and valid else None
    value, asked = (document.value, tuple(comments(document, report))) if document is not None else (None, ())
    return Parsed(value, declaration, asked, tuple(report.diagnostics))
