"""Questions on images of MIMIC-CXR: MIMIC-CXR-VQA and MIMIC-Diff-VQA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .examples import Example, Examples, Oracle, example_id, task
from .files import csv_rows, text
from .mimic import images, split_of, who
from .ms_cxr import digest
from .prompts import Choice, choice_turn, text_turn

# ---- MIMIC-CXR-VQA


@dataclass(frozen=True)
class Question:
    part: str
    number: int
    subject: int
    study: int
    image: str
    question: str
    answers: tuple[str, ...]

    @property
    def closed(self) -> bool:
        return self.answers[0] in ("yes", "no")

    @property
    def answer(self) -> str:
        match self.answers:
            case ("f",):
                return "Female"
            case ("m",):
                return "Male"
            case several:
                return ", ".join(several).capitalize()

    def split(self, root: Path, seed: int, published: bool) -> str:
        """A published row keeps the set's own."""
        return self.part if published else split_of(root, seed, self.subject)


def questions(root: Path) -> Iterator[Question]:
    """Those that have an answer and are not vague."""
    for part, split in {"train": "train", "valid": "val", "test": "test"}.items():
        for row in json.loads(text(root / "mimic_cxr_vqa" / "mimiccxrvqa" / "dataset", f"{part}.json")):
            asked, answers = row["question"], tuple(row["answer"])
            vague = "any abnormalities" in asked and " in " not in asked
            if answers and not vague and row["image_id"] in images(root):
                image = images(root)[row["image_id"]].path
                ids = int(row["idx"]), int(row["subject_id"]), int(row["study_id"])
                yield Question(split, *ids, image, asked, answers)


def close_ended_vqa__mimic_cxr_vqa(root: Path, seed: int, published: bool) -> Examples:
    found, wheel = Examples(), task("close_ended_vqa").wheels["one"]
    for one in questions(root):
        if one.closed:
            split = one.split(root, seed, published)
            id = example_id("close_ended_vqa/mimic_cxr_vqa", (one.part, one.number), split, published)
            choice, slots = Choice(reply=("text", "marker")), {"question": one.question}
            turn = choice_turn(seed, id, "one", wheel, ("yes", "no"), one.answers[:1], choice, slots)
            found[id] = Example(split, *who(one.subject, one.study), (one.image,), (turn,), one.answers[0])
    return found


def open_ended_vqa__mimic_cxr_vqa(root: Path, seed: int, published: bool) -> Examples:
    """Questions with the answer yes or no stood in the published row, too."""
    found, wheel = Examples(), task("open_ended_vqa").wheels["answer"]
    for one in questions(root):
        if published or not one.closed:
            split = one.split(root, seed, published)
            id = example_id("open_ended_vqa/mimic_cxr_vqa", (one.part, one.number), split, published)
            turn = text_turn(seed, id, "answer", wheel, one.answer, {"question": one.question})
            found[id] = Example(split, *who(one.subject, one.study), (one.image,), (turn,), one.answer)
    return found


# ---- MIMIC-Diff-VQA


def difference_vqa__mimic_diff_vqa(root: Path, seed: int, published: bool) -> Examples:
    """Questions that differ, on both images; in a published row all of three other kinds, on the current one."""
    folder, found, wheels = root / "mimic_diff_vqa", Examples(), task("difference_vqa").wheels
    chosen = {int(row["study_id"]): row["dicom_id"] for row in csv_rows(folder, "mimic_all.csv")}
    pictures = {study: images(root)[dicom].path for study, dicom in chosen.items() if dicom in images(root)}
    kinds = ("location", "level", "type") if published else ("difference",)
    for place, row in enumerate(csv_rows(folder, "mimic_pair_questions.csv")):
        study, before, subject = (int(row[name]) for name in ("study_id", "ref_id", "subject_id"))
        if row["question_type"] not in kinds or not {study, before} <= pictures.keys():
            continue
        question = row["question"].capitalize()
        answer = ". ".join(sentence.capitalize() for sentence in row["answer"].strip().split(". "))
        pair = pictures[before], pictures[study]
        form, shown = ("current", pair[1:]) if published else ("answer", pair)
        key = [place] if published else [study, before, digest(question, answer)]
        split = split_of(root, seed, subject)
        id = example_id("difference_vqa/mimic_diff_vqa", key, split, published)
        turn = text_turn(seed, id, form, wheels[form], answer, {"question": question})
        found[id] = Example(split, *who(subject, study), shown, (turn,), answer)
    return found


ORACLES: dict[str, Oracle] = {
    "close_ended_vqa/mimic_cxr_vqa": close_ended_vqa__mimic_cxr_vqa,
    "difference_vqa/mimic_diff_vqa": difference_vqa__mimic_diff_vqa,
    "open_ended_vqa/mimic_cxr_vqa": open_ended_vqa__mimic_cxr_vqa,
}
