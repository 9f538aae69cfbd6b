"""The way through a prompt to one of its texts, checked against the list of all texts in reading order."""

from __future__ import annotations

from itertools import islice

import pytest

from cxrspec.compiler import prompts
from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_prompt
from cxrspec.compiler.paths import Taken, fits, path

from .corpus import compilation


def place(start: int, end: int) -> Span:
    return Span("p", start, end)


def written(text: str) -> s.Prompt:
    report = Report()
    prompt = parse_prompt(text, place, report)
    assert prompt is not None
    return prompt


RULE = {"film": written("(radiograph|film)")}
TEXT = "(Which|What) view is this <film>?[ {options}]\nName the (view|position [now]) of this <film>."


def said(taken: tuple[Taken, ...] | None) -> list[tuple[str, str, int, int, str]]:
    assert taken is not None
    return [(one.kind, one.rule, one.place, one.of, one.text) for one in taken]


def test_a_way_names_line_alternatives_and_rules() -> None:
    options = s.Slot(s.Name("options"))
    assert said(path(written(TEXT), RULE, ("What view is this film? ", options))) == [
        ("line", "", 1, 2, "(Which|What) view is this <film>?[ {options}]"),
        ("alternative", "", 2, 2, "What"),
        ("alternative", "film", 2, 2, "film"),
        ("optional", "", 1, 1, " {options}"),
    ]
    assert said(path(written(TEXT), RULE, ("Name the position  of this radiograph.",))) == [
        ("line", "", 2, 2, "Name the (view|position [now]) of this <film>."),
        ("alternative", "", 2, 2, "position [now]"),
        ("optional", "", 0, 1, ""),
        ("alternative", "film", 1, 2, "radiograph"),
    ]


def test_spans_say_where_an_alternative_stands() -> None:
    taken = path(written(TEXT), RULE, ("Name the view of this film.",))
    assert taken is not None
    spans = [one.span for one in taken]
    assert [TEXT[span.start : span.end] for span in spans[:2] if span] == [TEXT.split("\n")[1], "view"]


def test_no_way_leads_to_another_text() -> None:
    assert path(written(TEXT), RULE, ("Name the view.",)) is None
    assert path(written(TEXT), RULE, ("Which view is this film? ", s.Slot(s.Name("others")))) is None
    assert path(written("Name it."), {}, ()) is None


@pytest.mark.parametrize("name", sorted(compilation().tasks))
def test_every_text_has_its_own_way(name: str) -> None:
    """Different texts have different ways, in all prompts that ship."""
    task = compilation().tasks[name]
    rules = {**compilation().words.rules, **task.rules}
    for form in task.forms:
        resolved = prompts.resolve(form.prompt, rules, Report())
        size = prompts.count(resolved)
        seen: set[tuple[Taken, ...]] = set()
        for leaf in islice(prompts.texts(resolved), 0, size, max(1, size // 20)):
            taken = path(form.prompt, rules, leaf)
            assert taken is not None
            assert taken not in seen
            seen.add(taken)
            shown = "".join(one if isinstance(one, str) else "x\ny" for one in leaf)
            assert fits(leaf, shown)
            assert not fits(leaf, shown + "!") or not isinstance(leaf[-1], str)
