"""MIMIC-Ext-MIMIC-CXR-VQA 1.0.0: templated questions on images of MIMIC-CXR (sources.md, section 20).

Which templates there are and what is answered are choices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import product
from string import Formatter
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

PARTS = {  # questions and images; the second: at least
    # Section 20: 290,031 / 73,567 / 13,793 questions, those of test on 500 images; the images of the others are choices.
    "train": ((290_031, 60), (130_000, 30)),
    "valid": ((73_567, 30), (8_500, 8)),
    "test": ((13_793, 24), (500, 4)),
}
SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
"""How many patients are in each part."""

OBJECTS = (
    "left lung",
    "right lung",
    "left lower lung zone",
    "right hilar structures",
    "mediastinum",
    "cardiac silhouette",
)
ATTRIBUTES = ("atelectasis", "consolidation", "lung opacity", "pleural effusion", "pneumonia", "pneumothorax")
_YES_NO = (("yes",), ("no",))
_GENDERS = ("female", "male")


class Template(NamedTuple):
    """A question with places for objects, attributes and genders; in an answer, `a` and `b` are the first two of these.

    The last answer of a question that may have none is the empty one.
    """

    semantic: str
    content: str
    text: str
    answers: Sequence[Sequence[str]]


TEMPLATES = (
    Template("verify", "presence", "Is there {attribute_0} in the {object_0}?", _YES_NO),
    Template("verify", "abnormality", "Are there any abnormalities in the {object_0}?", _YES_NO),
    Template("verify", "abnormality", "Does this image show any abnormalities?", _YES_NO),
    Template("query", "abnormality", "List any abnormalities that are seen.", (*zip(ATTRIBUTES), ATTRIBUTES[2:4], ())),
    Template(
        "choose",
        "attribute",
        "Which is seen in the {object_0}, {attribute_0} or {attribute_1}?",
        (("{attribute_0}", "{attribute_1}"), ("{attribute_0}",), ("{attribute_1}",), ()),
    ),
    Template("query", "anatomy", "Where is {attribute_0} found?", (*zip(OBJECTS), OBJECTS[:2], ())),
    Template("query", "attribute", "What is seen in the {object_0}?", (*zip(ATTRIBUTES), ATTRIBUTES[:2], ())),
    Template("verify", "gender", "Is this patient {gender_0}?", _YES_NO),
    Template("verify", "size", "Is the {object_0} wider than it should be?", _YES_NO),
    Template("query", "plane", "What is the view of this image?", ()),  # answered by the image
    Template("query", "gender", "What is the gender of this patient?", ()),  # answered by the patient
)


PLANE, GENDER = len(TEMPLATES) - 2, len(TEMPLATES) - 1


def make(folder: Folder, world: World) -> None:
    """Write the three files, and the numbers of answers."""
    forms = list(_forms())
    frontal = mimic.cast(world).frontal.join(
        mimic.own_split(world, "mimic_cxr_vqa", SHARES), on="subject_id", maintain_order="left"
    )
    for part, (questions, images) in PARTS.items():
        draws = world.draws("mimic_cxr_vqa", part)
        own = frontal.filter(part=part)
        own = own[draws.permutation(len(own))[: world.count(*images)]]
        lines = _records(draws, own, forms, world.count(*questions))
        folder.write(f"mimiccxrvqa/dataset/{part}.json", "[\n" + lines.str.join(",\n").item() + "\n]\n")
    answers = sorted({answer for form in forms for answers in form.answers for answer in json.loads(answers)})
    answers = [*answers, "ap", "f", "m", "pa"]
    folder.write("mimiccxrvqa/dataset/ans2idx.json", json.dumps({answer: n for n, answer in enumerate(answers)}))


class Form(NamedTuple):
    """A template with its places filled: the number of the template, and as JSON what a record says of it and its answers."""

    template: int
    members: str
    answers: Sequence[str]


def _forms() -> Iterator[Form]:
    for number, template in enumerate(TEMPLATES):
        places = [name for _, name, _, _ in Formatter().parse(template.text) if name]
        choices = {"object_0": OBJECTS, "attribute_0": ATTRIBUTES, "gender_0": _GENDERS}
        for chosen in product(*(choice if name in places else ("",) for name, choice in choices.items())):
            words = dict(zip(choices, chosen, strict=True))
            words["attribute_1"] = (
                ATTRIBUTES[ATTRIBUTES.index(words["attribute_0"]) - 1] if words["attribute_0"] else ""
            )
            arguments = {
                kind: {place[-1]: words[place] for place in places if place.startswith(kind)}
                for kind in ("object", "attribute", "category", "viewpos", "gender")
            }
            members = {
                "question": template.text.format(**words),
                "semantic_type": template.semantic,
                "content_type": template.content,
                "template": template.text.replace("{", "${"),
                "template_program": f"program_{number}",
                "template_arguments": arguments,
            }
            answers = [json.dumps(sorted(word.format(**words) for word in answer)) for answer in template.answers]
            yield Form(number, json.dumps(members)[1:-1], answers)


def _records(draws: np.random.Generator, images: pl.DataFrame, forms: Sequence[Form], count: int) -> pl.Series:
    """The records of a part as JSON: each template with its last answer, then with its first one, then any."""
    kinds = len(TEMPLATES)
    template = np.concatenate([np.tile(np.arange(kinds), 2), draws.integers(kinds, size=count - 2 * kinds)])
    free = np.arange(count) >= 2 * kinds
    form = _within(template, [form.template for form in forms], draws.random(count) * free)
    chance = np.where(free, draws.random(count), np.arange(count) < kinds)
    answers = [(n, answer) for n, found in enumerate(forms) for answer in found.answers or ("",)]
    answer = _within(form, [n for n, _ in answers], np.minimum(chance, 1 - 1e-9))
    image = np.concatenate([np.arange(len(images)), draws.integers(len(images), size=count - len(images))])
    known = (
        pl.when(template=PLANE)
        .then(pl.format('["{}"]', pl.col("view").str.to_lowercase()))
        .when(template=GENDER)
        .then(pl.when(pl.col("subject_id") % 2 == 0).then(pl.lit('["f"]')).otherwise(pl.lit('["m"]')))
    )
    record = pl.format(
        '{{"split": "{}", "idx": {}, "subject_id": "{}", "study_id": "{}", "image_id": "{}", "image_path": "{}/{}.jpg", {}, "answer": {}}}',
        "part",
        "idx",
        "subject_id",
        "study_id",
        "dicom_id",
        mimic.PLACE,
        "dicom_id",
        "members",
        pl.coalesce(known, "answer"),
    )
    rows = images[image].with_columns(
        idx=pl.int_range(pl.len()),
        template=template,
        members=pl.Series([form.members for form in forms]).gather(form),
        answer=pl.Series([answer for _, answer in answers]).gather(answer),
    )
    return rows.select(record).to_series()


def _within(group: NDArray[np.int64], groups: Sequence[int], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """A member of each group by chance (from 0 up to 1): `groups` are those of the members, in order."""
    sizes = np.bincount(groups)
    return np.cumsum(sizes)[group] - sizes[group] + (chance * sizes[group]).astype(np.int64)
