"""CheXpert Plus: `df_chexpert_plus_240401.csv`, reports by image (section 3 of the catalogue of sources)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.casts import chexpert
from cxrspec.runtime.synth.shared.dealing import Ints, fill
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.texts import REPORTS, Texts
from cxrspec.runtime.synth.shared.world import World

_SECTIONS = (
    "narrative", "clinical_history", "history", "comparison", "technique", "procedure_comments", "findings", "impression",
    "end_of_impression", "summary", "accession_number",
)  # fmt: skip
"""In the order of the columns."""

_ROWS = 223_462
_SHARES = {
    "narrative": 0.3, "clinical_history": 138_860 / _ROWS, "comparison": 0.4, "technique": 0.1, "procedure_comments": 0.3,
    "findings": 0.27, "impression": 0.999, "end_of_impression": 0.2, "summary": 0.3,
}  # fmt: skip
"""Shares of rows that have a section: the history, findings and impression as cited, the others a choice."""

_HISTORY = 38_191
"""Rows with a `history`: all of them without a clinical history (a choice)."""

_ONE_ACCESSION = 776
"""Images under one accession number."""

_TEXTS = Texts(
    REPORTS
    | {
        "narrative": r"(RADIOGRAPHIC|X-RAY) EXAMINATION OF THE CHEST: (ONE|TWO) VIEW\(S\)",
        "clinical_history": r"(34|47|58|71)-year-old (male|female)\nwith <reason>.",
        "history": "History of <reason>.",
        "comparison": "(None available|Chest radiograph of two days before|Portable film of the same day).",
        "procedure_comments": "<technique>.",
        "end_of_impression": "END OF IMPRESSION",
        "summary": "(1|2|4): (Normal|Abnormal, previously reported|Abnormal, not urgent)",
        "base": r"(<heart> <lungs>\n<pleura>|<lungs>\n<heart>)",
        "conclusion": r"1. <verdict>\n\n2. <pleura>",
    }
)

_PLANTED = ("The chest tube was removed.", " \n ")
"""Texts of studies with a clinical history: findings of which nothing is left without earlier studies (and an impression of
the same kind), and findings of nothing at all. The third study has no impression."""

_PEOPLE = {
    "race": ("White, non-Hispanic", "Asian", "Black, non-Hispanic", "Other", "Unknown"),
    "ethnicity": ("Non-Hispanic/Non-Latino", "Hispanic/Latino", "Unknown"),
    "interpreter_needed": ("No", "Yes", "Unknown"),
    "insurance_type": ("Medicare", "Medicaid", "Private Insurance", "Unknown"),
    "deceased": ("No", "Yes"),
}
"""What is known of a patient: each value as likely as another (a choice)."""

_KEYS = ["part", "patient", "study"]


def make(folder: Folder, world: World) -> None:
    """Write 223,462 rows at scale 1, one an image; the texts are those of its study."""
    made = chexpert.cast(world)
    draws = world.draws("chexpert_plus")
    images = made.images.filter("plus")
    studies = images.group_by(_KEYS, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("images"))
    studies = studies.join(made.studies.select(*_KEYS, "sex", "age"), on=_KEYS, maintain_order="left")
    told = pl.concat(
        [studies, _sections(draws, studies["images"].to_numpy()), _people(draws, studies)], how="horizontal"
    )
    report = [pl.format("{}: {}", pl.lit(name.replace("_", " ").upper()), f"section_{name}") for name in _SECTIONS[:-1]]
    table = images.join(told, on=_KEYS, maintain_order="left").select(
        pl.col("path").alias("path_to_image"),
        pl.col("path").str.replace(".jpg", ".dcm", literal=True).alias("path_to_dcm"),
        pl.col("side").alias("frontal_lateral"),
        pl.col("view").alias("ap_pa"),
        pl.format("patient{}", pl.col("patient").cast(pl.String).str.zfill(5)).alias("deid_patient_id"),
        pl.col("order").alias("patient_report_date_order"),
        pl.concat_str(report, separator="\n", ignore_nulls=True).alias("report"),
        *(f"section_{name}" for name in _SECTIONS),
        "age",
        "sex",
        *(name for name in _PEOPLE if name != "deceased"),
        "recent_bmi",
        "deceased",
        pl.col("part").alias("split"),
    )
    folder.csv("df_chexpert_plus_240401.csv", table)


def _sections(draws: np.random.Generator, images: Ints) -> pl.DataFrame:
    """The sections of studies with so many images each, null where a study lacks one.

    Half of all findings and impressions speak of an earlier study (a choice).
    """
    rows = int(images.sum())
    has = {name: fill(draws, images, round(share * rows)) for name, share in _SHARES.items()}
    without = np.flatnonzero(~has["clinical_history"])
    has["history"] = np.zeros(len(images), np.bool_)
    has["history"][without[fill(draws, images[without], round(_HISTORY / _ROWS * rows))]] = True
    has["impression"][2] = False
    drawn = {name: "base" if name == "findings" else "conclusion" if name == "impression" else name for name in has}
    sections = pl.DataFrame(
        {f"section_{n}": _where(has[n], _TEXTS.draw(d, draws, len(images))) for n, d in drawn.items()}
    )

    course = pl.Series(_TEXTS.draw("course", draws, len(images)))
    speaks = [pl.Series(draws.random(len(images)) < 0.5) for _ in range(2)]
    sections = sections.with_columns(
        pl.when(speaks[0]).then(pl.format("{} {}", "section_findings", course)).otherwise("section_findings"),
        pl.when(speaks[1]).then(pl.format("{}\n\n3. {}", "section_impression", course)).otherwise("section_impression"),
        section_accession_number=_accessions(draws, images),
    )
    told = has["clinical_history"]
    removed, blank = np.flatnonzero(has["findings"] & told)[:2]
    bare = np.flatnonzero(has["impression"] & told)[0]
    place = pl.int_range(pl.len())
    return sections.with_columns(
        section_findings=pl.when(place == removed)
        .then(pl.lit(_PLANTED[0]))
        .when(place == blank)
        .then(pl.lit(_PLANTED[1]))
        .otherwise("section_findings"),
        section_impression=pl.when(place == bare).then(pl.lit(_PLANTED[0])).otherwise("section_impression"),
    )


def _where(mask: npt.NDArray[np.bool_], values: Sequence[str] | Sequence[float]) -> pl.Series:
    """The values where the mask is set, else null."""
    return pl.select(pl.when(pl.Series(mask)).then(pl.Series(values))).to_series()


def _accessions(draws: np.random.Generator, images: Ints) -> pl.Series:
    """Accession numbers that say nothing: half of the studies have one, several share one, and many share the same."""
    numbers = draws.integers(1, len(images) // 4 + 2, len(images))
    numbers[fill(draws, images, max(2, round(_ONE_ACCESSION / _ROWS * int(images.sum()))))] = 0
    return _where((numbers == 0) | (draws.random(len(images)) < 0.5), list(map(str, numbers.tolist())))


def _people(draws: np.random.Generator, studies: pl.DataFrame) -> pl.DataFrame:
    """What is told of patients, and the order of their reports: that of the study numbers, for half of them any order.

    (Section 3: whether the order is one of time is disputed.)
    """
    patient = studies.select(pl.col("patient").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    count = int(patient.max()) + 1
    mixed = (draws.random(count) < 0.5)[patient]
    place = np.where(mixed, draws.random(len(studies)), studies["study"].to_numpy())
    order = pl.DataFrame({"patient": patient, "place": place}).select(
        pl.col("place").rank("ordinal").over("patient").cast(pl.Int64).alias("order")
    )
    bmi = _where(draws.random(count) < 0.7, draws.normal(27, 5, count).round(1).tolist())
    return order.with_columns(
        bmi[patient].alias("recent_bmi"),
        *(pl.Series(name, draws.choice(values, count)[patient].tolist()) for name, values in _PEOPLE.items()),
    )
