"""croissant.json: what it says is what the manifest says; tests/test_interop_croissant.py has mlcroissant read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cxrspec.runtime.croissant import croissant
from cxrspec.runtime.emitters import SCHEMA
from cxrspec.runtime.manifest import Counts, File, Manifest, Source, Spec, Versions

TERMS = {"access": "credentialed", "redistribute": "no"}
FILES = tuple(
    File(f"view/a/{split}-00000-of-00001.parquet", size, split * 8) for split, size in (("train", 7), ("test", 9))
)
MANIFEST = Manifest(
    Versions("0.1.0", "2.1.0", "0.9.0", "3.11"),
    1729,
    "published",
    "parquet",
    sources=(
        Source("a", "The A set", "Closed", "https://example.org/a", ("A. Author. The A set. 2020.",), TERMS),
        Source("b", "The B set", "Open", "https://example.org/b", (), {}),
    ),
    specs=(
        Spec("view/a", "View", "a", "f00d", files=FILES, terms=TERMS, splits={"train": Counts(1200, 1, 1)}, leak="why"),
        Spec("view/empty", "View", "a", "beef"),
    ),
)


@pytest.fixture(scope="module")
def found() -> Any:
    return json.loads(croissant(MANIFEST, "c0ffee"))


def test_every_file_stands_in_it_with_its_hash(found: Any) -> None:
    files = {node["contentUrl"]: node["sha256"] for node in found["distribution"] if node["@type"] == "cr:FileObject"}
    assert files == {"manifest.json": "c0ffee", **{file.path: file.sha256 for file in FILES}}
    (together,) = [node for node in found["distribution"] if node["@type"] == "cr:FileSet"]
    assert together["includes"] == [file.path for file in FILES]


def test_a_spec_with_files_is_a_record_set_with_all_columns(found: Any) -> None:
    splits, records = found["recordSet"]
    assert [row["splits/url"] for row in splits["data"]] == ["cr:TrainingSplit", "cr:ValidationSplit", "cr:TestSplit"]
    assert records["@id"] == "view/a"
    assert records["description"] == "1,200 examples. Terms: access: credentialed, redistribute: no."
    fields = {field["name"]: field for field in records["field"]}
    assert fields.keys() == set(SCHEMA)
    assert fields["split"]["references"] == {"field": {"@id": "splits/name"}}
    for name, dtype in SCHEMA.items():
        inner = getattr(dtype, "inner", None)
        parts = [part.name for part in getattr(inner, "fields", [])]
        assert [part["name"] for part in fields[name].get("subField", [])] == parts
    assert fields["boxes"]["dataType"] == "cr:BoundingBox"


def test_it_says_where_all_of_it_comes_from(found: Any) -> None:
    assert [(one["@id"], one["prov:label"]) for one in found["prov:wasDerivedFrom"]] == [
        ("https://example.org/a", "The A set"),
        ("https://example.org/b", "The B set"),
    ]
    assert found["license"] == ["Closed", "Open"]
    assert found["citeAs"] == "A. Author. The A set. 2020."
    assert found["usageInfo"] == ["access: credentialed, redistribute: no (view/a)"]
    assert found["rai:dataLimitations"][0] == "view/a: its prompts print what the answer says: why"
    assert "1729" in found["prov:wasGeneratedBy"]["prov:label"]
