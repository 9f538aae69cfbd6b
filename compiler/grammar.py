"""PARSE: text of the language -> syntax tree, through the grammars.

    age >= 18 and view in ["PA", "AP"]   ->  Binary("and", Binary(">=", Name("age"), Number(18)), Binary("in", ...))
    (Which|What) view is this?[ {x}]     ->  Sequence((Choice(...), Words(" view is this?"), Optional(...)))
    list of (text | null)                ->  ListOf(Nullable(Scalar("text")))

Lark and the grammars are loaded on first use.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.corrections import Correction, of_escape, of_single_group
from cxrspec.compiler.diagnostics import Edit, Fix, Label, Report, Span, near, respell
from cxrspec.compiler.mistakes import Mistake, Stop, explain_expression, explain_prompt
from cxrspec.compiler.types import SCALARS, UNKNOWN, ListOf, RecordOf, Type, nullable

if TYPE_CHECKING:
    from lark import Lark, Token, Tree, UnexpectedInput

    Branch: TypeAlias = Tree[Token] | Token

T = TypeVar("T")

Locate: TypeAlias = Callable[[int, int], Span]
"""From character offsets in the text that is parsed to a place in its file."""

MAX_DEPTH = 100
"""Levels of a tree: every later pass walks trees by recursion."""

_TYPES_ELSEWHERE = {"boolean": "bool", "integer": "int", "double": "float", "string": "text", "str": "text"}
_TYPE_FORMS = {
    "labels": "labels are a column that is read: `{type: labels, fold: [Edema, Fracture]}`",
    "list": "a list type is written `list of text`",
    "record": "a record type is written `record(a text, b list of text)`",
}
TEXT_ESCAPES = {"n": "\n", "t": "\t", **{c: c for c in "\\\"'{}"}}
PROMPT_ESCAPES = {"n": "\n", **{c: c for c in "()[]<>|{}/\\"}}
_TEXT_HELP = 'a backslash is written `\\\\`; `r"..."` reads no escapes'
_PROMPT_HELP = "a backslash is written `\\\\`"
_WEIGHT_HELP = "weights compare alternatives, in whole numbers: `/3/` against `/1/`"
_OPENING = ("LPAR", "LSQB", "LBRACE", "_FORMAT")
_ESCAPE = r"\\.?"
_ESCAPE_OR_BRACES = r"\\.?|\{\{|\}\}"


def parse_expression(text: str, locate: Locate, report: Report) -> s.Expr:
    """The tree of an expression; `Invalid` if anything was reported (CXR101, CXR105)."""
    reader = _Reader(text, locate, report)
    expression = reader.read("expression", "CXR101", reader.expression)
    return s.Invalid(span=locate(0, len(text))) if expression is None or reader.failed else expression


def parse_type(text: str, locate: Locate, report: Report) -> Type:
    """The type that `text` names; `UNKNOWN` if anything was reported (CXR103)."""
    reader = _Reader(text, locate, report)
    type = reader.read("type", "CXR103", reader.type)
    return UNKNOWN if type is None or reader.failed else type


def parse_prompt(text: str, locate: Locate, report: Report) -> s.Prompt | None:
    """The tree of a prompt, one alternative a line; None if anything was reported (CXR101, 102, 104 to 107).

    Blank lines do not count, nor does white space at both ends of a line and after its weight.
    """
    lines = [_parse_line(line, start, locate, report) for line, start in _lines(text)]
    known = [line for line in lines if line is not None]
    if not lines:
        report.error("CXR102", locate(0, len(text)), "a prompt without text")
    if not known or len(known) < len(lines):
        return None
    if len(known) > 1:
        return s.Choice(tuple(p for p, _ in known), tuple(w or 1 for _, w in known), span=locate(0, len(text)))
    prompt, weight = known[0]
    if weight is None:
        return prompt
    report.error("CXR102", prompt.span, "a weight before the only alternative", help=_WEIGHT_HELP)
    return None


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """The lines that are not blank, without white space at their ends, each with its offset."""
    for match in re.finditer(r"[^\n]+", text):
        line = match[0].strip()
        if line:
            yield line, match.start() + match[0].index(line)


def _parse_line(line: str, start: int, locate: Locate, report: Report) -> tuple[s.Prompt, int | None] | None:
    """One line's expansion and its weight, if it has one."""
    reader = _Reader(line, lambda a, b: locate(start + a, start + b), report)
    found = reader.read("line", "CXR102", reader.alternative)
    return None if reader.failed else found


