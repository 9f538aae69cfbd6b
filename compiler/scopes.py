"""What an expression may speak of, and what a condition proves of it.

`facts(condition, truth)` names what is not null once the condition is known to be true (or false); `Scope.narrow`
forgets the `| null` of those names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.declarations import Constant, Function, Policy
from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.typed import Const, Typed, Value, walk
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


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a name has its type from, and the null in it, if not from where it is declared."""

    type: Span | None = None
    null: Span | None = None


NO_ORIGIN = Origin()


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name stands for, and where that was declared. A policy is no value; it stands in calls that take one."""

    value: Typed
    declared: Span | None = None
    policy: Policy | None = None
    origin: Origin = NO_ORIGIN


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may speak of.

    names      columns, inputs, lets and constants
    what       how messages call the names ("column of `openi.studies`")
    source     the source in whose file the expression stands (for `image`)
    sources    all sources
    functions  functions written in YAML
    site       where draws are keyed ("presence.disease"); None where there may be none
    declared   the place of the table or task whose names these are
    """

    names: Mapping[str, Binding]
    what: str
    source: str = ""
    sources: frozenset[str] = frozenset()
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    site: str | None = None
    declared: Span | None = None

    def narrow(self, proved: frozenset[str]) -> Scope:
        """The scope in which these names are known not to be null."""
        names = {
            name: replace(b, value=replace(b.value, type=present(b.value.type))) if name in proved else b
            for name, b in self.names.items()
        }
        return replace(self, names=names)

    def given(self, condition: s.Expr, checked: Typed, truth: bool = True) -> Scope:
        """The scope in which `condition` has turned out to be `truth`; a mistake in it may have been any proof."""
        if not is_broken(checked):
            return self.narrow(facts(condition, truth))
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


def facts(condition: s.Expr, truth: bool = True) -> frozenset[str]:
    """The names that cannot be null when `condition` has turned out to be `truth`."""
    match condition:
        case s.IsNull(s.Name(name), negated) if negated == truth:
            return frozenset((name,))
        case s.Unary("not", operand):
            return facts(operand, not truth)
        case s.Binary("and" | "or" as operator, left, right):
            both = (operator == "and") == truth
            return facts(left, truth) | facts(right, truth) if both else facts(left, truth) & facts(right, truth)
        case s.Binary("in" | "not in" as operator, s.Name(name), _) if (operator == "in") == truth:
            return frozenset((name,))
        case _:
            return frozenset()


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
