"""The law of answers: parse(print(x)) == x. Printed by the real lowering of a form, read back by answers.py.

The options as shown are found again in the prompt's text: of all orders, the one whose block is printed there. That
is what `shown_by` reads there, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import parse, parse_choice, parse_choices, parse_text, shown_by
from cxrspec.compiler.typed import Column, Const
from cxrspec.compiler.types import TEXT, ListOf, Type

from ..evaluating import ENGINES, ID, Engine, ask, prompt, table

TEXTS = ListOf(TEXT)
SEVERAL: dict[str, Type] = {"options": TEXTS, "correct": TEXTS}
ONE: dict[str, Type] = {"options": TEXTS, "correct": TEXT}
HINT = prompt((1, (("Answer by its letter.",),)), (2, (("Choose: ", "Pick one: "), Const("now", TEXT))))
EMPTY = prompt((4, (("No finding.", "Nothing, really.", "a, b", "(A)"),)), (1, (("No ",), Const("edema", TEXT))))
MARKER = re.compile(r"\(([A-Z]|[0-9]+)\)")

options = st.one_of(
    st.sampled_from(
        ["Yes", "No", "a", "b", "é 中", "PA", "(A)", "(2)", "A", "", "x, y", "No edema", "(A) a", '"q"\\', "😀"]
    ),
    st.text("aA1(), é", max_size=5),
)


@st.composite
def rows(draw: st.DrawFn, several: bool) -> list[dict[str, Any]]:
    """Options and answers, most of them sound."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        given = draw(st.lists(options, max_size=4, unique=draw(st.booleans())))
        sound = draw(st.sampled_from([True, True, True, False]))
        right = st.sampled_from(given) if given and sound else options
        correct: Any = draw(st.lists(right, max_size=3, unique=draw(st.booleans()))) if several else draw(right)
        made.append({ID: f"{draw(st.integers(0, 99))}/{number}", "options": given, "correct": correct})
    return made


@st.composite
def choices(draw: st.DrawFn, several: bool) -> p.ChoiceAnswer:
    return p.ChoiceAnswer(
        options=Column("options", TEXTS),
        correct=Column("correct", TEXTS if several else TEXT),
        markers=draw(st.sampled_from([("letters",), ("numbers",), ("letters", "numbers")])),
        layout=draw(st.sampled_from(["inline", "lines"])),
        reply=draw(st.sampled_from([("text",), ("marker",), ("text", "marker")])),
        hint=draw(st.sampled_from([None, HINT])),
        several=several,
        empty=draw(st.sampled_from([None, EMPTY])) if several else None,
    )


prompts = st.sampled_from(
    [
        prompt((2, (("Which? ",), p.OptionBlock()))),
        prompt((2, (("Which?",),))),
        prompt((1, (("Which?",),)), (1, (("Which? ",), p.OptionBlock()))),
        prompt((1, (("Which? ",), p.OptionBlock(), (" Say.", "\nSay."))), (1, (("Which? ",), p.OptionBlock()))),
    ]
)


def marks(count: int) -> Iterator[list[str]]:
    yield [f"({letter})" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]]
    yield [f"({number + 1})" for number in range(count)]


def blocks(shown: Sequence[str], layout: str) -> Iterator[str]:
    """The ways a block may read."""
    for ways in marks(len(shown)):
        entries = [f"{mark} {option}" for mark, option in zip(ways, shown, strict=True)]
        yield "Options:\n" + "\n".join(entries) if layout == "lines" else "Options: " + ", ".join(entries)


def hints(choice: p.ChoiceAnswer) -> list[str]:
    return [""] if choice.hint is None else ["\nAnswer by its letter.", "\nChoose: now", "\nPick one: now"]


def orders(asked: str, given: Sequence[str], choice: p.ChoiceAnswer) -> list[tuple[str, ...]]:
    """The orders of the options that the prompt may show; without a block, the order given."""
    if asked == "Which?":
        return [tuple(given)]
    printed = [(shown, block) for shown in permutations(given) for block in blocks(shown, choice.layout)]
    ends = [hint + rest for hint in hints(choice) for rest in ("", " Say.", "\nSay.")]
    return [shown for shown, block in printed for end in ends if asked == f"Which? {block}{end}"]


def broken(row: dict[str, Any], choice: p.ChoiceAnswer) -> bool:
    """Whether a row breaks a rule that can be told without knowing what was drawn."""
    given = row["options"]
    correct = row["correct"] if choice.several else [row["correct"]]
    return (
        not given
        or len(set(given)) < len(given)
        or len(set(correct)) < len(correct)
        or not set(correct) <= set(given)
        or (choice.several and any(", " in option for option in given))
        or (choice.several and choice.empty is None and not correct)
        or (choice.reply != ("text",) and any(MARKER.fullmatch(option) for option in given))
    )


