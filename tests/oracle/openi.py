"""OpenI, and Rad-ReStruct's questions on its reports."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .examples import Example, Examples, Oracle, escaped, example_id, task
from .prompts import Choice, Turn, choice_turn, text_turn
from .reports import squeezed, written

PARTS = ("train", "val", "test")

# ---- the raw files


@dataclass(frozen=True)
class Report:
    findings: str
    impression: str
    images: tuple[str, ...]


def reports(root: Path) -> dict[int, Report]:
    """The reports of OpenI by number."""
    found: dict[int, Report] = {}
    with tarfile.open(root / "openi" / "NLMCXR_reports.tgz") as archive:
        for member in archive:
            number = re.fullmatch(r"ecgen-radiology/(\d+)\.xml", member.name)
            file = archive.extractfile(member)
            if number is not None and file is not None:
                found[int(number[1])] = _report(ElementTree.fromstring(file.read()))
    return found


def _report(tree: ElementTree.Element) -> Report:
    texts = {text.get("Label"): squeezed("".join(text.itertext())) for text in tree.iter("AbstractText")}
    images = tuple(str(image.get("id")) for image in tree.iter("parentImage"))
    return Report(texts.get("FINDINGS", ""), texts.get("IMPRESSION", ""), images)


@dataclass(frozen=True)
class Question:
    number: int
    part: str
    position: int
    question: str
    answers: tuple[str, ...]
    asked_before: tuple[tuple[str, tuple[str, ...]], ...]
    answer_type: str
    options: tuple[str, ...]

    @property
    def text(self) -> str:
        """The question, after those asked before with their answers."""
        if not self.asked_before:
            return self.question
        lines = [f"Q: {question} A: {', '.join(answers)}" for question, answers in self.asked_before]
        return "\n".join([*lines, f"Q: {self.question}"])


def folder(root: Path) -> Path:
    whole = root / "rad_restruct" / "data" / "radrestruct"
    return whole if whole.exists() else root / "rad_restruct"


def own_parts(root: Path) -> dict[int, str]:
    """The parts of the reports of Rad-ReStruct; none, if it is not there."""
    numbers = [(int(path.stem), part) for part in PARTS for path in folder(root).glob(f"{part}_qa_pairs/*.json")]
    assert len(dict(numbers)) == len(numbers)
    return dict(numbers)


def questions(root: Path) -> Iterator[Question]:
    for number, part in own_parts(root).items():
        rows: list[Any] = json.loads((folder(root) / f"{part}_qa_pairs" / f"{number}.json").read_text(encoding="utf-8"))
        for position, (question, answers, before, about) in enumerate(rows):
            history = tuple((asked, tuple(said)) for asked, said in before)
            said, options = tuple(answers), tuple(about["options"])
            yield Question(number, part, position, question, said, history, about["answer_type"], options)


def frontal_images(root: Path) -> dict[int, tuple[str, ...]]:
    text = (folder(root) / "id_to_img_mapping_frontal_reports.json").read_text(encoding="utf-8")
    return {int(number): tuple(f"openi/{image}.png" for image in images) for number, images in json.loads(text).items()}


# ---- OpenI


def openi(task_name: str, root: Path, seed: int, published: bool) -> Examples:
    found, parts = Examples(), own_parts(root)
    for number, report in reports(root).items():
        split = "test" if published else parts.get(number, "test")
        id = example_id(f"{task_name}/openi", [number], split, published)
        images, study = tuple(f"openi/{image}.png" for image in report.images), f"openi/{number}"
        if task_name == "findings_summarization":
            if report.findings and report.impression:
                wheel, slots = task(task_name).wheels["shorten"], {"findings": report.findings}
                turn = text_turn(seed, id, "shorten", wheel, report.impression, slots)
                study = f"openi/{escaped(report.findings[0])}" if published else study
                found[id] = Example(split, "openi", None, study, (), (turn,), report.impression)
            continue
        text = report.findings if task_name == "findings_generation" else report.impression
        if text and images:
            turn = written(seed, id, task_name, text, {})
            found[id] = Example(split, "openi", None, study, images, (turn,), text)
    return found


# ---- Rad-ReStruct


def ids(spec: str, question: Question, published: bool) -> dict[str, str]:
    """The ids of a question with their splits; in a published run val is a copy of test."""
    key = question.number, question.position
    id = example_id(spec, key, question.part, published)
    if not published:
        return {id: question.part}
    match question.part:
        case "train":
            return {id: "train"}
        case "test":
            return {id: "test", f"{id}~val": "val"}
        case _:
            return {}


def close_ended_vqa__rad_restruct(root: Path, seed: int, published: bool) -> Examples:
    found, images = Examples(), frontal_images(root)
    for one in questions(root):
        several = len(one.answers) > 1
        options, answers = one.options, one.answers
        if published:
            several = several or one.answer_type == "multi_choice"
            options, answers = (tuple(text.replace(", ", "; ") for text in texts) for texts in (options, answers))
        closed = len(options) >= 2 and one.answer_type != "multi_choice"
        if not (closed or published) or one.number not in images:
            continue
        for id, split in ids("close_ended_vqa/rad_restruct", one, published).items():
            turn, target = _chosen(seed, id, one.text, options, answers, several)
            found[id] = Example(split, "openi", None, f"openi/{one.number}", images[one.number], (turn,), target)
    return found


def _chosen(
    seed: int, id: str, question: str, options: Sequence[str], answers: Sequence[str], several: bool
) -> tuple[Turn, Any]:
    wheels, slots, reply = task("close_ended_vqa").wheels, {"question": question}, ("text", "marker")
    if several:
        choice = Choice(several=True, markers=("letters", "numbers"), reply=reply)
        turn = choice_turn(seed, id, "several", wheels["several"], options, answers, choice, slots)
        return turn, [option for option in options if option in answers]
    turn = choice_turn(seed, id, "one", wheels["one"], options, answers[:1], Choice(reply=reply), slots)
    return turn, answers[0]


def open_ended_vqa__rad_restruct(root: Path, seed: int, published: bool) -> Examples:
    found, images, wheel = Examples(), frontal_images(root), task("open_ended_vqa").wheels["answer"]
    for one in questions(root):
        is_open = published or len(one.options) < 2 or one.answer_type == "multi_choice"
        if not is_open or one.number not in images:
            continue
        answer = ", ".join(one.answers).capitalize()
        for id, split in ids("open_ended_vqa/rad_restruct", one, published).items():
            turn = text_turn(seed, id, "answer", wheel, answer, {"question": one.text})
            found[id] = Example(split, "openi", None, f"openi/{one.number}", images[one.number], (turn,), answer)
    return found


ORACLES: dict[str, Oracle] = {
    "findings_generation/openi": partial(openi, "findings_generation"),
    "impression_generation/openi": partial(openi, "impression_generation"),
    "findings_summarization/openi": partial(openi, "findings_summarization"),
    "close_ended_vqa/rad_restruct": close_ended_vqa__rad_restruct,
    "open_ended_vqa/rad_restruct": open_ended_vqa__rad_restruct,
}
