"""CHECK, the part about expressions: syntax tree in, typed tree out; names bound, nulls proved.

Flow typing: `facts(condition, truth)` names what is not null once the condition is known to be true (or false);
`Scope.narrow` forgets the `| null` of those names. It follows `where`, `and`, `or`, `if` and `when`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.declarations import Constant, Function
from cxrspec.compiler.diagnostics import Label, Report, Span, near
from cxrspec.compiler.functions import FUNCTIONS, PRINTABLE, solve
from cxrspec.compiler.typed import Apply, Branch, Build, Column, Const, Draw, Get, It, Map, Typed, Value, draws, walk
from cxrspec.compiler.types import (
    BOOL,
    FLOAT,
    INT,
    NEVER,
    SPLIT,
    SPLITS,
    TEXT,
    UNKNOWN,
    ListOf,
    Never,
    RecordOf,
    Scalar,
    Type,
    Unknown,
    fits,
    is_nullable,
    join,
    nullable,
    present,
)

NUMBERS = (INT, FLOAT)
ORDERED = ("int", "float", "text", "date", "time")
LEAST = {("every", 1): 1, ("every", 2): 0, ("decoys", 2): 1}
SEPARATORS = (("split", 1), ("part", 1))

# What Python's regular expressions have and Rust's do not: look-around, back-references, octal escapes, atomic groups,
# conditions, comments, possessive repetition, `\Z`, `\N{...}`.
NOT_RUST = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|\\[0-9ZN]|[*+?}]\+")


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name stands for, and where that was declared."""

    value: Typed
    declared: Span | None = None


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


def constant(value: Constant) -> Const:
    """A named constant as a typed literal; a list takes the type that holds all its items."""
    if isinstance(value, tuple):
        items = cast(tuple[Value, ...], value)
        item = reduce(lambda a, b: join(a, b) or UNKNOWN, (_scalar(v) for v in items), cast(Type, NEVER))
        return Const(items, ListOf(item))
    return Const(value, _scalar(value))


def _scalar(value: Value) -> Type:
    return (
        BOOL
        if isinstance(value, bool)
        else INT
        if isinstance(value, int)
        else FLOAT
        if isinstance(value, float)
        else TEXT
    )


def _item(type: Type) -> Type:
    """The type of a list's items."""
    inner = present(type)
    return inner.item if isinstance(inner, ListOf) else UNKNOWN


