"""The order of examples by their ids."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cxrspec.runtime.execute import sorted_by

TEXTS = st.lists(st.text("ab/é€😀\0", max_size=12), unique=True)


@given(TEXTS, st.sampled_from(["", "a", "é", "task/source/", "task/source/😀é"]))
def test_texts_are_in_the_order_of_their_bytes(texts: list[str], begin: str) -> None:
    rows = pl.DataFrame(
        {"place": range(len(texts)), "id": [begin + text for text in texts]}, {"place": pl.Int64, "id": pl.String}
    )
    ordered = sorted_by(rows, "id")
    assert ordered["id"].to_list() == sorted((begin + text for text in texts), key=str.encode)
    assert [texts[place] for place in ordered["place"]] == [text.removeprefix(begin) for text in ordered["id"]]
