"""The values that an expression can have, as far as files of the language say so; null is never one of them.

    {type: text, values: {PA: PA, AP: AP}}    ->   `PA`, `AP`
    if lateral then "LL" else view            ->   `LL`, `PA`, `AP`

What may be anything is `ANY`. `Values` follows expressions and keeps what is compared with a value that it
never has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Label, Span
from cxrspec.compiler.nodes import node
from cxrspec.compiler.plan import parts
from cxrspec.compiler.typed import Value


@node
class Domain:
    """What a value can be; of a list, what its items can be.

    values   all that it can be, in the order declared; None: anything but `without`
    places   what says so: declarations, and conditions that leave only these
    null     whether it may be null instead, as far as is known
    origins  where what it comes from was declared: columns, inputs, lets, constants
    """

    values: tuple[Value, ...] | None = None
    without: frozenset[Value] = frozenset()
    places: tuple[Label, ...] = ()
    null: bool = True
    origins: frozenset[Span] = frozenset()

    def holds(self, value: Value) -> bool:
        """Whether the value can be this one."""
        return value not in self.without if self.values is None else value in self.values

    def only(self, values: Collection[Value], place: Label | None = None) -> Domain:
        """Those of the values that are among these; `place` says so, if others are left out."""
        kept = tuple(v for v in (values if self.values is None else self.values) if v in values and self.holds(v))
        if kept == self.values and not self.null:
            return self
        return replace(
            self, values=kept, without=frozenset(), places=self._places(kept != self.values, place), null=False
        )

    def but(self, values: Collection[Value], place: Label | None = None) -> Domain:
        """All values but these."""
        if self.values is None:
            return replace(self, without=self.without | {*values}, places=self._places(True, place))
        kept = tuple(v for v in self.values if v not in values)
        return self if kept == self.values else replace(self, values=kept, places=self._places(True, place))

    @property
    def nothing(self) -> bool:
        """Whether there is no value, and no null."""
        return self.values == () and not self.null

    def _places(self, narrowed: bool, place: Label | None) -> tuple[Label, ...]:
        return (*self.places, place) if narrowed and place is not None else self.places


ANY = Domain()
FLAG = Domain((True, False), null=False)
Env: TypeAlias = Mapping[str, Domain]
Both: TypeAlias = tuple[Env | None, Env | None]
"""What is known where a condition has turned out true, and where false; None: it never does."""


def union(domains: Iterable[Domain]) -> Domain:
    """What a value can be that is one of these."""
    all = list(domains)
    origins = frozenset(origin for one in all for origin in one.origins)
    if any(one.values is None for one in all):
        return Domain(origins=origins)
    values = dict.fromkeys(value for one in all for value in one.values or ())
    places = dict.fromkeys(place for one in all for place in one.places)
    return Domain(tuple(values), places=tuple(places), null=any(one.null for one in all), origins=origins)


def either(a: Env | None, b: Env | None) -> Env | None:
    """What is known where one of two things is."""
    if a is None or b is None or a is b:
        return b if a is None else a
    return {name: a[name] if a[name] is b[name] else union((a[name], b[name])) for name in a.keys() & b.keys()}


@node
class Stranger:
    """A written value that what it is compared with never has; of a list (`listed`), that it never holds."""

    subject: s.Expr
    value: Value
    domain: Domain
    span: Span | None
    listed: bool


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED: Mapping[s.BinaryOperator, s.BinaryOperator] = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "==": "==",
    "!=": "!=",
}
_OF_THE_FIRST = frozenset(  # functions and aggregates that give what their first argument holds
    ("only", "first", "list", "list_unique", "min", "max", "most_common", "least", "most", "unique", "present", "every",
     "choose", "names", "positive", "negative", "without")
)  # fmt: skip


@dataclass(slots=True)
class Values:
    """Follows expressions through what is known of names.

    `strangers` and where empty lists stand (`empty`) are what was found. `used` are the declarations of the names that
    were met, and `called` the functions.
    """

    strangers: dict[Span | None, Stranger] = field(default_factory=dict[Span | None, Stranger])
    empty: set[Span | None] = field(default_factory=set[Span | None])
    used: set[Span] = field(default_factory=set[Span])
    called: set[str] = field(default_factory=set[str])

    @property
    def found(self) -> int:
        """How much was found so far."""
        return len(self.strangers) + len(self.empty)

    def of(self, e: s.Expr, known: Env) -> Domain:
        """What the expression can be; every comparison in it is looked at."""
        return self._follow(e, known)[0]

    def use(self, domain: Domain) -> Domain:
        """The domain of a name that was met."""
        self.used |= domain.origins
        return domain

    def assume(self, e: s.Expr, known: Env) -> Both:
        """What is known where the condition holds, and where it does not; every comparison in it is looked at."""
        domain, sides = self._follow(e, known)
        return self._held(e, domain, (True,), known, e.span) if sides is None else sides

    def _follow(self, e: s.Expr, known: Env) -> tuple[Domain, Both | None]:
        """What the expression can be, and what it proves as a condition, where that is more than its own value."""
        match e:
            case s.Unary("not", operand):
                true, false = self.assume(operand, known)
                return FLAG, (false, true)
            case s.Binary("and", left, right):
                there, no = self.assume(left, known)
                true, false = self._then(right, there, known)
                return FLAG, (true, either(no, false))
            case s.Binary("or", left, right):
                yes, there = self.assume(left, known)
                true, false = self._then(right, there, known)
                return FLAG, (either(yes, true), false)
            case s.Binary("in", left, right):
                return FLAG, self._among(e, left, right, known)
            case s.Binary("not in", left, right):
                true, false = self._among(e, left, right, known)
                return FLAG, (false, true)
            case s.Binary("==" | "!=" | "<" | "<=" | ">" | ">=", left, right):
                if literal(left) is not None and literal(right) is None:
                    left, right = right, left
                    e = replace(e, operator=_MIRRORED[e.operator])
                return FLAG, self._compared(e, left, right, known)
            case s.IsNull(operand, negated):
                there = _with(known, operand, replace(self.of(operand, known), null=False))
                return FLAG, ((there, known) if negated else (known, there))
            case _:
                return self._value(e, known), None

    def _value(self, e: s.Expr, known: Env) -> Domain:
        """What an expression can be that is no comparison."""
        value = literal(e)
        if value is not None:
            return Domain((value,), null=False)
        match e:
            case s.Name(name):
                return self.use(known.get(name, ANY))
            case s.If(condition, then, otherwise):
                sides = zip((then, otherwise), self.assume(condition, known), strict=True)
                return union(one for side, there in sides if (one := self._reached(side, there, known)) is not None)
            case s.Call("where", (items, condition)):
                there, _ = self.assume(condition, {**known, "it": self.of(items, known)})
                return Domain(()) if there is None else there["it"]
            case s.Call("each", (items, body)):
                return self.of(body, {**known, "it": self.of(items, known)})
            case _:
                pass
        if isinstance(e, s.Call):
            self.called.add(e.function)
        inside = [self.of(part, known) for part in s.children(e)]
        match e:
            case s.Items() | s.Call("concat"):
                return union(inside)
            case s.Binary("??"):
                return replace(union(inside), null=inside[1].null)
            case s.Call("must"):
                return replace(inside[0], null=False)
            case s.Index():
                return replace(inside[0], null=True)
            case s.Call(function) if function in _OF_THE_FIRST and inside:
                return replace(inside[0], null=True)
            case _:
                return ANY

    def _then(self, e: s.Expr, there: Env | None, known: Env) -> Both:
        """A condition that is asked where `there` holds; never, if that is None."""
        if there is None:
            self.mention(e, known)
            return None, None
        return self.assume(e, there)

    def _reached(self, e: s.Expr, there: Env | None, known: Env) -> Domain | None:
        """What an expression can be that is asked for where `there` holds."""
        if there is None:
            self.mention(e, known)
            return None
        return self.of(e, there)

    def mention(self, e: s.Expr, known: Env) -> None:
        """The names in an expression are used, whatever comes of it."""
        for part in parts(e):
            if isinstance(part, s.Name):
                self.use(known.get(part.name, ANY))
            elif isinstance(part, s.Call):
                self.called.add(part.function)

    def _compared(self, e: s.Binary, left: s.Expr, right: s.Expr, known: Env) -> Both:
        """Two operands; only the second may be a literal."""
        domain, value = self.of(left, known), literal(right)
        if value is None:
            self.of(right, known)
            return known, known
        if e.operator in _ORDER:
            if domain.values is None or not _alike(value, domain):
                return known, known
            return self._held(left, domain, [v for v in domain.values if _ORDER[e.operator](v, value)], known, e.span)
        self.look(left, domain, value, right.span)
        true, false = self._held(left, domain, (value,), known, e.span)
        return (true, false) if e.operator == "==" else (false, true)

    def _among(self, e: s.Binary, left: s.Expr, right: s.Expr, known: Env) -> Both:
        """`left in right`."""
        domain, items = self.of(left, known), self.of(right, known)
        value = literal(left)
        if value is not None:
            self.look(right, items, value, left.span, listed=True)
            return (known if items.holds(value) else None), known
        if isinstance(right, s.Items):
            if not right.items:
                self.empty.add(right.span)
            for item in right.items:
                if (one := literal(item)) is not None:
                    self.look(left, domain, one, item.span)
        if items.values is None:
            return known, known
        true, false = self._held(left, domain, items.values, known, e.span)
        whole = isinstance(right, s.Items) and None not in map(literal, right.items)  # else the list may lack some
        return true, false if whole else known

    @staticmethod
    def _held(e: s.Expr, domain: Domain, values: Collection[Value], known: Env, span: Span | None) -> Both:
        """What is known where `e`, which can be `domain`, is one of the values, and where it is none of them."""
        place = Label(span, "narrowed here") if span is not None else None
        true, false = domain.only(values, place), domain.but(values, place)
        return _with(known, e, true), _with(known, e, false)

    def look(self, subject: s.Expr, domain: Domain, value: Value, span: Span | None, *, listed: bool = False) -> None:
        """Keep a value that `subject` never has."""
        if not domain.holds(value) and _alike(value, domain):
            self.strangers.setdefault(span, Stranger(subject, value, domain, span, listed))


def _with(known: Env, e: s.Expr, domain: Domain) -> Env | None:
    """What is known where `e` is in this domain."""
    if domain.nothing:
        return None
    return {**known, e.name: domain} if isinstance(e, s.Name) and known.get(e.name, domain) is not domain else known


def literal(e: s.Expr) -> Value | None:
    """The value that is written, if one is."""
    match e:
        case s.Text(value) | s.Number(value) | s.Bool(value):
            return value
        case s.Unary("-", s.Number(value)):
            return -value
        case _:
            return None


def _alike(value: Value, domain: Domain) -> bool:
    """Whether the domain is of the value's type; what is not has a finding of its own."""
    return all(isinstance(v, str) == isinstance(value, str) for v in domain.values or ())
