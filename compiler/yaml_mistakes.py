"""Where YAML itself stops reading: from the parser's words to what is wrong, what was meant, and how to write it.

    a: b: c    ->    "`: ` inside a value without quotes", help: quotes keep it whole: `'b: c'`

The words are libyaml's. Those of PyYAML's own parser, which stands in where libyaml is not built in, are passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BREAK = re.compile(r"[\r\n]")
_BLOCK = "; or block text, below a `|`"
_INDENT = "the keys of one mapping start in one column"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding on characters `start` to `end`; `others` are further places with their words.

    `fix` says which characters are to be written otherwise, and how, where that is certain.
    """

    start: int
    end: int
    message: str
    label: str = ""
    others: tuple[tuple[int, int, str], ...] = ()
    help: tuple[str, ...] = ()
    fix: tuple[int, int, str] | None = None


def unclosed(text: str) -> bool:
    """Whether `text`, read as an expression, ends inside a quote or bracket.

    >>> unclosed('f(a'), unclosed('view == "a'), unclosed('contains(x, "(")')
    (True, True, False)
    """
    rest = re.sub(r'"(?:\\.|[^"\\])*"', "", text)
    return '"' in rest or any(rest.count(a) > rest.count(b) for a, b in ("()", "[]", "{}"))


