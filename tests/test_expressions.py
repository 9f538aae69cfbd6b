"""Types, null proof and flow typing, by hand from the language's rules: an expression and its type, or its finding."""

from __future__ import annotations

import polars as pl
import pytest

from cxrspec.compiler import syntax as s
from cxrspec.compiler.declarations import Function
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.scopes import Scope, facts
from cxrspec.compiler.typed import Column
from cxrspec.compiler.types import BOOL, INT, TEXT, ListOf, is_nullable, nullable

from .evaluating import check, parsed, scope_of, type_of

TYPES = {
    name: type_of(text)
    for name, text in {
        "a": "text | null",
        "b": "text | null",
        "u": "text",
        "n": "int",
        "i": "int | null",
        "f": "float",
        "flag": "bool",
        "q": "split",
        "xs": "list of text",
        "ys": "list of text | null",
        "gaps": "list of (text | null)",
        "pictures": "list of image",
        "boxes": "list of record(label text, x int | null)",
        "r": "record(label text, x int | null) | null",
        "day": "date",
    }.items()
}

GOOD = [
    # literals
    ('"x"', "text"),
    ("1", "int"),
    ("-1", "int"),
    ("1.0", "float"),
    ("true", "bool"),
    ("[]", "list of nothing"),
    ('["x"]', "list of text"),
    ("[1, 2.5]", "list of float"),
    ("[u, a]", "list of (text | null)"),
    ("[[], xs]", "list of list of text"),
    ('f""', "text"),
    ('f"{u} {n}"', "text"),
    ('f"{u} {i}"', "text | null"),
    ("record(k = u, v = i)", "record(k text, v int | null)"),
    # names
    ("a", "text | null"),
    ("views", "list of text"),
    ("r.label", "text | null"),
    ("boxes[0]", "record(label text, x int | null) | null"),
    ("xs[n]", "text | null"),
    ("ys[0]", "text | null"),
    # null passes through
    ("lower(u)", "text"),
    ("lower(a)", "text | null"),
    ("a | strip() | lower()", "text | null"),
    ("size(ys)", "int | null"),
    ("i + 1", "int | null"),
    ("n + 1", "int"),
    ("n + f", "float"),
    ("n / 2", "float"),
    ("n / n", "float | null"),
    ("n % 3", "int"),
    ("n % -3", "int"),
    ("n % 0", "int | null"),
    ("-i", "int | null"),
    ("xs + ys", "list of text | null"),
    ("xs + gaps", "list of (text | null)"),
    ("nonempty(u)", "text | null"),
    ('int?("1")', "int | null"),
    ("int(a)", "int | null"),
    ("first(gaps)", "text | null"),
    ("first(pictures)", "image | null"),
    ("image(u)", "image"),
    ("image(u, openi)", "image"),
    ('image(u, "openi")', "image"),
    # `??` and must
    ('a ?? ""', "text"),
    ("a ?? b", "text | null"),
    ("a ?? b ?? u", "text"),
    ("i ?? 0.5", "float"),
    ("ys ?? []", "list of text"),
    ("must(a)", "text"),
    ("must(ys)", "list of text"),
    # comparisons and membership
    ('u == "x"', "bool"),
    ("n < f", "bool"),
    ("day == day", "bool"),
    ('xs == ["x"]', "bool"),
    ('q == "train"', "bool"),
    ('q in ["train", "val"]', "bool"),
    ("a in xs", "bool"),
    ("a not in views", "bool"),
    ("i in [1, 2]", "bool"),
    ("a is null", "bool"),
    ("u is not null", "bool"),
    # flow
    ('a is not null and a == "x"', "bool"),
    ('a is null or a == "x"', "bool"),
    ('not (a is null) and a == "x"', "bool"),
    ("not (a is null or b is null) and a == b", "bool"),
    ('a in views and a == "x"', "bool"),
    ('a not in views or a == "x"', "bool"),
    ('a is not null and (flag or a == "x")', "bool"),
    ('if a is null then "" else a', "text"),
    ('if a is not null then a else ""', "text"),
    ('if a is null or b is null then "" else f"{a}{b}"', "text"),
    ('if a in views then a else "other"', "text"),
    ("if flag then u else a", "text | null"),
    ("if flag then 1 else 0.5", "float"),
    ("if flag then xs else []", "list of text"),
    ('if a is not null then if a == "x" then 1 else 2 else 3', "int"),
    # lists and `it`
    ('each(xs, match(it, r"(\\d)"))', "list of (text | null)"),
    ("each(xs, size([it]))", "list of int"),
    ("each(ys, lower(it))", "list of text | null"),
    ("each(xs, it in views)", "list of bool"),
    ("each(xs, record(label = it))", "list of record(label text)"),
    ("each(boxes, it.x)", "list of (int | null)"),
    ("each([xs], each(it, lower(it)))", "list of list of text"),
    ("where(gaps, it is not null)", "list of text"),
    ('where(gaps, it is not null and it != "x")', "list of text"),
    ("where(gaps, it in views)", "list of text"),
    ("where(gaps, it is null)", "list of (text | null)"),
    ("where(xs, size([it]) < limit)", "list of text"),
    ("present(gaps)", "list of text"),
    ("index(views, u) ?? 9", "int"),
    ("least(each(xs, size([it])))", "int | null"),
    ("choose(xs)", "text | null"),
    ("choose(xs, 2)", "list of text"),
    ("choose(ys, n)", "list of text | null"),
    ("choose([1, 2])", "int | null"),
    ("chance(0.5)", "bool"),
    ("chance(1)", "bool"),
    ("decoys(xs, views, 3)", "list of list of text"),
    ('match(u, r"\\p{Lu}(x+)[*+]+")', "text | null"),
]

