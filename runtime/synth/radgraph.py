"""RadGraph 1.0.0: entities and relations of reports, in both layouts (sources.md, section 26). The sentences are a choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

REPORTS = {"train": (425, 12), "dev": (75, 6), "test": (50, 4)}
"""Section 26: reports of MIMIC-CXR in each file; the second: at least."""

CHEXPERT = (50, 4)  # section 26: in test
IN_VAL = (9, 3)  # section 26: of the 550 reports 541 are in MIMIC's train, 9 in its val, none in its test


class Piece(NamedTuple):
    """Tokens of a sentence; with a label they are an entity, which may relate to other pieces, named by their place."""

    tokens: str
    label: str = ""
    relations: Sequence[tuple[str, int]] = ()


_PRESENT, _ABSENT, _UNSURE, _ANATOMY = "OBS-DP", "OBS-DA", "OBS-U", "ANAT-DP"
_SENTENCES = (
    (Piece("The"), Piece("lungs", _ANATOMY), Piece("are"), Piece("clear", _PRESENT, [("located_at", 1)]), Piece(".")),
    (Piece("No"), Piece("pneumothorax", _ABSENT), Piece(".")),
    (Piece("The"), Piece("heart", _ANATOMY), Piece("is"), Piece("enlarged", _PRESENT, [("located_at", 1)]), Piece(".")),
    (Piece("Mild", _UNSURE, [("modify", 1)]), Piece("interstitial edema", _UNSURE), Piece("may be present .")),
    (
        Piece("There is a"),
        Piece("small", _PRESENT, [("modify", 2)]),
        Piece("pleural effusion", _PRESENT, [("located_at", 4)]),
        Piece("at the"),
        Piece("right base", _ANATOMY),
        Piece("."),
    ),
    (
        Piece("Tip of the"),
        Piece("endotracheal tube", _PRESENT, [("located_at", 3)]),
        Piece("is above the"),
        Piece("carina", _ANATOMY),
        Piece("."),
    ),
    (
        Piece("Patchy", _PRESENT, [("modify", 1)]),
        Piece("opacity", _PRESENT, [("located_at", 3), ("suggestive_of", 5)]),
        Piece("in the"),
        Piece("left lower lobe", _ANATOMY),
        Piece(", perhaps"),
        Piece("pneumonia", _UNSURE),
        Piece("."),
    ),
)


def make(folder: Folder, world: World) -> None:
    """Write the three files."""
    draws = world.draws("radgraph")
    keys = _keys(world, draws)
    start = 0
    for part, (published, least) in REPORTS.items():
        count = world.count(published, least)
        reports = {key: _report(draws, "MIMIC-CXR", part) for key in keys[start : start + count]}
        start += count
        if part == "test":
            reports |= {f"{number}.txt": _report(draws, "CheXpert", part) for number in range(world.count(*CHEXPERT))}
        folder.write(f"{part}.json", json.dumps(reports))


def _keys(world: World, draws: np.random.Generator) -> list[str]:
    """Paths of reports of MIMIC-CXR, in random order."""
    count, in_val = sum(world.count(*numbers) for numbers in REPORTS.values()), world.count(*IN_VAL)
    studies = mimic.cast(world).studies.select("split", path=pl.format("{}.txt", mimic.PLACE))
    chosen = [
        draws.choice(studies.filter(split=split)["path"].to_list(), number, replace=False)
        for split, number in (("train", count - in_val), ("val", in_val))
    ]
    found: list[str] = draws.permutation(np.concatenate(chosen)).tolist()
    return found


def _report(draws: np.random.Generator, source: str, part: str) -> dict[str, Any]:
    """A report: one graph in train and dev, those of two labelers in test, of whom the second left out a sentence."""
    places: list[int] = draws.permutation(len(_SENTENCES)).tolist()[: draws.integers(2, 5)]
    sentences = [_SENTENCES[place] for place in places]
    head = {
        "text": " ".join(piece.tokens for sentence in sentences for piece in sentence),
        "data_source": source,
        "data_split": part,
    }
    if part == "test":
        graphs = (_entities(sentences), _entities(sentences[:-1]))
        return head | {f"labeler_{number}": {"entities": graph} for number, graph in enumerate(graphs, 1)}
    return head | {"entities": _entities(sentences)}


def _entities(sentences: Sequence[Sequence[Piece]]) -> dict[str, Any]:
    """The entities by number, from 1; the places of their tokens are inclusive, relations name entities by number."""
    found: dict[str, Any] = {}
    token = 0
    for sentence in sentences:
        labelled = [place for place, piece in enumerate(sentence) if piece.label]
        numbers = {place: str(number) for number, place in enumerate(labelled, len(found) + 1)}
        for place, piece in enumerate(sentence):
            size = len(piece.tokens.split())
            if piece.label:
                found[numbers[place]] = {
                    "tokens": piece.tokens,
                    "label": piece.label,
                    "start_ix": token,
                    "end_ix": token + size - 1,
                    "relations": [[kind, numbers[other]] for kind, other in piece.relations],
                }
            token += size
    return found
