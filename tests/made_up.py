"""Made-up data roots in the layout of the real sources, and runs over them."""

from __future__ import annotations

import csv
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

from cxrspec.compiler.catalog import File, shipped
from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime import project
from cxrspec.runtime.request import Request, Result
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Settings

EXTRA = Path(__file__).parent / "specs_extra"
SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")

# ---- openi


def report_xml(findings: str | None, impression: str | None, images: Sequence[str]) -> str:
    """One report; a section that is None is left out, an empty one stands empty."""
    texts = {"COMPARISON": "", "INDICATION": "Cough", "FINDINGS": findings, "IMPRESSION": impression}
    sections = "".join(
        f'<AbstractText Label="{label}">{escape(text)}</AbstractText>'
        for label, text in texts.items()
        if text is not None
    )
    parents = "".join(f'<parentImage id="{image}"><figureId>F1</figureId></parentImage>' for image in images)
    abstract = f"<MedlineCitation><Article><Abstract>{sections}</Abstract></Article></MedlineCitation>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<eCitation><uId id="CXR"/>{abstract}{parents}</eCitation>\n'


def openi_reports(count: int = 60, seed: int = 5) -> dict[int, str]:
    """Reports with gaps in their numbers, empty and missing sections, both forms of image ids, and awkward text."""
    chance = random.Random(seed)
    words = [
        "The heart is normal.",
        "No  effusion,\n no pneumothorax",
        "{findings}",
        "<image>",
        "ä“é",
        "a/b % c",
        'said "so"',
        "\\n",
    ]
    numbers = sorted(chance.sample(range(1, 10 * count), count))
    found: dict[int, str] = {}
    for number in numbers:
        texts = [
            chance.choice([None, "", " \n ", *(" ".join(chance.sample(words, 3)) for _ in range(6))]) for _ in range(2)
        ]
        form = chance.choice(["CXR{n}_IM-{i:04d}-1001", "CXR{n}_1_IM-{i:04d}-3001"])
        images = [form.format(n=number, i=i) for i in range(chance.choice([0, 1, 2, 2, 3]))]
        found[number] = report_xml(texts[0], texts[1], images)
    return found


def write_openi(data: Path, reports: Mapping[int, str | bytes]) -> Path:
    path = data / "openi" / "NLMCXR_reports.tgz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for number, text in reports.items():
            content = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(f"ecgen-radiology/{number}.xml")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


# ---- rsna

RSNA_HEADER = ("patientId", "x", "y", "width", "height", "Target")


def rsna_rows(count: int = 120, seed: int = 7) -> list[tuple[object, ...]]:
    """Patients without a box, and with one to four, a row for each."""
    chance = random.Random(seed)
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        patient = f"{chance.getrandbits(64):016x}-{number}"
        boxes = chance.choice([0, 0, 0, 1, 2, 4])
        rows += [(patient, 10.0, 20.0, 30.5, 40.0, 1)] * boxes or [(patient, "", "", "", "", 0)]
    return rows


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def write_rsna(data: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = RSNA_HEADER) -> Path:
    """The zip of labels, under Kaggle's name, with its member under the other."""
    path = data / "rsna" / "kaggle_stage_2_train_labels.csv.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stage_2_train_labels.csv", csv_text(header, rows))
    return path


def write_nih_map(data: Path, links: Mapping[str, str]) -> Path:
    """The mapping file: RSNA's patients with the NIH images they are."""
    path = data / "rsna" / "pneumonia-challenge-dataset-mappings_2018.json"
    path.write_text(
        json.dumps(
            [{"subset_img_id": patient, "img_id": image, "orientation": "PA"} for patient, image in links.items()]
        )
    )
    return path


def shipped_root(data: Path, count: int = 60) -> Path:
    """A root with both sources that ship."""
    write_openi(data, openi_reports(count))
    write_rsna(data, rsna_rows(2 * count))
    return data


