"""Findings as SARIF 2.1.0, the format of code scanning; ignored findings are in it, with the reason.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cxrspec.compiler.catalog import SHIPPED
from cxrspec.compiler.codes import CODES
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Fix, Label, Span
from cxrspec.compiler.ignoring import Ignored
from cxrspec.compiler.rendering.places import Text, Texts, data_name, order

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_BASES = {
    "%SRCROOT%": "the folder that cxrspec was started in",
    "PACKAGE": "the folder that holds the installed package cxrspec",
}


def render(found: Sequence[Diagnostic], texts: Texts, ignored: Sequence[Ignored] = ()) -> str:
    """A log of one run."""
    reasons = {one.finding: one.reason for one in ignored}
    every = sorted([*found, *reasons], key=order)
    codes = sorted({one.code for one in every})
    driver = {"name": "cxrspec", "version": version("cxrspec"), "rules": [_rule(code) for code in codes]}
    prints = _fingerprints(every, texts)
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {base: {"description": {"text": text}} for base, text in _BASES.items()},
        "results": [
            {
                **_result(one, texts),
                "ruleIndex": codes.index(one.code),
                "partialFingerprints": {"cxrspec/v1": fingerprint},
                "suppressions": [{"kind": "inSource", "justification": reasons[one]}] if one in reasons else [],
            }
            for one, fingerprint in zip(every, prints, strict=True)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(one: Diagnostic, texts: Texts) -> dict[str, Any]:
    """What a finding says, where, and what would mend it."""
    span = one.label.span if isinstance(one.label, Label) else None
    others = [
        {"id": number, "message": {"text": other.text or "see"}, "physicalLocation": _location(other.span, texts)}
        for number, other in enumerate(one.others, 1)
    ]
    return {
        "ruleId": one.code,
        "level": one.severity,
        "message": {"text": _message(one)},
        "locations": [{"physicalLocation": _location(span, texts)}] if span else [],
        "relatedLocations": others,
        "fixes": [_fix(one.fix, texts)] if one.fix else [],
    }


def _rule(code: str) -> dict[str, Any]:
    """What a code means: its page, which `cxrspec explain` prints."""
    page = (files("cxrspec.docs") / "errors" / f"{code}.md").read_text("utf-8")
    about = page.partition("\n")[2].strip().partition("\n\n")[0]
    return {
        "id": code,
        "shortDescription": {"text": CODES[code]},
        "fullDescription": {"text": " ".join(about.split())},
        "help": {"text": page, "markdown": page},
    }


def _message(one: Diagnostic) -> str:
    place = f" in {data_name(one.label)}" if isinstance(one.label, DataPlace) else ""
    label = f": {one.label.text}" if isinstance(one.label, Label) and one.label.text else ""
    return "\n".join([f"{one.message}{label}{place}", *one.help])


def _fingerprints(found: Sequence[Diagnostic], texts: Texts) -> Iterator[str]:
    """What each finding is known by, wherever in its file it moves to; equal ones are counted."""
    known = Counter[str]()
    for one in found:
        span = one.label.span if isinstance(one.label, Label) else None
        text = texts.get(span.file) if span else None
        marked = text.text[span.start : span.end] if span and text else ""
        parts = (one.code, span.file if span else "", marked, one.message)
        digest = sha256("\0".join(parts).encode()).hexdigest()[:32]
        known[digest] += 1
        yield f"{digest}:{known[digest]}"


def _fix(fix: Fix, texts: Texts) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        region, inserted = _region(edit.span, texts[edit.span.file]), {"text": edit.text}
        changes.setdefault(edit.span.file, []).append({"deletedRegion": region, "insertedContent": inserted})
    listed = [{"artifactLocation": _artifact(file), "replacements": parts} for file, parts in changes.items()]
    return {"description": {"text": fix.title}, "artifactChanges": listed}


def _location(span: Span, texts: Texts) -> dict[str, Any]:
    text = texts.get(span.file)
    region = {"region": _region(span, text)} if text else {}
    return {"artifactLocation": _artifact(span.file), **region}


def _region(span: Span, text: Text) -> Mapping[str, int]:
    start, end = text.position(span.start), text.position(span.end)
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}


def _artifact(file: str) -> dict[str, str]:
    """A file as a URI: of what ships below the package, of others below the folder the command was started in."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file), "uriBaseId": "PACKAGE" if file.startswith(SHIPPED) else "%SRCROOT%"}
