"""What every oracle gives: examples by id; and what it reads of the specs: a task's prompts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from .boxes import Region
from .prompts import Turn, Wheel

SPECS = Path(__file__).parents[2] / "specs"


@dataclass(frozen=True)
class Example:
    """One example, but for its id."""

    split: str
    space: str
    patient: str | None
    study: str
    images: tuple[str, ...]
    turns: tuple[Turn, ...]
    target: Any
    boxes: tuple[Region, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()


def example(row: Mapping[str, Any]) -> Example:
    """A row of the output."""
    turns = tuple(Turn(**turn) for turn in row["turns"])
    who = row["space"], row["patient_id"], row["study_id"]
    assert {box["image"] for box in row["boxes"]} <= {0}
    boxes = tuple((box["label"], box["x1"], box["y1"], box["x2"], box["y2"]) for box in row["boxes"])
    sizes = tuple((size["width"], size["height"]) for size in row["sizes"])
    return Example(row["split"], *who, tuple(row["images"]), turns, json.loads(row["target"]), boxes, sizes)


Examples: TypeAlias = dict[str, Example]

Oracle: TypeAlias = Callable[[Path, int, bool], Examples]
"""The examples of a spec: from the data root, the seed, and whether the row is made as it was published."""


class Task:
    """The prompts of a task file, form by form; also those for answers of nothing."""

    def __init__(self, name: str) -> None:
        words = yaml.safe_load((SPECS / "words.yaml").read_text())
        task = yaml.safe_load((SPECS / "tasks" / name / "task.yaml").read_text())
        rules = {**words["rules"], **task.get("rules", {})}
        self.name = name
        self.wheels = {f["form"]: Wheel(f["prompt"], rules, f.get("count", 1)) for f in task["turns"]}
        self.empty = {f["form"]: Wheel(f["answer"]["empty"], rules) for f in task["turns"] if "empty" in f["answer"]}


@cache
def task(name: str) -> Task:
    return Task(name)


def example_id(spec: str, key: Sequence[object], split: str, published: bool) -> str:
    """`<task>/<source>/<key>`; a published one has the split before the key."""
    parts = (split, *key) if published else key
    return "/".join([spec, *map(escaped, parts)])


def escaped(part: object) -> str:
    return str(part).replace("%", "%25").replace("/", "%2F")
