"""A few options that are other ones for each row: a column an option instead of a list a row.

before    lists that are sorted, marked and joined row by row

    shown = options.list.gather((options.list.eval(xxh64(element) | 1) * draw).list.eval(element().arg_sort()))
    entries = marks and shown, end to end .list.eval(concat_str([mark, option])) .list.join(", ")

after     the number of the option at each place, and a gather from all options of the row

    at0, at1 = in_order((xxh64(option0) | 1) * draw, (xxh64(option1) | 1) * draw)
    entries = "(A) ", concat_arr([option0, option1]).arr.get(at0), ", (B) ", concat_arr([option0, option1]).arr.get(at1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from cxrspec.compiler.bodies import odd
from cxrspec.compiler.fast.options import all_marks, place_of
from cxrspec.compiler.fast.places import LAST, Keep, gathered, in_order
from cxrspec.compiler.options import Choice, Shown
from cxrspec.compiler.printing import as_json


@dataclass(frozen=True, slots=True)
class Varied:
    """Options as columns, null where there is none."""

    items: list[pl.Expr]

    def some(self) -> pl.Expr:
        """Whether there are any."""
        return pl.any_horizontal(one.is_not_null() for one in self.items)

    def many(self) -> pl.Expr:
        """Whether there are more than letters."""
        return pl.lit(value=False)

    def differ(self) -> pl.Expr:
        """Whether no two are equal."""
        equal = [(one == other).fill_null(value=False) for one, other in combinations(self.items, 2)]
        return ~pl.any_horizontal(equal) if equal else pl.lit(value=True)

    def hold(self, text: pl.Expr) -> pl.Expr:
        """Whether a text is one of them."""
        return pl.any_horizontal((one == text).fill_null(value=False) for one in self.items)

    def any(self, test: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        """Whether a test holds of any."""
        return pl.any_horizontal(test(one).fill_null(value=False) for one in self.items)


def shown(choice: Choice, items: list[pl.Expr], keep: Keep) -> Shown:
    """What a turn says of these options, of which one is right."""
    size = len(items)
    (draw,) = keep("draw", choice.draw)
    draws = [(odd(one) * draw).fill_null(LAST) for one in items]
    places = in_order("at", draws, [pl.lit(i, pl.UInt8) for i in range(size)], size, keep)
    (row,) = keep("row", pl.concat_arr(items))
    texts = keep("text", *(row.arr.get(one) for one in places))
    numbers = pl.when(choice.numbered).then(pl.lit(size, pl.UInt8)).otherwise(pl.lit(0, pl.UInt8))
    marks = all_marks(size)
    entries: list[pl.Expr] = []
    for i, text in enumerate(texts):
        before = choice.between if i else ""
        mark = gathered(
            [f"{before}{mark} " for mark in (marks[i], marks[i + size])], pl.String, choice.numbered.cast(pl.UInt8)
        )
        entries += [pl.when(text.is_not_null()).then(mark), text]
    mark = gathered(marks, pl.String, place_of(choice.correct, texts) + numbers)
    return Shown(entries, choice.correct, mark, choice.correct, as_json(choice.correct))