# ---- the sources of specs_extra

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis"),
    *("Hernia", "ILD", "Mass", "Nodule", "Pleural Thickening", "Pneumonia", "Pneumothorax"),
)


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def fourteen_rows(count: int = 60, seed: int = 3) -> list[tuple[str, str, int]]:
    """(image, findings in one cell, patient): none, some, and all fourteen."""
    chance = random.Random(seed)
    sizes = [0, 14, 1, 2, 5, 6, 13, *(chance.choice([0, 1, 1, 2, 3, 7]) for _ in range(count))]
    rows: list[tuple[str, str, int]] = []
    for number, size in enumerate(sizes[:count]):
        found = "|".join(chance.sample(FINDINGS, size)) or "No Finding"
        rows.append((f"{number // 3:08d}_{number % 3:03d}.png", found, number // 3 + 1))
    return rows


def write_fourteen(data: Path, rows: Sequence[tuple[str, str, int]]) -> None:
    """Labels, and the two lists: every fourth patient is in the test list."""
    folder = data / "fourteen"
    write_text(folder / "labels.csv", csv_text(("Image Index", "Finding Labels", "Patient ID"), rows))
    parts = {"train_val_list.txt": [r for r in rows if r[2] % 4], "test_list.txt": [r for r in rows if not r[2] % 4]}
    for name, part in parts.items():
        write_text(folder / name, "".join(f"{image}\n" for image, _, _ in part))


def write_notes(data: Path, count: int = 40, seed: int = 11, shuffle: int | None = None) -> None:
    """Visits of patients of three splits; unknown indications in two ways, missing notes."""
    chance = random.Random(seed)
    patients = [(f"s/{number}", ("train", "validate", "test")[number % 3]) for number in range(count // 3)]
    visits = [
        (
            100 + n,
            chance.choice(patients)[0],
            chance.choice(["", "N/A", " cough,  fever ", "pain"]),
            chance.choice(["", "Clear.", "a \n b"]),
        )
        for n in range(count)
    ]
    if shuffle is not None:
        random.Random(shuffle).shuffle(visits)
        random.Random(shuffle).shuffle(patients)
    write_text(data / "notes" / "visits.csv", csv_text(("visit", "subject", "indication", "note"), visits))
    write_text(data / "notes" / "patients.csv", csv_text(("subject", "part"), patients))


def write_views(data: Path, count: int = 70, seed: int = 12, remarks: bool = True) -> None:
    """Images of some of those visits, up to many; remarks on a few."""
    chance = random.Random(seed)
    views = [(f"i{n}", 100 + chance.randrange(0, 40, 2), chance.choice(["PA", "AP", "", "LL"])) for n in range(count)]
    write_text(data / "views" / "views.csv", csv_text(("image_id", "visit", "view"), views))
    if remarks:
        write_text(
            data / "views" / "remarks.csv",
            csv_text(("visit", "remark"), [(n, f"remark {n}") for n in range(100, 140, 6)]),
        )


def rounds(count: int = 24, seed: int = 13) -> dict[str, Any]:
    """The JSON documents by path: rounds of questions with their history, and loose ones."""
    chance = random.Random(seed)
    words = ["yes", "no", "left", "right, or so", "ä", "none"]
    documents: dict[str, Any] = {}
    for number in range(1, count + 1):
        entries: list[Any] = []
        history: list[Any] = []
        for step in range(chance.randrange(1, 5)):
            options = (
                chance.sample(["alpha", "beta", "gamma", "delta"], chance.randrange(1, 5))
                if chance.random() < 0.8
                else []
            )
            answers = chance.sample(options, chance.randrange(len(options) + 1)) if options else [chance.choice(words)]
            question = f"question {step}: {{x}}?"
            entries.append([question, answers, list(history), {"answer_type": "multi", "options": options}])
            history.append([question, answers])
        part = chance.choice(["morning", "evening"])
        documents[f"{part}_rounds/{number}.json"] = {"patient": number % 17, "entries": entries}
    documents["loose.json"] = [
        [100 + n, {"id": n % 5}, f"loose {n}", [chance.choice(words)] * (n % 3)] for n in range(12)
    ]
    return documents


def write_rounds(data: Path, documents: Mapping[str, Any]) -> None:
    for path, document in documents.items():
        folder = "recalls" if path == "loose.json" else "rounds"
        write_text(data / folder / path, json.dumps(document, ensure_ascii=False))


def extra_root(data: Path) -> Path:
    """A root with the sources of specs_extra."""
    write_fourteen(data, fourteen_rows())
    write_notes(data)
    write_views(data)
    write_rounds(data, rounds())
    return data


# ---- runs


@cache
def load(specs: Path | None = None, published: bool = False) -> Compilation:
    """What ships, with a folder of specs over it; no finding is tolerated."""
    compilation = project.load(specs or Path("no local specs"), published)
    assert not [d for d in compilation.diagnostics if d.severity == "error"], compilation.diagnostics
    return compilation


@cache
def licenses() -> File:
    """What ships of licences, which any source needs."""
    return next(file for file in shipped() if file.place == "licenses.yaml")


@cache
def shared() -> tuple[File, ...]:
    """What ships that any spec may speak of: words and licences."""
    return tuple(file for file in shipped() if file.place in ("words.yaml", "licenses.yaml"))


def file(name: str, text: str) -> File:
    """A local YAML file."""
    return File(name, name, text)


def make(
    data: Path,
    out: Path,
    compilation: Compilation | None = None,
    *,
    select: Sequence[str] = (),
    seed: int = 1,
    **asked: Any,
) -> Result:
    """Run the selected specs (all, if none is named) over `data`."""
    compilation = compilation or load()
    specs = [spec for name, spec in compilation.specs.items() if not select or name in select]
    settings = Settings(data, out, Path("no local specs"), seed)
    return run(compilation, Request(settings, specs, **asked))


def rows(out: Path, spec: str) -> dict[str, dict[str, Any]]:
    """The examples of a spec by id."""
    files = sorted((out / spec).glob("*.parquet"))
    return {row["id"]: row for file in files for row in pl.read_parquet(file).iter_rows(named=True)}


def data_files(out: Path) -> dict[str, bytes]:
    """The data files of an output by path."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.parquet"))}


def codes(result: Result) -> list[tuple[str, str | None]]:
    """The errors of a run: code and spec, sorted."""
    return sorted((d.code, d.spec) for d in result.diagnostics if d.severity == "error")
