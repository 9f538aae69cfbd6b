"""The prompt grammar, the draws and the choice answers once more, from the documents alone: no Polars, nothing of the compiler.

A leaf is one text of a prompt. Groups of literals whose texts are all equally likely turn inside (the leftmost slowest),
all other groups outside of them; a leaf holds its share of the wheel's tickets, in that order.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import lcm, prod
from typing import TypeAlias

import xxhash

ESCAPES = {"n": "\n"} | {c: c for c in "()[]<>|{}/\\"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# ---- draws


def draw(seed: int, *texts: str) -> int:
    """The draw of what the texts name, at the site that the last one names."""
    *who, site = texts
    drawn = hashed(str(seed), *who) ^ hashed(site)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        drawn = drawn * factor % 2**64
        drawn ^= drawn >> 32
    return drawn


def hashed(*texts: str) -> int:
    """xxh64 of the texts, joined by U+001F."""
    return xxhash.xxh64_intdigest("\x1f".join(texts).encode())


def unit(drawn: int) -> float:
    """A draw as a number in [0, 1)."""
    return drawn / 2**64


def in_drawn_order(seed: int, id: str, site: str, items: Sequence[str], name: str = "") -> list[str]:
    """The items by their own draws: that of the site, or of a `name` there, times an odd number made of the item."""
    drawn = draw(seed, id, site) * (odd(name) if name else 1)
    return sorted(items, key=lambda item: drawn * odd(item) % 2**64)


def odd(text: str) -> int:
    """What a draw is multiplied with, modulo 2^64, to be the text's own: its xxh64, made odd."""
    return hashed(text) | 1


# ---- the grammar


@dataclass(frozen=True)
class Words:
    text: str


@dataclass(frozen=True)
class Slot:
    text: str


@dataclass(frozen=True)
class Row:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Group:
    alternatives: tuple[Node, ...]
    weights: tuple[int, ...]


Node: TypeAlias = Words | Slot | Row | Group


class _Reader:
    def __init__(self, text: str, rules: Mapping[str, str]) -> None:
        self.text, self.rules, self.at = text, rules, 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def until(self, end: str) -> str:
        start = self.at
        self.at = self.text.index(end, start) + 1
        return self.text[start : self.at - 1]

    def row(self) -> Node:
        parts: list[Node] = []
        words = ""
        while self.peek() not in ("", ")", "]", "|"):
            character = self.take()
            node: Node | None = None
            match character:
                case "\\":
                    words += ESCAPES[self.take()]
                case "{":
                    node = Slot(self.until("}"))
                case "<":
                    node = prompt(self.rules[self.until(">")], self.rules)
                case "(" | "[":
                    node = self.group(")" if character == "(" else "]")
                case _:
                    words += character
            if node is not None:
                parts += [Words(words), node] if words else [node]
                words = ""
        return Row((*parts, Words(words)) if words else tuple(parts))

    def group(self, end: str) -> Node:
        alternatives, weights = list[Node](), list[int]()
        while True:
            weights.append(self.weight())
            alternatives.append(self.row())
            if self.take() == end:
                break
        inner = Group(tuple(alternatives), tuple(weights)) if len(alternatives) > 1 else alternatives[0]
        return Group((Row(()), inner), (1, 1)) if end == "]" else inner

    def weight(self) -> int:
        if self.peek() != "/":
            return 1
        self.take()
        return int(self.until("/"))


def prompt(text: str, rules: Mapping[str, str]) -> Node:
    """A prompt as it stands in YAML: one alternative a line."""
    alternatives: list[Node] = []
    weights: list[int] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        reader = _Reader(line, rules)
        weights.append(reader.weight())
        reader.text = reader.text[: reader.at] + reader.text[reader.at :].lstrip()
        alternatives.append(reader.row())
    return alternatives[0] if len(alternatives) == 1 else Group(tuple(alternatives), tuple(weights))


def even_texts(node: Node) -> int:
    """The number of texts, if they are literal and equally likely; else 0."""
    match node:
        case Words():
            return 1
        case Slot():
            return 0
        case Row(parts):
            return prod(map(even_texts, parts))
        case Group(alternatives, weights):
            counts = [even_texts(alternative) for alternative in alternatives]
            return sum(counts) if len(set(counts)) == len(set(weights)) == 1 else 0


# ---- the wheel


@dataclass(frozen=True)
class Leaf:
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    share: Fraction
    parts: tuple[Words | Slot, ...]

    @property
    def has_options(self) -> bool:
        return Slot("options") in self.parts

    def printed(self, slots: Mapping[str, str]) -> str:
        return "".join(part.text if isinstance(part, Words) else slots[part.text] for part in self.parts)


def leaves(node: Node) -> list[Leaf]:
    match node:
        case Words() | Slot():
            return [Leaf((), (), Fraction(1), (node,))]
        case Row(parts):
            return [_side_by_side(one) for one in product(*map(leaves, parts))]
        case Group(alternatives, weights):
            inside = even_texts(node) > 0
            found: list[Leaf] = []
            for place, (alternative, weight) in enumerate(zip(alternatives, weights, strict=True)):
                share = Fraction(weight, sum(weights))
                for leaf in leaves(alternative):
                    outer = leaf.outer if inside else (place, *leaf.outer)
                    inner = (place, *leaf.inner) if inside else leaf.inner
                    found.append(Leaf(outer, inner, share * leaf.share, leaf.parts))
            return found


