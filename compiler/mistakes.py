"""What stands in the way when a text of the language does not parse: from the place where reading stopped to words.

    Stop("a = b", at=2, expected={"COMPARE", "PLUS", ...}, ...)  ->  "`=` found where an operator was expected"

The grammar says what could have stood there; the tables below know what people write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from cxrspec.compiler.corrections import Correction, of_expression, of_group, of_method, of_slot, of_ternary, of_type
from cxrspec.compiler.foreign import called


@dataclass(frozen=True, slots=True)
class Stop:
    """Reading stopped before offset `at` of `text`.

    expected   the terminals of the grammar that could stand there
    open       brackets and quotes opened before and not closed, as (offset, text), innermost last
    """

    text: str
    at: int
    expected: frozenset[str]
    open: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding on characters `start` to `end`.

    `opened` is the offset of the bracket that waits for its other half, `correction` what is certain to be meant.
    """

    code: str
    start: int
    end: int
    message: str
    help: str = ""
    opened: int | None = None
    correction: Correction | None = None


# ---- expressions and types

# the readable words for terminals; the first that is expected of a group speaks for the group
_GROUPS = (
    (("INT", "a value"), ("_LIST", "a type"), ("NAME", "a name"), ("FUNCTION", "a function call")),
    (("PLUS", "an operator"), ("AND", "`and`, `or`"), ("IN", "`in`"), ("NULL", "`null`"), ("VBAR", "`|`")),
    (("EQUAL", "`=`"),),
    (("_THEN", "`then`"), ("_ELSE", "`else`"), ("_OF", "`of`")),
    (("COMMA", "`,`"),),
    (("RPAR", "`)`"), ("RSQB", "`]`"), ("RBRACE", "`}`"), ("_FORMAT_END", '`"`')),
)

_MISSING = "`x is null` and `x is not null` ask whether a value is missing"
_STRAIGHT = 'texts stand in straight quotes: `"..."`'

_HINTS = {
    "=": "`==` compares",
    "===": "`==` compares",
    "&": "`and` joins conditions",
    "&&": "`and` joins conditions",
    "||": "`or` joins conditions",
    "!": "`not x` is the opposite of a condition",
    "<>": "`!=` compares",
    "=>": "`>=` compares",
    "=<": "`<=` compares",
    "**": "there is no operator for powers",
    "//": "`/` divides",
    "null": _MISSING,
    "None": _MISSING,
    "True": "`true` is written in lower case",
    "False": "`false` is written in lower case",
    "for": "`each(list, ...)` and `where(list, ...)` go through a list, with `it` for the item",
    "lambda": "`each(list, ...)` and `where(list, ...)` go through a list, with `it` for the item",
    "like": '`contains(x, "...")` asks whether a text holds another, `match(x, r"(...)")` for a pattern',
    "between": "`a <= x and x <= b` asks whether x lies between",
    "case": "`if a then x else if b then y else z`",
    "elif": "`if a then x else if b then y else z`",
    "?": "a choice is written `if condition then a else b`",
    ",": 'a list is written `[a, b]`, one of texts `["a", "b"]`',
    "AND": "`and` is written in lower case",
    "OR": "`or` is written in lower case",
    "NOT": "`not` is written in lower case",
    "{": "a record is written `record(a = x, b = y)`",
    "“": _STRAIGHT,
    "”": _STRAIGHT,
    "„": _STRAIGHT,
    "‘": _STRAIGHT,
    "’": _STRAIGHT,
    "`": _STRAIGHT,
}
_VALUE_HINTS = {
    ".": "a number starts with a digit: `0.5`",
    "not": "`not` in the middle of an expression stands in parentheses",
    "if": "`if` in the middle of an expression stands in parentheses",
    "==": "a field is given with one `=`: `record(a = x, b = y)`",
}
_OPERATOR_HINTS = {
    "if": "a choice is written `if condition then a else b`",
    "(": "functions are called as `f(x)` or `x | f()`",
    ":": "a choice is written `if condition then a else b`",
}
_TYPE_HINTS = {
    "?": "a type that admits null is written `text | null`",
    "null": "a type that admits null is written `text | null`",
    "[": "a list type is written `list of text`",
    ":": "a record type is written `record(a text, b list of text)`",
    "=": "a record type is written `record(a text, b list of text)`",
}

