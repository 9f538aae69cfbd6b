"""What the specs ask of the text of a report, and the turns of the tasks that write one."""

from __future__ import annotations

from collections.abc import Mapping

from .examples import task
from .prompts import Turn, text_turn

PRIOR = ("prior", "previous", "remov", "earlier", "recurrence", "redemonstrate")
CHANGE = (
    *("new", "change", "unchanged", "prior", "stable", "interval", "previous", "again", "increased", "improve"),
    *("remain", "worse", "persistent", "remov", "decrease", "similar", "earlier", "recurrence", "redemonstrate"),
)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def prior_free(report: str) -> str:
    """Without the sentences that speak of earlier studies."""
    kept = [sentence for sentence in report.split(". ") if not any(word in sentence.lower() for word in PRIOR)]
    text = ". ".join(kept).replace(" again", "").replace("again ", "")
    return text.replace(" new.", " present.").replace(" new ", " ")


def speaks_of_change(report: str) -> bool:
    return any(word in report.lower() for word in CHANGE)


def written(seed: int, id: str, task_name: str, report: str, slots: Mapping[str, str]) -> Turn:
    """The one turn of a task with the form `write`."""
    return text_turn(seed, id, "write", task(task_name).wheels["write"], report, slots)
