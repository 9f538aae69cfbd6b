"""Which way through a prompt's grammar leads to a text: the inverse of drawing one.

(Which|What) view?[ {options}]      "Which view?"      alternative 1 of 2: Which; optional: absent
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias, assert_never

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.nodes import node
from cxrspec.compiler.prompts import Leaf
from cxrspec.compiler.show import show_prompt


@node
class Taken:
    """One choice that was made on the way.

    kind   `line` (one of the alternatives at the top), `alternative` of a group, or `optional`
    rule   the rule in which the group stands; "" for the prompt itself
    place  which of them, from 1; of an optional part 0 (absent) or 1
    of     how many there are
    text   the alternative or optional part as it is written, empty if that is absent
    span   where that stands
    """

    kind: Literal["line", "alternative", "optional"]
    rule: str
    place: int
    of: int
    text: str
    span: Span | None


_At: TypeAlias = tuple[int, int]
"""A place in a leaf: the piece, and how much of it is read."""


def path(prompt: s.Prompt, rules: Mapping[str, s.Prompt], leaf: Leaf) -> tuple[Taken, ...] | None:
    """The choices that lead to this text of a prompt, in reading order; None if none do.

    The rules of the prompt are sound: they are there, and none contains itself. Where two ways lead to one text, the
    first of them is taken; no prompt without a finding has two.
    """
    reader = _Reader(rules, leaf)
    if not isinstance(prompt, s.Choice):
        line = Taken("line", "", 1, 1, show_prompt(prompt), prompt.span)
        return next(((line, *taken) for at, taken in reader.ways(prompt, (0, 0)) if at == reader.end), None)
    for place, alternative in enumerate(prompt.alternatives, 1):
        line = Taken("line", "", place, len(prompt.alternatives), show_prompt(alternative), alternative.span)
        for at, taken in reader.ways(alternative, (0, 0)):
            if at == reader.end:
                return (line, *taken)
    return None


def fits(leaf: Leaf, text: str) -> bool:
    """Whether a printed text may be this one of a prompt; a slot can print anything."""
    return (
        re.fullmatch("".join(re.escape(x) if isinstance(x, str) else ".*" for x in leaf), text, re.DOTALL) is not None
    )


_Way: TypeAlias = tuple[_At, tuple[Taken, ...]]


class _Reader:
    """Reads a leaf by a grammar."""

    def __init__(self, rules: Mapping[str, s.Prompt], leaf: Leaf) -> None:
        self.rules = rules
        self.leaf = leaf
        self.end: _At = (len(leaf), 0)

    def ways(self, prompt: s.Prompt, at: _At, rule: str = "") -> Iterator[_Way]:
        """Where a part of the prompt may end that starts at `at`, with the choices inside."""
        match prompt:
            case s.Words(text):
                yield from ((after, ()) for after in self.words(text, at))
            case s.Slot():
                piece, read = at
                if read == 0 and piece < len(self.leaf) and self.leaf[piece] == prompt:
                    yield (piece + 1, 0), ()
            case s.Rule(name):
                yield from self.ways(self.rules[name], at, name)
            case s.Sequence(parts):
                yield from self.row(parts, at, rule)
            case s.Choice(alternatives):
                for place, one in enumerate(alternatives, 1):
                    taken = Taken("alternative", rule, place, len(alternatives), show_prompt(one), one.span)
                    yield from ((after, (taken, *inside)) for after, inside in self.ways(one, at, rule))
            case s.Optional(part):
                yield at, (Taken("optional", rule, 0, 1, "", part.span),)
                taken = Taken("optional", rule, 1, 1, show_prompt(part), part.span)
                yield from ((after, (taken, *inside)) for after, inside in self.ways(part, at, rule))
            case _:
                assert_never(prompt)

    def row(self, parts: Sequence[s.Prompt], at: _At, rule: str) -> Iterator[_Way]:
        """The same of parts one after the other."""
        if not parts:
            yield at, ()
            return
        first, *rest = parts
        for between, taken in self.ways(first, at, rule):
            yield from ((after, (*taken, *more)) for after, more in self.row(rest, between, rule))

    def words(self, text: str, at: _At) -> Iterator[_At]:
        """Behind a literal, if the leaf has it there."""
        piece, read = at
        if not text:
            yield at
        elif piece < len(self.leaf):
            literal = self.leaf[piece]
            if isinstance(literal, str) and literal.startswith(text, read):
                read += len(text)
                yield (piece, read) if read < len(literal) else (piece + 1, 0)
