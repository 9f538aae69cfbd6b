"""MIMIC-NLE as its extraction script writes it: JSON lines under `.json` (sources.md, section 24).

What a line says is a choice, in accord with its labels but not with the study's report. Every fifth sentence is broken,
as lines of a report are.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.texts import Texts
from cxrspec.runtime.synth.shared.world import World

PARTS = {  # lines and studies; the second: at least
    # Section 24: lines 37,016 / 273 / 714, studies of dev 239 and of test 597; those of train as many a line as in test.
    "train": ((37_016, 24), (37_016 * 597 // 714, 20)),
    "dev": ((273, 6), (239, 5)),
    "test": ((714, 6), (597, 5)),
}
SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
"""How many patients are in each part."""

LABELS = (
    "Atelectasis",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Lung Lesion",
    "Lung Opacity",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
)
"""The places of the three label lists."""

SECOND = 0.2
"""How many lines name a second diagnosis."""

_TEXTS = Texts(
    {
        "sign": """
            (Patchy|Hazy|Streaky|Dense) opacities (at the left base|at the right base|in both lungs)
            (Blunting of the|Density at the) (left|right) costophrenic angle
            (Widening|Prominence) of the mediastinal contour
        """,
        "link": "(may represent|could be due to|are most compatible with|raise concern for)",
    }
)


def make(folder: Folder, world: World) -> None:
    """Write the three files. The first line of each has no diagnosis among the ten."""
    cast = mimic.cast(world)
    parts = mimic.own_split(world, "mimic_nle", SHARES)
    studies = cast.studies.join(parts, on="subject_id", maintain_order="left").join(
        cast.labels, on="study_id", maintain_order="left"
    )
    for part, (lines, sources) in PARTS.items():
        draws = world.draws("mimic_nle", part)
        own = studies.filter(part=part)
        wanted = min(world.count(*sources), len(own))
        chosen = own[draws.permutation(len(own))[:wanted]]
        folder.write(f"mimic-nle/mimic-nle-{part}.json", _lines(draws, chosen, world.count(*lines)))


def _lines(draws: np.random.Generator, studies: pl.DataFrame, count: int) -> str:
    """The lines of a part: one for each study, and further ones for some; the first has no diagnosis among the ten."""
    study = np.sort(np.concatenate([np.arange(len(studies)), draws.integers(len(studies), size=count - len(studies))]))
    first, *others = draws.permuted(np.tile(np.arange(len(LABELS)), (count, 1)), axis=1)[:, :3].T
    second, evidence = others
    both, some = draws.random(count) < SECOND, np.arange(count) > 0
    places = np.arange(len(LABELS))
    diagnoses = ((places == first[:, None]) | (places == second[:, None]) & both[:, None]) & some[:, None]

    names = pl.Series([label.lower() for label in LABELS])
    said = (
        pl.DataFrame(
            {
                "sign": _TEXTS.draw("sign", draws, count),
                "link": _TEXTS.draw("link", draws, count),
                "first": names.gather(first),
                "second": names.gather(second),
                "both": both,
                "some": some,
            }
        )
        .select(
            pl.format(
                "{} {} {}.",
                "sign",
                "link",
                pl.when(~pl.col("some"))
                .then(pl.lit("low lung volumes"))
                .when("both")
                .then(pl.format("{} or {}", "first", "second"))
                .otherwise("first"),
            )
        )
        .to_series()
    )

    mentions = studies[study].select(LABELS).fill_null(0).to_numpy()
    lines = studies[study].select(
        sentence_ID=pl.format(
            "s{}#{}", "study_id", 2 * pl.int_range(pl.len()).over("study_id") + pl.Series(draws.integers(2, size=count))
        ),
        nle=pl.when(pl.int_range(pl.len()) % 5 == 1).then(said.str.replace(" ", "\n ")).otherwise(said),
        patient_ID=pl.format("p{}", "subject_id"),
        report_ID=pl.format("s{}", "study_id"),
        diagnosis_label=pl.Series(diagnoses.astype(np.int64)),
        evidence_label=pl.Series((places == evidence[:, None]).astype(np.int64)),
        img_labels=pl.Series(np.eye(3, dtype=np.int64)[np.where(mentions == 1, 2, -mentions)]),
    )
    return lines.write_ndjson()
