"""Laws of loading: places are exact, and any text at all gives a tree or findings."""

from __future__ import annotations

from typing import Any, cast

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler.diagnostics import Diagnostic, Label, Report, Span
from cxrspec.compiler.document import load
from cxrspec.compiler.render import render
from cxrspec.compiler.schema import validate

LETTERS = st.sampled_from("ab:#'\"\\-{[,é漢😀 \t\n\n  ")
VALID = """\
kind: spec
task: view_classification
source: "mimic_cxr"
from: images
where: {has_view: view is not null, 'other': 'view in ["AP", "PA"]'}
steps:
  - derive:
      coarse: >-
        chance(0.5)
        and true
key: [dicom_id, 'digest(a, b)']   # a comment
bind:
  images: '[image]'
published: {row: [View Classification, "Lab\\t"], because: 'same', expect: {train: 10}}
"""


def dump(value: Any, style: str | None, **options: Any) -> str:
    return cast(str, cast(Any, yaml).safe_dump({"a": {"b": value}}, default_style=style, **options))


@settings(max_examples=300, deadline=None)
@given(
    st.text(LETTERS, max_size=60),
    st.sampled_from(["'", '"', "|", ">", None]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([12, 80]),
)
def test_each_character_of_a_value_is_found_in_the_file(
    text: str, style: str | None, unicode: bool, line_break: str, width: int
) -> None:
    dumped = dump(text, style, allow_unicode=unicode, width=width).replace("\n", line_break)
    report = Report()
    document = load("\ufeff" + dumped, "a.yaml", report)
    path = ("a", "b")
    if document is None:  # `"` and `(` that stand open before a comma or a comment are refused
        assert {x.code for x in report.diagnostics} <= {"CXR010", "CXR011"}
        return
    value = document.value["a"]["b"]
    if not isinstance(value, str):  # 1.1 and 1.2 differ about plain scalars
        return
    assert value == text
    locate = document.locate(path)
    spans = [locate(i, i + 1) for i in range(len(value))]
    for character, span in zip(value, spans, strict=True):
        source = document.text[span.start : span.end]
        if source.startswith("\\") and document.style(path) == "double":
            assert yaml.safe_load(f'"{source}"') == character
        elif source == "''" and document.style(path) == "single":
            assert character == "'"
        elif not character.isspace():
            assert source == character
    assert spans == sorted(spans)
    if value:
        assert locate(0, len(value)) == Span("a.yaml", spans[0].start, spans[-1].end)


def check(text: str | bytes) -> None:
    """Load, validate, draw: nothing is raised, and every place lies in the text."""
    report = Report()
    document = load(text, "a.yaml", report)
    source = document.text if document else text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if document:
        validate(document, report)
        for span in (*document.spans.values(), *document.keys.values()):
            assert 0 <= span.start <= span.end <= len(source)
        for path in document.styles:
            document.locate(path)(0, 10**6)
    else:
        assert report.errors
    for found in report.diagnostics:
        for label in labels(found):
            assert 0 <= label.span.start <= label.span.end <= len(source)
    drawn = render(report.diagnostics, {"a.yaml": source}, "text")
    assert all(line.isprintable() for line in drawn.split("\n"))
    assert len(render(report.diagnostics, {"a.yaml": source}, "concise").splitlines()) == len(report.diagnostics)


def labels(found: Diagnostic) -> list[Label]:
    return [label for label in (found.label, *found.others) if isinstance(label, Label)]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.binary(), st.text(st.sampled_from("a:-?[]{},#&*!|>'\"%@` \n\t\\"), max_size=40)))
def test_any_text_gives_a_document_or_findings(text: str | bytes) -> None:
    check(text)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_change_of_a_valid_file_gives_a_document_or_findings(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 8, len(text))))
        text = (
            text[:start] + data.draw(st.text(st.sampled_from("a1:-?[]{},#&*!|>'\"%@` \n\t\\"), max_size=3)) + text[end:]
        )
    check(text)


def test_the_file_that_is_changed_is_valid() -> None:
    report = Report()
    document = load(VALID, "a.yaml", report)
    assert document is not None
    assert validate(document, report), report.diagnostics
