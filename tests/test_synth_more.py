"""Made-up files of PadChest, BRAX, both VinDr collections, Object-CXR and ReXGradient, read with the standard library."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import struct
import zipfile
from ast import literal_eval
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from cxrspec.runtime.synth import synth
from cxrspec.runtime.synth.shared.texts import Texts

from .oracle.reports import CHANGE

SOURCES = ("brax", "object_cxr", "padchest", "rexgradient", "vindr_cxr", "vindr_pcxr")
SCALE = 0.0005


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("synth"), SCALE)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("full"), 1)


def made(root: Path, scale: float, seed: int = 1) -> Path:
    synth(root, scale, seed, SOURCES)
    return root


def rows(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def by(table: list[dict[str, str]], *names: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """The rows of each combination of cells."""
    groups = defaultdict[tuple[str, ...], list[dict[str, str]]](list)
    for row in table:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_scale_and_seed_give_the_same_bytes_and_another_seed_others(root: Path, tmp_path: Path) -> None:
    assert files(made(tmp_path / "again", SCALE)) == files(root)
    other = files(made(tmp_path / "other", SCALE, seed=2))
    assert {name for name, data in files(root).items() if other.get(name) == data} == set()


# ---- DICOM and JPEG, by their standards


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The top-level elements of a DICOM file with their values; a sequence is walked, not searched."""
    assert data[128:132] == b"DICM"
    place, explicit = 132, True
    while place < len(data):
        tag, place, value = element(data, place, explicit or data[place : place + 2] == b"\x02\0")
        if tag == 0x00020010:
            explicit = value.rstrip(b"\0") != b"1.2.840.10008.1.2"
        yield tag, value


def element(data: bytes, place: int, explicit: bool) -> tuple[int, int, bytes]:
    group, number = struct.unpack_from("<HH", data, place)
    tag, place = group << 16 | number, place + 4
    if explicit and group != 0xFFFE and data[place : place + 2] not in (b"OB", b"SQ"):
        (length,) = struct.unpack_from("<H", data, place + 2)
        place += 4
    else:
        place += 4 if explicit and group != 0xFFFE else 0
        (length,) = struct.unpack_from("<I", data, place)
        place += 4
    if length == 0xFFFFFFFF:
        inner = -1
        while inner not in (0xFFFEE0DD, 0xFFFEE00D):
            inner, place, _ = element(data, place, explicit)
        return tag, place, b""
    assert place + length <= len(data)
    assert length % 2 == 0, "a value has an even length"
    return tag, place + length, data[place : place + length]


