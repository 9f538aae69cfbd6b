"""CheXpert and CheXpert Plus: labels, views and reports of one space."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from . import files
from .classification import COMPETITION, image_classification, sides
from .examples import Example, Examples, Oracle, escaped, example_id, task
from .prompts import Choice, choice_turn
from .reports import prior_free, speaks_of_change, squeezed, written
from .splits import otherwise

FINDINGS = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other"),
    *("Fracture", "Support Devices"),
)
VIEWS = ("PA", "AP", "Lateral", "LL", "RL")

# ---- the raw files


def rank(view: str) -> int:
    """The place of a view; a blank one is a lateral."""
    return VIEWS.index(view or "Lateral") if (view or "Lateral") in VIEWS else 9


def whose(path: str) -> tuple[str, str]:
    """The patient and the study, which stand in the path of an image."""
    found = re.search(r"(patient\d+)/(study\d+)/", path)
    assert found is not None
    return found[1], found[2]


@dataclass(frozen=True)
class Image:
    place: str
    """The path below the folder of the release."""

    path: str
    part: str
    view: str
    mentions: Mapping[str, str]

    @property
    def study(self) -> tuple[str, str]:
        return whose(self.place)

    @property
    def seen(self) -> str:
        """The view that is seen, if it is known."""
        return "Lateral" if self.place.endswith("_lateral.jpg") else self.view


def images(root: Path) -> Iterator[Image]:
    folder = root / "chexpert"
    release = next(one for one in ("CheXpert-v1.0", "CheXpert-v1.0-small") if (folder / one).exists())
    tests = [name for name in ("CheXpert/test_labels.csv", "test_labels.csv") if (folder / name).exists()]
    tables = [("train", f"{release}/train.csv"), ("val", f"{release}/valid.csv"), *(("test", name) for name in tests)]
    for part, name in tables:
        for row in files.csv_rows(folder, name):
            found = re.search(r"(?:train|valid|test)/patient\d+/.*", row["Path"])
            assert found is not None
            path = f"CheXpert/{found[0]}" if part == "test" else row["Path"]
            mentions = {finding: row[finding] for finding in FINDINGS}
            yield Image(found[0], f"chexpert/{path}", part, row.get("AP/PA", ""), mentions)


def official(root: Path) -> dict[str, str]:
    """The parts of the patients; nobody's, if the labels are not there."""
    found: dict[str, str] = {}
    for image in images(root) if any((root / "chexpert").glob("CheXpert-v1.0*")) else ():
        assert found.setdefault(image.study[0], image.part) == image.part
    return found


@dataclass(frozen=True)
class Report:
    """A study of CheXpert Plus with the texts of its first image."""

    patient: str
    study: str
    order: int
    images: tuple[str, ...]
    history: str
    findings: str
    impression: str


def reports(root: Path) -> list[Report]:
    rows = defaultdict[tuple[str, str], list[dict[str, str]]](list)
    for row in files.csv_rows(root / "chexpert_plus", "df_chexpert_plus_240401.csv"):
        rows[whose(row["path_to_image"])].append(row)
    return [_report(*study, some) for study, some in rows.items()]


def _report(patient: str, study: str, rows: Sequence[dict[str, str]]) -> Report:
    rows = sorted(rows, key=lambda row: (rank(row["ap_pa"]), row["path_to_image"]))
    assert len({row["split"] for row in rows}) == 1
    paths = [f"chexpert_plus/PNG/{row['path_to_image'].replace('.jpg', '.png')}" for row in rows]
    columns = ("section_clinical_history", "section_findings", "section_impression")
    order = min(int(row["patient_report_date_order"]) for row in rows)
    return Report(patient, study, order, tuple(paths), *(squeezed(rows[0][column]) for column in columns))


def earlier_images(reports: Sequence[Report]) -> dict[tuple[str, str], str]:
    """For each study but a patient's first: the first image of the one before."""
    visits = defaultdict[str, list[Report]](list)
    for report in reports:
        visits[report.patient].append(report)
    found: dict[tuple[str, str], str] = {}
    for some in visits.values():
        some.sort(key=_place_in_time)
        for before, after in pairwise(some):
            assert _place_in_time(before) < _place_in_time(after)
            found[after.patient, after.study] = before.images[0]
    return found


