"""Pictures of a source as PNG files of 8 bits a sample, of the same size, for trainings that read no others.

DICOM (PS3.3 C.11): the modality LUT or rescale, then the first VOI LUT, else the first window, whose range becomes 0 to
255. Without either, pixels of up to 8 bits stay as they are, and deeper ones are scaled between the smallest and the
largest of the picture. MONOCHROME1 is inverted: 0 is black everywhere. Colours become RGB.
PNG: a grey of 16 bits is scaled between the smallest and the largest of the picture; others are copied.

Needs the packages of `cxrspec[images]`.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.runtime.locate import problem

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width), or (height, width, 3) of a picture in colour."""

Kind: TypeAlias = Literal["dicom", "png"]
"""What is converted."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GREY = ("MONOCHROME1", "MONOCHROME2")
_FAR = 1e12  # beyond every grey
_SAID_EVERY = 500  # pictures between two lines of progress


@dataclass(frozen=True, slots=True)
class Converted:
    """How many pictures were written, how many were there before, and what could not be converted.

    `pattern` finds the written picture of an original one; see settings.Images.
    """

    made: int
    there: int
    pattern: str
    findings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture to convert: its file, the name that messages show, and where it is written."""

    file: Path
    name: str
    target: Path
    kind: Kind


class NoPictureError(Exception):
    """Why a file cannot be converted or shown; holds no data."""


def convert(
    folders: Sequence[Path], out: Path, shown: Callable[[Path], str], progress: Callable[[str], None]
) -> Converted:
    """Write the DICOM and PNG pictures below `folders` into `out`, at the same relative path with the suffix .png.

    What is there is left as it is, so that a run that was stopped goes on where it was. `shown` names a file in
    messages.

    Raises:
        OSError: a file cannot be written.
    """
    out = out.resolve()
    findings: list[Diagnostic] = []
    pictures = list(_pictures(folders, out, shown, findings))
    new = [picture for picture in pictures if not picture.target.exists()]
    made = 0
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")  # pydicom's and Pillow's show what stands in a file
        for number, found in enumerate(pool.map(_convert, new), 1):
            if found is None:
                made += 1
            else:
                findings.append(found)
            if number % _SAID_EVERY == 0 or number == len(new):
                progress(f"{number:,} of {len(new):,} pictures")
    nested = any(picture.target.parent != out for picture in pictures)
    return Converted(made, len(pictures) - len(new), "{parent}/{stem}.png" if nested else "{stem}.png", tuple(findings))


def _pictures(
    folders: Sequence[Path], out: Path, shown: Callable[[Path], str], findings: list[Diagnostic]
) -> Iterator[_Picture]:
    """What there is to convert, in a stable order; two files that would become one are a finding."""
    taken: set[Path] = set()
    for root in folders:
        for file in _files(root, out):
            try:
                kind = _kind(file)
            except OSError as error:
                findings.append(_unreadable(error, shown(file)))
                continue
            if kind is None:
                continue
            below = file.relative_to(root).parent
            target = out / below / (re.sub(r"\.[^.]*$", "", file.name) + ".png")
            if target in taken:
                message = "a picture that has the name of another but for its suffix"
                findings.append(problem("CXR615", message, shown(file)))
            else:
                taken.add(target)
                yield _Picture(file, shown(file), target, kind)


