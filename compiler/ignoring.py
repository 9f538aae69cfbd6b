"""IGNORE: a finding that is right where it stands is kept quiet by a comment that says why.

    text: must(report)   # cxrspec: ignore[CXR307] a release in which it may be null is to come
    prompt: |            # cxrspec: ignore[CXR307] the same holds for this text
      Is this right: {must(report)}?

The comment speaks for its line; on a line of its own for the next one that is no comment; on the first line of a
block text for the whole text. Warnings can be ignored, errors cannot. A comment that does nothing, or not what it
says, is a finding itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxrspec.compiler.codes import CODES
from cxrspec.compiler.diagnostics import Diagnostic, Edit, Fix, Label, Report, Span, near, respell

if TYPE_CHECKING:
    from cxrspec.compiler.document import Document

FORM = "`# cxrspec: ignore[CXR307] why it is right here`"

_OURS = re.compile(r"#[ \t]*cxrspec[ \t]*(?::|\bignore\b).*")
_IGNORE = re.compile(r"#[ \t]*cxrspec:[ \t]*ignore\[([^\]]*)\][ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that a comment keeps quiet, and the reason that the comment gives."""

    finding: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that speaks for the text from `start` to `end`: the codes that it names, with their places.

    `whole` is what goes if the comment is taken away; `overlaid` says whether it stands in an overlay `published`.
    """

    span: Span
    codes: Mapping[str, Span]
    reason: str
    start: int
    end: int
    whole: Span
    overlaid: bool


def ignore(
    diagnostics: Sequence[Diagnostic], comments: Mapping[str, Sequence[Comment]], published: bool, own: Collection[str]
) -> tuple[list[Diagnostic], list[Ignored]]:
    """The findings that stand, with those about comments (CXR016, CXR017), and those that are ignored.

    `comments` are those of each file. Whether one is idle shows only where all checks were made, so where there is no
    error, and where its line is read: that of an overlay in a published run, any other in a run without. Nobody is told
    of idle ones in files that are not his `own`: with his files, what ships may be used after all.
    """
    report = Report()
    used = {comment.span: set[str]() for listed in comments.values() for comment in listed}
    stand, ignored = list[Diagnostic](), list[Ignored]()
    for found in diagnostics:
        comment = _comment_for(found, comments)
        if comment is not None and found.severity == "warning":
            used[comment.span].add(found.code)
            ignored.append(Ignored(found, comment.reason))
            continue
        stand.append(found)
        if comment is not None:
            message = f"{found.code} is an error here, and errors cannot be ignored"
            report.warning("CXR016", comment.codes[found.code], message)
    if not any(found.severity == "error" for found in diagnostics):
        for comment in (comment for listed in comments.values() for comment in listed):
            if comment.overlaid == published and comment.span.file in own:
                _idle(comment, used[comment.span], report)
    return stand + report.diagnostics, ignored


def _comment_for(found: Diagnostic, comments: Mapping[str, Sequence[Comment]]) -> Comment | None:
    """The comment that names this finding's code and speaks for its place."""
    if not isinstance(found.label, Label):
        return None
    span = found.label.span
    alike = [one for one in comments.get(span.file, ()) if found.code in one.codes]
    return next((one for one in alike if one.start <= span.start < one.end), None)


def _idle(comment: Comment, used: Set[str], report: Report) -> None:
    """A finding if there was nothing for one of the codes to ignore; the fix takes it out, or the comment with it."""
    idle = [code for code in comment.codes if code not in used]
    if not idle:
        return
    fix = Fix("take the comment away", (Edit(comment.whole, ""),))
    if used:
        kept = ", ".join(code for code in comment.codes if code in used)
        places = sorted(comment.codes.values())
        fix = Fix(f"keep `{kept}`", (Edit(replace(places[0], end=places[-1].end), kept),))
    message = f"nothing is there for `ignore[{', '.join(idle)}]` to ignore"
    report.warning("CXR017", comment.span, message, fix=fix)


# ---- finding comments


def comments(document: Document, report: Report) -> Iterator[Comment]:
    """The comments of a file that ignore something; findings for what is nearly one (CXR014 to CXR016)."""
    if "cxrspec" not in document.text:
        return
    text, outside = document.text, _without_scalars(document)
    overlays = [span for path, span in document.spans.items() if path[-1:] == ("published",)]
    blocks = {_line(text, span.start)[0]: span.end for span in _blocks(document)}
    for written in re.finditer(r"#[^\r\n]*", outside):
        ours = _OURS.search(written[0])
        if ours is None:
            continue
        start = written.start() + ours.start()
        span = Span(document.file, start, start + len(ours[0].rstrip()))
        read = _IGNORE.match(ours[0])
        words = list(re.finditer(r"[^\s,]+", read[1])) if read else []
        if read is None or not words:
            report.warning("CXR014", span, "a comment to cxrspec that cannot be read", help=f"the form is {FORM}")
            continue
        places = {word[0]: start + read.start(1) + word.start() for word in words}
        codes = {code: Span(document.file, at, at + len(code)) for code, at in places.items()}
        reason = read[2].strip()
        if not reason:
            report.warning("CXR015", span, "`ignore` without a reason", help=f"it follows the codes: {FORM}")
        known = {code: place for code, place in codes.items() if _is_known(code, place, report)}
        own, own_end = line, line_end = _line(text, start)
        while outside[line:line_end].lstrip().startswith("#") and line_end < len(text):
            line, line_end = _line(text, line_end)
        before = text[own:start].rstrip()
        whole = Span(document.file, own + len(before), span.end if before else own_end)
        overlaid = any(one.start <= line < one.end for one in overlays)
        yield Comment(span, known, reason, line, max(line_end, blocks.get(line, 0)), whole, overlaid)


def _is_known(code: str, span: Span, report: Report) -> bool:
    if code not in CODES:
        fix = respell(span, code, CODES)
        report.warning("CXR016", span, f"unknown code `{code}`", help=near(code, CODES), fix=fix)
    return code in CODES


def _without_scalars(document: Document) -> str:
    """The text with a `-` for each character of a scalar: a `#` that is left starts a comment.

    The first line of a block text is no part of its scalar.
    """
    text = document.text
    scalars = [document.spans[path] for path, style in document.styles.items() if style not in ("literal", "folded")]
    scalars += document.keys.values()
    scalars += [replace(span, start=min(_line(text, span.start)[1], span.end)) for span in _blocks(document)]
    pieces, at = list[str](), 0
    for span in sorted(scalars):
        pieces += [text[at : span.start], re.sub(r"[^\r\n]", "-", text[span.start : span.end])]
        at = span.end
    return "".join(pieces) + text[at:]


def _blocks(document: Document) -> list[Span]:
    return [document.spans[path] for path, style in document.styles.items() if style in ("literal", "folded")]


def _line(text: str, at: int) -> tuple[int, int]:
    """Where the line of `at` starts, and where it ends, its line break included."""
    start = max(text.rfind(end, 0, at) for end in "\r\n") + 1
    found = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?").match(text, start)
    return start, found.end() if found else start
