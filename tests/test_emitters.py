"""Emitters: what is written reads back, and equal rows give equal bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrspec.runtime import emitters, writing
from cxrspec.runtime.emitters import SCHEMA, emitter, scan
from cxrspec.runtime.formats import Formats, formats, names
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.writing import Writer

TEXT = st.text(max_size=12)
UNIT = st.floats(0, 1)
INTS = st.integers(0, 2**40)


def records(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(fields), max_size=3)


EXAMPLES = st.lists(
    st.fixed_dictionaries(
        {
            "id": TEXT,
            "task": TEXT,
            "source": TEXT,
            "split": st.just("val"),
            "space": TEXT,
            "patient_id": st.none() | TEXT,
            "study_id": TEXT,
            "images": st.lists(TEXT, max_size=3),
            "sizes": records(width=INTS, height=INTS),
            "turns": records(prompt=TEXT, answer=TEXT, form=TEXT),
            "target": TEXT,
            "boxes": records(image=INTS, label=TEXT, x1=UNIT, y1=UNIT, x2=UNIT, y2=UNIT),
            "origin": st.lists(st.just("generated"), max_size=1),
        }
    ),
    min_size=1,
    max_size=7,
)


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def simple_row(number: int) -> dict[str, Any]:
    texts = dict.fromkeys(("task", "source", "space", "study_id", "target"), "x")
    lists: dict[str, list[Any]] = {name: [] for name in ("images", "sizes", "turns", "boxes", "origin")}
    return {"id": f"t/s/{number}", "split": "train", "patient_id": None, **texts, **lists}


def write(name: str, frames: Iterable[pl.DataFrame], folder: Path) -> list[Path]:
    """The files of examples in the format `name`, which come in frames."""
    writer = Writer(folder, Formats(name))
    for frame in frames:
        writer.add(frame)
    return writer.finish()[0][name]


def digests(paths: list[Path]) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_formats_are_the_files_of_the_folder() -> None:
    folder = Path(emitters.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in names()} == modules
    assert {"parquet", "jsonl"} <= set(names())


def test_examples_are_written_in_a_format_that_reads_back() -> None:
    assert formats([]) == Formats("parquet")
    assert formats(["openai"]) == Formats("parquet", ("openai",))
    assert formats(["openai", "jsonl", "parquet", "openai"]) == Formats("jsonl", ("openai", "parquet"))


def test_an_unknown_format_names_the_near_one() -> None:
    with pytest.raises(OutputError) as caught:
        emitter("parket")
    assert caught.value.diagnostic.code == "CXR807"
    assert caught.value.diagnostic.help == ("a near name exists: `parquet`",)


@pytest.mark.parametrize("name", ["parquet", "jsonl"])
@settings(max_examples=40, deadline=None)
@given(rows=EXAMPLES)
def test_written_examples_read_back(name: str, rows: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        written = write(name, [frame_of(rows)], Path(folder))
        assert scan(name, written).collect().to_dicts() == frame_of(rows).to_dicts()


@settings(max_examples=40, deadline=None)
@given(rows=EXAMPLES)
def test_json_lines_are_plain_json(rows: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        (path,) = write("jsonl", [frame_of(rows)], Path(folder))
        lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert found == rows
    assert all(list(row) == SCHEMA.names() for row in found)


@pytest.mark.parametrize("name", ["parquet", "jsonl"])
@settings(max_examples=20, deadline=None)
@given(rows=EXAMPLES, cut=st.integers(1, 6))
def test_chunks_do_not_show(name: str, rows: list[dict[str, Any]], cut: int) -> None:
    whole = frame_of(rows)
    pieces = pl.concat([whole[:cut], whole[cut:]], rechunk=False)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        written = digests(write(name, [whole], Path(one)))
        assert digests(write(name, [pieces], Path(other))) == written
        assert digests(write(name, [whole[:cut], whole[cut:]], Path(other))) == written


@pytest.mark.parametrize("name", ["parquet", "jsonl"])
def test_shards_are_cut_by_rows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROWS_PER_SHARD", 3)
    frame = frame_of([simple_row(number) for number in range(7)])
    written = write(name, [frame], tmp_path)
    assert [path.name for path in written] == [f"train-0000{n}-of-00003.{name}" for n in range(3)]
    assert sorted(tmp_path.iterdir()) == written
    counts = [scan(name, [path]).collect().height for path in written]
    assert counts == [3, 3, 1]
    assert scan(name, written).collect().equals(frame)


@pytest.mark.parametrize("name", ["parquet", "jsonl"])
def test_a_split_without_rows_has_no_file(name: str, tmp_path: Path) -> None:
    assert write(name, [SCHEMA.to_frame()], tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["parquet", "jsonl"])
def test_other_columns_are_refused(name: str, tmp_path: Path) -> None:
    frame = frame_of([simple_row(0)]).drop("origin")
    with pytest.raises(pl.exceptions.SchemaError):
        write(name, [frame], tmp_path)


LARGE = """
import sys
from pathlib import Path
import polars as pl
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.writing import Writer

rows, piece, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
i = pl.col("i")
number = (i * 7919 % 1_000_003).cast(pl.String)
lists = {
    "images": pl.concat_list(pl.format("p{}/{}.jpg", i % 100, number)),
    "sizes": pl.concat_list(pl.struct(width=i % 3000, height=i % 2000)),
    "turns": pl.concat_list(
        pl.struct(prompt=pl.format("what is {} turn {}", number, k), answer=number, form=pl.lit("f")) for k in range(4)
    ),
    "boxes": pl.concat_list(pl.struct(image=i % 2, label=number, **{c: i % 97 / 97 for c in ("x1", "y1", "x2", "y2")})),
    "origin": pl.lit([], dtype=pl.List(pl.String)),
}
texts = {name: number for name in ("task", "source", "space", "patient_id", "study_id", "target")}
made = {"id": pl.format("t/s/{}", i), "split": pl.lit("train"), **texts, **lists}
ordered = pl.int_range(rows, eager=True).alias("i").to_frame().select(**made).select(SCHEMA.names()).sort("id")
frame = pl.concat([ordered[start : start + piece] for start in range(0, rows, piece)], rechunk=False)
assert piece >= rows or frame.n_chunks() > 1
for formats in (Formats("parquet", ("llava", "messages", "ms-swift")), Formats("jsonl")):
    writer = Writer(folder, formats)
    for start in range(0, rows, 70_001):
        writer.add(frame[start : start + 70_001])
    writer.finish()
"""


def large(folder: Path, threads: int, piece: int) -> dict[str, str]:
    folder.mkdir()
    environment = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
    subprocess.run([sys.executable, "-c", LARGE, "320000", str(piece), str(folder)], check=True, env=environment)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    written = {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
    shutil.rmtree(folder)
    return written


@pytest.mark.slow
def test_threads_and_chunks_do_not_show_in_large_files(tmp_path: Path) -> None:
    """Small files are equal by luck: Polars cuts work and pages only above some hundred thousand rows."""
    first = large(tmp_path / "a", threads=1, piece=400_000)
    assert len(first) == 5 * 4
    assert large(tmp_path / "b", threads=4, piece=400_000) == first
    assert large(tmp_path / "c", threads=4, piece=777) == first
    assert large(tmp_path / "d", threads=1, piece=65_537) == first
