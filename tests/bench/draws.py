"""What the contestants of COMPARE are given beside the tables: the prompts by ticket, and the draws as columns.

Draws are those of docs/language.md. pandas and SQL have no such function, so a table of draws lies beside the others, with one
row for each row of the table that the examples are made from: a number for each site, or a list of the items' own.
The row loop draws for itself, as such scripts do; so do we.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.compiler.bodies import hashed, mixed
from tests.oracle.classification import COMPETITION, sides
from tests.oracle.examples import Task
from tests.oracle.mimic import LABELS
from tests.oracle.prompts import Leaf, decoys, draw, in_drawn_order, odd

SEED = 1
VIEWS = ("AP", "PA", "LATERAL", "LL")
YES_NO = ("Yes", "No")


def prompts(task: str) -> dict[str, list[str]]:
    """The texts of each form by ticket, slots in braces; those for answers of nothing under `<form>:empty`."""
    its = Task(task)
    wheels = its.wheels | {f"{form}:empty": wheel for form, wheel in its.empty.items()}
    return {form: [_text(wheel.at(ticket)) for ticket in range(wheel.tickets)] for form, wheel in wheels.items()}


def _text(leaf: Leaf) -> str:
    return leaf.printed({name: f"{{{name}}}" for name in ("options", "named", "question")})


def at(site: str) -> pl.Expr:
    """The draw of the row's id at a site."""
    return mixed(hashed(pl.lit(str(SEED)), pl.col("id")), site)


def of_each(site: str, items: Sequence[str], name: str = "") -> pl.Expr:
    """The items' own draws, as a list, by that of the site or of a `name` there; UInt64 wraps round at 2^64."""
    drawn = at(site) * pl.lit(odd(name) if name else 1, pl.UInt64)
    return pl.concat_list([drawn * pl.lit(odd(item), pl.UInt64) for item in items])


def view_classification(folder: Path) -> pl.DataFrame:
    return _mimic(folder, "view_classification", "dicom_id").select(
        "dicom_id",
        "otherwise",
        coarse=at("coarse"),
        prompt=at("choose:prompt"),
        reply=at("choose:reply"),
        options=of_each("choose:options", VIEWS),
    )


def findings_generation(folder: Path) -> pl.DataFrame:
    return _mimic(folder, "findings_generation", "study_id").select("study_id", "otherwise", prompt=at("write:prompt"))


def image_classification(folder: Path) -> pl.DataFrame:
    places = range(3)
    drawn = _mimic(folder, "image_classification", "study_id").select(
        "study_id",
        "otherwise",
        keep=at("keep.no_finding"),
        select=at("select:prompt"),
        select_marker=at("select:marker"),
        select_options=of_each("select:options", LABELS),
        which=at("which_set:prompt"),
        which_reply=at("which_set:reply"),
        truth=of_each("which_set.truth", LABELS),
        others=of_each("which_set.others", LABELS),
        **{f"list{place}": of_each("which_set.others", LABELS, f"items {place}") for place in places},
        **{f"order{place}": of_each("which_set.others", LABELS, f"order {place}") for place in places},
        presence=at("presence:prompt"),
        presence_options=of_each("presence:options", YES_NO),
        side=at("presence.disease"),
        disease=of_each("presence.disease", LABELS),
    )
    return drawn.join(_set_options(folder), on="study_id", how="left")


def _set_options(folder: Path) -> pl.DataFrame:
    """The draws of the four sets from which one is chosen: of the true one, and of its decoys."""
    found: list[tuple[int, list[int]]] = []
    labels = pl.read_parquet(folder / "labels.parquet")
    for row in labels.rename(lambda name: name.removeprefix("mentions.")).iter_rows(named=True):
        cells = {label: "" if row[label] is None else str(row[label]) for label in LABELS}
        positives, negatives = sides(cells, COMPETITION)
        if not 1 <= len(positives) <= 5 or len(negatives) < 3:
            continue
        id = f"image_classification/mimic_cxr/{row['study_id']}"
        truth = in_drawn_order(SEED, id, "which_set.truth", positives)
        sets = [truth, *decoys(SEED, id, "which_set.others", positives, negatives, 3)]
        texts, drawn = [", ".join(labels).lower() for labels in sets], draw(SEED, id, "which_set:options")
        found.append((row["study_id"], [drawn * odd(text) % 2**64 for text in texts]))
    return pl.DataFrame(found, {"study_id": pl.Int64, "which_options": pl.List(pl.UInt64)}, orient="row")


def abnormality_detection(folder: Path) -> pl.DataFrame:
    images = pl.read_parquet(folder / "sizes.parquet").select("image_id")
    return images.with_columns(id=pl.concat_str(pl.lit("abnormality_detection/vindr_cxr/"), "image_id")).select(
        "image_id", prompt=at("detect:prompt"), empty=at("detect:empty")
    )


def close_ended_vqa(folder: Path) -> pl.DataFrame:
    """`options` are the draws of the options, in their order."""
    entries = pl.read_parquet(folder / "entries.parquet", columns=["n", "position", "options"])
    drawn = entries.with_columns(id=pl.format("close_ended_vqa/rad_restruct/{}/{}", "n", "position"))
    forms = ("one", "several")
    columns = {f"{form}_{role}": at(f"{form}:{role}") for form in forms for role in ("prompt", "reply")}
    each = drawn.explode("options").with_columns(
        **{f"{form}_options": at(f"{form}:options") * (hashed(pl.col("options")) | 1) for form in forms}
    )
    lists = each.group_by("n", "position", maintain_order=True).agg(f"{form}_options" for form in forms)
    return drawn.select("n", "position", several_marker=at("several:marker"), **columns).join(
        lists, on=["n", "position"]
    )


def _mimic(folder: Path, task: str, key: str) -> pl.DataFrame:
    """The keys of images or studies with the ids of their examples, and the draw of patients that no split names."""
    rows = pl.read_parquet(folder / "metadata.parquet").unique(key, maintain_order=True)
    who = pl.concat_str(pl.lit("mimic/"), "subject_id")
    return rows.with_columns(
        id=pl.concat_str(pl.lit(f"{task}/mimic_cxr/"), key),
        otherwise=mixed(hashed(pl.lit(str(SEED)), who), "space mimic"),
    )


DRAWS: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    "view_classification/mimic_cxr": view_classification,
    "image_classification/mimic_cxr": image_classification,
    "findings_generation/mimic_cxr": findings_generation,
    "abnormality_detection/vindr_cxr": abnormality_detection,
    "close_ended_vqa/rad_restruct": close_ended_vqa,
}


def write(spec: str, folder: Path) -> None:
    """Put the prompts (as JSON and as a table) and the draws beside the tables of a spec."""
    texts = prompts(spec.partition("/")[0])
    (folder / "prompts.json").write_text(json.dumps(texts), "utf-8")
    forms = [pl.DataFrame({"form": form, "ticket": range(len(of)), "text": of}) for form, of in texts.items()]
    pl.concat(forms).write_parquet(folder / "prompts.parquet")
    DRAWS[spec](folder).write_parquet(folder / "draws.parquet")
