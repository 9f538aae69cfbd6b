"""Findings as annotations of a GitHub workflow: `::error file=...,line=...,title=CXR203::message`.

GitHub shows ten annotations of each level of one step; a notice at the end says what there is beyond them.
"""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label
from cxrspec.compiler.rendering.places import Texts, counts, data_name, place_name

MAX_ANNOTATIONS = 10
"""Annotations of one level that GitHub shows of one step."""


def render(found: Sequence[Diagnostic], texts: Texts) -> str:
    """A line for each, errors first; those that GitHub would not show are counted in a last line."""
    errors = [one for one in found if one.severity == "error"]
    warnings = [one for one in found if one.severity == "warning"]
    shown = errors[:MAX_ANNOTATIONS] + warnings[:MAX_ANNOTATIONS]
    lines = [_annotation(one, texts) for one in shown]
    if len(shown) < len(found):
        more = f"{counts(found)}; {len(shown)} are shown here, --format sarif has all of them"
        lines.append(f"::notice title=cxrspec::{_escaped(more)}")
    return "".join(line + "\n" for line in lines)


def _annotation(one: Diagnostic, texts: Texts) -> str:
    message = [one.message]
    if isinstance(one.label, Label) and one.label.text:
        message[0] += f": {one.label.text}"
    if isinstance(one.label, DataPlace):
        message.append(f"in {data_name(one.label)}")
    message += [f"{other.text or 'see'}: {place_name(other.span, texts)}" for other in one.others]
    message += [f"help: {help}" for help in one.help]
    message += [f"fix: {one.fix.title}"] if one.fix else []
    fields = {**_place(one, texts), "title": one.code}
    written = ",".join(f"{name}={_escaped(value, field=True)}" for name, value in fields.items())
    text = _escaped("\n".join(message))
    return f"::{one.severity} {written}::{text}"


def _place(one: Diagnostic, texts: Texts) -> dict[str, str]:
    """The fields of a place; columns only within one line, as GitHub asks for."""
    if not isinstance(one.label, Label):
        return {}
    span = one.label.span
    text = texts.get(span.file)
    if text is None:
        return {"file": span.file}
    line, column = text.position(span.start)
    last, end = text.position(span.end)
    place = {"file": span.file, "line": str(line), "endLine": str(last)}
    return place if last > line else {**place, "col": str(column), "endColumn": str(end)}


def _escaped(text: str, field: bool = False) -> str:
    """What would end a message, or one of the fields before it, as GitHub escapes it."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if field else text
