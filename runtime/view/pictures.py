"""The pictures of examples: where they lie, and their bytes as a browser shows them.

A path that leads out of the folders of pictures (../picture_files.py) is not followed, and a file that is no picture is
not handed out, whatever an output names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl

from cxrspec.compiler.bodies import Context, ImageCopies, path
from cxrspec.runtime import pictures
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.picture_files import places
from cxrspec.runtime.settings import Settings

Kind: TypeAlias = Literal["jpeg", "png", "dicom"]

_STARTS: Mapping[Kind, tuple[int, bytes]] = {
    "jpeg": (0, b"\xff\xd8\xff"),
    "png": (0, b"\x89PNG\r\n\x1a\n"),
    "dicom": (128, b"DICM"),
}
_CONVERTED = 16  # pictures that are kept as they were converted


class NotShownError(Exception):
    """Why a picture cannot be shown, in words for whoever looks at the example."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that is a picture."""

    file: Path
    kind: Kind


class Pictures:
    """The pictures of a lab, by the paths that examples have."""

    def __init__(self, settings: Settings) -> None:
        self.roots = Roots(settings.data, settings.sources)
        self.copies = pictures.copies(settings)

    def find(self, named: str) -> Picture:
        """The picture of the path that an example has.

        Raises:
            NotShownError: it is not there, or nothing that can be shown.
        """
        try:
            file = next((place for place in self._places(named) if place.is_file()), None)
            if file is None:
                raise NotShownError("There is no picture at this path.")
            kind = _kind(file)
        except (OSError, ValueError):  # no such name on this disk, or a file that must not be read
            raise NotShownError("The picture cannot be read.") from None
        if kind is None:
            raise NotShownError("This file is no JPEG, PNG or DICOM.")
        if kind == "dicom" and not find_spec("pydicom"):
            raise NotShownError("DICOM is shown with the packages of cxrspec[images].")
        return Picture(file, kind)

    def _places(self, named: str) -> Iterator[Path]:
        """Where the picture may lie; an output that was made without the lab's copies names none of them."""
        source, _, below = named.partition("/")
        if source in self.copies:
            copy = _copy(source, below, self.copies[source])
            yield from places(copy, self.roots, self.copies)
        yield from places(named, self.roots, self.copies)


def _copy(source: str, below: str, copies: ImageCopies) -> str:
    """Where the copy of a picture is, as a run with these settings would name it."""
    return str(pl.select(path(source, pl.lit(below), Context(images={source: copies}))).item())


def _kind(file: Path) -> Kind | None:
    """What a file is, by its first bytes."""
    with file.open("rb") as stream:
        head = stream.read(132)
    return next((kind for kind, (at, start) in _STARTS.items() if head[at:].startswith(start)), None)


def content(picture: Picture) -> tuple[bytes, str]:
    """The bytes of a picture as a browser shows them, and their media type.

    Raises:
        NotShownError: it is damaged, or of a form that cannot be converted.
    """
    try:
        if picture.kind == "jpeg":
            return picture.file.read_bytes(), "image/jpeg"
        if not find_spec("pydicom"):
            return picture.file.read_bytes(), "image/png"
        stat = picture.file.stat()
        return _converted(picture.file, picture.kind, stat.st_mtime_ns, stat.st_size), "image/png"
    except OSError:
        raise NotShownError("The picture cannot be read.") from None


@lru_cache(_CONVERTED)
def _converted(file: Path, kind: Literal["png", "dicom"], _mtime_ns: int, _size: int) -> bytes:
    from cxrspec.runtime.convert import NoPictureError, encoded, pixels

    try:
        made = pixels(file, kind)
    except NoPictureError as error:
        raise NotShownError(f"This is {error}.") from None
    return file.read_bytes() if made is None else encoded(made)
