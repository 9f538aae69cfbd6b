"""Made-up files of the open and the registration sources: sizes, marginals, links and quirks, read by the standard library."""

from __future__ import annotations

import csv
import json
import re
import struct
import tarfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
import pytest

from cxrspec.runtime.project import load
from cxrspec.runtime.request import Request
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.synth import synth

from .oracle.reports import CHANGE, PRIOR

DEMO = 0.0005
SOURCES = ("chestxray14", "chexpert", "chexpert_plus", "covidx", "openi", "rad_restruct", "rsna", "siim")


@pytest.fixture(scope="module", params=[(DEMO, 1), (DEMO, 2), pytest.param((0.02, 3), marks=pytest.mark.slow)], ids=str)
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


# ---- chexpert and chexpert_plus

FOURTEEN = (
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,"
    "Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
LABELS = FOURTEEN.split(",")
PLUS = (
    "path_to_image,path_to_dcm,frontal_lateral,ap_pa,deid_patient_id,patient_report_date_order,report,section_narrative,"
    "section_clinical_history,section_history,section_comparison,section_technique,section_procedure_comments,"
    "section_findings,section_impression,section_end_of_impression,section_summary,section_accession_number,age,sex,race,"
    "ethnicity,interpreter_needed,insurance_type,recent_bmi,deceased,split"
)
CHANGING = re.compile("|".join(CHANGE))
OF_EARLIER = re.compile("|".join(PRIOR))


def labelled(root: Path) -> dict[str, list[dict[str, str]]]:
    """Rows by part; paths begin with the part."""
    found = {part: table(root / f"chexpert/CheXpert-v1.0-small/{part}.csv") for part in ("train", "valid")}
    for rows in found.values():
        assert list(rows[0]) == ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *LABELS]
        for row in rows:
            prefix, row["Path"] = row["Path"].split("/", 1)
            assert prefix == "CheXpert-v1.0-small"
    found["test"] = table(root / "chexpert/CheXpert/test_labels.csv")
    assert list(found["test"][0]) == ["Path", *LABELS]
    return found


def told(root: Path) -> list[dict[str, str]]:
    rows = table(root / "chexpert_plus/df_chexpert_plus_240401.csv")
    assert ",".join(rows[0]) == PLUS
    return rows


def study(path: str) -> tuple[str, int]:
    """Patient and study number of a path."""
    found = re.fullmatch(r"(train|valid|test)/(patient\d{5})/study(\d+)/view[1-3]_(frontal|lateral)\.jpg", path)
    assert found is not None
    return found[2], int(found[3])


def studies(paths: Iterable[str]) -> dict[str, set[int]]:
    """Patient -> study numbers."""
    found = defaultdict[str, set[int]](set)
    for patient, number in map(study, paths):
        found[patient].add(number)
    return found


def test_chexpert_labels_are_those_of_the_study_and_have_four_states_in_train(root: Path) -> None:
    found = labelled(root)
    for part, rows in found.items():
        assert len({row["Path"] for row in rows}) == len(rows)
        labels = {study(row["Path"]): tuple(row[name] for name in LABELS) for row in rows}
        assert {(study(row["Path"]), tuple(row[name] for name in LABELS)) for row in rows} == set(labels.items())
        states = {value for values in labels.values() for value in values}
        assert states == {"train": {"1.0", "0.0", "-1.0", ""}, "valid": {"1.0", "0.0"}, "test": {"1", "0"}}[part]
        present = [any(value.startswith("1") for value in values) for values in labels.values()]
        assert set(present) == {True, False}
    for name in LABELS[1:]:
        assert {"1.0", "-1.0", ""} <= {row[name] for row in found["train"]}


def test_chexpert_views_are_blank_on_laterals_only(root: Path) -> None:
    found = labelled(root)
    for row in (*found["train"], *found["valid"]):
        assert row["Frontal/Lateral"].lower() == row["Path"].rsplit("_", 1)[1][:-4]
        assert (row["AP/PA"] == "") == (row["Frontal/Lateral"] == "Lateral")
    assert {row["AP/PA"] for row in found["train"]} == {"AP", "PA", "LL", "RL", ""}
    assert {"AP", ""} <= {row["AP/PA"] for row in found["valid"]} <= {"AP", "PA", ""}
    assert {row["Path"].rsplit("_", 1)[1] for row in found["test"]} == {"frontal.jpg", "lateral.jpg"}
    assert Counter(row["Sex"] for row in found["train"])["Unknown"] == 1
    assert "0" in {row["Age"] for row in found["train"]}


