"""Fast forms give the same bytes as the plain forms they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import cast

import polars as pl
import pytest

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, expression
from cxrspec.compiler.fast.known import SHORT, Few, Items, Known, at_most, counted, known, most_of, texts_of
from cxrspec.compiler.to_polars import Stage, query, stages
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Draw, Typed
from cxrspec.compiler.types import BOOL, INT, TEXT, LabelsOf, ListOf, Type, nullable
from cxrspec.runtime import execute, run

from . import made_up
from .corpus import compilation, corpus
from .evaluating import LABELS, Engine, check, prompt, table

FEW = (
    "image_classification/brax",
    "image_classification/cxr_lt",
    "report_evaluation/rexval",
    "view_classification/mimic_cxr",
)


def plain(monkeypatch: pytest.MonkeyPatch, out: Path, specs: tuple[str, ...]) -> dict[str, bytes]:
    """The data files of these specs, made without fast forms."""
    monkeypatch.setattr(run, "Context", partial(Context, fast=False))
    assert not made_up.make(corpus(1).data, out, compilation(), select=specs).diagnostics
    return made_up.data_files(out)


def fast(specs: tuple[str, ...]) -> dict[str, bytes]:
    return {name: content for name, content in made_up.data_files(corpus(1).out).items() if name.startswith(specs)}


def test_a_few_specs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = plain(monkeypatch, tmp_path, FEW)
    assert found
    assert found == fast(FEW)


@pytest.mark.slow
def test_every_spec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    specs = tuple(compilation().specs)
    assert plain(monkeypatch, tmp_path, specs) == fast(specs)


# ---- choices among known texts, several turns a form

LISTS: dict[str, Type] = {"truth": ListOf(TEXT), "others": ListOf(TEXT), "options": ListOf(TEXT)}
LETS: dict[str, Type] = {
    "wrong": ListOf(ListOf(TEXT)),
    "right": TEXT,
    "pick": TEXT,
    "sets": ListOf(ListOf(TEXT)),
    "named": ListOf(TEXT),
    "one": TEXT,
    "more": ListOf(TEXT),
}
NAMES = tuple(f"{letter} {place}" for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜß") if place % 7)
BLOCK = prompt((4, (("Which? ", "What? "), p.OptionBlock())), (2, (("Say it.",),)))


def typed(text: str, site: str) -> Typed:
    found, report = check(text, LISTS | LETS, site=site)
    assert report.errors == 0
    return found


def let(name: str, form: str, text: str) -> p.Derive:
    return p.Derive(name, typed(text, f"{form}.{name}"))


def choice(options: str, correct: str, markers: tuple[str, ...], several: bool) -> p.ChoiceAnswer:
    empty = prompt((2, (("Nothing.",),))) if several else None
    lines = ("lines", ("text", "marker"), None)
    return p.ChoiceAnswer(typed(options, "o"), typed(correct, "c"), markers, *lines, several, empty)


FORMS = (
    p.Form("some", (), None, 2, BLOCK, choice("options", "truth", ("letters", "numbers"), several=True)),
    p.Form(
        "sets",
        (
            let("wrong", "sets", "decoys(truth, others, 3)"),
            let("right", "sets", 'join(choose(truth, size(truth)), ", ")'),
        ),
        typed("size(truth) <= 3 and size(truth) >= 1", "sets"),
        2,
        BLOCK,
        choice('concat([right], each(wrong, join(it, ", ")))', "right", ("letters",), several=False),
    ),
    p.Form(
        "pick",
        (let("pick", "pick", 'choose(options) ?? "none"'),),
        None,
        2,
        BLOCK,
        choice("options", "pick", ("numbers",), several=False),
    ),
    p.Form(
        "few",
        (
            let("sets", "few", "decoys(truth, others, 2)"),
            let("named", "few", """each(sets, f"{size(it)}: {join(it, '; ')}")"""),
            let("one", "few", 'choose(named) ?? f"none of {size(sets)}"'),
        ),
        None,
        2,
        BLOCK,
        choice(
            """concat(each(named, if it == "1: A 0" then "(A)!" else it), ["(B)!", f"{one}."])""",
            'f"{one}."',
            ("letters", "numbers"),
            several=False,
        ),
    ),
    p.Form(
        "list",
        (let("more", "list", """concat(["a", "b"], where(truth, it != "A 0"))"""),),
        None,
        1,
        BLOCK,
        choice(
            """concat(["a"], where(choose(more, 3), it != "a"))""",
            'first(["a", "b"]) ?? "a"',
            ("letters",),
            several=False,
        ),
    ),
)


def of_known(size: int, engine: Engine, fast: bool) -> list[dict[str, object]]:
    """The turns of made-up rows over so many known texts."""
    chance = Random(size)
    texts = NAMES[:size]
    shares = (0, 0.05, 0.1, 0.3, 0.6, 1)
    truths = [[text for text in texts if chance.random() < share] for share in shares for _ in range(4)]
    rows = [
        {"truth": truth, "others": [t for t in texts if t not in truth or chance.random() < 0.2], "options": texts}
        for truth in truths
    ]
    held: Known = {"truth": Items(texts), "others": Items(texts), "options": Items(texts, all=True)}
    context = Context(seed=size, fast=fast)
    lazy, _ = query(Stage((p.Turns(FORMS),), known=held), table(LISTS, rows).lazy(), {}, context)
    return lazy.select("turns", "target", "$lost").collect(engine=engine).to_dicts()


@pytest.mark.parametrize("size", [1, 5, *(pytest.param(size, marks=pytest.mark.slow) for size in (16, 17, 24))])
def test_choices_among_known_texts(size: int) -> None:
    found = of_known(size, "in-memory", fast=True)
    assert found == of_known(size, "in-memory", fast=False) == of_known(size, "streaming", fast=True)
    assert {len(cast(list[object], row["turns"])) for row in found} == {7, 9}


# ---- draws of lists of a few texts that nobody knows beforehand

OF_FEW = (
    *(form for form in FORMS if form.name in ("sets", "few")),
    p.Form(
        "each",
        (
            let("one", "each", 'choose(others) ?? "none"'),
            let("right", "each", 'join(choose(truth, size(truth)), "; ")'),
        ),
        None,
        2,
        BLOCK,
        p.TextAnswer(typed('f"{one} of {right}"', "each")),
    ),
    *(
        p.Form(
            name, (), when, 2, BLOCK, choice("others", 'first(others) ?? "none"', ("letters", "numbers"), several=False)
        )
        for name, when in (("of", None), ("of_two", typed("size(others) <= 2", "of_two")))
    ),
)


def of_few(truths: int, others: int, engine: Engine, fast: bool) -> tuple[list[str], list[dict[str, object]]]:
    """The columns and the turns of made-up rows whose lists, of so many texts at most, hold some twice."""
    chance = Random(truths)

    def some(most: int) -> list[str]:
        return chance.choices((*NAMES[:5], "(A)", "", "b, c"), k=chance.randint(0, most))

    rows = [{"truth": some(truths), "others": some(others), "options": []} for _ in range(200)]
    held: Known = {"truth": Few(truths), "others": Few(others)}
    context = Context(seed=others, fast=fast)
    lazy, _ = query(Stage((p.Turns(OF_FEW),), known=held), table(LISTS, rows).lazy(), {}, context)
    return lazy.collect_schema().names(), lazy.select("turns", "target", "$lost").collect(engine=engine).to_dicts()


@pytest.mark.parametrize(("truths", "others"), [(0, 2), (2, 1), (4, 6), (1, SHORT), (1, SHORT + 1)])
def test_draws_and_options_of_few_texts(truths: int, others: int) -> None:
    names, found = of_few(truths, others, "in-memory", fast=True)
    plain_names, plain_found = of_few(truths, others, "in-memory", fast=False)
    columns = {"draws": ".held.", "options": "$turn.of.0.option.", "two options": "$turn.of_two.0.option."}
    made = {what for what, column in columns.items() if any(column in name for name in names)}
    assert made == (columns.keys() if others <= SHORT else {"draws", "two options"})
    assert not any(column in name for name in plain_names for column in columns.values())
    assert found == plain_found == of_few(truths, others, "streaming", fast=True)[1]
    assert any(row["$lost"] is None for row in found)


# ---- choices of a list that is the same in every row


def of_all(texts: Sequence[str], engine: Engine, fast: bool, *others: Sequence[str]) -> list[dict[str, object]]:
    """Some of the texts, and of those that a row has not; with `others`, each row is there for each of the lists."""
    chance = Random(len(texts))
    own = [
        [t for t in dict.fromkeys([*texts, "none of them"]) if chance.random() < share] for share in (0, 0.1, 0.5, 1)
    ]
    everything = table({"all": ListOf(TEXT)}, [{"all": each} for each in (texts, *others)]).lazy()
    joined = p.Join("all", (), (("all", "all", ListOf(TEXT)),), "inner", "all", many=bool(others))
    types: dict[str, Type] = {"own": ListOf(TEXT), "all": ListOf(TEXT)}
    asked = [check(e, types, site="s")[0] for e in ("choose(all, size(own))", "choose(without(all, own), 3)")]
    nodes: tuple[p.Node, ...] = (joined, *(p.Derive(str(i), e) for i, e in enumerate(asked)))
    rows = table({"own": ListOf(TEXT)}, [{"own": one} for one in own * 3])
    lazy, _ = query(Stage(nodes), rows.lazy(), {"all": everything}, Context(fast=fast))
    return lazy.select("$id", "all", "0", "1").sort("$id", "all").collect(engine=engine).to_dicts()


@pytest.mark.parametrize("texts", [(), NAMES[:1], NAMES, (*NAMES, *NAMES[:9])], ids=len)
def test_choices_of_what_is_the_same_in_every_row(texts: Sequence[str]) -> None:
    found = of_all(texts, "in-memory", fast=True)
    assert found == of_all(texts, "in-memory", fast=False) == of_all(texts, "streaming", fast=True)
    assert {len(cast(list[object], row["1"])) for row in found} >= {0, min(3, len(texts))}


def test_choices_of_several_lists_that_each_row_is_joined_with() -> None:
    found = of_all(NAMES[:3], "in-memory", True, NAMES[3:6])
    assert found == of_all(NAMES[:3], "in-memory", False, NAMES[3:6])
    for row in found:
        for column in ("0", "1"):
            assert {*cast(list[str], row[column])} <= {*cast(list[str], row["all"])}


# ---- places in lists and names of labels

WIDE = LabelsOf(NAMES[:17])
LENIENT = Const(("1u", "1", "0n", "u", *["1"] * 13), ListOf(TEXT))
VIEWS = Const(("PA", "AP", "PA", ""), ListOf(TEXT))


def names_and_places(engine: Engine, fast: bool) -> list[dict[str, object]]:
    """Of random labels and views, some of which are null."""
    chance = Random(17)
    types: dict[str, Type] = {"labels": WIDE, "maybe": nullable(WIDE), "view": nullable(TEXT)}
    said = [dict.fromkeys(WIDE.names), *({n: chance.choice((1, 0, -1, None)) for n in WIDE.names} for _ in range(40))]
    views = ("PA", "AP", "", "LL", None)
    rows = [{"labels": a, "maybe": chance.choice((a, None)), "view": chance.choice(views)} for a in said]
    asked = (
        Apply("positive", (Column("labels", WIDE), LENIENT), ListOf(TEXT)),
        Apply("negative", (Column("maybe", nullable(WIDE)), LENIENT), nullable(ListOf(TEXT))),
        Apply("index", (VIEWS, Column("view", nullable(TEXT))), nullable(INT)),
    )
    context = Context(fast=fast)
    made = table(types, rows).lazy().select(expression(e, context).alias(str(i)) for i, e in enumerate(asked))
    return made.collect(engine=engine).to_dicts()


def test_names_of_labels_and_places_in_lists() -> None:
    found = names_and_places("in-memory", fast=True)
    assert found == names_and_places("in-memory", fast=False) == names_and_places("streaming", fast=True)
    assert found[0] == {"0": [WIDE.names[2]], "1": [WIDE.names[2]], "2": found[0]["2"]}
    assert {row["2"] for row in found} == {0, 1, 3, None}


# ---- what is known


def test_what_lists_can_hold() -> None:
    two, three = Const(("a", "b"), ListOf(TEXT)), Const(("c", "d", "e"), ListOf(TEXT))
    labels = Column("labels", LABELS)
    policy = Const(("1", "1", "1"), ListOf(TEXT))
    flag = Column("flag", BOOL)
    found = known(
        [
            p.Derive("two", two),
            p.Derive("same", Column("two", ListOf(TEXT))),
            p.Derive("either", Branch(flag, two, three, ListOf(TEXT))),
            p.Derive("both", Apply("concat", (two, three), ListOf(TEXT))),
            p.Derive("twice", Apply("concat", (two, two), ListOf(TEXT))),
            p.Derive("seen", Apply("positive", (labels, policy), ListOf(TEXT))),
            p.Derive("fewer", Apply("without", (two, Column("any", ListOf(TEXT))), ListOf(TEXT))),
            p.Derive("repeated", Const(("a", "a"), ListOf(TEXT))),
            p.Derive("same", Column("any", ListOf(TEXT))),
        ],
        {},
    )
    assert found == {
        "two": Items(("a", "b"), all=True),
        "either": Items(("a", "b", "c", "d", "e")),
        "both": Items(("a", "b", "c", "d", "e"), all=True),
        "seen": Items(LABELS.names),
        "fewer": Items(("a", "b")),
    }


def test_how_many_items_lists_can_hold() -> None:
    xs, ys = Column("xs", ListOf(TEXT)), Column("ys", ListOf(TEXT))
    found = known(
        [
            p.Filter("few", typed("size(truth) <= 16 and size(others) >= 1 and size(options) <= 2", "f")),
            p.Join("s.t", (), (("others", "others", ListOf(TEXT)),), "inner", "t"),
            p.Derive("xs", Column("truth", ListOf(TEXT))),
            p.Derive("ys", typed("choose(others, 10)", "ys")),
            p.Derive("truth", typed("concat(truth, others)", "truth")),
        ],
        {"truth": Few(9), "options": Few(3)},
    )
    assert found == {"xs": Few(9), "ys": Few(10), "options": Few(2)}
    assert [most_of(e, found) for e in (xs, ys, Column("others", ListOf(TEXT)))] == [9, 10, None]
    assert most_of(Const(("a", "b"), ListOf(TEXT)), {}) == 2


def test_how_many_items_the_lists_of_some_rows_hold() -> None:
    rows = [{"truth": ["a", "b"], "others": None, "options": ["a"]}, {"truth": [], "others": None, "options": ["b"]}]
    said: Known = {"truth": Few(7), "options": Items(("a", "b"))}
    held = {"truth": Few(2), "others": Few(0), "options": Items(("a", "b"))}
    assert counted(table(LISTS, rows), said) == held
    assert counted(table(LISTS, []), {}) == dict.fromkeys(LISTS, Few(0))
    lists = {"truth": ["a"] * SHORT, "others": ["a"] * (SHORT + 1), "options": []}
    assert counted(table(LISTS, [lists]), {}) == {"truth": Few(SHORT), "options": Few(0)}
    assert counted(table(LISTS, [lists]), {"others": Few(99)})["others"] == Few(SHORT + 1)
    assert counted(table({}, rows[:0]), {}) == {}


def test_a_column_that_a_join_brings_is_not_the_one_before() -> None:
    nodes = (
        p.Filter("few", typed("size(truth) <= 2", "f")),
        p.Join("s.t", (), (("truth", "truth", ListOf(TEXT)),), "inner", "t"),
    )
    assert not known(nodes, {})


def test_a_node_that_makes_other_columns_forgets() -> None:
    assert not known([p.Derive("two", Const(("a", "b"), ListOf(TEXT))), p.Explode("xs", "two", TEXT, None)], {})


def test_texts_that_an_expression_can_give() -> None:
    yes, no, named = Const("yes", TEXT), Const("no", TEXT), Column("named", TEXT)
    flag = Column("flag", BOOL)
    assert texts_of(Branch(flag, yes, Branch(flag, no, yes, TEXT), TEXT)) == ("yes", "no", "yes")
    assert texts_of(Branch(flag, yes, named, TEXT)) is None


def test_a_run_counts_lists_and_makes_each_stage_on_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    form = p.Form("of", (), None, 1, BLOCK, choice("others", 'first(others) ?? "none"', ("letters",), several=False))
    columns: dict[str, Type] = dict.fromkeys(("$id", "split", "$space", "$patient", "$study"), TEXT)
    columns["others"] = ListOf(TEXT)
    leaf = p.Read("s.t", "csv", ("t.csv",), tuple(p.RawColumn(name, type, ()) for name, type in columns.items()))
    some = p.Filter("some", typed("size(others) > 0", "f"))
    others = (("a", "b"), (), ("c",))
    rows = [dict.fromkeys(columns, str(n)) | {"split": "train", "others": [*one]} for n, one in enumerate(others)]
    relation = p.Relation("ask/s", (leaf, some, p.Turns((form,))))
    seen: list[tuple[Known, Engine]] = []

    def suited(stage: Stage) -> Engine:
        seen.append((stage.known, execute_suited(stage)))
        return seen[-1][1]

    execute_suited = execute.suited
    monkeypatch.setattr(execute, "suited", suited)
    run = execute.Execution((relation,), {"s.t": table(columns, rows)}.pop, Context())
    made: list[pl.DataFrame] = []
    run.examples("ask/s", "s", False, made.append)
    assert pl.concat(made)["id"].to_list() == ["0", "2"]
    assert seen == [({}, "in-memory"), ({"others": Few(2)}, "streaming")]


NO_OPTION, COMMA, MARKER = "an answer that is no option", "an option with a comma", "an option that reads like a marker"


def rules(size: int, options: str, correct: str, several: bool) -> list[str]:
    """The names of what is asked of the options and answers of a form's rows."""
    form = p.Form("form", (), None, 1, BLOCK, choice(options, correct, ("letters",), several))
    held: Known = {"truth": Items(NAMES[:size]), "options": Items(NAMES[:4], all=True)}
    found = query(Stage((p.Turns((form,)),), known=held), table(LISTS, []).lazy(), {}, Context())[1]
    names = [gate.name.removesuffix(" in form `form`") for gate in found if gate.kind == "check"]
    return [name for name in names if not name.startswith("`empty:`")]


