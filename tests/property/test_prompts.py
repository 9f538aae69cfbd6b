"""Laws of a prompt's language: the wheel draws every text with the probability that the tree gives it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import islice, pairwise
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_prompt
from cxrspec.compiler.prompts import (
    LanguageTooLargeError,
    Leaf,
    Shape,
    Table,
    Wheel,
    count,
    largest_share,
    lay_out,
    leaf,
    resolve,
    spread,
    texts,
)

from .strategies import prompts

SMALL = prompts(st.sampled_from(["a", "b", "c d"]), st.sampled_from([s.Name("x"), s.Name("y")]), st.just("r"))
RULES: dict[str, s.Prompt] = {"r": s.Choice((s.Words("r1"), s.Slot(s.Name("z"))), (1, 2))}


@st.composite
def languages(draw: st.DrawFn) -> s.Prompt:
    """A resolved prompt with few enough tickets to look at each."""
    prompt = resolve(draw(SMALL), RULES, Report())
    assume(lay_out(prompt).tickets <= 5000)
    return prompt


def probabilities(prompt: s.Prompt) -> list[tuple[Leaf, Fraction]]:
    """Every way through the tree with its probability: the definition, without shapes, tables or tickets."""
    match prompt:
        case s.Sequence(parts):
            ways: list[tuple[Leaf, Fraction]] = [((), Fraction(1))]
            for part in parts:
                ways = [((*a, *b), p * q) for a, p in ways for b, q in probabilities(part)]
            return ways
        case s.Choice(alternatives, weights):
            shares = [Fraction(weight, sum(weights)) for weight in weights]
            return [(a, p * q) for alt, p in zip(alternatives, shares, strict=True) for a, q in probabilities(alt)]
        case s.Optional(part):
            return [((), Fraction(1, 2)), *((a, q / 2) for a, q in probabilities(part))]
        case s.Words(text):
            return [((text,), Fraction(1))]
        case _:
            return [((prompt,), Fraction(1))]  # type: ignore[list-item]


def reading(leaf: Leaf) -> str:
    """How a text reads, its slots by name: another way to compare leaves than by their parts."""
    return "".join(part if isinstance(part, str) else f"{{{part.expression.name}}}" for part in leaf)  # type: ignore[union-attr]


@given(languages())
def test_every_text_holds_its_share_of_the_tickets(prompt: s.Prompt) -> None:
    wheel = lay_out(prompt)
    held = Counter(reading(leaf(wheel, ticket)) for ticket in range(wheel.tickets))
    shares: Counter[str] = Counter()
    for way, share in probabilities(prompt):
        shares[reading(way)] += share  # type: ignore[assignment]
    assert {text: Fraction(number, wheel.tickets) for text, number in held.items()} == shares


@given(languages())
def test_no_smaller_number_of_tickets_would_do(prompt: s.Prompt) -> None:
    wheel = lay_out(prompt)
    stretches = [shape.weight * wheel.tickets / shape.leaves for shape in wheel.shapes]
    assert all(stretch.denominator == 1 for stretch in stretches)
    for factor in (2, 3, 5, 7):
        assert wheel.tickets % factor or any((stretch / factor).denominator > 1 for stretch in stretches)


@given(languages())
def test_all_ways_of_counting_agree(prompt: s.Prompt) -> None:
    number = count(prompt)
    assert number == len(probabilities(prompt))
    assert number == len(list(texts(prompt)))
    assert number == sum(
        prod(len(part.texts) for part in shape.parts if isinstance(part, Table)) for shape in lay_out(prompt).shapes
    )


@given(languages())
def test_the_listing_and_the_wheel_have_the_same_texts(prompt: s.Prompt) -> None:
    wheel = lay_out(prompt)
    listed = list(texts(prompt))
    assert {leaf(wheel, ticket) for ticket in range(wheel.tickets)} == set(listed)
    assert [reading(text) for text in listed] == [reading(way) for way, _ in probabilities(prompt)]


@given(languages())
def test_a_text_holds_neighbouring_tickets(prompt: s.Prompt) -> None:
    wheel = lay_out(prompt)
    assume(len(set(texts(prompt))) == count(prompt))  # a text that can be made in two ways holds two stretches
    named = [leaf(wheel, ticket) for ticket in range(wheel.tickets)]
    changes = sum(a != b for a, b in pairwise(named))
    assert changes == count(prompt) - 1


@given(languages(), st.integers(1, 6), st.data())
def test_turns_far_enough_apart_get_different_texts(prompt: s.Prompt, turns: int, data: st.DataObject) -> None:
    wheel = spread(lay_out(prompt), turns)
    assume(largest_share(wheel) <= Fraction(1, turns))
    assert wheel.tickets % turns == 0
    first = data.draw(st.integers(0, wheel.tickets - 1))
    step = wheel.tickets // turns
    drawn = [place(wheel, (first + turn * step) % wheel.tickets) for turn in range(turns)]
    assert len(set(drawn)) == turns


def place(wheel: Wheel, ticket: int) -> int:
    """The number of the leaf that holds a ticket, counted through all shapes."""
    number, end = 0, Fraction(0)
    for shape in wheel.shapes:
        stretch = shape.weight * wheel.tickets / shape.leaves
        if ticket < end + stretch * shape.leaves:
            return number + int((ticket - end) / stretch)
        number, end = number + shape.leaves, end + stretch * shape.leaves
    raise AssertionError


@given(languages(), st.integers(1, 6))
def test_spreading_changes_no_share(prompt: s.Prompt, turns: int) -> None:
    wheel = lay_out(prompt)
    wider = spread(wheel, turns)
    factor = wider.tickets // wheel.tickets
    assert all(leaf(wider, ticket) == leaf(wheel, ticket // factor) for ticket in range(0, wider.tickets, 7))


# ---- by hand


def read(text: str, rules: dict[str, str] | None = None) -> s.Prompt:
    def nowhere(start: int, end: int) -> Span:
        return Span("f", start, end)

    report = Report()
    parsed = {name: parse_prompt(rule, nowhere, report) for name, rule in (rules or {}).items()}
    prompt = parse_prompt(text, nowhere, report)
    assert prompt is not None
    resolved = resolve(prompt, {name: rule for name, rule in parsed.items() if rule is not None}, report)
    assert not report.diagnostics
    return resolved


def test_a_uniform_group_of_words_is_a_table() -> None:
    assert lay_out(read("(Name|Give) the (view|projection).")) == Wheel(
        (
            Shape(
                Fraction(1),
                (Table(("Name the view.", "Name the projection.", "Give the view.", "Give the projection.")),),
            ),
        ),
        4,
    )


def test_what_is_optional_is_first_absent() -> None:
    x = s.Slot(s.Name("x"))
    half = Fraction(1, 2)
    assert lay_out(read("(a|b)[ {x}]")) == Wheel(
        (Shape(half, (Table(("a", "b")),)), Shape(half, (Table(("a ", "b ")), x))),
        4,
    )
    assert lay_out(read("a[ b]")) == Wheel((Shape(Fraction(1), (Table(("a", "a b")),)),), 2)


def test_weights_make_shapes() -> None:
    wheel = lay_out(read("/3/a\n(b|c)"))
    assert wheel == Wheel((Shape(Fraction(3, 4), (Table(("a",)),)), Shape(Fraction(1, 4), (Table(("b", "c")),))), 8)
    assert [leaf(wheel, ticket) for ticket in range(8)] == [("a",)] * 6 + [("b",), ("c",)]
    assert largest_share(wheel) == Fraction(3, 4)


def test_large_tables_stay_apart() -> None:
    (shape,) = lay_out(read("(a|b)" * 13)).shapes
    assert [len(part.texts) for part in shape.parts if isinstance(part, Table)] == [4096, 2]


def test_rules_become_part_of_the_prompt() -> None:
    assert read("a <r> b", {"r": "c <q>", "q": "d"}) == s.Words("a c d b")


def test_unknown_rules_and_rules_in_a_circle_are_reported() -> None:
    report = Report()
    rules: dict[str, s.Prompt] = {"radiograph": s.Words("CXR"), "a": s.Rule("b"), "b": s.Rule("a")}
    resolve(s.Sequence((s.Rule("radiogaph"), s.Rule("a"), s.Rule("image"))), rules, report)
    assert [(d.code, d.message, d.help) for d in report.diagnostics] == [
        ("CXR205", "unknown rule `<radiogaph>`", ("a near name exists: `radiograph`",)),
        ("CXR206", "the rule `<a>` contains itself", ("<a> -> <b> -> <a>",)),
        (
            "CXR205",
            "unknown rule `<image>`",
            ("prompts hold no `<image>`: it is added for each image, or stands where `{images[0]}` does",),
        ),
    ]


@pytest.mark.parametrize(
    "text", ["(a|b)" * 48, "(a|{x})" * 13, "(/999999937/a|/2/b)(/999999929/a|/3/b)", "(a|b)" * 3000]
)
def test_too_large(text: str) -> None:
    with pytest.raises(LanguageTooLargeError):
        lay_out(read(text))


def test_rules_that_double_are_stopped() -> None:
    rules: dict[str, s.Prompt] = {f"r{i}": s.Sequence((s.Rule(f"r{i + 1}"),) * 2) for i in range(40)}
    with pytest.raises(LanguageTooLargeError):
        resolve(s.Rule("r0"), {**rules, "r40": s.Words("a")}, Report())
    chain: dict[str, s.Prompt] = {f"r{i}": s.Optional(s.Rule(f"r{i + 1}")) for i in range(200)}
    with pytest.raises(LanguageTooLargeError):
        resolve(s.Rule("r0"), {**chain, "r200": s.Words("a")}, Report())


def test_texts_are_listed_lazily() -> None:
    assert [reading(text) for text in islice(texts(read("(a|b)" * 2000)), 2)] == ["a" * 2000, "a" * 1999 + "b"]
    assert count(read("(a|b)" * 2000)) == 2**2000
