"""The typed tree of expressions: every name is bound, every node knows its type, sugar is gone.

It mirrors syntax.py with fewer kinds: operators, indexing, `f""` and lists are all `Apply`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeAlias

from cxrspec.compiler.nodes import node
from cxrspec.compiler.types import BOOL, INT, TEXT, ListOf, Type, is_nullable, nullable, present

Value: TypeAlias = str | int | float | bool

NO_MASK = "-1"  # what a file of masks in run lengths says of an image without one


@node
class Column:
    """A column of the relation at hand, or a `let` of the form."""

    name: str
    type: Type


@node
class It:
    """The item at hand inside `where(list, ...)` and `each(list, ...)`."""

    type: Type


@node
class Const:
    """A literal or a named constant: a scalar, or a list of scalars."""

    value: Value | tuple[Value, ...]
    type: Type


@node
class Apply:
    """A function of functions.py or an operator: `or and not == != < <= > >= in ?? + - * / % neg`,
    `is null`, `is not null`, `item` (`x[i]`), `list` (`[a, b]`), `format` (`f""`), and those the compiler adds:
    `all` (of a list of bool), `escape` (a part of an id), `draw` (of texts, in [0, 1)), `path` (an image below a
    source's folder).
    """

    operator: str
    arguments: tuple[Typed, ...]
    type: Type


@node
class Branch:
    """`if condition then a else b`."""

    condition: Typed
    then: Typed
    otherwise: Typed
    type: Type


@node
class Map:
    """`each(items, body)` or `where(items, body)`; the body speaks of `It`."""

    kind: Literal["each", "where"]
    items: Typed
    body: Typed
    type: Type


@node
class Build:
    """`record(a = x)`."""

    fields: tuple[tuple[str, Typed], ...]
    type: Type


@node
class Get:
    """`x.name`."""

    operand: Typed
    name: str
    type: Type


@node
class Draw:
    """A pseudo-random choice, keyed to the example's id and `site`."""

    function: str
    arguments: tuple[Typed, ...]
    site: str
    type: Type


Typed: TypeAlias = Column | It | Const | Apply | Branch | Map | Build | Get | Draw


def children(expression: Typed) -> tuple[Typed, ...]:
    """The direct parts of an expression, in order."""
    match expression:
        case Column() | It() | Const():
            return ()
        case Apply(_, arguments) | Draw(_, arguments):
            return arguments
        case Branch(condition, then, otherwise):
            return (condition, then, otherwise)
        case Map(_, items, body):
            return (items, body)
        case Build(fields):
            return tuple(value for _, value in fields)
        case Get(operand):
            return (operand,)


def walk(expression: Typed) -> Iterator[Typed]:
    """The expression and all its parts."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def narrowed(expression: Typed) -> Typed:
    """The expression, known not to be null."""
    return replace(expression, type=present(expression.type))


def columns(expression: Typed) -> frozenset[str]:
    """The names of the columns an expression reads."""
    return frozenset(e.name for e in walk(expression) if isinstance(e, Column))


def draws(expression: Typed) -> bool:
    """Whether an expression holds a draw."""
    return any(isinstance(e, Draw) for e in walk(expression))


def requirements(expression: Typed) -> Iterator[tuple[str, Typed]]:
    """What must hold so that the expression means something: (what is asserted, condition), in reading order.

    `must(x)` asks for `x is not null`, `int(x)` for a whole number, `literals(x)` for a list, arithmetic of whole
    numbers for a result that 64 bits hold, `box` for an area. Inside a branch it is asked for only where the branch is
    taken, inside `each` for every item.
    """
    match expression:
        case Branch(condition, then, otherwise):
            yield from requirements(condition)
            for what, needed in requirements(then):
                yield what, Branch(condition, needed, Const(True, BOOL), BOOL)
            for what, needed in requirements(otherwise):
                yield what, Branch(condition, Const(True, BOOL), needed, BOOL)
        case Map(_, items, body):
            yield from requirements(items)
            for what, needed in requirements(body):
                yield what, Apply("all", (Map("each", items, needed, ListOf(BOOL)),), BOOL)
        case Apply("and", (left, right)):
            yield from requirements(left)
            for what, needed in requirements(right):
                yield what, Branch(left, needed, Const(True, BOOL), BOOL)
        case Apply("or", (left, right)):
            yield from requirements(left)
            for what, needed in requirements(right):
                yield what, Branch(left, Const(True, BOOL), needed, BOOL)
        case Apply("??", (left, right)):
            yield from requirements(left)
            for what, needed in requirements(right):
                yield what, Branch(Apply("is null", (left,), BOOL), needed, Const(True, BOOL), BOOL)
        case Apply("must", (operand,)):
            yield from requirements(operand)
            yield "must", Apply("is not null", (operand,), BOOL)
        case Apply("int", (operand,)):
            yield from requirements(operand)
            yield "int", _null_only_by(Apply("int?", (operand,), nullable(INT)), (operand,))
        case Apply("literals", (operand,)):
            yield from requirements(operand)
            yield "literals", _null_only_by(expression, (operand,))
        case Apply("numbers", (operand,)):
            yield from requirements(operand)
            known = Map("each", expression, Apply("is not null", (It(nullable(INT)),), BOOL), ListOf(BOOL))
            yield "numbers", Apply("all", (known,), BOOL)
        case Apply("+" | "-" | "*" | "neg", arguments, type) if present(type) == INT:
            for argument in arguments:
                yield from requirements(argument)
            yield "overflow", _null_only_by(expression, arguments)
        case Apply("box" | "box_xywh" as function, arguments):
            for argument in arguments:
                yield from requirements(argument)
            yield function, _null_only_by(expression, arguments)
        case Apply("rle_box", (text, _, _) as arguments):
            for argument in arguments:
                yield from requirements(argument)
            nothing = Apply("==", (Apply("strip", (text,), text.type), Const(NO_MASK, TEXT)), BOOL)
            yield "rle_box", Apply("or", (nothing, _null_only_by(expression, arguments)), BOOL)
        case _:
            for child in children(expression):
                yield from requirements(child)


def _null_only_by(result: Typed, operands: tuple[Typed, ...]) -> Typed:
    """That `result` is null only where one of its operands is."""
    holds: Typed = Apply("is not null", (result,), BOOL)
    for operand in operands:
        if is_nullable(operand.type):
            holds = Apply("or", (Apply("is null", (operand,), BOOL), holds), BOOL)
    return holds
