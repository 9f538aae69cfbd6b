"""JSON side by side: what is done for many documents, nodes and cells at once is what is done for each alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrspec.compiler.plan import Part, Place
from cxrspec.compiler.types import FLOAT, INT, TEXT, ListOf, RecordOf, Type, nullable, present
from cxrspec.runtime.casting import Cell, Lists, Records, one_by_one
from cxrspec.runtime.json_paths import (
    ABSENT,
    Item,
    Items,
    Member,
    Members,
    Misfit,
    Nodes,
    Step,
    Up,
    Value,
    cells_of,
    parse_path,
    visit,
)
from cxrspec.runtime.readers.json import Gathered
from cxrspec.runtime.reading import Table

from .test_reading import codes, column, own, put, table, take

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "x", "7", "None"])
)
NAMES: st.SearchStrategy[str] = st.sampled_from(["a", "b", "c"])
JSON: st.SearchStrategy[Cell] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def alike(inner: st.SearchStrategy[Cell]) -> st.SearchStrategy[list[Cell]]:
    """Some values, most of which have the same members or items."""
    mappings = st.fixed_dictionaries({"a": inner, "b": inner})
    pairs = st.lists(inner, min_size=2, max_size=3)
    shapes = (mappings, pairs, st.lists(inner, max_size=3), inner, mappings | inner, pairs | inner)
    return st.one_of(*(st.lists(shape, min_size=1, max_size=4) for shape in shapes))


DOCUMENTS = alike(alike(JSON).flatmap(lambda some: st.sampled_from([*some, some])))
PATHS = st.sampled_from(
    [
        "a",
        "*",
        "[*]",
        "[0]",
        "[1]",
        "a/b",
        "a[*]",
        "[*]/a",
        "[*][0]",
        "*/b",
        "*[*]",
        "..",
        "[*]/../a",
        "a/*/../b",
        "a/..",
    ]
)


# ---------------------------------------------------------------------------------------------------------- nodes

Around = tuple[tuple[Value, bool], ...]
"""What a value is in, from the outermost; and whether it is there by a name."""


def walk(value: Value, steps: Sequence[Step], absent: Value = ABSENT, around: Around = ()) -> Iterator[Value]:
    """Where steps lead from one value."""
    if not steps:
        yield value
        return
    step, *rest = steps
    if isinstance(step, Up):
        while around:
            (outer, named), around = around[-1], around[:-1]
            if named:
                yield from walk(outer, rest, absent, around)
                return
        yield from walk(absent, rest, absent)
        return
    by_name = isinstance(step, Member | Members)
    if isinstance(step, Members | Items):
        absent_there: Value = None
    else:
        absent_there = absent
    for found in one_step(value, step, absent):
        yield from walk(found, rest, absent_there, (*around, (value, by_name)))


def one_step(value: Value, step: Step, absent: Value) -> list[Value]:
    match step, value:
        case Member(name), dict():
            return [value.get(name, absent)]
        case Members(), dict():
            return list(value.values())
        case Item(index), list():
            return [value[index] if index < len(value) else absent]
        case Items(), list():
            return list(value)
        case _, None:
            return [absent]
        case _ if value is ABSENT or isinstance(value, Misfit):
            return [value]
        case _:
            return [Misfit("a mapping" if isinstance(step, Member | Members) else "a list", value)]


def shown(value: Value) -> object:
    return value.message if isinstance(value, Misfit) else repr(value)


@given(documents=DOCUMENTS, path=PATHS)
def test_steps_from_many_lead_where_they_lead_from_each(documents: list[Cell], path: str) -> None:
    steps = parse_path(path)
    assert steps is not None
    alone = [list(walk(document, steps)) for document in documents]
    reached = visit(Nodes(documents), steps)
    assert list(map(shown, reached.nodes.values)) == [shown(value) for values in alone for value in values]
    owners = range(len(documents)) if reached.origins is None else reached.origins
    assert list(owners) == [place for place, values in enumerate(alone) for _ in values]


# ---------------------------------------------------------------------------------------------------------- cells

PAIR = RecordOf((("a", TEXT), ("b", ListOf(TEXT))))
TYPES: st.SearchStrategy[Type] = st.sampled_from(
    [TEXT, INT, nullable(INT), FLOAT, ListOf(TEXT), ListOf(nullable(INT)), PAIR, ListOf(PAIR), nullable(ListOf(PAIR))]
)
EACH = st.sampled_from([(), (Part("a", Place("name", "[0]")), Part("b", Place("name", "[1]")))])


def cell(row: Value, path: str, type: Type, each: tuple[Part, ...]) -> Value:
    """What a place of a row holds, before it is cast."""
    steps, whole = parse_path(path) or (), present(type)
    found = list(walk(row, steps))
    many = any(isinstance(step, Members | Items) for step in steps)
    if isinstance(whole, ListOf):
        if many:
            return listed(found, whole.item, each)
        return listed(found[0], whole.item, each) if isinstance(found[0], list) else found[0]
    shaped = [record(value, whole, each) for value in found]
    return next((value for value in shaped if isinstance(value, Misfit)), shaped[0] if shaped else ABSENT)


def listed(items: Sequence[Value], type: Type, each: tuple[Part, ...]) -> Value:
    """A list of items; one that is absent or a misfit is the whole."""
    shaped = [record(item, present(type), each) for item in items]
    whole: list[Cell] = [value for value in shaped if value is not ABSENT]
    return next((value for value in shaped if value is ABSENT or isinstance(value, Misfit)), whole)


def record(value: Value, type: Type, each: tuple[Part, ...]) -> Value:
    """A value as it stands, or as a mapping of the fields of a record."""
    if value is None or value is ABSENT or isinstance(value, Misfit) or not isinstance(type, RecordOf):
        return value
    paths = {part.name: part.place.path for part in each}
    fields = {name: cell(value, paths.get(name, name), field, ()) for name, field in type.fields}
    return {name: None if field is ABSENT else field for name, field in fields.items()}


@given(documents=DOCUMENTS, path=PATHS, other=PATHS, type=TYPES, each=EACH)
def test_the_cells_of_many_rows_are_those_of_each(
    documents: list[Cell], path: str, other: str, type: Type, each: tuple[Part, ...]
) -> None:
    get = cells_of(column("x", type, path, other, each=each))
    assert get is not None
    found = get(Nodes(documents))
    first = [cell(document, path, type, each) for document in documents]
    second = [cell(document, other, type, each) for document in documents]
    expected = [there if value is ABSENT else value for value, there in zip(first, second, strict=True)]
    values = one_by_one(found) if isinstance(found, Lists | Records) else found
    assert list(map(repr, values)) == list(map(repr, expected))  # of misfits, that they are


def test_lists_and_records_are_taken_apart() -> None:
    """The law above would hold if they were not."""
    get = cells_of(column("x", ListOf(PAIR), "e[*]"))
    assert get is not None
    found = get(Nodes([{"e": [{"a": "p", "b": ["q"]}]}, {"e": []}]))
    assert found == Lists(Records({"a": ["p"], "b": [["q"]]}), [1, 0])


# ---------------------------------------------------------------------------------------------------------- files

BROKEN = ["", " \n", "{", '{"a": 1, "a": 2}', "[1]\n[2]", "\ufeff", '"\\ud800"']


def read_from(texts: Sequence[str], columns: Sequence[tuple[str, Type, tuple[Part, ...]]], rows: str) -> Table:
    with TemporaryDirectory() as folder:
        for place, text in enumerate(texts):
            put(Path(folder), f"{place}.json", text)
        named = [column(f"c{n}", type, path, "b", each=each) for n, (path, type, each) in enumerate(columns)]
        own_ones = [column("key", nullable(TEXT), own("key")), column("nth", INT, own("position")), column("aa")]
        return take(Path(folder), table("json", "{file}.json", column("file"), *named, *own_ones, rows=rows))


@given(
    documents=DOCUMENTS,
    broken=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(BROKEN)), max_size=2),
    columns=st.lists(st.tuples(PATHS, TYPES, EACH), max_size=3),
    rows=st.sampled_from(["", "[*]", "*", "a", "*[*]"]),
)
def test_small_files_give_together_what_they_give_one_by_one(
    documents: list[Cell],
    broken: list[tuple[int, str]],
    columns: list[tuple[str, Type, tuple[Part, ...]]],
    rows: str,
) -> None:
    texts = [json.dumps(document) for document in documents]
    for place, text in broken:
        texts.insert(place, text)
    together = read_from(texts, columns, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxrspec.runtime.readers.json._SMALL", 0)
        patch.setattr("cxrspec.runtime.json_text._AT_ONCE", 2)
        alone = read_from(texts, columns, rows)
    assert together.frame.equals(alone.frame)
    assert together.problems == alone.problems


def test_small_files_without_findings_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law above would hold if each were read alone."""
    monkeypatch.setattr("cxrspec.runtime.readers.json._TOGETHER", 2)
    read = table("json", "{n}.json", column("n", INT), column("a", INT), column("at", INT, own("position")), rows="[*]")
    for n in range(5):
        put(tmp_path, f"{n}.json", json.dumps([{"a": 10 * n + m} for m in range(n + 1)]))
    expected = [(n, 10 * n + m, m) for n in range(5) for m in range(n + 1)]
    with monkeypatch.context() as patch:
        patch.setattr(Gathered, "read", None)
        assert take(tmp_path, read).frame.rows() == expected
    put(tmp_path, "1.json", '[{"a": 0}, null]')
    put(tmp_path, "3.json", "[]")
    put(tmp_path, "4.json", b"\xff")
    done = take(tmp_path, read)
    assert done.frame.rows() == [row for row in expected if row[0] in (0, 2)]
    assert codes(done) == ["CXR609", "CXR607", "CXR605"]