def single(text: str) -> str:
    """`text` between YAML's single quotes.

    >>> print(single("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def quoted(text: str) -> str:
    """The same as a help line shows it."""
    return f"`{single(text)}`"


def explain(text: str, problem: str, at: int, start: int, value: tuple[int, int]) -> Mistake:
    """What the parser's `problem` at offset `at` means.

    `start` is where the construct began that was being read, `value` the place of the last scalar or collection.
    """
    match problem:
        case _ if text.startswith("\t", at) or "tab character" in problem:
            return Mistake(*_match(r"[ \t]*", text, at), "a tab as indentation", help=("indent with blanks",))
        case "mapping values are not allowed in this context":
            return _colon(text, at, value)
        case "found character that cannot start any token" | "mapping keys are not allowed in this context":
            return _first_character(text, at)
        case "did not find expected node content":
            ended = Mistake(at, at, "the file ends where a value is expected")
            return _first_character(text, at) if at < len(text) else ended
        case "found unexpected end of stream":
            help = "inside `'...'` a quote is written `''`"
            return Mistake(start, start + 1, "a quote that is never closed", "opened here", help=(help,))
        case "did not find expected ',' or ']'" | "did not find expected ',' or '}'":
            return _open_bracket(text, start, at)
        case "did not find expected key" | "did not find expected <document start>":
            return _after_value(text, at, value)
        case _:
            return _simple(text, problem, at, start)


def _simple(text: str, problem: str, at: int, start: int) -> Mistake:
    """The problems that need no more than other words."""
    match problem:
        case "did not find expected '-' indicator":
            help = "the items of one list start with `-` in one column"
            return Mistake(*_word(text, at), "a list goes on here, but this is no item of it", help=(help,))
        case "block sequence entries are not allowed in this context":
            help = "a list starts on the line below its key, or is written `[a, b]`"
            return Mistake(at, at + 1, "a list item on the line of its key", help=(help,))
        case "did not find expected comment or line break":
            as_text = f"a value that starts with it needs quotes: {quoted(_rest(text, start))}"
            helps = "block text starts on the next line", as_text
            return Mistake(start, start + 1, f"text on the line of the `{text[start : start + 1]}`", help=helps)
        case "found unknown escape character" | "found invalid Unicode character escape code":
            backslash = text.rfind("\\", 0, at + 1)
            escape = text[backslash : backslash + 2]
            message = f"`{escape}` is no escape of double quotes"
            fix = backslash, backslash + 1, "\\\\"
            return Mistake(
                backslash, backslash + len(escape), message, help=("single quotes read no escapes",), fix=fix
            )
        case "could not find expected ':'":
            helps = "after a key comes `: `", "text that goes on from the line above stands further to the right"
            return Mistake(*_word(text, start), "a line that is neither a key nor a list item", help=helps)
        case "found unexpected ':'":
            help = "inside brackets such a value needs quotes"
            return Mistake(at, at + 1, "a `:` at the end of a value", help=(help,))
        case _ if text.startswith("%", start):
            return Mistake(start, start + 1, "a line that starts with `%`", help=("the language knows no directives",))
        case _ if text.startswith(("&", "*", "!"), start):
            return _first_character(text, start)
        case _:
            return Mistake(at, min(at + 1, len(text)), problem)


def _colon(text: str, at: int, value: tuple[int, int]) -> Mistake:
    """A second `: ` in one line, or a key where the value of the line above goes on."""
    label = "read as the end of a key"
    if _BREAK.search(text, value[0], at):
        helps = _INDENT, "after the `:` of a key comes a blank"
        return Mistake(at, at + 1, "a key where the value above goes on", label, help=helps)
    help = f"quotes keep it whole: {quoted(_rest(text, value[0]))}{_BLOCK}"
    words = re.search(r"^[A-Z]|[ \t]", text[value[0] : at])  # after one word like a key a mapping may be meant
    fix = _in_quotes(text, value[0]) if words else None
    return Mistake(at, at + 1, "`: ` inside a value without quotes", label, help=(help,), fix=fix)


def _first_character(text: str, at: int) -> Mistake:
    help, found = f"quotes make it text: {quoted(_rest(text, at))}", text[at : at + 1]
    fix = _in_quotes(text, at) if found in ("@", "`", "%") else None
    return Mistake(at, at + 1, f"a value cannot start with `{found}`", help=(help,), fix=fix)


def _open_bracket(text: str, start: int, at: int) -> Mistake:
    """Inside `[...]` or `{...}` comes something that is neither a comma nor the closing bracket."""
    opening = text[start : start + 1]
    if whole := _cut_by_comma(text, start, at):
        value = text[slice(*whole)]
        fix, comma = (*whole, single(value)), whole[0] + value.index(",")
        help = f"quotes keep it whole: {quoted(value)}"
        return Mistake(comma, comma + 1, "a comma ended the value", help=(help,), fix=fix)
    closing = "]" if opening == "[" else "}"
    if _BREAK.search(text, start, at) or at >= len(text):
        help = f"`{closing}` closes it"
        return Mistake(start, start + 1, f"a `{opening}` that is never closed", "opened here", help=(help,))
    help = "inside brackets a value with `: `, `,` or brackets needs quotes"
    return Mistake(at, at + 1, f"expected `,` or `{closing}`", "", ((start, start + 1, "opened here"),), (help,))


def _cut_by_comma(text: str, start: int, at: int) -> tuple[int, int] | None:
    """The value between a key of the line and `at` that a comma cut inside of its own brackets, up to its end."""
    starts = [key.end() for key in re.finditer(r":[ \t]+(?=[^\s'\"])", text[start:at])]
    for value in (start + end for end in reversed(starts)):
        if "," in text[value:at] and unclosed(text[value:at]):
            line = re.compile(r"[^\r\n]*").match(text, at)
            ends = re.compile(r"[ \t]*(?=[,}\]])").finditer(text, at, line.end() if line else at)
            return next(((value, end.start()) for end in ends if not unclosed(text[value : end.start()])), None)
    return None


def _after_value(text: str, at: int, value: tuple[int, int]) -> Mistake:
    """Text after a value that its quote or bracket has ended, or a line in a column of its own."""
    start, end = value
    if _BREAK.search(text, end, at) or end == 0:
        return Mistake(*_word(text, at), "this line belongs to nothing above it", help=(_INDENT,))
    message, label = "text after the end of a value", "not part of the value before it"
    if _BREAK.search(text, start, end):
        others = ((start, start + 1, "the value starts here"), (end - 1, end, "and ends here"))
        help = "a quote or bracket in the first of these lines is closed too late, or not at all"
        return Mistake(*_word(text, at), message, label, others, (help,))
    help = f"quotes make it one text: {quoted(_rest(text, start))}{_BLOCK}"
    return Mistake(*_word(text, at), message, label, help=(help,), fix=_in_quotes(text, start))


def _match(pattern: str, text: str, at: int) -> tuple[int, int]:
    found = re.compile(pattern).match(text, at)
    return found.span() if found else (at, at)


def _word(text: str, at: int) -> tuple[int, int]:
    return _match(r"\S*", text, at)


def _rest(text: str, start: int) -> str:
    """The line from `start`, without a comment."""
    return re.split(r"[\r\n]|[ \t]#", text[start:], maxsplit=1)[0].rstrip()


def _in_quotes(text: str, start: int) -> tuple[int, int, str]:
    """The fix that puts quotes around the line from `start`."""
    rest = _rest(text, start)
    return start, start + len(rest), single(rest)
