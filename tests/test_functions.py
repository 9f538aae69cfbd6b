"""Every function and operator against plain Python, on rows of awkward values, on both engines.

An oracle is given the columns of its expression, in the order they stand there; where one of them is null the result
is null, unless `raw` says that the oracle sees nulls itself. A bad row is one for which the oracle raises `BadRowError`.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from random import Random
from string import ascii_uppercase
from typing import Any, get_args

import polars as pl
import pytest
from xxhash import xxh64

from cxrspec.compiler import foreign
from cxrspec.compiler import syntax as s
from cxrspec.compiler.bodies import BODIES
from cxrspec.compiler.functions import FUNCTIONS
from cxrspec.compiler.types import is_nullable

from .evaluating import ENGINES, LABELS, Engine, check, parsed, sound, table, type_of, values

TYPES = {
    name: type_of(text)
    for name, text in {
        "t": "text | null",
        "u": "text",
        "p": "text | null",
        "l": "text | null",
        "n": "int",
        "i": "int | null",
        "j": "int",
        "f": "float | null",
        "g": "float",
        "b": "bool",
        "c": "bool",
        "q": "split",
        "xs": "list of text",
        "k": "list of text | null",
        "m": "list of (text | null)",
        "li": "list of int",
        "mi": "list of (int | null)",
        "lf": "list of float",
        "ll": "list of list of text",
        "r": "record(a text, b int | null)",
        "y": "labels",
        "z": "labels | null",
    }.items()
}

LEAST, MOST = -(2**63), 2**63 - 1
WORDS = [
    "",
    "a",
    "A",
    "b",
    "é",
    "É",
    "ß",
    "İ",
    "ΑΣ",
    "中文",
    "😀",
    "e\u0301",
    "a b",
    "  a\t b\n",
    "\u00a0x\u2003",
    "\x1c",
]
NUMERALS = ["0", "-0", "+5", "007", " 12\n", "5.0", "1e3", "--1", "٣", "1_0", str(MOST), str(MOST + 1), str(LEAST), "-"]
MASKS = [
    "0 1",
    "-1",
    " 0 6 ",
    "1 1 0 2",
    "5 1",
    "6 1",
    "2 4 0",
    "0 0 1 2",
    "0  1",
    "0 1 a 1",
    "1 +1",
    "0 9999999999",
    "3 2 1",
]
TEXTS = [
    *MASKS,
    *WORDS,
    *NUMERALS,
    "a,b,,c",
    ",",
    "No a here",
    "x-12 y+3-4",
    "9" * 30,
    "PA",
    "aAbB",
    "$1",
    "a.b.c",
    "x\x1fy",
]
SMALL = [-3, -1, 0, 1, 2, 3, 7]
INTS = [*SMALL, 10**9, LEAST, LEAST + 1, MOST, MOST - 1, 2**32, 2**53 + 1]
FLOATS = [0.0, -0.0, 0.5, -1.5, 2.0, 3.0, -7.75, 1e6, -1.0, math.inf]


# Lines of reports, and lists as Python writes them or does not.
FINDINGS = ["FINDINGS:", "  FINDINGS :  Clear\tlungs. ", "\tFINDINGS:\u2003"]
HEADINGS = [
    *FINDINGS,
    "IMPRESSION: 1. no change",
    "REASON  FOR EXAM: pain",
    " CHEST (PA/LAT), AP-VIEW:seen",
    "A:B: c",
    "PA:",
]
NO_HEADINGS = [
    "Findings: x",
    "É: x",
    ": x",
    "(A): x",
    "x FINDINGS: x",
    "FINDINGS",
    "",
    " \n",
    "FINDINGS12: x",
    "\u00a0A: x",
]
NUMBERS = "[1, -2, 0.5, 1e-05, 'x, y']"
ESCAPES = r"""['\\', '\'', "\"", '\x41', '\n\r\t\xe9\xA0', '\\n', '\\\'']"""
LISTS = [
    "[]",
    " [ ]\n",
    "['a']",
    "['a' ,\t' b', '',]",
    """['a', "b'c", '[', ']', '"']""",
    NUMBERS,
    ESCAPES,
    "['é', '中文']",
]
NO_LISTS = [
    "",
    "a",
    "'a'",
    "['a'",
    "['a'],",
    "[,]",
    "['a',,]",
    "[a]",
    "['a\nb']",
    r"['\']",
    "[01]",
    "('a')",
    "['a]",
    "[1 2]",
]
ONLY_PYTHON_READS = ["['a' 'b']", "[u'a']", r"['\q']", "[--1]", "[None]", "[['a']]", r"['\u0041']"]


def items(pool: list[Any], random: Random) -> list[Any]:
    return random.choices(pool, k=random.choice([0, 0, 1, 2, 3, 5]))


def row(random: Random) -> dict[str, Any]:
    texts = random.choice([TEXTS, ["a", "b", "é", ""]])
    one = random.choice
    return {
        "t": one([*texts, None]),
        "u": one(texts),
        "p": one(
            [
                random.choice(["\n", "\n", "\r\n"]).join(random.choices([*HEADINGS, *NO_HEADINGS], k=one([1, 4, 8]))),
                None,
            ]
        ),
        "l": one([*LISTS, *LISTS, *NO_LISTS, *ONLY_PYTHON_READS, None]),
        "n": one(SMALL),
        "i": one([*INTS, *SMALL, None]),
        "j": one(INTS + SMALL),
        "f": one([*FLOATS, None]),
        "g": one(FLOATS),
        "b": one([True, False]),
        "c": one([True, False]),
        "q": one(["train", "val", "test"]),
        "xs": items(texts, random),
        "k": one([None, items(texts, random)]),
        "m": items([*texts, None], random),
        "li": items(INTS, random),
        "mi": items([*SMALL, None], random),
        "lf": items(FLOATS[:-1], random),
        "ll": [items(texts, random) for _ in range(one([0, 1, 2]))],
        "y": labels(random),
        "z": one([labels(random), labels(random), None]),
        "r": {"a": one(texts), "b": one([*SMALL, None])},
    }


def labels(random: Random) -> dict[str, int | None]:
    return {name: random.choice([1, 0, -1, None]) for name in LABELS.names}


ROWS = [row(Random(seed)) for seed in range(400)]


class BadRowError(Exception):
    """The row breaks a rule of the expression."""


# ---- the oracle's words for what Python has no word for

WHITE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"  # Unicode's White_Space


def strip(text: str) -> str:
    return re.sub(f"^{WHITE}+|{WHITE}+\\Z", "", text)


def fits(number: int) -> int:
    """`number`, if 64 bits hold it."""
    if not LEAST <= number <= MOST:
        raise BadRowError
    return number


def whole(text: str) -> int | None:
    found = re.fullmatch("[+-]?[0-9]+", strip(text))
    return int(strip(text)) if found and LEAST <= int(strip(text)) <= MOST else None


def asserted(value: Any) -> Any:
    if value is None:
        raise BadRowError
    return value


def get(found: list[Any], place: int) -> Any:
    return found[place] if -len(found) <= place < len(found) else None


def group(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1] if found else None


def unique(found: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in found:
        if item not in kept:
            kept.append(item)
    return kept


def least(found: list[Any], choose: Callable[[list[Any]], Any] = min) -> Any:
    known = [item for item in found if item is not None]
    return choose(known) if known else None


def box(x1: float, y1: float, x2: float, y2: float, width: int, height: int) -> dict[str, Any]:
    if width <= 0 or height <= 0:
        raise BadRowError
    left, right = (min(max(x / width, 0.0), 1.0) for x in (x1, x2))
    top, bottom = (min(max(y / height, 0.0), 1.0) for y in (y1, y2))
    if not (left < right and top < bottom):
        raise BadRowError
    return {"x1": left, "y1": top, "x2": right, "y2": bottom, "width": width, "height": height}


def mask_box(text: str, width: int, height: int) -> dict[str, Any] | None:
    """The mask itself: pixels of a flat array are filled, and the box goes round them."""
    if strip(text) == "-1":
        return None
    counts = strip(text).split(" ")
    if len(counts) % 2 or not all(re.fullmatch("[0-9]+", count) for count in counts):
        raise BadRowError
    filled = list[int]()
    at = 0
    for gap, run in zip(map(int, counts[::2]), map(int, counts[1::2]), strict=True):
        if run == 0 or at + gap + run > width * height:
            raise BadRowError
        filled += range(at + gap, at + gap + run)
        at += gap + run
    columns, rows = [pixel // height for pixel in filled], [pixel % height for pixel in filled]
    return box(min(columns), min(rows), max(columns) + 1, max(rows) + 1, width, height)


def hexadecimal(*texts: str) -> str:
    return xxh64("\x1f".join(texts).encode()).hexdigest()


def cut(report: str) -> list[tuple[str, str]]:
    """The sections of a report, each with the name of its heading; what stands before the first has none."""
    found = [("", "")]
    for line in report.split("\n"):
        name, colon, rest = line.lstrip(" \t").partition(":")
        if colon and set(name) <= set(ascii_uppercase + " ()/,-") and name[:1] in set(ascii_uppercase):
            found.append((" ".join(name.split()), rest))
        else:
            found[-1] = found[-1][0], f"{found[-1][1]}\n{line}"
    return found


def squeezed(text: str) -> str:
    return strip(re.sub(f"{WHITE}+", " ", text))


def section(report: str, *names: str) -> str | None:
    under = [text for name, text in cut(report) if name in names]
    return squeezed(under[-1]) or None if under else None


def literals(text: str) -> list[str]:
    """The items of a list, read by Python's own parser."""
    if text in ONLY_PYTHON_READS:
        raise BadRowError
    try:
        found: Any = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        raise BadRowError from None
    if type(found).__name__ != "list":
        raise BadRowError
    return [str(item) for item in found]


