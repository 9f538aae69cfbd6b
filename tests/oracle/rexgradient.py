"""ReXGradient."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from .examples import Example, Examples, Oracle, escaped, example_id, task
from .prompts import text_turn
from .reports import speaks_of_change, squeezed, written

FILES = {"train": "train", "valid": "val", "test": "test"}


@dataclass(frozen=True)
class Study:
    id: str
    part: str
    patient: str
    date: int
    findings: str
    impression: str
    images: tuple[str, ...]

    @property
    def place_in_time(self) -> tuple[int, str]:
        return self.date, self.id


def studies(root: Path) -> list[Study]:
    return [
        _study(key, part, record)
        for name, part in FILES.items()
        for key, record in json.loads(
            (root / "rexgradient" / "metadata" / f"{name}_metadata.json").read_text(encoding="utf-8")
        ).items()
    ]


def _study(key: str, part: str, record: dict[str, Any]) -> Study:
    texts = [record.get(name) for name in ("Findings", "Impression")]
    findings, impression = ("" if text in (None, "None", "N/A") else squeezed(text) for text in texts)
    images = tuple(f"rexgradient/{path.replace('../', '')}" for path in record["ImagePath"])
    return Study(key, part, record["PatientID"], int(record["StudyDate"]), findings, impression, images)


def earlier_studies(studies: Sequence[Study]) -> dict[str, Study]:
    """For each study but a patient's first: the one before."""
    visits = defaultdict[str, list[Study]](list)
    for study in studies:
        visits[study.patient].append(study)
    found: dict[str, Study] = {}
    for some in visits.values():
        some.sort(key=lambda study: study.place_in_time)
        found |= {after.id: before for before, after in pairwise(some)}
    return found


# ---- the specs


def example(study: Study, images: tuple[str, ...], turn: Any, text: str) -> Example:
    who, study_id = f"rexgradient/{escaped(study.patient)}", f"rexgradient/{escaped(study.id)}"
    return Example(study.part, "rexgradient", who, study_id, images, (turn,), text)


def section_written(task_name: str, section: str, root: Path, seed: int, published: bool) -> Examples:
    """In a published run from the first image, and with the word None for what was not written."""
    found = Examples()
    for study in studies(root):
        text = study.findings if section == "findings" else study.impression
        text = text or ("None" if published else "")
        if text and (study.images or published):
            id = example_id(f"{task_name}/rexgradient", [study.id], study.part, published)
            images = study.images[:1] if published else study.images
            found[id] = example(study, images, written(seed, id, task_name, text, {}), text)
    return found


def progression_written(task_name: str, section: str, root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found, every = Examples(), studies(root)
    earlier = earlier_studies(every)
    for study in every:
        text = study.findings if section == "findings" else study.impression
        before = earlier.get(study.id)
        if text and speaks_of_change(text) and study.images and before is not None and before.images:
            id = example_id(f"{task_name}/rexgradient", [study.id], study.part, published)
            images = before.images[0], study.images[0]
            found[id] = example(study, images, written(seed, id, task_name, text, {}), text)
    return found


def findings_summarization__rexgradient(root: Path, seed: int, published: bool) -> Examples:
    assert not published
    found, wheel = Examples(), task("findings_summarization").wheels["shorten"]
    for study in studies(root):
        if study.findings and study.impression:
            id = example_id("findings_summarization/rexgradient", [study.id], study.part, published)
            turn = text_turn(seed, id, "shorten", wheel, study.impression, {"findings": study.findings})
            found[id] = example(study, (), turn, study.impression)
    return found


ORACLES: dict[str, Oracle] = {"findings_summarization/rexgradient": findings_summarization__rexgradient}
for section in ("findings", "impression"):
    name = f"{section}_generation"
    ORACLES[f"{name}/rexgradient"] = partial(section_written, name, section)
    ORACLES[f"progression_{name}/rexgradient"] = partial(progression_written, f"progression_{name}", section)
