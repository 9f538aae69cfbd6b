"""Five specs in vectorised pandas: whole columns at a time, draws given as columns.

Each function reads the tables in `folder` and writes all examples to `out`, sorted by id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.row_loop import ACRONYMS, KEPT, LABELS, LETTERS, PRIOR, UNCERTAIN, VIEW_ORDER, schema

pd: Any = import_module("pandas")  # of the extra `bench`, without types
pa: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")

LAST = np.iinfo(np.uint64).max
FINDINGS = r"(?ms).*^[ \t]*FINDINGS?[ ]*:(.*?)(?=^[ \t]*[A-Z ()/,-]+:|\Z)"


def read(folder: Path, *names: str) -> list[Any]:
    return [pd.read_parquet(folder / f"{name}.parquet") for name in names]


def texts(folder: Path) -> dict[str, Any]:
    return {form: pd.Series(of) for form, of in json.loads((folder / "prompts.json").read_text()).items()}


def drawn(items: Any, draws: Any) -> Any:
    """For each draw the item at its place, round and round."""
    return items.take((draws % len(items)).astype("int64")).reset_index(drop=True)


def only(chosen: Any, values: Any) -> Any:
    """The values where they are chosen, null elsewhere."""
    return np.where(chosen, values, np.array(None, object))


def matrix(column: Any) -> Any:
    """A column of lists of equal length."""
    return np.stack(column.to_numpy())


def block(columns: Sequence[Any], marks: Sequence[Any]) -> Any:
    """The options as they are printed; an absent one is null."""
    shown: Any = "Options:"
    for column, mark in zip(columns, marks, strict=False):
        shown = shown + ("\n(" + mark + ") " + column).fillna("")
    return shown


def filled(prompts: Any, **slots: Any) -> Any:
    """Prompts with their slots filled; each stands in a prompt once at most."""
    for name, values in slots.items():
        pieces = prompts.str.partition(f"{{{name}}}")
        prompts = pieces[0] + values.where(pieces[1] != "", "") + pieces[2]
    return prompts


def nested(rows: Any, counts: Any, columns: Mapping[str, Any], type: Any) -> Any:
    """A column of lists of records from the records of all rows, one row after the other."""
    fields = [pa.array(columns[field.name], field.type, from_pandas=True) for field in type.value_type]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(fields, fields=[*type.value_type])
    )


def save(spec: str, out: Path, **columns: Any) -> None:
    """Write the examples: what is not given is empty."""
    task, source = spec.split("/")
    count = len(columns["key"])
    rows = {"id": f"{spec}/" + columns.pop("key"), "task": [task] * count, "source": [source] * count}
    rows |= {"patient_id": [None] * count} | {name: [[]] * count for name in ("sizes", "boxes", "origin")} | columns
    arrays = [rows[f.name] if isinstance(rows[f.name], pa.Array) else pa.array(rows[f.name], f.type) for f in schema()]
    parquet.write_table(
        pa.Table.from_arrays(arrays, schema=schema()).sort_by("id"), out, compression="zstd", compression_level=1
    )


def one_turn(prompt: Any, answer: Any, form: Any) -> Any:
    """The turns of examples that have one each."""
    columns = {"prompt": prompt, "answer": answer, "form": form}
    return nested(prompt, np.ones(len(prompt), int), columns, schema().field("turns").type)


# ---- MIMIC-CXR


def placed(rows: Any, splits: Any) -> dict[str, Any]:
    """Split, space, patient and study of rows of MIMIC-CXR."""
    parts = splits.drop_duplicates("subject_id").set_index("subject_id")["part"]
    unit = rows["otherwise"] / 2**64
    otherwise = np.where(unit < 0.1, "val", np.where(unit < 0.2, "test", "train"))
    split = rows["subject_id"].map(parts)
    who = {"patient_id": "subject_id", "study_id": "study_id"}
    ids = {name: "mimic/" + rows[column].astype(str) for name, column in who.items()}
    return {"split": split.where(split.notna(), otherwise), "space": ["mimic"] * len(rows), **ids}


def image_paths(rows: Any) -> Any:
    subject, study = rows["subject_id"].astype(str), rows["study_id"].astype(str)
    return "mimic_cxr/files/p" + subject.str[:2] + "/p" + subject + "/s" + study + "/" + rows["dicom_id"] + ".jpg"


def studies(metadata: Any) -> Any:
    """Each study with its patient and its images in the order of their views."""
    rank = metadata["view"].map({view: place for place, view in enumerate(VIEW_ORDER)}).fillna(99)
    images = metadata.assign(image=image_paths(metadata), rank=rank).sort_values(["study_id", "rank", "dicom_id"])
    starts = np.flatnonzero(~images["study_id"].duplicated())
    found = images.iloc[starts][["study_id", "subject_id"]]
    return found.assign(images=np.split(images["image"].to_numpy(object), starts[1:]))


def view_classification(folder: Path, out: Path) -> None:
    metadata, splits, draws = read(folder, "metadata", "official_split", "draws")
    rows = metadata[metadata["view"].isin(["AP", "PA", "LATERAL", "LL"])].merge(draws, on="dicom_id")
    coarse = rows["coarse"] / 2**64 < 0.5
    view = rows["view"].mask(coarse & (rows["view"] == "LL"), "LATERAL")
    keys = matrix(rows["options"])
    keys[coarse, 3] = LAST
    shown = np.array(["AP", "PA", "LATERAL", "LL"], object)[keys.argsort(axis=1)]
    shown[coarse, 3] = None
    place = (shown == view.to_numpy(object)[:, None]).argmax(axis=1)
    prompts = drawn(texts(folder)["choose"], rows["prompt"])
    by_marker = prompts.str.contains("{options}", regex=False) & (rows["reply"] % 2 == 1)
    answer = view.mask(by_marker, pd.Series(["(A)", "(B)", "(C)", "(D)"]).take(place).reset_index(drop=True))
    prompts = filled(prompts, options=block([pd.Series(column) for column in shown.T], LETTERS))
    save(
        "view_classification/mimic_cxr",
        out,
        key=rows["dicom_id"],
        **placed(rows, splits),
        images=image_paths(rows).to_numpy(object)[:, None].tolist(),
        turns=one_turn(prompts, answer, ["choose"] * len(rows)),
        target='"' + view + '"',
    )


def findings_generation(folder: Path, out: Path) -> None:
    reports, metadata, splits, draws = read(folder, "reports", "metadata", "official_split", "draws")
    found = reports["report"].str.extract(FINDINGS)[0].str.replace(r"\s+", " ", regex=True).str.strip()
    said = pd.DataFrame({"study_id": reports["study_id"], "report": found})[found.fillna("") != ""]
    sentences = said["report"].str.split(". ", regex=False).explode()
    sentences = sentences[~sentences.str.lower().str.contains("|".join(PRIOR))]
    text = sentences.groupby(level=0).agg(". ".join)
    for old, new in ((" again", ""), ("again ", ""), (" new.", " present."), (" new ", " ")):
        text = text.str.replace(old, new, regex=False)
    said = said.assign(report=text)
    rows = said[said["report"].fillna("") != ""].merge(studies(metadata), on="study_id").merge(draws, on="study_id")
    prompts = drawn(texts(folder)["write"], rows["prompt"])
    save(
        "findings_generation/mimic_cxr",
        out,
        key=rows["study_id"].astype(str),
        **placed(rows, splits),
        images=rows["images"],
        turns=one_turn(prompts, rows["report"], ["write"] * len(rows)),
        target='"' + rows["report"].str.replace("\\", "\\\\", regex=False).str.replace('"', '\\"', regex=False) + '"',
    )


def image_classification(folder: Path, out: Path) -> None:
    labels, metadata, splits, draws = read(folder, "labels", "metadata", "official_split", "draws")
    rows = labels.merge(studies(metadata), on="study_id").merge(draws, on="study_id")
    said = rows[[f"mentions.{label}" for label in LABELS]].fillna(0).to_numpy(int)
    uncertain = np.array([UNCERTAIN.get(label, 2) for label in LABELS])
    said = np.where(said == -1, uncertain, said)
    place = placed(rows, splits)
    plain = (place["split"] == "train") & (said[:, LABELS.index("No Finding")] == 1)
    kept = (said == 1).any(axis=1) & (~plain | (rows["keep"].where(plain).rank() <= KEPT)).to_numpy()
    rows, said = rows[kept].reset_index(drop=True), said[kept]
    place = {name: np.asarray(column, object)[kept] for name, column in place.items()}
    present, absent, names = said == 1, said == 0, np.array(LABELS, object)
    turns = [select_turns(folder, rows, present), set_turns(folder, rows, present, absent)]
    turns.append(presence_turns(folder, rows, present, absent))
    every = pd.concat([turn.assign(form_at=at) for at, turn in enumerate(turns)]).rename_axis("row").reset_index()
    every = every.sort_values(["row", "form_at"])
    counts = np.bincount(every["row"], minlength=len(rows))
    quoted = joined(only(present, '"' + names + '"'), ",")
    save(
        "image_classification/mimic_cxr",
        out,
        key=rows["study_id"].astype(str),
        **place,
        images=rows["images"],
        turns=nested(rows, counts, every, schema().field("turns").type),
        target="[" + quoted + "]",
    )


def joined(cells: Any, between: str) -> Any:
    """The texts of each row of a matrix, joined; nulls are left out."""
    text: Any = pd.Series([""] * len(cells))
    for column in cells.T:
        cell = pd.Series(column, dtype="str")
        text = text + ((between + cell).where(text != "", cell)).fillna("")
    return text


def in_order(draws: Any, of: Any) -> Any:
    """The places of the labels by their draws, those that are not in `of` last."""
    return np.where(of, draws, LAST).argsort(axis=1, kind="stable")


def named(order: Any, of: Any) -> Any:
    """The names in an order, null where the label is not in `of`."""
    return only(np.take_along_axis(of, order, 1), np.array(LABELS, object)[order])


def select_turns(folder: Path, rows: Any, present: Any) -> Any:
    order = matrix(rows["select_options"]).argsort(axis=1)
    options = named(order, np.ones_like(present))
    numbers = (rows["select_marker"] % 2 == 1).to_numpy()
    marks = [pd.Series(np.where(numbers, str(at + 1), LETTERS[at])) for at in range(len(LABELS))]
    prompts = drawn(texts(folder)["select"], rows["select"])
    with_block = prompts.str.contains("{options}", regex=False)
    said = only(present, np.array(LABELS, object))
    answer = joined(named(order, present), ", ").where(with_block, joined(said, ", "))
    prompts = filled(prompts, options=block([pd.Series(column) for column in options.T], marks))
    return pd.DataFrame({"prompt": prompts, "answer": answer, "form": "select"})


def set_turns(folder: Path, rows: Any, present: Any, absent: Any) -> Any:
    size = present.sum(axis=1)
    asked = (size <= 5) & (absent.sum(axis=1) >= 3)
    rows, present, absent, size = rows[asked].reset_index(), present[asked], absent[asked], size[asked]
    line = np.arange(len(rows))
    anchors = in_order(matrix(rows["others"]), absent)[:, :3]
    pool = present | absent
    np.put_along_axis(pool, anchors, False, 1)
    sets = [joined(named(in_order(matrix(rows["truth"]), present), present), ", ")]
    for place in range(3):
        rank = in_order(matrix(rows[f"list{place}"]), pool).argsort(axis=1)
        chosen = pool & (rank < size[:, None] - 1)
        chosen[line, anchors[:, place]] = True
        sets.append(joined(named(in_order(matrix(rows[f"order{place}"]), chosen), chosen), ", "))
    lower = np.stack([one.str.lower().to_numpy(object) for one in sets], axis=1)
    order = matrix(rows["which_options"]).argsort(axis=1)
    shown = block([pd.Series(column) for column in np.take_along_axis(lower, order, 1).T], LETTERS)
    marks = pd.Series(["(A)", "(B)", "(C)", "(D)"]).take((order == 0).argmax(axis=1)).reset_index(drop=True)
    answer = pd.Series(lower[:, 0]).mask(rows["which_reply"] % 2 == 1, marks)
    prompts = filled(drawn(texts(folder)["which_set"], rows["which"]), options=shown)
    return pd.DataFrame({"prompt": prompts, "answer": answer, "form": "which_set"}).set_index(rows["index"])


def presence_turns(folder: Path, rows: Any, present: Any, absent: Any) -> Any:
    first = ((rows["side"] / 2**64 < 0.5).to_numpy() | ~absent.any(axis=1))[:, None]
    disease = in_order(matrix(rows["disease"]), np.where(first, present, absent))[:, 0]
    inside = [label if any(word in label for word in ACRONYMS) else label.lower() for label in LABELS]
    order = matrix(rows["presence_options"]).argsort(axis=1)
    shown = np.array(["Options:\n(A) Yes\n(B) No", "Options:\n(A) No\n(B) Yes"], object)[order[:, 0]]
    prompts = drawn(texts(folder)["presence"], rows["presence"])
    prompts = filled(prompts, named=pd.Series(np.array(inside, object)[disease]), options=pd.Series(shown))
    answer = np.where(present[np.arange(len(rows)), disease], "Yes", "No")
    return pd.DataFrame({"prompt": prompts, "answer": answer, "form": "presence"})


# ---- VinDr-CXR


def abnormality_detection(folder: Path, out: Path) -> None:
    annotations, sizes, draws = read(folder, "annotations", "sizes", "draws")
    annotations["reader"] = annotations["reader"].fillna("")
    marked = annotations.dropna(subset=["x_min", "y_min", "x_max", "y_max"]).merge(sizes, on="image_id")
    order = ["image_id", "finding", "x_min", "y_min", "x_max", "y_max", "reader", "row"]
    marked = marked.sort_values(order)
    for name, corner, size in (
        ("x1", "x_min", "width"),
        ("y1", "y_min", "height"),
        ("x2", "x_max", "width"),
        ("y2", "y_max", "height"),
    ):
        marked[name] = (marked[corner] / marked[size]).clip(0.0, 1.0)
    boxes = merged(marked[["image_id", "finding", "x1", "y1", "x2", "y2"]])
    boxes = boxes.sort_values(["image_id", "x1", "y1", "x2", "y2", "finding"])
    whole = {name: np.floor(boxes[name] * 100 + 0.5).astype(int).astype(str) for name in ("x1", "y1", "x2", "y2")}
    corners = "(" + whole["x1"] + "," + whole["y1"] + "),(" + whole["x2"] + "," + whole["y2"] + ")"
    said = "<|ref|>" + boxes["finding"] + "<|/ref|><|box|>" + corners + "<|/box|>"
    numbers = (f'"{name}":' + boxes[name].astype(str) for name in ("x1", "y1", "x2", "y2"))
    target = '{"label":"' + boxes["finding"] + '",' + next(numbers)
    for number in numbers:
        target = target + "," + number
    by_image = pd.DataFrame({"said": said, "target": target + "}"}).groupby(boxes["image_id"])
    told = by_image.agg({"said": " ".join, "target": ",".join}).assign(count=by_image.size())
    parts = annotations.drop_duplicates("image_id")[["image_id", "part"]]
    rows = parts.merge(sizes, on="image_id").merge(draws, on="image_id").sort_values("image_id", ignore_index=True)
    rows = rows.merge(told, how="left", left_on="image_id", right_index=True)
    counts = rows["count"].fillna(0).astype(int)
    empty = drawn(texts(folder)["detect:empty"], rows["empty"])
    prompts = drawn(texts(folder)["detect"], rows["prompt"])
    some = (counts > 0).astype(int)
    columns = {"image": np.zeros(len(boxes), int), "label": boxes["finding"]} | {n: boxes[n] for n in whole}
    save(
        "abnormality_detection/vindr_cxr",
        out,
        key=rows["image_id"],
        split=rows["part"],
        space=["vindr_cxr"] * len(rows),
        study_id="vindr_cxr/" + rows["image_id"],
        images=("vindr_cxr/" + rows["path"]).to_numpy(object)[:, None].tolist(),
        sizes=nested(rows, some, rows[some == 1], schema().field("sizes").type),
        turns=one_turn(prompts, rows["said"].fillna(empty), ["detect"] * len(rows)),
        target="[" + rows["target"].fillna("") + "]",
        boxes=nested(rows, counts, columns, schema().field("boxes").type),
    )


def merged(boxes: Any) -> Any:
    """In rounds: in each group the first of the rest leads, and all that overlap with it become one box."""
    group, corners = ["image_id", "finding"], ["x1", "y1", "x2", "y2"]
    found: list[Any] = []
    while len(boxes):
        leaders = boxes.drop_duplicates(group)
        a, b = boxes[group].merge(leaders, on=group), boxes.reset_index(drop=True)
        width = np.minimum(a["x2"], b["x2"]) - np.maximum(a["x1"], b["x1"])
        height = np.minimum(a["y2"], b["y2"]) - np.maximum(a["y1"], b["y1"])
        both = width.clip(lower=0.0) * height.clip(lower=0.0)
        areas = [(box["x2"] - box["x1"]) * (box["y2"] - box["y1"]) for box in (a, b)]
        joins = both / (areas[0] + areas[1] - both) > 0.1
        picks = dict(zip(corners, ("min", "min", "max", "max"), strict=True))
        found.append(b[joins].groupby(group, as_index=False).agg(picks))
        boxes = b[~joins]
    return pd.concat(found, ignore_index=True)


# ---- Rad-ReStruct


def close_ended_vqa(folder: Path, out: Path) -> None:
    entries, frontal, draws = read(folder, "entries", "frontal", "draws")
    entries = entries[(entries["options"].str.len() >= 2) & (entries["answer_type"] != "multi_choice")]
    rows = entries.merge(frontal, on="n").merge(draws, on=["n", "position"])
    asked = [
        [f"Q: {said['question']} A: {', '.join(said['answers'])}" for said in history] for history in rows["history"]
    ]
    before = pd.Series(asked).str.join("\n")
    question = rows["question"].where(before == "", before + "\nQ: " + rows["question"])
    several = rows["answers"].str.len() > 1
    form = pd.Series(np.where(several, "several", "one"))
    of_form = {
        role: rows[f"one_{role}"].where(~several, rows[f"several_{role}"]) for role in ("prompt", "reply", "options")
    }
    each = pd.DataFrame({"option": rows["options"], "draw": of_form["options"]}).explode(["option", "draw"])
    each = each.rename_axis("row").reset_index()
    each["draw"] = each["draw"].astype("uint64")
    answers = rows["answers"].where(several, rows["answers"].str[:1])
    answers = answers.explode().rename("option").rename_axis("row").reset_index().drop_duplicates().assign(correct=True)
    each = each.merge(answers, on=["row", "option"], how="left")
    each["correct"] = each["correct"].notna()
    plain = each[each["correct"]]
    each = each.sort_values(["row", "draw"])
    place = each.groupby("row").cumcount()
    counts = each["row"].map(each.groupby("row").size())
    numbers = each["row"].map(several & (rows["several_marker"] % 2 == 1)) | (counts > len(LETTERS))
    letters = pd.Series([*LETTERS, *[""] * max(0, len(each) - len(LETTERS))]).take(place).to_numpy(object)
    mark = "(" + pd.Series(letters, each.index).where(~numbers, (place + 1).astype(str)) + ")"
    shown = "Options:\n" + (mark + " " + each["option"]).groupby(each["row"]).agg("\n".join)
    by_marker = each["row"].map(of_form["reply"]) % 2 == 1
    said = each["option"].mask(by_marker, mark)[each["correct"]].groupby(each["row"]).agg(", ".join)
    prompts = drawn(texts(folder)["one"], of_form["prompt"]).mask(
        several, drawn(texts(folder)["several"], of_form["prompt"])
    )
    quoted = ('"' + plain["option"].str.replace('"', '\\"', regex=False) + '"').groupby(plain["row"]).agg(",".join)
    save(
        "close_ended_vqa/rad_restruct",
        out,
        key=rows["n"].astype(str) + "/" + rows["position"].astype(str),
        split=rows["part"],
        space=["openi"] * len(rows),
        study_id="openi/" + rows["n"].astype(str),
        images=[[f"openi/{image}.png" for image in images] for images in rows["image_ids"]],
        turns=one_turn(filled(prompts, options=shown, question=question), said, form),
        target=quoted.where(~several, "[" + quoted + "]"),
    )


BUILD: Mapping[str, Callable[[Path, Path], None]] = {
    "view_classification/mimic_cxr": view_classification,
    "image_classification/mimic_cxr": image_classification,
    "findings_generation/mimic_cxr": findings_generation,
    "abnormality_detection/vindr_cxr": abnormality_detection,
    "close_ended_vqa/rad_restruct": close_ended_vqa,
}