# What `lenient` of evaluating.py says, written out: a label and what is said of it.
LENIENTLY: dict[str, set[tuple[str, int | None]]] = {
    "positive": {("A", 1), ("B, c", 1), ("é", 1), ("A", -1), ("B, c", None)},
    "negative": {("A", 0), ("B, c", 0), ("é", 0), ("é", -1), ("é", None)},
}


# ---- the cases


@dataclass(frozen=True)
class Case:
    """An expression and its value in Python."""

    text: str
    oracle: Callable[..., Any]
    raw: bool = False

    def read(self, row: dict[str, Any]) -> dict[str, Any]:
        """The cells that the expression reads, in its order."""
        return {name: row[name] for name in names(self.text) if name in row}

    def value(self, row: dict[str, Any]) -> Any:
        found = self.read(row).values()
        return None if not self.raw and any(cell is None for cell in found) else self.oracle(*found)


@cache
def names(text: str) -> list[str]:
    """The names in an expression, in order."""
    return [node.name for node in nodes(parsed(text)) if isinstance(node, s.Name)]


Oracle = Callable[[], Any] | Callable[[Any], Any] | Callable[[Any, Any], Any] | Callable[[Any, Any, Any], Any]

PLAIN: dict[str, Oracle] = {
    "lower(t)": lambda t: t.lower(),
    "capitalize(t)": lambda t: t[:1].upper() + t[1:].lower(),
    "strip(t)": strip,
    "squeeze(t)": lambda t: squeezed(t),
    "squeeze(p)": lambda p: squeezed(p),
    'squeeze("a \\n\\t b\\n")': lambda: "a b",
    "nonempty(t)": lambda t: t or None,
    'replace(t, "a", "xé")': lambda t: t.replace("a", "xé"),
    'replace(t, ",", "")': lambda t: t.replace(",", ""),
    'replace(t, "a", "$1\\\\1")': lambda t: t.replace("a", "$1\\1"),
    'replace(t, "", "-")': lambda t: t.replace("", "-"),
    'replace("a.b", ".", "")': lambda: "ab",
    'contains(t, "a")': lambda t: "a" in t,
    'contains(t, ".")': lambda t: "." in t,
    "contains(t, u)": lambda t, u: u in t,
    "contains(u, t)": lambda u, t: t in u,
    'contains("a,b,é", u)': lambda u: u in "a,b,é",
    'contains_any(t, ["b", "é"])': lambda t: "b" in t or "é" in t,
    'contains_any(t, [""])': lambda t: True,
    "contains_any(t, [])": lambda t: False,
    "contains_any(t, views)": lambda t: "PA" in t or "AP" in t,
    "head(t, 2)": lambda t: t[:2],
    "head(t, -1)": lambda t: "",
    "head(u, i)": lambda u, i: u[: max(i, 0)],
    'head("aé中", n)': lambda n: "aé中"[: max(n, 0)],
    "tail(t, 2)": lambda t: t[2:],
    "tail(t, -1)": lambda t: t,
    "tail(u, i)": lambda u, i: u[max(i, 0) :],
    'split(t, ",")': lambda t: t.split(","),
    'split("a b", " ")': lambda: ["a", "b"],
    'part(t, ",", 0)': lambda t: t.split(",")[0],
    'part(t, ",", 1)': lambda t: get(t.split(","), 1),
    'part(t, ",", -2)': lambda t: get(t.split(","), -2),
    'part(t, ",", i)': lambda t, i: get(t.split(","), i),
    'match(t, r"([0-9]+)")': lambda t: group("([0-9]+)", t),
    'match(t, r"^(é|a)?b?")': lambda t: group("^(é|a)?b?", t),
    'match(t, r"(\\p{Lu})")': lambda t: group("([A-ZÉİΑΣ])", t),
    "text(i)": str,
    "text(f)": str,
    "text(q)": lambda q: q,
    "text(t)": lambda t: t,
    "int(t)": lambda t: asserted(whole(t)),
    "int?(t)": whole,
    'int("12")': lambda: 12,
    "numbers(t)": lambda t: [fits(int(n)) for n in re.findall("-?[0-9]+", t)],
    "literals(l)": literals,
    "size(literals(l)) + 1": lambda text: len(literals(text)) + 1,
    'section(p, ["FINDINGS"])': lambda p: section(p, "FINDINGS"),
    'section(p, ["IMPRESSION", " REASON FOR  EXAM "])': lambda p: section(p, "IMPRESSION", "REASON FOR EXAM"),
    'section(p, ["CHEST (PA/LAT), AP-VIEW", "A"])': lambda p: section(p, "CHEST (PA/LAT), AP-VIEW", "A"),
    "section(p, views)": lambda p: section(p, "PA", "AP"),
    "last_paragraph(p)": lambda p: squeezed(cut(p)[-1][1]) or None,
    'last_paragraph("x\\n A: y ")': lambda: "y",
    "digest(t)": hexadecimal,
    "digest(t, u)": hexadecimal,
    'digest("a")': lambda: hexadecimal("a"),
    "size(xs)": len,
    "size(k)": len,
    "size(m)": len,
    "size([])": lambda: 0,
    "first(xs)": lambda xs: get(xs, 0),
    "first(k)": lambda k: get(k, 0),
    "first(m)": lambda m: get(m, 0),
    "first(ll)": lambda ll: get(ll, 0),
    "first([])": lambda: None,
    'join(xs, ", ")': ", ".join,
    'join(k, "")': "".join,
    'join([], "-")': lambda: "",
    'join(split(u, "a"), "a")': lambda u: u,
    'where(xs, it != "a")': lambda xs: [x for x in xs if x != "a"],
    "where(m, it is not null)": lambda m: [x for x in m if x is not None],
    "where(k, it in views)": lambda k: [x for x in k if x in ("PA", "AP")],
    "where(ll, size(it) > 1)": lambda ll: [x for x in ll if len(x) > 1],
    "where(li, it < limit)": lambda li: [x for x in li if x < 3],
    "where([], true)": list,
    'each(xs, f"{it}!")': lambda xs: [f"{x}!" for x in xs],
    'each(m, it ?? "none")': lambda m: ["none" if x is None else x for x in m],
    "each(k, tail(it, 1))": lambda k: [x[1:] for x in k],
    "each(ll, each(it, lower(it)))": lambda ll: [[x.lower() for x in y] for y in ll],
    "each(ll, first(it))": lambda ll: [get(x, 0) for x in ll],
    'each(ll, join(it, ","))': lambda ll: [",".join(x) for x in ll],
    "each(li, it + 1)": lambda li: [fits(x + 1) for x in li],
    "each(xs, record(a = it, n = 1))": lambda xs: [{"a": x, "n": 1} for x in xs],
    "each(xs, record(a = it).a)": lambda xs: xs,
    "each(xs, 1)": lambda xs: [1 for _ in xs],
    "each(xs, [it, it])": lambda xs: [[x, x] for x in xs],
    "each(xs, must(int?(it)))": lambda xs: [asserted(whole(x)) for x in xs],
    "each(k, int(it))": lambda k: [asserted(whole(x)) for x in k],
    'each(xs, if it == "a" then 1 else int(it))': lambda xs: [1 if x == "a" else asserted(whole(x)) for x in xs],
    "each([], it)": list,
    "concat(xs, xs)": lambda xs: xs + xs,
    "concat(xs, k)": lambda xs, k: xs + k,
    "concat(m, xs)": lambda m, xs: m + xs,
    "concat(li, lf)": lambda li, lf: [float(x) for x in li] + lf,
    "concat(xs, [])": lambda xs: xs,
    'concat([], ["a"])': lambda: ["a"],
    "concat(ll, [xs])": lambda ll, xs: [*ll, xs],
    "without(xs, k)": lambda xs, k: [x for x in xs if x not in k],
    'without(xs, ["a", "b"])': lambda xs: [x for x in xs if x not in ("a", "b")],
    'without(["a", "b"], xs)': lambda xs: [x for x in ("a", "b") if x not in xs],
    "without(xs, [])": lambda xs: xs,
    "without([], xs)": lambda xs: [],
    "unique(xs)": unique,
    "unique(k)": unique,
    "unique(m)": unique,
    "unique(li)": unique,
    "unique(ll)": unique,
    "present(m)": lambda m: [x for x in m if x is not None],
    "present(xs)": lambda xs: xs,
    "present(mi)": lambda mi: [x for x in mi if x is not None],
    "every(xs, 2, 0)": lambda xs: xs[::2],
    "every(k, 2, 1)": lambda k: k[1::2],
    "every(li, 3, 9)": lambda li: li[9::3],
    "least(li)": least,
    "least(mi)": least,
    "least(lf)": least,
    "most(li)": lambda li: least(li, max),
    "most(mi)": lambda mi: least(mi, max),
    "most(lf)": lambda lf: least(lf, max),
    "index(xs, u)": lambda xs, u: xs.index(u) if u in xs else None,
    "index(xs, t)": lambda xs, t: xs.index(t) if t in xs else None,
    "index(m, u)": lambda m, u: m.index(u) if u in m else None,
    'index(k, "a")': lambda k: k.index("a") if "a" in k else None,
    "index(li, i)": lambda li, i: li.index(i) if i in li else None,
    "index([b, true], true)": lambda b: 0 if b else 1,
    'index(["a", "b"], u)': lambda u: ["a", "b"].index(u) if u in ("a", "b") else None,
    "box(f, 0, g, 9, 2, 3)": lambda f, g: box(f, 0, g, 9, 2, 3),
    "box(-1, f, 2, g, n, 3)": lambda f, g, n: box(-1, f, 2, g, n, 3),
    "box(0, 0, g, i, 9, n)": lambda g, i, n: box(0, 0, g, i, 9, n),
    "box_xywh(f, -1, 2, g, 5, n)": lambda f, g, n: box(f, -1, f + 2, g - 1, 5, n),
    "box(0, 0, n, 1, 2, 2).x2": lambda n: box(0, 0, n, 1, 2, 2)["x2"],
    "each(li, box(0, it, 4, 9, 4, 10).y1)": lambda li: [box(0, y, 4, 9, 4, 10)["y1"] for y in li],
    "rle_box(t, 3, n)": lambda t, n: mask_box(t, 3, n),
    "each(xs, rle_box(it, 3, 2))": lambda xs: [mask_box(x, 3, 2) for x in xs],
    "names(y)": list,
    "names(z)": list,
    "positive(y, strict)": lambda y: [name for name, said in y.items() if said == 1],
    "negative(y, strict)": lambda y: [name for name, said in y.items() if said in (0, None)],
    "positive(z, lenient)": lambda z: [name for name, said in z.items() if (name, said) in LENIENTLY["positive"]],
    "negative(z, lenient)": lambda z: [name for name, said in z.items() if (name, said) in LENIENTLY["negative"]],
    "image(t)": lambda t: f"rsna/{t}",
    "image(t, openi)": lambda t: f"openi/{t}",
    # operators that pass nulls through
    "-i": lambda i: fits(-i),
    "-f": lambda f: -f,
    "i + j": lambda i, j: fits(i + j),
    "i - j": lambda i, j: fits(i - j),
    "i * j": lambda i, j: fits(i * j),
    "i * j - j": lambda i, j: fits(fits(i * j) - j),
    "f + i": lambda f, i: f + i,
    "f - g": lambda f, g: f - g,
    "f * n": lambda f, n: f * n,
    "i / n": lambda i, n: i / n if n else None,
    "i / 2": lambda i: i / 2,
    "f / g": lambda f, g: f / g if g else None,
    "i % n": lambda i, n: i % n if n else None,
    "i % j": lambda i, j: i % j if j else None,
    "n % 3": lambda n: n % 3,
    "n % -3": lambda n: n % -3,
    "n % 0": lambda n: None,
    "n % 2.5": lambda n: n % 2.5,
    "xs + k": lambda xs, k: xs + k,
    "xs[n]": get,
    "xs[0]": lambda xs: get(xs, 0),
    "k[-1]": lambda k: get(k, -1),
    "m[j]": lambda m, j: get(m, j),
    "[u][j]": lambda u, j: get([u], j),
    '["a", "b"][n]': lambda n: get(["a", "b"], n),
    'f"{t}: {i}, {g}"': lambda t, i, g: f"{t}: {i}, {g}",
    'f"{q}/{u}"': lambda q, u: f"{q}/{u}",
    'f""': lambda: "",
    "r.a": lambda r: r["a"],
    "r.b": lambda r: r["b"],
    "not b": lambda b: not b,
    "b and c": lambda b, c: b and c,
    "b or c": lambda b, c: b or c,
    "u == views[0] ?? u": lambda u: u == "PA",
    'u == "a"': lambda u: u == "a",
    'u != "a"': lambda u: u != "a",
    "b == c": lambda b, c: b == c,
    'q == "train"': lambda q: q == "train",
    "xs == ll[0] ?? []": lambda xs, ll: xs == (get(ll, 0) or []),
    "m != []": lambda m: m != [],
    "n == g": lambda n, g: n == g,
    "j < n": lambda j, n: j < n,
    "j <= n": lambda j, n: j <= n,
    "n > g": lambda n, g: n > g,
    "j >= n": lambda j, n: j >= n,
    'u < "b"': lambda u: u < "b",
    'u >= "É"': lambda u: u >= "É",
    "[u, u]": lambda u: [u, u],
    "[xs, []]": lambda xs: [xs, []],
    "[n, g]": lambda n, g: [float(n), g],
    "[[], [u]]": lambda u: [[], [u]],
    "if b then n else 0.5": lambda b, n: float(n) if b else 0.5,
    "if b then xs else []": lambda b, xs: xs if b else [],
    "if b then li else [0.5]": lambda b, li: [float(x) for x in li] if b else [0.5],
}