def test_what_is_noted_of_small_files_is_in_their_order(tmp_path: Path) -> None:
    for n, text in enumerate(['[{"a": 1}]', "[]", '[{"a": 2}]', "[null]", '[{"a": 3}]']):
        put(tmp_path, f"{n}.json.gz", gzip.compress(text.encode()))
    put(tmp_path, "2.json.gz", b"no gzip")
    done = take(tmp_path, table("json", "{n}.json.gz", column("n", INT), column("a", INT), rows="[*]"))
    assert done.frame.rows() == [(0, 1), (4, 3)]
    assert codes(done) == ["CXR607", "CXR601", "CXR609"]


def test_a_near_name_of_a_later_small_file(tmp_path: Path) -> None:
    """Of each file the first rows say which names there are."""
    put(tmp_path, "0.json", json.dumps([{"x": 1}] * 200))
    put(tmp_path, "1.json", json.dumps([{"finding": 1}]))
    done = take(tmp_path, table("json", "{n}.json", column("findings", INT), rows="[*]"))
    assert any("`finding`" in help for help in done.problems[0].help)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\xef\xbb\xbf \r\n", b"\x0b\x0c\t"])
def test_a_file_of_blanks_is_empty(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "x.json", data)
    assert codes(take(tmp_path, table("json", "x.json", column("a")))) == ["CXR606"]