# what was found, in one piece: a name, a number, a closed text, an operator of this or another language, a character
_PIECE = re.compile(
    r"""[^\W\d]\w*\?? | \d+(?:\.\d+)? | "[^"\n]*" | '[^'\n]*'
      | && | \|\| | <> | => | =< | ===? | [<>!]= | \*\* | // | \?\? | .""",
    re.DOTALL | re.VERBOSE,
)

# pieces whose first half was read as an operator, or as the `=` of a field
_PAIRS = ("===", "||", "<>", "**", "//", "==")

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not", "is")
_OPERATORS = (*_COMPARISONS, "and", "or", "??", "+", "-", "*", "/", "%", ".", "[")


def explain_expression(stop: Stop, code: str) -> Mistake:
    """Why an expression or a type stopped being one."""
    text, at = stop.text, stop.at
    if not text.strip():
        return Mistake(code, 0, len(text), "nothing stands here", f"{_expected(stop.expected)} was expected")
    opened = stop.open[-1][0] if stop.open else None
    if at >= len(text):
        if stop.open and stop.open[-1][1] == 'f"':
            return _unclosed_quote(code, stop.open[-1][0], 2)
        last = len(text.rstrip())
        return Mistake(
            code, last - 1, last, f"the text ends where {_expected(stop.expected)} was expected", opened=opened
        )
    expected = _expected(stop.expected)
    pair = next((pair for pair in _PAIRS if text[: at + 1].endswith(pair)), None)
    if pair:
        at, expected = at + 1 - len(pair), "`=`" if pair == "==" else "an operator"
    found = _PIECE.match(text, at)
    assert found is not None  # the last alternative takes any character
    if found[0] in ('"', "'") and "RBRACE" not in stop.expected:
        return _unclosed_quote(code, at, 1)
    if found[0] in (")", "]", "}") and not stop.open:
        return Mistake(code, at, found.end(), f"`{found[0]}` closes nothing")
    method = re.search(r"\.\s*(\w+)\s*$", text[:at])
    if found[0] == "(" and method and "PLUS" in stop.expected:
        name = method[1]
        message, help = (
            f"`{name}` is called like a method",
            called(name) or "functions are called as `f(x)` or `x | f()`",
        )
        return Mistake(code, method.start(1), method.end(1), message, help, opened, of_method(text, at))
    if code == "CXR103":
        hint, correction = _type_hint(text[:at], found[0]), of_type(text, at, found[0])
    else:
        hint, correction = _hint(stop, found[0]), of_expression(text, at, found[0], stop.expected)
        correction = of_ternary(text) if found[0] == "if" and not stop.open else correction
    message = f"{_quoted(found[0])} found where {expected} was expected"
    return Mistake(code, at, found.end(), message, hint, opened, correction)


def _unclosed_quote(code: str, at: int, width: int) -> Mistake:
    return Mistake(code, at, at + width, "a text without its closing quote", 'a quote inside a text is written `\\"`')


def _expected(terminals: frozenset[str]) -> str:
    if not terminals:  # the parser had closed everything before it stopped
        return "an operator or the end"
    words = [next((word for name, word in group if name in terminals), "") for group in _GROUPS]
    known = [word for word in words if word]
    if "$END" in terminals and "PLUS" not in terminals:
        known.append("the end")
    return " or ".join((", ".join(known[:-1]), known[-1])) if len(known) > 1 else "".join(known)


def _quoted(found: str) -> str:
    if not found.isprintable() and len(found) == 1:
        return f"the character U+{ord(found):04X}"
    return f"`{found}`" if len(found) <= 30 else f"`{found[:29]}…`"


def _type_hint(before: str, found: str) -> str:
    return _TYPE_HINTS["["] if before.split()[-1:] == ["list"] else _TYPE_HINTS.get(found, "")


