"""The made-up MIMIC family, read with the standard library: sizes, marginals, links, and the quirks of the real files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pytest

from cxrspec.runtime.synth import synth

from .oracle.reports import CHANGE, PRIOR

SMALL = 0.0005
FAMILY = [
    "cxr_lt",
    "mimic_cxr",
    "mimic_cxr_vqa",
    "mimic_diff_vqa",
    "mimic_nle",
    "ms_cxr",
    "ms_cxr_t",
    "radgraph",
    "radnli",
    "radqa",
    "rexval",
]
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


SIZES = ("image_width", "image_height")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "root"
    synth(made, SMALL, 1, FAMILY)
    return made


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


def says(text: str, words: Sequence[str]) -> bool:
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
    for name in ("EXAMINATION", "INDICATION", "HISTORY", "REASON FOR EXAM", "TECHNIQUE", "COMPARISON", "CONCLUSION"):
        assert any(name in report for report in found.values())
        assert any(name not in report for report in found.values())
    for text in reports(root).values():
        assert re.search(r"(?m)^ {33}FINAL REPORT$", text)
        assert max(map(len, text.splitlines())) <= 76
        assert text.isascii()
    assert any(re.search(r"(?m)^ FINDINGS:  \S.*\n \S", text) for text in reports(root).values())  # wrapped


def test_each_split_speaks_of_change_and_of_none(root: Path) -> None:
    splits = {row["study_id"]: row["split"] for row in mimic(root, "split")}
    first = {studies[0] for studies in visits(root).values()}
    for name in ("FINDINGS", "IMPRESSION"):
        told = {study: text for study, report in reports(root).items() if (text := sections(report).get(name))}
        for split in ("train", "validate", "test"):
            texts = {study: text for study, text in told.items() if splits[study] == split}
            assert any(not says(text, CHANGE) for text in texts.values())
            assert any(says(text, CHANGE) for study, text in texts.items() if study not in first)
            # Of some texts nothing is left without the sentences on an earlier study, of others all is.
            prior = [{says(sentence, PRIOR) for sentence in text.split(". ")} for text in texts.values()]
            assert {True} in prior
            assert {False} in prior
        assert any(says(text, CHANGE) for study, text in told.items() if study in first)


# ---- what the others say of its patients, studies and images


@dataclass(frozen=True, slots=True)
class Image:
    """What the metadata and the split say of an image."""

    study: str
    subject: str
    split: str
    view: str
    width: int
    height: int

    @property
    def folder(self) -> str:
        return f"p{self.subject[:2]}/p{self.subject}/s{self.study}"


@cache
def images(root: Path) -> dict[str, Image]:
    splits = {row["dicom_id"]: row["split"] for row in mimic(root, "split")}
    return {
        row["dicom_id"]: Image(
            row["study_id"],
            row["subject_id"],
            splits[row["dicom_id"]],
            row["ViewPosition"],
            int(row["Columns"]),
            int(row["Rows"]),
        )
        for row in mimic(root, "metadata")
    }


@cache
def visits(root: Path) -> dict[str, list[str]]:
    """The studies of every subject in order of time."""
    times: dict[str, set[tuple[int, float, str]]] = defaultdict(set)
    for row in mimic(root, "metadata"):
        times[row["subject_id"]].add((int(row["StudyDate"]), float(row["StudyTime"]), row["study_id"]))
    return {subject: [study for _, _, study in sorted(found)] for subject, found in times.items()}


@cache
def owners(root: Path) -> dict[str, str]:
    return {image.study: image.subject for image in images(root).values()}


@cache
def sides(root: Path) -> dict[str, str]:
    """The split of every subject."""
    return {image.subject: image.split for image in images(root).values()}


def conflicts(root: Path, parts: Mapping[str, set[str]]) -> None:
    """A split of one's own (part -> subjects) has subjects of MIMIC's train in its test, and the other way round."""
    assert len(parts) == 3
    train, _, test = parts.values()
    assert all(not a & b for a, b in combinations(parts.values(), 2))
    assert any(sides(root)[subject] == "train" for subject in test)
    assert any(sides(root)[subject] == "test" for subject in train)


def test_cxr_lt_has_every_image_and_a_split_of_its_own(root: Path) -> None:
    parts = {part: table(root / f"cxr_lt/cxr-lt-2023/{part}.csv") for part in ("train", "development", "test")}
    rows = [row for found in parts.values() for row in found]
    assert Counter(row["dicom_id"] for row in rows) == Counter(images(root).keys())
    conflicts(root, {part: {row["subject_id"] for row in found} for part, found in parts.items()})
    known = [row for row in rows if row["study_id"]]
    assert 0 < len(known) < len(rows)
    assert all(row["study_id"] == f"{images(root)[row['dicom_id']].study}.0" for row in known)
    for row in rows:
        image = images(root)[row["dicom_id"]]
        assert (row["fpath"], row["ViewPosition"]) == (f"files/{image.folder}/{row['dicom_id']}.jpg", image.view)
    names = list(rows[0])[6:]
    assert len(names) == 26
    assert names == sorted(names)
    assert {*names} > {*LABELS}
    labels = {(row["study_id"], *(row[name] for name in names)) for row in known}
    assert len(labels) == len({study for study, *_ in labels})  # of the study, repeated on its images
    assert {cell for _, *cells in labels for cell in cells} == {"0", "1"}
    new = [name for name in names if name not in LABELS]
    told = {row["study_id"]: any(row[name] == "1" for name in new) for row in parts["train"]}
    assert {*told.values()} == {True, False}


def test_ms_cxr_has_boxes_of_its_images(root: Path) -> None:
    rows = table(root / "ms_cxr/MS_CXR_Local_Alignment_v1.0.0.csv")
    assert list(rows[0]) == [
        "category_name", "label_text", "path", "dicom_id", "x", "y", "w", "h", "image_width", "image_height",
    ]  # fmt: skip
    boxes: list[tuple[int, ...]] = []
    for row in rows:
        image = images(root)[row["dicom_id"]]
        assert row["path"] == f"files/{image.folder}/{row['dicom_id']}.jpg"
        assert image.view in ("AP", "PA")
        x, y, w, h, width, height = (int(row[name]) for name in list(row)[4:])
        assert (width, height) == (image.width, image.height)
        assert x >= 0 < w
        assert y >= 0 < h
        assert x < width
        assert y < height
        boxes.append((x, y, x + w - width, y + h - height))
    assert any(min(box[:2]) == 0 for box in boxes)
    assert any(max(box[2:]) == 0 for box in boxes)
    assert any(max(box[2:]) > 0 for box in boxes)
    triples = Counter((row["dicom_id"], row["category_name"], row["label_text"]) for row in rows)
    assert max(triples.values()) > 1  # several boxes
    assert len(triples) - len({(dicom, phrase) for dicom, _, phrase in triples}) == 2  # two categories
    assert max(Counter(dicom for dicom, _ in {(t[0], t[2]) for t in triples}).values()) > 1  # two phrases
    literal = Counter(
        (images(root)[dicom].split, phrase in " ".join(reports(root)[images(root)[dicom].study].split()))
        for dicom, phrase in {(dicom, phrase) for dicom, _, phrase in triples}
    )
    assert all(literal[split, quoted] > 0 for split in ("train", "validate", "test") for quoted in (True, False))
    places: set[str] = set()
    for dicom, _, phrase in triples:
        found = sections(reports(root)[images(root)[dicom].study])
        places.add(next((name for name, text in found.items() if phrase in text), "none"))
    assert places >= {"FINDINGS", "IMPRESSION", "", "none"}
    halves = [200 * int(row[side]) / int(row[size]) for row in rows for side, size in zip("xy", SIZES, strict=True)]
    assert any(half % 2 == 1 for half in halves)  # halfway between two hundredths


def test_ms_cxr_says_the_same_as_coco(root: Path) -> None:
    rows = table(root / "ms_cxr/MS_CXR_Local_Alignment_v1.0.0.csv")
    coco = json.loads((root / "ms_cxr/MS_CXR_Local_Alignment_v1.0.0.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    found = {image["id"]: image for image in coco["images"]}
    assert len(names) == 8
    assert len(found) == len(coco["images"]) == len({row["dicom_id"] for row in rows})
    assert [list(row.values()) for row in rows] == [
        [
            names[box["category_id"]],
            box["label_text"],
            found[box["image_id"]]["path"],
            found[box["image_id"]]["file_name"].removesuffix(".jpg"),
            *map(str, box["bbox"]),
            str(found[box["image_id"]]["width"]),
            str(found[box["image_id"]]["height"]),
        ]
        for box in coco["annotations"]
    ]


def test_ms_cxr_t_pairs_an_image_with_an_earlier_one(root: Path) -> None:
    rows = table(root / "ms_cxr_t/MS_CXR_T_temporal_image_classification_v1.0.0.csv")
    diseases = ["consolidation", "edema", "pleural_effusion", "pneumonia", "pneumothorax"]
    for row in rows:
        for prefix in ("", "previous_"):
            folder, dicom = row[f"{prefix}dicom_id"].rsplit("/", 1)
            image = images(root)[dicom]
            assert (folder, image.study, image.subject) == (image.folder, row[f"{prefix}study_id"], row["subject_id"])
        order = visits(root)[row["subject_id"]]
        assert order.index(row["previous_study_id"]) < order.index(row["study_id"])
        for disease in diseases:
            assert bool(row[f"{disease}_progression"]) == bool(row[f"{disease}_label_quality"])
    told = [{d: row[f"{d}_progression"] for d in diseases if row[f"{d}_progression"]} for row in rows]
    assert {len(labels) for labels in told} == {1, 2}
    assert {label for labels in told for label in labels.values()} == {"improving", "stable", "worsening"}
    assert {disease for labels in told for disease in labels} == {*diseases}
    assert len({row["study_id"] for row in rows}) == len(rows)
    assert {sides(root)[row["subject_id"]] for row in rows} == {"train", "validate", "test"}

    sentences = table(root / "ms_cxr_t/MS_CXR_T_temporal_sentence_similarity_v1.0.0.csv")
    assert list(sentences[0])[1:] == ["sentence_1", "sentence_2", "category", "subset_name"]
    assert {row["category"] for row in sentences} == {"paraphrase", "contradiction"}
    assert len({(row["sentence_1"], row["sentence_2"]) for row in sentences}) == len(sentences)
    assert all(row["sentence_1"] != row["sentence_2"] for row in sentences)


def test_mimic_cxr_vqa_has_its_quirks_in_every_part(root: Path) -> None:
    parts = {
        part: json.loads((root / f"mimic_cxr_vqa/mimiccxrvqa/dataset/{part}.json").read_text())
        for part in ("train", "valid", "test")
    }
    conflicts(root, {part: {row["subject_id"] for row in rows} for part, rows in parts.items()})
    for part, rows in parts.items():
        assert [row["idx"] for row in rows] == [*range(len(rows))]
        for row in rows:
            image = images(root)[row["image_id"]]
            assert (row["split"], row["study_id"], row["subject_id"]) == (part, image.study, image.subject)
            assert row["image_path"] == f"{image.folder}/{row['image_id']}.jpg"
            assert row["answer"] == sorted(row["answer"])
            assert all(answer == answer.lower() for answer in row["answer"])
            assert list(row["template_arguments"]) == ["object", "attribute", "category", "viewpos", "gender"]
        answers = [row["answer"] for row in rows]
        assert [] in answers
        assert any(len(answer) > 1 for answer in answers)
        assert ["yes"] in answers
        assert ["no"] in answers
        vague = [" in " in row["question"] for row in rows if "any abnormalities" in row["question"]]
        assert {*vague} == {True, False}
        assert any(answer in (["f"], ["m"]) for answer in answers)
    rows = [row for found in parts.values() for row in found]
    assert {*(row["answer"][0] for row in rows if row["template"].startswith("What is the gender"))} == {"f", "m"}
    views = [row for row in rows if row["template"].startswith("What is the view")]
    assert views
    assert all(row["answer"] == [images(root)[row["image_id"]].view.lower()] for row in views)
    assert {row["semantic_type"] for row in rows} == {"verify", "choose", "query"}
    numbers = json.loads((root / "mimic_cxr_vqa/mimiccxrvqa/dataset/ans2idx.json").read_text())
    assert {answer for row in rows for answer in row["answer"]} <= numbers.keys()


def test_mimic_diff_vqa_asks_of_two_studies_of_a_subject(root: Path) -> None:
    rows = table(root / "mimic_diff_vqa/mimic_pair_questions.csv")
    chosen = {row["study_id"]: row for row in table(root / "mimic_diff_vqa/mimic_all.csv")}
    for row in rows:
        order = visits(root)[row["subject_id"]]
        assert order.index(row["ref_id"]) < order.index(row["study_id"])
        assert {row["study_id"], row["ref_id"]} <= chosen.keys()
        assert row["question"] == row["question"].lower()
        assert row["answer"] == row["answer"].lower() != ""
    keys = Counter((row["study_id"], row["ref_id"], row["question_type"], row["question"]) for row in rows)
    assert max(keys.values()) == 1
    pairs = {(row["study_id"], row["ref_id"]) for row in rows}
    difference = [(row["study_id"], row["ref_id"]) for row in rows if row["question_type"] == "difference"]
    assert sorted(difference) == sorted(pairs)
    for split in ("train", "validate", "test"):
        types = {row["question_type"] for row in rows if sides(root)[row["subject_id"]] == split}
        assert types == {"abnormality", "location", "type", "level", "view", "presence", "difference"}
    parts = {part: {row["subject_id"] for row in rows if row["split"] == part} for part in ("train", "val", "test")}
    conflicts(root, parts)

    for study, row in chosen.items():
        image = images(root)[row["dicom_id"]]
        assert (image.study, image.subject) == (study, row["subject_id"])
        assert row["view"] == {"AP": "antero-posterior", "PA": "postero-anterior"}[image.view]
    ranks = defaultdict[str, list[tuple[int, float]]](list)
    for study, row in chosen.items():
        ranks[row["subject_id"]].append((visits(root)[row["subject_id"]].index(study), float(row["study_order"])))
    assert all([order for _, order in sorted(found)] == [*range(1, len(found) + 1)] for found in ranks.values())
    graphs = json.loads((root / "mimic_diff_vqa/all_diseases.json").read_text())
    assert all(owners(root)[str(graph["study_id"])] == str(graph["subject_id"]) for graph in graphs)


def test_mimic_nle_is_json_lines(root: Path) -> None:
    parts: dict[str, set[str]] = {}
    names: list[str] = []
    for part in ("train", "dev", "test"):
        lines = (root / f"mimic_nle/mimic-nle/mimic-nle-{part}.json").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert len(rows) > 1
        for row in rows:
            study = re.fullmatch(r"s(\d{8})#\d+", row["sentence_ID"])
            assert study is not None
            assert row["report_ID"] == f"s{study[1]}"
            assert row["patient_ID"] == f"p{owners(root)[study[1]]}"
            assert {*row["diagnosis_label"], *row["evidence_label"]} <= {0, 1}
            assert [len(row[name]) for name in ("diagnosis_label", "evidence_label", "img_labels")] == [10, 10, 10]
            assert all(sorted(mention) == [0, 0, 1] for mention in row["img_labels"])
        assert {sum(row["diagnosis_label"]) for row in rows} >= {0, 1}
        names += [row["sentence_ID"] for row in rows]
        parts[part] = {row["patient_ID"][1:] for row in rows}
    conflicts(root, parts)
    assert len({*names}) == len(names)
    assert len({name.split("#")[0] for name in names}) < len(names)


def test_radgraph_has_both_layouts(root: Path) -> None:
    several = 0
    for part in ("train", "dev", "test"):
        reports_of = json.loads((root / f"radgraph/{part}.json").read_text())
        for key, report in reports_of.items():
            path = re.fullmatch(r"p(\d\d)/p(\d{8})/s(\d{8})\.txt", key)
            assert report["data_split"] == part
            assert report["data_source"] == ("CheXpert" if path is None else "MIMIC-CXR")
            if path is not None:
                assert (path[1], path[2]) == (path[2][:2], owners(root)[path[3]])
                assert sides(root)[path[2]] in ("train", "validate")
            else:
                assert re.fullmatch(r"\d+\.txt", key)
            assert ("entities" in report) == (part != "test")
            assert ("labeler_1" in report) == ("labeler_2" in report) == (part == "test")
            for graph in [report] if part != "test" else [report["labeler_1"], report["labeler_2"]]:
                entities = graph["entities"]
                assert list(entities) == [str(number) for number in range(1, len(entities) + 1)] != []
                tokens = report["text"].split(" ")
                for entity in entities.values():
                    assert entity["tokens"] == " ".join(tokens[entity["start_ix"] : entity["end_ix"] + 1])
                    assert entity["label"] in ("ANAT-DP", "OBS-DP", "OBS-U", "OBS-DA")
                    assert all(kind in ("modify", "located_at", "suggestive_of") for kind, _ in entity["relations"])
                    assert all(other in entities for _, other in entity["relations"])
                    several += " " in entity["tokens"]
        kinds = Counter(report["data_source"] for report in reports_of.values())
        assert ("CheXpert" in kinds) == (part == "test")
    assert several > 0


# ---- texts alone


def test_radnli_has_pairs_of_every_relation(root: Path) -> None:
    ids: list[str] = []
    for part in ("dev", "test"):
        lines = (root / f"radnli/radnli_{part}_v1.jsonl").read_text().splitlines()
        pairs = [json.loads(line) for line in lines]
        assert all(list(pair) == ["pairID", "sentence1", "sentence2", "gold_label"] for pair in pairs)
        assert {pair["gold_label"] for pair in pairs} == {"entailment", "neutral", "contradiction"}
        ids += [pair["pairID"] for pair in pairs]
    assert len({*ids}) == len(ids)


def test_radqa_has_answers_that_span_lines_and_none(root: Path) -> None:
    for part in ("train", "dev", "test"):
        documents = json.loads((root / f"radqa/{part}.json").read_text())["data"]
        records = [
            (paragraph["context"], qa)
            for document in documents
            for paragraph in document["paragraphs"]
            for qa in paragraph["qas"]
        ]
        for context, qa in records:
            assert qa["is_impossible"] == (qa["answers"] == [])
            for answer in qa["answers"]:
                start = answer["answer_start"]
                assert context[start : start + len(answer["text"])] == answer["text"]
        assert {qa["is_impossible"] for _, qa in records} == {True, False}
        assert any("\n" in answer["text"] for _, qa in records for answer in qa["answers"])
        assert max(len(qa["answers"]) for _, qa in records) == (1 if part == "train" else 2)
        assert len({qa["id"] for _, qa in records}) == len(records)
        for document in documents:
            first, second = ([qa["question"] for qa in paragraph["qas"]] for paragraph in document["paragraphs"])
            assert first == second


def test_rexval_has_all_ratings_and_ties(root: Path) -> None:
    candidates = table(root / "rexval/50_samples_gt_and_candidates.csv")
    assert list(candidates[0]) == ["study_id", "gt_report", "radgraph", "bertscore", "s_emb", "bleu"]
    for row in candidates:
        found = sections(reports(root)[row["study_id"]])
        assert found.get("CONCLUSION", found.get("IMPRESSION")) == " ".join(row["gt_report"].split())
        assert all(row.values())
    assert {"\n" in row["gt_report"] for row in candidates} == {True, False}
    rows = table(root / "rexval/6_valid_raters_per_rater_error_categories.csv")
    ratings = Counter(tuple(list(row.values())[:5]) for row in rows)
    assert list(rows[0])[5] == "num_errors"
    assert ratings == Counter(
        product(
            map(str, range(len(candidates))),
            ("radgraph", "bertscore", "s_emb", "bleu"),
            "123456",
            "012345",
            ("True", "False"),
        )
    )
    votes: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in rows:
        if row["clinically_significant"] == "True":
            votes[row["study_number"], row["candidate_type"], row["error_category"]].append(row["num_errors"])
    counted = [Counter(found).most_common() for found in votes.values()]
    assert any(len(found) > 1 and found[0][1] == found[1][1] for found in counted)  # a tie
    assert any(len(found) == 1 or found[0][1] > found[1][1] for found in counted)
    without = {key[:2] for key in votes} - {key[:2] for key, found in votes.items() if {*found} != {"0"}}
    assert without  # a candidate without an error


# ---- all of them


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    for name, seed in (("again", 1), ("other", 2)):
        synth(tmp_path / name, SMALL, seed, FAMILY)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert {file.parts[0] for file in files} == {*FAMILY}
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (root / file).read_bytes()
        drawn = file.name != "ans2idx.json"  # which holds the words that there are
        assert ((tmp_path / "other" / file).read_bytes() != (root / file).read_bytes()) == drawn


# ---- at scale 1: the figures that the catalogue of sources cites


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "whole"
    synth(made, 1, 1, FAMILY)
    return made


def by_split(root: Path, subjects: Iterable[str]) -> tuple[int, ...]:
    """How many of the subjects stand in MIMIC's train, val and test."""
    counts = Counter(sides(root)[subject] for subject in subjects)
    return counts["train"], counts["validate"], counts["test"]