RAW: dict[str, Oracle] = {
    "must(t)": asserted,
    "must(k)": asserted,
    "must(i) + 1": lambda i: fits(asserted(i) + 1),
    "if b then must(t) else u": lambda b, t, u: asserted(t) if b else u,
    "t ?? must(k[0])": lambda t, k: t if t is not None else asserted(get(k or [], 0)),
    "b and must(i) > 0": lambda b, i: b and asserted(i) > 0,
    "b or must(i) > 0": lambda b, i: b or asserted(i) > 0,
    "record(a = t, b = i)": lambda t, i: {"a": t, "b": i},
    "[record(a = t)]": lambda t: [{"a": t}],
    "[t, u]": lambda t, u: [t, u],
    "[xs, k]": lambda xs, k: [xs, k],
    "[i, f]": lambda i, f: [i if i is None else float(i), f],
    "t is null": lambda t: t is None,
    "k is not null": lambda k: k is not None,
    "t in xs": lambda t, xs: t is not None and t in xs,
    "t in m": lambda t, m: t is not None and t in m,
    't not in ["a", "b"]': lambda t: t not in ("a", "b"),
    'u in (k ?? ["a"])': lambda u, k: u in (["a"] if k is None else k),
    "i in [1, 2, 3]": lambda i: i in (1, 2, 3),
    "i in [0.5, 2.0]": lambda i: i in (0.5, 2.0),
    "f in mi": lambda f, mi: f is not None and f in mi,
    "xs in ll": lambda xs, ll: xs in ll,
    "[] in ll": lambda ll: [] in ll,
    "t in []": lambda t: False,
    "q in ['train', 'val']".replace("'", '"'): lambda q: q in ("train", "val"),
    "t ?? u": lambda t, u: u if t is None else t,
    't ?? "x"': lambda t: "x" if t is None else t,
    "i ?? 0.5": lambda i: 0.5 if i is None else float(i),
    "k ?? []": lambda k: [] if k is None else k,
    "t ?? k[0] ?? u": lambda t, k, u: next(x for x in (t, get(k or [], 0), u) if x is not None),
    "if b then t else u": lambda b, t, u: t if b else u,
    'if t is null or t == "" then "none" else t': lambda t: t or "none",
    "if k is not null and size(k) > 1 then k[1] else t": lambda k, t: k[1] if k and len(k) > 1 else t,
}

