"""RadQA 1.0.0: questions on two sections of a report, in the layout of SQuAD 2.0 (sources.md, section 22).

Three questions a report, and what reports and questions say, are choices; names of documents are unverified. The first
report of each file has short lines, so that answers span them.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

import numpy as np

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.texts import REPORTS, Texts
from cxrspec.runtime.synth.shared.world import World

RECORDS = {"train": 4_878, "dev": 656, "test": 614}
"""Section 22: questions, each posed to two sections; the numbers are of both together."""

QUESTIONS = 3

_ASKED = {  # a question, and which sentence of a section answers it
    "What is the size of the heart?": r"(heart|cardiac|cardiomediastinal|cardiomegaly)",
    "Is there an opacity in the lungs?": r"(lungs|opacity|opacities|edema|congestion|pneumonia|atelectasis)",
    "Is there any fluid around the lungs?": r"(effusion|pneumothorax)",
    "Are the bones normal?": r"(bones|fracture|spine)",
    "Did anything change since the last film?": r"(Compared|interval|unchanged|stable|new|removed|resolved)",
    "Was a fracture of the clavicle treated?": r"clavicle",
}
_TEXTS = Texts(
    REPORTS
    | {
        "FINDINGS": "<heart> <lungs> <pleura>[ <bones>][ <course>]",
        "IMPRESSION": "<verdict>[ <course>][ <lungs>]",
    }
)


def make(folder: Folder, world: World) -> None:
    """Write the three files."""
    for part, records in RECORDS.items():
        draws = world.draws("radqa", part)
        questions = world.count(records // 2, 2 * QUESTIONS)
        documents: list[dict[str, Any]] = []
        for place in range(0, questions, QUESTIONS):
            asked: list[str] = draws.permutation(list(_ASKED)).tolist() if place else list(_ASKED)
            asked = asked[: min(QUESTIONS, questions - place)]
            documents.append(
                _document(draws, f"{part}-{place}", asked, 60 if place else 24, 1 if part == "train" else 2)
            )
        folder.write(f"{part}.json", json.dumps({"version": "1.0.0", "data": documents}))


def _document(draws: np.random.Generator, name: str, asked: list[str], width: int, gold: int) -> dict[str, Any]:
    """A report: a paragraph of findings and one of the impression, both with the same questions."""
    paragraphs = [_paragraph(draws, f"{name}_{s[0]}", s, asked, width, gold) for s in ("FINDINGS", "IMPRESSION")]
    return {"title": name, "paragraphs": paragraphs}


def _paragraph(
    draws: np.random.Generator, name: str, section: str, asked: list[str], width: int, gold: int
) -> dict[str, Any]:
    context = textwrap.fill(f"{section}: {_TEXTS.draw(section, draws, 1)[0]}", width, subsequent_indent=" ")
    records = [_record(f"{name}_{place}", question, context, gold) for place, question in enumerate(asked)]
    return {"document_id": name, "context": context, "qas": records}


def _record(name: str, question: str, context: str, gold: int) -> dict[str, Any]:
    """A question with the sentence that answers it, as it stands there, line breaks included; or without an answer.

    The second gold answer lacks the last word.
    """
    found = next((s for s in re.finditer(r"[A-Z][^.:]*\.", context) if re.search(_ASKED[question], s[0])), None)
    answers = (
        []
        if found is None
        else [{"text": t, "answer_start": found.start()} for t in (found[0], found[0].rsplit(None, 1)[0])]
    )
    return {"id": name, "question": question, "is_impossible": found is None, "answers": answers[:gold]}
