"""Draws, recomputed from the documented formula with the xxhash package.

A draw is made of the xxh64 of seed and id, joined by U+001F, and that of the site. Items of a list are in the order of draw x odd mod 2^64, where
odd is the item's xxh64 with its last bit set. From a form's second turn on, `#1`, `#2` ... stand behind the site.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.bodies import draw as draw_at
from cxrspec.compiler.typed import Column, Typed
from cxrspec.compiler.types import TEXT, ListOf

from .evaluating import ENGINES, ID, Engine, ask, check, prompt, table, values

XS = {"xs": ListOf(TEXT)}
IDS = ["a/b/1", "a/b/2", "é/中/%2F", "x", "", *(f"view/mimic/{n}" for n in range(60))]
ITEMS = ["PA", "AP", "é", "", "中文", "lateral"]
ROWS: list[dict[str, Any]] = [{ID: id, "xs": ITEMS[: n % 7]} for n, id in enumerate(IDS)]

texts = st.lists(st.text("abé, ", max_size=3), max_size=5)


def draw(seed: int, id: str, site: str) -> int:
    number = xxh64_intdigest(f"{seed}\x1f{id}".encode()) ^ xxh64_intdigest(site.encode())
    number = number * 0xFF51AFD7ED558CCD % 2**64
    number = (number ^ number >> 32) * 0xC4CEB9FE1A85EC53 % 2**64
    return number ^ number >> 32


def in_order(items: list[Any], seed: int, id: str, site: str) -> list[Any]:
    return sorted(items, key=lambda item: draw(seed, id, site) * (xxh64_intdigest(str(item).encode()) | 1) % 2**64)


def drawn(text: str, rows: list[dict[str, Any]], engine: Engine = "in-memory", seed: int = 0) -> list[Any]:
    typed, report = check(text, XS, site="ask.name")
    assert report.errors == 0
    return values([typed], table(XS, rows), engine, seed)["0"].to_list()


# ---- functions


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [0, 17])
def test_chance(engine: Engine, seed: int) -> None:
    found = drawn("chance(0.3)", ROWS, engine, seed)
    assert found == [draw(seed, id, "ask.name") / 2**64 < 0.3 for id in IDS]


def test_certain_and_impossible() -> None:
    assert set(drawn("chance(1)", ROWS)) == {True}
    assert set(drawn("chance(0)", ROWS)) == {False}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [0, 17])
def test_choose(engine: Engine, seed: int) -> None:
    ordered = [in_order(row["xs"], seed, row[ID], "ask.name") for row in ROWS]
    assert drawn("choose(xs)", ROWS, engine, seed) == [items[0] if items else None for items in ordered]
    assert drawn("choose(xs, 2)", ROWS, engine, seed) == [items[:2] for items in ordered]
    assert drawn("choose(xs, size(xs))", ROWS, engine, seed) == ordered
    assert drawn("choose(xs, -1)", ROWS, engine, seed) == [[] for _ in ordered]


def test_choose_among_numbers() -> None:
    assert drawn("choose([3, 1, 2], 2)", ROWS) == [in_order([3, 1, 2], 0, id, "ask.name")[:2] for id in IDS]


def test_a_longer_list_moves_a_choice_to_the_new_item_or_not_at_all() -> None:
    before = drawn('choose(["a", "b", "c"])', ROWS)
    after = drawn('choose(["d", "a", "b", "c"])', ROWS)
    assert all(new in (old, "d") for old, new in zip(before, after, strict=True))
    assert before != after


@given(truth=texts, others=texts, count=st.integers(1, 4), id=st.sampled_from(IDS))
def test_decoys(truth: list[str], others: list[str], count: int, id: str) -> None:
    types = {"truth": ListOf(TEXT), "others": ListOf(TEXT)}
    typed, _ = check(f"decoys(truth, others, {count})", types, site="ask.name")
    (found,) = values([typed], table(types, [{ID: id, "truth": truth, "others": others}]))["0"].to_list()
    wrong = set(others) - set(truth)
    assert len(found) == (min(count, len(wrong)) if truth else 0)
    for decoy in found:
        assert len(decoy) == len(set(decoy)) == len(set(truth))
        assert set(decoy) <= set(truth) | wrong
        assert set(decoy) & wrong
    assert all(set(a) != set(b) for a, b in combinations(found, 2))


def test_a_decoy_of_nothing_known_is_null() -> None:
    types = {"truth": ListOf(TEXT), "others": ListOf(TEXT)}
    typed, _ = check("decoys(truth, others, 2)", types)
    rows = [{"truth": None, "others": ["a"]}, {"truth": ["a"], "others": None}]
    assert values([typed], table(types, rows))["0"].to_list() == [None, None]


# ---- turns

NUMBERED = prompt((12, (tuple(f"text {n}" for n in range(12)),)))


def lowered(text: str, site: str) -> Typed:
    typed, report = check(text, XS, site=site)
    assert report.errors == 0
    return typed


def form(name: str, count: int, asked: p.Prompt, answer: str | None = None) -> p.Form:
    """A form whose answer is drawn, or a choice among `xs`."""
    if answer is None:
        options = Column("xs", ListOf(TEXT))
        choice = p.ChoiceAnswer(
            options, lowered('xs[0] ?? "none"', name), ("letters",), "inline", ("text",), None, False, None
        )
        return p.Form(name, (), None, count, asked, choice)
    let = p.Derive(f"$let.{name}.pick", lowered(answer, f"{name}.pick"))
    return p.Form(name, (let,), None, count, asked, p.TextAnswer(Column(let.name, TEXT)))


PICK = form("ask", 3, NUMBERED, 'choose(xs) ?? "none"')


def turns(
    forms: list[p.Form], rows: list[dict[str, Any]], engine: Engine = "in-memory", seed: int = 0
) -> dict[str, Any]:
    found = ask(forms, table(XS, rows), engine, seed)
    return {row[ID]: row["turns"] for row in found if row["lost"] is None}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [0, 17])
def test_turns(engine: Engine, seed: int) -> None:
    found = turns([PICK], ROWS, engine, seed)
    for row in ROWS:
        first = draw(seed, row[ID], "ask:prompt") % 12
        prompts = [f"text {(first + k * 4) % 12}" for k in range(3)]
        sites = ["ask.pick", "ask.pick#1", "ask.pick#2"]
        answers = [(in_order(row["xs"], seed, row[ID], site) or ["none"])[0] for site in sites]
        assert [turn["prompt"] for turn in found[row[ID]]] == prompts
        assert [turn["answer"] for turn in found[row[ID]]] == answers
        assert {turn["form"] for turn in found[row[ID]]} == {"ask"}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_order_of_options(engine: Engine) -> None:
    rows = [row for row in ROWS if row["xs"]]
    found = turns([form("ask", 2, prompt((2, (p.OptionBlock(),))))], rows, engine)
    for row in rows:
        for turn, site in zip(found[row[ID]], ["ask:options", "ask:options#1"], strict=True):
            shown = in_order(row["xs"], 0, row[ID], site)
            assert turn["prompt"] == "Options: " + ", ".join(
                f"({m}) {o}" for m, o in zip("ABCDEFG", shown, strict=False)
            )
            assert turn["answer"] == row["xs"][0]


def test_another_form_or_another_row_changes_no_draw() -> None:
    alone = turns([PICK], ROWS)
    beside = turns([form("first", 1, NUMBERED, 'choose(views) ?? ""'), PICK], ROWS)
    assert {id: found[1:] for id, found in beside.items()} == alone
    shuffled = Random(0).sample(ROWS, k=len(ROWS) - 9)
    assert turns([PICK], shuffled) == {row[ID]: alone[row[ID]] for row in shuffled}


def test_draws_are_spread_evenly() -> None:
    rows = [{ID: f"row {n}", "xs": ["a", "b", "c", "d"]} for n in range(4000)]
    found = drawn("choose(xs)", rows)
    assert all(850 < found.count(item) < 1150 for item in "abcd")  # five standard deviations and more
    assert 1800 < sum(drawn("chance(0.5)", rows)) < 2200


def test_each_order_of_options_is_as_likely() -> None:
    """Items' draws are multiples of one number, and orders are spread all the same: chi squared of 24 orders."""
    rows = [{ID: f"row {n}", "xs": ["Edema", "Mass", "Yes", "No"]} for n in range(24_000)]
    counts = Counter(tuple(order) for order in drawn("choose(xs, 4)", rows))
    assert len(counts) == 24
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 62  # one in 50,000 for 23 degrees of freedom


@pytest.mark.parametrize("sites", [("a", "b"), ("a", "a#1"), ("a#1", "a#2"), ("a:prompt", "a:options", "a:options#1")])
@pytest.mark.parametrize("low", [True, False])
def test_draws_of_one_row_hang_on_each_other_in_nothing(sites: tuple[str, ...], low: bool) -> None:
    """The lowest and the highest bits of draws of a row, which are all made of one number: chi squared of 16 or 64 cells."""
    size = 32_000
    rows = pl.select(pl.int_range(size).cast(pl.String).alias("$id"))
    drawn = [draw_at(Context(), site).alias(site) for site in sites]
    counts = rows.select(one % 4 if low else one // 2**62 for one in drawn).group_by(sites).len()["len"]
    cells = 4 ** len(sites)
    assert len(counts) == cells
    assert ((counts - size / cells) ** 2).sum() * cells / size < cells + 5 * (2 * cells) ** 0.5
