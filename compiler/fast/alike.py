"""`choose` of a list that is the same in every row, such as the vocabulary of a table, but for a few items of the row's own.

before    every item of every row is compared and hashed

    rest = without(vocabulary, findings)
    rest.list.gather((rest.list.eval(xxh64(element) | 1) * draw).list.eval(element().arg_sort())).list.head(10)

after     items are hashed once for all rows, and the row's own are left out of the first ones only

    all = vocabulary.first()
    order = ((xxh64(all.explode()) | 1).implode() * draw).list.eval(element().arg_sort())
    without(all.list.gather(order.list.head(10 + findings.list.len())), findings).list.head(10)
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from cxrspec.compiler.bodies import Context, draw, expression, odd, without
from cxrspec.compiler.typed import Apply, Column, Draw, Typed


def drawn(e: Draw, alike: Collection[str], context: Context) -> pl.Expr | None:
    """Some items of a column of `alike`, or of those that are not in another list; None for all other draws."""
    match e:
        case Draw("choose", (Column(name), count)):
            left_out: Typed | None = None
        case Draw("choose", (Apply("without", (Column(name), left_out)), count)):
            pass
        case _:
            return None
    if name not in alike:
        return None
    all = pl.col(context.names.get(name, name)).first()
    most = expression(count, context).clip(0)
    items = all.explode(empty_as_null=False, keep_nulls=False)
    draws = odd(items.cast(pl.String)).implode() * draw(context, e.site)
    order = draws.list.eval(pl.element().arg_sort())
    if left_out is None:
        return all.list.gather(order.list.head(most))
    own = expression(left_out, context)
    twice = all.list.len() - all.list.n_unique()  # an item that is to be left out stands so many times more at most
    first = all.list.gather(order.list.head(most + own.list.len() + twice))
    return without(first, own).list.head(most)
