"""Laws of `literals`: what Python writes is read back, and what is read is what Python reads."""

from __future__ import annotations

import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from ..evaluating import ENGINES, check, table, type_of, values

TYPES = {"u": type_of("text")}
LITERALS, _ = check("literals(u)", TYPES)

# Characters that `repr` writes without `\u` and `\U`, those that matter most of all.
characters = st.sampled_from("""'"\\[], nx4a\n\t""") | st.characters(exclude_categories=["Cs"]).filter(
    lambda c: c.isprintable() or ord(c) < 256
)
near_lists = st.text(st.sampled_from("""[]'"\\, nx4a1-.e\n"""), max_size=12)


def read(texts: list[str]) -> list[list[str] | None]:
    rows = table(TYPES, [{"u": text} for text in texts])
    first, second = (values([LITERALS], rows, engine)["0"].to_list() for engine in ENGINES)
    assert first == second
    return first


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(characters, max_size=8), max_size=4), min_size=1, max_size=20))
def test_what_python_writes_is_read_back(lists: list[list[str]]) -> None:
    assert read([repr(items) for items in lists]) == lists


@settings(max_examples=100, deadline=None)
@given(st.lists(near_lists.map(lambda inner: f"[{inner}]") | near_lists, min_size=1, max_size=50))
def test_what_is_read_is_what_python_reads(texts: list[str]) -> None:
    for text, found in zip(texts, read(texts), strict=True):
        if found is not None:
            wanted: list[str | float] = ast.literal_eval(text.strip())
            assert [
                item if isinstance(same, str) else float(item) for item, same in zip(found, wanted, strict=True)
            ] == wanted


def test_it_reads_some_of_these() -> None:
    """The law above would hold of a function that reads nothing."""
    assert read(["[1, 'a']", "[-1.4e1]", '["x", ]', "[]"]) == [["1", "a"], ["-1.4e1"], ["x"], []]