@pytest.mark.slow
def test_mimic_cxr_has_the_published_counts(whole: Path) -> None:
    found = images(whole)
    assert by_split(whole, (image.subject for image in found.values())) == (368_960, 2_991, 5_159)
    assert by_split(whole, owners(whole).values()) == (222_758, 1_808, 3_269)
    assert len(sides(whole)) == 65_379
    views = Counter(image.view for image in found.values())
    common = {"AP": 147_173, "PA": 96_161, "LATERAL": 82_853, "LL": 35_133}
    assert {view: views[view] for view in common} == common
    assert by_split(whole, (i.subject for i in found.values() if i.view in common)) == (353_619, 2_867, 4_834)
    assert views[""] + sum(common.values()) + 21 == len(found)
    assert len(mimic(whole, "chexpert")) == len(mimic(whole, "negbio")) == 227_827
    with zipfile.ZipFile(whole / "mimic_cxr" / "mimic-cxr-reports.zip") as archive:
        paths = archive.namelist()
        texts = [archive.read(path).decode() for path in paths[:10_000]]
    assert len(paths) == len({*paths}) == 227_835
    names = [sections(text).keys() for text in texts]
    both = sum("FINDINGS" in found and not found.isdisjoint({"IMPRESSION", "CONCLUSION"}) for found in names)
    assert both / 10_000 == pytest.approx(128_032 / 227_835, abs=0.02)


