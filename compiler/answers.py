"""The parsers of the answer formats: what a reply says, given the options in the order printed and nothing else; and of
the block of options, which says what these are.

turns.py holds the printers. `parse(print(x)) == x` holds for every answer that leaves it: a row whose answer could not
be read back is a bad row. Boxes come back up to the grid of their dialect.

    parse_choice("(B)", ["PA", "AP"])              ->  "AP"
    parse_choices("AP, PA", ["PA", "AP"], None)    ->  ("PA", "AP")
    parse_counts("Omission: 2", None)              ->  (("Omission", 2),)
    shown_by(form)("Which? Options: (A) PA, (B) AP")  ->  ("PA", "AP")
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
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
    shown: Sequence[str] | None = (),
    dialect: Dialect = DIALECTS[DEFAULT],
    size: tuple[int, int] | None = None,
) -> Said | None:
    """What `reply` says in the format of `answer`; None if it says nothing there.

    `shown` are the options of a choice, None where they are not known; `dialect` is that of boxes, `size` the image's width and height in pixels.
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


def parse_choice(reply: str, shown: Sequence[str] | None) -> str | None:
    """The option that is named, by its text or by its marker: `(A)` or `(1)` is the first one shown.

    Where the options are not known, any text but an empty one is an option.

    >>> parse_choice("PA", ["PA", "AP"]), parse_choice("(2)", ["PA", "AP"]), parse_choice("lateral", ["PA", "AP"])
    ('PA', 'AP', None)
    """
    if shown is None:
        return reply or None
    if reply in shown:
        return reply
    place = _place(reply)
    return shown[place] if place is not None and place < len(shown) else None


def parse_choices(reply: str, shown: Sequence[str] | None, empty: p.Prompt | None) -> tuple[str, ...] | None:
    """The options that are named, in the order shown; () for a text of `empty`.

    Where the options are not known, any texts but empty ones are options, in the order said, unless `empty` reads so.

    >>> parse_choices("(B), (A)", ["edema", "nodule"], None)
    ('edema', 'nodule')
    """
    if shown is None and empty is not None and _of_language(reply, empty):
        return ()
    said = [parse_choice(piece, shown) for piece in reply.split(p.OPTION_SEPARATOR)]
    named = dict.fromkeys(option for option in said if option is not None)
    if None not in said:
        return tuple(named) if shown is None else tuple(option for option in shown if option in named)
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
    found = list(re.finditer(pattern_of(dialect, dialect.labelled), reply))
    if found and reply == before + between.join(match[0] for match in found) + after:
        boxes = tuple(_boxed(match.groupdict(), dialect, size) for match in found)
        return boxes if all(_inside(box) for box in boxes) else None
    return () if empty is not None and _of_language(reply, empty) else None


def pattern_of(dialect: Dialect, printed: str) -> str:
    """The regular expression of one box that a dialect prints so, with a group for each of its places.

    Python and Rust both understand it.
    """
    number = rf"[01]\.[0-9]{{{dialect.decimals}}}" if dialect.decimals else "[0-9]{1,9}"
    label = r'"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"' if dialect.json else ".*?"
    places = {corner: f"(?P<{corner}>{number})" for corner in ("x1", "y1", "x2", "y2")} | {
        "label": f"(?P<label>{label})"
    }
    pieces = Formatter().parse(printed)
    return "(?s)" + "".join(re.escape(literal) + (places[place] if place else "") for literal, place, _, _ in pieces)


def _boxed(said: Mapping[str, str], dialect: Dialect, size: tuple[int, int] | None) -> Boxed:
    if isinstance(dialect.grid, int):
        width = height = dialect.grid
    elif size is not None:
        width, height = dialect.grid(*size) if dialect.grid else size
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
    return any(re.fullmatch(_pattern(shape.pieces), text, re.DOTALL) for shape in prompt.shapes)


def _pattern(pieces: Sequence[p.Piece]) -> str:
    """A regular expression of the texts of one way through a prompt, or of a part of it."""
    tables = ["(?:" + "|".join(map(re.escape, piece)) + ")" if isinstance(piece, tuple) else ".*" for piece in pieces]
    return "".join(tables)


# ---- the block of options


def shown_by(form: p.Form) -> Callable[[str], tuple[str, ...]]:
    """What reads the options out of a prompt of this form, in the order shown; () where the prompt shows none.

    The block is the last in the prompt that is followed by nothing but its hint and what the form has behind
    `{options}`. Two options are told apart by the marker that the second has to have: one that holds the separator,
    that marker and a blank itself is read as two.
    """
    choice = form.answer
    if not isinstance(choice, p.ChoiceAnswer):
        return lambda prompt: ()
    head, between = p.LAYOUTS[choice.layout]
    hint = "" if choice.hint is None else "\n(?:" + "|".join(_pattern(s.pieces) for s in choice.hint.shapes) + ")"
    rests = {_pattern(rest) for shape in form.prompt.shapes if (rest := _behind_block(shape)) is not None}
    ways = [re.compile(f"(.*){hint}{rest}", re.DOTALL) for rest in sorted(rests, key=len, reverse=True)]

    def shown(prompt: str) -> tuple[str, ...]:
        starts = [found.end() for found in re.finditer(head, prompt)]
        read = (
            _entries(found[1], between)
            for way in ways
            for at in reversed(starts)
            if (found := way.fullmatch(prompt, at))
        )
        return next(filter(None, read), ())

    return shown


def _behind_block(shape: p.Shape) -> tuple[p.Piece, ...] | None:
    """What stands behind the (last) block of options; None if there is none."""
    blocks = [place for place, piece in enumerate(shape.pieces) if isinstance(piece, p.OptionBlock)]
    return shape.pieces[blocks[-1] + 1 :] if blocks else None


def _entries(text: str, between: str) -> tuple[str, ...]:
    """The options of a block, without their markers; () if these do not run from the first letter or number.

    >>> _entries("(A) one, two, (B) three", ", "), _entries("(1) one", ", "), _entries("one", ", ")
    (('one, two', 'three'), ('one',), ())
    """
    for marks in (iter(p.LETTERS), map(str, count(1))):
        if text.startswith(first := f"({next(marks)}) "):
            return tuple(_between(text[len(first) :], (f"{between}({mark}) " for mark in marks)))
    return ()


def _between(text: str, borders: Iterator[str]) -> Iterator[str]:
    """The pieces of a text between borders that come one after the other, as far as they come."""
    for border in borders:
        piece, found, text = text.partition(border)
        yield piece
        if not found:
            return
    yield text
