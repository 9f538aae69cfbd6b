"""The syntax tree of expressions and prompts: what was written, names still names.

Positions ride along in `span` and do not count for equality, so that `parse(show(tree)) == tree`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.nodes import node


@node
class Node:
    """Base of all syntax nodes: where it stands."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


# ---- expressions


@node
class Name(Node):
    """A column, an input, a `let`, a constant, or `it`."""

    name: str


@node
class Text(Node):
    """`"..."` or, with no escapes read, `r"..."`."""

    value: str


@node
class Number(Node):
    """A number as written: an int, or a float if it has a point."""

    value: int | float


@node
class Bool(Node):
    """`true` or `false`."""

    value: bool


@node
class Format(Node):
    """`f"..."`: texts and expressions in turn; neighbouring texts are one part, empty texts are left out."""

    parts: tuple[str | Expr, ...]


@node
class Items(Node):
    """`[a, b, c]`."""

    items: tuple[Expr, ...]


@node
class Record(Node):
    """`record(a = x, b = y)`."""

    fields: tuple[tuple[str, Expr], ...]


@node
class Call(Node):
    """`f(x, y)`; `x | f(y)` is read as the same call. `function_span` marks the function's name."""

    function: str
    arguments: tuple[Expr, ...]
    function_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


UnaryOperator: TypeAlias = Literal["-", "not"]
BinaryOperator: TypeAlias = Literal[
    "or", "and", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "??", "+", "-", "*", "/", "%"
]


@node
class Unary(Node):
    """`-x`, `not x`."""

    operator: UnaryOperator
    operand: Expr


@node
class Binary(Node):
    """Two operands and an operator between; comparisons do not chain."""

    operator: BinaryOperator
    left: Expr
    right: Expr


@node
class IsNull(Node):
    """`x is null`, `x is not null`."""

    operand: Expr
    negated: bool


@node
class If(Node):
    """`if c then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Field(Node):
    """`x.name`: a field of a record."""

    operand: Expr
    name: str


@node
class Index(Node):
    """`x[i]`: an item of a list, from 0, negative from the end; null if there is none."""

    operand: Expr
    index: Expr


@node
class Invalid(Node):
    """Text that does not parse; already reported, fits everything."""


Expr: TypeAlias = (
    Name
    | Text
    | Number
    | Bool
    | Format
    | Items
    | Record
    | Call
    | Unary
    | Binary
    | IsNull
    | If
    | Field
    | Index
    | Invalid
)


def children(expression: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression, in order."""
    match expression:
        case Name() | Text() | Number() | Bool() | Invalid():
            return ()
        case Format(parts):
            return tuple(part for part in parts if not isinstance(part, str))
        case Items(parts) | Call(_, parts):
            return parts
        case Record(fields):
            return tuple(value for _, value in fields)
        case Unary(_, operand) | IsNull(operand) | Field(operand):
            return (operand,)
        case Binary(_, left, right) | Index(left, right):
            return (left, right)
        case If(condition, then, otherwise):
            return (condition, then, otherwise)


def walk(expression: Expr) -> Iterator[Expr]:
    """The expression and all its parts."""
    yield expression
    for child in children(expression):
        yield from walk(child)


# ---- prompts (JSGF expansions)


@node
class Words(Node):
    """Literal text, escapes already read."""

    text: str


@node
class Slot(Node):
    """`{expression}`."""

    expression: Expr


@node
class Rule(Node):
    """`<name>`: a rule of the task or of words.yaml."""

    name: str


@node
class Sequence(Node):
    """Parts one after the other; never nested directly, never of length one."""

    parts: tuple[Prompt, ...]


@node
class Choice(Node):
    """`(a|b)` or the lines of a prompt: one alternative, by whole-number weights (`/3/`, default 1)."""

    alternatives: tuple[Prompt, ...]
    weights: tuple[int, ...]


@node
class Optional(Node):
    """`[x]`: there or not, with equal chances."""

    part: Prompt


Prompt: TypeAlias = Words | Slot | Rule | Sequence | Choice | Optional
