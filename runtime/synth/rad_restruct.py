"""Rad-ReStruct: questions on reports of OpenI, one file a report (section 19 of the catalogue of sources).

The vectorised answers and the structured reports, which nothing reads, are left out.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TypeAlias

import numpy as np

from cxrspec.runtime.synth.casts import openi
from cxrspec.runtime.synth.shared.dealing import deal
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

_PARTS = {"train": (2_877, 142_340, 938, 48), "val": (360, 16_874, 104, 3), "test": (360, 17_641, 104, 6)}
"""Reports, questions, questions with several answers, questions with a single option."""

_LENGTHS = {1: 0.6, 2: 0.15, 5: 0.15, 9: 0.08, 21: 0.02}
"""How often a chain of questions has so many of them (a choice); the longest one ends in a history of 20."""

_AREAS = {
    "lung": ("apex", "left lower lobe", "middle lobe", "right upper lobe"),
    "pleura": ("left costophrenic angle", "right costophrenic angle", "unspecified"),
    "heart": ("heart atria", "heart ventricles", "unspecified"),
    "spine": ("cervical vertebrae", "lumbar vertebrae", "thoracic vertebrae"),
    "airways": ("bronchi", "trachea", "trachea, carina"),
    "great vessels": ("aorta", "aorta, thoracic", "pulmonary artery"),
}
"""Areas and their parts: as in the real files, some options hold a comma."""

_SIGNS = ("opacity", "nodule", "calcification", "thickening", "deformity", "device")
_SHAPES = ("focal", "no selection", "patchy", "round")
_DEGREES = ("mild", "moderate", "no selection", "severe")
_YES_NO = ("yes", "no")
_TOPICS = [(area, sign) for sign in _SIGNS for area in _AREAS]

Item: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...], dict[str, object]]
"""Question, answers, history (questions and answers), and what is known of the question."""


def make(folder: Folder, world: World) -> None:
    """Write `data/radrestruct/<part>_qa_pairs/<n>.json` and the frontal images of each report."""
    reports = openi.cast(world)
    for part, published in _PARTS.items():
        _questions(folder, world.at_least(openi.LEAST), part, [r.number for r in reports if r.part == part], *published)
    frontal = {report.number: report.images[: report.frontal] for report in reports if report.part}
    folder.write("data/radrestruct/id_to_img_mapping_frontal_reports.json", json.dumps(frontal))


def _questions(
    folder: Folder, world: World, part: str, numbers: list[int], reports: int, questions: int, several: int, single: int
) -> None:
    """The files of a folder: 30 questions or more a report (a choice), in chains on one topic after another."""
    draws = world.draws("rad_restruct", part)
    counts = deal(draws, round(questions / reports * len(numbers)), len(numbers), least=30)
    with_several = {*draws.permutation(numbers)[: world.count(several)].tolist()}
    with_single = {*draws.permutation(numbers)[: world.count(single)].tolist()}
    for number, count in zip(numbers, counts.tolist(), strict=True):
        pieces: list[str] = []
        if number in with_several:
            pieces.append(_chain(*_TOPICS[number % len(_TOPICS)], 3, several=True))
            count -= 3
        if number in with_single:
            pieces.append(_single())
            count -= 1
        lengths = draws.choice(list(_LENGTHS), count, p=list(_LENGTHS.values()))
        for place, start in enumerate((np.cumsum(lengths) - lengths).tolist()):
            if start >= count:
                break
            area, sign = _TOPICS[(number + 1 + place) % len(_TOPICS)]
            pieces.append(_chain(area, sign, min(int(lengths[place]), count - start)))
        folder.write(f"data/radrestruct/{part}_qa_pairs/{number}.json", f"[{', '.join(pieces)}]")


@cache
def _single() -> str:
    """A question with a single option."""
    about = {"answer_type": "fixed_choice", "options": ["yes"], "path": "image_infos"}
    return json.dumps(("Is there an image?", ("yes",), (), about))


@cache
def _chain(area: str, sign: str, length: int, *, several: bool = False) -> str:
    """Questions on one topic as JSON, each with those before it as its history: `yes` leads on, `no` ends the chain.

    The first asks for signs; then come, as often as there is room, presence, part, shape and degree of one more of them.
    With `several`, the first question for a part has two answers.
    """
    parts = _AREAS[area]
    items: list[Item] = []
    for place in range(length):
        again, kind = divmod(place - 1, 4)
        answer = "no" if place == length - 1 else "yes"
        which = again + length + len(sign)
        asked: tuple[str, tuple[str, ...], tuple[str, ...], str]
        match kind if place else None:
            case None:
                asked = f"Are there any signs of this kind in the {area}: {sign}?", (answer,), _YES_NO, "single_choice"
            case 0:
                asked = (
                    f"Is there {'another' if again else 'a'} {sign} in the {area}?",
                    (answer,),
                    _YES_NO,
                    "single_choice",
                )
            case 1:
                found = parts[:2] if several and not again else (parts[which % len(parts)],)
                asked = "In which part is it?", found, parts, "multi_choice"
            case 2:
                asked = "Which shape has it?", (_SHAPES[which % len(_SHAPES)],), _SHAPES, "multi_choice"
            case _:
                asked = "How marked is it?", (_DEGREES[which % len(_DEGREES)],), _DEGREES, "single_choice"
        question, answers, options, answer_type = asked
        history = tuple((item[0], item[1]) for item in items)
        path = f"{area}_signs_{sign}"
        items.append((question, answers, history, {"answer_type": answer_type, "options": options, "path": path}))
    return json.dumps(items)[1:-1]
