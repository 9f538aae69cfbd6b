"""Mistakes in what ships are found where they were made, and what is none is not called one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from .judge import Outcome, judge, plain
from .mutants import Corpus, Fate, everything, sample

FATES: tuple[Fate, ...] = ("must fail", "may pass", "must be clean")


@cache
def corpus() -> Corpus:
    return Corpus()


def outcomes(fate: Fate, number: int, seed: int) -> list[Outcome]:
    """What came of so many mutants of each kind."""
    kinds = [found for found in everything(corpus(), seed).values() if found[0].fate == fate]
    return [judge(corpus(), one) for found in kinds for one in sample(found, number, seed)]


def bad(judged: Sequence[Outcome]) -> str:
    return "\n\n".join(f"{one.mutant}\n{one.drawn}{one.crash}" for one in judged if not one.good)


def sound(fate: Fate, judged: Sequence[Outcome]) -> None:
    """None falls over, none is told in more than three messages, and at least 99 of 100 end as they should."""
    assert not [one for one in judged if one.crash], bad(judged)
    assert max(len(one.findings) for one in judged) <= 3, bad(judged)
    share = sum(one.good for one in judged) / len(judged)
    assert share >= (0.99 if fate == "must fail" else 1), bad(judged)


@pytest.mark.slow
@pytest.mark.parametrize("fate", FATES)
def test_many_mutants_end_as_they_should(fate: Fate) -> None:
    judged = outcomes(fate, 60, seed=0)
    assert len(judged) >= {"must fail": 400, "may pass": 120, "must be clean": 180}[fate]
    sound(fate, judged)


@pytest.mark.slow
def test_what_is_remembered_changes_no_verdict() -> None:
    for found in everything(corpus(), 2).values():
        for one in sample(found, 2, 2):
            warm = judge(corpus(), one)
            cold = judge(corpus(), one, plain)
            assert (warm.findings, warm.moved) == (cold.findings, cold.moved)
