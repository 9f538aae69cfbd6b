"""The cases of tests/cases/expr and tests/cases/prompt, one a line, and what does not fit on a line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Label, Report, Span
from cxrspec.compiler.grammar import parse_expression, parse_prompt, parse_type
from cxrspec.compiler.show import show_expression, show_prompt
from cxrspec.compiler.types import INT, TEXT, UNKNOWN, ListOf, Nullable, RecordOf, Type

CASES = Path(__file__).parent / "cases"


def place(start: int, end: int) -> Span:
    return Span("f", start, end)


def lines(file: str) -> list[str]:
    """The cases of a file; `⏎` in a prompt stands for the end of a line."""
    found = (CASES / file).read_text("utf-8").split("\n")
    return [line.replace("⏎", "\n") for line in found if line and not line.startswith("# ")]


def findings(parse: Callable[[str, Callable[[int, int], Span], Report], object], text: str) -> list[str]:
    """Each finding as `code: message`, with its place."""
    report = Report()
    parse(text, place, report)
    return [f"{d.code}: {d.message} at {d.label.span.start, d.label.span.end}" for d in report.diagnostics if d.label]  # type: ignore[union-attr]


def expected(case: str) -> tuple[str, list[str]]:
    """The text of a wrong case and what is to be found in it."""
    marked, _, message = case.partition("  ##  ")
    start, end = marked.index("«"), marked.index("»") - 1
    return marked.replace("«", "").replace("»", ""), [f"{message} at {start, end}"]


@pytest.mark.parametrize("case", lines("expr/valid.txt"))
def test_valid_expression(case: str) -> None:
    written, _, shown = case.partition("  =>  ")
    tree = parse_expression(written, place, report := Report())
    assert not report.diagnostics
    assert show_expression(tree) == (shown or written)


@pytest.mark.parametrize("case", lines("expr/invalid.txt"))
def test_invalid_expression(case: str) -> None:
    text, found = expected(case)
    assert findings(parse_expression, text) == found


@pytest.mark.parametrize("case", lines("prompt/valid.txt"))
def test_valid_prompt(case: str) -> None:
    written, _, shown = case.partition("  =>  ")
    tree = parse_prompt(written, place, report := Report())
    assert not report.diagnostics
    assert tree is not None
    assert show_prompt(tree) == (shown or written)


@pytest.mark.parametrize("case", lines("prompt/invalid.txt"))
def test_invalid_prompt(case: str) -> None:
    text, found = expected(case)
    assert findings(parse_prompt, text) == found


R = RecordOf((("a", TEXT), ("b", ListOf(TEXT))))


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("text", TEXT),
        (" text|null ", Nullable(TEXT)),
        ("list of int", ListOf(INT)),
        ("list of text | null", Nullable(ListOf(TEXT))),
        ("list of (text | null)", ListOf(Nullable(TEXT))),
        ("list of list of text", ListOf(ListOf(TEXT))),
        ("record(a text, b list of text)", R),
        ("list of record(a text,\n  b list of text)", ListOf(R)),
        ("record(list int, text text | null)", RecordOf((("list", INT), ("text", Nullable(TEXT))))),
    ],
)
def test_type(text: str, type: Type) -> None:
    report = Report()
    assert parse_type(text, place, report) == type
    assert not report.diagnostics


@pytest.mark.parametrize(
    "case",
    [
        "«»  ##  CXR103: nothing stands here",
        "«txt»  ##  CXR103: unknown type `txt`",
        "list of «txt»  ##  CXR103: unknown type `txt`",
        "text«?»  ##  CXR103: `?` found where `|` or the end was expected",
        "list«[»text]  ##  CXR103: `[` found where `|` or the end was expected",
        "«null» | text  ##  CXR103: `null` found where a type was expected",
        "list o«f»  ##  CXR103: the text ends where a type was expected",
        "record(a«:» text)  ##  CXR103: `:` found where a type was expected",
        "record(a text, «a» int)  ##  CXR103: the field `a` stands twice",
    ],
)
def test_invalid_type(case: str) -> None:
    text, found = expected(case)
    assert findings(parse_type, text) == found
    assert parse_type(text, place, Report()) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("a = b", "`==` compares"),
        ("x == null", "`x is null` and `x is not null` ask whether a value is missing"),
        ("x is y", "`==` compares; `x is null` and `x is not null` ask whether a value is missing"),
        ("x not null", "`x is not null` asks whether a value is there"),
        ("a < b < c", "comparisons do not chain: `a < b and b < c`"),
        ("a | f() + 1", "a pipe stands in parentheses before an operator"),
        ("[a, ]", "no comma stands after the last item"),
        ("x.f(y)", "functions are called as `f(x)` or `x | f()`"),
        ("‘a’", 'texts stand in straight quotes: `"..."`'),
        ('"\\d"', 'a backslash is written `\\\\`; `r"..."` reads no escapes'),
    ],
)
def test_help(text: str, help: str) -> None:
    report = Report()
    parse_expression(text, place, report)
    assert [d.help for d in report.diagnostics] == [(help,)]


def test_brackets_in_a_prompt_are_shown_escaped() -> None:
    report = Report()
    parse_prompt("region(s)", place, report)
    assert [d.help for d in report.diagnostics] == [
        ("plain brackets are written `\\(s\\)`, an optional part `[s]`",),
    ]


def test_every_line_of_a_prompt_is_read() -> None:
    assert len(findings(parse_prompt, "a(b) c(d)\n{x y}\ngood\ne)")) == 4


def test_an_open_bracket_is_shown() -> None:
    report = Report()
    parse_expression("f(a, [b, c)", place, report)
    assert [label for d in report.diagnostics for label in d.others] == [Label(place(5, 6), "opened here")]


def test_spans() -> None:
    tree = parse_expression('(a + b) * f(c.d, "e")', place, Report())
    assert isinstance(tree, s.Binary)
    assert tree.span == place(0, 21)
    assert tree.left.span == place(1, 6)
    call = tree.right
    assert isinstance(call, s.Call)
    assert (call.span, call.function_span) == (place(10, 21), place(10, 11))
    assert [argument.span for argument in call.arguments] == [place(12, 15), place(17, 20)]


def test_spans_of_a_prompt() -> None:
    tree = parse_prompt("\n  one\n  /2/ two {x | f()} ", lambda a, b: place(100 + a, 100 + b), Report())
    assert isinstance(tree, s.Choice)
    assert [a.span for a in tree.alternatives] == [place(103, 106), place(113, 126)]
    sequence = tree.alternatives[1]
    assert isinstance(sequence, s.Sequence)
    slot = sequence.parts[1]
    assert isinstance(slot, s.Slot)
    assert (slot.span, slot.expression.span) == (place(117, 126), place(118, 125))


@pytest.mark.parametrize(
    "text",
    ["[" * 5000 + "]" * 5000, "-" * 5000 + "a", "a" + " + a" * 25_000, "f(" * 5000 + ")" * 5000, "a" + ".b" * 5000],
)
def test_too_deeply_nested(text: str) -> None:
    (found,) = findings(parse_expression, text)
    assert found.startswith("CXR101: too deeply nested")


@pytest.mark.parametrize("text", ["(" * 100_000, "a" * 100_000, 'f"{' * 33_000, "if a then " * 10_000, "[{" * 50_000])
@pytest.mark.parametrize("parse", [parse_expression, parse_prompt, parse_type])
def test_long_texts(parse: Callable[[str, Callable[[int, int], Span], Report], object], text: str) -> None:
    parse(text, place, Report())


def test_a_hundred_levels_are_enough_for_brackets_that_hold_nothing_else() -> None:
    assert parse_expression("(" * 5000 + "a" + ")" * 5000, place, Report()) == s.Name("a")


def test_lark_is_loaded_on_first_use() -> None:
    code = "import sys, cxrspec.compiler.grammar; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PAGE = (Path(__file__).parent.parent / "docs" / "language.md").read_text("utf-8")
TABLE = PAGE.partition("### Precedence\n")[2].partition("\n#")[0]
ROWS = [line.replace("\\|", "¦").split("|") for line in TABLE.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2].strip())
def test_the_precedence_table_is_true(row: list[str]) -> None:
    example, reading = (cell.strip(" `").replace("¦", "|") for cell in row[2:4])
    report = Report()
    assert parse_expression(example, place, report) == parse_expression(reading, place, report)
    assert not report.diagnostics
