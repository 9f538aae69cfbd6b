"""The size of a picture: width and height in pixels, as its header says."""

from __future__ import annotations

import re

DICOM_ROWS = re.compile(rb"\x28\x00\x10\x00(?:US\x02\x00|\x02\x00\x00\x00)(..)", re.DOTALL)
DICOM_COLUMNS = re.compile(rb"\x28\x00\x11\x00(?:US\x02\x00|\x02\x00\x00\x00)(..)", re.DOTALL)
JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc2]\x00.\x08(..)(..)", re.DOTALL)


def dicom_size(content: bytes) -> tuple[int, int]:
    """The elements (0028,0011) and (0028,0010), explicit or not."""
    (width,), (height,) = DICOM_COLUMNS.findall(content), DICOM_ROWS.findall(content)
    return int.from_bytes(width, "little"), int.from_bytes(height, "little")


def jpeg_size(content: bytes) -> tuple[int, int]:
    """The frame header."""
    found = JPEG_FRAME.search(content)
    assert found is not None
    return int.from_bytes(found[2]), int.from_bytes(found[1])
