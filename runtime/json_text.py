"""The text of JSON -> values, or what is wrong with it: decoded quickly, and told by Python's own decoder.

An object that has a key twice is a mistake, which a decoder does not see: it keeps one of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from cxrspec.runtime.casting import Cell


class BrokenJsonError(Exception):
    """Why a text is not JSON, and where; holds no data."""

    def __init__(self, message: str, line: int | None = None, help: str = "") -> None:
        super().__init__(message)
        self.line, self.help = line, help


def parse(text: str) -> Cell:
    """The value of a JSON text: from a quick decoder, and from a telling one where that refuses or a key is doubled.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    try:
        value: Cell = _QUICK.decode(text)
        if _colons(text) == _pairs(value):
            return value
    except _REFUSED:
        pass
    return _told(text)


_QUICK = msgspec.json.Decoder(float_hook=float)  # Python's own reading of what is no integer: the last bit, and 1e400
_ENCODER = msgspec.json.Encoder()
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)


def _pairs(value: object) -> int:
    """The pairs of all objects in a value, and the colons in its texts: no colon is escaped here."""
    return _ENCODER.encode(value).count(b":")


def _colons(text: str) -> int:
    r"""As many as the `_pairs` of what a JSON text says, and more if a key is doubled: a decoder drops a pair of these.

    An escaped backslash before `u003a` counts as well: too many, as if a key were doubled.
    """
    escaped = text.count("\\u003a") + text.count("\\u003A") if "\\" in text else 0
    return text.count(":") + escaped


def _told(text: str) -> Cell:
    """The value of a JSON text, or what is wrong with it.

    Raises:
        BrokenJsonError: it is not JSON, nested beyond reason, or an object has a key twice.
    """
    try:
        value: Cell = json.loads(text, object_pairs_hook=_mapping)
        if "\\ud" in text or "\\uD" in text:  # half of a pair of escapes is text to Python, but no UTF-8
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        lines = error.msg == "Extra data" and error.lineno > 1
        help = "one document in each line is `read: jsonl`" if lines else ""
        what = "a second document behind the first" if error.msg == "Extra data" else "broken JSON"
        raise BrokenJsonError(what, error.lineno, help) from None
    except RecursionError:
        raise BrokenJsonError("JSON that is nested too deeply") from None
    except UnicodeEncodeError:
        raise BrokenJsonError("a text with half a character (`\\ud800` without its other half)") from None
    except ValueError:  # a number of thousands of digits
        raise BrokenJsonError("a number that is too long") from None


def _mapping(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise BrokenJsonError("an object with the same key twice")
    return mapping


Opened: TypeAlias = "list[msgspec.Raw] | dict[str, msgspec.Raw]"
"""The items or members of a document, as they are written."""

_ITEMS, _MEMBERS = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(dict[str, msgspec.Raw])


def opened(text: str, kind: type[list[object]] | type[dict[str, object]]) -> Opened | None:
    """The items or members of a document of this kind; None: it is of another, or not sound."""
    try:
        return _ITEMS.decode(text) if kind is list else _MEMBERS.decode(text)
    except _REFUSED:
        return None


_AT_ONCE = 1 << 18
"""About the characters that are decoded at once: what is made of as many stays in a processor's cache."""


def batches(text: str, inside: Opened) -> Iterator[tuple[int, list[Cell]]]:
    """The values of some items or members of the document `text` at a time, and the place of the first of them.

    Raises:
        BrokenJsonError: as `parse`, in which line of the whole.
    """
    items = list(inside.values()) if isinstance(inside, dict) else inside
    pairs = _pairs(dict.fromkeys(inside) if isinstance(inside, dict) else {})
    step = 1 + len(items) * _AT_ONCE // len(text)
    for at in range(0, len(items), step):
        batch = items[at : at + step]
        try:
            values: list[Cell] = [_QUICK.decode(item) for item in batch]
        except _REFUSED:
            _told(text)  # says in which line of the whole it is
            values = [parse(bytes(item).decode()) for item in batch]
        pairs += _pairs(values)
        yield at, values
    if _colons(text) != pairs:
        _told(text)  # says that a key is doubled, if it is