def _files(root: Path, out: Path) -> Iterator[Path]:
    """The files below a folder without hidden ones and without what was written before."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (here / name).resolve() != out)
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def _kind(file: Path) -> Kind | None:
    """What a file is, by its first bytes; None: nothing that is converted."""
    with file.open("rb") as stream:
        head = stream.read(132)
    return "png" if head.startswith(_PNG) else "dicom" if head[128:] == b"DICM" else None


def _convert(picture: _Picture) -> Diagnostic | None:
    """Write one picture; what stands in the way is returned."""
    try:
        found = pixels(picture.file, picture.kind)
    except NoPictureError as error:
        return problem("CXR615", str(error), picture.name)
    except OSError as error:
        return _unreadable(error, picture.name)
    picture.target.parent.mkdir(parents=True, exist_ok=True)
    part = picture.target.with_name(f".{picture.target.name}.part")
    if found is None:
        shutil.copyfile(picture.file, part)
    else:
        Image.fromarray(found).save(part, "PNG")
    part.replace(picture.target)
    return None


def _unreadable(error: OSError, name: str) -> Diagnostic:
    reason = (error.strerror or "input/output error").lower()
    return problem("CXR602", f"a file that cannot be read: {reason}", name)


# ------------------------------------------------------------------------------------------------------------ pixels


def pixels(file: Path, kind: Kind) -> Pixels | None:
    """What a picture is converted to; None: it has 8 bits a sample as it is.

    Raises:
        NoPictureError: the file is damaged, or of a kind that is not converted.
        OSError: the file cannot be read.
    """
    return _of_dicom(file) if kind == "dicom" else _of_png(file)


def encoded(picture: Pixels) -> bytes:
    """A picture as PNG, in little time rather than few bytes."""
    made = io.BytesIO()
    Image.fromarray(picture).save(made, "PNG", compress_level=1)
    return made.getvalue()


@contextmanager
def _decoding(what: str) -> Generator[None]:
    """What others raise for broken content, which may be anything and show data, becomes `what`."""
    try:
        yield
    except NoPictureError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise NoPictureError(what) from None


def _of_png(file: Path) -> Pixels | None:
    """The pixels of a picture of 16 bits; None: it is copied as it is."""
    with file.open("rb") as stream:
        head = stream.read(26)
    if len(head) < 26:
        raise NoPictureError("a damaged PNG file")
    depth, colour = head[24:]
    if depth != 16:
        return None
    if colour != 0:
        raise NoPictureError("a PNG of 16 bits in colour or with transparency")
    with _decoding("a damaged PNG file"), Image.open(file) as image:
        return _mapped(np.asarray(image, np.int64), lambda greys: _scaled(greys, greys[0], greys[-1]))


def _of_dicom(file: Path) -> Pixels:
    with _decoding("a damaged DICOM file"):
        data: Dataset = pydicom.dcmread(file)  # pyright: ignore[reportUnknownMemberType]
        syntax = UID(data.file_meta.TransferSyntaxUID)
        if "PixelData" not in data:
            raise NoPictureError("a DICOM file without pixels")
        if int(data.get("NumberOfFrames") or 1) > 1:
            raise NoPictureError("a DICOM file of several frames")
        grey = data.PhotometricInterpretation in _GREY
        if data.BitsAllocated > (16 if grey else 8) or not (grey or data.SamplesPerPixel == 3):
            raise NoPictureError("a DICOM file of neither greys of up to 16 bits nor RGB of 8")
    stored_as = syntax.name if syntax.is_transfer_syntax else "an unknown syntax"
    with _decoding(f"a DICOM file whose pixels cannot be read or displayed ({stored_as})"):
        stored = np.asarray(pixel_array(data), np.int64)  # pyright: ignore[reportUnknownArgumentType]
        pixels = _mapped(stored, lambda greys: _displayed(greys, data)) if grey else stored.astype(np.uint8)
        return ~pixels if data.PhotometricInterpretation == "MONOCHROME1" else pixels


def _mapped(stored: NDArray[np.int64], display: Callable[[NDArray[np.int64]], Pixels]) -> Pixels:
    """The picture with each grey displayed; that is computed once for all there can be between the outermost two."""
    least, most = int(stored.min()), int(stored.max())
    return np.take(display(np.arange(least, most + 1)), stored - least)


def _displayed(greys: NDArray[np.int64], data: Dataset) -> Pixels:
    """Stored greys as they are displayed, before MONOCHROME1 is inverted."""
    values = apply_modality_lut(greys, data)
    table = (data.get("VOILUTSequence") or [None])[0]
    if table is not None:
        order = "<" if data.file_meta.TransferSyntaxUID.is_little_endian else ">"
        return _scaled(_looked_up(values, table, order), 0, 2 ** table.LUTDescriptor[2] - 1)
    if None not in (data.get("WindowCenter"), data.get("WindowWidth")):
        with np.errstate(over="ignore"):
            return _scaled(apply_windowing(values, data), *apply_windowing(np.array([-_FAR, _FAR]), data))
    if data.BitsStored <= 8 and not data.PixelRepresentation:
        return _scaled(greys, 0, 2**data.BitsStored - 1)
    return _scaled(values, values.min(), values.max())


def _looked_up(values: NDArray[Any], table: Dataset, order: str) -> NDArray[np.int64]:
    """PS3.3 C.11.2.1.1. (pydicom's own wraps around where a table of 8 bits has more than 256 entries.)"""
    said: bytes | Sequence[int] = table.LUTData
    entries = np.frombuffer(said, f"{order}u2") if isinstance(said, bytes) else np.asarray(said)
    number, first, _ = table.LUTDescriptor
    places: NDArray[np.int64] = np.clip(np.rint(values) - first, 0, (number or 2**16) - 1).astype(np.int64)
    return np.take(entries.astype(np.int64), places)


def _scaled(values: NDArray[Any], low: float, high: float) -> Pixels:
    """`low` to `high` as 0 to 255, to the nearest; what lies outside is cut off."""
    shares = (values - low) / (high - low) if high != low else np.zeros(values.shape)
    return np.floor(np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8)
