"""Findings as a list of JSON records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Fix, Label, Span
from cxrspec.compiler.rendering.places import Texts


def render(found: Sequence[Diagnostic], texts: Texts) -> str:
    """A record for each; lines and columns from 1, the end is the first character that is not marked."""
    return json.dumps([_record(one, texts) for one in found], indent=2) + "\n"


def _record(one: Diagnostic, texts: Texts) -> dict[str, Any]:
    label = one.label if isinstance(one.label, Label) else None
    data = one.label if isinstance(one.label, DataPlace) else None
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        **_label(label, texts),
        "others": [_label(other, texts) for other in one.others],
        "help": list(one.help),
        "fix": _fix(one.fix, texts) if one.fix else None,
        "spec": one.spec,
        "data": {"file": data.file, "column": data.column, "line": data.line} if data else None,
    }


def _fix(fix: Fix, texts: Texts) -> dict[str, Any]:
    edits = [{**_place(edit.span, texts), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "edits": edits}


def _label(label: Label | None, texts: Texts) -> dict[str, Any]:
    return {**_place(label.span if label else None, texts), "label": label.text if label else None}


def _place(span: Span | None, texts: Texts) -> dict[str, Any]:
    text = texts.get(span.file) if span else None
    start = text.position(span.start) if text and span else (None, None)
    end = text.position(span.end) if text and span else (None, None)
    return {
        "file": span.file if span else None,
        "line": start[0],
        "column": start[1],
        "endLine": end[0],
        "endColumn": end[1],
    }