@pytest.mark.slow
def test_what_speaks_of_its_images_has_the_published_counts(whole: Path) -> None:
    lines = [len(table(whole / f"cxr_lt/cxr-lt-2023/{part}.csv")) for part in ("train", "development", "test")]
    assert sum(lines) == 377_110

    boxes = table(whole / "ms_cxr/MS_CXR_Local_Alignment_v1.0.0.csv")
    pairs = {(row["dicom_id"], row["label_text"]) for row in boxes}
    dicoms = {dicom for dicom, _ in pairs}
    assert len(boxes) == 1_448
    assert len({(row["dicom_id"], row["label_text"], row["category_name"]) for row in boxes}) == 1_162
    assert by_split(whole, (images(whole)[dicom].subject for dicom in dicoms)) == (878, 5, 164)
    assert by_split(whole, (images(whole)[dicom].subject for dicom, _ in pairs)) == (964, 7, 189)
    with zipfile.ZipFile(whole / "mimic_cxr" / "mimic-cxr-reports.zip") as archive:
        texts = {d: archive.read(f"files/{images(whole)[d].folder}.txt").decode() for d in dicoms}
    literal = [(dicom, text) for dicom, text in pairs if text in " ".join(texts[dicom].split())]
    assert by_split(whole, (images(whole)[dicom].subject for dicom, _ in literal)) == (437, 4, 7)
    assert len({dicom for dicom, _ in literal}) == len(literal)

    changes = table(whole / "ms_cxr_t/MS_CXR_T_temporal_image_classification_v1.0.0.csv")
    labels = [row["subject_id"] for row in changes for name in row if name.endswith("_progression") and row[name]]
    assert by_split(whole, (row["subject_id"] for row in changes)) == (985, 10, 50)
    assert by_split(whole, labels) == (1_252, 12, 62)
    assert len(table(whole / "ms_cxr_t/MS_CXR_T_temporal_sentence_similarity_v1.0.0.csv")) == 361


