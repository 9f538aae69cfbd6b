"""Five specs as scripts of this kind are written: pandas reads, a loop over rows makes, strings are formatted one by one.

Each function reads the tables in `folder` and writes all examples to `out`, sorted by id. Draws are those of docs/language.md, so that the
rows are ours.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from math import floor
from pathlib import Path
from typing import Any

import xxhash

pd: Any = import_module("pandas")  # of the extra `bench`, without types
pa: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")

SEED = 1
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VIEW_ORDER = (
    *("PA", "AP", "LATERAL", "LL", "AP AXIAL", "AP LLD", "AP RLD", "PA RLD", "PA LLD"),
    *("LAO", "RAO", "LPO", "XTABLE LATERAL", "SWIMMERS"),
)
LABELS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture"),
    *("Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia"),
    *("Pneumothorax", "Support Devices"),
)
UNCERTAIN = {"Atelectasis": 1, "Edema": 1, "Pleural Effusion": 1, "Cardiomegaly": 0, "Consolidation": 0}
ACRONYMS = ("COPD", "COVID", "CPAM", "ILD", "NSG", "PA")
PRIOR = ("prior", "previous", "remov", "earlier", "recurrence", "redemonstrate")
KEPT = 50_000
HEADING = re.compile(r"^[ \t]*([A-Z ()/,-]+):", re.MULTILINE)


def schema() -> Any:
    """The columns of the output."""
    text, texts = pa.string(), pa.list_(pa.string())
    size = pa.struct({"width": pa.int64(), "height": pa.int64()})
    turn = pa.struct({"prompt": text, "answer": text, "form": text})
    corners = dict.fromkeys(("x1", "y1", "x2", "y2"), pa.float64())
    box = pa.struct({"image": pa.int64(), "label": text, **corners})
    plain = ("id", "task", "source", "split", "space", "patient_id", "study_id")
    lists = {"images": texts, "sizes": pa.list_(size), "turns": pa.list_(turn), "target": text, "boxes": pa.list_(box)}
    return pa.schema([*((name, text) for name in plain), *lists.items(), ("origin", texts)])


def draw(who: str, site: str) -> int:
    drawn = xxhash.xxh64_intdigest(f"{SEED}\x1f{who}".encode()) ^ xxhash.xxh64_intdigest(site.encode())
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        drawn = drawn * factor % 2**64
        drawn ^= drawn >> 32
    return drawn


def odd(text: str) -> int:
    return xxhash.xxh64_intdigest(text.encode()) | 1


def shuffled(id: str, site: str, items: Sequence[str], name: str = "") -> list[str]:
    drawn = draw(id, site) * (odd(name) if name else 1)
    return sorted(items, key=lambda item: drawn * odd(item) % 2**64)


def block(options: Sequence[str], numbers: bool = False) -> tuple[str, list[str]]:
    """The options as they are printed, and the marks in front of them."""
    marks = [f"({place + 1})" if numbers else f"({LETTERS[place]})" for place in range(len(options))]
    return "Options:\n" + "\n".join(f"{mark} {option}" for mark, option in zip(marks, options, strict=True)), marks


def example(spec: str, key: object, split: str, who: tuple[str, str | None, str], **rest: Any) -> dict[str, Any]:
    task, source = spec.split("/")
    space, patient, study = who
    names = {"id": f"{spec}/{key}", "task": task, "source": source, "split": split}
    ids = {"space": space, "patient_id": patient, "study_id": study}
    return {**names, **ids, "sizes": [], "boxes": [], "origin": [], **rest}


def save(rows: list[dict[str, Any]], out: Path) -> None:
    rows.sort(key=lambda row: row["id"])
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema()), out, compression="zstd", compression_level=1)


def mimic_split(splits: Mapping[int, str], subject: int) -> str:
    if subject in splits:
        return splits[subject]
    drawn = draw(f"mimic/{subject}", "space mimic") / 2**64
    return "val" if drawn < 0.1 else "test" if drawn < 0.2 else "train"


def official(folder: Path) -> dict[int, str]:
    splits = pd.read_parquet(folder / "official_split.parquet")
    return dict(zip(splits["subject_id"], splits["part"], strict=True))


def image_path(row: Any) -> str:
    subject, study, image = row["subject_id"], row["study_id"], row["dicom_id"]
    return f"mimic_cxr/files/p{str(subject)[:2]}/p{subject}/s{study}/{image}.jpg"


def view_classification(folder: Path, out: Path) -> None:
    metadata, splits = pd.read_parquet(folder / "metadata.parquet"), official(folder)
    texts = json.loads((folder / "prompts.json").read_text())["choose"]
    rows: list[dict[str, Any]] = []
    for _, row in metadata.iterrows():
        view = row["view"]
        if view not in ("AP", "PA", "LATERAL", "LL"):
            continue
        spec, key = "view_classification/mimic_cxr", row["dicom_id"]
        id = f"{spec}/{key}"
        options = ["AP", "PA", "LATERAL", "LL"]
        if draw(id, "coarse") / 2**64 < 0.5:
            options = ["AP", "PA", "LATERAL"]
            view = "LATERAL" if view == "LL" else view
        options = shuffled(id, "choose:options", options)
        prompt = texts[draw(id, "choose:prompt") % len(texts)]
        answer, (shown, marks) = view, block(options)
        if "{options}" in prompt:
            prompt = prompt.replace("{options}", shown)
            if draw(id, "choose:reply") % 2 == 1:
                answer = marks[options.index(view)]
        who = "mimic", f"mimic/{row['subject_id']}", f"mimic/{row['study_id']}"
        turn = {"prompt": prompt, "answer": answer, "form": "choose"}
        split, images = mimic_split(splits, row["subject_id"]), [image_path(row)]
        rows.append(example(spec, key, split, who, images=images, turns=[turn], target=json.dumps(view)))
    save(rows, out)


def studies(folder: Path) -> dict[int, tuple[int, list[str]]]:
    """The patient and the images of each study, these in the order of their views."""
    metadata = pd.read_parquet(folder / "metadata.parquet")
    found: dict[int, list[tuple[int, str, int, str]]] = defaultdict(list)
    for _, row in metadata.iterrows():
        rank = VIEW_ORDER.index(row["view"]) if row["view"] in VIEW_ORDER else 99
        found[row["study_id"]].append((rank, row["dicom_id"], row["subject_id"], image_path(row)))
    return {study: (images[0][2], [image[3] for image in sorted(images)]) for study, images in found.items()}


def image_classification(folder: Path, out: Path) -> None:
    labels, members, splits = pd.read_parquet(folder / "labels.parquet"), studies(folder), official(folder)
    texts = json.loads((folder / "prompts.json").read_text())
    spec = "image_classification/mimic_cxr"
    rows: list[dict[str, Any]] = []
    unremarkable: list[tuple[int, str]] = []
    for _, row in labels.iterrows():
        study = int(row["study_id"])
        if study not in members:
            continue
        subject, images = members[study]
        positives, negatives = list[str](), list[str]()
        for label in LABELS:
            said = row[f"mentions.{label}"]
            said = 0 if pd.isna(said) else UNCERTAIN.get(label) if said == -1 else said
            if said is not None:
                (positives if said == 1 else negatives).append(label)
        if not positives:
            continue
        id, split = f"{spec}/{study}", mimic_split(splits, subject)
        if split == "train" and "No Finding" in positives:
            unremarkable.append((draw(id, "keep.no_finding"), id))
        turns = [select_turn(id, texts["select"], positives)]
        if len(positives) <= 5 and len(negatives) >= 3:
            turns.append(set_turn(id, texts["which_set"], positives, negatives))
        turns.append(presence_turn(id, texts["presence"], positives, negatives))
        who, target = ("mimic", f"mimic/{subject}", f"mimic/{study}"), json.dumps(positives, separators=(",", ":"))
        rows.append(example(spec, study, split, who, images=images, turns=turns, target=target))
    out_of = {id for _, id in sorted(unremarkable)[KEPT:]}
    save([row for row in rows if row["id"] not in out_of], out)


def select_turn(id: str, texts: Sequence[str], positives: Sequence[str]) -> dict[str, str]:
    options = shuffled(id, "select:options", LABELS)
    prompt = texts[draw(id, "select:prompt") % len(texts)]
    listed = options if "{options}" in prompt else LABELS
    shown, _ = block(options, numbers=draw(id, "select:marker") % 2 == 1)
    answer = ", ".join(label for label in listed if label in positives)
    return {"prompt": prompt.replace("{options}", shown), "answer": answer, "form": "select"}


def set_turn(id: str, texts: Sequence[str], positives: list[str], negatives: Sequence[str]) -> dict[str, str]:
    others = shuffled(id, "which_set.others", negatives)
    pool = positives + others[3:]
    sets = [shuffled(id, "which_set.truth", positives)]
    for place, anchor in enumerate(others[:3]):
        rest = shuffled(id, "which_set.others", pool, f"items {place}")[: len(positives) - 1]
        sets.append(shuffled(id, "which_set.others", [anchor, *rest], f"order {place}"))
    options = [", ".join(one).lower() for one in sets]
    truth = options[0]
    options = shuffled(id, "which_set:options", options)
    shown, marks = block(options)
    prompt = texts[draw(id, "which_set:prompt") % len(texts)].replace("{options}", shown)
    answer = marks[options.index(truth)] if draw(id, "which_set:reply") % 2 == 1 else truth
    return {"prompt": prompt, "answer": answer, "form": "which_set"}


def presence_turn(id: str, texts: Sequence[str], positives: Sequence[str], negatives: Sequence[str]) -> dict[str, str]:
    present = draw(id, "presence.disease") / 2**64 < 0.5
    first, second = (positives, negatives) if present else (negatives, positives)
    disease = shuffled(id, "presence.disease", first or second)[0]
    named = disease if any(word in disease for word in ACRONYMS) else disease.lower()
    shown, _ = block(shuffled(id, "presence:options", ["Yes", "No"]))
    prompt = texts[draw(id, "presence:prompt") % len(texts)].replace("{named}", named).replace("{options}", shown)
    return {"prompt": prompt, "answer": "Yes" if disease in positives else "No", "form": "presence"}


def findings_generation(folder: Path, out: Path) -> None:
    reports, members, splits = pd.read_parquet(folder / "reports.parquet"), studies(folder), official(folder)
    texts = json.loads((folder / "prompts.json").read_text())["write"]
    spec = "findings_generation/mimic_cxr"
    rows: list[dict[str, Any]] = []
    for _, row in reports.iterrows():
        study, report = row["study_id"], prior_free(findings(row["report"]))
        if not report or study not in members:
            continue
        subject, images = members[study]
        id, who = f"{spec}/{study}", ("mimic", f"mimic/{subject}", f"mimic/{study}")
        prompt = texts[draw(id, "write:prompt") % len(texts)]
        turn = {"prompt": prompt, "answer": report, "form": "write"}
        split, target = mimic_split(splits, subject), json.dumps(report, ensure_ascii=False)
        rows.append(example(spec, study, split, who, images=images, turns=[turn], target=target))
    save(rows, out)


def findings(report: str) -> str:
    headings = list(HEADING.finditer(report))
    found = ""
    for place, heading in enumerate(headings):
        if " ".join(heading[1].split()) in ("FINDINGS", "FINDING"):
            end = headings[place + 1].start() if place + 1 < len(headings) else len(report)
            found = " ".join(report[heading.end() : end].split())
    return found


def prior_free(report: str) -> str:
    kept = [sentence for sentence in report.split(". ") if not any(word in sentence.lower() for word in PRIOR)]
    text = ". ".join(kept).replace(" again", "").replace("again ", "")
    return text.replace(" new.", " present.").replace(" new ", " ")


def abnormality_detection(folder: Path, out: Path) -> None:
    annotations, sizes = (pd.read_parquet(folder / f"{name}.parquet") for name in ("annotations", "sizes"))
    texts = json.loads((folder / "prompts.json").read_text())
    spec = "abnormality_detection/vindr_cxr"
    parts: dict[str, str] = {}
    found: dict[str, dict[str, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for _, row in annotations.iterrows():
        parts[row["image_id"]] = row["part"]
        corners = row["x_min"], row["y_min"], row["x_max"], row["y_max"]
        if not any(pd.isna(corner) for corner in corners):
            reader = "" if pd.isna(row["reader"]) else row["reader"]
            found[row["image_id"]][row["finding"]].append((*corners, reader, row["row"]))
    rows: list[dict[str, Any]] = []
    for _, row in sizes.iterrows():
        image, size = row["image_id"], {"width": row["width"], "height": row["height"]}
        if image not in parts:
            continue
        boxes = [
            {"image": 0, "label": finding, **dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))}
            for corners, finding in sorted(
                (corners, finding)
                for finding, group in found[image].items()
                for corners in merged([shares(one, size) for one in sorted(group)])
            )
        ]
        id, texts_of = f"{spec}/{image}", texts["detect:empty"]
        answer = " ".join(map(printed, boxes)) or texts_of[draw(id, "detect:empty") % len(texts_of)]
        prompt = texts["detect"][draw(id, "detect:prompt") % len(texts["detect"])]
        turn = {"prompt": prompt, "answer": answer, "form": "detect"}
        target = json.dumps([{k: v for k, v in box.items() if k != "image"} for box in boxes], separators=(",", ":"))
        who, images = ("vindr_cxr", None, f"vindr_cxr/{image}"), [f"vindr_cxr/{row['path']}"]
        more = {"sizes": [size] if boxes else [], "boxes": boxes}
        rows.append(example(spec, image, parts[image], who, images=images, turns=[turn], target=target, **more))
    save(rows, out)


def shares(place: tuple[Any, ...], size: Mapping[str, int]) -> tuple[float, ...]:
    scales = (size["width"], size["height"]) * 2
    return tuple(min(max(corner / scale, 0.0), 1.0) for corner, scale in zip(place[:4], scales, strict=True))


def merged(boxes: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    found: list[tuple[float, ...]] = []
    while boxes:
        joined = [box for box in boxes if overlap(boxes[0], box) > 0.1]
        boxes = [box for box in boxes if overlap(boxes[0], box) <= 0.1]
        lows, highs = (tuple(pick(corner) for corner in zip(*joined, strict=True)) for pick in (min, max))
        found.append((*lows[:2], *highs[2:]))
    return found


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def printed(box: Mapping[str, Any]) -> str:
    x1, y1, x2, y2 = (floor(box[corner] * 100 + 0.5) for corner in ("x1", "y1", "x2", "y2"))
    return f"<|ref|>{box['label']}<|/ref|><|box|>({x1},{y1}),({x2},{y2})<|/box|>"


def close_ended_vqa(folder: Path, out: Path) -> None:
    entries, frontal = (pd.read_parquet(folder / f"{name}.parquet") for name in ("entries", "frontal"))
    texts = json.loads((folder / "prompts.json").read_text())
    images_of = dict(zip(frontal["n"], frontal["image_ids"], strict=True))
    spec = "close_ended_vqa/rad_restruct"
    rows: list[dict[str, Any]] = []
    for _, row in entries.iterrows():
        n, options, answers = row["n"], list(row["options"]), list(row["answers"])
        if len(options) < 2 or row["answer_type"] == "multi_choice" or n not in images_of:
            continue
        question = row["question"]
        if len(row["history"]):
            before = [f"Q: {said['question']} A: {', '.join(said['answers'])}" for said in row["history"]]
            question = "\n".join([*before, f"Q: {question}"])
        key, form = f"{n}/{row['position']}", "several" if len(answers) > 1 else "one"
        id = f"{spec}/{key}"
        correct = answers if form == "several" else answers[:1]
        options_shown = shuffled(id, f"{form}:options", options)
        numbers = form == "several" and draw(id, f"{form}:marker") % 2 == 1
        shown, marks = block(options_shown, numbers or len(options) > len(LETTERS))
        prompt = texts[form][draw(id, f"{form}:prompt") % len(texts[form])]
        by_marker = draw(id, f"{form}:reply") % 2 == 1  # the block is in every prompt of this task
        said = [mark if by_marker else o for mark, o in zip(marks, options_shown, strict=True) if o in correct]
        prompt = prompt.replace("{options}", shown).replace("{question}", question)
        turn = {"prompt": prompt, "answer": ", ".join(said), "form": form}
        target = [o for o in options if o in correct] if form == "several" else answers[0]
        images, who = [f"openi/{image}.png" for image in images_of[n]], ("openi", None, f"openi/{n}")
        text = json.dumps(target, separators=(",", ":"), ensure_ascii=False)
        rows.append(example(spec, key, row["part"], who, images=images, turns=[turn], target=text))
    save(rows, out)


BUILD: Mapping[str, Callable[[Path, Path], None]] = {
    "view_classification/mimic_cxr": view_classification,
    "image_classification/mimic_cxr": image_classification,
    "findings_generation/mimic_cxr": findings_generation,
    "abnormality_detection/vindr_cxr": abnormality_detection,
    "close_ended_vqa/rad_restruct": close_ended_vqa,
}
