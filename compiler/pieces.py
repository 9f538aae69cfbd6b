"""PIECES of a check, kept from one compilation to the next.

A piece looks at others by name only, in mappings. What it asks there is written down with the answers, also where there
was none; the piece is used again as long as it would be given the same answers. So what hangs on what is never listed by
hand, and a spec that nobody touched is checked again only where something it reaches has changed.

    the spec a/b    asks    tasks["a"], sources["b"], tables["b.images"], spoiled["b"]: not there, ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from cxrspec.compiler import declarations as d
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.flows import Known
from cxrspec.compiler.forms import Asked

T = TypeVar("T", covariant=True)
K = TypeVar("K")
V = TypeVar("V", covariant=True)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """What came of one piece of the check, and its findings."""

    value: T
    findings: tuple[Diagnostic, ...]


class Watched(Mapping[K, V]):
    """A mapping that writes down what it is asked."""

    def __init__(self, given: Mapping[K, V]) -> None:
        self.given = given
        self.answers: dict[K, object] = {}
        self.whole = False

    def __getitem__(self, key: K) -> V:
        self.answers[key] = self.given.get(key, _ABSENT)
        return self.given[key]

    def __iter__(self) -> Iterator[K]:
        self.whole = True
        return iter(self.given)

    def __len__(self) -> int:
        self.whole = True
        return len(self.given)

    def note(self) -> Note:
        """What was asked so far, without what was not."""
        return Note(dict(self.given) if self.whole else self.answers, self.whole)


_ABSENT = object()
SOURCES = ("sources",)
"""The name of the piece of all sources."""


@dataclass(frozen=True, slots=True)
class Note:
    """The answers of a mapping; `whole`: all that it held, in order."""

    answers: Mapping[Any, object]
    whole: bool

    def holds(self, now: Mapping[Any, object]) -> bool:
        """Whether a mapping would give the very same answers."""
        if self.whole and list(self.answers) != list(now):
            return False
        return all(now.get(key, _ABSENT) is answer for key, answer in self.answers.items())


@dataclass(frozen=True, slots=True)
class _Kept:
    of: tuple[object, ...]
    notes: tuple[Note, ...]
    made: Any


class Pieces:
    """The pieces of the last compilation; what the one at hand does not ask for is forgotten behind it."""

    def __init__(self) -> None:
        self.old: dict[tuple[str, ...], _Kept] = {}
        self.new: dict[tuple[str, ...], _Kept] = {}

    def get(
        self,
        name: tuple[str, ...],
        of: tuple[object, ...],
        others: Sequence[Mapping[Any, Any]],
        make: Callable[[Sequence[Mapping[Any, Any]]], Made],
    ) -> Made:
        """What `make` makes of `others`; what it made before, if they would give the same answers and `of` is the same."""
        kept = self.old.get(name)
        if kept is None or not _same(kept.of, of) or not all(map(Note.holds, kept.notes, others)):
            watched = [Watched(other) for other in others]
            made = make(watched)
            kept = _Kept(of, tuple(one.note() for one in watched), made)
        self.new[name] = kept
        return cast(Made, kept.made)

    def piece(
        self, name: tuple[str, ...], of: tuple[object, ...], around: Around, check: Callable[..., Piece[Made]]
    ) -> Piece[Made]:
        """The piece that `check(*of, around)` makes, or has made."""
        declared = around.declared
        whole = (*of, declared.words, declared.published)
        return self.get(name, whole, around.mappings, lambda seen: check(*of, around.seen(seen)))

    def settled(self, declared: Declared) -> Declared:
        """The same, with the words of the last compilation if these are made of the very same."""
        words = declared.words
        parts = (words.constants, words.rules, words.functions, words.rule_spans)

        def together(seen: Sequence[Mapping[Any, Any]]) -> d.Words:
            constants, rules, functions, spans = map(dict, seen)
            return d.Words(constants, rules, functions, rule_spans=spans)

        return replace(declared, words=self.get(("words",), (), parts, together))

    def known(self) -> Known | None:
        """What the last compilation found of the sources, whether it still holds or not."""
        return self.old[SOURCES].made.value if SOURCES in self.old else None

    def turn(self) -> None:
        """The compilation at hand is over."""
        self.old, self.new = self.new, {}


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def settled(new: Mapping[K, V], old: Mapping[K, V]) -> dict[K, V]:
    """What is new, with what it equals in place of it: pieces that asked for that need not be made again."""
    return {key: old[key] if key in old and old[key] == value else value for key, value in new.items()}


# ---- what pieces look at


@dataclass(frozen=True)
class Around:
    """What a piece may look at, beside what it is made of."""

    declared: Declared
    known: Known = field(default_factory=lambda: Known({}))
    asked: Mapping[str, Asked | None] = field(default_factory=dict[str, Asked | None])

    @cached_property
    def mappings(self) -> Sequence[Mapping[Any, Any]]:
        """All that is looked up in it by name; a set is a mapping to nothing."""
        declared, known = self.declared, self.known
        named = (declared.sources, declared.tasks, declared.specs, declared.spaces, declared.licenses)
        sets = (declared.words_files, declared.spoiled, declared.lost, declared.own, known.strange, known.sound)
        return (*named, known.tables, known.relations, self.asked, *(dict.fromkeys(one) for one in sets))

    def seen(self, mappings: Sequence[Mapping[Any, Any]]) -> Around:
        """The same, with these in place of its own `mappings`."""
        sources, tasks, specs, spaces, licenses, tables, relations, asked, *sets = mappings
        words_files, spoiled, lost, own, strange, sound = sets
        declared = replace(
            self.declared,
            sources=sources,
            tasks=tasks,
            specs=specs,
            spaces=spaces,
            licenses=licenses,
            words_files=words_files,
            spoiled=spoiled,
            lost=lost,
            own=own,
        )
        return Around(declared, Known(tables, strange, sound, relations), asked)
