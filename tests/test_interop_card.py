"""The card and croissant.json as their readers see them: huggingface_hub and mlcroissant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from cxrspec.runtime.demo import demo_root
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.request import Result

from . import made_up
from .interop import library

pytestmark = pytest.mark.slow

SPECS = (
    "abnormality_detection/vindr_cxr",  # boxes, and no patient
    "findings_summarization/openi",  # text alone, one split
    "image_classification/rsna",  # three splits
    "progression_findings_generation/mimic_cxr",  # several images
)


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("card") / "out"
    return out, made_up.make(demo_root(), out, select=SPECS, emit=Formats(request.param), demo=True)


def test_the_hub_reads_the_header(output: tuple[Path, Result]) -> None:
    out, result = output
    card = library("huggingface_hub").DatasetCard.load(out / "README.md")
    assert (card.data.license, card.data.language) == ("other", ["en"])
    assert card.data.pretty_name == "Instruction Tuning Data for CXR"
    configs = {config["config_name"]: config["data_files"] for config in card.data.to_dict()["configs"]}
    assert configs.keys() == {name.replace("/", "--") for name in SPECS}
    files = {path for parts in configs.values() for part in parts for path in out.glob(part["path"])}
    assert files == {out / file.path for spec in result.manifest.specs for file in spec.files}
    assert card.text.lstrip().startswith("# ")


def plain(value: Any) -> Any:
    """A value as JSON has it; of mlcroissant bytes are texts, and fields have the last part of their names."""
    match value:
        case bytes():
            return value.decode()
        case dict():
            members = cast("Mapping[str, Any]", value)
            return {key.rpartition("/")[2]: plain(inner) for key, inner in members.items()}
        case list():
            return [plain(inner) for inner in cast("Sequence[Any]", value)]
        case float():
            return None if value != value else round(value, 12)  # NaN is null; pandas reads 13 digits of JSON lines
        case _:
            return value


@pytest.mark.filterwarnings("ignore:::mlcroissant", "ignore:::rdflib", "ignore:::pyparsing")
def test_croissant_is_valid_and_its_records_are_the_examples(output: tuple[Path, Result]) -> None:
    out, result = output
    dataset = library("mlcroissant").Dataset(jsonld=str(out / "croissant.json"))
    assert dataset.metadata.ctx.issues.errors == set()
    assert {one.id for one in dataset.metadata.record_sets} == {"splits", *SPECS}
    for spec in result.manifest.specs:
        found = {row["id"]: row for row in map(plain, dataset.records(spec.name))}
        files = [out / file.path for file in spec.files]
        read = pl.read_parquet if files[0].suffix == ".parquet" else read_lines
        wanted = {row["id"]: plain(row) for row in read(files).to_dicts()}
        assert found == wanted
    assert [plain(row) for row in dataset.records("splits")] == [
        {"name": "train", "url": "cr:TrainingSplit"},
        {"name": "val", "url": "cr:ValidationSplit"},
        {"name": "test", "url": "cr:TestSplit"},
    ]


def read_lines(files: list[Path]) -> pl.DataFrame:
    return pl.concat(pl.read_ndjson(file, infer_schema_length=None) for file in files)
