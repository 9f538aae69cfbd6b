"""Loading: values, places, and what is said about text that is not what it seems to be."""

from __future__ import annotations

from typing import Any

import pytest

from cxrspec.compiler.diagnostics import Diagnostic, Label, Report, Span
from cxrspec.compiler.document import MAX_DEPTH, Document, load


def loaded(text: str | bytes) -> Document:
    report = Report()
    document = load(text, "a.yaml", report)
    assert document is not None, report.diagnostics
    assert report.diagnostics == []
    return document


def found(text: str | bytes) -> Diagnostic:
    """The one finding in a text that does not load."""
    report = Report()
    assert load(text, "a.yaml", report) is None
    [one] = report.diagnostics
    return one


def marked(text: str, one: Diagnostic) -> str:
    assert isinstance(one.label, Label)
    return text[one.label.span.start : one.label.span.end]


# ---- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2024-01-31", "2024-01-31"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("None", "None"),
        ("", None),
        ("~", None),
        ("NULL", None),
        ("True", True),
        ("false", False),
        ("-12", -12),
        ("007", 7),
        ("0o17", 15),
        ("0x1f", 31),
        ("1.", 1.0),
        (".5e-1", 0.05),
        ("-.INF", float("-inf")),
        ("1e3", 1000.0),
        ("9" * 5000, float("inf")),
        ("'50'", "50"),
        ('"null"', "null"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    assert loaded(f"a: {text}").value == {"a": value}


def test_not_a_number() -> None:
    value = loaded("a: .nan").value["a"]
    assert value != value


def test_keys_are_kept_as_they_are_written_and_in_order() -> None:
    document = loaded("z: 1\n1: x\nyes: {null: y, 0x10: z}\n")
    assert document.value == {"z": 1, "1": "x", "yes": {"null": "y", "0x10": "z"}}
    assert list(document.value) == ["z", "1", "yes"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    document = loaded(b"\xef\xbb\xbfa: b")
    assert document.text == "a: b"
    assert document.span(("a",)) == Span("a.yaml", 3, 4)


# ---- places

FILE = 'é: "😀"\r\nlist:\r\n  - {a: x, b: [1, 22]}\r\n  - |\r\n    two\r\n    lines\r\n\r\nlast:\r\n'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("é",), '"😀"'),
        (("list", 0), "{a: x, b: [1, 22]}"),
        (("list", 0, "b"), "[1, 22]"),
        (("list", 0, "b", 1), "22"),
        (("list", 1), "|\r\n    two\r\n    lines"),
        (("list",), "- {a: x, b: [1, 22]}\r\n  - |\r\n    two\r\n    lines"),
        (("last",), ""),
    ],
)
def test_the_place_of_a_value(path: tuple[str | int, ...], text: str) -> None:
    assert loaded(FILE).raw(path) == text


def test_the_place_of_a_key() -> None:
    document = loaded(FILE)
    assert document.key_span(("list", 0, "b")) == Span("a.yaml", FILE.index("b:"), FILE.index("b:") + 1)
    assert document.key_span(("list", 0, "b", 1)) == document.span(("list", 0, "b", 1))


def test_a_path_that_is_not_there_has_the_place_of_what_is_above() -> None:
    document = loaded(FILE)
    assert document.span(("list", 0, "c", "d")) == document.span(("list", 0))


def test_styles() -> None:
    document = loaded("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >\n  x\nf: [x]\n")
    assert [document.style((key,)) for key in "abcde"] == ["plain", "single", "double", "literal", "folded"]
    with pytest.raises(KeyError):
        document.style(("f",))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: one two", "one two"),
        ("a: one\n  two", "one two"),
        ("a: one\n\n  two", "one\ntwo"),
        ("a: 'it''s two'", "it's two"),
        ("a: 'it''s\n\n  two'", "it's\ntwo"),
        ('a: "\\u00e9\\t\\"two"', 'é\t"two'),
        ('a: "one \\\n   \\ two"', "one  two"),
        ('a: "one  \n  \\\n  two"', "one two"),
        ("a: |\n  one\n    two\n", "one\n  two\n"),
        ("a: |2-\n    one\n  two\n", "  one\ntwo"),
        ("a: |+ # why\n\n  one\n  two\n\n", "\none\ntwo\n\n"),
        ("a: >-\n  one\n  two\n", "one two"),
        ("a: >\n  one\n    more\n\n  two\n", "one\n  more\n\ntwo\n"),
        ("- [a: two]", "two"),
        ("a: 12", 12),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_places_inside_a_text(text: str, value: str | int, line_break: str) -> None:
    text = text.replace("\n", line_break)
    document = loaded(text)
    path: tuple[str | int, ...] = (0, 0, "a") if text.startswith("-") else ("a",)
    if path == ("a",):
        assert document.value == {"a": value}
    word = "two" if isinstance(value, str) else "12"
    start = value.index(word) if isinstance(value, str) else 0
    span = document.locate(path)(start, start + len(word))
    assert text[span.start : span.end] == word
    assert span.start == text.rindex(word)