@pytest.mark.parametrize(
    ("size", "options", "correct", "several", "asked"),
    [
        (4, "options", "truth", True, []),
        (5, "options", "truth", True, [NO_OPTION]),
        (4, "options", "others", True, [NO_OPTION, "equal answers"]),
        (4, '["a", "b, c"]', "where(truth, false)", True, [NO_OPTION, COMMA]),
        (4, '["a", "b"]', 'if size(truth) > 1 then "a" else "b"', False, []),
        (4, '["a", "b"]', 'if size(truth) > 1 then "a" else "c"', False, [NO_OPTION]),
        (4, '["a", "(A)"]', '"a"', False, [MARKER]),
        (4, "truth", '"B 1"', False, ["no options", NO_OPTION]),
        (4, "others", '"B 1"', False, ["no options", "equal options", NO_OPTION, MARKER]),
        (4, "others", "truth", True, ["no options", "equal options", NO_OPTION, COMMA, MARKER]),
        (4, "others", "others", True, ["no options", "equal options", NO_OPTION, "equal answers", COMMA, MARKER]),
    ],
)
def test_rules_that_no_row_can_break_are_not_asked(
    size: int, options: str, correct: str, several: bool, asked: list[str]
) -> None:
    assert rules(size, options, correct, several) == asked