def test_chexpert_patients_stand_in_one_part_and_have_studies_of_two_digits(root: Path) -> None:
    parts = {part: studies(row["Path"] for row in rows) for part, rows in labelled(root).items()}
    everyone = [patient for found in parts.values() for patient in found]
    assert len(set(everyone)) == len(everyone)
    assert min(parts["valid"]) == "patient64541"
    assert min(parts["test"]) == "patient64741"
    assert any({9, 10, 11} <= numbers for numbers in parts["train"].values())
    assert all(numbers == set(range(1, len(numbers) + 1)) for numbers in parts["train"].values())
    assert (root / "chexpert/CheXpert/test_labels.csv").read_bytes().count(b"\r\n") == len(labelled(root)["test"]) + 1
    assert b"\r" not in (root / "chexpert/CheXpert-v1.0-small/train.csv").read_bytes()


def test_chexpert_plus_has_the_images_of_chexpert_but_for_some(root: Path) -> None:
    rows = told(root)
    found = labelled(root)
    known = {row["Path"]: row for part in ("train", "valid") for row in found[part]}
    mine = {row["path_to_image"] for row in rows}
    assert len(mine) == len(rows)
    assert mine < known.keys()
    for row in rows:
        there = known[row["path_to_image"]]
        assert (row["frontal_lateral"], row["ap_pa"], row["sex"]) == (
            there["Frontal/Lateral"],
            there["AP/PA"],
            there["Sex"],
        )
        assert row["deid_patient_id"] == study(row["path_to_image"])[0]
        assert row["path_to_image"].startswith(f"{row['split']}/")
        assert row["path_to_dcm"] == row["path_to_image"].replace(".jpg", ".dcm")
    kept, before = studies(mine), studies(known)
    assert before.keys() - kept.keys()  # patients without reports
    gaps = [patient for patient, numbers in kept.items() if before[patient] - numbers]
    assert gaps
    assert all(
        max(kept[patient]) == max(before[patient]) for patient in gaps
    )  # the predecessor of some study is missing
    thinned = {study(path) for path in known.keys() - mine} & {study(path) for path in mine}
    assert thinned


def test_chexpert_plus_texts_are_those_of_the_study(root: Path) -> None:
    of_study = (
        "report",
        "patient_report_date_order",
        *(name for name in PLUS.split(",") if name.startswith("section_")),
    )
    found = {study(row["path_to_image"]): tuple(row[name] for name in of_study) for row in told(root)}
    rows = {(study(row["path_to_image"]), tuple(row[name] for name in of_study)) for row in told(root)}
    assert rows == set(found.items())
    orders = defaultdict[str, list[tuple[int, int]]](list)
    for (patient, number), (_, order, *_) in found.items():
        orders[patient].append((number, int(order)))
    assert all(sorted(order for _, order in pairs) == list(range(1, len(pairs) + 1)) for pairs in orders.values())
    several = [sorted(pairs) for pairs in orders.values() if len(pairs) > 2]
    assert {[order for _, order in pairs] == sorted(order for _, order in pairs) for pairs in several} == {True, False}
    accessions = {row["section_accession_number"]: study(row["path_to_image"]) for row in told(root)}
    assert len(accessions) < len(found) / 2
    for row in told(root):
        assert row["section_findings"] in row["report"]
        assert row["section_impression"] in row["report"]


def test_chexpert_plus_sections_lack_and_speak_of_change_or_not(root: Path) -> None:
    rows = told(root)
    for name in ("findings", "impression", "clinical_history", "history"):
        assert {row[f"section_{name}"] == "" for row in rows} == {True, False}
    assert not any(row["section_history"] and row["section_clinical_history"] for row in rows)
    assert any("\n" in row["section_findings"].strip() for row in rows)
    assert any(row["section_findings"] and not row["section_findings"].strip() for row in rows)
    assert {bool(row["section_clinical_history"]) for row in rows if row["section_findings"].strip()} == {True, False}
    for name in ("findings", "impression"):
        texts = [" ".join(row[f"section_{name}"].lower().split()) for row in rows if row[f"section_{name}"].strip()]
        assert {bool(CHANGING.search(text)) for text in texts} == {True, False}
        prior = [{bool(OF_EARLIER.search(sentence)) for sentence in text.split(". ")} for text in texts]
        assert {True, False} in prior
        assert {False} in prior
        assert {True} in prior  # nothing is left without the earlier study


