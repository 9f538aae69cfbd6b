"""The turns of tasks that answer with boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .boxes import Box, Region, region, sizes, target, with_label
from .examples import task
from .prompts import Turn, list_turn


def boxed(
    seed: int, id: str, task_name: str, form: str, found: Sequence[tuple[str, Box]], slots: Mapping[str, str]
) -> tuple[tuple[Turn, ...], Any, tuple[Region, ...], tuple[tuple[int, int], ...]]:
    """What an example has of its boxes, each with a label: turns, target, boxes and sizes."""
    wheel, empty = task(task_name).wheels[form], task(task_name).empty.get(form)
    turn = list_turn(seed, id, form, wheel, [with_label(*one) for one in found], " ", slots, empty)
    targets, regions = [target(*one) for one in found], tuple(region(*one) for one in found)
    return (turn,), targets, regions, sizes([box for _, box in found])
