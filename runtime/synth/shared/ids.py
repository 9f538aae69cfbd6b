"""Ids that are only there to be different: long numbers and hashes."""

from __future__ import annotations

import numpy as np


def digits(draws: np.random.Generator, count: int, length: int) -> list[str]:
    """So many numbers of `length` digits, as text; the first digit is not 0."""
    drawn = draws.integers(ord("0"), ord("9") + 1, (count, length), dtype=np.uint8)
    drawn[:, 0] = draws.integers(ord("1"), ord("9") + 1, count, dtype=np.uint8)
    return _cut(drawn.tobytes().decode(), length)


def hashes(draws: np.random.Generator, count: int, length: int) -> list[str]:
    """So many texts of `length` hex digits, an even number."""
    return _cut(draws.bytes(length // 2 * count).hex(), length)


def _cut(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]