@pytest.mark.slow
def test_chexpert_has_the_published_counts(whole: Path) -> None:
    found = labelled(whole)
    assert [len(rows) for rows in found.values()] == [223_414, 234, 668]
    people = {part: studies(row["Path"] for row in rows) for part, rows in found.items()}
    assert [len(patients) for patients in people.values()] == [64_540, 200, 500]
    assert [sum(map(len, patients.values())) for patients in people.values()] == [187_641, 200, 500]
    views = Counter(row["AP/PA"] for row in found["train"])
    assert views == {"AP": 161_590, "PA": 29_420, "LL": 16, "RL": 1, "": 32_387}


@pytest.mark.slow
def test_chexpert_plus_has_the_published_counts(whole: Path) -> None:
    rows = told(whole)
    people = studies(row["path_to_image"] for row in rows)
    assert (len(rows), len(people), sum(map(len, people.values()))) == (223_462, 64_725, 187_711)
    assert Counter(row["split"] for row in rows) == {"train": 223_228, "valid": 234}
    assert Counter(row["frontal_lateral"] for row in rows) == {"Frontal": 191_071, "Lateral": 32_391}
    assert Counter(row["ap_pa"] for row in rows) == {"AP": 161_622, "PA": 29_432, "LL": 16, "RL": 1, "": 32_391}
    assert max(int(row["patient_report_date_order"]) for row in rows) == 92
    assert sum(row["section_clinical_history"] != "" for row in rows) == 138_860
    assert sum(row["section_history"] != "" for row in rows) == 38_191
    assert abs(sum(row["section_findings"] != "" for row in rows) / len(rows) - 0.27) < 0.001
    assert abs(sum(row["section_impression"] != "" for row in rows) / len(rows) - 0.999) < 0.0001
    accessions = Counter(row["section_accession_number"] for row in rows if row["section_accession_number"])
    assert accessions.most_common(1)[0][1] == 776


# ---- siim


def components(root: Path) -> list[tuple[str, str]]:
    """The rows (image, run lengths), as they stand between the commas."""
    head, *rows = lines(root / "siim/train-rle.csv")
    assert head == "ImageId, EncodedPixels"
    return [(image, pixels) for image, pixels in (row.split(",") for row in rows)]


