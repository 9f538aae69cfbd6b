"""The language of a prompt: how many texts it has, and which one a draw picks.

    (Name|Give) the view.[ {options}]    4 texts: 2 x (without | with the slot)

Drawing is done on a wheel: T tickets, each of which names one text. A text that is drawn with probability p holds
exactly p * T neighbouring tickets, so one uniform draw of a ticket draws a text. The wheel keeps uniform choices of
literals as tables, which cost one lookup; everything else becomes shapes:

    (Name|Give) the view.[ {options}]
      shape 1/2: Table("Name the view.", "Give the view.")
      shape 1/2: Table("Name the view. ", "Give the view. "), Slot(options)         T = 4
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import chain, groupby
from math import lcm, prod
from typing import TypeAlias, assert_never

from cxrspec.compiler.diagnostics import Report, near, respell
from cxrspec.compiler.nodes import node
from cxrspec.compiler.syntax import Choice, Optional, Prompt, Rule, Sequence, Slot, Words

MAX_TEXTS = 4096
"""Texts of one table."""

MAX_SHAPES = 4096
"""Shapes of one wheel."""

MAX_TICKETS = 2**48
"""Tickets of a wheel stay below this number."""

MAX_RULES = 10_000
"""Rules expanded in one prompt."""

MAX_DEPTH = 100
"""Levels of a prompt with its rules expanded."""

Leaf: TypeAlias = tuple[str | Slot, ...]
"""One text of a prompt: literals and slots in turn, no two literals side by side, none of them empty."""


class LanguageTooLargeError(ValueError):
    """Raised by `resolve`, `lay_out` and `spread` for a prompt beyond the limits above; the message says which."""


@node
class Table:
    """One of these texts, all equally likely."""

    texts: tuple[str, ...]


Part: TypeAlias = Table | Slot


@node
class Shape:
    """One way of choosing in those groups that are no table, with its probability."""

    weight: Fraction
    parts: tuple[Part, ...]

    @property
    def leaves(self) -> int:
        """In how many ways texts can be taken from the tables."""
        return prod(len(part.texts) for part in self.parts if isinstance(part, Table))


@node
class Wheel:
    """Shapes in reading order (the leftmost choice turns slowest), on `tickets` tickets.

    Each shape holds `weight * tickets` consecutive tickets, shared out evenly among its leaves, which stand in mixed
    radix order (the leftmost table turns slowest). In a choice the alternatives come as written; what is optional is
    first absent, then present.
    """

    shapes: tuple[Shape, ...]
    tickets: int


# ---- rules


def resolve(prompt: Prompt, rules: Mapping[str, Prompt], report: Report) -> Prompt:
    """`prompt` with every `<rule>` replaced by what it stands for.

    An unknown rule (CXR205), or one that contains itself (CXR206), is reported and becomes literal text.
    Raises LanguageTooLargeError beyond 10,000 replacements or 100 levels.
    """
    return _Expansion(rules, report).expand(prompt, ())


class _Expansion:
    def __init__(self, rules: Mapping[str, Prompt], report: Report) -> None:
        self.rules = rules
        self.report = report
        self.expanded = 0

    def expand(self, prompt: Prompt, inside: tuple[str, ...], depth: int = 0) -> Prompt:
        """`prompt`, which stands inside these rules, `depth` levels deep."""
        if depth > MAX_DEPTH:
            raise LanguageTooLargeError(f"more than {MAX_DEPTH} levels of groups and rules are too many")
        match prompt:
            case Words() | Slot():
                return prompt
            case Rule():
                return self.rule(prompt, inside, depth)
            case Sequence(parts):
                return _sequence([self.expand(part, inside, depth + 1) for part in parts], prompt)
            case Choice(alternatives, weights):
                return Choice(tuple(self.expand(a, inside, depth + 1) for a in alternatives), weights, span=prompt.span)
            case Optional(part):
                return Optional(self.expand(part, inside, depth + 1), span=prompt.span)
            case _:
                assert_never(prompt)

    def rule(self, rule: Rule, inside: tuple[str, ...], depth: int) -> Prompt:
        """What a rule stands for."""
        name = rule.name
        if name in self.rules and name not in inside:
            self.expanded += 1
            if self.expanded > MAX_RULES:
                raise LanguageTooLargeError(f"more than {MAX_RULES:,} rules in a prompt are too many")
            return self.expand(self.rules[name], (*inside, name), depth + 1)
        if name in inside:
            way = " -> ".join(f"<{n}>" for n in (*inside[inside.index(name) :], name))
            self.report.error("CXR206", rule.span, f"the rule `<{name}>` contains itself", help=way)
        else:
            place = rule.span and replace(rule.span, start=rule.span.start + 1, end=rule.span.end - 1)
            help, fix = _unknown_help(name, self.rules), respell(place, name, self.rules)
            self.report.error("CXR205", rule.span, f"unknown rule `<{name}>`", help=help, fix=fix)
        return Words(f"<{name}>", span=rule.span)


def _unknown_help(name: str, rules: Iterable[str]) -> str:
    if name == "image":
        return "prompts hold no `<image>`: it is added for each image, or stands where `{images[0]}` does"
    return near(name, rules, "rules")


def _sequence(parts: list[Prompt], written: Sequence) -> Prompt:
    """The parts in a row, flat and with neighbouring words as one."""
    flat = chain.from_iterable(part.parts if isinstance(part, Sequence) else (part,) for part in parts)
    merged: list[Prompt] = []
    for part in flat:
        if merged and isinstance(part, Words) and isinstance(merged[-1], Words):
            merged[-1] = Words(merged[-1].text + part.text, span=written.span)
        else:
            merged.append(part)
    return merged[0] if len(merged) == 1 else Sequence(tuple(merged), span=written.span)


# ---- counting and listing; these walk the resolved tree and know nothing of wheels


def patterns(prompt: Prompt) -> int:
    """The number of alternatives at the top, which stand one a line."""
    return len(prompt.alternatives) if isinstance(prompt, Choice) else 1


def count(prompt: Prompt) -> int:
    """The number of texts, a text counted once for every way to it.

    >>> count(Sequence((Choice((Words("a"), Words("b")), (1, 1)), Optional(Words("c")))))
    4
    """
    match prompt:
        case Words() | Slot() | Rule():
            return 1
        case Sequence(parts):
            return prod(map(count, parts))
        case Choice(alternatives):
            return sum(map(count, alternatives))
        case Optional(part):
            return 1 + count(part)
        case _:
            assert_never(prompt)


def texts(prompt: Prompt) -> Iterator[Leaf]:
    """All texts, one by one, in reading order: the leftmost choice turns slowest."""
    return (text_at(prompt, place) for place in range(count(prompt)))


def text_at(prompt: Prompt, place: int) -> Leaf:
    """The text at this place of `texts`, 0 <= place < count(prompt), however many come before it."""
    return _joined(_pieces(prompt, place))


def _pieces(prompt: Prompt, place: int) -> Leaf:
    match prompt:
        case Words(text):
            return (text,)
        case Slot():
            return (prompt,)
        case Rule(name):
            return (f"<{name}>",)
        case Sequence(parts):
            taken: list[Leaf] = []
            for part in reversed(parts):
                place, inner = divmod(place, count(part))
                taken.append(_pieces(part, inner))
            return tuple(chain.from_iterable(reversed(taken)))
        case Choice(alternatives):
            for alternative in alternatives:
                if place < (number := count(alternative)):
                    return _pieces(alternative, place)
                place -= number
            raise IndexError(place)
        case Optional(part):
            return _pieces(part, place - 1) if place else ()
        case _:
            assert_never(prompt)


def _joined(parts: Iterable[str | Slot]) -> Leaf:
    """The same text with neighbouring literals as one and empty ones left out."""
    leaf: list[str | Slot] = []
    for literal, run in groupby(parts, lambda part: isinstance(part, str)):
        if not literal:
            leaf.extend(run)
        elif text := "".join(map(str, run)):
            leaf.append(text)
    return tuple(leaf)


# ---- the wheel


@node
class Group:
    """A part of an alternative that no table holds: the number of its shapes, and of the tickets that it needs."""

    prompt: Prompt
    shapes: int
    tickets: int


def uneven(prompt: Prompt) -> tuple[Group, ...]:
    """The groups of a resolved prompt that multiply: those of the alternative that has the most, where there are
    several."""
    match prompt:
        case Choice(alternatives):
            return max(map(uneven, alternatives), key=multiplied)
        case Optional(part):
            return uneven(part)
        case Sequence(parts):
            groups = [_group(part) for part in parts]
            alone = [part for part, group in zip(parts, groups, strict=True) if group is None]
            return uneven(alone[0]) if alone else tuple(g for g in groups if g is not None and g.shapes > 1)
        case _:
            return ()


def multiplied(groups: Iterable[Group]) -> tuple[int, int]:
    """The shapes and the tickets that groups in a row need."""
    listed = list(groups)
    return prod(group.shapes for group in listed), prod(group.tickets for group in listed)


def _group(prompt: Prompt) -> Group | None:
    """The shapes and tickets of a part; None where it is beyond the limits by itself."""
    try:
        wheel = lay_out(prompt)
    except LanguageTooLargeError:
        return None
    return Group(prompt, len(wheel.shapes), wheel.tickets)


def lay_out(prompt: Prompt) -> Wheel:
    """The wheel of a resolved prompt, with the fewest tickets that give every leaf a whole number of them.

    Raises LanguageTooLargeError at 2**48 tickets, or beyond 4,096 shapes.
    """
    if count(prompt) >= MAX_TICKETS:
        raise LanguageTooLargeError("2**48 texts are too many")
    shapes = _shapes(prompt)
    return Wheel(shapes, _checked(lcm(*((shape.weight / shape.leaves).denominator for shape in shapes))))


def spread(wheel: Wheel, turns: int) -> Wheel:
    """The same wheel on a multiple of `turns` tickets.

    If `largest_share(wheel) <= 1 / turns`, the tickets `(t + k * (T // turns)) % T` for k < turns name different
    leaves. Raises LanguageTooLargeError at 2**48 tickets.
    """
    return Wheel(wheel.shapes, _checked(lcm(wheel.tickets, turns)))


def largest_share(wheel: Wheel) -> Fraction:
    """The probability of the likeliest leaf."""
    return max(shape.weight / shape.leaves for shape in wheel.shapes)


def leaf(wheel: Wheel, ticket: int) -> Leaf:
    """The text that a ticket, from 0 up to `wheel.tickets`, names."""
    for shape in wheel.shapes:
        held = int(shape.weight * wheel.tickets)
        if ticket < held:
            return _leaf(shape, ticket // (held // shape.leaves))
        ticket -= held
    raise IndexError("no such ticket")


def _leaf(shape: Shape, number: int) -> Leaf:
    """The leaf of this number: its digits, from the right, choose in the tables."""
    chosen: list[str | Slot] = []
    for part in reversed(shape.parts):
        if isinstance(part, Table):
            number, digit = divmod(number, len(part.texts))
            chosen.append(part.texts[digit])
        else:
            chosen.append(part)
    return _joined(reversed(chosen))


def _checked(tickets: int) -> int:
    if tickets >= MAX_TICKETS:
        raise LanguageTooLargeError("2**48 tickets are too many")
    return tickets


def _shapes(prompt: Prompt) -> tuple[Shape, ...]:
    match prompt:
        case Words(text):
            return (Shape(_ONE, (Table((text,)),)),)
        case Slot():
            return (Shape(_ONE, (prompt,)),)
        case Rule(name):
            raise AssertionError(f"the rule <{name}> is not resolved")
        case Sequence(parts):
            return _in_a_row(parts)
        case Choice(alternatives, weights):
            return _one_of([_shapes(alternative) for alternative in alternatives], weights)
        case Optional(part):
            return _one_of([(Shape(_ONE, ()),), _shapes(part)], (1, 1))
        case _:
            assert_never(prompt)


def _in_a_row(prompts: tuple[Prompt, ...]) -> tuple[Shape, ...]:
    """Every shape of the first with every shape of the second, and so on."""
    rows: tuple[Shape, ...] = (Shape(_ONE, ()),)
    for prompt in prompts:
        shapes = _shapes(prompt)
        _check_shapes(len(rows) * len(shapes))
        rows = tuple(Shape(_times(a.weight, b.weight), _merged(a.parts, b.parts)) for a in rows for b in shapes)
    return rows


def _merged(left: tuple[Part, ...], right: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts in a row; the tables that meet are multiplied into one while it stays small."""
    match left[-1:], right[:1]:
        case (Table(a),), (Table(b),) if len(a) * len(b) <= MAX_TEXTS:
            return *left[:-1], Table(tuple(x + y for x in a for y in b)), *right[1:]
        case _:
            return *left, *right