class Checker:
    """Types expressions; every finding goes to `report`, and a mistake has the type Unknown."""

    def __init__(self, report: Report, quoted: Callable[[Span], bool] = lambda _: False) -> None:
        self.report = report
        self.quoted = quoted
        self.drawn: dict[tuple[str, str, str], Span | None] = {}

    def wants(self, expression: s.Expr, scope: Scope, expected: Type, role: str) -> Typed:
        """The typed expression, which must fit `expected`; `role` says what it is for ("the condition")."""
        typed = self.check(expression, scope)
        return self.fitted(typed, expected, expression.span, role)

    def fitted(self, typed: Typed, expected: Type, span: Span | None, role: str) -> Typed:
        """`typed`, with a finding if it does not fit `expected`."""
        if fits(typed.type, expected):
            return self._as_split(typed, expected, span)
        if is_nullable(typed.type) and fits(present(typed.type), expected):
            self.report.error(
                "CXR302",
                span,
                f"{role} may be null",
                label=f"this is `{typed.type}`",
                help="prove it before (`where: x is not null`), give another value (`x ?? ...`), or assert it (`must(x)`: a null is a bad row)",
            )
        elif isinstance(typed, Const) and expected in (SPLIT, nullable(SPLIT)):
            return self._as_split(typed, expected, span)
        else:
            listed = present(expected)
            one = isinstance(listed, ListOf) and fits(typed.type, listed.item)
            help = "a list of one is written `[x]`; YAML needs it in quotes: `'[x]'`" if one else ""
            message = f"{role} is `{typed.type}`, expected `{expected}`"
            self.report.error("CXR301", span, message, label=f"this is `{typed.type}`", help=help)
        return replace(typed, type=UNKNOWN)

    def _as_split(self, typed: Typed, expected: Type, span: Span | None) -> Typed:
        """A text literal where a split belongs must be one of the three words."""
        if present(expected) == SPLIT and isinstance(typed, Const):
            if typed.value not in SPLITS:
                self.report.error(
                    "CXR202", span, f"unknown split `{typed.value}`", help=near(str(typed.value), SPLITS, "splits")
                )
            return Const(typed.value, SPLIT)
        return typed

    def check(self, e: s.Expr, scope: Scope) -> Typed:
        """The typed tree of one expression."""
        match e:
            case s.Name():
                return self.name(e, scope)
            case s.Text(value) | s.Number(value) | s.Bool(value):
                return Const(value, _scalar(value))
            case s.Format(parts):
                return self.format(parts, scope)
            case s.Items(items):
                return self.items(e, items, scope)
            case s.Record(fields):
                built = tuple((name, self.check(value, scope)) for name, value in fields)
                return Build(built, RecordOf(tuple((name, value.type) for name, value in built)))
            case s.Call():
                return self.call(e, scope)
            case s.Unary("not", operand):
                return Apply("not", (self.wants(operand, scope, BOOL, "what follows `not`"),), BOOL)
            case s.Unary(_, s.Number(number)):
                return Const(-number, _scalar(number))
            case s.Unary(_, operand):
                amount = self.number(operand, scope, "-")
                return Apply("neg", (amount,), amount.type)
            case s.Binary():
                return self.binary(e, scope)
            case s.IsNull(operand, negated):
                return Apply("is not null" if negated else "is null", (self.check(operand, scope),), BOOL)
            case s.If():
                return self.branch(e, scope)
            case s.Field():
                return self.field(e, scope)
            case s.Index(operand, index):
                return self.index(operand, index, scope)
            case s.Invalid():
                return Const("", UNKNOWN)

    # ---- names

    def name(self, e: s.Name, scope: Scope) -> Typed:
        """What the name stands for."""
        if e.name in scope.names:
            return scope.names[e.name].value
        if e.name == "it":
            self.report.error("CXR204", e.span, "`it` stands outside of `where(list, ...)` and `each(list, ...)`")
            return Column(e.name, UNKNOWN)
        hints = [near(e.name, scope.names, "names")]
        if e.span is not None and self.quoted(e.span):
            hints.insert(0, f"YAML took the quotes: a text is written '\"{e.name}\"'")
        elif e.name not in scope.names and e.name in FUNCTIONS:
            hints.insert(0, f"`{e.name}` is a function: `{FUNCTIONS[e.name].signature}`")
        declared = (Label(scope.declared, "declared here"),) if scope.declared else ()
        self.report.error(
            "CXR203", e.span, f"unknown name `{e.name}`", label=f"not a {scope.what}", others=declared, help=hints
        )
        return Column(e.name, UNKNOWN)

    def field(self, e: s.Field, scope: Scope) -> Typed:
        """A field of a record; that of a null is null."""
        operand = self.check(e.operand, scope)
        match present(operand.type):
            case Unknown():
                return Get(operand, e.name, UNKNOWN)
            case RecordOf(fields) if e.name in dict(fields):
                type = dict(fields)[e.name]
                return Get(operand, e.name, nullable(type) if is_nullable(operand.type) else type)
            case RecordOf(fields):
                place = e.span and replace(e.span, start=e.span.end - len(e.name))
                help = near(e.name, dict(fields), "fields")
                self.report.error("CXR207", place, f"the record has no field `{e.name}`", help=help)
            case other:
                self.report.error("CXR305", e.span, f"`.{e.name}` asks for a record, found `{other}`")
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
            self.printable(value, part.span)
            lifted |= is_nullable(value.type)
            typed.append(value)
        return Apply("format", tuple(typed), nullable(TEXT) if lifted else TEXT)

    def printable(self, value: Typed, span: Span | None) -> None:
        """A finding unless a value of this type can stand in a text."""
        inner = present(value.type)
        if not isinstance(inner, Unknown) and not (isinstance(inner, Scalar) and inner.name in PRINTABLE):
            self.report.error(
                "CXR306",
                span,
                f"`{value.type}` cannot be printed",
                help='a list: `join(x, ", ")`; a bool: `if x then "..." else "..."`',
            )

    def items(self, e: s.Items, items: tuple[s.Expr, ...], scope: Scope) -> Typed:
        """A list; of literals only, it is a literal itself."""
        typed = tuple(self.check(item, scope) for item in items)
        kind: Type = NEVER
        for value, item in zip(typed, items, strict=True):
            joined = join(kind, value.type)
            if joined is None:
                self.report.error("CXR303", item.span, f"a list of `{kind}` cannot hold `{value.type}`")
                return Apply("list", typed, ListOf(UNKNOWN))
            kind = joined
        if all(isinstance(v, Const) and not isinstance(v.value, tuple) for v in typed):
            return Const(tuple(cast(Value, cast(Const, v).value) for v in typed), ListOf(kind))
        return Apply("list", typed, ListOf(kind))

    # ---- operators

    def number(self, e: s.Expr, scope: Scope, operator: str) -> Typed:
        """An operand that must be a number."""
        value = self.check(e, scope)
        if not isinstance(value.type, Unknown) and present(value.type) not in NUMBERS:
            hint = 'texts are put together in `f"{a}{b}"`, lists by `concat(a, b)`' if operator == "+" else ""
            self.report.error("CXR304", e.span, f"`{operator}` asks for numbers, found `{value.type}`", help=hint)
            return replace(value, type=UNKNOWN)
        return value

    def binary(self, e: s.Binary, scope: Scope) -> Typed:
        """Two operands and an operator."""
        match e.operator:
            case "and" | "or":
                left = self.wants(e.left, scope, BOOL, f"the left side of `{e.operator}`")
                inner = scope.given(e.left, left, e.operator == "and")
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
        left, right = self.check(e.left, scope), self.check(e.right, scope)
        if not isinstance(present(right.type), ListOf | Unknown):
            self.report.error(
                "CXR305",
                e.right.span,
                f"`in` asks for a list, found `{right.type}`",
                help="a piece of a text: `contains(text, piece)`",
            )
        elif is_nullable(right.type):
            self.fitted(right, present(right.type), e.right.span, "the list")
        elif (
            isinstance(right.type, ListOf)
            and join(present(left.type), present(right.type.item)) is None
            and not self._split_words(left, right, e)
        ):
            self.report.error("CXR303", e.span, f"`{left.type}` can never be in `{right.type}`")
        found = Apply("in", (left, right), BOOL)
        return found if e.operator == "in" else Apply("not", (found,), BOOL)

    def _split_words(self, left: Typed, right: Typed, e: s.Binary) -> bool:
        """Whether this is a split in a list of text literals, each one of the three words."""
        if present(left.type) != SPLIT or not isinstance(right, Const) or not isinstance(right.value, tuple):
            return False
        for word in right.value:
            self._as_split(Const(word, TEXT), SPLIT, e.right.span)
        return True

    def otherwise(self, e: s.Binary, scope: Scope) -> Typed:
        """`x ?? y`."""
        left, right = self.check(e.left, scope), self.check(e.right, scope)
        if not is_nullable(left.type) and not isinstance(left.type, Unknown):
            self.report.warning(
                "CXR307", e.left.span, "the left side of `??` is never null", label=f"this is `{left.type}`"
            )
        joined = join(present(left.type), right.type)
        if joined is None:
            self.report.error("CXR303", e.span, f"`??` has `{left.type}` on one side and `{right.type}` on the other")
        return Apply("??", (left, right), UNKNOWN if joined is None else joined)

    def comparison(self, e: s.Binary, scope: Scope) -> Typed:
        """Two values that are never null, of types that go together."""
        left = self.never_null(self.check(e.left, scope), e.left.span, f"the left side of `{e.operator}`")
        right = self.never_null(self.check(e.right, scope), e.right.span, f"the right side of `{e.operator}`")
        if SPLIT in (left.type, right.type) and TEXT in (left.type, right.type):
            left, right = (
                self.fitted(left, SPLIT, e.left.span, "the split"),
                self.fitted(right, SPLIT, e.right.span, "the split"),
            )
        joined = join(left.type, right.type)
        if joined is None:
            self.report.error("CXR303", e.span, f"`{left.type}` and `{right.type}` cannot be compared")
        elif e.operator not in ("==", "!=") and isinstance(joined, Scalar) and joined.name not in ORDERED:
            self.report.error("CXR304", e.span, f"`{joined}` has no order")
        elif isinstance(joined, ListOf | RecordOf) and (e.operator not in ("==", "!=") or isinstance(joined, RecordOf)):
            self.report.error("CXR304", e.span, f"`{e.operator}` does not compare `{joined}`")
        return Apply(e.operator, (left, right), BOOL)

    def never_null(self, value: Typed, span: Span | None, role: str) -> Typed:
        """`value`, with a finding if it may be null."""
        return self.fitted(value, present(value.type), span, role)

    def arithmetic(self, e: s.Binary, scope: Scope) -> Typed:
        """Numbers; `+` also puts lists one after the other. What may divide by zero may be null."""
        left, right = self.check(e.left, scope), None
        if e.operator == "+" and isinstance(present(left.type), ListOf):
            return self.call(s.Call("concat", (e.left, e.right), span=e.span), scope)
        left = self.number(e.left, scope, e.operator)
        known = not isinstance(left.type, Unknown)
        right = self.number(e.right, scope, e.operator) if known else self.check(e.right, scope)
        if isinstance(left.type, Unknown) or isinstance(right.type, Unknown):
            return Apply(e.operator, (left, right), UNKNOWN)
        type: Type = FLOAT if e.operator == "/" or FLOAT in (present(left.type), present(right.type)) else INT
        safe = e.operator not in ("/", "%") or (isinstance(right, Const) and right.value != 0)
        lifted = is_nullable(left.type) or is_nullable(right.type) or not safe
        return Apply(e.operator, (left, right), nullable(type) if lifted else type)

    def branch(self, e: s.If, scope: Scope) -> Typed:
        """`if`; each side knows what the condition has proved."""
        condition = self.wants(e.condition, scope, BOOL, "the condition")
        then = self.check(e.then, scope.given(e.condition, condition))
        otherwise = self.check(e.otherwise, scope.given(e.condition, condition, False))
        joined = join(then.type, otherwise.type)
        if joined is None:
            self.report.error(
                "CXR303", e.span, f"`if` gives `{then.type}` on one side and `{otherwise.type}` on the other"
            )
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
                self.report.error("CXR305", operand.span, f"`[i]` asks for a list, found `{other}`")
                return Apply("item", (items, place), UNKNOWN)

    # ---- calls

    def call(self, e: s.Call, scope: Scope) -> Typed:
        """A function of the language or one written in YAML."""
        if e.function in scope.functions:
            return self.expand(e, scope.functions[e.function], scope)
        function = FUNCTIONS.get(e.function)
        span = e.function_span or e.span
        if function is None:
            known = [*FUNCTIONS, *scope.functions]
            self.report.error(
                "CXR208", span, f"unknown function `{e.function}`", help=near(e.function, known, "functions")
            )
            return Apply(e.function, (), UNKNOWN)
        least = len(function.parameters) - function.optional
        if not least <= len(e.arguments) <= len(function.parameters):
            self.report.error(
                "CXR308",
                span,
                f"`{function.name}` with {len(e.arguments)} argument{'s' * (len(e.arguments) != 1)}",
                help=f"it reads `{function.signature}`",
            )
            return Apply(e.function, (), UNKNOWN)
        if function.kind == "lambda":
            return self.map(e, scope)
        if function.kind == "image" and len(e.arguments) == 2 and isinstance(e.arguments[1], s.Name):
            e = replace(e, arguments=(e.arguments[0], s.Text(e.arguments[1].name, span=e.arguments[1].span)))
        arguments = tuple(self.check(a, scope) for a in e.arguments)
        result, wrong = solve(function, [a.type for a in arguments])
        if result is None:
            self.report.error(
                "CXR301",
                e.arguments[wrong].span,
                f"argument {wrong + 1} of `{function.name}` is `{arguments[wrong].type}`, expected `{function.parameters[wrong]}`",
                help=f"it reads `{function.signature}`",
            )
            return Apply(e.function, (), UNKNOWN)
        for place in function.literal:
            if (
                place < len(arguments)
                and not isinstance(arguments[place], Const)
                and not isinstance(arguments[place].type, Unknown)
            ):
                self.report.error(
                    "CXR309",
                    e.arguments[place].span,
                    f"argument {place + 1} of `{function.name}` must be written out",
                    help="a literal or the name of a constant",
                )
                return Apply(e.function, (), result)
        return self.applied(e, arguments, result, scope)

    def applied(self, e: s.Call, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """The call, once its arguments fit: the functions with a rule of their own."""
        match FUNCTIONS[e.function].kind, e.function:
            case "draw", name:
                return self.draw(e, name, arguments, result, scope)
            case "must", _:
                if not is_nullable(arguments[0].type) and not isinstance(arguments[0].type, Unknown):
                    self.report.warning(
                        "CXR307",
                        e.arguments[0].span,
                        "`must` asserts what is proved already",
                        label=f"this is `{arguments[0].type}`",
                    )
                return Apply("must", arguments, present(result))
            case "image", _:
                return self.image(e, arguments, result, scope)
            case _, "match":
                self.regex(arguments[1], e.arguments[1].span)
            case _, "text":
                self.printable(arguments[0], e.arguments[0].span)
            case _, "least" | "most":
                self.items_fit(e, present(_item(arguments[0].type)) in NUMBERS, arguments[0], "numbers")
            case _, "index":
                scalars = isinstance(present(_item(arguments[0].type)), Scalar)
                self.items_fit(e, scalars, arguments[0], "a list without lists and records in it")
            case _:
                self.ranges(e, arguments)
        return Apply(e.function, arguments, result)

    def items_fit(self, e: s.Call, fit: bool, items: Typed, asked: str, help: str = "") -> None:
        """A finding unless the items of a list are known to `fit`; it names what the function asks for."""
        if not fit and not isinstance(_item(items.type), Unknown | Never):
            message = f"`{e.function}` asks for {asked}, found `{items.type}`"
            self.report.error("CXR304", e.arguments[0].span, message, help=help)

    def ranges(self, e: s.Call, arguments: tuple[Typed, ...]) -> None:
        """Literal arguments that the function cannot be given: a step of zero, an empty separator."""
        for place, argument in enumerate(arguments):
            least = LEAST.get((e.function, place))
            value = argument.value if isinstance(argument, Const) else None
            if isinstance(value, int) and least is not None and value < least:
                message = f"argument {place + 1} of `{e.function}` is {value}, expected {least} or more"
                self.report.error("CXR314", e.arguments[place].span, message)
            if value == "" and (e.function, place) in SEPARATORS:
                self.report.error("CXR314", e.arguments[place].span, "an empty separator")

    def image(self, e: s.Call, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """`image(path)` is below the folder of the file's own source, `image(path, "openi")` below another's."""
        folder = cast(str, cast(Const, arguments[1]).value) if len(arguments) == 2 else scope.source
        if folder not in scope.sources:
            span = e.arguments[1].span if len(arguments) == 2 else e.span
            self.report.error("CXR209", span, f"unknown source `{folder}`", help=near(folder, scope.sources, "sources"))
        return Apply("path", (Const(folder, TEXT), arguments[0]), result)

    def regex(self, pattern: Typed, span: Span | None) -> None:
        """A regular expression of the Rust kind with at least one group."""
        if not isinstance(pattern, Const) or not isinstance(pattern.value, str):
            return
        try:
            with warnings.catch_warnings(action="error"):  # "possible nested set": Rust reads one
                groups = re.compile(re.sub(r"\\[pP](?:\{\w+\}|\w)", r"\\w", pattern.value)).groups
        except (re.error, FutureWarning, OverflowError) as wrong:
            self.report.error("CXR310", span, f"not a regular expression: {wrong}")
            return
        if found := NOT_RUST.search(re.sub(r"\\[^0-9ZN]|\[[^\]]*\]", "x", pattern.value)):
            self.report.error("CXR310", span, f"`{found[0]}` is not part of this kind of regular expression")
        elif groups == 0:
            self.report.error(
                "CXR310",
                span,
                "the regular expression has no group",
                help="put brackets around what is wanted: `(...)`",
            )

    def draw(self, e: s.Call, name: str, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """A draw, keyed to the scope's site."""
        if scope.site is None:
            self.report.error(
                "CXR311",
                e.function_span or e.span,
                f"`{name}` draws, and there is no example here to key the draw to",
                help="draws stand in the steps of a spec and in the forms of a task",
            )
            return Apply(name, arguments, result)
        if name == "choose":
            item = _item(arguments[0].type)
            fit = isinstance(item, Scalar) and item.name in PRINTABLE
            help = "leave nulls out: `present(x)`" if is_nullable(item) else ""
            self.items_fit(e, fit, arguments[0], "texts or numbers, none of them null", help)
        self.ranges(e, arguments)
        if name == "chance" and not 0 <= float(cast(float, cast(Const, arguments[0]).value)) <= 1:
            self.report.error("CXR312", e.arguments[0].span, "a probability lies between 0 and 1")
        if name != "choose":
            self.alone(e, scope.site)
        return Draw(name, arguments, scope.site, result)

    def alone(self, e: s.Call, site: str) -> None:
        """A second `chance` or `decoys` at one site would be the same draw again; `choose` draws for each item."""
        first = self.drawn.setdefault((e.span.file if e.span else "", site, e.function), e.span)
        if first is not None and first != e.span:
            self.report.error(
                "CXR315",
                e.function_span or e.span,
                f"a second `{e.function}` in one expression is the same draw",
                others=(Label(first, "the first one"),),
                help="give each draw a column or a `let` of its own",
            )

    def map(self, e: s.Call, scope: Scope) -> Typed:
        """`each` and `where`: only constants may stand beside `it`."""
        items = self.check(e.arguments[0], scope)
        item: Type = UNKNOWN
        match present(items.type):
            case ListOf(inner):
                item = inner
            case Unknown():
                pass
            case other:
                self.report.error(
                    "CXR301", e.arguments[0].span, f"argument 1 of `{e.function}` is `{other}`, expected a list"
                )
        constants = {n: b for n, b in scope.names.items() if isinstance(b.value, Const)}
        hidden = sorted(set(scope.names) - set(constants))
        beside = replace(
            scope,
            names={**constants, "it": Binding(It(item))},
            what="name beside `it` (only constants may stand there)",
        )
        lifted = is_nullable(items.type)
        quiet = Report()
        if e.function == "where":
            body = Checker(quiet, self.quoted).wants(e.arguments[1], beside, BOOL, "the condition")
            kept = present(item) if "it" in facts(e.arguments[1]) else item
            result: Type = ListOf(kept)
        else:
            body = Checker(quiet, self.quoted).check(e.arguments[1], beside)
            result = ListOf(body.type)
        self._columns_beside_it(quiet, hidden)
        if draws(body):
            self.report.error(
                "CXR311",
                e.arguments[1].span,
                "a draw for each item of a list",
                help=f"draw once, outside of `{e.function}`",
            )
        return Map("where" if e.function == "where" else "each", items, body, nullable(result) if lifted else result)

    def _columns_beside_it(self, quiet: Report, hidden: list[str]) -> None:
        """Pass the findings of a body on; a column that would be known outside gets the reason why not here."""
        for found in quiet.diagnostics:
            if found.code == "CXR203" and found.message.split("`")[1] in hidden:
                found = replace(
                    found,
                    code="CXR313",
                    message=f"a column beside `it`: `{found.message.split('`')[1]}`",
                    others=(),
                    help=(
                        "only constants may stand beside `it`; an `if` around the whole `each` can often say the same",
                    ),
                )
            if found not in self.report.diagnostics:
                self.report.diagnostics.append(found)

    def expand(self, e: s.Call, function: Function, scope: Scope) -> Typed:
        """A function written in YAML: its expression, with the arguments in place of its names."""
        if len(e.arguments) != len(function.takes):
            self.report.error(
                "CXR308",
                e.function_span or e.span,
                f"`{function.name}` with {len(e.arguments)} argument{'s' * (len(e.arguments) != 1)}",
                help=f"it takes {len(function.takes)}",
            )
            return Apply(e.function, (), UNKNOWN)
        names: dict[str, Binding] = {n: b for n, b in scope.names.items() if isinstance(b.value, Const)}
        for argument, (name, type) in zip(e.arguments, function.takes, strict=True):
            typed = self.check(argument, scope)
            expected = nullable(type) if is_nullable(typed.type) else type
            names[name] = Binding(self.fitted(typed, expected, argument.span, f"`{name}` of `{function.name}`"))
        rest = {n: f for n, f in scope.functions.items() if n != function.name}
        inner = replace(scope, names=names, functions=rest, what=f"name in `{function.name}`", declared=None)
        return self.check(function.gives, inner)
