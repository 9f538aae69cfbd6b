"""What an expression may speak of, and what a condition proves of it.

`facts(condition, truth)` is what cannot be null once the condition is known to be true (or false); `Scope.narrow` forgets
the `| null` of the names that stand for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field, replace
from functools import reduce
from typing import Any, cast

from cxrspec.compiler.declarations import Constant, Function, Policy
from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.functions import FUNCTIONS
from cxrspec.compiler.nodes import node
from cxrspec.compiler.typed import Apply, Branch, Const, Get, Map, Typed, Value, walk
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    INT,
    NEVER,
    TEXT,
    UNKNOWN,
    ListOf,
    Type,
    Unknown,
    is_nullable,
    join,
    present,
)


@node
class Origin:
    """Where a name has its type from, and the null in it, if not from where it is declared."""

    type: Span | None = None
    null: Span | None = None


NO_ORIGIN = Origin()


@node
class Binding:
    """What a name stands for, and where that was declared. A policy is no value; it stands in calls that take one."""

    value: Typed
    declared: Span | None = None
    policy: Policy | None = None
    origin: Origin = NO_ORIGIN


@node
class Scope:
    """What an expression may speak of.

    names      columns, inputs, lets and constants
    what       how messages call the names ("column of `openi.studies`")
    source     the source in whose file the expression stands (for `image`)
    sources    all sources
    functions  functions written in YAML
    site       where draws are keyed ("presence.disease"); None where there may be none
    declared   the place of the table or task whose names these are
    refuted    what would be proved not to be null, had a condition turned out the other way
    """

    names: Mapping[str, Binding]
    what: str
    source: str = ""
    sources: Collection[str] = frozenset()
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    site: str | None = None
    declared: Span | None = None
    refuted: frozenset[Typed] = frozenset()

    def narrow(self, proved: frozenset[Typed]) -> Scope:
        """The scope in which the names that stand for these are known not to be null."""
        names = {
            name: replace(b, value=replace(b.value, type=present(b.value.type))) if b.value in proved else b
            for name, b in self.names.items()
        }
        return replace(self, names=names)

    def given(self, condition: Typed, truth: bool = True) -> Scope:
        """The scope in which `condition` has turned out to be `truth`; a mistake in it may have been any proof."""
        if not is_broken(condition):
            proved = facts(condition, truth)
            return replace(self.narrow(proved), refuted=(self.refuted | facts(condition, not truth)) - proved)
        return self.with_names(
            {
                name: replace(b, value=replace(b.value, type=UNKNOWN))
                for name, b in self.names.items()
                if is_nullable(b.value.type)
            }
        )

    def with_names(self, names: Mapping[str, Binding]) -> Scope:
        """The scope with these names added or made anew."""
        return replace(self, names={**self.names, **names})


def is_broken(expression: Typed) -> bool:
    """Whether a finding was made in an expression: what it would have proved is not known."""
    return any(isinstance(part.type, Unknown) for part in walk(expression))


def facts(condition: Typed, truth: bool = True) -> frozenset[Typed]:
    """What cannot be null when `condition` has turned out to be `truth`."""
    match condition:
        case Apply("is null" | "is not null" as name, (operand,)) if (name == "is not null") == truth:
            return frozenset(_needed(operand))
        case Apply("not", (operand,)):
            return facts(operand, not truth)
        case Apply("and" | "or" as name, (left, right)):
            both = (name == "and") == truth
            return facts(left, truth) | facts(right, truth) if both else facts(left, truth) & facts(right, truth)
        case Apply("in", (item, _)) if truth:
            return frozenset(_needed(item))
        case Apply(name, (Apply("??", (operand, Const(instead))), Const(value))) if name in _COMPARED:
            return frozenset(_needed(operand) if _COMPARED[name](instead, value) != truth else ())
        case Branch(test, then, otherwise):
            sides = [(facts(test), then), (facts(test, False), otherwise)]
            told = [known | facts(side, truth) for known, side in sides if not _is(side, not truth)]
            return reduce(frozenset[Typed].intersection, told) if told else frozenset()
        case _:
            return frozenset()


def _needed(value: Typed) -> Iterator[Typed]:
    """What cannot be null where this is none: what is made of a null is null."""
    yield value
    match value:
        case Apply(name, arguments) if name in FUNCTIONS or name in _PASSING:
            for argument in arguments:
                yield from _needed(argument)
        case Get(operand) | Map(_, operand):
            yield from _needed(operand)
        case _:
            pass


def _is(value: Typed, truth: bool) -> bool:
    return isinstance(value, Const) and value.value is truth


_PASSING = ("format", "escape", "path", "item", "+", "-", "*", "/", "%", "neg")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def constant(value: Constant, declared: Span | None) -> Binding:
    """What the name of a constant stands for."""
    if isinstance(value, Policy):
        return Binding(Const("", UNKNOWN), declared, value)
    return Binding(literal(value), declared)


def literal(value: Value | tuple[Value, ...]) -> Const:
    """A typed literal; a list takes the type that holds all its items."""
    if isinstance(value, tuple):
        item = reduce(lambda a, b: join(a, b) or UNKNOWN, (scalar_type(v) for v in value), cast(Type, NEVER))
        return Const(value, ListOf(item))
    return Const(value, scalar_type(value))


def scalar_type(value: Value) -> Type:
    """The type of a literal."""
    return (
        BOOL
        if isinstance(value, bool)
        else INT
        if isinstance(value, int)
        else FLOAT
        if isinstance(value, float)
        else TEXT
    )


def item_type(type: Type) -> Type:
    """The type of a list's items."""
    inner = present(type)
    return inner.item if isinstance(inner, ListOf) else UNKNOWN