def _place_in_time(report: Report) -> tuple[int, int]:
    return report.order, int(report.study.removeprefix("study"))


# ---- labels and views


def image_classification__chexpert(root: Path, seed: int, published: bool) -> Examples:
    spec, found = "image_classification/chexpert", Examples()
    studies = defaultdict[tuple[str, str], list[Image]](list)
    for image in images(root):
        studies[image.study].append(image)
    for (patient, study), some in studies.items():
        some.sort(key=lambda image: (rank(image.view), image.place))
        split = some[0].part
        positives, negatives = sides(some[0].mentions, COMPETITION if split == "train" else {})
        if positives:
            id = example_id(spec, [patient, study], split, published)
            paths = tuple(image.path for image in some)
            turns, target = image_classification(seed, id, FINDINGS, positives, negatives)
            who = f"chexpert/{patient}"
            found[id] = Example(split, "chexpert", who, f"{who}/{study}", paths, turns, target)
    return found


def view_classification__chexpert(root: Path, seed: int, published: bool) -> Examples:
    """In a published run, the rows of val stand for test once more."""
    spec, found = "view_classification/chexpert", Examples()
    views, wheel = ("AP", "PA", "Lateral"), task("view_classification").wheels["choose"]
    for image in images(root):
        if image.part == "test" or image.seen not in views:
            continue
        patient, study = image.study
        who = f"chexpert/{patient}"
        study_id = f"chexpert/{escaped(image.place)}" if published else f"{who}/{study}"
        id = example_id(spec, [image.place], image.part, published)
        copies = {f"{id}~test": "test"} if published and image.part == "val" else {}
        for one, split in ({id: image.part} | copies).items():
            turn = choice_turn(seed, one, "choose", wheel, views, [image.seen], Choice(reply=("text", "marker")))
            found[one] = Example(split, "chexpert", who, study_id, (image.path,), (turn,), image.seen)
    return found


# ---- reports


def section_written(
    task_name: str, section: str, with_indication: bool, root: Path, seed: int, published: bool
) -> Examples:
    """Studies whose section says something that is not of an earlier study."""
    assert not published
    found, parts = Examples(), official(root)
    for report in reports(root):
        text = prior_free(report.findings if section == "findings" else report.impression)
        if text and (report.history or not with_indication):
            slots = {"indication": report.history} if with_indication else {}
            _add(found, seed, parts, task_name, report, report.images, text, slots)
    return found


def progression_written(task_name: str, section: str, root: Path, seed: int, published: bool) -> Examples:
    """Studies whose section speaks of change, with an earlier one."""
    assert not published
    found, parts, every = Examples(), official(root), reports(root)
    earlier = earlier_images(every)
    for report in every:
        text = report.findings if section == "findings" else report.impression
        before = earlier.get((report.patient, report.study))
        if text and speaks_of_change(text) and before is not None:
            _add(found, seed, parts, task_name, report, (before, report.images[0]), text, {})
    return found


def _add(
    found: Examples,
    seed: int,
    parts: Mapping[str, str],
    task_name: str,
    report: Report,
    shown: tuple[str, ...],
    text: str,
    slots: Mapping[str, str],
) -> None:
    who = f"chexpert/{report.patient}"
    split = parts.get(report.patient) or otherwise(seed, who)
    id = example_id(f"{task_name}/chexpert_plus", [report.patient, report.study], split, published=False)
    turn = written(seed, id, task_name, text, slots)
    found[id] = Example(split, "chexpert", who, f"{who}/{report.study}", shown, (turn,), text)


ORACLES: dict[str, Oracle] = {
    "image_classification/chexpert": image_classification__chexpert,
    "view_classification/chexpert": view_classification__chexpert,
}
for section in ("findings", "impression"):
    name = f"{section}_generation"
    ORACLES[f"{name}/chexpert_plus"] = partial(section_written, name, section, False)
    name = f"{section}_generation_with_indication"
    ORACLES[f"{name}/chexpert_plus"] = partial(section_written, name, section, True)
    name = f"progression_{section}_generation"
    ORACLES[f"{name}/chexpert_plus"] = partial(progression_written, name, section)
