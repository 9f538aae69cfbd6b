"""The turns of Image Classification, and labels under a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .examples import task
from .prompts import Choice, Turn, choice_turn, decoys, draw, in_drawn_order, unit

ACRONYMS = ("COPD", "COVID", "CPAM", "ILD", "NSG", "PA")


def image_classification(
    seed: int, id: str, options: Sequence[str], positives: Sequence[str], negatives: Sequence[str]
) -> tuple[tuple[Turn, ...], Any]:
    """The turns, and the first one's answer."""
    wheels = task("image_classification").wheels
    turns: list[Turn] = []
    targets: list[Any] = []
    if len(options) >= 2 and positives:
        choice = Choice(several=True, markers=("letters", "numbers"))
        turns.append(choice_turn(seed, id, "select", wheels["select"], options, positives, choice))
        targets.append([option for option in options if option in positives])
    if 1 <= len(positives) <= 5 and len(negatives) >= 3:
        others = decoys(seed, id, "which_set.others", positives, negatives, 3)
        truth = ", ".join(in_drawn_order(seed, id, "which_set.truth", positives)).lower()
        sets = [truth, *(", ".join(other).lower() for other in others)]
        choice = Choice(reply=("text", "marker"))
        turns.append(choice_turn(seed, id, "which_set", wheels["which_set"], sets, [truth], choice))
        targets.append(truth)
    disease = _disease(seed, id, positives, negatives)
    if disease is not None:
        answer = "Yes" if disease in positives else "No"
        slots = {"named": in_sentence(disease)}
        turns.append(choice_turn(seed, id, "presence", wheels["presence"], ["Yes", "No"], [answer], Choice(), slots))
        targets.append(answer)
    return tuple(turns), targets[0] if targets else None


def in_sentence(label: str) -> str:
    """The label as it stands inside of a sentence."""
    return label if any(acronym in label for acronym in ACRONYMS) else label.lower()


def _disease(seed: int, id: str, positives: Sequence[str], negatives: Sequence[str]) -> str | None:
    site = "presence.disease"
    first, second = (positives, negatives) if unit(draw(seed, id, site)) < 0.5 else (negatives, positives)
    drawn = in_drawn_order(seed, id, site, first) or in_drawn_order(seed, id, site, second)
    return drawn[0] if drawn else None


# ---- labels

COMPETITION = {
    "Atelectasis": "positive",
    "Edema": "positive",
    "Pleural Effusion": "positive",
    "Cardiomegaly": "negative",
    "Consolidation": "negative",
}
"""What the CheXpert paper reads uncertain mentions as; those of other labels count as neither."""


def sides(mentions: Mapping[str, str], uncertain: Mapping[str, str] | None = None) -> tuple[list[str], list[str]]:
    """The positive and the negative labels among raw cells; what is not mentioned is negative."""
    positives, negatives = list[str](), list[str]()
    for label, cell in mentions.items():
        match float(cell) if cell else 0:
            case 1:
                word = "positive"
            case 0:
                word = "negative"
            case number:
                assert number == -1
                word = (uncertain or {}).get(label, "skip")
        if word != "skip":
            (positives if word == "positive" else negatives).append(label)
    return positives, negatives