def read_back(form: p.Form, choice: p.ChoiceAnswer, found: dict[str, Any], row: dict[str, Any]) -> None:
    if found["lost"] is not None:
        nothing_drawn = choice.several and not row["correct"] and found["lost"].startswith("`empty:` that reads like")
        assert broken(row, choice) or nothing_drawn, found["lost"]
        return
    assert not broken(row, choice)
    shown_in = shown_by(form)
    for turn in found["turns"]:
        possible = orders(turn["prompt"], row["options"], choice)
        assert possible
        assert shown_in(turn["prompt"]) in (possible if turn["prompt"] != "Which?" else [()])
        for shown in possible[:1] if len(possible) == 1 or "(" not in turn["answer"] else ():
            said = parse(choice, turn["answer"], shown)
            wanted = row["correct"] if not choice.several else tuple(o for o in shown if o in row["correct"])
            assert said == wanted


@pytest.mark.parametrize("several", [False, True], ids=["choice", "choices"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_an_answer_is_read_back(several: bool, data: st.DataObject) -> None:
    made = data.draw(rows(several))
    choice = data.draw(choices(several))
    asked = data.draw(prompts)
    form = p.Form("ask", (), None, data.draw(st.sampled_from([1, 2])) if asked.tickets == 2 else 1, asked, choice)
    engine: Engine = data.draw(st.sampled_from(ENGINES))
    found = ask([form], table(SEVERAL if several else ONE, made), engine)
    for result, row in zip(found, made, strict=True):
        read_back(form, choice, result, row)


def asking(choice: p.ChoiceAnswer, *shapes: tuple[int, tuple[Any, ...]]) -> p.Form:
    return p.Form("ask", (), None, 1, prompt(*shapes), choice)


SETS = p.ChoiceAnswer(
    Column("options", TEXTS), Column("correct", TEXT), ("letters",), "inline", ("text",), None, False, None
)
BLOCK = (1, (Column("asked", TEXT), (" ",), p.OptionBlock()))


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("Options: (A) a, b, (B) c", ("a, b", "c")),
        ("Options: (A) , (B) c", ("", "c")),
        ("Options: (1) a, (3) b, (2) c", ("a, (3) b", "c")),
        ("Options: (A) a, (2) b", ("a, (2) b",)),
        ("Options: (A) Options: b, (B) c", ("Options: b", "c")),
        ("Options: (a) or b? Options: (A) a, (B) b", ("a", "b")),
        ("Options: (A) a (B) b? Options: (A) c, (B) d", ("c", "d")),
        ("Options: none", ()),
        ("Options:\n(A) a\n(B) b", ()),
        ("", ()),
    ],
)
def test_options_of_a_block(printed: str, shown: tuple[str, ...]) -> None:
    assert shown_by(asking(SETS, BLOCK))(f"Which one? {printed}") == shown


def test_more_options_than_letters_are_numbered() -> None:
    for size in (1, 9, 26, 27, 120):
        options = [f"option {number}" for number in range(size)]
        for ways in marks(size):
            lines = "\n".join(f"{mark} {option}" for mark, option in zip(ways, options, strict=False))
            read = shown_by(asking(replace(SETS, layout="lines"), BLOCK))(f"Which?\nOptions:\n{lines}")
            assert read == tuple(options[: len(ways)])


def test_hint_and_what_stands_behind_are_no_options() -> None:
    behind = (1, (p.OptionBlock(), ("\n",), Column("asked", TEXT)))
    assert shown_by(asking(SETS, behind))("Options: (A) a, (B) b\nWhich?") == ("a", "b")
    hinted = replace(SETS, hint=HINT, layout="lines")
    assert shown_by(asking(hinted, BLOCK))("? Options:\n(A) a\n(B) b\nPick one: soon, or never") == ("a", "b")
    assert shown_by(asking(hinted, BLOCK))("? Options:\n(A) a\n(B) b") == ()


def test_forms_without_options_show_none() -> None:
    form = p.Form("ask", (), None, 1, prompt((1, (("Options: (A) a",),))), p.TextAnswer(Column("correct", TEXT)))
    assert shown_by(form)("Options: (A) a") == ()


@given(st.text())
def test_a_text_is_read_back(text: str) -> None:
    answer = p.TextAnswer(Column("correct", TEXT))
    form = p.Form("ask", (), None, 1, prompt((1, (("Describe.",),))), answer)
    (found,) = ask([form], table({"correct": TEXT}, [{"correct": text}]))
    (turn,) = found["turns"]
    assert parse(answer, turn["answer"]) == parse_text(turn["answer"]) == text


