"""CHECK, the ground of its part about expressions: the types that are asked for, and the findings where they are not there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of, null_source, without_nulls
from cxrspec.compiler.diagnostics import NO_CAUSE, Cause, Edit, Fix, Report, Span, first, near, respell_text
from cxrspec.compiler.functions import PRINTABLE
from cxrspec.compiler.scopes import Scope
from cxrspec.compiler.typed import Const, Typed
from cxrspec.compiler.types import (
    BOOL,
    BOX,
    FLOAT,
    INT,
    SPLIT,
    SPLITS,
    SPLITS_ELSEWHERE,
    TEXT,
    UNKNOWN,
    ListOf,
    Scalar,
    Type,
    Unknown,
    fits,
    is_nullable,
    nullable,
    present,
)

NUMBERS = (INT, FLOAT)


# What stays one piece wherever it is put.
ATOMS = (s.Name, s.Text, s.Format, s.Number, s.Bool, s.Items, s.Record, s.Call, s.Field, s.Index)


# How a value of one type is made of one of another.
_MADE: Mapping[tuple[Type, Type], str] = {
    (INT, TEXT): "`text(x)` makes a text of a number",
    (FLOAT, TEXT): "`text(x)` makes a text of a number",
    (SPLIT, TEXT): "`text(x)` makes a text of a split",
    (BOOL, TEXT): '`if x then "..." else "..."` makes a text of a bool',
    (ListOf(TEXT), TEXT): '`x[0]` is one item of a list, `join(x, ", ")` makes one text of all',
    (TEXT, INT): "`int(x)` reads a whole number from a text",
    (TEXT, BOOL): '`x == "..."` makes a bool of a text',
    (INT, BOOL): "`x == 1` makes a bool of a number",
}


def keep_only(part: s.Expr, whole: s.Expr, title: str) -> Fix | None:
    """The fix that leaves just a part of an expression, if that part stays in one piece without the rest."""
    if part.span is None or whole.span is None or not isinstance(part, ATOMS):
        return None
    if isinstance(part, s.Call) and part.function_span != first(part.span, part.function):
        return None  # `x | f()`
    rest = replace(whole.span, end=part.span.start), replace(whole.span, start=part.span.end)
    return Fix(title, tuple(Edit(span, "") for span in rest if span.start < span.end))


class Checking(ABC):
    """What every part of the checker needs: to type an expression within another, and to ask what it fits.

    Every finding goes to `report`, and a mistake has the type Unknown. `quoted` says whether YAML took quotes away at
    a place; `drawn` are the draws met so far, by file, site and function.
    """

    def __init__(self, report: Report, quoted: Callable[[Span], bool] = lambda _: False) -> None:
        self.report = report
        self.quoted = quoted
        self.drawn: dict[tuple[str, str, str], Span | None] = {}

    @abstractmethod
    def check(self, e: s.Expr, scope: Scope, expected: Type = UNKNOWN) -> Typed:
        """The typed tree of one expression; `expected` is what has to fit, where that is known."""

    def wants(self, expression: s.Expr, scope: Scope, expected: Type, role: str, wanted: Cause = NO_CAUSE) -> Typed:
        """The typed expression, which must fit `expected`; `role` says what it is for ("the condition")."""
        typed = self.check(expression, scope, expected)
        return self.fitted(typed, expected, expression, role, scope, wanted)

    def fitted(
        self,
        typed: Typed,
        expected: Type,
        written: s.Expr | Span | None,
        role: str,
        scope: Scope,
        wanted: Cause = NO_CAUSE,
    ) -> Typed:
        """`typed`, written as an expression or at a place, with a finding if it does not fit `expected`; `wanted` is
        where that is said."""
        span = written.span if isinstance(written, s.Node) else written
        if fits(typed.type, expected):
            return self._as_split(typed, expected, span)
        if is_nullable(typed.type) and fits(present(typed.type), expected):
            self._null(typed, written, role, scope)
        elif isinstance(typed, Const) and expected in (SPLIT, nullable(SPLIT)):
            return self._as_split(typed, expected, span)
        else:
            listed = present(expected)
            one = isinstance(listed, ListOf) and fits(typed.type, listed.item)
            help = (
                "a list of one is written `[x]`; YAML needs it in quotes: `'[x]'`"
                if one
                else _MADE.get((present(typed.type), listed), "")
            )
            message = f"{role} is `{typed.type}`, expected `{expected}`"
            null = fits(without_nulls(typed.type), expected)
            self.report.error(
                "CXR301",
                span,
                message,
                label=f"this is `{typed.type}`",
                help=help,
                cause=cause_of(typed, scope, null) + wanted,
            )
        return replace(typed, type=UNKNOWN)

    def _null(self, typed: Typed, written: s.Expr | Span | None, role: str, scope: Scope) -> None:
        """The finding about a value that may be null, at the name that brings the null."""
        span = written.span if isinstance(written, s.Node) else written
        source, place = null_source(typed, written, scope) if isinstance(written, s.Node) else (typed, span)
        help = "prove it before (`where: x is not null`), give another value (`x ?? ...`), or assert it (`must(x)`: a null is a bad row)"
        if source in scope.refuted:
            help = "what stands after `or` or `else` is looked at where the condition before it does not hold; after `and` or `then`, where it holds and proves this"
        self.report.error(
            "CXR302",
            place,
            f"{role} may be null",
            label=f"this is `{source.type}`",
            help=help,
            cause=cause_of(typed, scope, null=True),
        )

    @staticmethod
    def causes(values: Iterable[Typed], scope: Scope) -> Cause:
        """Why these values have their types."""
        return reduce(Cause.__add__, (cause_of(value, scope) for value in values))

    def _as_split(self, typed: Typed, expected: Type, span: Span | None) -> Typed:
        """A text literal where a split belongs must be one of the three words."""
        if present(expected) == SPLIT and isinstance(typed, Const):
            if typed.value not in SPLITS:
                word = str(typed.value)
                help, fix = near(word, SPLITS, "splits"), respell_text(span, word, SPLITS, SPLITS_ELSEWHERE)
                self.report.error("CXR202", span, f"unknown split `{word}`", help=help, fix=fix)
            return Const(typed.value, SPLIT)
        return typed

    def never_null(self, value: Typed, written: s.Expr, role: str, scope: Scope) -> Typed:
        """`value`, with a finding if it may be null."""
        return self.fitted(value, present(value.type), written, role, scope)

    def printable(self, value: Typed, span: Span | None, scope: Scope) -> None:
        """A finding unless a value of this type can stand in a text."""
        inner = present(value.type)
        if not isinstance(inner, Unknown) and not (isinstance(inner, Scalar) and inner.name in PRINTABLE):
            help = 'a list: `join(x, ", ")`; a bool: `if x then "..." else "..."`'
            if inner in (BOX, ListOf(BOX)):
                help = "boxes are printed in slots of prompts and in answers of the format `boxes` only"
            self.report.error(
                "CXR306", span, f"`{value.type}` cannot be printed", help=help, cause=cause_of(value, scope)
            )