CASES = [Case(text, oracle) for text, oracle in PLAIN.items()] + [Case(t, o, raw=True) for t, o in RAW.items()]


def same(found: Any, wanted: Any) -> bool:
    """Equality of values and of their types; of floats up to the last digits."""
    kind = type(wanted).__name__
    if type(found).__name__ != kind:
        return False
    if kind == "float":
        return math.isclose(found, wanted, abs_tol=1e-12) or (math.isnan(found) and math.isnan(wanted))
    if kind == "list":
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return bool(found == wanted)


def outcome(case: Case, row: dict[str, Any]) -> tuple[bool, Any]:
    """Whether the row is good, and its value if it is."""
    try:
        return True, case.value(row)
    except BadRowError:
        return False, None


@cache
def all_rows() -> pl.DataFrame:
    """All rows as a table."""
    return table(TYPES, ROWS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_polars_and_python_agree(case: Case, engine: Engine) -> None:
    typed, report = check(case.text, TYPES)
    assert report.errors == 0, report.diagnostics
    rows = all_rows()
    found = values([typed], rows, engine)["0"].to_list()
    good = sound(typed, rows, engine)
    for row, value, holds in zip(ROWS, found, good, strict=True):
        wanted_good, wanted = outcome(case, row)
        read = case.read(row)
        assert holds == wanted_good, read
        assert not holds or same(value, wanted), (read, value, wanted)
        assert not holds or value is not None or is_nullable(typed.type), read


# ---- nothing is left out


def nodes(e: Any) -> Iterator[s.Node]:
    """A syntax tree's nodes."""
    if isinstance(e, s.Node):
        yield e
        e = tuple(getattr(e, field.name) for field in fields(e))
    kind = type(e).__name__
    if kind == "tuple":
        for part in e:
            yield from nodes(part)


TREES = [node for case in CASES for node in nodes(parsed(case.text))]


def test_every_function_has_a_case() -> None:
    drawn = {name for name, function in FUNCTIONS.items() if function.kind == "draw"}  # test_draws.py has those
    assert {node.function for node in TREES if isinstance(node, s.Call)} == set(FUNCTIONS) - drawn


def test_every_operator_has_a_case() -> None:
    assert {node.operator for node in TREES if isinstance(node, s.Binary)} == set(get_args(s.BinaryOperator))
    assert {node.operator for node in TREES if isinstance(node, s.Unary)} == set(get_args(s.UnaryOperator))
    kinds = {type(node) for node in TREES}
    assert kinds == set(get_args(s.Expr)) - {s.Invalid}


def test_every_body_belongs_to_a_function_or_an_operator() -> None:
    operators = {*get_args(s.BinaryOperator), "neg", "not", "is null", "is not null", "item", "all", "escape"}
    assert set(BODIES) <= set(FUNCTIONS) | operators


@pytest.mark.parametrize("name", sorted(name for name, function in FUNCTIONS.items() if function.literal))
def test_a_literal_argument_is_asked_for(name: str) -> None:
    function = FUNCTIONS[name]
    columns = {
        "text": "u",
        "int": "n",
        "float": "g",
        "list of text": "xs",
        "list of T": "xs",
        "list of (T | null)": "m",
    }
    arguments = [columns[str(parameter)] for parameter in function.parameters]
    if function.kind == "image":
        arguments[1] = "lower(u)"  # a name alone is the name of a source
    _, report = check(f"{name}({', '.join(arguments)})", TYPES)
    assert [found.code for found in report.diagnostics] == ["CXR309"]


def test_names_of_other_languages_are_none_of_this_one() -> None:
    """A row for a name that is a function here, or for one in two tables, would never be read."""
    names = [name for table in (foreign.SAME, foreign.INSTEAD) for row in table.values() for name in row.split()]
    assert not {*names} & FUNCTIONS.keys()
    assert len(names) == len({*names})
    assert all(name == name.lower() for name in names)
    assert foreign.SAME.keys() <= FUNCTIONS.keys()
