"""The specs on the reports of MIMIC-CXR: generation, with and without indication, progression, summarization."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .examples import Example, Examples, Oracle, example_id, task
from .mimic import Study, split_of, studies, who
from .prompts import text_turn
from .reports import prior_free, speaks_of_change, written


def section(study: Study, task_name: str) -> str:
    """The section that a task writes."""
    return study.text.findings if "findings" in task_name else study.text.impression


def generation(task_name: str, root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found = Examples()
    for study in studies(root).values():
        report, slots = prior_free(section(study, task_name)), dict[str, str]()
        if task_name.endswith("with_indication"):
            slots["indication"] = study.text.indication
        if report and all(slots.values()):
            split = split_of(root, seed, study.subject)
            id = example_id(f"{task_name}/mimic_cxr", [study.study], split, published)
            turn = written(seed, id, task_name, report, slots)
            found[id] = Example(split, *who(study.subject, study.study), study.images, (turn,), report)
    return found


def progression(task_name: str, root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found = Examples()
    for study in studies(root).values():
        report = section(study, task_name)
        if speaks_of_change(report) and study.previous_image is not None:
            split = split_of(root, seed, study.subject)
            id = example_id(f"{task_name}/mimic_cxr", [study.study], split, published)
            images = study.previous_image, study.images[0]
            turn = written(seed, id, task_name, report, {})
            found[id] = Example(split, *who(study.subject, study.study), images, (turn,), report)
    return found


def findings_summarization__mimic_cxr(root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found, wheel = Examples(), task("findings_summarization").wheels["shorten"]
    for study in studies(root).values():
        findings, impression = study.text.findings, study.text.impression
        if findings and impression and not any(word in impression for word in ("___", "a.m.", "p.m.")):
            split = split_of(root, seed, study.subject)
            id = example_id("findings_summarization/mimic_cxr", [study.study], split, published)
            turn = text_turn(seed, id, "shorten", wheel, impression, {"findings": findings})
            found[id] = Example(split, *who(study.subject, study.study), (), (turn,), impression)
    return found


ORACLES: dict[str, Oracle] = {
    "findings_generation/mimic_cxr": partial(generation, "findings_generation"),
    "findings_generation_with_indication/mimic_cxr": partial(generation, "findings_generation_with_indication"),
    "findings_summarization/mimic_cxr": findings_summarization__mimic_cxr,
    "impression_generation/mimic_cxr": partial(generation, "impression_generation"),
    "impression_generation_with_indication/mimic_cxr": partial(generation, "impression_generation_with_indication"),
    "progression_findings_generation/mimic_cxr": partial(progression, "progression_findings_generation"),
    "progression_impression_generation/mimic_cxr": partial(progression, "progression_impression_generation"),
}
