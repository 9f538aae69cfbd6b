"""The defects that docs/defects.md lists, looked for in a whole run over made-up files, against those files themselves.

Every file is read a second time here, with the standard library, and what a defect would have made is told from it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import polars as pl
import pytest

from cxrspec.compiler.codes import CODES

from . import made_up
from .corpus import Corpus, compilation, corpus

HOUSE = Path(__file__).parents[1]
Row: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Corpus:
    return corpus(1)


def examples(made: Corpus, spec: str) -> list[Row]:
    """The examples of a spec; there are some."""
    rows = list(made_up.rows(made.out, spec).values())
    assert rows
    return rows


def table(made: Corpus, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    data = (made.data / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def document(made: Corpus, name: str) -> Any:
    return json.loads((made.data / name).read_bytes())


def key(row: Row) -> tuple[str, ...]:
    """The parts of an example's key."""
    return tuple(unquote(part) for part in row["id"].split("/")[2:])


def corners(box: Row) -> tuple[float, ...]:
    return tuple(box[side] for side in ("x1", "y1", "x2", "y2"))


def split_of_mimic(made: Corpus) -> dict[str, str]:
    """The split of each patient of MIMIC, as the official table says."""
    words = {"train": "train", "validate": "val", "test": "test"}
    rows = table(made, "mimic_cxr/mimic-cxr-2.0.0-split.csv.gz")
    return {f"mimic/{row['subject_id']}": words[row["split"]] for row in rows}


# ---- splits


def test_val_is_made_of_the_files_of_val(made: Corpus) -> None:
    """D1."""
    pairs = made.data / "rad_restruct/data/radrestruct"
    files = {
        part: {path.stem for path in (pairs / f"{part}_qa_pairs").glob("*.json")} for part in ("train", "val", "test")
    }
    assert not files["val"] & files["test"]
    for spec in ("open_ended_vqa/rad_restruct", "close_ended_vqa/rad_restruct"):
        rows = examples(made, spec)
        assert {row["split"] for row in rows} == {"train", "val", "test"}
        assert all(key(row)[0] in files[row["split"]] for row in rows)
    asked = Counter(row["split"] for row in examples(made, "text_qa/radqa"))
    for split, name in (("train", "train"), ("val", "dev"), ("test", "test")):
        data = document(made, f"radqa/{name}.json")["data"]
        assert asked[split] == sum(len(paragraph["qas"]) for entry in data for paragraph in entry["paragraphs"])


def test_views_are_those_of_the_image_itself(made: Corpus) -> None:
    """D3."""
    views: dict[str, str] = {}
    for part in ("train", "valid"):
        for row in table(made, f"chexpert/CheXpert-v1.0-small/{part}.csv"):
            lateral = row["Path"].endswith("_lateral.jpg")
            views[f"chexpert/{row['Path']}"] = "Lateral" if lateral else row["AP/PA"]
    rows = examples(made, "view_classification/chexpert")
    assert {row["images"][0]: json.loads(row["target"]) for row in rows}.items() <= views.items()
    assert "test" not in {row["split"] for row in rows}


def test_an_image_with_two_components_stands_in_one_split(made: Corpus) -> None:
    """D7, D28."""
    masks = defaultdict[str, list[str]](list)
    for entry in table(made, "siim/train-rle.csv"):
        masks[entry["ImageId"]].append(entry[" EncodedPixels"].strip())
    assert max(map(len, masks.values())) > 1
    rows = examples(made, "pneumothorax_segmentation/siim")
    assert {key(row) for row in rows} == {(image,) for image in masks}
    assert len(rows) == len(masks)
    for row in rows:
        (image,) = key(row)
        outer = [outer_box(pixels) for pixels in masks[image] if pixels != "-1"]
        assert sorted(map(corners, row["boxes"])) == sorted(outer)


