"""Medical-Diff-VQA 1.0.1: questions on a study and an earlier one of the same patient (sources.md, section 21).

What is asked of which pair is a choice. A question on a finding does not mean that the study has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.mimic_cxr import CODES
from cxrspec.runtime.synth.shared.dealing import apportion
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

TYPES = {
    "location": 84_193,
    "type": 27_478,
    "level": 67_296,
    "abnormality": 145_421,
    "view": 56_265,
    "presence": 155_726,
    "difference": 164_324,
}
"""Section 21: questions of each type; one question on the difference for each pair of studies."""

SPLITS = {"train": 173_907, "val": 1_456, "test": 3_604}
"""Section 21: questions on location, type and level, by MIMIC's split. Pairs and other types are shared out likewise."""

LEAST = {"train": 12, "val": 4, "test": 4}
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
"""How many patients are in each part of the file's own split, which is another."""

FINDINGS = (
    "pleural effusion",
    "lung opacity",
    "atelectasis",
    "consolidation",
    "edema",
    "pneumothorax",
    "cardiomegaly",
    "pneumonia",
)
ASKED: Final[Mapping[str, Sequence[str]]] = {  # wordings; those without a finding are asked once a pair
    "location": ("where in the image is the {} located?",),
    "type": ("what type is the {}?",),
    "level": ("what level is the {}?",),
    "abnormality": (
        "what abnormalities are seen in this image?",
        "what abnormalities are seen in the left lung?",
        "what abnormalities are seen in the right lung?",
    ),
    "view": ("which view is this image taken?",),
    "presence": ("is there any evidence of {} in this image?",),
    "difference": ("what has changed compared to the reference image?",),
}
ANSWERS: Final[Mapping[str, Sequence[str]]] = {
    "location": ("left lower lung", "right lower lung", "left upper lung", "right base", "bilateral", "lung bases"),
    "type": ("linear", "patchy", "interstitial", "loculated", "round"),
    "level": ("small", "mild", "moderate", "severe", "acute"),
    "abnormality": ("pleural effusion", "lung opacity, atelectasis", "edema, cardiomegaly", "no abnormalities"),
    "view": (),  # that of the image
    "presence": (),  # as the labels say
    "difference": (
        "nothing has changed.",
        "the main image has an additional finding of {} than the reference image.",
        "the main image is missing the finding of {} than the reference image.",
        "the main image has an additional finding of {} than the reference image. the main image is missing the finding of"
        " atelectasis than the reference image.",
        "the level of {} has changed from mild to moderate. ",
    ),
}
GRAPHS = 300
"""How many studies the file of key graphs has at scale 1."""


def make(folder: Folder, world: World) -> None:
    """Write questions, chosen images and key graphs."""
    chosen = _chosen(world)
    folder.csv("mimic_pair_questions.csv", pl.concat(_questions(world, chosen, split) for split in SPLITS))
    folder.csv(
        "mimic_all.csv",
        chosen.select(
            "subject_id",
            "study_id",
            pl.col(list(mimic.LABELS)).cast(pl.Float64),
            "dicom_id",
            pl.col("view").replace_strict(CODES),
            split="part",
            study_date="taken_on",
            study_order=pl.col("study_id").cum_count().over("subject_id").cast(pl.Float64),
        ),
    )
    graphs = chosen.head(world.count(GRAPHS, 5)).select("study_id", "subject_id").iter_rows()
    folder.write("all_diseases.json", json.dumps([_graph(*ids) for ids in graphs]))


def _chosen(world: World) -> pl.DataFrame:
    """One frontal image of each study that has any, and labels; in order of time for each patient."""
    cast = mimic.cast(world)
    return (
        cast.frontal.join(cast.labels, on="study_id", maintain_order="left")
        .join(mimic.own_split(world, "mimic_diff_vqa", SHARES), on="subject_id", maintain_order="left")
        .sort("subject_id", "taken_on", "taken_at", "study_id")
    )


def _numbers(split: str) -> dict[str, int]:
    """The questions of each type in a split of MIMIC at scale 1: the sums of `TYPES` and `SPLITS` hold."""
    splits, counted = list(SPLITS), ("location", "type", "level")
    three = {s: apportion([TYPES[name] for name in counted], SPLITS[s]) for s in ("val", "test")}
    three["train"] = [TYPES[name] - three["val"][n] - three["test"][n] for n, name in enumerate(counted)]
    others = {
        name: apportion(list(SPLITS.values()), count)[splits.index(split)]
        for name, count in TYPES.items()
        if name not in counted
    }
    return dict(zip(counted, three[split], strict=True)) | others


def _questions(world: World, chosen: pl.DataFrame, split: str) -> pl.DataFrame:
    """The questions on the pairs of a split."""
    draws = world.draws("mimic_diff_vqa", split)
    counts = {name: world.count(count, LEAST[split]) for name, count in _numbers(split).items()}
    pairs = _pairs(draws, chosen.filter(split=split), counts["difference"])
    asked = [_asked(draws, pairs, name, count) for name, count in counts.items()]
    columns = ("study_id", "subject_id", "ref_id", "question_type", "question", "answer", "split")
    return pl.concat(asked).select(columns).sort(columns)


def _pairs(draws: np.random.Generator, chosen: pl.DataFrame, count: int) -> pl.DataFrame:
    """Each study with the one before it, and some with the one before that: so many pairs in all."""
    near, far = (
        chosen.with_columns(ref_id=pl.col("study_id").shift(back).over("subject_id")).filter(
            pl.col("ref_id").is_not_null()
        )
        for back in (1, 2)
    )
    near = near[draws.permutation(len(near))[:count]]
    return pl.concat([near, far[draws.permutation(len(far))[: count - len(near)]]])


def _asked(draws: np.random.Generator, pairs: pl.DataFrame, name: str, count: int) -> pl.DataFrame:
    """So many questions of one type, none twice for a pair."""
    questions = [
        wording.format(finding) for wording in ASKED[name] for finding in (FINDINGS if "{}" in wording else ("",))
    ]
    pair, place = np.divmod(draws.choice(len(pairs) * len(questions), count, replace=False), len(questions))
    rows = pairs[pair]
    if name == "presence":
        present = rows.select(finding.title() for finding in FINDINGS).fill_null(0).to_numpy()
        answer = pl.Series(np.where(present[np.arange(count), place] == 1, "yes", "no"))
    elif name == "view":
        answer = rows["view"].str.to_lowercase() + " view"
    else:
        answers = pl.Series([answer.format(finding) for answer in ANSWERS[name] for finding in FINDINGS])
        answer = answers.gather(draws.integers(len(answers), size=count))
    return rows.select(
        "study_id",
        "subject_id",
        "ref_id",
        question_type=pl.lit(name),
        question=pl.Series(questions).gather(place),
        answer=answer,
        split="part",
    )


def _graph(study: int, subject: int) -> dict[str, Any]:
    """The key graph of a study, as far as anybody reads it: one finding that is there, one that is not."""
    there, absent = FINDINGS[study % 7], FINDINGS[7]
    entity = {there: {"location": ["left lung"], "type": None, "level": ["mild"]}}
    return {"study_id": study, "subject_id": subject, "entity": entity, "no_entity": [absent]}
