"""Made-up files of the open and the registration sources: sizes, marginals, links and quirks, read by the standard library."""

from __future__ import annotations

import csv
import json
import re
import struct
import tarfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
import pytest

from cxrspec.runtime.synth import synth

DEMO = 0.0005
SOURCES = ("chestxray14", "openi", "rsna")


@pytest.fixture(scope="module", params=[(DEMO, 1), (DEMO, 2), (0.02, 3)], ids=str)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources at the demo's scale with two seeds, and at a larger one."""
    made = tmp_path_factory.mktemp("data")
    scale, seed = request.param
    synth(made, scale, seed, SOURCES)
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources at their published sizes."""
    made = tmp_path_factory.mktemp("whole")
    synth(made, 1, 1, SOURCES)
    return made


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


# ---- chestxray14


def entries(root: Path) -> list[dict[str, str]]:
    return table(root / "chestxray14/Data_Entry_2017_v2020.csv")


def official(root: Path) -> dict[str, str]:
    """The official part of each image."""
    parts = ("train_val", "test")
    return {image: part for part in parts for image in lines(root / f"chestxray14/{part}_list.txt")}


def pictures(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((root / "chestxray14").glob("images_0*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member)
                assert file is not None
                yield member.name, file.read()


def test_chestxray14_tables_have_the_headers_of_the_real_ones(root: Path) -> None:
    first = lines(root / "chestxray14/Data_Entry_2017_v2020.csv")[0]
    assert first == (
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
    )
    boxes = lines(root / "chestxray14/BBox_List_2017.csv")
    assert boxes[0] == "Image Index,Finding Label,Bbox [x,y,w,h],,,"
    rows = list(csv.reader(boxes[1:]))
    assert all(len(row) == 9 and row[6:] == [""] * 3 for row in rows)
    assert "Infiltrate" in {row[1] for row in rows}
    assert "Infiltration" not in {row[1] for row in rows}
    shown = {row["Image Index"]: row["Finding Labels"].split("|") for row in entries(root)}
    for image, finding, *numbers in (row[:6] for row in rows):
        assert finding.replace("Infiltrate", "Infiltration") in shown[image]
        x, y, w, h = map(float, numbers)
        assert min(x, y) >= 0
        assert max(x + w, y + h) <= 1024
    assert len({(row[0], row[1]) for row in rows}) == len(rows) > len({row[0] for row in rows})


def test_chestxray14_names_hold_the_patient_but_not_the_visit(root: Path) -> None:
    rows = entries(root)
    assert len({row["Image Index"] for row in rows}) == len(rows)
    same = 0
    numbers = defaultdict[str, set[int]](set)
    for row in rows:
        found = re.fullmatch(r"(\d{8})_(\d{3})\.png", row["Image Index"])
        assert found is not None
        assert row["Patient ID"] == str(int(found[1]))  # the padding is lost
        same += row["Follow-up #"] == str(int(found[2]))
        numbers[row["Patient ID"]].add(int(found[2]))
        assert 0 <= int(row["Patient Age"]) <= 95
    gaps = sum(max(found) >= len(found) for found in numbers.values())
    assert gaps
    assert abs(same / len(rows) - 0.785) < 0.005
    for column in ("Patient Gender", "Patient ID"):
        of_patient = {(row["Image Index"][:8], row[column]) for row in rows}
        assert len(of_patient) == len(numbers)


def test_chestxray14_lists_part_the_images_by_patient(root: Path) -> None:
    parts = official(root)
    assert parts.keys() == {row["Image Index"] for row in entries(root)}
    assert len(parts) == len(lines(root / "chestxray14/train_val_list.txt")) + len(
        lines(root / "chestxray14/test_list.txt")
    )
    assert len({(image[:8], part) for image, part in parts.items()}) == len({image[:8] for image in parts})


def test_chestxray14_findings_stand_once_and_in_order(root: Path) -> None:
    found = [row["Finding Labels"].split("|") for row in entries(root)]
    assert all(names == sorted(set(names)) for names in found)
    assert all(names == ["No Finding"] or "No Finding" not in names for names in found)
    assert max(map(len, found)) > 2
    assert len({name for names in found for name in names}) == 15
    assert "Pleural_Thickening" in {name for names in found for name in names}


def test_chestxray14_archives_hold_a_small_valid_picture_of_each_image(root: Path) -> None:
    found = dict(pictures(root))
    assert sorted(found) == sorted(f"images/{row['Image Index']}" for row in entries(root))
    assert len(list((root / "chestxray14").glob("images_0*.tar.gz"))) >= 2
    for data in set(found.values()):
        assert len(data) < 80
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        place, kinds = 8, list[bytes]()
        while place < len(data):
            length, kind = struct.unpack(">I4s", data[place : place + 8])
            content = data[place + 8 : place + 8 + length]
            assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + content)
            kinds.append(kind)
            place += 12 + length
        assert kinds == [b"IHDR", b"IDAT", b"IEND"]
        assert struct.unpack(">II", data[16:24]) == (1, 1)


@pytest.mark.slow
def test_chestxray14_has_the_published_counts(whole: Path) -> None:
    rows = entries(whole)
    assert len(rows) == 112_120
    assert len({row["Patient ID"] for row in rows}) == 30_805
    assert Counter(row["Patient Gender"] for row in rows) == {"M": 63_340, "F": 48_780}
    assert Counter(row["View Position"] for row in rows) == {"PA": 67_310, "AP": 44_810}
    assert Counter(name for row in rows for name in row["Finding Labels"].split("|")) == {
        "No Finding": 60_361, "Atelectasis": 11_559, "Cardiomegaly": 2_776, "Consolidation": 4_667, "Edema": 2_303,
        "Effusion": 13_317, "Emphysema": 2_516, "Fibrosis": 1_686, "Hernia": 227, "Infiltration": 19_894, "Mass": 5_782,
        "Nodule": 6_331, "Pleural_Thickening": 3_385, "Pneumonia": 1_431, "Pneumothorax": 5_302,
    }  # fmt: skip
    assert Counter(official(whole).values()) == {"train_val": 86_524, "test": 25_596}
    boxes = lines(whole / "chestxray14/BBox_List_2017.csv")[1:]
    assert (len(boxes), len({row.split(",")[0] for row in boxes})) == (984, 880)
    assert [path.name for path in sorted((whole / "chestxray14").glob("images_*"))] == [
        f"images_{place:03d}.tar.gz" for place in range(1, 13)
    ]
    assert sum(1 for _ in pictures(whole)) == 112_120


# ---- openi


@dataclass(frozen=True)
class Report:
    number: int
    findings: str
    impression: str
    images: list[str]
    text: str


def reports(root: Path) -> list[Report]:
    with tarfile.open(root / "openi/NLMCXR_reports.tgz") as archive:
        return [_report(archive, member) for member in archive]


def _report(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Report:
    found = re.fullmatch(r"ecgen-radiology/(\d+)\.xml", member.name)
    file = archive.extractfile(member)
    assert found is not None
    assert file is not None
    text = file.read().decode()
    document = ElementTree.fromstring(text)
    sections = {e.get("Label"): e.text or "" for e in document.iter("AbstractText")}
    assert list(sections) == ["COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION"]
    assert document.find(f"uId[@id='CXR{found[1]}']") is not None
    images = [str(e.get("id")) for e in document.findall("parentImage")]
    return Report(int(found[1]), sections["FINDINGS"], sections["IMPRESSION"], images, text)


def test_openi_has_the_quirks_of_the_real_collection(root: Path) -> None:
    found = reports(root)
    numbers = {report.number for report in found}
    assert len(numbers) == len(found)
    assert set(range(1, max(numbers))) - numbers
    assert {(bool(r.findings), bool(r.impression)) for r in found} == {
        (a, b) for a in (True, False) for b in (True, False)
    }
    assert {len(r.images) for r in found} == set(range(6))
    assert {bool(r.images) for r in found if r.findings and r.impression} == {True, False}
    assert {"XXXX" in r.text for r in found} == {True, False}
    assert any("XXXX" in r.findings + r.impression for r in found)
    assert any("&amp;" in r.text for r in found)
    assert {re.sub(r"\d+", "0", image) for r in found for image in r.images} == {"CXR0_0_IM-0-0", "CXR0_IM-0-0"}
    names = [image for r in found for image in r.images]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_openi_has_the_published_counts(whole: Path) -> None:
    found = reports(whole)
    assert (len(found), min(r.number for r in found), max(r.number for r in found)) == (3_955, 1, 3_999)
    assert Counter(len(r.images) for r in found) == {0: 104, 1: 446, 2: 3_208, 3: 181, 4: 15, 5: 1}
    assert sum(not r.findings for r in found) == 530
    assert sum(not r.impression for r in found) == 34
    assert sum(not r.findings and not r.impression for r in found) == 28
    assert sum("XXXX" in r.text for r in found) == 3_411
    with_findings = [r for r in found if r.findings and r.images]
    assert (len(with_findings), sum(len(r.images) for r in with_findings)) == (3_337, 6_473)
    with_impression = [r for r in found if r.impression and r.images]
    assert (len(with_impression), sum(len(r.images) for r in with_impression)) == (3_820, 7_418)
    assert sum(bool(r.findings and r.impression) for r in found) == 3_419


# ---- rsna


def boxes(root: Path) -> list[dict[str, str]]:
    return table(root / "rsna/stage_2_train_labels.csv")


def nih_of(root: Path) -> dict[str, str]:
    """RSNA's id -> NIH's file name."""
    rows = json.loads((root / "rsna/pneumonia-challenge-dataset-mappings_2018.json").read_text("utf-8"))
    assert all(row.keys() == {"subset_img_id", "img_id"} for row in rows)
    return {row["subset_img_id"]: row["img_id"] for row in rows}


def gloria(ids: list[str]) -> dict[str, str]:
    """The recipe of section 7: 30 % held out with seed 0, and half of that with seed 0: first the test part, then val."""
    ids = sorted(ids)
    held = -(-len(ids) * 3 // 10)
    first: list[int] = np.random.RandomState(0).permutation(len(ids))[:held].tolist()
    second: list[int] = np.random.RandomState(0).permutation(held).tolist()
    half = -(-held // 2)
    parts = dict.fromkeys(ids, "train")
    parts |= {ids[first[place]]: "val" for place in second[:half]}
    return parts | {ids[first[place]]: "test" for place in second[half:]}


def test_rsna_has_one_row_a_box_and_blank_ones(root: Path) -> None:
    rows = boxes(root)
    assert list(rows[0]) == ["patientId", "x", "y", "width", "height", "Target"]
    count = Counter(row["patientId"] for row in rows)
    assert set(count.values()) == {1, 2, 3, 4}
    assert all(UUID(patient).version == 4 for patient in count)
    corners = list[tuple[float, float, float, float]]()
    for row in rows:
        cells = [row[name] for name in ("x", "y", "width", "height")]
        if row["Target"] == "0":
            assert cells == [""] * 4
            assert count[row["patientId"]] == 1
        else:
            x, y, w, h = map(float, cells)
            corners.append((x, y, x + w, y + h))
    assert min(min(corner) for corner in corners) == 0
    assert max(max(corner) for corner in corners) == 1024


def test_rsna_classes_stand_beside_the_boxes(root: Path) -> None:
    rows = table(root / "rsna/stage_2_detailed_class_info.csv")
    assert [row["patientId"] for row in rows] == [row["patientId"] for row in boxes(root)]
    assert {row["class"] for row in rows} == {"Normal", "No Lung Opacity / Not Normal", "Lung Opacity"}
    for row, box in zip(rows, boxes(root), strict=True):
        assert (row["class"] == "Lung Opacity") == (box["Target"] == "1")


def test_rsna_images_are_nihs_and_a_patient_stands_on_two_sides(root: Path) -> None:
    link = nih_of(root)
    assert link.keys() == {row["patientId"] for row in boxes(root)}
    assert len(set(link.values())) == len(link)
    parts = official(root)
    assert set(link.values()) <= parts.keys()
    mine = gloria(list(link))
    assert any(part == "train" and parts[link[patient]] == "test" for patient, part in mine.items())
    assert any(part == "test" and parts[link[patient]] == "train_val" for patient, part in mine.items())


@pytest.mark.slow
def test_rsna_has_the_published_counts(whole: Path) -> None:
    rows = boxes(whole)
    count = Counter(row["patientId"] for row in rows)
    target = {row["patientId"]: row["Target"] for row in rows}
    assert len(rows) == 30_227
    assert Counter(target.values()) == {"0": 20_672, "1": 6_012}
    assert sum(row["x"] != "" for row in rows) == 9_555
    assert Counter(count.values()) == {1: 23_286, 2: 3_266, 3: 119, 4: 13}
    view = {row["Image Index"]: row["View Position"] for row in entries(whole)}
    assert Counter(view[image] for image in nih_of(whole).values()) == {"PA": 14_511, "AP": 12_173}
    assert Counter(gloria(list(count)).values()) == {"train": 18_678, "val": 4_003, "test": 4_003}


# ---- all


def test_the_same_seed_makes_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        synth(tmp_path / name, DEMO, seed, SOURCES)
    first = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*.*")}
    for name in ("two", "other"):
        again = {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        assert (first == again) == (name == "two")


def test_a_source_is_the_same_whether_it_is_made_alone_or_with_others(tmp_path: Path) -> None:
    scale, seed = (DEMO, 2)
    synth(tmp_path / "all", scale, seed, SOURCES)
    for source in SOURCES:
        synth(tmp_path / source, scale, seed, [source])
        for path in (tmp_path / source).rglob("*.*"):
            assert path.read_bytes() == (tmp_path / "all" / path.relative_to(tmp_path / source)).read_bytes()
