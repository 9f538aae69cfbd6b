"""The Polars bodies of functions that take a text apart: the sections of a report, the items of a Python list."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from cxrspec.compiler.functions import HEADING

# Put before each heading, so that a text is cut at headings without looking ahead. Unicode sets this character aside
# for such use: no text of a data file holds it.
MARK = "\U0010ffff"
_HEADING = rf"[ \t]*{HEADING}:"

# A list as Python's `repr` writes it, of texts and numbers.
_WHITE = r"[ \t\n\f\r]*"
_ESCAPE = r"""\\(?:[\\'"nrt]|x[0-9A-Fa-f]{2})"""
_QUOTED = rf"""'(?:[^'\\\n\r]|{_ESCAPE})*'|"(?:[^"\\\n\r]|{_ESCAPE})*\""""
_ITEM = rf"{_QUOTED}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_LIST = rf"^{_WHITE}\[{_WHITE}(?:(?:{_ITEM}){_WHITE}(?:,{_WHITE}(?:{_ITEM}){_WHITE})*(?:,{_WHITE})?)?\]{_WHITE}$"
_HEXADECIMAL = [
    (f"\\x{high}{low}", chr(int(high + low, 16)))
    for high in "0123456789abcdefABCDEF"
    for low in "0123456789abcdefABCDEF"
]
_ESCAPED = dict(
    [("\\\\", "\\"), ("\\'", "'"), ('\\"', '"'), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), *_HEXADECIMAL]
)


def squeeze(text: pl.Expr) -> pl.Expr:
    """Runs of white space become one blank; stripped. A blank that stands alone, the most common run, is not touched."""
    return text.str.replace_all(r"\s\s+|[\s&&[^ ]]", " ").str.strip_chars()


def nonempty(text: pl.Expr) -> pl.Expr:
    """The text; null if it is empty. Said in one place of `text`, so that what is inside can be shared (`marked`)."""
    return text.replace("", None)


def marked(text: pl.Expr) -> pl.Expr:
    """The text with a mark before each heading; Polars does it once, however many sections are taken from one text."""
    return text.str.replace_all(rf"(?m)^{_HEADING}", f"{MARK}$0")


def section(text: pl.Expr, names: Sequence[str]) -> pl.Expr:
    """What follows the last heading of one of these names, up to the next heading; null if there is nothing."""
    alternatives = "|".join(" +".join(re.escape(word) for word in name.split()) for name in names)
    found = marked(text).str.extract_all(rf"{MARK}[ \t]*(?:{alternatives}) *:[^{MARK}]*").list.last()
    return nonempty(squeeze(found.str.replace("^[^:]*:", "")))


def last_paragraph(text: pl.Expr) -> pl.Expr:
    """What follows the last heading, or all of a text without one; null if there is nothing."""
    return nonempty(squeeze(marked(text).str.split(MARK).list.last().str.replace(f"^{_HEADING}", "")))


def literals(text: pl.Expr) -> pl.Expr:
    """The items of a list written in Python, each as text; null if it is none. Nothing is evaluated."""
    item = pl.element()
    inner = item.str.extract(r"""(?s)^['"](.*)['"]$""", 1).str.replace_many(_ESCAPED)
    items = text.str.extract_all(_ITEM).list.eval(pl.coalesce(inner, item))
    return pl.when(text.str.contains(_LIST)).then(items)
