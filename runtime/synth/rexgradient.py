"""ReXGradient-160K: for each split, studies as JSON, the same with view positions, and as CSV without images.

140,000, 10,000 and 10,000 studies of 95,716, 6,964 and 6,807 patients with 238,968, 17,007 and 17,029 images.
(Section 18 of the sources.)

Our choice: one study in three speaks of a change; one text in 1,000 is missing, written None; one date in 20 is a number and
the others text; one study of train has no image. The first patient of each split has three studies, the second four, of
which the texts speak of a change; the first two of these four are of one day.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.shared.dealing import deal
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.ids import digits
from cxrspec.runtime.synth.shared.texts import REPORTS, Texts
from cxrspec.runtime.synth.shared.world import World

SIZES = {
    "train": (140_000, 95_716, 238_968),
    "valid": (10_000, 6_964, 17_007),
    "test": (10_000, 6_807, 17_029),
}
"""Studies, patients and images of each split."""

VIEWS = {
    "PA": 0.3,
    "LATERAL": 0.3,
    "AP": 0.17,
    "LL": 0.1,
    "POSTERO_ANTERIOR": 0.05,
    "LAO": 0.01,
    "RAO": 0.01,
    "UNKNOWN": 0.02,
    "N/A": 0.02,
    None: 0.02,
}

TEXTS = Texts(
    {
        **REPORTS,
        "indication": "/9/ <reason>\n/1/ None",
        "comparison": "/3/ None\nRadiographs of the chest (last year|last month).",
        "findings": "/2/ <heart> <lungs>[ <pleura>][ <bones>]\n<heart> <lungs> <course>",
        "impression": "/2/ <verdict>\n<course>",
    }
)

PARALLEL = ("ImageViewPosition", "ImageShape", "ImageModality", "ImageBodyPart")
"""Lists beside the paths, an item an image."""

VISITS = (3, 4)
"""Studies of the first two patients of each split. The first study of the second one has no findings, the next no impression."""

WITHOUT_IMAGES = 5
"""The study of train that has no images, though there is one before and one after it; the next one has them."""


def make(folder: Folder, world: World) -> None:
    """Write `metadata/{train,valid,test}_metadata.json`, `..._metadata.csv` and `..._metadata_view_position.json`."""
    for part, published in SIZES.items():
        draws = world.draws("rexgradient", part)
        count, patients, images = (world.count(*sizes) for sizes in zip(published, (40, 24, 60), strict=True))
        studies = _studies(draws, count, patients)
        sizes = deal(draws, images, count)
        if part == "train":
            sizes[WITHOUT_IMAGES + 1] += sizes[WITHOUT_IMAGES]
            sizes[WITHOUT_IMAGES] = 0
        of = np.repeat(np.arange(count), sizes)
        rows = studies.join(_images(draws, studies, of), on="study", how="left", maintain_order="left").with_columns(
            pl.col("ImagePath", *PARALLEL).fill_null([])
        )
        rows = rows.drop("study")[draws.permutation(count)]
        folder.csv(f"metadata/{part}_metadata.csv", rows.drop("ImagePath", *PARALLEL))
        folder.write(f"metadata/{part}_metadata.json", _json(rows.drop(PARALLEL)))
        folder.write(f"metadata/{part}_metadata_view_position.json", _json(rows))


def _studies(draws: np.random.Generator, count: int, patients: int) -> pl.DataFrame:
    """A row a study: `study` (its place), `id`, who and when, and the sections of the report."""
    sizes = np.concatenate([VISITS, deal(draws, count - sum(VISITS), patients - len(VISITS))])
    of = np.repeat(np.arange(patients), sizes)
    visit = pl.DataFrame({"patient": of}).select(pl.int_range(pl.len()).over("patient")).to_series().to_numpy()
    days = np.datetime64("2012-01-01") + draws.integers(1500, size=patients)[of] + 100 * visit
    days = days + draws.integers(100, size=count)
    days[VISITS[0] + 1] = days[VISITS[0]]
    texts = {
        name: TEXTS.draw(name.lower(), draws, count) for name in ("Indication", "Comparison", "Findings", "Impression")
    }
    for place, name in enumerate(("Findings", "Impression"), VISITS[0]):
        texts[name][: sum(VISITS)] = TEXTS.draw("course", draws, sum(VISITS))
        others = np.flatnonzero(draws.random(count) < 0.001)
        for missing in (place, *others[others >= sum(VISITS)]):
            texts[name][missing] = "None"
    return pl.DataFrame(
        {
            "study": np.arange(count),
            "PatientID": pl.Series(digits(draws, patients, 16))[of],
            "AccessionNumber": digits(draws, count, 16),
            "StudyInstanceUid": [f"2.25.{number}" for number in digits(draws, count, 38)],
            "PatientSex": draws.choice(np.array(["M", "F"]), patients)[of],
            "PatientAge": pl.Series([f"{age:03}Y" for age in draws.integers(1, 90, patients)])[of],
            "StudyDate": [str(day).replace("-", "") for day in days],
            **texts,
        }
    ).select(
        "study",
        pl.format("p{}_a{}_s{}", "PatientID", "AccessionNumber", "StudyInstanceUid").alias("id"),
        pl.exclude("study"),
    )


def _images(draws: np.random.Generator, studies: pl.DataFrame, of: npt.NDArray[np.int64]) -> pl.DataFrame:
    """A row a study that has images: `study` and parallel lists, an item an image."""
    count = len(of)
    series, instance = (pl.Series(digits(draws, count, 38)) for _ in range(2))
    view = draws.choice(len(VIEWS), count, p=list(VIEWS.values()))
    view[: len(VIEWS)] = np.arange(len(VIEWS))  # each is there, however few images
    height, width = draws.integers(300, 900, (2, count))
    images = pl.DataFrame({"study": of}).join(studies, on="study", maintain_order="left")
    return (
        images.select(
            "study",
            pl.format(
                "../deid_png/{}/{}/studies/{}/series/2.25.{}/instances/2.25.{}.png",
                "PatientID",
                "AccessionNumber",
                "StudyInstanceUid",
                series,
                instance,
            ).alias("ImagePath"),
            pl.Series("ImageViewPosition", [list(VIEWS)[int(at)] for at in view]),
            pl.concat_list(pl.Series(height), pl.Series(width)).alias("ImageShape"),
            pl.Series("ImageModality", draws.choice(np.array(["CR", "DX"]), count)),
            pl.lit("CHEST").alias("ImageBodyPart"),
        )
        .group_by("study", maintain_order=True)
        .all()
    )


def _json(rows: pl.DataFrame) -> str:
    """A mapping from `id` to the other columns; one date in 20 is a number."""
    entry, number = pl.exclude("id"), pl.col("StudyDate").cast(pl.Int64)
    cells = pl.when(pl.int_range(pl.len()) % 20 == 0).then(
        pl.struct(entry).struct.with_fields(number).struct.json_encode()
    ).otherwise(pl.struct(entry).struct.json_encode())  # fmt: skip
    lines = rows.select(pl.format('"{}": {}', "id", cells).str.join(",\n")).item()
    return f"{{{lines}}}"