def _side_by_side(row: Sequence[Leaf]) -> Leaf:
    return Leaf(
        tuple(digit for leaf in row for digit in leaf.outer),
        tuple(digit for leaf in row for digit in leaf.inner),
        prod((leaf.share for leaf in row), start=Fraction(1)),
        tuple(part for leaf in row for part in leaf.parts),
    )


class Wheel:
    """The leaves of a prompt on their tickets."""

    def __init__(self, text: str, rules: Mapping[str, str], count: int = 1) -> None:
        self.leaves = sorted(leaves(prompt(text, rules)), key=lambda leaf: (leaf.outer, leaf.inner))
        self.tickets = lcm(count, *(leaf.share.denominator for leaf in self.leaves))
        self.count = count
        self.ends: list[int] = []
        for leaf in self.leaves:
            self.ends.append((self.ends or [0])[-1] + int(leaf.share * self.tickets))
        assert self.ends[-1] == self.tickets

    def at(self, ticket: int) -> Leaf:
        return self.leaves[bisect(self.ends, ticket)]

    def drawn(self, seed: int, id: str, site: str, k: int = 0) -> Leaf:
        """The leaf of the k-th turn: turns stand evenly round the wheel."""
        return self.at((draw(seed, id, site) + k * (self.tickets // self.count)) % self.tickets)


# ---- turns


@dataclass(frozen=True)
class Turn:
    prompt: str
    answer: str
    form: str


@dataclass(frozen=True)
class Choice:
    """What a form says about its options, with the defaults of the language."""

    several: bool = False
    markers: tuple[str, ...] = ("letters",)
    layout: str = "lines"
    reply: tuple[str, ...] = ("text",)
    hint: Wheel | None = None
    empty: Wheel | None = None


def choice_turn(
    seed: int,
    id: str,
    form: str,
    wheel: Wheel,
    options: Sequence[str],
    correct: Sequence[str],
    choice: Choice,
    slots: Mapping[str, str] | None = None,
    k: int = 0,
) -> Turn:
    """The k-th turn of a form whose answer is one or some of the options."""
    turn = f"#{k}" if k else ""

    def drawn(role: str, ways: Sequence[str]) -> str:
        return ways[0] if len(ways) == 1 else ways[draw(seed, id, f"{form}:{role}{turn}") % len(ways)]

    shown = in_drawn_order(seed, id, f"{form}:options{turn}", options)
    by_number = drawn("marker", choice.markers) == "numbers" or len(shown) > len(LETTERS)
    marks = [f"({place + 1})" if by_number else f"({LETTERS[place]})" for place in range(len(shown))]
    leaf = wheel.drawn(seed, id, f"{form}:prompt", k)
    between = "\n" if choice.layout == "lines" else ", "
    block = f"Options:{between.strip(',')}" + between.join(f"{m} {o}" for m, o in zip(marks, shown, strict=True))
    if choice.hint is not None:
        block += "\n" + choice.hint.drawn(seed, id, f"{form}:hint{turn}").printed(slots or {})
    printed = leaf.printed({"options": block, **(slots or {})})
    if not correct:
        assert choice.empty is not None
        return Turn(printed, choice.empty.drawn(seed, id, f"{form}:empty{turn}").printed(slots or {}), form)
    said = [option for option in (shown if leaf.has_options else options) if option in correct]
    if leaf.has_options and drawn("reply", choice.reply) == "marker":
        said = [mark for mark, option in zip(marks, shown, strict=True) if option in correct]
    return Turn(printed, ", ".join(said), form)


def text_turn(seed: int, id: str, form: str, wheel: Wheel, answer: str, slots: Mapping[str, str], k: int = 0) -> Turn:
    return Turn(wheel.drawn(seed, id, f"{form}:prompt", k).printed(slots), answer, form)


def list_turn(
    seed: int,
    id: str,
    form: str,
    wheel: Wheel,
    said: Sequence[str],
    between: str,
    slots: Mapping[str, str],
    empty: Wheel | None = None,
    k: int = 0,
) -> Turn:
    """The k-th turn of a form whose answer is boxes (a blank between), entities or counts (one a line)."""
    turn = text_turn(seed, id, form, wheel, between.join(said), slots, k)
    if said:
        return turn
    assert empty is not None
    site = f"{form}:empty#{k}" if k else f"{form}:empty"
    return replace(turn, answer=empty.drawn(seed, id, site).printed(slots))


def decoys(seed: int, id: str, site: str, truth: Sequence[str], others: Sequence[str], count: int) -> list[list[str]]:
    """Each list holds one of the lowest draws of `others`, and beside it the lowest draws of what nobody else holds so."""
    drawn = in_drawn_order(seed, id, site, others)
    pool = [*truth, *drawn[count:]]
    made: list[list[str]] = []
    for place, anchor in enumerate(drawn[:count]):
        rest = in_drawn_order(seed, id, site, pool, f"items {place}")[: len(truth) - 1]
        made.append(in_drawn_order(seed, id, site, [anchor, *rest], f"order {place}"))
    return made
