"""`webdataset` reads shards back: samples in their order, with the pictures that lie on disk, byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cxrspec.runtime.formats import formats

from . import made_up
from .chat_rows import plain
from .interop import library

pytestmark = [
    pytest.mark.slow,
    # the library leaves it to the collector to close a tar
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <_io.FileIO name=.*\.tar:pytest.PytestUnraisableExceptionWarning"
    ),
]

FINDINGS, SUMMARY = "findings_generation/openi", "findings_summarization/openi"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data root with a picture of its own for each image of some reports, and the output made of it."""
    folder = tmp_path_factory.mktemp("tars")
    data, out = made_up.shipped_root(folder / "data", 20), folder / "out"
    made_up.make(data, folder / "plain", select=[FINDINGS])
    images = sorted({image for row in made_up.rows(folder / "plain", FINDINGS).values() for image in row["images"]})
    for number, image in enumerate(images):
        (data / image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (number + 1, 2), number).save(data / image)
    result = made_up.make(data, out, select=[FINDINGS, SUMMARY], emit=formats(["webdataset"]))
    assert not result.diagnostics
    return data, out


def samples(out: Path, spec: str, *pictures: str) -> list[dict[str, Any]]:
    """The samples of a spec as the library has them: `pictures` as it decodes them, or bytes."""
    files = [str(file) for file in sorted((out / spec / "webdataset").iterdir())]
    read = library("webdataset").WebDataset(files, shardshuffle=False)
    return [*read.decode(*pictures)]


def test_pictures_are_those_on_disk(output: tuple[Path, Path]) -> None:
    data, out = output
    examples = made_up.rows(out, FINDINGS)
    found = samples(out, FINDINGS)
    assert len(found) == len(examples)
    for sample in found:
        told = sample["json"]
        images = examples[told["id"]]["images"]
        assert len(images) == len(told["images"])
        for image, name in zip(images, told["images"], strict=True):
            assert sample[name] == (data / image).read_bytes()
        rows = plain([examples[told["id"]]])
        said = [(chat["id"], *(message["content"] for message in chat["messages"])) for chat in told["chats"]]
        assert said == [(row.id, row.prompt, row.answer) for row in rows]


def test_pictures_decode(output: tuple[Path, Path]) -> None:
    data, out = output
    examples = made_up.rows(out, FINDINGS)
    for sample in samples(out, FINDINGS, "pil"):
        for image, name in zip(examples[sample["json"]["id"]]["images"], sample["json"]["images"], strict=True):
            with Image.open(data / image) as picture:
                assert sample[name].size == picture.size


def test_text_alone_is_a_sample(output: tuple[Path, Path]) -> None:
    _, out = output
    found = samples(out, SUMMARY)
    assert {sample["json"]["id"] for sample in found} == {*made_up.rows(out, SUMMARY)}
    assert {name for sample in found for name in sample if not name.startswith("__")} == {"json"}


def test_keys_are_unique(output: tuple[Path, Path]) -> None:
    _, out = output
    keys = [sample["__key__"] for sample in samples(out, FINDINGS)]
    assert len({*keys}) == len(keys)