def _one_of(choices: list[tuple[Shape, ...]], weights: tuple[int, ...]) -> tuple[Shape, ...]:
    """One table if all are literal and every text is equally likely, else the shapes of all, by weight."""
    tables = [_literal(shapes) for shapes in choices]
    known = [table for table in tables if table is not None]
    even = len({*map(len, known)}) == 1 and len(set(weights)) == 1
    if len(known) == len(tables) and even and sum(map(len, known)) <= MAX_TEXTS:
        return (Shape(_ONE, (Table(tuple(chain(*known))),)),)
    _check_shapes(sum(map(len, choices)))
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    return tuple(
        Shape(_times(share, shape.weight), shape.parts)
        for shapes, share in zip(choices, shares, strict=True)
        for shape in shapes
    )


_ONE = Fraction(1)


def _times(a: Fraction, b: Fraction) -> Fraction:
    """The product; most weights are one, and fractions take their time."""
    return b if a is _ONE else a if b is _ONE else a * b


def _literal(shapes: tuple[Shape, ...]) -> tuple[str, ...] | None:
    """The texts, if they are a single table (or nothing at all)."""
    match shapes:
        case (Shape(_, ()),):
            return ("",)
        case (Shape(_, (Table(texts),)),):
            return texts
        case _:
            return None


def _check_shapes(number: int) -> None:
    if number > MAX_SHAPES:
        raise LanguageTooLargeError(f"more than {MAX_SHAPES:,} ways are too many")
