"""The place of a text in a list that is written down: looked up in a table, not in a list of each row.

before    sought = concat_list([view, ["PA", "AP"]])
          sought.list.eval((element().slice(1) == element().first()).arg_true()).list.get(0)

after     view.replace_strict({"PA": 0, "AP": 1}, default=None)
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def index(texts: Sequence[str], sought: pl.Expr) -> pl.Expr:
    """The place of a text in a list, from 0; null if absent."""
    places = {text: texts.index(text) for text in texts}
    return sought.replace_strict(places, default=None, return_dtype=pl.Int64)
