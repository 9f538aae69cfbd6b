"""ReXVal 1.0.0: candidate impressions and how many errors six raters find in them (sources.md, section 23).

The order of the ratings' middle columns is unverified; texts and numbers of errors are choices. Texts of the first row
are broken into lines.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic_reports
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

REPORTS = 50  # section 23, like what follows
METRICS = ("radgraph", "bertscore", "s_emb", "bleu")
CATEGORIES = 6
RATERS = 6

_USUAL = np.array([0.62, 0.25, 0.1, 0.03])
"""How often a rater finds 0, 1, 2 or 3 errors."""


def make(folder: Folder, world: World) -> None:
    """Write reports and ratings; the latter name a report by its row in the former, from 0."""
    draws = world.draws("rexval")
    said = mimic_reports.cast(world).reports.filter(pl.col("impression").is_not_null())
    texts = said["impression"]
    count = world.count(REPORTS, 6)
    chosen = said[draws.choice(len(said), count, replace=False)]
    others = {metric: texts[draws.choice(len(texts), count)] for metric in METRICS}
    frame = chosen.select("study_id", pl.col("impression").alias("gt_report"), **others)
    broken = pl.col("gt_report", *METRICS).str.replace(" ", "\n ")
    folder.csv("50_samples_gt_and_candidates.csv", pl.concat([frame[:1].with_columns(broken), frame[1:]]))
    folder.csv("6_valid_raters_per_rater_error_categories.csv", _ratings(draws, count))


def _ratings(draws: np.random.Generator, count: int) -> pl.DataFrame:
    """A row for each report, candidate, category, rater, and whether the errors are significant.

    The first candidate has a tie between 1 and 2 significant errors of the first category, the second has no errors.
    """
    rows = list(product(range(count), METRICS, range(1, CATEGORIES + 1), range(RATERS), ("True", "False")))
    columns = ("study_number", "candidate_type", "error_category", "rater_index", "clinically_significant")
    frame = pl.DataFrame(dict(zip(columns, zip(*rows, strict=True), strict=True)))
    first = (pl.col("study_number") == 0) & (pl.col("candidate_type") == METRICS[0]) & (pl.col("error_category") == 1)
    second = (pl.col("study_number") == 0) & (pl.col("candidate_type") == METRICS[1])
    return frame.with_columns(
        num_errors=pl.when(first)
        .then(1 + pl.col("rater_index") % 2)
        .when(second)
        .then(0)
        .otherwise(pl.Series(draws.choice(len(_USUAL), size=len(rows), p=_USUAL)))
    )