@pytest.mark.parametrize(
    ("condition", "most"),
    [
        ("size(truth) <= 3", 3),
        ("size(truth) <= 3 and size(others) >= 1 and size(truth) <= 2", 2),
        ("size(truth) <= 3 or size(others) >= 1", None),
        ("size(others) <= 3", None),
        ("size(truth) <= -1", 0),
    ],
)
def test_the_most_that_a_condition_leaves(condition: str, most: int | None) -> None:
    assert at_most(Column("truth", ListOf(TEXT)), typed(condition, "form")) == most


# ---- what stages pass on


def test_a_stage_passes_on_what_later_ones_need() -> None:
    text = ListOf(TEXT)
    again = p.Derive("again", Column("xs", text))
    lists = p.Explode("ys", "y", TEXT, None)
    kept = p.Filter("there", Apply("is not null", (Column("y", TEXT),), BOOL))
    grouped = p.Group(("k",), (), (p.Aggregate("said", "first", Column("again", text), text),))
    made = stages(
        p.Relation("r", (p.Scan("s.t", (("k", TEXT), ("xs", text), ("ys", text))), again, lists, kept, grouped))
    )
    assert [stage.passed for stage in made] == [("again", "k", "ys"), ("again", "k"), None]


IMAGE = Column("image", TEXT)
IMAGES = p.Derive("images", Apply("list", (IMAGE,), ListOf(TEXT)))
ID = p.Derive("$id", IMAGE)


@pytest.mark.parametrize(
    ("made", "late"),
    [
        ((ID, IMAGES), 1),
        ((IMAGES, ID), 0),
        ((ID, IMAGES, p.Derive("split", Const("train", TEXT))), 0),
        ((ID, p.Derive("one", Draw("choose", (IMAGE,), "one", TEXT)), IMAGES), 1),
        ((ID, replace(IMAGES, checks=(p.Check("there", Apply("is not null", (IMAGE,), BOOL)),))), 0),
    ],
)
def test_what_is_made_last_is_made_with_the_turns(made: tuple[p.Derive, ...], late: int) -> None:
    asking = p.Turns((p.Form("say", (), None, 1, BLOCK, p.TextAnswer(IMAGE)),))
    before, last = stages(p.Relation("r", (p.Scan("s.t", (("image", TEXT),)), *made, asking)))
    assert before.nodes == made[: len(made) - late]
    assert last.nodes == (*made[len(made) - late :], asking)