PLAIN = p.ChoiceAnswer(
    Column("options", TEXTS), Column("correct", TEXTS), ("letters",), "inline", ("text", "marker"), None, True, None
)
WHICH = prompt((1, (("Which? ",), p.OptionBlock())))


@pytest.mark.parametrize(
    ("given", "correct", "choice", "gate"),
    [
        ([], [], PLAIN, "no options"),
        (["a", "a"], ["a"], PLAIN, "equal options"),
        (["a", "b"], ["c"], PLAIN, "an answer that is no option"),
        (["a", "b"], ["a", "a"], PLAIN, "equal answers"),
        (["a, b", "c"], ["c"], PLAIN, "an option with a comma"),
        (["a", "b"], [], PLAIN, "no answer, and no `empty:`"),
        (["a", "(B)"], ["a"], PLAIN, "an option that reads like a marker"),
        (["a", "(12)"], ["a"], PLAIN, "an option that reads like a marker"),
        (["a", "b"], [], replace(PLAIN, empty=prompt((1, (("b, a",),)))), "`empty:` that reads like options"),
        (["a", "b"], [], replace(PLAIN, empty=prompt((1, (("(A)",),)))), "`empty:` that reads like options"),
        (["a", "b"], ["b"], PLAIN, None),
        (["a", "(B)"], ["a"], replace(PLAIN, reply=("text",)), None),
        (["a", "b"], [], replace(PLAIN, empty=prompt((1, (("a finding, or b",),)))), None),
    ],
)
def test_rules(given: list[str], correct: list[str], choice: p.ChoiceAnswer, gate: str | None) -> None:
    form = p.Form("ask", (), None, 1, WHICH, choice)
    (found,) = ask([form], table(SEVERAL, [{"options": given, "correct": correct}]))
    assert found["lost"] == (gate and f"{gate} in form `ask`")


@pytest.mark.parametrize("engine", ENGINES)
def test_more_options_than_letters_are_counted(engine: Engine) -> None:
    given = [f"finding {n}" for n in range(30)]
    choice = replace(PLAIN, reply=("marker",))
    (found,) = ask(
        [p.Form("ask", (), None, 1, WHICH, choice)], table(SEVERAL, [{"options": given, "correct": given[3:6]}]), engine
    )
    (turn,) = found["turns"]
    shown = re.findall(r"\(\d+\) (finding \d+)", turn["prompt"])
    assert sorted(shown) == sorted(given)
    assert set(parse_choices(turn["answer"], shown, None) or ()) == set(given[3:6])


@pytest.mark.parametrize(
    ("reply", "shown", "said"),
    [
        ("PA", ["AP", "PA"], "PA"),
        ("(A)", ["AP", "PA"], "AP"),
        ("(2)", ["AP", "PA"], "PA"),
        ("(C)", ["AP", "PA"], None),
        ("(0)", ["AP", "PA"], None),
        ("(01)", ["AP", "PA"], None),
        ("(a)", ["AP", "PA"], None),
        ("pa", ["AP", "PA"], None),
        ("PA ", ["AP", "PA"], None),
        ("", ["AP", "PA"], None),
        ("", ["", "PA"], ""),
        ("(A)", ["PA", "(A)"], "(A)"),
        ("(\u0661)", ["AP"], None),
    ],
)
def test_one_option(reply: str, shown: list[str], said: str | None) -> None:
    assert parse_choice(reply, shown) == said


@pytest.mark.parametrize(
    ("reply", "empty", "said"),
    [
        ("b, a", None, ("a", "b")),
        ("(C), (A)", None, ("a", "c")),
        ("a", None, ("a",)),
        ("a, a", None, ("a",)),
        ("a,b", None, None),
        ("a, d", None, None),
        ("", None, None),
        ("No finding.", None, None),
        ("No finding.", EMPTY, ()),
        ("No edema", EMPTY, ()),
        ("No anything at all", EMPTY, ()),
        ("no edema", EMPTY, None),
        ("a, b", EMPTY, ("a", "b")),
    ],
)
def test_several_options(reply: str, empty: p.Prompt | None, said: tuple[str, ...] | None) -> None:
    assert parse_choices(reply, ["a", "b", "c"], empty) == said


@given(reply=st.text("ab(A1), \n\\", max_size=8), shown=st.lists(options, max_size=3))
def test_any_reply_gives_an_answer_or_none(reply: str, shown: list[str]) -> None:
    assert parse_choice(reply, shown) in {*shown, None}
    said = parse_choices(reply, shown, EMPTY)
    assert said is None or set(said) <= set(shown)
