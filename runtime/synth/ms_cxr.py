"""MS-CXR 1.0.0: phrases with boxes on images of MIMIC-CXR, as CSV and as COCO JSON (sources.md, section 11).

Which categories, phrases and boxes there are is a choice; the order of the CSV's first four columns is unverified.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic, mimic_reports
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.texts import Texts
from cxrspec.runtime.synth.shared.world import World

CATEGORIES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)
SPLITS = {  # of MIMIC: images, further phrases on them, and phrases that stand in the report; the second: at least
    # Section 11: images 878 / 5 / 164; pairs of image and phrase 964 / 7 / 189; literal ones 437 / 4 / 7, one an image.
    "train": ((878, 24), (964 - 878, 3), (437, 10)),
    "val": ((5, 5), (7 - 5, 2), (4, 2)),
    "test": ((164, 6), (189 - 164, 2), (7, 2)),
}
TWICE = 2  # section 11: 1,162 triples with the category, 1,160 pairs without it; that both are in train is a choice
MORE_BOXES = 1_448 - 1_162  # section 11

_PHRASES = Texts(
    {  # as a radiologist edits them: not the words of any report
        "Atelectasis": "(Left|Right) basal atelectasis, (linear|mild|partial)",
        "Cardiomegaly": "Cardiac silhouette, (mildly|markedly) enlarged",
        "Consolidation": "(Left|Right) (upper|lower) lobe consolidation, (dense|subtle)",
        "Edema": "Interstitial edema, (mild|moderate), (bilateral|perihilar)",
        "Lung Opacity": "(Left|Right) (upper|lower) zone opacity, (hazy|patchy|ill-defined)",
        "Pleural Effusion": "(Left|Right) pleural effusion, (small|moderate|layering)",
        "Pneumonia": "(Left|Right) (upper|lower) lobe pneumonia, (early|likely)",
        "Pneumothorax": "(Left|Right) apical pneumothorax, (tiny|small|moderate)",
        "two": "(Left|Right) (upper|lower) zone density, (consolidation or pneumonia|pneumonia or consolidation)",
    }
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A phrase of one category on an image (a row of `Mimic.images`), and its boxes (left, top, width, height)."""

    image: dict[str, Any]
    category: str
    phrase: str
    boxes: list[tuple[int, int, int, int]]


def make(folder: Folder, world: World) -> None:
    """Write both files."""
    pairs = list(_pairs(world))
    rows = [
        {
            "category_name": pair.category,
            "label_text": pair.phrase,
            "path": pair.image["path"],
            "dicom_id": pair.image["dicom_id"],
            **dict(zip("xywh", box, strict=True)),
            "image_width": pair.image["columns"],
            "image_height": pair.image["rows"],
        }
        for pair in pairs
        for box in pair.boxes
    ]
    folder.csv("MS_CXR_Local_Alignment_v1.0.0.csv", pl.DataFrame(rows))
    folder.write("MS_CXR_Local_Alignment_v1.0.0.json", json.dumps(_coco(pairs)))


def _pairs(world: World) -> Iterator[_Pair]:
    """The pairs, by image; several on one image differ in phrase, or in category only."""
    draws = world.draws("ms_cxr")
    said = _literal(world)
    chosen = [pair for split in SPLITS for pair in _phrases(world, draws, split, said)]
    boxes = np.ones(len(chosen), np.int64)
    boxes[draws.choice(len(chosen), world.count(MORE_BOXES, 5), replace=False)] += 1
    for number, ((image, category, phrase), count) in enumerate(zip(chosen, boxes.tolist(), strict=True)):
        more = [_box(draws, image) for _ in range(count - 1)]
        yield _Pair(image, category, phrase, [_box(draws, image, number), *more])


