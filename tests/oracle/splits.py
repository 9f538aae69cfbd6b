"""Splits once more: shares of draws, scikit-learn's recipe for holding out, and what is otherwise in a space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import TypeVar

import numpy as np

from .prompts import draw, unit

Key = TypeVar("Key", int, str)

TENTHS = {"val": 0.1, "test": 0.1}


def ratio(seed: int, who: str, split: str, shares: Mapping[str, float] = TENTHS) -> str:
    """The part of a patient (of a study, where no patient is known) in a split by ratio."""
    return _share(seed, who, f"split {split}", shares)


def otherwise(seed: int, who: str) -> str:
    """The part of somebody of whom the authority of the space says nothing."""
    return _share(seed, who, f"space {who.partition('/')[0]}", TENTHS)


def _share(seed: int, who: str, site: str, shares: Mapping[str, float]) -> str:
    drawn, end = unit(draw(seed, who, site)), 0.0
    for part, share in shares.items():
        end += share
        if drawn < end:
            return part
    return "train"


def gloria(keys: Iterable[Key]) -> dict[Key, str]:
    """`train, rest = train_test_split(sorted, 0.3)`, then `test, val = train_test_split(rest, 0.5)`, seeds 0."""
    rest, train = _cut(sorted(set(keys)), 0.3)
    val, test = _cut(rest, 0.5)
    return _parts(train, val, test)


def seventy_ten_twenty(keys: Iterable[Key]) -> dict[Key, str]:
    """`train, rest = train_test_split(sorted, 0.3)`, then `val, test = train_test_split(rest, 0.66667)`, seeds 0."""
    rest, train = _cut(sorted(set(keys)), 0.3)
    test, val = _cut(rest, 0.66667)
    return _parts(train, val, test)


def _parts(train: Sequence[Key], val: Sequence[Key], test: Sequence[Key]) -> dict[Key, str]:
    return dict.fromkeys(train, "train") | dict.fromkeys(val, "val") | dict.fromkeys(test, "test")


def _cut(items: Sequence[Key], share: float) -> tuple[list[Key], list[Key]]:
    """scikit-learn's ShuffleSplit: what is held, and what is kept; `train_test_split` returns the kept ones first."""
    order: list[int] = np.random.RandomState(0).permutation(len(items)).tolist()
    held = ceil(len(items) * share)
    return [items[place] for place in order[:held]], [items[place] for place in order[held:]]
