"""CHECK, the part about operators."""

from __future__ import annotations

import re
from dataclasses import replace

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.checking import NUMBERS, Checking, keep_only
from cxrspec.compiler.diagnostics import write
from cxrspec.compiler.scopes import Scope
from cxrspec.compiler.typed import Apply, Const, Typed
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    INT,
    SPLIT,
    TEXT,
    UNKNOWN,
    LabelsOf,
    ListOf,
    RecordOf,
    Scalar,
    Type,
    Unknown,
    is_nullable,
    join,
    nullable,
    present,
)

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
ORDERED = ("int", "float", "text", "date", "time")


class Operators(Checking):
    """Types two operands and what stands between them."""

    def number(self, e: s.Expr, scope: Scope, operator: str) -> Typed:
        """An operand that must be a number."""
        value = self.check(e, scope)
        if not isinstance(value.type, Unknown) and present(value.type) not in NUMBERS:
            hint = 'texts are put together in `f"{a}{b}"`, lists by `concat(a, b)`' if operator in ("+", "%") else ""
            self.report.error(
                "CXR304",
                e.span,
                f"`{operator}` asks for numbers, found `{value.type}`",
                help=hint,
                cause=cause_of(value, scope),
            )
            return replace(value, type=UNKNOWN)
        return value

    def binary(self, e: s.Binary, scope: Scope) -> Typed:
        """Two operands and an operator."""
        match e.operator:
            case "and" | "or":
                left = self.wants(e.left, scope, BOOL, f"the left side of `{e.operator}`")
                inner = scope.given(left, e.operator == "and")
                return Apply(
                    e.operator, (left, self.wants(e.right, inner, BOOL, f"the right side of `{e.operator}`")), BOOL
                )
            case "in" | "not in":
                return self.membership(e, scope)
            case "??":
                return self.otherwise(e, scope)
            case "==" | "!=" | "<" | "<=" | ">" | ">=":
                return self.comparison(e, scope)
            case "+" | "-" | "*" | "/" | "%":
                return self.arithmetic(e, scope)

    def membership(self, e: s.Binary, scope: Scope) -> Typed:
        """`x in list`, which is false for a null."""
        left = self.check(e.left, scope)
        right = self.check(e.right, scope, ListOf(present(left.type)))
        if not isinstance(present(right.type), ListOf | Unknown):
            self.report.error(
                "CXR305",
                e.right.span,
                f"`in` asks for a list, found `{right.type}`",
                help="a piece of a text: `contains(text, piece)`",
                cause=cause_of(right, scope),
            )
        elif is_nullable(right.type):
            self.fitted(right, present(right.type), e.right, "the list", scope)
        elif (
            isinstance(right.type, ListOf)
            and join(present(left.type), present(right.type.item)) is None
            and not self._split_words(left, right, e)
        ):
            message = f"`{left.type}` can never be in `{right.type}`"
            self.report.error("CXR303", e.span, message, cause=self.causes((left, right), scope))
        found = Apply("in", (left, right), BOOL)
        return found if e.operator == "in" else Apply("not", (found,), BOOL)

    def _split_words(self, left: Typed, right: Typed, e: s.Binary) -> bool:
        """Whether this is a split in a list of text literals, each one of the three words."""
        if present(left.type) != SPLIT or not isinstance(right, Const) or not isinstance(right.value, tuple):
            return False
        items = e.right.items if isinstance(e.right, s.Items) else (e.right,) * len(right.value)
        for word, item in zip(right.value, items, strict=True):
            self._as_split(Const(word, TEXT), SPLIT, item.span)
        return True

    def otherwise(self, e: s.Binary, scope: Scope) -> Typed:
        """`x ?? y`."""
        left = self.check(e.left, scope)
        right = self.check(e.right, scope, present(left.type))
        joined = join(present(left.type), right.type)
        if not is_nullable(left.type) and not isinstance(left.type, Unknown):
            message, label = "the left side of `??` is never null", f"this is `{left.type}`"
            fix = keep_only(e.left, e, "leave `??` out, and what follows it") if left.type == joined else None
            self.report.warning("CXR307", e.left.span, message, label=label, fix=fix, cause=cause_of(left, scope))
        if joined is None:
            message = f"`??` has `{left.type}` on one side and `{right.type}` on the other"
            self.report.error("CXR303", e.span, message, cause=self.causes((left, right), scope))
        return Apply("??", (left, right), UNKNOWN if joined is None else joined)

    def comparison(self, e: s.Binary, scope: Scope) -> Typed:
        """Two values that are never null, of types that go together."""
        left = self.check(e.left, scope)
        right = self.check(e.right, scope, present(left.type))
        written = left, right
        left = self.never_null(left, e.left, f"the left side of `{e.operator}`", scope)
        right = self.never_null(right, e.right, f"the right side of `{e.operator}`", scope)
        if SPLIT in (left.type, right.type) and TEXT in (left.type, right.type):
            left, right = (
                self.fitted(left, SPLIT, e.left, "the split", scope),
                self.fitted(right, SPLIT, e.right, "the split", scope),
            )
        joined = join(left.type, right.type)
        if joined is None:
            message = f"`{left.type}` and `{right.type}` cannot be compared"
            digits = [side for side in (e.left, e.right) if isinstance(side, s.Text) and NUMBER.fullmatch(side.value)]
            meant = digits[0] if digits and {left.type, right.type} & {INT, FLOAT} else None
            help, fix = ("a number has no quotes", write(meant.span, meant.value)) if meant else ("", None)
            self.report.error("CXR303", e.span, message, help=help, fix=fix, cause=self.causes(written, scope))
        elif e.operator not in ("==", "!=") and isinstance(joined, Scalar) and joined.name not in ORDERED:
            self.report.error("CXR304", e.span, f"`{joined}` has no order", cause=self.causes(written, scope))
        elif isinstance(joined, RecordOf | LabelsOf) or (isinstance(joined, ListOf) and e.operator not in ("==", "!=")):
            self.report.error(
                "CXR304", e.span, f"`{e.operator}` does not compare `{joined}`", cause=self.causes(written, scope)
            )
        return Apply(e.operator, (left, right), BOOL)

    def arithmetic(self, e: s.Binary, scope: Scope) -> Typed:
        """Numbers; `+` also puts lists one after the other. What may divide by zero may be null."""
        left, right = self.check(e.left, scope), None
        if e.operator == "+" and isinstance(present(left.type), ListOf):
            return self.check(s.Call("concat", (e.left, e.right), span=e.span), scope)
        left = self.number(e.left, scope, e.operator)
        known = not isinstance(left.type, Unknown)
        right = self.number(e.right, scope, e.operator) if known else self.check(e.right, scope)
        if isinstance(left.type, Unknown) or isinstance(right.type, Unknown):
            return Apply(e.operator, (left, right), UNKNOWN)
        type: Type = FLOAT if e.operator == "/" or FLOAT in (present(left.type), present(right.type)) else INT
        safe = e.operator not in ("/", "%") or (isinstance(right, Const) and right.value != 0)
        lifted = is_nullable(left.type) or is_nullable(right.type) or not safe
        return Apply(e.operator, (left, right), nullable(type) if lifted else type)