def test_places_at_the_edges_of_a_text() -> None:
    document = loaded("a: 'xy'\nb: ''\nc:\n")
    assert document.locate(("a",))(0, 0) == Span("a.yaml", 4, 4)
    assert document.locate(("a",))(2, 2) == Span("a.yaml", 6, 6)
    assert document.locate(("a",))(1, 99) == Span("a.yaml", 5, 6)
    assert document.locate(("b",))(0, 0) == Span("a.yaml", 12, 12)
    assert document.locate(("c",))(0, 1) == Span("a.yaml", 16, 16)


# ---- keys that stand twice


def test_a_key_that_stands_twice() -> None:
    text = "a: {x: 1}\nb: 2\n'a':\n  y: 3\n"
    report = Report()
    document = load(text, "a.yaml", report)
    assert document is not None
    assert document.value == {"a": {"x": 1}, "b": 2}
    [one] = report.diagnostics
    assert (one.code, one.message) == ("CXR002", "the key `a` stands here twice")
    assert one.label == Label(Span("a.yaml", 15, 18), "again here")
    assert one.others == (Label(Span("a.yaml", 0, 1), "first here"),)


# ---- what YAML itself refuses


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("a:\n\tb: 1", "\t", "a tab as indentation"),
        ("key: a\n\tb: c", "\t", "a tab as indentation"),
        ("a: b: c", ":", "`: ` inside a value without quotes"),
        ("a: b\n c: d", ":", "a key where the value above goes on"),
        ("a:b\nc: d", ":", "a key where the value above goes on"),
        ('a: "x\nb: c', '"', "a quote that is never closed"),
        ("a: 'x\n", "'", "a quote that is never closed"),
        ('a: "x\nb: "y"\n', 'y"', "text after the end of a value"),
        ("a: [x, y\nb: c\n", "[", "a `[` that is never closed"),
        ("a: {x: y\nb: 1\n", "{", "a `{` that is never closed"),
        ("a: {b: [c}", "}", "expected `,` or `]`"),
        ("a: {x: b c: d}", ":", "expected `,` or `}`"),
        ("a: @b", "@", "a value cannot start with `@`"),
        ("a: `b`", "`", "a value cannot start with ```"),
        ("a: %b", "%", "a value cannot start with `%`"),
        ("a: ? b", "?", "a value cannot start with `?`"),
        ("a: ]", "]", "a value cannot start with `]`"),
        ("a: [", "", "the file ends where a value is expected"),
        ("a: [x] + y", "+", "text after the end of a value"),
        ('where: "x" == y\n', "==", "text after the end of a value"),
        ("a: 1\n  b\nc", "c", "a line that is neither a key nor a list item"),
        ("a:\n  b: 1\n c: 2", "c:", "this line belongs to nothing above it"),
        ("  a: 1\n b: 2", "b:", "this line belongs to nothing above it"),
        ("- a\nb: c", "b:", "a list goes on here, but this is no item of it"),
        ("a: - b", "-", "a list item on the line of its key"),
        ("a: > 3", ">", "text on the line of the `>`"),
        ('a: "\\q"', "\\q", "`\\q` is no escape of double quotes"),
        ('a: "\\ud800"', "\\u", "`\\u` is no escape of double quotes"),
        ("- **Find** it", "*", "a value cannot start with `*`"),
        ("a: &, b", "&", "a value cannot start with `&`"),
        ("a: !q!x y", "!", "a value cannot start with `!`"),
        ("a: {b: c:}", ":", "a `:` at the end of a value"),
        ("a: 1\n%b\n", "%", "a line that starts with `%`"),
        ("%YAML 9.9\n---\na: 1", "%", "a line that starts with `%`"),
    ],
)
def test_text_that_is_not_yaml(text: str, mark: str, message: str) -> None:
    one = found(text)
    assert (one.code, one.message) == ("CXR001", message)
    assert marked(text, one) == mark


@pytest.mark.parametrize(
    ("text", "help"),
    [
        (
            "prompt: Locate it: {phrase}  # why",
            "quotes keep it whole: `'Locate it: {phrase}'`; or block text, below a `|`",
        ),
        ("when: 'x' == \"it's\"", "quotes make it one text: `'''x'' == \"it''s\"'`; or block text, below a `|`"),
        ("from: @id", "quotes make it text: `'@id'`"),
        ("a: {b: [c}", "inside brackets a value with `: `, `,` or brackets needs quotes"),
        ("a: > 3", "a value that starts with it needs quotes: `'> 3'`"),
    ],
)
def test_the_help_shows_what_to_write(text: str, help: str) -> None:
    assert found(text).help[-1] == help


