"""The made-up MIMIC family, read with the standard library: sizes, marginals, links, and the quirks of the real files."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from cxrspec.runtime.synth import synth

FAMILY = ["mimic_cxr"]
SMALL = 0.0005
LABELS = [
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
]
CHANGE = [
    "new",
    "change",
    "unchanged",
    "prior",
    "stable",
    "interval",
    "previous",
    "again",
    "increased",
    "improve",
    "remain",
    "worse",
    "persistent",
    "remov",
    "decrease",
    "similar",
    "earlier",
    "recurrence",
    "redemonstrate",
]
PRIOR = ["prior", "previous", "remov", "earlier", "recurrence", "redemonstrate"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "root"
    synth(made, SMALL, 1, FAMILY)
    return made


@cache
def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(io.StringIO(text)))


def mimic(root: Path, name: str) -> list[dict[str, str]]:
    return table(root / "mimic_cxr" / f"mimic-cxr-2.0.0-{name}.csv.gz")


@cache
def reports(root: Path) -> dict[str, str]:
    """The text of every report by study."""
    with zipfile.ZipFile(root / "mimic_cxr" / "mimic-cxr-reports.zip") as archive:
        return {Path(name).stem[1:]: archive.read(name).decode() for name in archive.namelist()}


def sections(report: str) -> dict[str, str]:
    """The last section of each name, squeezed; what stands before the first heading has the name ''."""
    pieces = re.split(r"(?m)^ *([A-Z][A-Z ()/,-]*):", report)
    return {
        "": "",
        **{name: " ".join(text.split()) for name, text in zip(["", *pieces[1::2]], pieces[::2], strict=True)},
    }


def says(text: str, words: list[str]) -> bool:
    return any(word in text.lower() for word in words)


# ---- mimic_cxr


def test_ids_have_their_forms_and_agree(root: Path) -> None:
    images = mimic(root, "metadata")
    assert list(images[0])[:5] == [
        "dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition",
    ]  # fmt: skip
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}", row["dicom_id"]) for row in images)
    assert all(re.fullmatch(r"1\d{7}", row["subject_id"]) for row in images)
    assert all(re.fullmatch(r"5\d{7}", row["study_id"]) for row in images)
    assert len({row["dicom_id"] for row in images}) == len(images)
    names = ("dicom_id", "study_id", "subject_id")
    assert [[row[n] for n in names] for row in images] == [[row[n] for n in names] for row in mimic(root, "split")]
    owners = {row["study_id"]: row["subject_id"] for row in images}
    assert all(owners[row["study_id"]] == row["subject_id"] for row in images)
    assert reports(root).keys() == owners.keys()
    for label in ("chexpert", "negbio"):
        rows = mimic(root, label)
        assert list(rows[0]) == ["subject_id", "study_id", *LABELS]
        assert all(owners[row["study_id"]] == row["subject_id"] for row in rows)
        assert len({row["study_id"] for row in rows}) == len(rows) < len(owners)
    with zipfile.ZipFile(root / "mimic_cxr" / "mimic-cxr-reports.zip") as archive:
        paths = [f"files/p{owner[:2]}/p{owner}/s{study}.txt" for study, owner in owners.items()]
        assert sorted(archive.namelist()) == sorted(paths)
        assert sorted(row["path"] for row in table(root / "mimic_cxr" / "cxr-study-list.csv.gz")) == sorted(paths)
    records = table(root / "mimic_cxr" / "cxr-record-list.csv.gz")
    assert [row["path"] for row in records] == [
        f"files/p{row['subject_id'][:2]}/p{row['subject_id']}/s{row['study_id']}/{row['dicom_id']}.dcm"
        for row in images
    ]


def test_a_patient_stands_on_one_side(root: Path) -> None:
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for row in mimic(root, "split"):
        sides[row["subject_id"]].add(row["split"])
    assert {split for found in sides.values() for split in found} == {"train", "validate", "test"}
    assert all(len(found) == 1 for found in sides.values())


def test_views_times_and_numbers_of_images(root: Path) -> None:
    images = mimic(root, "metadata")
    views = Counter(row["ViewPosition"] for row in images)
    rare = ["AP AXIAL", "AP LLD", "AP RLD", "PA RLD", "PA LLD", "LAO", "RAO", "LPO", "XTABLE LATERAL", "SWIMMERS"]
    assert views.keys() == {"", "AP", "PA", "LATERAL", "LL", *rare}
    assert {1, 3} <= {*Counter(row["study_id"] for row in images).values()}
    assert "25959.875" in {row["StudyTime"] for row in images}
    assert {len(row["StudyTime"].split(".")[0]) for row in images} >= {5, 6}
    assert all(0 <= float(row["StudyTime"]) < 240_000 for row in images)
    assert all(float(row["StudyTime"]) // 100 % 100 < 60 and float(row["StudyTime"]) % 100 < 60 for row in images)
    assert all(re.fullmatch(r"2[12]\d\d(0[1-9]|1[012])(0[1-9]|[12]\d|3[01])", row["StudyDate"]) for row in images)
    dates = {row["study_id"]: (row["subject_id"], row["StudyDate"]) for row in images}
    assert max(Counter(dates.values()).values()) > 1  # two studies of one subject on one date
    assert max(Counter(subject for subject, _ in dates.values()).values()) >= 7
    assert len({(row["Rows"], row["Columns"]) for row in images}) > 1


def test_labels_have_four_states(root: Path) -> None:
    rows = mimic(root, "chexpert")
    assert {row[label] for row in rows for label in LABELS} == {"", "1.0", "0.0", "-1.0"}
    positive = {row["study_id"]: {label for label in LABELS if row[label] == "1.0"} for row in rows}
    assert any("No Finding" in labels for labels in positive.values())
    assert any(not labels for labels in positive.values())
    assert all(len(labels) == 1 for labels in positive.values() if "No Finding" in labels)
    assert any(a != b for a, b in zip(rows, mimic(root, "negbio"), strict=True))


def test_reports_have_their_quirks(root: Path) -> None:
    found = {study: sections(text) for study, text in reports(root).items()}
    assert sum("FINDINGS" not in report for report in found.values()) > 0
    assert sum("FINDINGS" in report and "IMPRESSION" not in report for report in found.values()) > 0
    assert any(report.keys() == {""} for report in found.values())  # no headings at all
    impressions = [report["IMPRESSION"] for report in found.values() if "IMPRESSION" in report]
    assert any("___" in text for text in impressions)
    assert any("a.m." in text or "p.m." in text for text in impressions)
    assert any("___" not in text for text in impressions)
    assert any(text.count("IMPRESSION:") == 2 and "WET READ:" in text for text in reports(root).values())
    for name in ("EXAMINATION", "INDICATION", "HISTORY", "TECHNIQUE", "COMPARISON"):
        assert any(name in report for report in found.values())
        assert any(name not in report for report in found.values())
    for text in reports(root).values():
        assert re.search(r"(?m)^ {33}FINAL REPORT$", text)
        assert max(map(len, text.splitlines())) <= 76
        assert text.isascii()
    assert any(re.search(r"(?m)^ FINDINGS:  \S.*\n \S", text) for text in reports(root).values())  # wrapped


def test_each_split_speaks_of_change_and_of_none(root: Path) -> None:
    splits = {row["study_id"]: row["split"] for row in mimic(root, "split")}
    times = {
        row["study_id"]: (row["subject_id"], int(row["StudyDate"]), float(row["StudyTime"]))
        for row in mimic(root, "metadata")
    }
    first = {min(times[s] for s in times if times[s][0] == times[study][0]) for study in times}
    for split in ("train", "validate", "test"):
        for name in ("FINDINGS", "IMPRESSION"):
            texts = {
                study: sections(text).get(name, "") for study, text in reports(root).items() if splits[study] == split
            }
            assert any(text and not says(text, CHANGE) for text in texts.values())
            assert any(says(text, CHANGE) and times[study] not in first for study, text in texts.items())
        # Findings of which nothing is left without the sentences on an earlier study, and others of which much is.
        findings = [
            sections(text).get("FINDINGS", "") for study, text in reports(root).items() if splits[study] == split
        ]
        told = [[says(sentence, PRIOR) for sentence in text.split(". ")] for text in findings if text]
        assert any(all(prior) for prior in told)
        assert any(not any(prior) for prior in told)


# ---- all of them


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    for name, seed in (("again", 1), ("other", 2)):
        synth(tmp_path / name, SMALL, seed, FAMILY)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert {file.parts[0] for file in files} == {*FAMILY}
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (root / file).read_bytes()
        assert (tmp_path / "other" / file).read_bytes() != (root / file).read_bytes()