def _hint(stop: Stop, found: str) -> str:
    """What to write instead, if the mistake is a known one."""
    value, operator = "INT" in stop.expected, "PLUS" in stop.expected
    before = stop.text[: stop.at].rstrip()
    if found == "null" and "IN" in stop.expected and not operator:
        return "`x is not null` asks whether a value is there"
    if "AND" in stop.expected and "COMPARE" not in stop.expected and found in _COMPARISONS:
        return "comparisons do not chain: `a < b and b < c`"
    if "VBAR" in stop.expected and "AND" not in stop.expected and found in _OPERATORS:
        return "a pipe stands in parentheses before an operator"
    if found in (")", "]") and before.endswith(","):
        return "no comma stands after the last item"
    if found[0] in "\"'" and before[-1:] in ("f", "r"):
        return '`f"..."` and `r"..."` take double quotes'
    if found == "}" and stop.open and stop.open[-1][1] == 'f"':
        return '`}}` is a brace in `f"..."`'
    if before.endswith("is") and "NULL" in stop.expected:
        return "`==` compares; " + _MISSING
    if found == ":" and stop.open and stop.open[-1][1] == "[":
        return "`head(x, n)` and `tail(x, n)` cut a text after n characters; `x[i]` is one item of a list"
    special = _VALUE_HINTS if value else _OPERATOR_HINTS if operator else {}
    hint = special.get(found) or _HINTS.get(found, "")
    word = re.search(r"[^\W\d]\w*$", before)
    if not hint and operator and word and found.isidentifier():
        text = f"{word[0]} {found}" if stop.open and stop.open[-1][1] == "[" else "..."
        return _HINTS.get(word[0], f'a text stands in quotes: `"{text}"`')
    return hint


# ---- prompts

_CLOSING = {"(": ")", "[": "]", "{": "}"}


def explain_prompt(stop: Stop) -> Mistake:
    """Why a line of a prompt stopped being one; inside a slot it is an expression that did."""
    if any(text in ("{", 'f"') for _, text in stop.open):
        found = explain_expression(stop, "CXR101")
        slot = next(at for at, text in stop.open if text == "{")
        help = found.help or "`\\{` is a plain brace; `{...}` holds an expression"
        waits = slot if found.opened is None else found.opened
        return replace(found, help=help, opened=waits, correction=of_slot(stop.text, slot) or found.correction)
    opened = stop.open[-1] if stop.open else None
    found_text = stop.text[stop.at : stop.at + 1]
    started = "VBAR" in stop.expected or "$END" in stop.expected  # something of this alternative was read
    closes = opened is not None and found_text == _CLOSING[opened[1]]
    if not started and (found_text == "|" or closes or (not found_text and not opened)):
        return _empty_alternative(stop, found_text)
    if not found_text:
        assert opened is not None  # without an open bracket a line may end
        at, bracket = opened
        return _bracket(at, f"`{bracket}` has no closing `{_CLOSING[bracket]}`", f"`\\{bracket}` is a plain bracket")
    return _stray(stop, found_text, opened)


def _empty_alternative(stop: Stop, found: str) -> Mistake:
    start = min(stop.at, max(len(stop.text) - 1, 0))
    help = "what may be left out is written `[a]`" if stop.open else "text stands after a weight"
    if stop.text[stop.at - 1 : stop.at + 1] in ("()", "[]"):
        help = f"plain brackets are written `\\{stop.text[stop.at - 1]}\\{found}`"
    if found == "|" and not stop.open:
        help = "alternatives stand in `(a|b)` or on lines of their own"
    opened = stop.open[-1][0] if stop.open else None
    correction = None if opened is None else of_group(stop.text, opened)
    return Mistake("CXR107", start, start + 1, "an empty alternative", help, opened, correction)


def _bracket(at: int, message: str, help: str, opened: int | None = None) -> Mistake:
    return Mistake("CXR102", at, at + 1, message, help, opened)


def _stray(stop: Stop, found: str, opened: tuple[int, str] | None) -> Mistake:
    """A character with a meaning of its own where it has none."""
    plain = f"`\\{found}` is a plain character"
    match found:
        case "|":
            message, help = "`|` stands outside of a group", f"alternatives stand in `(a|b)` or on lines; {plain}"
        case "<":
            message, help = "`<` starts no rule", f"a rule is written `<name>`; {plain}"
        case ")" | "]" if opened:
            message, help = f"`{found}` found where `{_CLOSING[opened[1]]}` was expected", plain
        case _:
            message, help = f"`{found}` closes nothing", plain
    return _bracket(stop.at, message, help, opened[0] if opened else None)
