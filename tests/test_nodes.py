"""Nodes are to everybody what frozen dataclasses with slots are."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from mypy import api

from cxrspec.compiler.nodes import node


@node
class Base:
    """A base with a place."""

    place: int | None = field(default=None, compare=False, repr=False, kw_only=True)


@node
class Pair(Base):
    """Two fields."""

    left: Any
    right: Any = ()


@node
class One(Base):
    """One field."""

    only: Any


@node
class Other(Base):
    """One field, too."""

    only: Any


@node
class Leaf:
    """No field."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a node is like."""

    left: Any
    right: Any = ()
    place: int | None = field(default=None, compare=False, repr=False, kw_only=True)


def test_nodes_are_equal_and_hashed_by_their_fields_without_places() -> None:
    assert Pair(1, "a", place=3) == Pair(1, "a", place=4) != Pair(1, "b", place=3)
    assert hash(Pair(1, "a", place=3)) == hash(Pair(1, "a"))
    others: list[object] = [One((1,)), Other(1), (1,), 1]
    assert One(1) not in others
    assert Leaf() == Leaf()
    assert len({Leaf(), Leaf(), One(1), One(1), Other(1)}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(One([]))


def test_nodes_have_what_dataclasses_have() -> None:
    pair = Pair(1, place=2)
    assert is_dataclass(pair)
    assert [one.name for one in fields(pair)] == ["place", "left", "right"]
    assert replace(pair, right=3).place == 2
    assert Pair.__match_args__ == Frozen.__match_args__
    assert repr(pair) == repr(Frozen(1)).replace("Frozen", "Pair")
    assert not hasattr(pair, "__dict__")
    match pair:
        case Pair(left, right):
            assert (left, right) == (1, ())


@pytest.mark.slow
def test_type_checkers_refuse_to_set_a_field(tmp_path: Path) -> None:
    script = tmp_path / "sets.py"
    script.write_text(
        "from cxrspec.compiler.typed import It\nfrom cxrspec.compiler.types import INT\nIt(INT).type = INT\n"
    )
    found, _, _ = api.run(["--config-file", "pyproject.toml", str(script)])
    assert 'Property "type" defined in "It" is read-only' in found
