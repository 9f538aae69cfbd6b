"""Every answer of every spec that ships, read back by the parser of its format: the reply and the options are all it sees.

The options are read back, too, out of every prompt that shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import Boxed, parse, shown_by
from cxrspec.compiler.bodies import Context
from cxrspec.runtime.execute import Execution
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.presence import Presence, at_hand
from cxrspec.runtime.reading import read_table

from .corpus import compilation, root


def computed(spec: str) -> tuple[tuple[p.Form, ...], pl.DataFrame]:
    """The forms of a spec and its rows, with what the turns were made of."""
    plan = compilation().specs[spec].plan
    assert plan is not None
    roots = Roots(root(1), {})
    plan = at_hand(plan, Presence(roots))
    tables = {read.table: read_table(read, [c.name for c in read.columns], roots).frame for read in plan.reads}
    (turns,) = (node for node in plan.relations[-1].nodes if isinstance(node, p.Turns))
    return turns.forms, Execution(plan.relations, tables.__getitem__, Context(1, fast=False)).compute(spec).frame


def turns(forms: tuple[p.Form, ...], row: dict[str, Any]) -> Iterator[tuple[p.Form, dict[str, str], dict[str, Any]]]:
    """Each turn of a row: its form, what was asked and answered, and what was kept of its making."""
    asked = iter(row["turns"])
    for form in forms:
        for k in range(form.count):
            prefix = f"$turn.{form.name}.{k}."
            kept = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
            if kept["applies"]:
                turn = next(asked)
                assert turn["form"] == form.name
                yield form, turn, kept
    assert next(asked, None) is None


def check(form: p.Form, reply: str, kept: dict[str, Any]) -> None:
    match form.answer:
        case p.TextAnswer() as answer:
            assert parse(answer, reply) == reply
        case p.ChoiceAnswer(several=True) as answer:
            expected = tuple(option for option in kept["shown"] if option in kept["correct"])
            assert parse(answer, reply, kept["shown"]) == expected
        case p.ChoiceAnswer() as answer:
            assert parse(answer, reply, kept["shown"]) == kept["correct"]
        case p.BoxesAnswer() as answer:
            said = parse(answer, reply)
            assert isinstance(said, tuple)
            exact = [(b["label"], *(b["box"][side] for side in ("x1", "y1", "x2", "y2"))) for b in kept["boxes"]]
            for found, (label, *corners) in zip(said, exact, strict=True):
                assert isinstance(found, Boxed)
                assert found.label == label
                assert all(abs(a - b) <= 0.005 + 1e-12 for a, b in zip(found[1:], corners, strict=True))
        case p.PairsAnswer() as answer:
            assert parse(answer, reply) == tuple(tuple(pair.values()) for pair in kept["pairs"])


@pytest.mark.parametrize("spec", sorted(compilation().specs))
def test_answers_read_back(spec: str) -> None:
    forms, frame = computed(spec)
    checked = 0
    readers = {form.name: shown_by(form) for form in forms}
    for row in frame.iter_rows(named=True):
        for form, turn, kept in turns(forms, row):
            check(form, turn["answer"], kept)
            asks = isinstance(form.answer, p.ChoiceAnswer) and "Options:" in turn["prompt"]
            assert readers[form.name](turn["prompt"]) == (tuple(kept["shown"]) if asks else ())
            checked += 1
    assert checked >= frame.height > 0
