"""MS-CXR: phrases with their boxes. MS-CXR-T: pairs of images, pairs of sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xxhash

from . import boxes as b
from .classification import in_sentence
from .examples import Example, Examples, Oracle, example_id, task
from .files import csv_rows
from .mimic import Image, Sections, images, split_of, texts, who
from .prompts import Choice, Turn, choice_turn, list_turn, text_turn
from .reports import squeezed

TEXT_OR_MARKER = Choice(reply=("text", "marker"))


def digest(*parts: str) -> str:
    return f"{xxhash.xxh64_intdigest(chr(0x1F).join(parts).encode()):016x}"


# ---- phrases


@dataclass(frozen=True)
class Phrase:
    """A phrase on an image: its category and boxes, and the sections of the report."""

    image: Image
    category: str
    phrase: str
    boxes: tuple[b.Box, ...]
    text: Sections

    @property
    def report(self) -> str:
        """The first section that holds the phrase; empty if none does."""
        said = (self.text.findings, self.text.impression, self.text.last_paragraph, self.text.comparison)
        return next((section for section in said if squeezed(self.phrase).lower() in section.lower()), "")


def phrases(root: Path, published: bool) -> Iterator[Phrase]:
    """In a published run the phrase alone is what the boxes of an image have in common."""
    groups = defaultdict[tuple[str, ...], list[tuple[str, int, int, int, int, b.Box]]](list)
    for row in csv_rows(root / "ms_cxr", "MS_CXR_Local_Alignment_v1.0.0.csv"):
        x, y, w, h, width, height = (int(row[name]) for name in ("x", "y", "w", "h", "image_width", "image_height"))
        category, common = row["category_name"], (row["dicom_id"], row["label_text"])
        box = b.box_xywh(x, y, w, h, width, height)
        groups[common if published else (*common, category)].append((category, x, y, w, h, box))
    for (dicom, phrase, *_), rows in groups.items():
        image = images(root).get(dicom)
        if image is not None:
            rows.sort(key=lambda row: row[:5])
            text = texts(root).get(image.study, Sections())
            yield Phrase(image, rows[0][0], phrase, tuple(row[5] for row in rows), text)


def on_phrases(task_name: str, root: Path, seed: int, published: bool) -> Examples:
    """The four tasks on a phrase and its boxes."""
    found = Examples()
    for one in phrases(root, published):
        if task_name == "grounded_phrase_extraction" and not one.report:
            continue
        split = split_of(root, seed, one.image.subject)
        key = (one.image.id, digest(one.phrase)) if published else (one.image.id, one.category, digest(one.phrase))
        id = example_id(f"{task_name}/ms_cxr", key, split, published)
        turn, target = _turn(seed, id, task_name, one)
        label = one.phrase if task_name == "phrase_grounding" else ""
        there, whose = tuple(b.region(label, box) for box in one.boxes), who(one.image.subject, one.image.study)
        found[id] = Example(split, *whose, (one.image.path,), (turn,), target, there, b.sizes(one.boxes))
    return found


def _turn(seed: int, id: str, task_name: str, one: Phrase) -> tuple[Turn, Any]:
    ((form, wheel),) = task(task_name).wheels.items()
    if task_name == "phrase_grounding":
        said = [b.with_label(one.phrase, box) for box in one.boxes]
        turn = list_turn(seed, id, form, wheel, said, " ", {"phrase": one.phrase})
        return turn, [b.target(one.phrase, box) for box in one.boxes]
    answer = one.category if task_name == "grounded_diagnosis" else one.phrase
    regions = "region" if len(one.boxes) == 1 else "regions"
    slots = {"boxes": b.without_label(one.boxes), "regions": regions, "report": one.report}
    return text_turn(seed, id, form, wheel, answer, slots), answer


# ---- change

DISEASES = ("consolidation", "edema", "pleural_effusion", "pneumonia", "pneumothorax")
PROGRESSIONS = ("worsening", "stable", "improving")


def temporal_image_classification__ms_cxr_t(root: Path, seed: int, published: bool) -> Examples:
    found, wheel = Examples(), task("temporal_image_classification").wheels["progression"]
    for row in csv_rows(root / "ms_cxr_t", "MS_CXR_T_temporal_image_classification_v1.0.0.csv"):
        subject, study = int(row["subject_id"]), int(row["study_id"])
        now, before = (row[name].split("/")[-1] for name in ("dicom_id", "previous_dicom_id"))
        pair = [images(root)[id].path for id in (before, now) if id in images(root)]
        for column in DISEASES:
            progression, disease = row[f"{column}_progression"], column.replace("_", " ")
            if not progression or len(pair) < 2:
                continue
            split = split_of(root, seed, subject)
            id = example_id("temporal_image_classification/ms_cxr_t", (now, before, disease), split, published)
            slots = {"named": in_sentence(disease)}
            turn = choice_turn(seed, id, "progression", wheel, PROGRESSIONS, [progression], TEXT_OR_MARKER, slots)
            found[id] = Example(split, *who(subject, study), tuple(pair), (turn,), progression)
    return found


def temporal_sentence_similarity__ms_cxr_t(root: Path, seed: int, published: bool) -> Examples:
    found, wheel = Examples(), task("temporal_sentence_similarity").wheels["relate"]
    for row in csv_rows(root / "ms_cxr_t", "MS_CXR_T_temporal_sentence_similarity_v1.0.0.csv"):
        pair = {name: row[name] for name in ("sentence_1", "sentence_2")}
        key, relation = digest(*pair.values()), row["category"]
        id = example_id("temporal_sentence_similarity/ms_cxr_t", [key], "test", published)
        options = ("paraphrase", "contradiction")
        turn = choice_turn(seed, id, "relate", wheel, options, [relation], TEXT_OR_MARKER, pair)
        found[id] = Example("test", "ms_cxr_t", None, f"ms_cxr_t/sentences/{key}", (), (turn,), relation)
    return found


ORACLES: dict[str, Oracle] = {
    "grounded_captioning/ms_cxr": partial(on_phrases, "grounded_captioning"),
    "grounded_diagnosis/ms_cxr": partial(on_phrases, "grounded_diagnosis"),
    "grounded_phrase_extraction/ms_cxr": partial(on_phrases, "grounded_phrase_extraction"),
    "phrase_grounding/ms_cxr": partial(on_phrases, "phrase_grounding"),
    "temporal_image_classification/ms_cxr_t": temporal_image_classification__ms_cxr_t,
    "temporal_sentence_similarity/ms_cxr_t": temporal_sentence_similarity__ms_cxr_t,
}
