"""Pictures of which only the header matters: JPEG and DICOM, valid, tiny, and true about their size."""

from __future__ import annotations

import struct
from functools import cache

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"

_LONG = {"OB", "SQ"}
"""Value representations whose length takes four bytes in explicit files."""

_ENDLESS = 0xFFFFFFFF


@cache
def jpeg(width: int, height: int) -> bytes:
    """An all-grey baseline JPEG: each 8 x 8 block is two bits, `no change` and `end of block`."""
    huffman = bytes([1, *[0] * 15, 0])  # one code, the bit 0, for the symbol 0
    blocks = -(-width // 8) * -(-height // 8)
    whole, rest = divmod(2 * blocks, 8)
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, b"\0" + b"\x01" * 64),
            _segment(0xC0, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0)),
            _segment(0xC4, b"\x00" + huffman),
            _segment(0xC4, b"\x10" + huffman),
            _segment(0xDA, bytes([1, 1, 0, 0, 63, 0])),
            bytes(whole) + (bytes([0xFF >> rest]) if rest else b""),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def dicom(uid: str, width: int, height: int, photometric: str, syntax: str = EXPLICIT) -> bytes:
    """The header of a digital radiograph, without its pixels.

    As in real files, a sequence of undefined length stands before the size, and text of odd length is padded.
    """
    explicit = syntax != IMPLICIT
    kind = "1.2.840.10008.5.1.4.1.1.1.1"  # Digital X-Ray Image Storage
    about = b"".join(
        (
            _element(0x0002, 0x0001, "OB", b"\0\x01", explicit=True),
            _element(0x0002, 0x0002, "UI", kind, explicit=True),
            _element(0x0002, 0x0003, "UI", uid, explicit=True),
            _element(0x0002, 0x0010, "UI", syntax, explicit=True),
            _element(0x0002, 0x0012, "UI", "2.25.1", explicit=True),
        )
    )
    chest = b"".join(
        _element(0x0008, number, kind_of, text, explicit=explicit)
        for number, kind_of, text in (
            (0x0100, "SH", "51185008"),
            (0x0102, "SH", "SCT"),
            (0x0104, "LO", "Chest"),
        )
    )
    region = struct.pack("<HHI", 0xFFFE, 0xE000, _ENDLESS) + chest + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    return b"".join(
        (
            bytes(128) + b"DICM",
            _element(0x0002, 0x0000, "UL", struct.pack("<I", len(about)), explicit=True),
            about,
            _element(0x0008, 0x0016, "UI", kind, explicit=explicit),
            _element(0x0008, 0x0018, "UI", uid, explicit=explicit),
            _element(0x0008, 0x0060, "CS", "DX", explicit=explicit),
            _endless_sequence(0x0008, 0x2218, region, explicit=explicit),
            _element(0x0028, 0x0002, "US", struct.pack("<H", 1), explicit=explicit),
            _element(0x0028, 0x0004, "CS", photometric, explicit=explicit),
            _element(0x0028, 0x0010, "US", struct.pack("<H", height), explicit=explicit),
            _element(0x0028, 0x0011, "US", struct.pack("<H", width), explicit=explicit),
            _element(0x0028, 0x0100, "US", struct.pack("<H", 16), explicit=explicit),
            _element(0x0028, 0x0101, "US", struct.pack("<H", 12), explicit=explicit),
            _element(0x0028, 0x0102, "US", struct.pack("<H", 11), explicit=explicit),
            _element(0x0028, 0x0103, "US", struct.pack("<H", 0), explicit=explicit),
        )
    )


def _head(group: int, element: int, kind: str, length: int, *, explicit: bool) -> bytes:
    tag = struct.pack("<HH", group, element)
    if not explicit:
        return tag + struct.pack("<I", length)
    return tag + kind.encode() + (struct.pack("<HI", 0, length) if kind in _LONG else struct.pack("<H", length))


def _element(group: int, element: int, kind: str, value: bytes | str, *, explicit: bool) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    if len(data) % 2:
        data += b"\0" if kind == "UI" else b" "
    return _head(group, element, kind, len(data), explicit=explicit) + data


def _endless_sequence(group: int, element: int, items: bytes, *, explicit: bool) -> bytes:
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return _head(group, element, "SQ", _ENDLESS, explicit=explicit) + items + end
