"""The parsers of the answer formats: what a reply says, given the options in the order printed and nothing else.

turns.py holds the printers. `parse(print(x)) == x` holds for every answer that leaves it: a row whose answer could not
be read back is a bad row.

    parse_choice("(B)", ["PA", "AP"])              ->  "AP"
    parse_choices("AP, PA", ["PA", "AP"], None)    ->  ("PA", "AP")
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxrspec.compiler import plan as p


def parse(answer: p.TextAnswer | p.ChoiceAnswer, reply: str, shown: Sequence[str] = ()) -> str | tuple[str, ...] | None:
    """What `reply` says in the format of `answer`; None if it says nothing there."""
    match answer:
        case p.TextAnswer():
            return parse_text(reply)
        case p.ChoiceAnswer(several=True, empty=empty):
            return parse_choices(reply, shown, empty)
        case p.ChoiceAnswer():
            return parse_choice(reply, shown)


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