def outer_box(pixels: str, side: int = 1024) -> tuple[float, ...]:
    """The rectangle round a mask in run lengths, column by column; the last pixel belongs to it."""
    numbers = [int(number) for number in pixels.split()]
    place, marked = 0, set[int]()
    for gap, run in zip(numbers[::2], numbers[1::2], strict=True):
        marked.update(range(place + gap, place + gap + run))
        place += gap + run
    xs, ys = {pixel // side for pixel in marked}, {pixel % side for pixel in marked}
    return min(xs) / side, min(ys) / side, (max(xs) + 1) / side, (max(ys) + 1) / side


def test_nih_follows_its_lists_and_splits_no_patient(made: Corpus) -> None:
    """D8."""
    held = set((made.data / "chestxray14/test_list.txt").read_text().split())
    patients = defaultdict[str, set[str]](set)
    for row in examples(made, "image_classification/chestxray14"):
        assert (row["split"] == "test") == (key(row)[0] in held)
        patients[row["patient_id"]].add(row["split"])
    assert all(len(splits) == 1 for splits in patients.values())
    assert {split for splits in patients.values() for split in splits} == {"train", "val", "test"}


def test_benchmarks_are_for_test_only_and_say_so(made: Corpus) -> None:
    """D16."""
    specs = {spec.name: spec for spec in made.result.manifest.specs}
    assert specs["report_evaluation/rexval"].own_split
    for name in ("report_evaluation/rexval", "temporal_sentence_similarity/ms_cxr_t"):
        assert {row["split"] for row in examples(made, name)} == {"test"}


@pytest.mark.parametrize(
    "spec",
    [
        *("close_ended_vqa/mimic_cxr_vqa", "open_ended_vqa/mimic_cxr_vqa", "image_classification/cxr_lt"),
        *("natural_language_explanation/mimic_nle", "difference_vqa/mimic_diff_vqa", "phrase_grounding/ms_cxr"),
        *("temporal_image_classification/ms_cxr_t", "named_entity_recognition/radgraph"),
    ],
)
def test_sources_made_of_mimic_follow_its_split(made: Corpus, spec: str) -> None:
    """D16, D17."""
    official = split_of_mimic(made)
    rows = [row for row in examples(made, spec) if row["space"] == "mimic"]
    assert rows
    assert {row["patient_id"]: row["split"] for row in rows}.items() <= official.items()


def test_native_splits_do_conflict_with_that_of_mimic(made: Corpus) -> None:
    """What the test above would find, if a source kept its own."""
    official = split_of_mimic(made)
    words = {"train": "train", "valid": "val", "test": "test"}
    own = {
        (f"mimic/{row['subject_id']}", words[part])
        for part in words
        for row in document(made, f"mimic_cxr_vqa/mimiccxrvqa/dataset/{part}.json")
    }
    assert any(official[patient] != split for patient, split in own)


def test_brax_is_split_by_patient_and_told_apart_by_patient_and_number(made: Corpus) -> None:
    """D32."""
    rows = table(made, "brax/master_spreadsheet_update.csv")
    patients = defaultdict[str, set[str]](set)
    for row in rows:
        patients[row["AccessionNumber"]].add(row["PatientID"])
    (shared,) = (number for number, people in patients.items() if len(people) > 1)
    entries = examples(made, "image_classification/brax")
    splits = defaultdict[str, set[str]](set)
    for entry in entries:
        splits[entry["patient_id"]].add(entry["split"])
        patient, number = key(entry)
        assert {
            f"brax/{row['PngPath']}" for row in rows if (row["PatientID"], row["AccessionNumber"]) == (patient, number)
        } == set(entry["images"])
    assert {split for found in splits.values() for split in found} == {"train", "val", "test"}
    assert all(len(found) == 1 for found in splits.values())
    assert len(patients[shared]) == 2


# ---- ids and studies


def test_ids_are_unique_over_the_whole_corpus(made: Corpus) -> None:
    """D23."""
    ids = Counter[str]()
    for file in made.out.rglob("*.parquet"):
        ids.update(pl.read_parquet(file, columns=["id"])["id"].to_list())
    assert ids
    assert max(ids.values()) == 1


def test_the_study_of_a_report_is_its_number(made: Corpus) -> None:
    """D2."""
    rows = examples(made, "findings_summarization/openi")
    assert {row["study_id"] for row in rows} == {f"openi/{key(row)[0]}" for row in rows}
    assert len({row["study_id"] for row in rows}) == len(rows) > 27
    assert all(key(row)[0].isdigit() for row in rows)


def test_the_study_of_an_image_stands_in_its_path(made: Corpus) -> None:
    """D4, D5."""
    rows = examples(made, "view_classification/chexpert")
    for row in rows:
        found = re.search(r"/(patient\d+)/(study\d+)/", row["images"][0])
        assert found
        assert row["study_id"] == f"chexpert/{found[1]}/{found[2]}"
    assert len({row["study_id"] for row in rows}) < len(rows)
    splits = defaultdict[str, set[str]](set)
    for row in rows:
        splits[row["study_id"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    same = {row["study_id"] for row in examples(made, "image_classification/chexpert")}
    assert same & set(splits), "one study has one id, whatever the spec"


def test_covidx_keeps_whole_names_and_patients(made: Corpus) -> None:
    """D6."""
    lines = [
        (part, *line.split(" "))
        for part in ("train", "val", "test")
        for line in (made.data / f"covidx/{part}.txt").read_text().splitlines()
    ]
    stems = Counter((part, source, name.split(".")[0]) for part, _, name, _, source in lines)
    assert max(stems.values()) > 1, "names meet at their first dot"
    rows = {key(row): row for row in examples(made, "image_classification/covidx")}
    assert set(rows) == {(part, name) for part, _, name, _, _ in lines}
    own = [(rows[part, name], patient) for part, patient, name, _, _ in lines]
    own = [(row, patient) for row, patient in own if row["space"] == "covidx"]
    assert len({row["study_id"] for row, _ in own}) == len({row["images"][0].rpartition("/")[2] for row, _ in own})
    assert all(row["patient_id"].rpartition("/")[2] == patient for row, patient in own)


def test_reports_of_radgraph_keep_their_names(made: Corpus) -> None:
    """D14."""
    names = {name: part for part in ("train", "dev", "test") for name in document(made, f"radgraph/{part}.json")}
    rows = examples(made, "named_entity_recognition/radgraph")
    assert {key(row) for row in rows} == {(name,) for name in names}
    others = [row for row in rows if row["space"] != "mimic"]
    assert len({row["study_id"] for row in others}) == len(others) > 0
    words = {"train": "train", "dev": "val", "test": "test"}
    assert all(row["split"] == words[names[key(row)[0]]] for row in others)


# ---- what an example shows


def test_a_question_about_a_difference_shows_both_images(made: Corpus) -> None:
    """D10."""
    kinds = defaultdict[tuple[str, str], set[str]](set)
    for entry in table(made, "mimic_diff_vqa/mimic_pair_questions.csv"):
        kinds[entry["study_id"], entry["question"].lower()].add(entry["question_type"])
    chosen = {entry["study_id"]: entry["dicom_id"] for entry in table(made, "mimic_diff_vqa/mimic_all.csv")}
    for row in examples(made, "difference_vqa/mimic_diff_vqa"):
        study, reference, _ = key(row)
        asked = [question for (of, question), found in kinds.items() if of == study and "difference" in found]
        assert any(question in row["turns"][0]["prompt"].lower() for question in asked)
        assert [image.rpartition("/")[2] for image in row["images"]] == [
            f"{chosen[of]}.jpg" for of in (reference, study)
        ]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_a_study_without_an_indication_is_left_out(made: Corpus) -> None:
    """D11."""
    history: dict[tuple[str, ...], str] = {}
    for row in table(made, "chexpert_plus/df_chexpert_plus_240401.csv"):
        patient, study = row["path_to_image"].split("/")[1:3]
        history[patient, study] = squeezed(row["section_clinical_history"])
    assert "" in history.values()
    for spec in ("findings_generation_with_indication", "impression_generation_with_indication"):
        rows = examples(made, f"{spec}/chexpert_plus")
        assert all(history[key(row)] and history[key(row)] in row["turns"][0]["prompt"] for row in rows)
        without = {key(row) for row in examples(made, f"{spec.removesuffix('_with_indication')}/chexpert_plus")}
        assert {key(row) for row in rows} == {study for study in without if history[study]} < without


def test_the_study_before_is_that_of_the_order_and_study_10_has_one(made: Corpus) -> None:
    """D12."""
    orders = defaultdict[str, dict[str, tuple[int, int]]](dict)
    for row in table(made, "chexpert_plus/df_chexpert_plus_240401.csv"):
        patient, study = row["path_to_image"].split("/")[1:3]
        order = int(float(row["patient_report_date_order"])), int(study.removeprefix("study"))
        orders[patient][study] = min(order, orders[patient].get(study, order))
    seen = set[str]()
    for spec in ("progression_findings_generation", "progression_impression_generation"):
        for row in examples(made, f"{spec}/chexpert_plus"):
            patient, study = key(row)
            earlier = [other for other, order in orders[patient].items() if order < orders[patient][study]]
            before = max(earlier, key=orders[patient].__getitem__)
            assert f"/{patient}/{before}/" in row["images"][0]
            assert f"/{patient}/{study}/" in row["images"][1]
            seen.add(study)
    assert any(study.endswith("0") for study in seen)


VINDR = [("vindr_cxr", "vindr_cxr/annotations/"), ("vindr_pcxr", "vindr_pcxr/")]


def said(made: Corpus, below: str) -> dict[str, set[str]]:
    """What is said of each image of a VinDr set."""
    found = defaultdict[str, set[str]](set)
    for part in ("train", "test"):
        for row in table(made, f"{below}annotations_{part}.csv"):
            found[row["image_id"]].add(row["class_name"])
    return found


@pytest.mark.parametrize(("source", "below"), VINDR)
def test_a_negative_has_an_image_and_a_study_of_its_own(made: Corpus, source: str, below: str) -> None:
    """D13."""
    classes = said(made, below)
    rows = examples(made, f"abnormality_grounding/{source}")
    positive, negative = set[tuple[str, str]](), list[tuple[str, str]]()
    for row in rows:
        image, finding, drawn_for = key(row)
        assert row["study_id"] == f"{source}/{image}"
        assert row["images"][0].rpartition("/")[2] == f"{image}.dicom"
        if drawn_for:
            assert finding not in classes[image]
            assert not row["boxes"]
            negative.append((drawn_for, finding))
        else:
            assert finding in classes[image]
            assert row["boxes"]
            positive.add((image, finding))
    assert Counter(negative) == Counter(positive)


def test_one_phrase_of_two_categories_is_two_examples(made: Corpus) -> None:
    """D15."""
    regions = defaultdict[tuple[str, str], dict[str, list[dict[str, str]]]](lambda: defaultdict(list))
    for row in table(made, "ms_cxr/MS_CXR_Local_Alignment_v1.0.0.csv"):
        regions[row["dicom_id"], row["label_text"]][row["category_name"]].append(row)
    assert max(map(len, regions.values())) > 1
    rows = examples(made, "phrase_grounding/ms_cxr")
    assert len(rows) == sum(map(len, regions.values()))
    expected = [
        sorted(
            ms_cxr_box(*(int(row[name]) for name in ("x", "y", "w", "h", "image_width", "image_height")))
            for row in group
        )
        for found in regions.values()
        for group in found.values()
    ]
    assert sorted(sorted(map(corners, row["boxes"])) for row in rows) == sorted(expected)


def ms_cxr_box(x: int, y: int, w: int, h: int, width: int, height: int) -> tuple[float, ...]:
    return max(x / width, 0), max(y / height, 0), min((x + w) / width, 1), min((y + h) / height, 1)


def test_a_question_stands_in_one_row(made: Corpus) -> None:
    """D19."""
    for source in ("rad_restruct", "mimic_cxr_vqa"):
        opened = {key(row) for row in examples(made, f"open_ended_vqa/{source}")}
        closed = {key(row) for row in examples(made, f"close_ended_vqa/{source}")}
        assert not opened & closed


def test_a_closed_question_has_two_options_or_more(made: Corpus) -> None:
    """D20."""
    options: dict[tuple[str, ...], list[str]] = {}
    for path in (made.data / "rad_restruct/data/radrestruct").glob("*_qa_pairs/*.json"):
        for place, entry in enumerate(json.loads(path.read_bytes())):
            options[path.stem, str(place)] = entry[3]["options"]
    assert 1 in map(len, options.values())
    assert min(len(options[key(row)]) for row in examples(made, "close_ended_vqa/rad_restruct")) == 2


def test_every_image_of_a_study_is_shown(made: Corpus) -> None:
    """D21."""
    paths = {
        name: [path.replace("../", "rexgradient/") for path in entry["ImagePath"]]
        for part in ("train", "valid", "test")
        for name, entry in document(made, f"rexgradient/metadata/{part}_metadata.json").items()
    }
    rows = examples(made, "findings_generation/rexgradient")
    assert all(row["images"] == paths[key(row)[0]] for row in rows)
    assert max(len(row["images"]) for row in rows) > 1


@pytest.mark.parametrize(("source", "below"), VINDR)
def test_no_image_is_left_out_for_its_many_boxes(made: Corpus, source: str, below: str) -> None:
    """D29."""
    rows = {key(row)[0]: row for row in examples(made, f"abnormality_detection/{source}")}
    assert set(rows) == set(said(made, below))
    assert max(len(row["boxes"]) for row in rows.values()) > 5
    chains = 0
    for row in rows.values():
        # planted in train and test: three boxes in a row, of which the first and the last do not overlap, are two
        chains += sorted((round(box["x1"], 3), round(box["x2"], 3)) for box in row["boxes"]) == [(0.1, 0.4), (0.3, 0.5)]
    assert chains == 2


def test_boxes_are_exact_shares_of_the_image_clipped_on_all_sides(made: Corpus) -> None:
    """D28."""
    cells: dict[tuple[str, ...], str] = {
        (part, entry["image_name"]): entry["annotation"]
        for part in ("train", "dev")
        for entry in table(made, f"object_cxr/{part}.csv")
    }
    beyond = 0
    for row in examples(made, "foreign_object_detection/object_cxr"):
        expected = list[tuple[float, ...]]()
        for shape in filter(None, cells[key(row)].split(";")):
            numbers = [int(number) for number in shape.split(" ")[1:]]
            (size,) = row["sizes"]
            xs = [x / size["width"] for x in numbers[::2]]
            ys = [y / size["height"] for y in numbers[1::2]]
            beyond += min(*xs, *ys) < 0 or max(*xs, *ys) > 1
            expected.append((max(min(xs), 0), max(min(ys), 0), min(max(xs), 1), min(max(ys), 1)))
        assert [corners(box) for box in row["boxes"]] == expected
    assert beyond


# ---- labels

BRAX_POLICY = {"Atelectasis", "Edema", "Pleural Effusion"}, {"Cardiomegaly", "Consolidation"}
"""Uncertain findings that count as there, and as not there; the others are not spoken of."""


def test_uncertain_findings_are_what_the_policy_says(made: Corpus) -> None:
    """D25."""
    studies = by_study(table(made, "brax/master_spreadsheet_update.csv"))
    uncertain, forms = 0, Counter[str]()
    for row in examples(made, "image_classification/brax"):
        labels = studies[key(row)]
        there = {name for name, cell in labels.items() if cell == "1.0" or (cell == "-1.0" and name in BRAX_POLICY[0])}
        unsaid = [name for name, cell in labels.items() if cell == "-1.0" and name not in set().union(*BRAX_POLICY)]
        uncertain += len(unsaid)
        for turn in row["turns"]:
            forms[turn["form"]] += 1
            if turn["form"] == "presence":
                assert not any(name.lower() in turn["prompt"].lower() for name in unsaid)
        if row["turns"][0]["form"] == "select":
            assert set(json.loads(row["target"])) == there
    assert uncertain
    assert forms["select"]
    assert forms["presence"]


def by_study(rows: list[dict[str, str]]) -> dict[tuple[str, ...], dict[str, str]]:
    """The labels of each study of BRAX: those of its best view."""
    views = ["PA", "AP", "AP LLD", "L", "RL", "LT-DECUB", "RLO", ""]
    ranked = sorted(rows, key=lambda row: (views.index(row["ViewPosition"]), row["PngPath"]), reverse=True)
    return {(row["PatientID"], row["AccessionNumber"]): dict(list(row.items())[8:22]) for row in ranked}


def test_columns_in_another_order_change_nothing(made: Corpus, tmp_path: Path) -> None:
    """D26."""
    rows = table(made, "brax/master_spreadsheet_update.csv")
    names = list(rows[0])[::-1]
    text = made_up.csv_text(names, [[row[name] for name in names] for row in rows])
    made_up.write_text(tmp_path / "data/brax/master_spreadsheet_update.csv", text)
    spec = "image_classification/brax"
    made_up.make(tmp_path / "data", tmp_path / "out", compilation(), select=[spec])
    assert made_up.rows(tmp_path / "out", spec) == made_up.rows(made.out, spec)


def test_a_cell_is_never_evaluated(tmp_path: Path) -> None:
    """D34."""
    path = tmp_path / "touched"
    cell = f"[open({str(path)!r}, 'w').write('x')]"
    header = ("ImageID", "ImageDir", "StudyID", "PatientID", "ViewPosition_DICOM", "Labels")
    file = "padchest/PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    made_up.write_text(tmp_path / "data" / file, made_up.csv_text(header, [("1.png", "0", "2", "3", "PA", cell)]))
    result = made_up.make(tmp_path / "data", tmp_path / "out", compilation(), select=["image_classification/padchest"])
    assert made_up.codes(result) == [("CXR751", "image_classification/padchest")]
    assert not path.exists()


# ---- the whole


def test_every_file_has_the_same_columns(made: Corpus) -> None:
    """D30."""
    schemas = {file.relative_to(made.out): pl.read_parquet_schema(file) for file in made.out.rglob("*.parquet")}
    first, *others = schemas.values()
    assert all(schema == first for schema in others)
    assert first["images"] == pl.List(pl.String)


def test_every_row_that_is_read_is_an_example_or_counted_at_a_named_step(made: Corpus) -> None:
    """D33."""
    (spec,) = (spec for spec in made.result.manifest.specs if spec.name == "natural_language_explanation/mimic_nle")
    lines = sum(
        len((made.data / f"mimic_nle/mimic-nle/mimic-nle-{part}.json").read_text().splitlines())
        for part in ("train", "dev", "test")
    )
    steps = [step for step in spec.attrition if step.relation in ("mimic_nle.sentences", spec.name)]
    assert all(step.step for step in steps)
    assert lines - sum(step.rows_in - step.rows_out for step in steps) == len(examples(made, spec.name)) < lines


def test_equal_votes_are_settled_by_a_rule(made: Corpus) -> None:
    """D35."""
    votes = defaultdict[tuple[str, str, str], Counter[int]](Counter)
    for row in table(made, "rexval/6_valid_raters_per_rater_error_categories.csv"):
        if row["clinically_significant"] == "True":
            votes[row["study_number"], row["candidate_type"], row["error_category"]][int(row["num_errors"])] += 1
    ties = 0
    counts = defaultdict[tuple[str, ...], list[int]](list)
    for (number, metric, _), found in sorted(votes.items()):
        most = [errors for errors, voices in found.items() if voices == max(found.values())]
        ties += len(most) > 1
        counts[number, metric].append(min(most))
    assert ties
    rows = examples(made, "report_evaluation/rexval")
    assert {key(row): [count["number"] for count in json.loads(row["target"])] for row in rows} == {
        report: [number for number in numbers if number] for report, numbers in counts.items()
    }


def test_no_spec_needs_a_private_file(made: Corpus) -> None:
    """D27."""
    private = re.compile(r"struct\.json|_meta\.csv|_cleaned\.csv|cxrtime|split_by_image|\.tok$|_png")
    assert not made.result.manifest.unavailable
    read = {file.path for files in made.result.manifest.inputs.values() for file in files}
    assert len(read) > 100
    assert not [name for name in read if private.search(name)]
    reasons = [spec.spec.published for spec in made.compilation.specs.values()]
    assert all(published and published.because for published in reasons)


# ---- the page

PAGE = (HOUSE / "docs" / "defects.md").read_text("utf-8")


def test_the_page_lists_every_defect_with_tests_and_codes_that_there_are() -> None:
    sections = re.split(r"^## (D\d+): ", PAGE, flags=re.MULTILINE)[1:]
    assert sections[::2] == [f"D{number}" for number in range(1, 37)]
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        shown = re.findall(r"`(tests/[\w/]+\.(?:py|yaml))(?:::(\w+))?`", text)
        assert shown, name
        for path, test in shown:
            assert f"def {test}(" in (HOUSE / path).read_text("utf-8") if test else (HOUSE / path).is_file(), (
                path,
                test,
            )
    assert set(re.findall(r"CXR\d{3}", PAGE)) <= set(CODES)