@cache
def _grammar() -> Lark:
    from lark import Lark

    folder = files("cxrspec.grammars")
    parts = [(folder / f"{name}.lark").read_text("utf-8") for name in ("names", "expression", "prompt")]
    return Lark(
        "\n".join(parts),
        start=["expression", "type", "line"],
        parser="lalr",
        lexer="contextual",
        propagate_positions=True,
        maybe_placeholders=False,
    )


@lru_cache(maxsize=2048)
def _branch(text: str, start: str) -> Branch:
    """Lark's tree of a text, which knows no file: specs say the same in many places (`text | null`, `study_id`).

    Raises:
        UnexpectedInput: it does not parse.
    """
    grammar: Any = _grammar()  # Lark leaves the types of `parse` out
    return cast("Branch", grammar.parse(text, start=start))


class _TooDeepError(Exception):
    """Raised at the branch that lies `MAX_DEPTH` levels deep."""

    def __init__(self, branch: Tree[Token]) -> None:
        self.branch = branch


class _Reader:
    """Reads one text: builds our tree from Lark's and reports what is wrong with it.

    `failed` says that something was reported after which no tree of this text may be used.
    """

    def __init__(self, text: str, locate: Locate, report: Report) -> None:
        self.text = text
        self.locate = locate
        self.report = report
        self.failed = False

    def read(self, start: str, code: str, build: Callable[[Branch], T]) -> T | None:
        """What `build` makes of the text, read from the grammar's rule `start`; None if it does not parse."""
        from lark import UnexpectedInput

        try:
            return build(_branch(self.text, start))
        except UnexpectedInput as error:
            self.stop(error, code)
        except _TooDeepError as error:
            self.error(code, _start(error.branch), _end(error.branch), "too deeply nested")
        return None

    def stop(self, error: UnexpectedInput, code: str) -> None:
        """Report where Lark stopped."""
        from lark import Token, UnexpectedToken

        where: Any = error  # Lark leaves the types of these out
        parser = where.interactive_parser
        at_end = isinstance(error, UnexpectedToken) and where.token.type == "$END"
        at = len(self.text) if at_end else (error.pos_in_stream or 0)
        read: list[Any] = parser.parser_state.value_stack
        opened = tuple((_start(t), str(t)) for t in read if isinstance(t, Token) and t.type in _OPENING)
        expected = frozenset[str](parser.accepts())
        stop = Stop(self.text, at, expected, opened)
        self.mistake(explain_prompt(stop) if code == "CXR102" else explain_expression(stop, code))

    def mistake(self, found: Mistake) -> None:
        """Report a mistake, with the bracket that waits for its other half."""
        opened, span, fix = found.opened, self.locate(found.start, found.end), None
        others = () if opened is None else (Label(self.locate(opened, opened + 1), "opened here"),)
        if found.correction is not None:
            start, end, written = found.correction
            title = f"write `{written.strip()}`" if written else f"take `{self.text[start:end]}` away"
            fix = Fix(title, (Edit(self.locate(start, end), written),))
        self.failed = True
        self.report.error(found.code, span, found.message, others=others, help=found.help, fix=fix)

    def error(
        self, code: str, start: int, end: int, message: str, help: str = "", correction: Correction | None = None
    ) -> None:
        """Report a finding of our own on characters `start` to `end`."""
        self.mistake(Mistake(code, start, end, message, help, None, correction))

    def span(self, branch: Branch) -> Span:
        """Where `branch` stands."""
        return self.locate(_start(branch), _end(branch))

    def unescape(self, written: str, start: int, escapes: Mapping[str, str], pattern: str = _ESCAPE) -> str:
        """`written`, which stands at `start`, with its escapes read; an unknown one is CXR105."""

        def character(match: re.Match[str]) -> str:
            escape = match[0]
            if escape in ("{{", "}}"):
                return escape[0]
            if escape[1:] not in escapes:
                at = start + match.start()
                help = _PROMPT_HELP if escapes is PROMPT_ESCAPES else _TEXT_HELP
                correction = of_escape(at, escape, escapes is PROMPT_ESCAPES)
                self.error("CXR105", at, at + len(escape), f"unknown escape `{escape}`", help, correction)
            return escapes.get(escape[1:], "")

        return re.sub(pattern, character, written, flags=re.DOTALL)

    # ---- expressions

    def expression(self, branch: Branch, depth: int = 0) -> s.Expr:
        """The expression of a branch of Lark's tree."""
        if isinstance(branch, str):
            return self.atom(branch)
        if depth == MAX_DEPTH:
            raise _TooDeepError(branch)
        span = self.span(branch)

        def read(part: Branch) -> s.Expr:
            return self.expression(part, depth + 1)

        match str(branch.data), branch.children:
            case "if", [condition, then, otherwise]:
                return s.If(read(condition), read(then), read(otherwise), span=span)
            case "pipe", [value, call]:
                called = cast(s.Call, read(call))
                arguments = (read(value), *called.arguments)
                return s.Call(called.function, arguments, span=span, function_span=called.function_span)
            case "binary", [left, *words, right]:
                operator = cast(s.BinaryOperator, " ".join(map(str, words)))
                return s.Binary(operator, read(left), read(right), span=span)
            case "unary", [operator, operand]:
                return s.Unary(cast(s.UnaryOperator, str(operator)), read(operand), span=span)
            case "is_null", [operand, *words]:
                return s.IsNull(read(operand), negated=len(words) == 3, span=span)
            case "field", [operand, name]:
                return s.Field(read(operand), str(name), span=span)
            case "index", [operand, index]:
                return s.Index(read(operand), read(index), span=span)
            case "items", items:
                return s.Items(tuple(map(read, items)), span=span)
            case "record", entries:
                return s.Record(self.fields(entries, read, "CXR101"), span=span)
            case "call", [function, *arguments]:
                name_span = self.span(function)
                return s.Call(str(function), tuple(map(read, arguments)), span=span, function_span=name_span)
            case "format", parts:
                return s.Format(tuple(self.format_part(part, read) for part in parts), span=span)
            case rule, _:
                raise AssertionError(f"the grammar's rule {rule} has no reading")

    def fields(self, entries: list[Branch], read: Callable[[Branch], T], code: str) -> tuple[tuple[str, T], ...]:
        """The named parts of a record or of a record type; a name stands once."""
        fields: dict[str, T] = {}
        for entry in entries:
            name, value = cast("Tree[Token]", entry).children
            if str(name) in fields:
                self.error(code, _start(name), _end(name), f"the field `{name}` stands twice")
            fields[str(name)] = read(value)
        return tuple(fields.items())

    def format_part(self, part: Branch, read: Callable[[Branch], s.Expr]) -> str | s.Expr:
        """A text or an expression of `f"..."`."""
        if not isinstance(part, str):
            return read(part.children[0])
        return self.unescape(part, _start(part), TEXT_ESCAPES, _ESCAPE_OR_BRACES)

    def atom(self, token: Token) -> s.Expr:
        """A name or a literal."""
        span = self.span(token)
        match token.type:
            case "NAME":
                return s.Name(str(token), span=span)
            case "INT" | "FLOAT":
                return s.Number(self.number(token), span=span)
            case "TEXT":
                return s.Text(self.unescape(token[1:-1], _start(token) + 1, TEXT_ESCAPES), span=span)
            case "RAW":
                return s.Text(token[2:-1], span=span)
            case _:
                return s.Bool(token.type == "TRUE", span=span)

    def number(self, token: Token) -> int | float:
        """A number that fits into 64 bits."""
        if token.type == "FLOAT" and math.isfinite(value := float(token)):
            return value
        if token.type == "INT" and len(token) < 20 and int(token) < 2**63:
            return int(token)
        self.error("CXR101", _start(token), _end(token), "a number beyond 64 bits")
        return 0

    # ---- types

    def type(self, branch: Branch, depth: int = 0) -> Type:
        """The type of a branch of Lark's tree."""
        if isinstance(branch, str):
            return self.scalar(branch)
        if depth == MAX_DEPTH:
            raise _TooDeepError(branch)

        def read(part: Branch) -> Type:
            return self.type(part, depth + 1)

        match str(branch.data), branch.children:
            case "nullable", [inner, _]:
                return nullable(read(inner))
            case "list_of", [item]:
                return ListOf(read(item))
            case "record_of", members:
                return RecordOf(self.fields(members, read, "CXR103"))
            case rule, _:
                raise AssertionError(f"the grammar's rule {rule} has no reading")

    def scalar(self, token: Token) -> Type:
        """A type by its name."""
        if token not in SCALARS:
            known = _TYPE_FORMS.get(token) or near(token, [*SCALARS, "list", "record"], "types")
            start, end = _start(token), _end(token)
            meant = respell(self.locate(start, end), token, SCALARS, _TYPES_ELSEWHERE)
            correction = (start, end, meant.edits[0].text) if meant else None
            self.error("CXR103", start, end, f"unknown type `{token}`", known, correction)
        return SCALARS.get(token, UNKNOWN)

    # ---- prompts

    def alternative(self, branch: Branch, depth: int = 0) -> tuple[s.Prompt, int | None]:
        """A line or an alternative of a group, and its weight, if it has one."""
        tree = cast("Tree[Token]", branch)
        if depth == MAX_DEPTH:
            raise _TooDeepError(tree)
        first = tree.children[0]
        weight = self.weight(first) if isinstance(first, str) and first.type in ("WEIGHT", "LINE_WEIGHT") else None
        branches = tree.children[weight is not None :]
        parts = [self.part(branch, depth + 1) for branch in branches]
        if len(parts) == 1:
            return parts[0], weight
        return s.Sequence(tuple(parts), span=self.locate(_start(branches[0]), _end(tree))), weight

    def weight(self, token: Token) -> int:
        """`/3/`: a whole number above zero."""
        if re.fullmatch(r"/0*[1-9][0-9]{0,8}/\s*", token):
            return int(token.strip().strip("/"))
        message = f"the weight `{token.strip()}` is no whole number from 1 to 999999999"
        self.error("CXR106", _start(token), _start(token) + len(token.strip()), message, _WEIGHT_HELP)
        return 1

    def part(self, branch: Branch, depth: int) -> s.Prompt:
        """One part of an alternative."""
        span = self.span(branch)
        if isinstance(branch, str):
            if branch.type == "RULE":
                return s.Rule(branch[1:-1], span=span)
            return s.Words(self.unescape(branch, _start(branch), PROMPT_ESCAPES), span=span)
        match str(branch.data), branch.children:
            case "slot", [expression]:
                return s.Slot(self.expression(expression, depth), span=span)
            case "choice", [_]:
                start, end = _start(branch), _end(branch)
                inner = self.text[start + 1 : end - 1]
                help = f"plain brackets are written `\\({inner}\\)`, an optional part `[{inner}]`"
                correction = of_single_group(self.text, start, end)
                self.error("CXR104", start, end, "a group with one alternative", help, correction)
                return s.Words(inner, span=span)
            case "optional", [only]:
                part, weight = self.alternative(only, depth)
                if weight is not None:
                    message = "a weight before the only alternative"
                    self.error("CXR102", _start(only), _end(only), message, _WEIGHT_HELP)
                return s.Optional(part, span=span)
            case kind, alternatives:
                choice = self.choice(alternatives, span, depth)
                return choice if kind == "choice" else s.Optional(choice, span=span)

    def choice(self, alternatives: list[Branch], span: Span, depth: int) -> s.Choice:
        """Several alternatives with their weights."""
        found = [self.alternative(alternative, depth) for alternative in alternatives]
        return s.Choice(tuple(p for p, _ in found), tuple(w or 1 for _, w in found), span=span)


def _start(branch: Branch) -> int:
    at = branch.start_pos if isinstance(branch, str) else branch.meta.start_pos
    assert at is not None  # Lark sets it on everything it reads
    return at


def _end(branch: Branch) -> int:
    at = branch.end_pos if isinstance(branch, str) else branch.meta.end_pos
    assert at is not None
    return at
