"""What a change of specs does: two compilations become a list of changes, each with its place and the specs it touches.

    difference(before, after).changes  ->  (Change("rows", "removes", "the filter `adult` of `tube/ward` is new: ..."), ...)

Plans decide: where the plan of a spec is the same, no example changes. Where it is not, effects.py says what that does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.document import Path
from cxrspec.compiler.effects import Category, Edit, Effect, Side, Way, effects
from cxrspec.compiler.lineage import Lineage, Numbers
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.telling import Pair, differing, told
from cxrspec.compiler.terms import TERMS, freer, given, joined
from cxrspec.compiler.written import Declared, Written

HEADINGS: Mapping[tuple[Category, Way], str] = {
    ("schema", ""): "changes the schema or ids",
    ("terms", "loosens"): "loosens terms",
    ("terms", "tightens"): "tightens terms",
    ("splits", ""): "moves rows between splits",
    ("rows", "adds"): "adds rows",
    ("rows", "removes"): "removes rows",
    ("rows", ""): "may add or remove rows",
    ("values", ""): "changes values",
    ("text", ""): "changes the wording of turns",
    ("checks", ""): "changes what stops a run",
    ("description", ""): "changes no example",
}
"""What a change does, in words; what matters most stands first."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is written otherwise, and one thing that this does to `specs` (none: to no output).

    `place` is where it stands; with `old` where it stood, in a file of the side before.
    """

    category: Category
    way: Way
    what: str
    place: Span | None
    old: bool
    specs: tuple[str, ...]

    @property
    def heading(self) -> str:
        """What it does, in words."""
        return HEADINGS[self.category, self.way]


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes, what matters most first. Of the specs in `unknown` nothing is said: an error stands in the way."""

    changes: tuple[Change, ...]
    unknown: tuple[str, ...]

    @property
    def specs(self) -> Mapping[str, tuple[Category, ...]]:
        """What is done to each spec that is touched."""
        found: dict[str, dict[Category, None]] = {}
        for change in self.changes:
            for name in change.specs:
                found.setdefault(name, {})[change.category] = None
        return {name: tuple(found[name]) for name in sorted(found)}


def difference(before: Compilation, after: Compilation, published: bool = False) -> Difference:
    """What makes the specs of `after` other than those of `before`; both were compiled with `published`, or without."""
    return _Comparison(before, after, published).difference()


