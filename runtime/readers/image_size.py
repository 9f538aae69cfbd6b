"""Sizes of pictures: `width` and `height` in pixels, as stored, from the headers of JPEG, PNG and DICOM files.

    width: int          height: int          path: {from: file(), type: text}

Only the head of a file is read. What a file is, its first bytes say and not its name. Sources of the forms: ISO/IEC
10918-1 B.2 (JPEG), ISO/IEC 15948 11.2.2 (PNG), DICOM PS3.5 chapter 7 and PS3.10 chapter 7.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Literal, TypeAlias

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.runtime.archives import Stream
from cxrspec.runtime.locate import Found, Located, problem, taken
from cxrspec.runtime.readers import Raw, unknown_places

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

Order: TypeAlias = Literal["big", "little"]

SIDES = ("width", "height")
_CHUNK = 1 << 13


def rows(read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
    """One row for every picture of `located`."""
    sides = {c.name: next((SIDES.index(p.path) for p in c.places if p.path in SIDES), None) for c in columns}
    unknown = [column for column in columns if sides[column.name] is None]
    unknown_places(read, unknown, "a picture has `width`, `height` and its path", problems)
    files: list[tuple[Found, int]] = []
    sizes: list[Size] = []
    for found, size in taken(located, problems, size_of):
        if isinstance(size, str):
            problems.append(problem("CXR614", size, found.name))
        else:
            files.append((found, 1))
            sizes.append(size)
    return Raw(tuple(files), {name: [size[side] for size in sizes] for name, side in sides.items() if side is not None})


def size_of(stream: Stream) -> Size | str:
    """Width and height of a picture, or what is wrong with it."""
    head = _Head(stream)
    try:
        size = _size(head)
    except _CutOffError:
        return "a picture whose header is cut off"
    except _BrokenError as error:
        return str(error)
    return size if min(size) > 0 else "a picture without width or height"


def _size(head: _Head) -> Size:
    if head.starts(b"\xff\xd8"):
        return _jpeg(head)
    if head.starts(b"\x89PNG\r\n\x1a\n"):
        return _png(head)
    if head.starts(b"DICM", 128):
        return _dicom(head)
    raise _BrokenError("neither a JPEG, a PNG nor a DICOM file")


class _CutOffError(Exception):
    """The file ends before its size is known."""


class _BrokenError(Exception):
    """What is wrong with a picture; holds no data."""


class _Head:
    """The start of a file, read as far as it is asked for."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.data = stream, b""

    def starts(self, magic: bytes, at: int = 0) -> bool:
        """Whether `magic` stands `at` this place; a shorter file has none."""
        try:
            return self.piece(at, len(magic)) == magic
        except _CutOffError:
            return False

    def piece(self, at: int, size: int) -> bytes:
        """`size` bytes from the place `at`."""
        while len(self.data) < at + size:
            more = self.stream.read(max(_CHUNK, at + size - len(self.data)))
            if not more:
                raise _CutOffError
            self.data += more
        return self.data[at : at + size]

    def number(self, at: int, size: int, order: Order = "big") -> int:
        """A whole number without a sign."""
        return int.from_bytes(self.piece(at, size), order)


# ---------------------------------------------------------------------------------------------------- JPEG and PNG

# Start of frame: C0 to CF, but DHT, JPG and DAC. Alone, without a length: TEM, RST0 to RST7.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9


def _jpeg(head: _Head) -> Size:
    at = 2
    while True:
        if head.number(at, 1) != 0xFF:
            raise _BrokenError("a damaged JPEG header")
        marker = head.number(at + 1, 1)
        if marker in _FRAMES:
            return head.number(at + 7, 2), head.number(at + 5, 2)
        if marker in (_SCAN, _END):
            raise _BrokenError("a damaged JPEG header")
        if marker == 0xFF:  # a fill byte
            at += 1
        else:
            at += 2 if marker in _ALONE else 2 + head.number(at + 2, 2)


def _png(head: _Head) -> Size:
    if head.piece(8, 8) != b"\x00\x00\x00\rIHDR" or head.number(29, 4) != zlib.crc32(head.piece(12, 17)):
        raise _BrokenError("a damaged PNG header")
    return head.number(16, 4), head.number(20, 4)


# ----------------------------------------------------------------------------------------------------------- DICOM

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_UNDEFINED = 0xFFFFFFFF
_SYNTAX, _ROWS, _COLUMNS = 0x00020010, 0x00280010, 0x00280011
_DELIMITERS = (0xFFFEE00D, 0xFFFEE0DD)  # of an item, of a sequence
_IMPLICIT, _BIG, _DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"


def _dicom(head: _Head) -> Size:
    syntax, start = b"", 132
    for tag, at, length in _elements(head, start, False, "little"):
        if tag >> 16 != 2:
            break
        if tag == _SYNTAX:
            syntax = head.piece(at, length).rstrip(b"\0 ")
        start = at + length
    if syntax == _DEFLATED:
        raise _BrokenError("a DICOM file that is deflated as a whole")
    order: Order = "big" if syntax == _BIG else "little"
    sides = dict.fromkeys((_COLUMNS, _ROWS), 0)
    for tag, at, length in _elements(head, start, syntax == _IMPLICIT, order):
        if tag in sides and length == 2:
            sides[tag] = head.number(at, 2, order)
        if tag >= _COLUMNS:
            break
    return sides[_COLUMNS], sides[_ROWS]


def _elements(head: _Head, at: int, implicit: bool, order: Order) -> Iterator[tuple[int, int, int]]:
    """(tag, place of the value, its length) of the elements of a data set, without those inside of sequences.

    A sequence of unknown length ends where its delimiter stands, so it is walked through; `inside` holds for it, and
    for each open item of it, whether the names of types (VR) are left out there.
    """
    inside: list[bool] = []
    named, whole = (Struct(f"{'<' if order == 'little' else '>'}{form}") for form in ("HH2sH", "HHI"))
    while True:
        nameless = inside[-1] if inside else implicit
        start = head.piece(at, 8)
        group, element, vr, length = named.unpack(start)
        at += 8
        if nameless or group == 0xFFFE:
            vr, length = b"", whole.unpack(start)[2]
        elif vr in _LONG:
            length, at = head.number(at, 4, order), at + 4
        tag = group << 16 | element
        if tag in _DELIMITERS:
            inside = inside[:-1]
        elif length == _UNDEFINED:
            inside.append(nameless or vr == b"UN")
        else:
            if not inside:
                yield tag, at, length
            at += length
