"""CHECK, the part about expressions: syntax tree in, typed tree out; names bound, nulls proved.

Names, literals and `if` are here; operators.py and calls.py have the rest, and stand on checking.py. Flow typing
(scopes.py) follows `where`, `and`, `or`, `if` and `when`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.calls import Calls
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.diagnostics import Fix, Label, close, near, respell, write
from cxrspec.compiler.foreign import called
from cxrspec.compiler.functions import FUNCTIONS
from cxrspec.compiler.operators import Operators
from cxrspec.compiler.scopes import Scope, scalar_type
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.typed import Apply, Branch, Build, Column, Const, Get, Typed, Value
from cxrspec.compiler.types import (
    BOOL,
    BOX,
    FIELDS_OF_BOX,
    INT,
    NEVER,
    TEXT,
    UNKNOWN,
    ListOf,
    RecordOf,
    Type,
    Unknown,
    is_nullable,
    join,
    nullable,
    present,
)


class Checker(Operators, Calls):
    """Types expressions; every finding goes to `report`, and a mistake has the type Unknown."""

    def check(self, e: s.Expr, scope: Scope, expected: Type = UNKNOWN) -> Typed:
        """The typed tree of one expression; `expected` is what has to fit, where that is known."""
        match e:
            case s.Name():
                return self.name(e, scope, expected)
            case s.Text(value) | s.Number(value) | s.Bool(value):
                return Const(value, scalar_type(value))
            case s.Format(parts):
                return self.format(parts, scope)
            case s.Items(items):
                return self.items(e, items, scope, expected)
            case s.Record(fields):
                built = tuple((name, self.check(value, scope)) for name, value in fields)
                return Build(built, RecordOf(tuple((name, value.type) for name, value in built)))
            case s.Call():
                return self.call(e, scope)
            case s.Unary("not", operand):
                return Apply("not", (self.wants(operand, scope, BOOL, "what follows `not`"),), BOOL)
            case s.Unary(_, s.Number(number)):
                return Const(-number, scalar_type(number))
            case s.Unary(_, operand):
                amount = self.number(operand, scope, "-")
                return Apply("neg", (amount,), amount.type)
            case s.Binary():
                return self.binary(e, scope)
            case s.IsNull(operand, negated):
                return Apply("is not null" if negated else "is null", (self.check(operand, scope),), BOOL)
            case s.If():
                return self.branch(e, scope, expected)
            case s.Field():
                return self.field(e, scope)
            case s.Index(operand, index):
                return self.index(operand, index, scope)
            case s.Invalid():
                return Const("", UNKNOWN)

    # ---- names

    def name(self, e: s.Name, scope: Scope, expected: Type = UNKNOWN) -> Typed:
        """What the name stands for; where a text is expected, it may be one without its quotes."""
        if e.name in scope.names:
            if scope.names[e.name].policy is not None:
                help = "a policy stands in `positive(labels, policy)` and `negative(labels, policy)`"
                self.report.error("CXR317", e.span, f"`{e.name}` is a policy, and no value", help=help)
            return scope.names[e.name].value
        if e.name == "it":
            self.report.error("CXR204", e.span, "`it` stands outside of `where(list, ...)` and `each(list, ...)`")
            return Column(e.name, UNKNOWN)
        values = [name for name, one in scope.names.items() if one.policy is None]
        hints = [near(e.name, values, "names")]
        if e.span is not None and self.quoted(e.span):
            hints.insert(0, f"YAML took the quotes: a text is written '\"{e.name}\"'")
        elif e.name not in scope.names and e.name in FUNCTIONS:
            hints.insert(0, f"`{e.name}` is a function: `{FUNCTIONS[e.name].signature}`")
        elif present(expected) == TEXT and not close(e.name, values):
            hints.insert(0, f'a text stands in quotes: `"{e.name}"`')
        declared = (Label(scope.declared, "declared here"),) if scope.declared else ()
        label, fix = f"not a {scope.what}", self.unknown(e, values)
        self.report.error(
            "CXR203", e.span, f"unknown name `{e.name}`", label=label, others=declared, help=hints, fix=fix
        )
        return Column(e.name, UNKNOWN)

    def unknown(self, e: s.Name, known: Sequence[str]) -> Fix | None:
        """The fix for an unknown name: a known one, or the text that it was before YAML took its quotes."""
        if e.span is None or not self.quoted(e.span):
            return respell(e.span, e.name, known)
        whole = replace(e.span, start=e.span.start - 1, end=e.span.end + 1)
        return None if close(e.name, known) else write(whole, f"'\"{e.name}\"'")

    def field(self, e: s.Field, scope: Scope) -> Typed:
        """A field of a record or a box; that of a null is null."""
        operand = self.check(e.operand, scope)
        what = "box" if present(operand.type) == BOX else "record"
        match FIELDS_OF_BOX if what == "box" else present(operand.type):
            case Unknown():
                return Get(operand, e.name, UNKNOWN)
            case RecordOf(fields) if e.name in dict(fields):
                type = dict(fields)[e.name]
                return Get(operand, e.name, nullable(type) if is_nullable(operand.type) else type)
            case RecordOf(fields):
                place = e.span and replace(e.span, start=e.span.end - len(e.name))
                help, fix = near(e.name, dict(fields), "fields"), respell(place, e.name, dict(fields))
                self.report.error("CXR207", place, f"the {what} has no field `{e.name}`", help=help, fix=fix)
            case other:
                message = f"`.{e.name}` asks for a record, found `{other}`"
                self.report.error("CXR305", e.span, message, help=called(e.name), cause=cause_of(operand, scope))
        return Get(operand, e.name, UNKNOWN)

    # ---- literals with parts

    def format(self, parts: tuple[str | s.Expr, ...], scope: Scope) -> Typed:
        """A text with values in it; null if one of them is."""
        if not parts:
            return Const("", TEXT)
        typed: list[Typed] = []
        lifted = False
        for part in parts:
            if isinstance(part, str):
                typed.append(Const(part, TEXT))
                continue
            value = self.check(part, scope)
            self.printable(value, part.span, scope)
            lifted |= is_nullable(value.type)
            typed.append(value)
        return Apply("format", tuple(typed), nullable(TEXT) if lifted else TEXT)

    def items(self, e: s.Items, items: tuple[s.Expr, ...], scope: Scope, expected: Type) -> Typed:
        """A list; of literals only, it is a literal itself."""
        words = self.bare_words(e, scope) if expected == ListOf(TEXT) else ()
        typed = tuple(Column("", UNKNOWN) if item in words else self.check(item, scope) for item in items)
        kind: Type = NEVER
        for value, item in zip(typed, items, strict=True):
            joined = join(kind, value.type)
            if joined is None:
                self.report.error(
                    "CXR303", item.span, f"a list of `{kind}` cannot hold `{value.type}`", cause=cause_of(value, scope)
                )
                return Apply("list", typed, ListOf(UNKNOWN))
            kind = joined
        if all(isinstance(v, Const) and not isinstance(v.value, tuple) for v in typed):
            return Const(tuple(cast(Value, cast(Const, v).value) for v in typed), ListOf(kind))
        return Apply("list", typed, ListOf(kind))

    def bare_words(self, e: s.Items, scope: Scope) -> tuple[s.Expr, ...]:
        """Names in a list of texts that are unknown, and resemble no known one: texts without their quotes."""
        values = [name for name, one in scope.names.items() if one.policy is None]
        words = [item for item in e.items if isinstance(item, s.Name) and item.name not in (*scope.names, "it")]
        words = [] if any(close(word.name, values) for word in words) else words
        if words:
            quoted = ", ".join(f'"{item.name}"' if item in words else show_expression(item) for item in e.items)
            names = ", ".join(f"`{word.name}`" for word in words)
            whole = replace(e.span, start=e.span.start - 1, end=e.span.end + 1) if e.span else None
            self.report.error(
                "CXR203",
                words[0].span,
                f"unknown name{'s' * (len(words) > 1)} {names} in a list of texts",
                label="a text stands in quotes",
                others=[Label(word.span, "and so does this") for word in words[1:] if word.span],
                help=f"with quotes: `[{quoted}]`",
                fix=write(whole, f"'[{quoted}]'") if e.span and self.quoted(e.span) and "'" not in quoted else None,
            )
        return tuple(words)

    def branch(self, e: s.If, scope: Scope, expected: Type) -> Typed:
        """`if`; each side knows what the condition has proved."""
        condition = self.wants(e.condition, scope, BOOL, "the condition")
        then = self.check(e.then, scope.given(condition), expected)
        otherwise = self.check(e.otherwise, scope.given(condition, False), expected)
        joined = join(then.type, otherwise.type)
        if joined is None:
            message = f"`if` gives `{then.type}` on one side and `{otherwise.type}` on the other"
            self.report.error("CXR303", e.span, message, cause=self.causes((then, otherwise), scope))
        return Branch(condition, then, otherwise, UNKNOWN if joined is None else joined)

    def index(self, operand: s.Expr, index: s.Expr, scope: Scope) -> Typed:
        """An item of a list; null if there is none."""
        items = self.check(operand, scope)
        place = self.wants(index, scope, INT, "the index")
        match present(items.type):
            case ListOf(item):
                return Apply("item", (items, place), nullable(item))
            case Unknown():
                return Apply("item", (items, place), UNKNOWN)
            case other:
                self.report.error(
                    "CXR305", operand.span, f"`[i]` asks for a list, found `{other}`", cause=cause_of(items, scope)
                )
                return Apply("item", (items, place), UNKNOWN)
