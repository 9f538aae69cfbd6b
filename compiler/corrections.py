"""What is certain to be meant where a text of the language does not parse, as characters to write in place of others.

    view = "PA"       ->    `==` in place of `=`
    region (a|)       ->    `[a]` in place of `(a|)`

mistakes.py says what is wrong; where more than one thing may have been meant, nothing is said here.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from cxrspec.compiler.diagnostics import is_typo
from cxrspec.compiler.functions import FUNCTIONS

Correction: TypeAlias = tuple[int, int, str]
"""Offsets in the text, and what is to stand there."""

# operators as other languages write them, by what stands where an operator is expected
_OPERATORS = {
    "=": "==",
    "===": "==",
    "&": "and",
    "&&": "and",
    "||": "or",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
}
_CURLY = re.compile(r"[“”„‘’`]([^“”„‘’`\"\\\n]*)[“”‘’`]")
_LITERAL = re.compile(r"""["'\d]""")
# words of the language by their terminals: what stands in place of one may be a misspelling of it
_WORDS = {
    "AND": "and",
    "OR": "or",
    "IN": "in",
    "IS": "is",
    "NOT": "not",
    "NULL": "null",
    "_THEN": "then",
    "_ELSE": "else",
}
_NO_TYPOS = ("for", "when")  # words of other languages
# `a if c else b`, each part without these words
_PART = r"((?:(?!\b(?:if|then|else)\b)[^|])+?)"
_TERNARY = re.compile(rf"\s*{_PART}\s+if\s+{_PART}\s+else\s+{_PART}\s*")
# `a.b[0].f`, what is given to a method and the method's name, and its arguments
_RECEIVER = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[-?\d+\]|\([^()\"']*\))*"
_METHOD = re.compile(rf"(?<![\w.\])}}\"'])({_RECEIVER})\s*\.\s*(\w+)\s*$")
_AND_METHOD = re.compile(r"\s*\.\s*(\w+)\s*(?=\()")
_ARGUMENTS = re.compile(r"""\(((?:[^()"'{}]|"[^"\\\n]*"|'[^'\\\n]*')*)\)""")
# what a backslash stands before in regular expressions
_OF_REGEX = "dDwWsSbB.()[]{}+*?^$|"


def of_expression(text: str, at: int, found: str, expected: frozenset[str]) -> Correction | None:
    """For `found`, which stands at offset `at` where the terminals `expected` could have stood."""
    before, end = text[:at].rstrip(), at + len(found)
    if found in ("null", "None") and (asked := re.search(r"(==|!=|\bis|\bnot)$", before)):
        return _null(asked, end, found)
    if found in (")", "]") and before.endswith(","):
        return len(before) - 1, len(before), ""
    if (asked := re.search(r"(?<![\w.])is(\s+not)?$", before)) and _LITERAL.match(found):
        return asked.start(), asked.end(), "!=" if asked[1] else "=="
    words = [word for terminal, word in _WORDS.items() if terminal in expected and is_typo(found, word)]
    if len(words) == 1 and found not in _NO_TYPOS:
        return at, end, words[0]
    operator = _OPERATORS.get(found)
    if operator and (expected & {"PLUS", "AND"} or found in ("===", "||", "<>")):
        return _spaced(text, at, end, operator)
    if found == "==" and "EQUAL" in expected:
        return at, end, "="
    if "INT" in expected:
        return _value(text, at, found)
    return None


def _null(asked: re.Match[str], end: int, found: str) -> Correction | None:
    """`== null`, `!= null`, `is None` and `not null`."""
    match asked[1]:
        case "==":
            return asked.start(), end, "is null"
        case "!=" | "not":
            is_there = re.search(r"\bis\s+$", asked.string[: asked.start()])
            return (end - len(found), end, "null") if is_there else (asked.start(), end, "is not null")
        case _:
            return (end - len(found), end, "null") if found != "null" else None


def _spaced(text: str, start: int, end: int, word: str) -> Correction:
    """A word stands apart from what is beside it."""
    before = " " * (word.isalpha() and not text[start - 1].isspace())
    after = " " * (word.isalpha() and not text[end : end + 1].isspace())
    return start, end, f"{before}{word}{after}"


def _value(text: str, at: int, found: str) -> Correction | None:
    """What stands where a value is expected: `.5`, `!x`, a text in curly quotes."""
    if found == "!":
        blank = re.compile(r"!\s*").match(text, at)
        return at, blank.end() if blank else at + 1, "not "
    if found == "." and (digits := re.compile(r"\.\d+").match(text, at)):
        return at, digits.end(), f"0{digits[0]}"
    curly = _CURLY.match(text, at)
    return (at, curly.end(), f'"{curly[1]}"') if curly else None


def of_ternary(text: str) -> Correction | None:
    """`a if c else b`, where that is all of the text, as `if c then a else b`."""
    parts = _TERNARY.fullmatch(text)
    return None if parts is None else (0, len(text), f"if {parts[2]} then {parts[1]} else {parts[3]}")


def of_method(text: str, at: int) -> Correction | None:
    """`x.f(y).g()`, of which the first `(` stands at `at`, as `g(f(x, y))`; what is not plain to read stays."""
    called = _METHOD.search(text, 0, at)
    if called is None:
        return None
    written, name, end = called[1], called[2], at
    while arguments := _ARGUMENTS.match(text, end):
        if name not in FUNCTIONS:
            return None
        written = f"{name}({', '.join(filter(None, (written, arguments[1].strip())))})"
        more = _AND_METHOD.match(text, arguments.end())
        if more is None:
            return called.start(), arguments.end(), written
        name, end = more[1], more.end()
    return None


def of_type(text: str, at: int, found: str) -> Correction | None:
    """`text?`, `text[]` and `list[text]`, as other languages write types; `lst of text`, `list text`."""
    word = re.search(r"(\w+)\s*$", text[:at])
    if word and found == "of" and is_typo(word[1], "list"):
        return *word.span(1), "list"
    if word and word[1] == "list" and found.isidentifier():
        return word.start(), at, "list of "
    if found == "?":
        return at, at + 1, " | null"
    if word and text[at:].strip() == "[]":
        return word.start(), len(text), f"list of {word[1]}"
    item = re.compile(r"\[\s*(\w+)\s*\]").match(text, at)
    return (at, item.end(), f" of {item[1]}") if item and text[:at].endswith("list") else None


def of_slot(text: str, slot: int) -> Correction | None:
    """`{{x}}`, as templates of other languages have it."""
    doubled = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}").match(text, slot)
    return (slot, doubled.end(), f"{{{doubled[1]}}}") if doubled else None


def of_group(text: str, opened: int) -> Correction | None:
    """`(a|)` and `()`: one empty alternative makes the rest optional, nothing but that is a pair of plain brackets.

    A blank beside what may be left out goes with it: `is (a|) b` is `is[ a] b`.
    """
    group = re.compile(r"\(([^()\[\]{}/\\]*)\)|\[\]").match(text, opened)
    if group is None:
        return None
    if group[0] in ("()", "[]"):
        return opened, group.end(), "".join(f"\\{bracket}" for bracket in group[0])
    alternatives = group[1].split("|")
    full = [alternative for alternative in alternatives if alternative.strip()]
    spaced = any(alternative != alternative.strip() for alternative in full)
    if not full or len(alternatives) - len(full) > 1:
        return None
    inner = "|".join(full)
    several = f"({inner})" if len(full) > 1 else inner
    if text[:opened].endswith(" ") and not spaced:
        return opened - 1, group.end(), f"[ {several}]"
    if opened == 0 and text.startswith(" ", group.end()) and not spaced:
        return opened, group.end() + 1, f"[{several} ]"
    return opened, group.end(), f"[{inner}]"


def of_single_group(text: str, start: int, end: int) -> Correction | None:
    """`region(s)`: brackets that follow a word at once and hold a part of one are plain."""
    inner = text[start + 1 : end - 1]
    is_ending = re.search(r"\w$", text[:start]) and re.fullmatch(r"\w+", inner)
    return (start, end, f"\\({inner}\\)") if is_ending else None


def of_escape(start: int, escape: str, in_prompt: bool) -> Correction | None:
    """A backslash that is not needed in a prompt, and one that was meant as such in a regular expression."""
    character = escape[1:]
    if not character or (in_prompt and character.isalnum()):
        return None
    if in_prompt:
        return start, start + 2, character
    return (start, start + 2, f"\\{escape}") if character in _OF_REGEX else None
