"""MIMIC-CXR-JPG 2.0.0 and the reports of MIMIC-CXR 2.0.0, without pictures (sources.md, sections 4 and 5)."""

from __future__ import annotations

import polars as pl

from cxrspec.runtime.synth.casts import mimic, mimic_reports
from cxrspec.runtime.synth.casts.mimic import LABELS
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World

CODES = {
    "AP": "antero-posterior",
    "PA": "postero-anterior",
    "LATERAL": "lateral",
    "LL": "lateral",
    "LAO": "left anterior oblique",
    "RAO": "Right anterior oblique",
}
"""The words of ViewCodeSequence_CodeMeaning; other views have none."""

REVISED = 0.05
"""How many of a labeler's positive findings the other one is unsure of."""


def make(folder: Folder, world: World) -> None:
    """Write metadata, split, both label files, the lists of records and studies, and the reports."""
    studies, images = mimic.cast(world).studies, mimic.cast(world).images
    folder.csv("mimic-cxr-2.0.0-metadata.csv.gz", _metadata(world))
    split = pl.col("split").replace("val", "validate")
    folder.csv("mimic-cxr-2.0.0-split.csv.gz", images.select("dicom_id", "study_id", "subject_id", split))

    labels = studies.select("subject_id", "study_id").join(
        mimic.cast(world).labels.cast(dict.fromkeys(LABELS, pl.Float64)), on="study_id", maintain_order="left"
    )
    folder.csv("mimic-cxr-2.0.0-chexpert.csv.gz", labels)
    draws = world.draws("mimic_cxr", "negbio")
    unsure = [pl.lit(pl.Series(draws.random(len(labels)) < REVISED)) & (pl.col(label) == 1) for label in LABELS]
    revised = [
        pl.when(where).then(-1.0).otherwise(label).alias(label) for where, label in zip(unsure, LABELS, strict=True)
    ]
    folder.csv("mimic-cxr-2.0.0-negbio.csv.gz", labels.with_columns(revised))

    place = pl.format("files/{}", mimic.PLACE)
    paths = studies.select("subject_id", "study_id", path=place + ".txt")
    folder.csv("cxr-study-list.csv.gz", paths)
    records = images.select("subject_id", "study_id", "dicom_id", path=place + "/" + pl.col("dicom_id") + ".dcm")
    folder.csv("cxr-record-list.csv.gz", records)
    folder.zip("mimic-cxr-reports.zip", zip(paths["path"], mimic_reports.cast(world).reports["report"], strict=True))


def _metadata(world: World) -> pl.DataFrame:
    view = pl.col("view")
    frontal, known = view.is_in(["AP", "PA"]), view.is_not_null()
    procedure = pl.when(view == "AP").then(pl.lit("CHEST (PORTABLE AP)")).when(known).then(pl.lit("CHEST (PA AND LAT)"))
    return mimic.cast(world).images.select(
        "dicom_id",
        "subject_id",
        "study_id",
        procedure.alias("PerformedProcedureStepDescription"),
        view.alias("ViewPosition"),
        pl.col("rows").alias("Rows"),
        pl.col("columns").alias("Columns"),
        pl.col("taken_on").alias("StudyDate"),
        pl.col("taken_at").alias("StudyTime"),
        procedure.alias("ProcedureCodeSequence_CodeMeaning"),
        view.replace_strict(CODES, default=None).alias("ViewCodeSequence_CodeMeaning"),
        pl.when(frontal).then(pl.lit("Erect")).alias("PatientOrientationCodeSequence_CodeMeaning"),
    )
