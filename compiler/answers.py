"""The parsers of the answer formats: what a reply says, given the options in the order printed and nothing else.

turns.py holds the printers. `parse(print(x)) == x` holds for every answer that leaves it: a row whose answer could not
be read back is a bad row. Boxes come back up to the grid of their dialect.

    parse_choice("(B)", ["PA", "AP"])              ->  "AP"
    parse_choices("AP, PA", ["PA", "AP"], None)    ->  ("PA", "AP")
    parse_counts("Omission: 2", None)              ->  (("Omission", 2),)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import NamedTuple, TypeAlias

from cxrspec.compiler import plan as p
from cxrspec.compiler.dialects import DEFAULT, DIALECTS, Dialect


class Boxed(NamedTuple):
    """A box with its label; corners as shares of the image."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float


Said: TypeAlias = str | tuple[str, ...] | tuple[Boxed, ...] | tuple[tuple[str, str], ...] | tuple[tuple[str, int], ...]


def parse(
    answer: p.Answer,
    reply: str,
    shown: Sequence[str] = (),
    dialect: Dialect = DIALECTS[DEFAULT],
    size: tuple[int, int] | None = None,
) -> Said | None:
    """What `reply` says in the format of `answer`; None if it says nothing there.

    `shown` are the options of a choice; `dialect` is that of boxes, `size` the image's width and height in pixels.
    """
    match answer:
        case p.TextAnswer():
            return parse_text(reply)
        case p.ChoiceAnswer(several=True, empty=empty):
            return parse_choices(reply, shown, empty)
        case p.ChoiceAnswer():
            return parse_choice(reply, shown)
        case p.BoxesAnswer(empty=empty):
            return parse_boxes(reply, empty, dialect, size)
        case p.PairsAnswer("entities", empty=empty):
            return parse_entities(reply, empty)
        case p.PairsAnswer(empty=empty):
            return parse_counts(reply, empty)


def parse_text(reply: str) -> str:
    """The text itself."""
    return reply


def parse_choice(reply: str, shown: Sequence[str]) -> str | None:
    """The option that is named, by its text or by its marker: `(A)` or `(1)` is the first one shown.

    >>> parse_choice("PA", ["PA", "AP"]), parse_choice("(2)", ["PA", "AP"]), parse_choice("lateral", ["PA", "AP"])
    ('PA', 'AP', None)
    """
    if reply in shown:
        return reply
    place = _place(reply)
    return shown[place] if place is not None and place < len(shown) else None


def parse_choices(reply: str, shown: Sequence[str], empty: p.Prompt | None) -> tuple[str, ...] | None:
    """The options that are named, in the order shown; () for a text of `empty`.

    >>> parse_choices("(B), (A)", ["edema", "nodule"], None)
    ('edema', 'nodule')
    """
    named = {parse_choice(piece, shown) for piece in reply.split(p.OPTION_SEPARATOR)}
    if None not in named:
        return tuple(option for option in shown if option in named)
    return () if empty is not None and _of_language(reply, empty) else None


def parse_boxes(
    reply: str, empty: p.Prompt | None, dialect: Dialect, size: tuple[int, int] | None = None
) -> tuple[Boxed, ...] | None:
    """The boxes that are drawn, in their order; () for a text of `empty`.

    Raises:
        ValueError: the dialect counts pixels, and the image's `size` is not given.

    >>> parse_boxes("<|ref|>mass<|/ref|><|box|>(0,25),(50,100)<|/box|>", None, DIALECTS["chexagent"])
    (Boxed(label='mass', x1=0.0, y1=0.25, x2=0.5, y2=1.0),)
    """
    before, between, after = dialect.around
    found = list(re.finditer(_pattern_of(dialect), reply, re.DOTALL))
    if found and reply == before + between.join(match[0] for match in found) + after:
        boxes = tuple(_boxed(match.groupdict(), dialect, size) for match in found)
        return boxes if all(_inside(box) for box in boxes) else None
    return () if empty is not None and _of_language(reply, empty) else None


def _pattern_of(dialect: Dialect) -> str:
    """The regular expression of one box with its label."""
    number = rf"[01]\.[0-9]{{{dialect.decimals}}}" if dialect.decimals else "[0-9]{1,9}"
    label = r'"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"' if dialect.json else ".*?"
    places = {corner: f"(?P<{corner}>{number})" for corner in ("x1", "y1", "x2", "y2")} | {
        "label": f"(?P<label>{label})"
    }
    pieces = Formatter().parse(dialect.labelled)
    return "".join(re.escape(literal) + (places[place] if place else "") for literal, place, _, _ in pieces)


def _boxed(said: Mapping[str, str], dialect: Dialect, size: tuple[int, int] | None) -> Boxed:
    if dialect.grid is not None:
        width = height = dialect.grid
    elif size is not None:
        width, height = size
    else:
        raise ValueError("boxes in pixels need the size of the image")
    label = json.loads(said["label"], strict=False) if dialect.json else said["label"]
    x1, y1, x2, y2 = (int(said[corner].replace(".", "")) for corner in ("x1", "y1", "x2", "y2"))
    return Boxed(label, x1 / width, y1 / height, x2 / width, y2 / height)


def _inside(box: Boxed) -> bool:
    """Whether a box lies in the image; a thin one may have no area on the grid."""
    return box.x1 <= box.x2 <= 1 and box.y1 <= box.y2 <= 1


def parse_entities(reply: str, empty: p.Prompt | None) -> tuple[tuple[str, str], ...] | None:
    """The types and texts that are named, in their order; () for a text of `empty`.

    >>> parse_entities("Anatomy: lung\\nObservation: clear", None)
    (('Anatomy', 'lung'), ('Observation', 'clear'))
    """
    return _pairs("entities", reply, empty)


def parse_counts(reply: str, empty: p.Prompt | None) -> tuple[tuple[str, int], ...] | None:
    """The names and numbers that are said, in their order; () for a text of `empty`.

    >>> parse_counts("Omission: 2", None)
    (('Omission', 2),)
    """
    pairs = _pairs("counts", reply, empty)
    return None if pairs is None else tuple((name, int(number)) for name, number in pairs)


def _pairs(format: str, reply: str, empty: p.Prompt | None) -> tuple[tuple[str, str], ...] | None:
    found = [re.fullmatch(p.LINES[format], line) for line in reply.split("\n")]
    known = [match for match in found if match is not None]
    if len(known) == len(found):
        return tuple((match[1], match[2]) for match in known)
    return () if empty is not None and _of_language(reply, empty) else None


def _place(marker: str) -> int | None:
    """The place that `(B)` or `(2)` stands for, from 0.

    >>> _place("(B)"), _place("(2)"), _place("(02)"), _place("B")
    (1, 1, None, None)
    """
    found = re.fullmatch(r"\((?:([A-Z])|([1-9][0-9]*))\)", marker)
    if found is None:
        return None
    letter, number = found.groups()
    return int(number) - 1 if letter is None else p.LETTERS.index(letter)


def _of_language(text: str, prompt: p.Prompt) -> bool:
    """Whether a prompt can read `text`; a slot can read anything."""
    return any(re.fullmatch(_pattern(shape), text, re.DOTALL) for shape in prompt.shapes)


def _pattern(shape: p.Shape) -> str:
    """A regular expression of the texts of one way through a prompt."""
    tables = [
        "(?:" + "|".join(map(re.escape, piece)) + ")" if isinstance(piece, tuple) else ".*" for piece in shape.pieces
    ]
    return "".join(tables)
