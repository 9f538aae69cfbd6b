"""Made-up trees of the language, each one a tree that some text has."""

from __future__ import annotations

import re
import string
from functools import cache
from typing import get_args

from hypothesis import strategies as st

from cxrspec.compiler import syntax as s
from cxrspec.compiler import types as t
from cxrspec.compiler.show import show_expression, show_prompt

RESERVED = {"and", "or", "not", "in", "is", "null", "if", "then", "else", "true", "false", "None", "True", "False"}

# the characters that mean something somewhere, and some that never do
CHARACTERS = st.sampled_from("ab /\\\"'(){}[]<>|\n\t.1é“\u2028\x1c")
texts = st.text(CHARACTERS, max_size=8)
words = st.text(CHARACTERS, min_size=1, max_size=8)
names = st.text(string.ascii_letters + "_", min_size=1, max_size=6).filter(lambda n: n not in RESERVED)
FIELDS = ("type", "list", "x_1")
functions = st.one_of(names, names.map(lambda n: n + "?")).filter(lambda n: n != "record")


# ---- types


@cache
def types() -> st.SearchStrategy[t.Type]:
    scalars: st.SearchStrategy[t.Type] = st.sampled_from(list(t.SCALARS.values()))
    return st.recursive(scalars, _larger_types, max_leaves=6)


def _larger_types(inner: st.SearchStrategy[t.Type]) -> st.SearchStrategy[t.Type]:
    fields = st.lists(inner, min_size=1, max_size=3).map(lambda found: tuple(zip(FIELDS, found, strict=False)))
    return st.one_of(inner.map(t.nullable), inner.map(t.ListOf), fields.map(t.RecordOf))


# ---- expressions


@cache
def expressions() -> st.SearchStrategy[s.Expr]:
    """Expressions of every kind but `Invalid`."""
    atoms: st.SearchStrategy[s.Expr] = st.one_of(
        names.map(s.Name),
        texts.map(s.Text),
        st.integers(0, 2**63 - 1).map(s.Number),
        st.floats(0, allow_nan=False, allow_infinity=False).map(abs).map(s.Number),
        st.booleans().map(s.Bool),
    )
    return st.recursive(atoms, _larger, max_leaves=12)


def _larger(inner: st.SearchStrategy[s.Expr]) -> st.SearchStrategy[s.Expr]:
    several = st.lists(inner, max_size=3).map(tuple)
    fields = st.lists(inner, min_size=1, max_size=3).map(lambda found: tuple(zip(FIELDS, found, strict=False)))
    return st.one_of(
        st.builds(s.Unary, st.sampled_from(get_args(s.UnaryOperator)), inner),
        st.builds(s.Binary, st.sampled_from(get_args(s.BinaryOperator)), inner, inner),
        st.builds(s.IsNull, inner, st.booleans()),
        st.builds(s.If, inner, inner, inner),
        st.builds(s.Field, inner, names),
        st.builds(s.Index, inner, inner),
        st.builds(s.Items, several),
        st.builds(s.Record, fields),
        st.builds(s.Call, functions, several),
        st.lists(st.one_of(words, inner), max_size=4).map(_format),
    )


def _format(parts: list[str | s.Expr]) -> s.Format:
    """Neighbouring texts are one part."""
    merged: list[str | s.Expr] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return s.Format(tuple(merged))


# ---- prompts


@cache
def prompts(
    literals: st.SearchStrategy[str] = words,
    slots: st.SearchStrategy[s.Expr] = expressions(),  # noqa: B008
    rules: st.SearchStrategy[str] = names,
) -> st.SearchStrategy[s.Prompt]:
    """Prompts in their normal form, as the parser gives them (but for white space at the ends of a line)."""
    atoms: st.SearchStrategy[s.Prompt] = st.one_of(literals.map(s.Words), slots.map(s.Slot), rules.map(s.Rule))
    return st.recursive(atoms, _larger_prompts, max_leaves=8)


def _larger_prompts(inner: st.SearchStrategy[s.Prompt]) -> st.SearchStrategy[s.Prompt]:
    weighted = st.lists(st.tuples(inner, st.sampled_from([1, 1, 1, 2, 3, 12])), min_size=2, max_size=3)
    return st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(_sequence),
        weighted.map(lambda found: s.Choice(tuple(p for p, _ in found), tuple(w for _, w in found))),
        inner.map(s.Optional),
    )


def _sequence(parts: list[s.Prompt]) -> s.Prompt:
    """Flat, neighbouring words as one."""
    merged: list[s.Prompt] = []
    for part in (p for outer in parts for p in (outer.parts if isinstance(outer, s.Sequence) else (outer,))):
        if merged and isinstance(part, s.Words) and isinstance(merged[-1], s.Words):
            merged[-1] = s.Words(merged[-1].text + part.text)
        else:
            merged.append(part)
    return merged[0] if len(merged) == 1 else s.Sequence(tuple(merged))


# ---- any text at all

PIECES: list[str] = re.findall(
    r"\S+",
    """
and or not in is null if then else true false None x lower( int?( record(a = ( ) [ ] { } , . | ?? == != < > = + - * / %
" ' f" r" \\ \\( \\n /3/ /0/ <a> < > & “ 1 1.5 1e5 of list text é \u200b
""",
)


@st.composite
def broken_texts(draw: st.DrawFn) -> str:
    """Any characters, pieces of the language in any order, or a text of the language with one place spoilt."""
    match draw(st.integers(0, 2)):
        case 0:
            return draw(st.text(max_size=40))
        case 1:
            between: str = draw(st.sampled_from(["", " "]))
            pieces: list[str] = draw(st.lists(st.sampled_from(PIECES), max_size=12))
            return between.join(pieces)
        case _:
            shown = draw(st.one_of(expressions().map(show_expression), prompts().map(show_prompt)))
            at = draw(st.integers(0, len(shown)))
            return shown[:at] + draw(st.sampled_from(PIECES)) + shown[at + 1 :]
