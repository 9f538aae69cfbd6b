"""MS-CXR-T 1.0.0: how findings changed between two studies, and pairs of sentences on change (sources.md, section 12).

Which findings change how is a choice. The first column of the sentences has no name here: what it is, is unverified.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

SPLITS = {  # of MIMIC: rows, and further labels on them; the second: at least
    # Section 12: rows 985 / 10 / 50, labels 1,252 / 12 / 62.
    "train": ((985, 20), (1_252 - 985, 4)),
    "val": ((10, 4), (12 - 10, 1)),
    "test": ((50, 6), (62 - 50, 2)),
}
DISEASES = ("consolidation", "edema", "pleural_effusion", "pneumonia", "pneumothorax")
PROGRESSIONS = ("improving", "stable", "worsening")
QUALITIES = ("one_expert", "multiple_experts", "disagreement")
PAIRS = 361  # section 12


def make(folder: Folder, world: World) -> None:
    """Write both files."""
    folder.csv("MS_CXR_T_temporal_image_classification_v1.0.0.csv", pl.concat(_changes(world, s) for s in SPLITS))
    folder.csv("MS_CXR_T_temporal_sentence_similarity_v1.0.0.csv", _sentences(world))


def _changes(world: World, split: str) -> pl.DataFrame:
    """Rows of a split: a frontal image of a study and one of the study before, with one label or two."""
    draws = world.draws("ms_cxr_t", split)
    count, more = (world.count(*numbers) for numbers in SPLITS[split])
    path = pl.format("{}/{}", mimic.PLACE, "dicom_id")
    pairs = (
        mimic.cast(world).frontal.filter(split=split).sort("subject_id", "taken_on", "taken_at", "study_id")
        .select(path.alias("dicom_id"), "subject_id", "study_id")
        .with_columns(pl.col("dicom_id", "study_id").shift(1).over("subject_id").name.prefix("previous_"))
        .drop_nulls()
    )  # fmt: skip
    pairs = pairs[np.sort(draws.choice(len(pairs), count, replace=False))]
    order = np.argsort(draws.random((count, len(DISEASES))), axis=1)
    labels = np.where(np.arange(count) < more, 2, 1)  # the first rows have two
    said = np.zeros((count, len(DISEASES)), np.bool_)
    np.put_along_axis(said, order, np.arange(len(DISEASES)) < labels[:, None], axis=1)

    def some(words: tuple[str, ...], place: int) -> pl.Series:
        """Words where the disease is spoken of, each in turn."""
        spoken = said[:, place]
        return pl.Series(
            [words[n % len(words)] if on else None for n, on in zip(np.cumsum(spoken), spoken, strict=True)]
        )

    return pairs.select(
        "dicom_id",
        "previous_dicom_id",
        "subject_id",
        "study_id",
        "previous_study_id",
        *(some(PROGRESSIONS, place).alias(f"{disease}_progression") for place, disease in enumerate(DISEASES)),
        *(some(QUALITIES, place).alias(f"{disease}_label_quality") for place, disease in enumerate(DISEASES)),
    )


_SIDES = ("left", "right", "bilateral")
_FINDINGS = ("effusion", "opacity", "consolidation", "atelectasis", "pneumothorax")
_TURNS = (  # the same in two wordings, and the opposite
    ("has improved", "is better than before", "has worsened"),
    ("has increased, as compared with the prior study", "is larger than before", "has decreased"),
    ("is unchanged", "is stable", "is new"),
    ("persists", "is still there", "has resolved"),
    ("is new", "was not there before", "is unchanged"),
    ("has worsened slightly", "is slightly worse", "has improved slightly"),
    ("is slightly smaller", "has decreased slightly", "is slightly larger"),
    ("has nearly resolved", "is almost gone", "has grown"),
    ("shows no interval change", "is as before", "shows interval improvement"),
    ("is again seen", "is seen as before", "is no longer seen"),
    ("remains large", "is large, as before", "remains small"),
    ("has moved to the base", "now lies at the base", "has moved to the apex"),
    ("has partly cleared", "is partly gone", "has become denser"),
)


def _sentences(world: World) -> pl.DataFrame:
    """Different pairs: a sentence with its paraphrase or its contradiction."""
    draws = world.draws("ms_cxr_t", "sentences")
    pairs = [
        (f"The {side} {finding} {turn}.", f"The {side} {finding} {other}.", category)
        for side, finding, (turn, same, opposite) in product(_SIDES, _FINDINGS, _TURNS)
        for other, category in ((same, "paraphrase"), (opposite, "contradiction"))
    ]
    places = draws.choice(len(pairs), world.count(PAIRS, 12), replace=False)
    chosen = [pairs[int(place)] for place in places]
    return pl.DataFrame(
        {
            "": range(len(chosen)),
            "sentence_1": [first for first, _, _ in chosen],
            "sentence_2": [second for _, second, _ in chosen],
            "category": [category for _, _, category in chosen],
            "subset_name": ["RadGraph" if place % 3 else "swaps" for place in range(len(chosen))],
        }
    )