BAD = [
    ('q == "training"', "CXR202"),
    ('q in ["train", "dev"]', "CXR202"),
    ("unknown", "CXR203"),
    ("lower", "CXR203"),
    ("it", "CXR204"),
    ("it == u", "CXR204"),
    ("r.width", "CXR207"),
    ("lowr(u)", "CXR208"),
    ("image(u, mimic)", "CXR209"),
    # types
    ("lower(n)", "CXR301"),
    ("not u", "CXR301"),
    ("size(u)", "CXR301"),
    ('join(gaps, ",")', "CXR301"),
    ("each(u, it)", "CXR301"),
    ("where(xs, it)", "CXR301"),
    ("if n then 1 else 2", "CXR301"),
    ("xs[u]", "CXR301"),
    ("chance(u)", "CXR301"),
    # nulls
    ('a == "x"', "CXR302"),
    ("i < 3", "CXR302"),
    ("u == a", "CXR302"),
    ("u in ys", "CXR302"),
    ("xs[i]", "CXR302"),
    ('a is not null or a == "x"', "CXR302"),
    ('a is null and a == "x"', "CXR302"),
    ("not (a is null and b is null) and a == u", "CXR302"),
    ('if a is null then a == "x" else false', "CXR302"),
    ('a not in views and a == "x"', "CXR302"),
    ('each(gaps, it == "x")', "CXR302"),
    ("contains(a, u) and flag", "CXR302"),
    ("if contains(a, u) then 1 else 2", "CXR302"),
    # types that do not go together
    ("[1, u]", "CXR303"),
    ("u == n", "CXR303"),
    ("n in xs", "CXR303"),
    ("a ?? n", "CXR303"),
    ("if flag then u else n", "CXR303"),
    ("ys ?? u", "CXR303"),
    # operations a type has not
    ("u + n", "CXR304"),
    ("flag < flag", "CXR304"),
    ("xs < xs", "CXR304"),
    ("boxes[0] ?? record(label = u, x = i) == record(label = u, x = i)", "CXR304"),
    ("-u", "CXR304"),
    ("least(xs)", "CXR304"),
    ("most([xs])", "CXR304"),
    ("choose(boxes)", "CXR304"),
    ("choose([xs])", "CXR304"),
    ("choose(gaps)", "CXR304"),
    ("choose([flag])", "CXR304"),
    ("index([xs], xs)", "CXR304"),
    ("u in u", "CXR305"),
    ("u.label", "CXR305"),
    ("u[0]", "CXR305"),
    ('f"{xs}"', "CXR306"),
    ("text(flag)", "CXR306"),
    ('u ?? ""', "CXR307"),
    ("must(u)", "CXR307"),
    ("lower()", "CXR308"),
    ("lower(u, u)", "CXR308"),
    ("split(u, u)", "CXR309"),
    ("match(u, u)", "CXR309"),
    ("every(xs, n, 0)", "CXR309"),
    ("chance(f)", "CXR309"),
    ('match(u, "x")', "CXR310"),
    ('match(u, "(")', "CXR310"),
    ('match(u, r"(?=x)(y)")', "CXR310"),
    ('match(u, r"(x)\\1")', "CXR310"),
    ('match(u, r"(x++)")', "CXR310"),
    ('match(u, r"([[x])")', "CXR310"),
    ("each(xs, choose(views))", "CXR311"),
    ("where(xs, chance(0.5))", "CXR311"),
    ("each(xs, choose([it]))", "CXR311"),
    ("chance(1.5)", "CXR312"),
    ("chance(-0.5)", "CXR312"),
    ("each(xs, u)", "CXR313"),
    ("where(xs, it == u)", "CXR313"),
    ("each([xs], each(it, n))", "CXR313"),
    ("every(xs, 0, 0)", "CXR314"),
    ("every(xs, 1, -1)", "CXR314"),
    ("decoys(xs, xs, 0)", "CXR314"),
    ('split(u, "")', "CXR314"),
    ('part(u, "", 0)', "CXR314"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_types(text: str, expected: str) -> None:
    typed, report = check(text, TYPES)
    assert report.diagnostics == []
    assert str(typed.type) == expected


@pytest.mark.parametrize(("text", "code"), BAD)
def test_findings(text: str, code: str) -> None:
    _, report = check(text, TYPES)
    assert [found.code for found in report.diagnostics] == [code]


def test_a_draw_needs_an_example() -> None:
    _, report = check("chance(0.5)", TYPES, site=None)
    assert [found.code for found in report.diagnostics] == ["CXR311"]


@pytest.mark.parametrize(
    ("condition", "when_true", "when_false"),
    [
        ("a is null", "", "a"),
        ("a is not null", "a", ""),
        ("not (a is null)", "a", ""),
        ("a is not null and b is not null", "a b", ""),
        ("a is null or b is null", "", "a b"),
        ("a is not null or b is not null", "", ""),
        ("a is null and b is null", "", ""),
        ("a in xs", "a", ""),
        ("a not in xs", "", "a"),
        ("(a is not null and b is not null) or a in xs", "a", ""),
        ('u == "x"', "", ""),
        ("lower(a) is not null", "a", ""),
        ('nonempty(part(a, "-", 0)) is null', "", "a"),
        ('f"{a} {u}" is not null and b is null', "a", ""),
        ("(a ?? b) is not null", "", ""),
        ('lower(a) in ["x"]', "a", ""),
        ('(a ?? "") != ""', "a", ""),
        ('(a ?? "") == ""', "", "a"),
        ('(a ?? "x") == "x"', "", "a"),
        ('(a ?? "x") != "y"', "", "a"),
        ("(i ?? 0) > 2", "i", ""),
        ("(i ?? 9) > 2", "", "i"),
        ("if a is not null then b is not null else false", "a b", ""),
        ("if a is null then b is null else true", "", "b"),
        ("if a is null then false else b is not null", "a b", ""),
        ("must(a) is null", "", "a"),
    ],
)
def test_facts(condition: str, when_true: str, when_false: str) -> None:
    typed, report = check(condition, TYPES)
    assert not report.errors, report.diagnostics
    for truth, expected in ((True, when_true), (False, when_false)):
        names = {proved.name for proved in facts(typed, truth) if isinstance(proved, Column)}
        assert {name for name in names if is_nullable(TYPES[name])} == set(expected.split())


# ---- functions written in YAML

FUNCTIONS = {
    "shout": Function("shout", (("x", TEXT),), parsed('f"{x}!"')),
    "kept": Function("kept", (("x", ListOf(TEXT)),), parsed("where(x, it in views)")),
    "known": Function("known", (("x", nullable(TEXT)),), parsed('x is not null and x != ""')),
    "outside": Function("outside", (("x", INT),), parsed("x + n")),
    "circle": Function("circle", (("x", INT),), parsed("circle(x)")),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shout(u)", "text"),
        ("shout(a)", "text | null"),
        ("shout(n)", "CXR301"),
        ("shout()", "CXR308"),
        ("kept(xs)", "list of text"),
        ("known(a)", "bool"),
        ("known(u)", "bool"),
        ("outside(n)", "CXR203"),
        ("circle(n)", "CXR208"),
    ],
)
def test_functions_of_the_language(text: str, expected: str) -> None:
    report = Report()
    base = scope_of(TYPES)
    scope = Scope(base.names, base.what, base.source, base.sources, FUNCTIONS, base.site)
    typed = Checker(report).check(parsed(text), scope)
    assert ([found.code for found in report.diagnostics] or [str(typed.type)]) == [expected]


# ---- mistakes follow from nothing


@pytest.mark.parametrize(
    "text", ["lower(unknown)", "unknown + 1", "unknown.x[0] ?? 1", "unknown in unknown", "[unknown, 1]", 'f"{unknown}"']
)
def test_one_mistake_gives_one_kind_of_message(text: str) -> None:
    _, report = check(text, TYPES)
    assert {found.code for found in report.diagnostics} == {"CXR203"}


def test_text_that_did_not_parse_is_passed_over() -> None:
    typed, report = check(s.Binary("and", s.Invalid(), s.Call("contains", (s.Invalid(), s.Name("u")))), TYPES)
    assert report.diagnostics == []
    assert typed.type == BOOL


# ---- regular expressions are Polars' own

PATTERNS = [
    r"(a)", r"(?P<n>a)|b", r"a{2,3}(b)?", r"([^/]+)\.txt$", r"(\p{L}+)", r"^(\d{8})_", r"(?i)(abc)", r"([a-z&&x])",
    r"(a", r"a", r"(a)(?=b)", r"(a)\1", r"(a)\Z", r"(?>a)(b)", r"(a++)", r"(a)(?#x)", r"([[a])", r"(a)\012", r"(a)(?(1)b|c)",
    r"(\++)", r"([*+]+)", r"(a)\z", r"*(a)", r"(a)\N{DIGIT ONE}", r"(a{1001})", r"(?P=n)(a)", r"(\w\b\B\s)",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_passes_is_one_that_polars_runs(pattern: str) -> None:
    _, report = check(s.Call("match", (s.Name("u"), s.Text(pattern))), TYPES)
    assert {found.code for found in report.diagnostics} <= {"CXR310"}
    if not report.diagnostics:
        groups = pl.select(pl.lit("").str.extract_groups(pattern)).to_series()
        assert len(groups.struct.fields) >= 1
