"""RadNLI 1.0.0: pairs of sentences as JSON lines (sources.md, section 25). What they say is a choice."""

from __future__ import annotations

import json
from itertools import product

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

PAIRS = 480  # section 25: in each of the two files

_FINDINGS = ("pleural effusion", "pneumothorax", "consolidation", "opacity", "atelectasis")
_SIZES = ("small", "moderate", "large", "subtle")
_RELATIONS = ("entailment", "neutral", "contradiction")
_FORMS = (  # a premise with a hypothesis of each relation
    (
        "There is a {size} {finding} on the {side}.",
        {
            "entailment": "A {finding} is seen on the {side}.",
            "contradiction": "There is no {finding} on the {side}.",
            "neutral": "The {finding} on the {side} is new.",
        },
    ),
    (
        "No {finding} is seen on the {side}, as on the prior study.",
        {
            "entailment": "There is no {finding} on the {side}.",
            "contradiction": "A {size} {finding} has developed on the {side}.",
            "neutral": "There is a {size} {finding} on the other side.",
        },
    ),
    (
        "The {size} {finding} on the {side} has resolved.",
        {
            "entailment": "The {finding} on the {side} is gone.",
            "contradiction": "The {finding} on the {side} is still {size}.",
            "neutral": "A tube was placed on the {side}.",
        },
    ),
)


def make(folder: Folder, world: World) -> None:
    """Write both files: the three relations in turn, and ids that are unique in both together."""
    pairs = {
        relation: [
            (premise.format(**words), hypotheses[relation].format(**words))
            for (premise, hypotheses), finding, size, side in product(_FORMS, _FINDINGS, _SIZES, ("left", "right"))
            for words in [{"finding": finding, "size": size, "side": side}]
        ]
        for relation in _RELATIONS
    }
    for part in ("dev", "test"):
        draws = world.draws("radnli", part)
        lines: list[str] = []
        for place in range(world.count(PAIRS, 12)):
            relation = _RELATIONS[place % len(_RELATIONS)]
            premise, hypothesis = pairs[relation][draws.integers(len(pairs[relation]))]
            pair = {
                "pairID": f"{part}-{place}",
                "sentence1": premise,
                "sentence2": hypothesis,
                "gold_label": relation,
            }
            lines.append(json.dumps(pair) + "\n")
        folder.write(f"radnli_{part}_v1.jsonl", "".join(lines))
