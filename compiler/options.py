"""The options of a choice: what can be asked of them, and how one turn shows them, with its answer by text and marker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import FENCE, beside, by_draw, common
from cxrspec.compiler.printing import as_json


class Keep(Protocol):
    """Keeps a value in a column of its own; `again`, it is the one that an earlier turn of the form has kept."""

    def __call__(self, name: str, value: pl.Expr, again: bool = False) -> pl.Expr:
        """The column."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Options as a list."""

    items: pl.Expr

    def some(self) -> pl.Expr:
        """Whether there are any."""
        return self.items.list.len() > 0

    def many(self) -> pl.Expr:
        """Whether there are more than letters."""
        return self.items.list.len() > len(p.LETTERS)

    def differ(self) -> pl.Expr:
        """Whether no two are equal."""
        return self.items.list.n_unique() == self.items.list.len()

    def hold(self, text: pl.Expr) -> pl.Expr:
        """Whether a text is one of them."""
        return self.items.list.contains(text)

    def any(self, test: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        """Whether a test holds of any."""
        return self.items.list.eval(test(pl.element())).list.any()


@dataclass(frozen=True, slots=True)
class Choice:
    """What a turn lets choose among: `correct` is a text, or a list if `several` may be; `draw` is that of their order.

    `numbered` says whether markers are numbers, `between` stands between two entries of the block, and `again` says
    that an earlier turn had the same options and the same answer.
    """

    correct: pl.Expr
    several: bool
    draw: pl.Expr
    numbered: pl.Expr
    between: str
    again: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a turn says of its options.

    entries  pieces of the text `(A) one, (B) two ...`, in drawn order; a null prints nothing
    texts    the answer by text, in the order shown
    marks    the answer by marker, in the order shown
    given    the answer by text, in the order given
    target   the answer as data
    """

    entries: list[pl.Expr]
    texts: pl.Expr
    marks: pl.Expr
    given: pl.Expr
    target: pl.Expr


def listed(choice: Choice, given: pl.Expr, keep: Keep) -> Shown:
    """Whatever the options are: lists in drawn order, row by row."""
    correct = choice.correct
    shown = keep("shown", by_draw(given, choice.draw))
    marks = keep("marks", _marks(shown.list.len(), choice.numbered))
    entries = beside(marks, shown, lambda mark, option: pl.concat_str([mark, option], separator=" "))
    block = [entries.list.join(choice.between)]
    if not choice.several:
        mark = marks.list.get(_place(shown, correct), null_on_oob=True)
        return Shown(block, correct, mark, correct, as_json(correct))
    chosen = beside(shown, correct, lambda a, b: a.is_in(b.implode()).cast(pl.String))
    theirs = beside(marks, chosen, lambda mark, said: mark.filter(said == "true"))
    as_given = keep("given", common(given, correct), choice.again)
    texts, theirs, plain = (x.list.join(p.OPTION_SEPARATOR) for x in (common(shown, correct), theirs, as_given))
    return Shown(block, texts, theirs, plain, as_json(as_given))


def _marks(size: pl.Expr, numbered: pl.Expr) -> pl.Expr:
    """`(A)`, `(B)` ... or `(1)`, `(2)` ... for so many items. Behind the letters stand the numbers, in one count of both."""
    letters = len(p.LETTERS)
    start = pl.when(numbered).then(letters).otherwise(0)
    place = pl.element()
    letter = pl.lit(p.LETTERS).str.slice(place, 1)
    mark = pl.when(place < letters).then(letter).otherwise((place - letters + 1).cast(pl.String))
    return pl.int_ranges(start, start + size).list.eval(pl.concat_str([pl.lit("("), mark, pl.lit(")")]))


def _place(texts: pl.Expr, one: pl.Expr) -> pl.Expr:
    """The place of a text in a list of them, or one behind its end: the fences before it, where all stand between fences.

    `index_of` looks at each row by itself, which takes several times as long.
    """
    fence = pl.lit(FENCE)
    fenced = pl.concat_str([fence, texts.list.join(FENCE), fence])
    before = fenced.str.splitn(pl.concat_str([fence, one, fence]), 2).struct.field("field_0")
    return before.str.count_matches(FENCE, literal=True)