def mask(pixels: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The recipe of section 15: a flat vector of 1024 x 1024, filled by relative gaps, made (width, height), transposed."""
    flat = np.zeros(1024 * 1024, dtype=np.bool_)
    numbers = [int(number) for number in pixels.split()]
    end = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        assert gap >= 0
        assert length > 0
        flat[end + gap : end + gap + length] = True
        end += gap + length
    assert end <= len(flat)
    return flat.reshape(1024, 1024).T


def test_siim_rows_are_components_and_those_without_have_a_marker(root: Path) -> None:
    rows = components(root)
    count = Counter(image for image, _ in rows)
    assert {pixels for _, pixels in rows if len(pixels.split()) % 2} == {" -1"}
    assert all(pixels.startswith(" ") for _, pixels in rows)
    assert all(count[image] == 1 for image, pixels in rows if pixels == " -1")
    assert max(count[image] for image, pixels in rows if pixels != " -1") > 2


def test_siim_run_lengths_are_ellipses_when_they_are_read_by_columns(root: Path) -> None:
    found = [mask(pixels) for _, pixels in components(root) if pixels != " -1"][:40]
    touching = 0
    for area in found:
        for lengthwise in (area, area.T):  # no line crosses the shape twice
            edges = np.diff(lengthwise.astype(np.int8), axis=0, prepend=0, append=0)
            assert (edges == 1).sum(axis=0).max() == 1
        down, across = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
        inside = down[0] > 0 and across[0] > 0 and down[-1] < 1023 and across[-1] < 1023
        touching += not inside
        if inside:
            half_axes = (len(down) - 1) / 2 * (len(across) - 1) / 2
            assert abs(area.sum() / (np.pi * half_axes) - 1) < 0.05
    assert 0 < touching < len(found)
    runs = [int(length) for _, pixels in components(root) if pixels != " -1" for length in pixels.split()[1::2]]
    assert max(runs) > 1024  # one goes through several columns


def test_siim_files_stand_two_folders_deep_and_three_have_no_row(root: Path) -> None:
    files = sorted((root / "siim/dicom-images-train").rglob("*.dcm"))
    assert all(len(path.relative_to(root / "siim/dicom-images-train").parts) == 3 for path in files)
    named = {image for image, _ in components(root)}
    assert len({path.stem for path in files}) == len(files) == len(named) + 3
    assert named < {path.stem for path in files}
    data = files[0].read_bytes()
    assert data[128:132] == b"DICM"
    assert b"\x28\0\x10\0US\x02\0\0\x04" in data  # 1024 rows
    assert files[0].stem.encode() in data
    assert all(re.fullmatch(r"[0-9.]{1,64}", part) for path in files for part in (path.stem, *path.parts[-3:-1]))


@pytest.mark.slow
def test_siim_has_the_published_counts(whole: Path) -> None:
    rows = components(whole)
    assert (len(rows), len({image for image, _ in rows})) == (11_582, 10_675)


# ---- covidx


def listed(root: Path, part: str) -> list[list[str]]:
    rows = [line.split(" ") for line in lines(root / f"covidx/{part}.txt")]
    assert all(len(row) == 4 for row in rows)
    return rows


def cut(rows: list[list[str]]) -> set[tuple[str, str]]:
    """Origins and names, cut at the first dot."""
    return {(origin, name.split(".")[0]) for _, name, _, origin in rows}


def test_covidx_lists_have_four_fields_and_names_of_their_own(root: Path) -> None:
    rows = [row for part in ("train", "val", "test") for row in listed(root, part)]
    assert len({name for _, name, _, _ in rows}) == len(rows)
    assert {label for _, _, label, _ in rows} == {"positive", "negative"}
    assert {name.rsplit(".", 1)[1] for _, name, _, _ in rows} == {"jpg", "jpeg", "png", "JPG", "PNG"}
    ids = {patient for patient, _, _, origin in rows if origin == "ricord"}
    assert ids
    assert all(re.fullmatch(r"\d{6}-\d{6}", patient) for patient in ids)
    sides = {
        (origin.replace("rnsa", "rsna"), patient, part)
        for part in ("train", "val", "test")
        for patient, _, _, origin in listed(root, part)
    }
    assert len({side[:2] for side in sides}) == len(sides)


def test_covidx_names_have_inner_dots_and_some_are_the_same_before_the_first(root: Path) -> None:
    for part, same in (("train", True), ("val", True), ("test", False)):
        rows = listed(root, part)
        assert any(name.count(".") > 1 for _, name, _, _ in rows)
        assert (len(cut(rows)) < len(rows)) == same


def test_covidx_takes_images_of_rsna_under_rsnas_ids(root: Path) -> None:
    link = nih_of(root)
    target = {row["patientId"]: row["Target"] for row in boxes(root)}
    for part in ("train", "val", "test"):
        rows = [row for row in listed(root, part) if row[3] in ("rsna", "rnsa")]
        assert {row[3] for row in rows} == {"rsna", "rnsa"}
        assert all(name == f"{patient}.png" and patient in link for patient, name, _, _ in rows)
        assert {(target[patient], label) for patient, _, label, _ in rows} == {("0", "negative")}
    named = {patient for part in ("train", "val", "test") for patient, *_ in listed(root, part)}
    assert link.keys() - named


@pytest.mark.slow
def test_covidx_has_the_published_counts(whole: Path) -> None:
    rows = {part: listed(whole, part) for part in ("train", "val", "test")}
    assert [len(found) for found in rows.values()] == [67_863, 8_473, 8_482]
    assert [len(cut(found)) for found in rows.values()] == [67_546, 8_438, 8_482]
    everyone = {(row[3].replace("rnsa", "rsna"), row[0]) for found in rows.values() for row in found}
    assert len(everyone) == 45_342


# ---- rad_restruct


def frontal(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(
        (root / "rad_restruct/data/radrestruct/id_to_img_mapping_frontal_reports.json").read_text("utf-8")
    )
    return found


@dataclass(frozen=True)
class Question:
    question: str
    answers: list[str]
    history: list[tuple[str, list[str]]]
    answer_type: str
    options: list[str]


def asked(root: Path, part: str) -> dict[int, list[Question]]:
    folder = root / f"rad_restruct/data/radrestruct/{part}_qa_pairs"
    found = dict[int, list[Question]]()
    for path in folder.iterdir():
        items: list[tuple[str, list[str], list[tuple[str, list[str]]], dict[str, Any]]] = json.loads(
            path.read_text("utf-8")
        )
        assert all(list(about) == ["answer_type", "options", "path"] for *_, about in items)
        found[int(path.stem)] = [
            Question(question, answers, history, about["answer_type"], about["options"])
            for question, answers, history, about in items
        ]
    return found


PARTS = ("train", "val", "test")


def test_rad_restruct_questions_can_be_answered_and_remember_those_before(root: Path) -> None:
    everything = [question for part in PARTS for report in asked(root, part).values() for question in report]
    for question in everything:
        assert question.answers
        assert set(question.answers) <= set(question.options)
        assert len(set(question.options)) == len(question.options)
        assert (len(question.options) == 1) == (question.answer_type == "fixed_choice")
        assert len(question.answers) == 1 or question.answer_type == "multi_choice"
    assert {question.answer_type for question in everything} == {"single_choice", "multi_choice", "fixed_choice"}
    assert {len(question.history) for question in everything} == set(range(21))
    assert any(", " in option for question in everything for option in question.options)
    for part in PARTS:
        assert any(len(q.answers) > 1 for report in asked(root, part).values() for q in report)
        assert any(len(q.options) == 1 for report in asked(root, part).values() for q in report)
        for report in asked(root, part).values():
            for before, question in pairwise(report):
                if question.history:  # a chain goes on
                    assert question.history == [*before.history, [before.question, before.answers]]


def test_rad_restruct_asks_about_reports_of_openi_each_in_one_folder(root: Path) -> None:
    known = {report.number: report for report in reports(root)}
    numbers = [number for part in PARTS for number in asked(root, part)]
    assert len(set(numbers)) == len(numbers)
    assert {str(number) for number in numbers} == frontal(root).keys()
    for number, images in frontal(root).items():
        assert images
        assert images == known[int(number)].images[: len(images)]
    assert {len(images) for images in frontal(root).values()} >= {1, 2}
    for part in PARTS:  # so that a report that OpenI's rows test is trained on
        assert any(known[number].findings and known[number].impression for number in asked(root, part))
    assert known.keys() - set(numbers)


@pytest.mark.slow
def test_rad_restruct_has_the_published_counts(whole: Path) -> None:
    found = {part: asked(whole, part) for part in PARTS}
    everything = {part: [q for report in reports.values() for q in report] for part, reports in found.items()}
    assert [len(found[part]) for part in PARTS] == [2_877, 360, 360]
    assert [len(everything[part]) for part in PARTS] == [142_340, 16_874, 17_641]
    assert [sum(len(q.options) == 1 for q in everything[part]) for part in PARTS] == [48, 3, 6]
    assert [sum(len(q.answers) > 1 for q in everything[part]) for part in PARTS] == [938, 104, 104]
    images = frontal(whole)
    assert [sum(len(images[str(number)]) for number in found[part]) for part in PARTS] == [2_972, 374, 374]
    assert Counter(map(len, images.values())) == {1: 3_479, 2: 114, 3: 3, 4: 1}
    known = {report.number: report for report in reports(whole)}
    train = [known[number] for number in found["train"]]
    assert sum(bool(r.findings and r.images) for r in train) == 2_495
    assert sum(bool(r.impression and r.images) for r in train) == 2_853
    assert sum(bool(r.findings and r.impression) for r in train) == 2_490


# ---- all


def test_the_specs_that_ship_have_examples(root: Path, tmp_path: Path) -> None:
    compilation = load(tmp_path / "none")
    mine = {name: spec for name, spec in compilation.specs.items() if name.split("/")[1] in SOURCES}
    result = run(compilation, Request(Settings(root, tmp_path / "out", tmp_path / "none", 1), list(mine.values())))
    made = {spec.name: sum(counts.rows for counts in spec.splits.values()) for spec in result.manifest.specs}
    found = {diagnostic.spec: diagnostic.code for diagnostic in result.diagnostics}
    # A split of RSNA's own puts patients of NIH on two sides, which is found where a spec says it.
    assert set(found.items()) <= {("image_classification/rsna", "CXR813")}
    assert made.keys() == mine.keys() - found.keys()
    assert all(made.values()), made


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_makes_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        synth(tmp_path / name, DEMO, seed, SOURCES)
    first = contents(tmp_path / "one")
    assert first == contents(tmp_path / "two")
    other = contents(tmp_path / "other")
    for source in SOURCES:
        assert any(data != other.get(path) for path, data in first.items() if path.parts[0] == source)


def test_a_source_is_the_same_whether_it_is_made_alone_or_with_others(tmp_path: Path) -> None:
    synth(tmp_path / "all", DEMO, 2, SOURCES)
    for source in SOURCES:
        synth(tmp_path / "alone", DEMO, 2, [source])
    assert contents(tmp_path / "all") == contents(tmp_path / "alone")
