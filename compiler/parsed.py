"""ONE FILE: what it says, taken by itself. `load`, `validate` and `parse` one after the other.

What comes of a file hangs on its path, its text and whether a published run is meant, and on nothing else: no other
file is looked at. So it can be remembered, under a key that is made of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol

from cxrspec.compiler import declarations as d
from cxrspec.compiler.catalog import File
from cxrspec.compiler.diagnostics import Diagnostic, Report
from cxrspec.compiler.ignoring import Comment, comments


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


class Memo(Protocol):
    """What files said before, by key: a dict, or something that lives longer."""

    def get(self, key: str, /) -> Parsed | None:
        """What is remembered under this key."""
        ...

    def __setitem__(self, key: str, parsed: Parsed, /) -> None: ...


def parse_file(file: File, published: bool, memo: Memo | None = None) -> Parsed:
    """What `file` says; with `published`, overlays stand in place of what they overlay."""
    if memo is None:
        return _parse(file, published)
    key = _key(file, published)
    known = memo.get(key)
    if known is None:
        memo[key] = known = _parse(file, published)
    return known


def _key(file: File, published: bool) -> str:
    text = file.text if isinstance(file.text, bytes) else file.text.encode("utf-8", "surrogatepass")
    head = f"{type(file.text).__name__} {published} {len(file.path)} {file.path}"
    return blake2b(head.encode("utf-8", "surrogatepass") + text, digest_size=20).hexdigest()


def _parse(file: File, published: bool) -> Parsed:
    # What is remembered needs none of these.
    from cxrspec.compiler.document import load
    from cxrspec.compiler.parse import parse
    from cxrspec.compiler.schema import validate

    report = Report()
    document = load(file.text, file.path, report)
    if document is None:
        return Parsed(None, None, (), tuple(report.diagnostics))
    declaration = parse(document, report, published) if validate(document, report) else None
    asked = tuple(comments(document, report))
    findings = [replace(one, fix=one.fix and document.as_written(one.fix)) for one in report.diagnostics]
    return Parsed(document.value, declaration, asked, tuple(findings))