@pytest.mark.slow
def test_what_asks_about_its_studies_has_the_published_counts(whole: Path) -> None:
    parts: dict[str, Counter[str]] = {}
    for part in ("train", "valid", "test"):
        text = (whole / f"mimic_cxr_vqa/mimiccxrvqa/dataset/{part}.json").read_text()
        parts[part] = Counter(re.findall(r'"image_id": "(.{44})"', text))
    assert [found.total() for found in parts.values()] == [290_031, 73_567, 13_793]
    assert len(parts["test"]) == 500

    rows = table(whole / "mimic_diff_vqa/mimic_pair_questions.csv")
    types = {
        "abnormality": 145_421,
        "location": 84_193,
        "type": 27_478,
        "level": 67_296,
        "view": 56_265,
        "presence": 155_726,
        "difference": 164_324,
    }
    assert Counter(row["question_type"] for row in rows) == types
    assert len({(row["study_id"], row["ref_id"]) for row in rows}) == 164_324
    counted = [row["subject_id"] for row in rows if row["question_type"] in ("location", "type", "level")]
    assert by_split(whole, counted) == (173_907, 1_456, 3_604)

    studies = {
        part: re.findall(r'"report_ID":"s(\d+)"', (whole / f"mimic_nle/mimic-nle/mimic-nle-{part}.json").read_text())
        for part in ("train", "dev", "test")
    }
    assert [len(found) for found in studies.values()] == [37_016, 273, 714]
    assert [len({*studies[part]}) for part in ("dev", "test")] == [239, 597]


@pytest.mark.slow
def test_texts_have_the_published_counts(whole: Path) -> None:
    graphs = {part: json.loads((whole / f"radgraph/{part}.json").read_text()) for part in ("train", "dev", "test")}
    assert [len(found) for found in graphs.values()] == [425, 75, 100]
    keys = [key for found in graphs.values() for key in found if "/" in key]
    assert by_split(whole, (key.split("/")[1][1:] for key in keys)) == (541, 9, 0)
    for part, records in {"train": 4_878, "dev": 656, "test": 614}.items():
        documents = json.loads((whole / f"radqa/{part}.json").read_text())["data"]
        assert sum(len(paragraph["qas"]) for d in documents for paragraph in d["paragraphs"]) == records
    for part in ("dev", "test"):
        assert len((whole / f"radnli/radnli_{part}_v1.jsonl").read_text().splitlines()) == 480
    assert len(table(whole / "rexval/50_samples_gt_and_candidates.csv")) == 50
    assert len(table(whole / "rexval/6_valid_raters_per_rater_error_categories.csv")) == 50 * 4 * 6 * 6 * 2