class _Comparison:
    """Collects changes: what several specs have in common is one change."""

    def __init__(self, before: Compilation, after: Compilation, published: bool) -> None:
        numbers = Numbers()
        self.before, self.after = (
            Side(side, Written(side, published), Lineage(side.relations, numbers)) for side in (before, after)
        )
        self.found: dict[tuple[Category, Way, str, Span | None, bool], set[str]] = {}
        self.covered: set[tuple[str, Path]] = set()
        both = before.specs.keys() & after.specs.keys()
        self.unknown = {name for name in both if before.specs[name].plan is None or after.specs[name].plan is None}

    def difference(self) -> Difference:
        for name, old in self.before.compilation.specs.items():
            new = self.after.compilation.specs.get(name)
            if new is None or old.plan is None or new.plan is None:
                continue
            self.terms(name, old.plan, new.plan)
            if old.plan != new.plan:
                found = list(effects(self.before, self.after, old, new))
                ways: dict[str, set[Way]] = {}
                for category, way, edit in found:
                    ways.setdefault(edit.what, set()).update([way] if category == "rows" else [])
                for category, way, edit in found or self.names(old, new):
                    unsure = category == "rows" and len(ways[edit.what]) > 1
                    self.add(category, "" if unsure else way, edit, name)
        self.rest()
        order = list(HEADINGS)
        changes = [Change(*key, tuple(sorted(specs))) for key, specs in self.found.items()]
        changes.sort(key=lambda c: (order.index((c.category, c.way)), -len(c.specs), c.place or Span("", 0, 0)))
        return Difference(tuple(changes), tuple(sorted(self.unknown)))

    def add(self, category: Category, way: Way, edit: Edit, spec: str | None) -> None:
        """Note what an edit does to a spec."""
        pair, place = edit.pair, edit.pair.place
        self.covered |= {(one.page.file, one.path) for one in (pair.old, pair.new) if one is not None}
        key = (category, way, edit.what, place.span if place else None, pair.new is None and pair.old is not None)
        self.found.setdefault(key, set()).update([spec] if spec is not None else [])

    def names(self, old: Compiled, new: Compiled) -> list[Effect]:
        """Why two plans differ that make the same examples: by names, or by the order in which rows are counted."""
        spec, task = self.pair(old.spec, new.spec), self.pair(old.task, new.task)
        edits = [Edit(told(f"`{part}` of `{new.name}`", one), one) for part, one in differing(spec)]
        edits += [Edit(told(f"`{part}` of the task `{new.spec.task.name}`", one), one) for part, one in differing(task)]
        for relation in new.plan.relations if new.plan is not None and not edits else ():
            edits += self.order(relation.name)
        what = f"the plan of `{new.name}` is another one, and its examples are the same"
        return [("description", "", edit) for edit in edits or [Edit(what, spec)]]

    def order(self, relation: str) -> list[Edit]:
        """Steps of a relation that only stand in another order, so that rows are counted otherwise."""
        if relation not in self.before.compilation.relations:
            return []
        old, new = (side.lineage.of(relation).rows.ops for side in (self.before, self.after))
        for was, now in zip(old, new, strict=False):
            if was.number != now.number:
                places = (side.written.find(relation, now.kind, now.name) for side in (self.before, self.after))
                pair = Pair(*(found[-1] if found else None for found in places))
                return [Edit(f"`{relation}` counts its rows in another order", pair)]
        return []

    # ---- declarations

    def pair(self, old: Declared | None, new: Declared | None) -> Pair:
        """All that is written of a declaration."""
        return Pair(self.before.written.whole(old), self.after.written.whole(new))

    def pairs(self) -> Iterator[tuple[str, Declared | None, Declared | None]]:
        """Every declaration with a name, and the one of this name on the other side."""
        for what in ("source", "task", "spec", "space", "licence"):
            old, new = (_declared(side.compilation, what) for side in (self.before, self.after))
            for name in dict.fromkeys((*old, *new)):
                yield f"the {what} `{name}`", old.get(name), new.get(name)

    def rest(self) -> None:
        """What is there on one side only; what is written otherwise and has not been spoken of: no example hangs on it."""
        unsure = [side.compilation.specs[n].spec for n in self.unknown for side in (self.before, self.after)]
        names = {name for spec in unsure for name in (spec.name, spec.task.name, spec.source.name)}
        for what, old, new in self.pairs():
            pair, one = self.pair(old, new), new or old
            if one is None or one.name in names:
                continue
            if old is not None and new is not None:
                for part, places in differing(pair):
                    overlay = places if part == "published" else places.below("published")
                    if old != new or not overlay.same:  # else the same is meant, in another layout
                        self.leftover(f"`{part}` of {what}", places)
            elif isinstance(one, d.Spec):
                self.add("schema", "", Edit(told(what, pair), pair), one.name)
            elif isinstance(one, d.Source | d.Task):
                self.add("description", "", Edit(told(what, pair), pair), None)
            else:
                self.leftover(what, pair)
        before, after = (side.written.scope(None, None, None) for side in (self.before, self.after))
        for name in dict.fromkeys((*before, *after)) if not self.unknown else ():
            word = Pair(before.get(name), after.get(name))
            if not word.same:
                self.leftover(f"`{name}` of the shared words", word)

    def leftover(self, what: str, pair: Pair) -> None:
        """Something that is written otherwise, unless a part of it, or all round it, has been spoken of."""
        for place in (one for one in (pair.old, pair.new) if one is not None):
            for file, path in self.covered:
                shorter = min(len(path), len(place.path))
                if (file, path[:shorter]) == (place.page.file, place.path[:shorter]):
                    return
        term = what.partition("`use.")[2].partition("`")[0]
        words = [{term: place.value} if place else {} for place in (pair.old, pair.new)]
        way = _freer(term, *words) if term in TERMS else ""
        self.add("terms" if way else "description", way, Edit(told(what, pair), pair), None)

    # ---- terms

    def terms(self, name: str, old: p.Plan, new: p.Plan) -> None:
        """The terms of a spec's output: the strictest words of all sources that its plan takes anything from."""
        sides = (self.before, self.after)
        uses = [{n: dict(source.use) for n, source in side.compilation.sources.items()} for side in sides]
        if old == new and uses[0] == uses[1]:
            return
        was, now = ({n: side[n] for n in plan.sources} for side, plan in zip(uses, (old, new), strict=True))
        first, second = joined(was.values()), joined(now.values())
        for term in (term for term in TERMS if first[term] != second[term]):
            edits = [edit for source in sorted(was.keys() & now.keys()) for edit in self.use(source, term)]
            if was.keys() != now.keys():
                taken = [f"takes from `{source}`" for source in sorted(now.keys() - was.keys())]
                taken += [f"takes nothing from `{source}`" for source in sorted(was.keys() - now.keys())]
                what = f"`{name}` {' and '.join(taken)} now: `{term}` is `{second[term]}`, was `{first[term]}`"
                specs = (side.written.at(side.compilation.specs[name].spec, "source") for side in sides)
                edits.append(Edit(what, Pair(*specs)))
            for edit in edits:
                self.add("terms", _freer(term, first, second), edit, name)

    def use(self, source: str, term: str) -> list[Edit]:
        """The term of a source, if it is written otherwise."""
        sides = (self.before, self.after)
        pair = Pair(*(side.written.at(side.compilation.sources[source], "use", term) for side in sides))
        return [] if pair.same else [Edit(told(f"`{term}` of `{source}`", pair), pair)]


def _declared(compilation: Compilation, what: str) -> Mapping[str, Declared]:
    match what:
        case "source":
            return compilation.sources
        case "task":
            return compilation.tasks
        case "space":
            return compilation.spaces
        case "licence":
            return compilation.licenses
        case _:
            return {name: one.spec for name, one in compilation.specs.items()}


def _freer(term: str, old: Mapping[str, str], new: Mapping[str, str]) -> Way:
    """Whether a term is loosened or tightened."""
    return "loosens" if freer(term, given(new, term), given(old, term)) else "tightens"
