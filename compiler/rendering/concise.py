"""Findings in one line each: `file:line:column: error[CXR203]: message (help)`."""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label
from cxrspec.compiler.rendering.places import Texts, data_name, place_name, printable


def render(found: Sequence[Diagnostic], texts: Texts) -> str:
    """A line for each."""
    return "".join(_line(one, texts) + "\n" for one in found)


def _line(one: Diagnostic, texts: Texts) -> str:
    match one.label:
        case Label(span):
            place = f"{place_name(span, texts)}: "
        case DataPlace():
            place = f"{data_name(one.label)}: "
        case None:
            place = ""
    spec = f" [{one.spec}]" if one.spec else ""
    help = f" ({'; '.join(one.help)})" if one.help else ""
    return printable(f"{place}{one.severity}[{one.code}]: {one.message}{spec}{help}")
