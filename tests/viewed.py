"""Outputs for the tests of `cxrspec view`: rows in plain Python, written as a run writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from cxrspec.runtime import manifest
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.manifest import Counts, File, Manifest, Spec, Versions
from cxrspec.runtime.writing import Writer

Row: TypeAlias = dict[str, Any]

SPLITS = ("train", "val", "test")
VERSIONS = Versions("0.1.0", "2.1.0", "0.9.3", "3.11")


def row(id: str, split: str, *turns: tuple[str, str], **columns: Any) -> Row:
    """An example; what is not said is empty."""
    task, source, _ = id.split("/", 2)
    return {
        "id": id, "task": task, "source": source, "split": split, "space": source, "patient_id": None,
        "study_id": f"{source}/s", "images": [], "sizes": [], "target": '"x"', "boxes": [], "origin": [],
        "turns": [{"prompt": prompt, "answer": answer, "form": "f"} for prompt, answer in turns],
    } | columns  # fmt: skip


def box(label: str, x1: float, y1: float, x2: float, y2: float, image: int = 0) -> Mapping[str, Any]:
    """A box of an example: corners in the unit frame."""
    return {"image": image, "label": label, "x1": x1, "y1": y1, "x2": x2, "y2": y2}


def write(out: Path, rows: Sequence[Row], emit: str = "parquet", demo: bool = False) -> None:
    """An output of these examples."""
    specs: list[Spec] = []
    for name in sorted({f"{one['task']}/{one['source']}" for one in rows}):
        own = sorted((one for one in rows if one["id"].startswith(f"{name}/")), key=lambda one: one["id"])
        writer = Writer(out / name, Formats(emit))
        writer.add(pl.DataFrame(own, schema=SCHEMA))
        written, _ = writer.finish()
        files = tuple(File(path.relative_to(out).as_posix(), 0, "") for path in written[emit])
        numbers = {split: sum(one["split"] == split for one in own) for split in SPLITS}
        splits = {split: Counts(number, 0, 0) for split, number in numbers.items()}
        task, source = name.split("/")
        specs.append(Spec(name, task.replace("_", " ").title(), source, "f00d", files=files, splits=splits))
    manifest.write(Manifest(VERSIONS, 1, "default", emit, demo=demo, specs=tuple(specs)), out)
