"""What else was written on the text of reports: MIMIC-NLE, RadGraph, ReXVal, RadQA, RadNLI."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from .classification import sides
from .examples import Example, Examples, Oracle, escaped, example_id, task
from .files import csv_rows, json_lines, text
from .mimic import split_of, studies, who
from .prompts import Choice, choice_turn, list_turn, text_turn
from .reports import squeezed

PARTS = {"train": "train", "dev": "val", "test": "test"}
DIAGNOSES = (
    *("Atelectasis", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Lung Lesion", "Lung Opacity"),
    *("Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax"),
)


def natural_language_explanation__mimic_nle(root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found, wheel = Examples(), task("natural_language_explanation").wheels["explain"]
    for part in PARTS:
        for row in json_lines(root / "mimic_nle" / "mimic-nle", f"mimic-nle-{part}.json"):
            sentence, explanation = row["sentence_ID"], squeezed(row["nle"])
            number = re.match(r"s(\d+)#", sentence)
            assert number is not None
            study = studies(root).get(int(number[1]))
            cells = [str(cell) for cell in row["diagnosis_label"]]
            diagnosed, _ = sides(dict(zip(DIAGNOSES, cells, strict=True)))
            if study is None or not diagnosed:
                continue
            split = split_of(root, seed, study.subject)
            id = example_id("natural_language_explanation/mimic_nle", [sentence], split, published)
            turn = text_turn(seed, id, "explain", wheel, explanation, {"named": " and ".join(diagnosed).lower()})
            found[id] = Example(split, *who(study.subject, study.study), study.images, (turn,), explanation)
    return found


KINDS = {
    "OBS-DP": "Observation (definitely present)",
    "OBS-DA": "Observation (definitely absent)",
    "OBS-U": "Observation (uncertain)",
    "ANAT-DP": "Anatomy",
}


def named_entity_recognition__radgraph(root: Path, seed: int, published: bool) -> Examples:
    """Of two labelers the first. Reports of CheXpert are linked to nothing; published studies lack their first letter."""
    found, wheel = Examples(), task("named_entity_recognition").wheels["find"]
    for part, own in PARTS.items():
        for report, graph in json.loads(text(root / "radgraph", f"{part}.json")).items():
            entities = (graph if "entities" in graph else graph["labeler_1"])["entities"].values()
            said = [{"type": KINDS[entity["label"]], "text": entity["tokens"]} for entity in entities]
            place = re.search(r"/p(\d+)/s(\d+)\.txt$", report)
            if place is not None:
                split, (space, patient, study) = split_of(root, seed, int(place[1])), who(int(place[1]), int(place[2]))
            else:
                split, space, patient, study = own, "radgraph", None, f"radgraph/{escaped(report)}"
            if published:
                study = f"{space}/{report.rpartition('/')[2].removesuffix('.txt')[1:]}"
            id = example_id("named_entity_recognition/radgraph", [report], split, published)
            lines = [f"{one['type']}: {one['text']}" for one in said]
            turn = list_turn(seed, id, "find", wheel, lines, "\n", {"report": graph["text"]})
            found[id] = Example(split, space, patient, study, (), (turn,), said)
    return found


ERRORS = (
    "False report of a finding",
    "Missing finding",
    "Wrong location of a finding",
    "Wrong severity of a finding",
    "Comparison that the reference does not make",
    "Missing comparison with an earlier study",
)
METRICS = ("radgraph", "bertscore", "s_emb", "bleu")


def report_evaluation__rexval(root: Path, seed: int, published: bool) -> Examples:
    """What most raters counted of the significant errors of each kind; the smallest of equally frequent numbers."""
    found, prompts = Examples(), task("report_evaluation")
    votes = defaultdict[tuple[int, str, int], list[int]](list)
    for row in csv_rows(root / "rexval", "6_valid_raters_per_rater_error_categories.csv"):
        if row["clinically_significant"] in ("True", "true", "1"):
            key = int(row["study_number"]), row["candidate_type"], int(row["error_category"])
            votes[key].append(int(row["num_errors"]))
    for place, row in enumerate(csv_rows(root / "rexval", "50_samples_gt_and_candidates.csv")):
        study = int(row["study_id"])
        subject = studies(root)[study].subject
        for metric in METRICS:
            rated = [(kind, votes[place, metric, n]) for n, kind in enumerate(ERRORS, 1) if (place, metric, n) in votes]
            if not rated:
                continue
            counts = [{"name": kind, "number": most(numbers)} for kind, numbers in rated if most(numbers) > 0]
            id = example_id("report_evaluation/rexval", (place, metric), "test", published)
            slots = {"reference": squeezed(row["gt_report"]), "candidate": squeezed(row[metric])}
            lines = [f"{one['name']}: {one['number']}" for one in counts]
            wheel, empty = prompts.wheels["count"], prompts.empty["count"]
            turn = list_turn(seed, id, "count", wheel, lines, "\n", slots, empty)
            found[id] = Example("test", *who(subject, study), (), (turn,), counts)
    return found


def most(numbers: list[int]) -> int:
    counted = Counter(numbers)
    return min(counted, key=lambda number: (-counted[number], number))


def text_qa__radqa(root: Path, seed: int, published: bool) -> Examples:
    """In a published run val is a copy of test."""
    found, wheel = Examples(), task("text_qa").wheels["answer"]
    for part, split in PARTS.items():
        for document, report in enumerate(json.loads(text(root / "radqa", f"{part}.json"))["data"]):
            for number, paragraph in enumerate(report["paragraphs"]):
                for place, asked in enumerate(paragraph["qas"]):
                    key = split, document, number, place
                    study = f"mimic_iii/{split}/{document}/{number}"
                    for id, side in _radqa_ids(key, split, published).items():
                        answer = _answer(asked)
                        slots = {"context": paragraph["context"], "question": asked["question"]}
                        turn = text_turn(seed, id, "answer", wheel, answer, slots)
                        found[id] = Example(side, "mimic_iii", None, study, (), (turn,), answer)
    return found


def _radqa_ids(key: tuple[str, int, int, int], split: str, published: bool) -> dict[str, str]:
    id = example_id("text_qa/radqa", key, split, published)
    if not published:
        return {id: split}
    return {"train": {id: "train"}, "val": {}, "test": {id: "test", f"{id}~val": "val"}}[split]


def _answer(asked: dict[str, Any]) -> str:
    said = squeezed(asked["answers"][0]["text"]) if asked["answers"] else ""
    return said or "Not answerable"


def natural_language_inference__radnli(root: Path, seed: int, published: bool) -> Examples:
    found, wheel = Examples(), task("natural_language_inference").wheels["relate"]
    for part, split in {"dev": "val", "test": "test"}.items():
        for row in json_lines(root / "radnli", f"radnli_{part}_v1.jsonl"):
            pair, relation = row["pairID"], row["gold_label"]
            id = example_id("natural_language_inference/radnli", [pair], split, published)
            slots = {"premise": row["sentence1"], "hypothesis": row["sentence2"]}
            options, choice = ("entailment", "neutral", "contradiction"), Choice(reply=("text", "marker"))
            turn = choice_turn(seed, id, "relate", wheel, options, [relation], choice, slots)
            found[id] = Example(split, "radnli", None, f"radnli/{escaped(pair)}", (), (turn,), relation)
    return found


ORACLES: dict[str, Oracle] = {
    "named_entity_recognition/radgraph": named_entity_recognition__radgraph,
    "natural_language_explanation/mimic_nle": natural_language_explanation__mimic_nle,
    "natural_language_inference/radnli": natural_language_inference__radnli,
    "report_evaluation/rexval": report_evaluation__rexval,
    "text_qa/radqa": text_qa__radqa,
}
