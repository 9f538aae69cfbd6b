"""Laws of the text of the language: what is shown reads back, and no text makes the parser fall over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given

from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_expression, parse_prompt, parse_type
from cxrspec.compiler.show import show_expression, show_prompt
from cxrspec.compiler.syntax import Expr, Invalid, Prompt, Sequence, Words
from cxrspec.compiler.types import UNKNOWN, Type

from .strategies import broken_texts, expressions, prompts, types


def place(start: int, end: int) -> Span:
    return Span("f", start, end)


@given(expressions())
def test_an_expression_shown_is_read_back(expression: Expr) -> None:
    report = Report()
    again = parse_expression(show_expression(expression), place, report)
    assert not report.diagnostics
    assert again == expression
    assert repr(again) == repr(expression)  # 1 == 1.0 == True, but their texts differ


@given(prompts())
def test_a_prompt_shown_is_read_back(prompt: Prompt) -> None:
    ends = prompt.parts if isinstance(prompt, Sequence) else (prompt,)
    for end in (ends[0], ends[-1]):  # white space at the ends of a line is not part of a prompt
        assume(not isinstance(end, Words) or end.text.replace("\n", "n").strip() == end.text.replace("\n", "n"))
    report = Report()
    again = parse_prompt(show_prompt(prompt), place, report)
    assert not report.diagnostics
    assert again == prompt


@given(types())
def test_a_type_shown_is_read_back(type: Type) -> None:
    report = Report()
    again = parse_type(str(type), place, report)
    assert not report.diagnostics
    assert again == type


@pytest.mark.parametrize("parse", [parse_expression, parse_prompt, parse_type])
@given(text=broken_texts())
def test_any_text_gives_a_tree_or_findings_that_lie_in_it(
    parse: Callable[[str, Callable[[int, int], Span], Report], object], text: str
) -> None:
    report = Report()
    spans: list[Span] = []

    def inside(start: int, end: int) -> Span:
        assert 0 <= start <= end <= len(text)
        assert start < end or not text
        spans.append(place(start, end))
        return spans[-1]

    tree = parse(text, inside, report)
    failed = tree is None or tree == UNKNOWN or isinstance(tree, Invalid)
    assert failed == bool(report.diagnostics)
    assert all(d.message and d.label for d in report.diagnostics)
