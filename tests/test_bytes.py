"""The same inputs and seed make the same data files: whatever the engine, the threads, the order of rows, the company."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from cxrspec.runtime import execute

from . import made_up

T = TypeVar("T")
SCRIPT = Path(__file__).with_name("run_once.py")
ENGINES = ("in-memory", "streaming")
RUNS = (*ENGINES, "own")  # as run_once.py has them


def shuffled(items: Sequence[T], seed: int) -> list[T]:
    return random.Random(seed).sample(items, len(items))


def shuffle_csv(path: Path, seed: int) -> None:
    """The lines below the header in another order."""
    header, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    path.write_text("\n".join([header, *shuffled(lines, seed)]) + "\n", encoding="utf-8")


def shuffled_root(data: Path, seed: int) -> Path:
    """The whole root with the rows of every keyed input, and the files of its archives, in another order."""
    made_up.write_rsna(data, shuffled(made_up.rsna_rows(120), seed))
    made_up.write_openi(data, dict(shuffled(list(made_up.openi_reports(60).items()), seed)))
    made_up.write_nih_map(data, dict(shuffled(list(links().items()), seed)))
    made_up.write_rounds(data, dict(shuffled(list(made_up.rounds().items()), seed)))
    made_up.write_fourteen(data, shuffled(made_up.fourteen_rows(), seed))
    made_up.write_views(data)
    # a note may hold a line break, and so the file's lines are no rows
    made_up.write_notes(data, shuffle=seed)
    for path in (data / "views").glob("*.csv"):
        shuffle_csv(path, seed)
    return data


def links() -> dict[str, str]:
    """Some of RSNA's patients as NIH images, each of a patient of its own."""
    patients = sorted({str(row[0]) for row in made_up.rsna_rows(120)})
    return {patient: f"{place:08d}_000.png" for place, patient in enumerate(patients) if place % 2}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A root in its own order, and the data files that it makes."""
    folder = tmp_path_factory.mktemp("bytes")
    made_up.extra_root(made_up.shipped_root(folder / "data"))
    made_up.write_nih_map(folder / "data", links())
    made_up.make(folder / "data", folder / "out", made_up.load(made_up.EXTRA))
    return folder / "data", made_up.data_files(folder / "out")


def test_every_engine_and_number_of_threads(first: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """Over shuffled rows, so that luck has no order to agree on."""
    assert len(first[1]) > 15
    for threads in ("1", "4"):
        data = shuffled_root(tmp_path / f"data{threads}", int(threads))
        for out in separately(data, tmp_path / threads, made_up.EXTRA, threads):
            assert made_up.data_files(out) == first[1]


def separately(data: Path, out: Path, specs: Path, threads: str) -> list[Path]:
    """A run with each engine, and one with each stage on its own, in a process that has this many threads."""
    arguments = [sys.executable, str(SCRIPT), str(data), str(out), str(specs), "1", *RUNS]
    subprocess.run(arguments, check=True, env={**os.environ, "POLARS_MAX_THREADS": threads})
    return [out.with_name(f"{out.name}.{engine}") for engine in RUNS]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_spec_alone(first: tuple[Path, dict[str, bytes]], tmp_path: Path, engine: str) -> None:
    compilation = made_up.load(made_up.EXTRA)
    alone: dict[str, bytes] = {}
    for spec in compilation.specs:
        made_up.make(first[0], tmp_path / spec, compilation, select=[spec], engine=engine)
        alone |= made_up.data_files(tmp_path / spec)
    assert alone == first[1]


def test_a_spec_after_a_spec(first: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """An output made spec by spec is the one made at once."""
    compilation = made_up.load(made_up.EXTRA)
    for spec in shuffled(list(compilation.specs), 1):
        made_up.make(first[0], tmp_path / "out", compilation, select=[spec])
    assert made_up.data_files(tmp_path / "out") == first[1]


def test_batches_do_not_show(
    first: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the files nor in what is counted on the way."""
    compilation = made_up.load(made_up.EXTRA)
    spec = "image_classification/fourteen"
    manifests: list[bytes] = []
    for rows in (100_000, 7):
        monkeypatch.setattr(execute, "ROWS_AT_A_TIME", rows)
        made_up.make(first[0], tmp_path / str(rows), compilation, select=[spec])
        manifests.append((tmp_path / str(rows) / "manifest.json").read_bytes())
    assert len(made_up.rows(tmp_path / "7", spec)) > 14
    assert manifests[0] == manifests[1]


@pytest.mark.slow
def test_more_than_300_000_rows(tmp_path: Path) -> None:
    """Above what fits one shard, one row group, one morsel: small files are equal by luck."""
    rows = [(f"{number:08x}", "", "", "", "", number % 4 // 3) for number in range(310_000)]
    found: list[dict[str, bytes]] = []
    for threads in ("1", "4"):
        data = tmp_path / f"data{threads}"
        made_up.write_rsna(data, shuffled(rows, int(threads)))
        found += [made_up.data_files(out) for out in separately(data, tmp_path / threads, tmp_path / "none", threads)]
    assert len(found) == 6  # three runs with each number of threads
    assert all(files == found[0] for files in found)
    assert sum(len(made_up.rows(out, "image_classification/rsna")) for out in [tmp_path / "4.streaming"]) == 310_000