# ---- what the language does without


@pytest.mark.parametrize(
    ("text", "code", "mark", "message"),
    [
        ("a: &x 1", "CXR003", "&x", "an anchor is not part of the language"),
        ("a: &x {b: 1}", "CXR003", "&x", "an anchor is not part of the language"),
        ("a: *x", "CXR003", "*x", "an alias is not part of the language"),
        ("a: !t x", "CXR003", "!t", "a tag is not part of the language"),
        ("a: !!map {}", "CXR003", "!!map", "a tag is not part of the language"),
        ("a: 1\n---\nb: 2", "CXR004", "---", "a second document in one file"),
        ("[" * 3000, "CXR005", "[", f"more than {MAX_DEPTH} levels"),
        ("- " * 3000, "CXR005", "-", f"more than {MAX_DEPTH} levels"),
        ("? [a]\n: b", "CXR009", "[", "a list or mapping as a key"),
        ("", "CXR006", "", "an empty file"),
        ("# nothing\n", "CXR006", "", "an empty file"),
        ("a: \x00", "CXR013", "\x00", "the character U+0000 does not belong into a text file"),
        ("a: b\u2028c", "CXR013", "\u2028", "the character U+2028 does not belong into a text file"),
    ],
)
def test_what_is_not_part_of_the_language(text: str, code: str, mark: str, message: str) -> None:
    one = found(text)
    assert (one.code, one.message) == (code, message)
    assert marked(text, one) == mark


def test_a_file_that_is_not_utf_8() -> None:
    one = found("é: ü".encode() + b"\xff\xfe")
    assert (one.code, one.message) == ("CXR013", "byte 7 is not UTF-8")
    assert one.label == Label(Span("a.yaml", 4, 5))


def test_as_deep_as_the_limit() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert loaded(text).raw(()) == text


def test_every_anchor_is_reported() -> None:
    report = Report()
    assert load("a: &x [1]\nb: [*x, *x]\nc: &y {d: *x}", "a.yaml", report) is None
    found = [one.message.removesuffix(" is not part of the language") for one in report.diagnostics]
    assert found == ["an anchor", "an alias", "an alias", "an anchor", "an alias"]


# ---- YAML's silent traps


@pytest.mark.parametrize(
    ("text", "mark", "help"),
    [
        ("bind: {reading: f(a, b), x: y}", "b)", "quotes keep it whole: `'f(a, b)'`; so does block style, one a line"),
        ("take: {r: list(record(a = x, b = y))}", "b = y))", None),
        (
            "order: [rank, index(a, b), z]",
            "b)",
            "quotes keep it whole: `'index(a, b)'`; so does block style, one a line",
        ),
        (
            'take: {x: view == "a, b"}',
            'b"',
            "quotes keep it whole: `'view == \"a, b\"'`; so does block style, one a line",
        ),
        ("take: {x: f(a, y: b}", "y", None),
    ],
)
def test_a_comma_that_ends_an_expression(text: str, mark: str, help: str | None) -> None:
    one = found(text)
    assert (one.code, one.message) == ("CXR010", "a comma ended the expression")
    assert marked(text, one) == mark
    if help:
        assert one.help == (help,)


def test_keys_without_a_value() -> None:
    report = Report()
    text = "take: {x: a, study, split}"
    assert load(text, "a.yaml", report) is None
    assert [(one.code, one.message, marked(text, one)) for one in report.diagnostics] == [
        ("CXR010", "the key `study` has no value", "study"),
        ("CXR010", "the key `split` has no value", "split"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: {x: , y: 1}",
        "a: {x: f(a), y: '(', z: contains(it)}",
        "a: [3, 'f(', \"x\", contains(it)]",
        "a: {x: it's, y: don't}",
        'a: (Which|What) "view" is this?  # a comment',
        "a: f(a)#b",
    ],
)
def test_commas_and_comments_that_are_meant(text: str) -> None:
    loaded(text)


@pytest.mark.parametrize(
    ("text", "mark", "help"),
    [
        ('where: contains(x, "a #1")\n', '#1")', "quotes keep it whole: `'contains(x, \"a #1\")'`"),
        ("key:\n  - f(a # b\n", "# b", "quotes keep it whole: `'f(a # b'`"),
    ],
)
def test_a_comment_that_cuts_an_expression(text: str, mark: str, help: str) -> None:
    one = found(text)
    assert (one.code, one.message) == ("CXR011", "a `#` after a blank cut the value short")
    assert (marked(text, one), one.help) == (mark, (help,))
