"""Where the picture of an image may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxrspec.compiler.bodies import ImageCopies
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.picture_files import PictureFiles, places

COPIES = {"lab": ImageCopies("/copies"), "ward": ImageCopies("small")}


@pytest.mark.parametrize("named", ["lab/1.png", "ward/1.png", "/copies/deep/1.png", "small/1.png"])
def test_a_picture_is_found(tmp_path: Path, named: str) -> None:
    lies = {"lab/1.png": "data/lab/1.png", "ward/1.png": "elsewhere/1.png", "small/1.png": "data/small/1.png"}
    place = tmp_path / lies.get(named, "copies/deep/1.png")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"here")
    copies = {**COPIES, "lab": ImageCopies(f"{tmp_path}/copies")}
    pictures = PictureFiles(Roots(tmp_path / "data", {"ward": (tmp_path / "elsewhere",)}), copies)
    stream = pictures.open(named.replace("/copies", f"{tmp_path}/copies"))
    assert stream is not None
    with stream:
        assert stream.read() == b"here"
    assert not pictures.missing


def test_no_place_is_looked_at_twice() -> None:
    roots = Roots(Path("data"), {"ward": (Path("a"), Path("b"))})
    assert list(places("lab/1.png", roots, COPIES)) == [Path("data/lab/1.png")]
    assert list(places("ward/1.png", roots, COPIES)) == [Path("a/1.png"), Path("b/1.png"), Path("data/ward/1.png")]


@pytest.mark.parametrize(
    "named", ["../secret.png", "lab/../../secret.png", "{}/secret.png", "/{}/secret.png", "/copies/../{}/secret.png"]
)
def test_no_path_leads_out_of_the_folders(tmp_path: Path, named: str) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "data/lab").mkdir(parents=True)
    image = named.format(tmp_path)
    pictures = PictureFiles(Roots(tmp_path / "data", {}), COPIES)
    assert pictures.open(image) is None
    assert pictures.missing == {image}
