"""Options out of a few known ones: a column a place instead of a list a row.

before    lists that are sorted, marked and joined row by row

    shown = options.list.gather((odd * draw).list.eval(element().arg_sort()))
    entries = marks and shown, end to end .list.eval(concat_str([mark, option])) .list.join("\n")

after     the number of the option at each place, and texts by number

    at0, at1 = by_draw(["Yes", "No"], draw)
    entries = gather(["(A) Yes", "(A) No"], at0), gather(["\n(B) Yes", "\n(B) No"], at1)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.fast.pieces import Piece, at_number, put_together
from cxrspec.compiler.fast.places import Keep, bit_at, bits, by_draw, gathered, odds
from cxrspec.compiler.options import Choice, Shown
from cxrspec.compiler.printing import as_json


def shown(
    choice: Choice, texts: tuple[str, ...], mask: pl.Expr | None, keep: Keep, some: pl.Expr | None = None
) -> Shown:
    """What a turn says of these options. `mask` says which are right, if several may be.

    If one is right, a row may have some of them only: those in `some`.
    """
    size = len(texts)
    (draw,) = keep("draw", choice.draw)
    at = by_draw("at", odds(texts), draw, keep, some)
    if some is not None:
        at = keep("there", *(pl.when(some.bitwise_count_ones() > i).then(one) for i, one in enumerate(at)))
    (numbers,) = keep("numbers", pl.when(choice.numbered).then(pl.lit(size, pl.UInt8)).otherwise(pl.lit(0, pl.UInt8)))
    marks = all_marks(size)
    nothing = () if some is None else ("",)
    pieces: list[Piece] = []
    for i, one in enumerate(at):
        before = choice.between if i else ""
        ways = tuple(f"{before}{mark} {text}" for mark in (marks[i], marks[i + size]) for text in texts)
        pieces.append(Piece((*ways, *nothing), (one + numbers).fill_null(len(ways))))
    entries = put_together(pieces)
    if mask is None:
        correct = choice.correct
        place = place_of(correct, [gathered(texts, pl.String, one) for one in at])
        mark = gathered(marks, pl.String, place + numbers)
        return Shown(entries, correct, mark, correct, as_json(correct))
    chosen = keep("chosen", *(pl.when(mask & bit_at(one, size) > 0).then(one) for one in at))
    held = [mask & bit > 0 for bit in bits(size)]
    there = [one.is_not_null() for one in chosen]
    numbered = (numbers > 0).cast(pl.UInt8)
    (given,) = keep("given", _joined(held, map(pl.lit, texts)), again=choice.again)
    target = _joined(held, map(pl.lit, _as_json(texts)), ",")
    return Shown(
        entries,
        pl.concat_str([at_number(texts, one) for one in chosen], separator=p.OPTION_SEPARATOR, ignore_nulls=True),
        _joined(there, (gathered([marks[i], marks[i + size]], pl.String, numbered) for i in range(size))),
        given,
        pl.concat_str([pl.lit("["), target, pl.lit("]")]),
    )


def all_marks(size: int) -> list[str]:
    """The markers of so many options: the letters, and behind them the numbers. There may be no letter for some."""
    return [*(f"({p.LETTERS[i : i + 1]})" for i in range(size)), *(f"({i + 1})" for i in range(size))]


def place_of(correct: pl.Expr, texts: Sequence[pl.Expr]) -> pl.Expr:
    """The place of the answer among the texts."""
    return pl.coalesce([pl.when(correct == one).then(pl.lit(i, pl.UInt8)) for i, one in enumerate(texts)])


def _joined(tests: Sequence[pl.Expr], texts: Iterable[pl.Expr], between: str = p.OPTION_SEPARATOR) -> pl.Expr:
    """The texts whose tests hold."""
    taken = [pl.when(test).then(text) for test, text in zip(tests, texts, strict=True)]
    return pl.concat_str(taken, separator=between, ignore_nulls=True)


def _as_json(texts: Sequence[str]) -> list[str]:
    return pl.select(as_json(pl.lit(pl.Series(texts)))).to_series().to_list()