def shape(path: Path) -> tuple[int, int, str, str]:
    """Width, height, photometric interpretation and transfer syntax of a DICOM file."""
    found = dict(elements(path.read_bytes()))
    (meta,) = struct.unpack("<I", found[0x00020000])
    assert path.read_bytes()[132 + 12 + meta :][:2] == b"\x08\0", "the meta group is as long as it says"
    (height,), (width,) = struct.unpack("<H", found[0x00280010]), struct.unpack("<H", found[0x00280011])
    return width, height, found[0x00280004].decode().rstrip(), found[0x00020010].rstrip(b"\0").decode()


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a baseline JPEG; its parts must follow one another up to the last byte."""
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    place, size = 2, None
    while data[place + 1] != 0xDA:
        marker, length = struct.unpack_from(">HH", data, place)
        if marker == 0xFFC0:
            height, width = struct.unpack_from(">HH", data, place + 5)
            size = width, height
        place += 2 + length
    assert size is not None
    assert b"\xff" not in data[place + 8 : -2], "no marker in the scan"
    return size


# ---- VinDr


def vindr(folder: Path, part: str) -> tuple[list[dict[str, str]], list[dict[str, str]], dict[str, tuple[int, int]]]:
    """Annotations, image labels and sizes of one split."""
    below = folder / "annotations" if (folder / "annotations").is_dir() else folder
    sizes = {path.stem: shape(path)[:2] for path in (folder / part).glob("*.dicom")}
    return rows(below / f"annotations_{part}.csv"), rows(below / f"image_labels_{part}.csv"), sizes


Box: TypeAlias = tuple[float, float, float, float]


def corners(row: dict[str, str]) -> Box:
    return float(row["x_min"]), float(row["y_min"]), float(row["x_max"]), float(row["y_max"])


def iou(a: Box, b: Box) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def merged(boxes: list[Box]) -> int:
    """How many are left when the first box leads and those that overlap it by more than 0.1 join it."""
    left, leaders = sorted(boxes), 0
    while left:
        left, leaders = [box for box in left if iou(left[0], box) <= 0.1], leaders + 1
    return leaders


@pytest.mark.parametrize("source", ["vindr_cxr", "vindr_pcxr"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_vindr_has_an_image_for_each_annotation_and_the_quirks_of_boxes(root: Path, source: str, part: str) -> None:
    annotations, labels, sizes = vindr(root / source, part)
    assert {row["image_id"] for row in annotations} == {row["image_id"] for row in labels} == set(sizes)
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in sizes)
    assert all(width != height for width, height in sizes.values())
    boxes = defaultdict[tuple[str, str], list[Box]](list)
    for row in annotations:
        if row["class_name"] == "No finding":
            assert {row[name] for name in ("x_min", "y_min", "x_max", "y_max")} == {""}
        else:
            boxes[row["image_id"], row["class_name"]].append(corners(row))
    touching = beyond = 0
    for (image, _), drawn in boxes.items():
        width, height = sizes[image]
        for x1, y1, x2, y2 in drawn:
            assert x1 < min(x2, width)
            assert y1 < min(y2, height)
            assert x2 > 0
            assert y2 > 0
            touching += x1 == 0 or y1 == 0 or x2 == width or y2 == height
            beyond += x1 < 0 or y1 < 0 or x2 > width or y2 > height
    assert touching
    assert beyond
    numbers = {key: merged(drawn) for key, drawn in boxes.items()}
    images = Counter[str]()
    for (image, _), number in numbers.items():
        images[image] += number
    assert any(number > 5 for number in images.values())
    assert any(number <= 5 for number in images.values())
    assert any(number > 2 for number in numbers.values())
    chains = 0
    for drawn in boxes.values():
        a, *rest = sorted(drawn)
        chains += any(iou(a, b) > 0.1 and iou(b, c) > 0.1 and iou(a, c) == 0 for b in rest for c in rest)
    assert chains
    overlaps = [iou(a, b) for drawn in boxes.values() for a, b in combinations(drawn, 2)]
    assert any(0.05 < overlap <= 0.1 for overlap in overlaps)
    assert any(0.1 < overlap < 0.15 for overlap in overlaps)
    whose = Counter((image, box) for (image, _), drawn in boxes.items() for box in set(drawn))
    assert max(whose.values()) == 2
    classes = {name for _, name in numbers}
    assert len(classes) == (22 if source == "vindr_cxr" else 36)
    for name in classes:  # a positive with few enough boxes, and an image to draw a negative from
        assert any(number <= 2 for (_, said), number in numbers.items() if said == name)
        assert {image for image in sizes if (image, name) not in numbers}


@pytest.mark.parametrize("source", ["vindr_cxr", "vindr_pcxr"])
def test_vindr_headers_come_in_both_syntaxes_and_both_greys(root: Path, source: str) -> None:
    for part in ("train", "test"):
        found = [shape(path) for path in (root / source / part).glob("*.dicom")]
        assert {grey for *_, grey, _ in found} == {"MONOCHROME1", "MONOCHROME2"}
        assert {syntax for *_, syntax in found} == {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}


def test_vindr_cxr_has_three_readers_in_train_and_a_consensus_in_test(root: Path) -> None:
    annotations, labels, sizes = vindr(root / "vindr_cxr", "train")
    readers = defaultdict[str, set[str]](set)
    for row in annotations:
        readers[row["image_id"]].add(row["rad_id"])
    assert {len(those) for those in readers.values()} == {3}
    assert {reader for those in readers.values() for reader in those} <= {f"R{number}" for number in range(1, 18)}
    assert len(labels) == 3 * len(sizes)
    said = defaultdict[tuple[str, str], set[str]](set)
    for row in annotations:
        said[row["image_id"], row["rad_id"]].add(row["class_name"])
    for row in labels:
        local = list(row)[2:24]
        assert {name for name in (*local, "No finding") if row[name] == "1"} == said[row["image_id"], row["rad_id"]]
        assert set(row.values()) <= {"0", "1", row["image_id"], row["rad_id"]}
    assert list(labels[0])[-2:] == ["Other diseases", "No finding"]
    assert len(labels[0]) == 30
    annotations, labels, sizes = vindr(root / "vindr_cxr", "test")
    assert list(annotations[0]) == ["image_id", "class_name", "x_min", "y_min", "x_max", "y_max"]
    assert list(labels[0])[-2:] == ["Other disease", "No finding"]
    assert len(labels[0]) == 29
    assert len(labels) == len(sizes)


def test_readers_of_one_image_draw_near_the_same_box(root: Path) -> None:
    near = 0
    by_class = defaultdict[tuple[str, str], list[dict[str, str]]](list)
    for row in vindr(root / "vindr_cxr", "train")[0]:
        if row["x_min"]:
            by_class[row["image_id"], row["class_name"]].append(row)
    for drawn in by_class.values():
        pairs = [(a, b) for a in drawn for b in drawn if a["rad_id"] < b["rad_id"]]
        near += any(0.5 < iou(corners(a), corners(b)) < 1 for a, b in pairs)
    assert near > len(by_class) / 3


def test_vindr_pcxr_has_one_reader_an_image_and_its_misspelt_names(root: Path) -> None:
    for part in ("train", "test"):
        annotations, labels, sizes = vindr(root / "vindr_pcxr", part)
        assert len(labels) == len(sizes)
        readers = {row["image_id"]: row["rad_ID"] for row in labels}
        assert all(readers[row["image_id"]] == row["rad_ID"] for row in annotations)
        diseases = list(labels[0])[2:]
        assert len(diseases) == 15
        assert {"Brocho-pneumonia", "Diagphramatic hernia"} <= set(diseases)
        assert "Diffuse aveolar opacity" in {row["class_name"] for row in annotations}
        given = [[name for name in diseases if row[name] == "1"] for row in labels]
        assert all(names == ["No finding"] or (names and "No finding" not in names) for names in given)
        assert {len(names) for names in given} == {1, 2}


# ---- Object-CXR


def test_object_cxr_has_a_picture_for_each_row_and_half_without_objects(root: Path) -> None:
    names = set[str]()
    for part in ("train", "dev"):
        table = rows(root / f"object_cxr/{part}.csv")
        assert list(table[0]) == ["image_name", "annotation"]
        names ^= {row["image_name"] for row in table}
        assert sum(row["annotation"] == "" for row in table) == len(table) // 2
        with zipfile.ZipFile(root / f"object_cxr/{part}.zip") as archive:
            assert archive.testzip() is None
            sizes = {name: jpeg_size(archive.read(name)) for name in archive.namelist()}
        assert list(sizes) == [f"{part}/{row['image_name']}" for row in table]
        kinds = Counter[str]()
        left = beyond = 0
        for row in table:
            width, height = sizes[f"{part}/{row['image_name']}"]
            for text in filter(None, row["annotation"].split(";")):
                kind, *numbers = text.split(" ")
                kinds[kind] += 1
                points = [int(number) for number in numbers]
                xs, ys = points[::2], points[1::2]
                assert len(xs) == len(ys) == 2 if kind in "01" else len(xs) == len(ys) >= 3
                assert max(min(xs), 0) < min(max(xs), width), "something of it is in the image"
                assert max(min(ys), 0) < min(max(ys), height)
                left += min(points) < 0
                beyond += max(xs) > width or max(ys) > height
        assert set(kinds) == {"0", "1", "2"}
        assert left
        assert beyond
    assert len(names) == len(rows(root / "object_cxr/train.csv")) - len(rows(root / "object_cxr/dev.csv")), (
        "they restart"
    )


# ---- PadChest

LABEL_FILE = "padchest/PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"


def findings(cell: str) -> list[str]:
    """What a list literal says, without empty items."""
    items: list[str] = literal_eval(cell)
    return [item.strip() for item in items if item.strip()]


def test_padchest_has_36_columns_the_first_without_a_name(root: Path) -> None:
    table = rows(root / LABEL_FILE)
    names = list(table[0])
    assert len(names) == 36
    assert names[:6] == ["", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID"]
    assert [names.index(name) for name in ("ViewPosition_DICOM", "ExposureTime", "ReportID", "Labels")] == [
        8,
        26,
        28,
        31,
    ]
    assert [row[""] for row in table] == [str(place) for place in range(len(table))]
    assert len({row["ImageID"] for row in table}) == len(table)
    assert len({row["PatientID"] for row in table}) < len({row["StudyID"] for row in table}) < len(table)
    assert all(len({row["PatientID"] for row in images}) == 1 for images in by(table, "StudyID").values())
    for name in ("StudyID", "PatientID"):
        assert max(int(row[name]) for row in table if row[name].isdigit()) > 2**63, "an id overflows 64 bits"
        assert any(re.fullmatch("[0-9a-f]{40}", row[name]) and not row[name].isdigit() for row in table)
    assert any("ñ" in row["Report"] for row in table)
    views = {row["ViewPosition_DICOM"] for row in table}
    assert {
        "POSTEROANTERIOR",
        "LATERAL",
        "ANTEROPOSTERIOR",
        "PA",
        "LL",
        "AP",
        "",
        "OBLICUA",
        "RL",
        "LLD",
        "GENERICA",
    } == views
    assert {"50", "54"} < {row["ImageDir"] for row in table}


def test_padchest_labels_are_list_literals_with_their_quirks(root: Path) -> None:
    table = rows(root / LABEL_FILE)
    said = [row for row in table if row["Labels"]]
    assert 0 < len(said) < len(table)
    items = [item for row in said for item in literal_eval(row["Labels"])]
    assert any(item.startswith(" ") for item in items)
    assert "" in items
    assert any("'" in item for item in items), "printed between double quotes"
    assert {"normal", "exclude", "suboptimal study", "unchanged"} < {item.strip() for item in items}
    numbers = Counter(len(set(findings(row["Labels"]))) for row in said)
    assert {0, 1, 2, 18} < set(numbers)
    assert sum(count for number, count in numbers.items() if 0 < number <= 16) > len(table) / 2
    assert any(len(set(findings(row["Labels"]))) < len(findings(row["Labels"])) for row in said), "one label twice"
    assert any(len({row["Labels"] for row in images}) > 1 for images in by(said, "StudyID").values())
    for row in said:
        for name in ("Localizations", "LabelsLocalizationsBySentence"):
            assert isinstance(literal_eval(row[name]), list)
    wrapped = 0
    for row in table:
        for name in ("labelCUIS", "LocalizationsCUIS"):
            assert re.fullmatch(r"\[(?:'C\d{7}'(?:\n? 'C\d{7}')*)?\]", row[name]), "as numpy prints, without commas"
            wrapped += "\n" in row[name]
    assert wrapped


# ---- BRAX

BRAX_LABELS = [
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Lesion",
    "Lung Opacity",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
]


def test_brax_has_26_columns_and_one_accession_number_of_two_patients(root: Path) -> None:
    table = rows(root / "brax/master_spreadsheet_update.csv")
    assert list(table[0])[8:] == [*BRAX_LABELS, "ViewPosition", "Rows", "Columns", "Manufacturer"]
    assert set(list(table[0])[:8]) == {
        "", "DicomPath", "PngPath", "PatientID", "PatientSex", "PatientAge", "AccessionNumber", "StudyDate",
    }  # fmt: skip
    assert len({row["PngPath"] for row in table}) == len(table)
    assert all(row["PngPath"].startswith(f"images/id_{row['PatientID']}/Study_") for row in table)
    patients = [len(by(images, "PatientID")) for images in by(table, "AccessionNumber").values()]
    assert sorted(patients)[-2:] == [1, 2]
    assert {row["ViewPosition"] for row in table} == {"PA", "AP", "AP LLD", "L", "RL", "RLO", "LT-DECUB", ""}
    assert all(re.fullmatch(r"1970-01-01 00:00:00\.0(20\d\d)(\d\d)(\d\d)", row["StudyDate"]) for row in table)
    assert "85 or more" in {row["PatientAge"] for row in table}


def test_brax_labels_come_in_four_kinds_and_some_studies_have_none(root: Path) -> None:
    table = rows(root / "brax/master_spreadsheet_update.csv")
    for name in BRAX_LABELS[1:]:
        assert {row[name] for row in table} == {"1.0", "0.0", "-1.0", ""}
    assert any({row[name] for name in BRAX_LABELS[1:]} == {"-1.0"} for row in table), "everything uncertain"
    assert any({row[name] for name in BRAX_LABELS} == {""} for row in table)
    positive = ["1.0" in (row[name] for name in BRAX_LABELS) for row in table]
    assert 0 < sum(positive) < len(table)
    assert 0 < sum(row["No Finding"] == "1.0" for row in table) < sum(positive)
    studies = by(table, "PatientID", "AccessionNumber")
    differing = [images for images in studies.values() if len(by(images, *BRAX_LABELS)) > 1]
    assert len(differing) == 1


# ---- ReXGradient


def studies(root: Path, part: str, kind: str = "metadata") -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((root / f"rexgradient/metadata/{part}_{kind}.json").read_bytes())
    return found


@pytest.mark.parametrize("part", ["train", "valid", "test"])
def test_rexgradient_has_one_study_in_three_files(root: Path, part: str) -> None:
    entries, viewed = studies(root, part), studies(root, part, "metadata_view_position")
    table = {row["id"]: row for row in rows(root / f"rexgradient/metadata/{part}_metadata.csv")}
    assert list(entries) == list(viewed) == list(table)
    assert "ImagePath" not in next(iter(table.values()))
    for name, entry in entries.items():
        assert name == f"p{entry['PatientID']}_a{entry['AccessionNumber']}_s{entry['StudyInstanceUid']}"
        assert re.fullmatch(r"0\d\dY", entry["PatientAge"])
        start = (
            f"../deid_png/{entry['PatientID']}/{entry['AccessionNumber']}/studies/{entry['StudyInstanceUid']}/series/"
        )
        assert all(
            re.fullmatch(re.escape(start) + r"[\d.]+/instances/[\d.]+\.png", path) for path in entry["ImagePath"]
        )
        assert {key: value for key, value in viewed[name].items() if key in entry} == entry
        lists = ("ImageViewPosition", "ImageShape", "ImageModality", "ImageBodyPart")
        assert {len(viewed[name][key]) for key in lists} == {len(entry["ImagePath"])}
        for key, cell in table[name].items():
            assert key == "id" or cell == str(entry[key])
    assert {type(entry["StudyDate"]) for entry in entries.values()} == {int, str}
    views = {view for entry in viewed.values() for view in entry["ImageViewPosition"]}
    expected = {"PA", "AP", "LATERAL", "LL", "POSTERO_ANTERIOR", "LAO", "RAO", "UNKNOWN", "N/A", None}
    assert views == expected
    paths = [path for entry in entries.values() for path in entry["ImagePath"]]
    assert len(set(paths)) == len(paths)


def test_rexgradient_splits_share_no_patient(root: Path) -> None:
    patients = [{entry["PatientID"] for entry in studies(root, part).values()} for part in ("train", "valid", "test")]
    assert len(set[str]().union(*patients)) == sum(map(len, patients))


@pytest.mark.parametrize("part", ["train", "valid", "test"])
def test_rexgradient_lacks_texts_and_speaks_of_change_after_an_earlier_study(root: Path, part: str) -> None:
    entries = list(studies(root, part).values())
    for section in ("Findings", "Impression"):
        said = [entry for entry in entries if entry[section] != "None"]
        assert 0 < len(said) < len(entries)
        speaking = [any(stem in entry[section].lower() for stem in CHANGE) for entry in said]
        assert 0 < sum(speaking) < len(said)
        earlier = defaultdict[str, list[int]](list)
        for entry in entries:
            earlier[entry["PatientID"]].append(int(entry["StudyDate"]))
        assert max(map(len, earlier.values())) >= 3
        assert [len(dates) - len(set(dates)) for dates in earlier.values() if len(set(dates)) < len(dates)] == [1]
        assert all(date.fromisoformat(str(day)) for dates in earlier.values() for day in dates)
        followed = [
            entry
            for entry, speaks in zip(said, speaking, strict=True)
            if speaks and entry["ImagePath"] and int(entry["StudyDate"]) > min(earlier[entry["PatientID"]])
        ]
        assert len(followed) >= 2
    without = [entry for entry in entries if not entry["ImagePath"]]
    assert len(without) == (part == "train")
    for entry in without:
        days = earlier[entry["PatientID"]]
        assert min(days) < int(entry["StudyDate"]) < max(days)
    for section in ("Findings", "Impression"):
        assert all(any(stem in entry[section].lower() for stem in CHANGE) for entry in without)
    assert max(len(entry["ImagePath"]) for entry in entries) > 1


# ---- texts


def test_texts_come_as_often_as_their_grammar_says() -> None:
    texts = Texts({"all": "/3/ a<end>\n(b|c)[ d]<end>", "end": "(.|!)"})
    drawn = Counter(texts.draw("all", np.random.default_rng(0), 64_000))
    shares = {f"{text}{end}": share / 2 for text, share in SHARES.items() for end in ".!"}
    assert set(drawn) == set(shares)
    for text, share in shares.items():
        assert abs(drawn[text] / 64_000 - share) < 4 * (share * (1 - share) / 64_000) ** 0.5


SHARES = {"a": 3 / 4, "b": 1 / 16, "b d": 1 / 16, "c": 1 / 16, "c d": 1 / 16}


# ---- published sizes


@pytest.mark.slow
def test_object_cxr_has_its_published_sizes(full: Path) -> None:
    for part, count in (("train", 8_000), ("dev", 1_000)):
        table = rows(full / f"object_cxr/{part}.csv")
        assert len(table) == count
        assert sum(row["annotation"] == "" for row in table) == count // 2


@pytest.mark.slow
def test_vindr_cxr_has_its_published_sizes(full: Path) -> None:
    for part, count, readers in (("train", 15_000, 3), ("test", 3_000, 1)):
        assert len(list((full / "vindr_cxr" / part).glob("*.dicom"))) == count
        assert len(rows(full / f"vindr_cxr/annotations/image_labels_{part}.csv")) == count * readers
    annotations = rows(full / "vindr_cxr/annotations/annotations_train.csv")
    nothing = Counter(row["image_id"] for row in annotations if row["class_name"] == "No finding")
    assert sum(number == 3 for number in nothing.values()) == 10_606


@pytest.mark.slow
def test_vindr_pcxr_has_its_published_sizes_and_disease_counts(full: Path) -> None:
    counts = {
        "train": (5143, 842, 545, 412, 497, 11, 392, 6, 3, 14, 2, 5, 19, 8, 5),
        "test": (907, 174, 84, 77, 90, 2, 89, 0, 0, 1, 0, 1, 3, 1, 0),
    }
    for part, count in (("train", 7_728), ("test", 1_397)):
        table = rows(full / f"vindr_pcxr/image_labels_{part}.csv")
        assert len(table) == len(list((full / "vindr_pcxr" / part).glob("*.dicom"))) == count
        found = [sum(int(row[name]) for row in table) for name in list(table[0])[2:]]
        assert tuple(found) == counts[part]


@pytest.mark.slow
def test_padchest_has_its_published_sizes(full: Path) -> None:
    table = rows(full / LABEL_FILE)
    assert len(table) == len({row["ImageID"] for row in table}) == 160_861
    assert len({row["StudyID"] for row in table}) == 109_931
    assert len({row["PatientID"] for row in table}) == 67_625
    assert sum(row["Labels"] == "" for row in table) == 103
    assert sum(row["Report"] == "" for row in table) == 17
    folders = Counter(row["ImageDir"] for row in table)
    assert (folders["50"], folders["54"], len(folders)) == (1, 4_297, 52)
    said = {row["Labels"] for row in table if row["Labels"]}
    assert len({item for cell in said for item in findings(cell)}) == 193


@pytest.mark.slow
def test_brax_has_its_published_sizes(full: Path) -> None:
    table = rows(full / "brax/master_spreadsheet_update.csv")
    assert len(table) == len({row["PngPath"] for row in table}) == 40_967
    assert len(by(table, "PatientID", "AccessionNumber")) == 24_959
    assert len(by(table, "PatientID")) == 19_351
    assert sum(row["ViewPosition"] in ("PA", "AP", "AP LLD") for row in table) == 19_310


@pytest.mark.slow
def test_rexgradient_has_its_published_sizes(full: Path) -> None:
    sizes = {"train": (140_000, 95_716, 238_968), "valid": (10_000, 6_964, 17_007), "test": (10_000, 6_807, 17_029)}
    patients = set[str]()
    for part, expected in sizes.items():
        entries = studies(full, part).values()
        people = {entry["PatientID"] for entry in entries}
        assert (len(entries), len(people), sum(len(entry["ImagePath"]) for entry in entries)) == expected
        patients |= people
    assert len(patients) == 109_487
