"""`@node`: the class of a tree's nodes, a few fields that are set once.

It is `dataclass(frozen=True, slots=True)` to type checkers, which refuse to set a field, and to `fields`, `replace` and
`match`. A frozen dataclass compiles six methods for each of its classes and sets each field by a call. There are more
than a hundred classes of nodes, and tens of thousands of nodes in what ships: importing the compiler would take twice
as long, and so would making a tree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def node(kind: type[T]) -> type[T]:
    """A class with slots, equal and hashed by its fields but for those of `compare=False`."""
    made: Any = dataclass(slots=True, repr=False, eq=False)(kind)
    names = [one.name for one in fields(made) if one.compare]
    key = attrgetter(*names) if names else _nothing
    made.__eq__ = _equal(key)
    made.__hash__ = _hashed(key)
    made.__repr__ = _shown
    return cast(type[T], made)


def _nothing(_: object) -> tuple[()]:
    return ()


def _equal(key: Callable[[object], object]) -> Callable[[object, object], bool]:
    def equal(self: object, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _hashed(key: Callable[[object], object]) -> Callable[[object], int]:
    def hashed(self: object) -> int:
        return hash(key(self))

    return hashed


def _shown(self: Any) -> str:
    shown = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr]
    return f"{type(self).__name__}({', '.join(shown)})"
