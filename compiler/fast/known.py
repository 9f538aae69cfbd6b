"""What lists can hold, as far as expressions say so: the lists of constants, and the names of labels.

Of other lists it may be known how many items they have at most: expressions say so, or the rows that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.nodes import node
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Draw, Map, Typed, walk
from cxrspec.compiler.types import TEXT, LabelsOf, ListOf, is_nullable, present


@node
class Items:
    """A list holds these texts and no others, each once at most; `all`: each of them, in this order."""

    texts: tuple[str, ...]
    all: bool = False


@node
class Few:
    """A list holds so many items at most."""

    most: int


Known = Mapping[str, Items | Few]

SHORT = 8
"""The most items of a list for which a column each takes less time than lists: each is compared with each other."""


def known(nodes: Iterable[p.Node], before: Known) -> Known:
    """What is known of columns behind these nodes of a relation, from what is known `before` them."""
    found = {**before}
    for each in nodes:
        match each:
            case p.Derive(name, expression):
                items, most = items_of(expression, found), most_of(expression, found)
                found.pop(name, None)
                if items is not None:
                    found[name] = items
                elif most is not None:
                    found[name] = Few(most)
            case p.Filter(_, condition):
                for one in walk(condition):
                    if isinstance(one, Column) and not isinstance(held := found.get(one.name), Items):
                        most = at_most(one, condition)
                        if most is not None:
                            found[one.name] = Few(most if held is None else min(most, held.most))
            case p.Join():
                for name, _, _ in each.take:
                    found.pop(name, None)
            case p.Check() | p.Keep() | p.Unique() | p.Select() | p.Copy():
                pass  # these make no columns
            case _:
                found.clear()
    return found


def counted(rows: pl.DataFrame, known: Known) -> Known:
    """What is known of the columns of these rows: the size of the longest list as well, if it is short.

    Where one is longer, and nothing said before how long, columns for its items would cost all rows more than lists do.
    """
    lists = [name for name, type in rows.schema.items() if type == pl.List and not isinstance(known.get(name), Items)]
    most = rows.select(pl.col(lists).list.len().max().fill_null(0)).row(0) if lists else ()
    return {
        **known,
        **{name: Few(size) for name, size in zip(lists, most, strict=True) if size <= SHORT or name in known},
    }


def items_of(e: Typed, known: Known) -> Items | None:
    """What a list can hold; None if that is anything, if it may hold an item twice, or be null."""
    if is_nullable(e.type) or present(e.type) != ListOf(TEXT):
        return None
    match e:
        case Const(value) if len(set(texts := cast(tuple[str, ...], value))) == len(texts):
            return Items(texts, all=True)
        case Column(name):
            return found if isinstance(found := known.get(name), Items) else None
        case Branch(_, then, otherwise):
            one, other = items_of(then, known), items_of(otherwise, known)
            if one is None or other is None:
                return None
            return Items(tuple(dict.fromkeys(one.texts + other.texts)), all=one == other and one.all)
        case Apply("positive" | "negative", (labels, _)):
            names = present(labels.type)
            return Items(names.names) if isinstance(names, LabelsOf) else None
        case Apply("without" | "where", (items, *_)) | Map("where", items):
            some = items_of(items, known)
            return None if some is None else Items(some.texts)
        case Apply("concat", (left, right)):
            one, other = items_of(left, known), items_of(right, known)
            if one is None or other is None or {*one.texts} & {*other.texts}:
                return None
            return Items(one.texts + other.texts, all=one.all and other.all)
        case _:
            return None


def most_of(e: Typed, known: Known) -> int | None:
    """How many items a list holds at most, as far as that is known."""
    if (items := items_of(e, known)) is not None:
        return len(items.texts)
    match e:
        case Column(name):
            return found.most if isinstance(found := known.get(name), Few) else None
        case Draw("choose", (_, Const(int(most)))):
            return max(most, 0)
        case _:
            return None


def texts_of(e: Typed) -> tuple[str, ...] | None:
    """The texts that an expression can give; None if that is anything."""
    match e:
        case Const(str(value)):
            return (value,)
        case Branch(_, then, otherwise):
            one, other = texts_of(then), texts_of(otherwise)
            return None if one is None or other is None else one + other
        case _:
            return None


def at_most(items: Typed, condition: Typed) -> int | None:
    """The most items that a list can have where a condition holds, if it says `size(items) <= 5`."""
    match condition:
        case Apply("and", (left, right)):
            found = [most for side in (left, right) if (most := at_most(items, side)) is not None]
            return min(found, default=None)
        case Apply("<=", (Apply("size", (sized,)), Const(int(most)))) if sized == items:
            return max(most, 0)
        case _:
            return None