def _phrases(
    world: World, draws: np.random.Generator, split: str, literal: pl.DataFrame
) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Images of a split, each with a category and a phrase; some phrases are `literal` ones, of each place if possible."""
    count, more, quoted = (world.count(*numbers) for numbers in SPLITS[split])
    frontal = mimic.cast(world).frontal.filter(split=split)
    found = literal.filter(pl.col("study_id").is_in(frontal["study_id"].implode()))
    found = found[draws.permutation(len(found))]
    found = found.sort(pl.int_range(pl.len()).over("place") > 0, maintain_order=True)[:quoted]
    others = frontal.join(found, on="study_id", how="anti", maintain_order="left")
    others = others[draws.permutation(len(others))[: count - len(found)]]
    said = {study: (label, text) for study, label, text, _ in found.iter_rows()}
    images = pl.concat([frontal.join(found, on="study_id", how="semi", maintain_order="left"), others])
    images = images.with_columns(path=pl.format("files/{}/{}.jpg", mimic.PLACE, "dicom_id")).sort("dicom_id")

    free = [place for place, study in enumerate(images["study_id"]) if study not in said]
    twice = {*free[:TWICE]} if split == "train" else set[int]()
    again = {*draws.choice(len(images), more, replace=False).tolist()}
    for place, image in enumerate(images.iter_rows(named=True)):
        drawn: list[str] = draws.permutation(CATEGORIES).tolist()
        here: dict[str, str]
        if place in twice:
            here = dict.fromkeys(("Consolidation", "Pneumonia"), _PHRASES.draw("two", draws, 1)[0])
        elif image["study_id"] in said:
            here = dict([said[image["study_id"]]])
        else:
            here = {drawn[0]: _PHRASES.draw(drawn[0], draws, 1)[0]}
        if place in again:
            other = next(category for category in drawn if category not in here)
            here[other] = _PHRASES.draw(other, draws, 1)[0]
        yield from ((image, category, phrase) for category, phrase in here.items())


def _literal(world: World) -> pl.DataFrame:
    """Of studies whose report says that a category is present: what it says (study_id, label, text, place).

    It stands in the findings (place 0; `prior_only` reports say nothing of their labels), or where there are none in the
    impression (1) or in a text without headings (2).
    """
    reports = mimic_reports.cast(world)
    said = reports.sentences.filter(pl.col("mention") == 1, pl.col("label").is_in(CATEGORIES)).join(
        reports.reports, on="study_id", maintain_order="left"
    )
    unfound = pl.col("findings").is_null()
    places = [
        said.filter(pl.col("findings").str.contains(pl.col("text"), literal=True)),
        said.filter(unfound, pl.col("impression").is_not_null()).with_columns(text="told"),
        said.filter(unfound, pl.col("impression").is_null()),
    ]
    return pl.concat(
        rows.unique("study_id", keep="first", maintain_order=True).select(
            "study_id", "label", pl.col("text").str.strip_suffix("."), place=pl.lit(place, pl.Int8)
        )
        for place, rows in enumerate(places)
    )


def _box(draws: np.random.Generator, image: dict[str, Any], number: int | None = None) -> tuple[int, int, int, int]:
    """A box in pixels of the original image.

    The first three touch two of its borders and leave it (section 41). The next four stand at 12.5 and 37.5 % of each
    side, where that is a whole number of pixels: halfway between two places of the grid of 100.
    """
    width, height = image["columns"], image["rows"]
    left, top, across, down = (
        int(side * share)
        for side, share in zip((width, height, width, height), draws.uniform(0.05, 0.45, 4), strict=True)
    )
    match number:
        case 0:
            return 0, 0, across, down
        case 1:
            return width - across, height - down, across, down
        case 2:
            return left, top, width, down
        case 3 | 4 | 5 | 6:
            return width // 8, height // 8, width // 4, height // 4
        case _:
            return left, top, across, down


def _coco(pairs: list[_Pair]) -> dict[str, Any]:
    images = {pair.image["dicom_id"]: pair.image for pair in pairs}
    numbers = {dicom: number for number, dicom in enumerate(images, 1)}
    boxes = [(pair, box) for pair in pairs for box in pair.boxes]
    return {
        "info": {"version": "1.0.0", "description": "made up"},
        "categories": [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, 1)],
        "images": [
            {
                "id": numbers[dicom],
                "file_name": f"{dicom}.jpg",
                "path": image["path"],
                "width": image["columns"],
                "height": image["rows"],
            }
            for dicom, image in images.items()
        ],
        "annotations": [
            {
                "id": number,
                "image_id": numbers[pair.image["dicom_id"]],
                "category_id": 1 + CATEGORIES.index(pair.category),
                "bbox": [*box],
                "label_text": pair.phrase,
            }
            for number, (pair, box) in enumerate(boxes, 1)
        ],
    }
