"""Trees as text, with the fewest parentheses.

    Binary("*", Binary("+", Name("a"), Number(1)), Name("b"))   ->  (a + 1) * b
    Choice((Words("a"), Words("b")), (1, 3))                    ->  a
                                                                    /3/b

The law: `parse(show(tree)) == tree`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import assert_never

from cxrspec.compiler import syntax as s

# how tightly an expression holds together; docs/language.md has the same rows
_IF, _OR, _AND, _NOT, _COMPARISON, _FALLBACK, _SUM, _PRODUCT, _SIGN, _POSTFIX = range(10)

_BINARY: dict[str, int] = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), _COMPARISON),
    "??": _FALLBACK,
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/%", _PRODUCT),
}


# ---- expressions


def show_expression(expression: s.Expr) -> str:
    """The text of an expression, on one line; texts in double quotes, pipes as calls.

    >>> show_expression(s.Unary("not", s.IsNull(s.Name("a"), negated=True)))
    'not a is not null'
    """
    return _show(expression, _IF)


def _show(expression: s.Expr, level: int) -> str:
    """The text where something at least as tight as `level` is asked for."""
    text, own = _text_and_level(expression)
    return text if own >= level else f"({text})"


def _text_and_level(expression: s.Expr) -> tuple[str, int]:
    match expression:
        case s.If(condition, then, otherwise):
            parts = _show(condition, _IF), _show(then, _IF), _show(otherwise, _IF)
            return "if {} then {} else {}".format(*parts), _IF
        case s.Binary(operator, left, right):
            level = _BINARY[operator]
            chains = level != _COMPARISON
            return f"{_show(left, level if chains else level + 1)} {operator} {_show(right, level + 1)}", level
        case s.IsNull(operand, negated):
            return f"{_show(operand, _FALLBACK)} is {'not ' if negated else ''}null", _COMPARISON
        case s.Unary("not", operand):
            return f"not {_show(operand, _NOT)}", _NOT
        case s.Unary(operator, operand):
            return f"{operator}{_show(operand, _SIGN)}", _SIGN
        case s.Field(operand, name):
            return f"{_show(operand, _POSTFIX)}.{name}", _POSTFIX
        case s.Index(operand, index):
            return f"{_show(operand, _POSTFIX)}[{show_expression(index)}]", _POSTFIX
        case _:
            return _closed(expression), _POSTFIX


def _closed(
    expression: s.Name | s.Text | s.Number | s.Bool | s.Format | s.Items | s.Record | s.Call | s.Invalid,
) -> str:
    """The text of what needs no parentheses anywhere."""
    match expression:
        case s.Name(name):
            return name
        case s.Text(value):
            return f'"{_escaped(value)}"'
        case s.Number(value):
            return _number(value)
        case s.Bool(value):
            return "true" if value else "false"
        case s.Format(parts):
            return 'f"' + "".join(map(_format_part, parts)) + '"'
        case s.Items(items):
            return f"[{_listed(items)}]"
        case s.Record(fields):
            return "record(" + ", ".join(f"{name} = {show_expression(value)}" for name, value in fields) + ")"
        case s.Call(function, arguments):
            return f"{function}({_listed(arguments)})"
        case s.Invalid():
            return "<invalid>"
        case _:
            assert_never(expression)


def _listed(expressions: tuple[s.Expr, ...]) -> str:
    return ", ".join(map(show_expression, expressions))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")


def _format_part(part: str | s.Expr) -> str:
    if isinstance(part, str):
        return _escaped(part).replace("{", "{{").replace("}", "}}")
    return "{" + show_expression(part) + "}"


def _number(value: int | float) -> str:
    """Without an exponent, and a float with its point, so that it is read back as one."""
    if isinstance(value, int):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else text + ".0"


# ---- prompts


def show_prompt(prompt: s.Prompt) -> str:
    """The text of a prompt; alternatives at the top stand one a line.

    >>> show_prompt(s.Sequence((s.Words("region(s)"), s.Optional(s.Words(" 1")))))
    'region\\\\(s\\\\)[ 1]'
    """
    if isinstance(prompt, s.Choice):
        texts = [_part(alternative) for alternative in prompt.alternatives]
        if all(text == text.strip() for text in texts):  # white space at the ends of a line would be lost
            return "\n".join(_alternatives(prompt))
        return _part(prompt)
    return _alternative(prompt, 1)


def _alternatives(choice: s.Choice) -> list[str]:
    return [_alternative(a, w) for a, w in zip(choice.alternatives, choice.weights, strict=True)]


def _alternative(prompt: s.Prompt, weight: int) -> str:
    """Something that starts like a weight but is none gets its first slash escaped."""
    text = _part(prompt)
    if re.match(r"/-?[0-9][0-9.]*/", text):
        text = "\\" + text
    return text if weight == 1 else f"/{weight}/{text}"


def _part(prompt: s.Prompt) -> str:
    match prompt:
        case s.Words(text):
            return re.sub(r"([()\[\]<>|{}\\])", r"\\\1", text).replace("\n", "\\n")
        case s.Slot(expression):
            return "{" + show_expression(expression) + "}"
        case s.Rule(name):
            return f"<{name}>"
        case s.Sequence(parts):
            return "".join(map(_part, parts))
        case s.Choice():
            return "(" + "|".join(_alternatives(prompt)) + ")"
        case s.Optional(s.Choice() as choice):
            return "[" + "|".join(_alternatives(choice)) + "]"
        case s.Optional(part):
            return f"[{_alternative(part, 1)}]"
        case _:
            assert_never(prompt)
