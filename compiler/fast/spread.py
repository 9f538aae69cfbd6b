"""Lists of a few items as columns, one an item: no list is made, unless something else than these speaks of it.

before    truth = choose(positives, size(positives)).list.join(", ")
          others = concat_arr([set0, set1, set2]).arr.to_list()
          options = concat_list([truth]).list.concat(others.list.eval(element().list.join(", ").str.to_lowercase()))

after     truth = concat_str([chosen0, chosen1, ...], separator=", ", ignore_nulls=True)
          option0 = truth
          option1 = concat_str([item0 of set0, item1 of set0, ...], separator=", ", ignore_nulls=True).str.to_lowercase()

Items that are known texts are joined, and put into lower case, in tables (pieces.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from cxrspec.compiler.bodies import Context, expression, list_of, there
from cxrspec.compiler.fast.pieces import Piece, at_number, put_together
from cxrspec.compiler.typed import Apply, Column, Const, Draw, It, Map, Typed, children, walk
from cxrspec.compiler.types import TEXT, ListOf, is_nullable, present


@dataclass(frozen=True, slots=True)
class Spread:
    """A list as columns. An item is an expression, null where there is none, or a list as columns itself.

    there  whether the list is there at all, if it is an item
    known  the texts that items are of, and the number of each item; those that are not there stand at the end
    """

    items: tuple[pl.Expr | Spread, ...]
    there: pl.Expr | None = None
    known: tuple[tuple[str, ...], tuple[pl.Expr, ...]] | None = None


def of_known(texts: tuple[str, ...], numbers: Iterable[pl.Expr]) -> Spread:
    """A list of the texts with these numbers; those that are null stand at the end."""
    held = tuple(numbers)
    return Spread(tuple(at_number(texts, one) for one in held), known=(texts, held))


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists that are columns (those that names and draws stand for), and the lowering of what speaks of them."""

    context: Context
    held: Mapping[Typed, Spread]

    def lower(self, e: Typed) -> pl.Expr:
        """The expression, with no lists made for what it joins."""
        made = dict(self._made(e))
        return expression(e, replace(self.context, made={**self.context.made, **made}) if made else self.context)

    def spread(self, e: Typed) -> Spread | None:
        """A list as columns; None if it may have many items, or null among them."""
        if not isinstance(inner := present(e.type), ListOf) or is_nullable(e.type) or is_nullable(inner.item):
            return None
        match e:
            case Column() | Draw() | It():
                return self.held.get(e)
            case Apply("list", items) if inner.item == TEXT:
                return Spread(tuple(self.lower(one) for one in items))
            case Apply("concat", (left, right)):
                one, other = self.spread(left), self.spread(right)
                return None if one is None or other is None else Spread(one.items + other.items)
            case Map("each", items, body) if (over := self.spread(items)) is not None and not _inner(body):
                return Spread(tuple(self._of_item(item, body) for item in over.items))
            case _:
                return None

    def _of_item(self, item: pl.Expr | Spread, body: Typed) -> pl.Expr:
        """The body of `each` for one item; null where there is none."""
        its: set[Typed] = {part for part in walk(body) if isinstance(part, It)}
        if isinstance(item, Spread):
            value = Lists(self.context, dict.fromkeys(its, item)).lower(body)
            return value if item.there is None else pl.when(item.there).then(value)
        made = dict.fromkeys(its, item)
        return pl.when(item.is_not_null()).then(expression(body, replace(self.context, made=made)))

    def _made(self, e: Typed) -> Iterator[tuple[Typed, pl.Expr]]:
        """The parts of an expression that have columns: texts joined of items, and lists made for all else."""
        match e:
            case Apply("join", (items, Const(str(by)))) if (found := self.spread(items)) is not None and found.items:
                yield e, joined(found, by)
            case Apply("lower", (Apply("join", (items, Const(str(by)))),)) if (
                found := self.spread(items)
            ) is not None and (small := lowered(found, by)) is not None:
                yield e, small
            case Column() | Draw() | It() if e in self.held:
                yield e, listed(self.held[e])
            case Map(_, items, _):
                yield from self._made(items)
            case _:
                for part in children(e):
                    yield from self._made(part)


def _inner(body: Typed) -> bool:
    """Whether a body has an `it` of its own inside, or draws."""
    return any(isinstance(part, Map | Draw) for part in walk(body))


def joined(items: Spread, by: str) -> pl.Expr:
    """The texts with a separator between."""
    if items.known is not None:
        texts, numbers = items.known
        later = tuple(by + text for text in texts)
        pieces = [Piece((*(later if i else texts), ""), one.fill_null(len(texts))) for i, one in enumerate(numbers)]
        return pl.concat_str(put_together(pieces))
    return pl.concat_str([one for one in items.items if isinstance(one, pl.Expr)], separator=by, ignore_nulls=True)


def lowered(items: Spread, by: str) -> pl.Expr | None:
    """The same in lower case, if that is the case of each text by itself: that of Σ hangs on what follows."""
    if items.known is None or any("Σ" in text for text in (by, *items.known[0])):
        return None
    between, *small = pl.Series([by, *items.known[0]]).str.to_lowercase()
    return joined(replace(items, known=(tuple(small), items.known[1])), between)


def listed(items: Spread) -> pl.Expr:
    """The list."""
    made = there(list_of([listed(one) if isinstance(one, Spread) else one for one in items.items]))
    return made if items.there is None else pl.when(items.there).then(made)
