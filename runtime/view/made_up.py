"""Pictures for the examples of a demo, whose made-up sources have none: a drawn chest, and a spot in each box.

Nobody will take them for a radiograph. Each path has its own, the same every time; sides are in proportion to those of
the image, so boxes lie where they would on it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[float, float, float, float]
"""Corners in the unit frame: x1, y1, x2, y2."""

_LONGER_SIDE = 720  # pixels
_USUAL = (5, 6)  # width to height, where nothing says otherwise


def drawn(path: str, size: tuple[int, int] | None, boxes: Sequence[Box]) -> bytes:
    """A picture as PNG of 8-bit greys; `size` is the image's width and height in pixels."""
    draws = np.random.Generator(np.random.PCG64(int.from_bytes(sha256(path.encode()).digest()[:8], "big")))
    wide, high = size or _USUAL
    scale = _LONGER_SIDE / max(wide, high)
    width, height = max(1, round(wide * scale)), max(1, round(high * scale))
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    dx, dy = draws.uniform(-0.015, 0.015, 2)
    x, y = x - dx, y - dy
    body = _soft(x, y, (0.5, 0.95, 0.6, 0.94), 0.16)
    neck = _soft(x, y, (0.5, 0.0, 0.15, 0.3), 0.3)
    lungs = np.maximum(_soft(x, y, (0.31, 0.46, 0.155, 0.315), 0.12), _soft(x, y, (0.69, 0.46, 0.155, 0.315), 0.12))
    heart = _soft(x, y, (0.57, 0.62, 0.15, 0.14), 0.3)
    lungs *= 1 - 0.8 * heart
    spine = np.exp(-(((x - 0.5) / 0.045) ** 2))
    bent = y * 15 - 9 * np.abs(x - 0.5) ** 1.6  # ribs fall away from the spine
    ribs = np.clip(np.sin(bent * 2 * np.pi) - 0.35, 0, 1) * lungs
    grey = 12 + 128 * np.maximum(body, neck) - 96 * lungs + 30 * ribs + 18 * heart + 34 * spine * body
    for x1, y1, x2, y2 in boxes:
        middle, half = ((x1 + x2) / 2 - dx, (y1 + y2) / 2 - dy), ((x2 - x1) / 2, (y2 - y1) / 2)
        grey += 70 * _soft(x, y, (*middle, 0.8 * max(half[0], 1e-3), 0.8 * max(half[1], 1e-3)), 0.7)
    noise = draws.normal(0, 3.5, (height, width))
    return _png(np.clip(grey + noise, 0, 255).astype(np.uint8))


def _soft(
    x: NDArray[np.float64], y: NDArray[np.float64], ellipse: tuple[float, float, float, float], edge: float
) -> NDArray[np.float64]:
    """1 inside an ellipse (middle, half axes), 0 outside; between them over a share `edge` of the axes."""
    across, down, wide, high = ellipse
    distance = np.sqrt(((x - across) / wide) ** 2 + ((y - down) / high) ** 2)
    return np.clip((1 + edge / 2 - distance) / edge, 0, 1)


def _png(greys: NDArray[np.uint8]) -> bytes:
    height, width = greys.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), greys], axis=1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
