"""PadChest, the label file of 1 February 2019: one gzipped CSV of 36 columns, the first without a name.

160,861 rows of 109,931 studies of 67,625 patients; 103 rows without labels and 17 without a report; one image in folder
50 and 4,297 in folder 54; 193 distinct labels, `normal`, `exclude`, `suboptimal study` and `unchanged` among them.
(Section 6 of the sources.)

Our choice: the other 189 labels, each a qualifier and a noun; one study in three is normal, of the others the number of
labels is geometric with mean 3; one list of 30 has an item with a leading space, one of 100 an empty one; one id in 50 is a
hash; the images of a study share labels and report, as they nearly always do.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import polars as pl

from cxrspec.runtime.synth.shared.dealing import deal, ensure
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.ids import digits, hashes
from cxrspec.runtime.synth.shared.texts import Texts
from cxrspec.runtime.synth.shared.world import World

QUALIFIERS = ("", "chronic ", "calcified ", "bilateral ", "basal ", "apical ", "diffuse ", "focal ", "old ")
NOUNS = (
    "pleural effusion",
    "infiltrate",
    "nodule",
    "atelectasis",
    "pleural thickening",
    "consolidation",
    "scar",
    "rib fracture",
    "hilar enlargement",
    "bronchiectasis",
    "granuloma",
    "interstitial pattern",
    "air trapping",
    "mass",
    "cavitation",
    "volume loss",
    "bulla",
    "pneumothorax",
    "kerley's lines",  # printed between double quotes
    "sclerotic lesion",
    "azygos lobe",
)
LABELS = (
    *("normal", "unchanged", "exclude", "suboptimal study"),
    *(f"{qualifier}{noun}" for qualifier in QUALIFIERS for noun in NOUNS),
)

PLANTED: tuple[list[str], ...] = (
    ["pleural effusion", " nodule", ""],
    [""],
    [],
    ["mass", " mass", "chronic scar"],
    ["kerley's lines", "unchanged"],
    [f"{qualifier}{noun}" for qualifier in QUALIFIERS for noun in NOUNS[:2]],  # more than 16
    ["normal", "suboptimal study"],
    ["exclude"],
)
"""Lists of labels that are always there, a study each."""

SPLIT_IN_ITSELF = len(PLANTED)
"""The study of which a second image says something else."""

VIEWS = {
    "POSTEROANTERIOR": ("PA", 0.40),
    "LATERAL": ("L", 0.25),
    "ANTEROPOSTERIOR": ("AP", 0.10),
    "PA": ("PA", 0.05),
    "LL": ("L", 0.05),
    "AP": ("AP_horizontal", 0.04),
    None: ("PA", 0.03),
    "OBLICUA": ("COSTAL", 0.03),
    "RL": ("L", 0.02),
    "LLD": ("EXCLUDE", 0.02),
    "GENERICA": ("AP", 0.01),
}
"""`ViewPosition_DICOM`: its `Projection`, and how often it comes."""

PLACES = ("loc right", "loc left", "loc bilateral", "loc basal", "loc hilar", "loc apical", "loc costophrenic angle")

TEXTS = Texts(
    {
        "report": "<size>. <lung>.[ <pleura>.][ <end>.]",
        "size": "(silu cardi|silu cardiomediastin|mediastin) (normal|dentr limit normal|aument tamañ|no valorabl)",
        "lung": "(sin|no se observ) (consolid|nodul|infiltr) (pulmon|parenquimat)\n"
        "(pequeñ|discret) (infiltr|opac|engros) en (bas|vertic|lobul superior) (derech|izquierd|bilateral)",
        "pleura": "(sen costofren|esp pleural) (libr|ocup|obliter)[ bilateral]\nno hay derram",
        "end": "sin cambi (respect al|desd el) (estudi anterior|año anterior)\n(correl|valor) clinic\nestudi limit",
    }
)

IMAGES, STUDIES, PATIENTS = 160_861, 109_931, 67_625
WITHOUT_LABELS, WITHOUT_REPORT = 103, 17
IN_FOLDER_50, IN_FOLDER_54 = 1, 4_297

COLUMNS = (
    *("", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth", "PatientSex_DICOM"),
    *("ViewPosition_DICOM", "Projection", "MethodProjection", "Pediatric", "Modality_DICOM", "Manufacturer_DICOM"),
    *("PhotometricInterpretation_DICOM", "PixelRepresentation_DICOM", "PixelAspectRatio_DICOM"),
    *("SpatialResolution_DICOM", "BitsStored_DICOM", "WindowCenter_DICOM", "WindowWidth_DICOM", "Rows_DICOM"),
    *("Columns_DICOM", "XRayTubeCurrent_DICOM", "Exposure_DICOM", "ExposureInuAs_DICOM", "ExposureTime"),
    *("RelativeXRayExposure_DICOM", "ReportID", "Report", "MethodLabel", "Labels", "Localizations"),
    *("LabelsLocalizationsBySentence", "labelCUIS", "LocalizationsCUIS"),
)


def make(folder: Folder, world: World) -> None:
    """Write `PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz`."""
    draws = world.draws("padchest")
    studies = _studies(draws, world.count(STUDIES, 110), world.count(PATIENTS, 68))
    sizes = deal(draws, world.count(IMAGES, 160), studies.height)
    ensure(sizes, SPLIT_IN_ITSELF, 2)
    of = np.repeat(np.arange(studies.height), sizes)
    second = np.flatnonzero(of == SPLIT_IN_ITSELF)[1]
    rows = pl.DataFrame({"study": of, **_images(draws, world, len(of))})
    rows = rows.join(studies, on="study", maintain_order="left")
    others = np.flatnonzero(of > SPLIT_IN_ITSELF)
    unlabelled = draws.choice(others, world.count(WITHOUT_LABELS, 2), replace=False)
    unreported = draws.choice(others, world.count(WITHOUT_REPORT), replace=False)
    place = pl.int_range(pl.len())
    rows = rows.with_columns(
        pl.when(place == second).then(pl.lit("['unchanged']"))
        .when(~place.is_in(unlabelled)).then("Labels").alias("Labels"),
        pl.when(~place.is_in(unreported)).then("Report").alias("Report"),
    )  # fmt: skip
    rows = rows[draws.permutation(len(of))].with_row_index("").select(COLUMNS)
    folder.csv("PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz", rows, header=",".join(COLUMNS))


def _images(draws: np.random.Generator, world: World, count: int) -> dict[str, object]:
    """Columns that differ between the images of a study."""
    folders = draws.integers(50, size=count)
    last = draws.permutation(count)[: IN_FOLDER_50 + world.count(IN_FOLDER_54)]
    folders[last[:IN_FOLDER_50]], folders[last[IN_FOLDER_50:]] = 50, 54
    chances = np.array([chance for _, chance in VIEWS.values()])
    view = draws.choice(len(VIEWS), count, p=chances)
    view[: len(VIEWS)] = np.arange(len(VIEWS))  # each is there, however few images
    names, projections = list(VIEWS), [projection for projection, _ in VIEWS.values()]
    suffix = draws.integers(200, size=(count, 3))
    rows, columns = draws.integers(1000, 2200, (2, count)) * 2
    known = draws.random(count) < 0.7
    return {
        "ImageID": [
            f"{number}_{a % 4:02}-{b:03}-{c:03}.png"
            for number, (a, b, c) in zip(_ids(draws, count, 38), suffix.tolist(), strict=True)
        ],
        "ImageDir": folders,
        "ViewPosition_DICOM": [names[int(at)] for at in view],
        "Projection": [projections[int(at)] for at in view],
        "MethodProjection": np.where(draws.random(count) < 0.1, "Manual review of DICOM fields", "DICOM fields"),
        "Modality_DICOM": np.where(draws.random(count) < 0.8, "CR", "DX"),
        "Manufacturer_DICOM": np.where(draws.random(count) < 0.6, "ImagingDynamicsCompanyLtd", "PhilipsMedicalSystems"),
        "PhotometricInterpretation_DICOM": np.where(draws.random(count) < 0.2, "MONOCHROME1", "MONOCHROME2"),
        "PixelRepresentation_DICOM": np.zeros(count, np.int64),
        "PixelAspectRatio_DICOM": pl.Series([None] * count, dtype=pl.String),
        "SpatialResolution_DICOM": draws.integers(14, 20, count) / 100,
        "BitsStored_DICOM": np.where(draws.random(count) < 0.5, 12, 15),
        "WindowCenter_DICOM": draws.integers(500, 2500, count).astype(float),
        "WindowWidth_DICOM": draws.integers(1000, 5000, count).astype(float),
        "Rows_DICOM": rows,
        "Columns_DICOM": columns,
        "XRayTubeCurrent_DICOM": _maybe(draws.integers(100, 400, count), known),
        "Exposure_DICOM": _maybe(draws.integers(1, 20, count), known),
        "ExposureInuAs_DICOM": _maybe(draws.integers(1000, 20_000, count), known),
        "ExposureTime": _maybe(draws.integers(5, 50, count), known),
        "RelativeXRayExposure_DICOM": _maybe(draws.integers(100, 900, count), ~known),
    }


def _studies(draws: np.random.Generator, count: int, patients: int) -> pl.DataFrame:
    """A row a study, with the columns that its images share; `study` is its place."""
    of = np.repeat(np.arange(patients), deal(draws, count, patients))
    people = _ids(draws, patients, 39)
    born, date = draws.integers(1920, 1990, patients), _dates(draws, count)
    sex = draws.choice(np.array(["M", "F", "O"]), patients, p=(0.49, 0.5, 0.01))
    labels = _labels(draws, count)
    places = [PLACES[int(at)] for at in draws.integers(len(PLACES), size=count)]
    cuis = {label: f"C{9_000_000 + at}" for at, label in enumerate(LABELS)}
    return pl.DataFrame(
        {
            "study": np.arange(count),
            "StudyID": _ids(draws, count, 39),
            "PatientID": [people[int(at)] for at in of],
            "StudyDate_DICOM": date,
            "PatientBirth": born[of].astype(float),
            "PatientSex_DICOM": sex[of],
            "Pediatric": np.where(draws.random(patients) < 0.02, "PED", "No")[of],
            "ReportID": draws.permutation(count) + 4_000_000,
            "Report": TEXTS.draw("report", draws, count),
            "MethodLabel": np.where(draws.random(count) < 0.25, "Physician", "RNN_model"),
            "Labels": [str(said) for said in labels],
            "Localizations": [str([place] if said else []) for said, place in zip(labels, places, strict=True)],
            "LabelsLocalizationsBySentence": [
                str([[label, place] for label in said]) for said, place in zip(labels, places, strict=True)
            ],
            "labelCUIS": [_numpy([cuis[label.strip()] for label in said if label.strip()]) for said in labels],
            "LocalizationsCUIS": [_numpy([f"C{8_000_000 + PLACES.index(place)}"]) for place in places],
        }
    )


def _labels(draws: np.random.Generator, count: int) -> list[list[str]]:
    """The labels of each study: the planted lists, then drawn ones; the k-th label but `normal` has a weight of 1 / (k + 5)."""
    free = count - len(PLANTED)
    others = LABELS[1:]
    weights = 1 / np.arange(5, len(others) + 5)
    numbers = draws.geometric(1 / 3, free)
    numbers[draws.random(free) < 1 / 3] = 0
    said = iter([others[int(at)] for at in draws.choice(len(others), int(numbers.sum()), p=weights / weights.sum())])
    spaced, empty = draws.random(free) < 1 / 30, draws.random(free) < 1 / 100
    lists = [list(labels) for labels in PLANTED]
    for number, space, blank in zip(numbers.tolist(), spaced, empty, strict=True):
        labels = list(dict.fromkeys(islice(said, number))) or ["normal"]
        if space:
            labels[-1] = f" {labels[-1]}"
        lists.append([*labels, ""] if blank else labels)
    return lists


def _ids(draws: np.random.Generator, count: int, length: int) -> list[str]:
    """Long numbers, and one hash of 50."""
    numbers = digits(draws, count, length)
    numbers[::50] = hashes(draws, len(numbers[::50]), 40)
    return numbers


def _dates(draws: np.random.Generator, count: int) -> list[int]:
    return [int(str(day).replace("-", "")) for day in np.datetime64("2009-01-01") + draws.integers(3000, size=count)]


def _maybe(values: np.ndarray, known: np.ndarray) -> pl.Series:
    return pl.Series([value if there else None for value, there in zip(values.tolist(), known, strict=True)])


def _numpy(items: list[str]) -> str:
    """A list as numpy prints an array of text: quoted, separated by spaces, six a line."""
    lines = (" ".join(map(repr, items[start : start + 6])) for start in range(0, len(items), 6))
    inner = "\n ".join(lines)
    return f"[{inner}]"
