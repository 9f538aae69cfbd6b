"""`datasets` reads an output: every part of it by its name and split, and what else is Parquet for its readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from cxrspec.runtime.demo import demo_root
from cxrspec.runtime.formats import formats
from cxrspec.runtime.request import Result

from . import made_up
from .chat_rows import front, plain
from .interop import library

pytestmark = pytest.mark.slow

SPLITS = {"train": "train", "val": "validation", "test": "test"}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """All that ships, on made-up data."""
    out = tmp_path_factory.mktemp("interop") / "out"
    emit = formats(["parquet", "messages", "sharegpt", "ms-swift", "chexinstruct"])
    return out, made_up.make(demo_root(), out, emit=emit, boxes="ms_swift", demo=True)


def configs(out: Path) -> dict[str, str]:
    """The names of the parts by the folders of their files, as the card's header has them."""
    header: Any = yaml.safe_load((out / "README.md").read_text("utf-8").split("---\n")[1])
    found = {str(Path(one["data_files"][0]["path"]).parent): one["config_name"] for one in header["configs"]}
    assert len({*found.values()}) == len(header["configs"])
    return found


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library, which keeps what it makes of files in a folder of this test, and asks no server."""
    found = library("datasets")
    monkeypatch.setattr(found.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(found.config, "HF_HUB_OFFLINE", True)
    found.disable_progress_bars()
    return found


def test_every_part_loads_by_its_name(output: tuple[Path, Result], datasets: Any) -> None:
    """Counts are those of the manifest, rows those of the files."""
    out, result = output
    specs = {spec.name: spec for spec in result.manifest.specs if spec.files}
    names = configs(out)
    assert len(specs) == 55
    assert {*datasets.get_dataset_config_names(str(out))} == {*names.values()}
    assert names.keys() == specs.keys()
    for name, spec in zip(names.values(), map(specs.__getitem__, names), strict=True):
        loaded: Mapping[str, Any] = datasets.load_dataset(str(out), name)
        counts = {SPLITS[split]: counts.rows for split, counts in spec.splits.items() if counts.rows}
        assert {split: len(part) for split, part in loaded.items()} == counts
        for split, hub in SPLITS.items():
            if hub in loaded:
                wanted = pl.read_parquet(out / spec.name / f"{split}-*.parquet").to_dicts()
                assert loaded[hub].to_list() == wanted


@pytest.mark.parametrize("format", ["messages", "sharegpt", "ms-swift", "chexinstruct"])
def test_all_files_of_a_format_go_together(output: tuple[Path, Result], datasets: Any, format: str) -> None:
    """Those of text alone, of one image and of several: a column has one type in all of them."""
    out, result = output
    files = sorted(str(out / file.path) for spec in result.manifest.specs for file in spec.others[format])
    loaded = datasets.load_dataset("parquet", data_files=files, split="train")
    examples = pl.read_parquet([out / file.path for spec in result.manifest.specs for file in spec.files])
    assert len(loaded) == examples["turns"].list.len().sum()
    key = "unique_id" if format == "chexinstruct" else "id"
    wanted = {f"{row['id']}#{n}" for row in examples.select("id", "turns").to_dicts() for n in range(len(row["turns"]))}
    assert {*loaded[key]} == wanted
    images = loaded["image_path" if format == "chexinstruct" else "images"]
    assert all(isinstance(one, list) for one in images)
    assert {len(one) for one in images} >= {0, 1, 2}


def test_the_texts_of_chat_are_those_of_the_examples(output: tuple[Path, Result], datasets: Any) -> None:
    """Of the specs without boxes; ShareGPT's rows, as `datasets` has them."""
    out, result = output
    for spec in result.manifest.specs:
        examples = pl.read_parquet([out / file.path for file in spec.files])
        if examples["boxes"].list.len().sum():
            continue
        files = sorted(str(out / file.path) for file in spec.others["sharegpt"])
        loaded = datasets.load_dataset("parquet", data_files=files, split="train")
        found = {row["id"]: (row["images"], *(said["value"] for said in row["conversations"])) for row in loaded}
        assert found == {row.id: (row.images, row.prompt, row.answer) for row in plain(examples.to_dicts())}
        assert all(prompt.startswith(front(images, "")) for images, prompt, _ in found.values())
