"""What the difference of two plans does to the examples of a spec, and what is written otherwise for it.

Everything an example is made of stands on two sides: which rows there are, their split and ids, and of each form whether it
applies, what it prints and what it answers. What differs is followed back (departures.py) to the files (written.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from typing import Literal, TypeAlias

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.departures import Departure, Departures, only_wording
from cxrspec.compiler.forms import bound
from cxrspec.compiler.lineage import Lineage, Made, Op, shape
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.telling import Pair, blamed, differing, told
from cxrspec.compiler.typed import Typed
from cxrspec.compiler.written import Place, Written

Category: TypeAlias = Literal["schema", "terms", "splits", "rows", "values", "text", "checks", "description"]
Way: TypeAlias = Literal["", "adds", "removes", "loosens", "tightens"]

WAYS: Mapping[int, Way] = {-1: "removes", 0: "", 1: "adds"}
WHO = ("$id", "$space", "$patient", "$study")
TURNS = "$turns"  # the relation that columns of forms are said to be of


@dataclass(frozen=True, slots=True)
class Side:
    """One of two compilations."""

    compilation: Compilation
    written: Written
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class Edit:
    """Something that is written otherwise, on the two sides."""

    what: str
    pair: Pair


Effect: TypeAlias = tuple[Category, Way, Edit]


def effects(before: Side, after: Side, old: Compiled, new: Compiled) -> Iterator[Effect]:
    """What a change does to the examples of a spec that has a plan on both sides. Things may come twice."""
    assert old.plan is not None
    assert new.plan is not None
    return _OneSpec(before, after, old, new).effects(old.plan, new.plan)


class _OneSpec:
    """One spec on two sides."""

    def __init__(self, before: Side, after: Side, old: Compiled, new: Compiled) -> None:
        self.before, self.after = before, after
        self.old, self.new = old, new
        self.name = new.name
        self.otherwise = f"rows of `{new.name}` are checked otherwise"

    def effects(self, old: p.Plan, new: p.Plan) -> Iterator[Effect]:
        """All effects. What stops a run is left out where it follows from something else."""
        found = list(self.examples())
        yield from found
        said = {edit.what for _, _, edit in found}
        checks = [effect for effect in self.checks(old, new) if effect[2].what not in said]
        named = [effect for effect in checks if effect[2].what != self.otherwise]
        yield from named or (() if found else checks)
        if old.expect != new.expect:
            pair = self.both(lambda side, one: side.written.own(one.spec, (), "expect"))
            yield "checks", "", _edit(f"`expect` of `{self.name}`", pair)

    def examples(self) -> Iterator[Effect]:
        """What is done to examples."""
        before, after = self.before.lineage.of(self.name), self.after.lineage.of(self.name)
        departures = Departures()
        departures.rows(before.rows, after.rows)
        yield from self.of("rows", departures)
        yield from self.column("splits", before.columns["split"], after.columns["split"])
        for name in WHO:
            yield from self.column("schema", before.columns[name], after.columns[name])
        yield from self.images(before.columns, after.columns)
        yield from self.turns(before.columns, after.columns)

    def both(self, find: Callable[[Side, Compiled], Place | None]) -> Pair:
        """What `find` finds on each side."""
        return Pair(find(self.before, self.old), find(self.after, self.new))

    def sides(self) -> tuple[tuple[Side, Compiled], tuple[Side, Compiled]]:
        """Each side with the spec on it."""
        return (self.before, self.old), (self.after, self.new)

    # ---- from departures to effects

    def of(self, category: Category, departures: Departures) -> Iterator[Effect]:
        """What is written otherwise for these departures; where that is not found, what the spec says otherwise."""
        found = False
        for departure in departures.found:
            for edit in self.edits(departure):
                found = True
                if self.retyped(departure):
                    yield "schema", "", edit
                elif departure.wording and category == "values":
                    yield "text", "", edit
                else:
                    yield category, WAYS[departure.sign] if category == "rows" else "", edit
        for edit in self.anything() if departures.found and not found else ():
            yield category, "", edit

    def anything(self) -> Iterator[Edit]:
        """All that is written otherwise of the spec, its task and the sources that it takes anything from."""
        pairs = [
            (self.name, self.both(lambda side, one: side.written.whole(one.spec))),
            (self.new.spec.task.name, self.both(lambda side, one: side.written.whole(one.task))),
        ]
        for name in sorted(self.new.plan.sources) if self.new.plan is not None else ():
            pairs.append((name, Pair(*(s.written.at(s.compilation.sources.get(name)) for s, _ in self.sides()))))
        for name, pair in pairs:
            for part, one in differing(pair):
                yield _edit(f"`{part}` of `{name}`", one)

    def column(self, category: Category, old: Made, new: Made, printed: bool = False) -> Iterator[Effect]:
        """Why a column differs."""
        departures = Departures()
        departures.column(old, new, printed)
        return self.of(category, departures)

    def edits(self, departure: Departure) -> list[Edit]:
        """What is written otherwise where a departure is written, and in the shared words that stand there."""
        if departure.relation == TURNS:
            _, form, field = departure.name.split(".", 2)
            path = field.split(".") if departure.name.startswith("$form") else ["let", field]
            return self.form_edits(form, *path)
        if self.is_split(departure):
            return self.split_edits()
        makers = [reversed(s.written.find(departure.relation, departure.kind, departure.name)) for s, _ in self.sides()]
        pairs = [Pair(old, new) for old, new in zip_longest(*makers)]
        found = [_edit(self.called(departure, pair), pair) for pair in pairs if not pair.same]
        mine = departure.relation == self.name
        source = self.new.spec.source.name if mine else departure.relation.partition(".")[0]
        before, after = (
            s.written.scope(s.compilation.sources.get(source), c.task if mine else None, c.spec if mine else None)
            for s, c in self.sides()
        )
        found += [_blame(*one) for pair in pairs for one in blamed(pair, before, after)]
        if not found and departure.kind == "column":  # what a table says of all its columns
            table = self.both(lambda side, _: side.written.table(departure.relation))
            found = [
                _edit(f"`{name}` of `{departure.relation}`", one) for name, one in differing(table) if "." not in name
            ]
        return found

    def called(self, departure: Departure, pair: Pair) -> str:
        """A departure in words."""
        kind, name = departure.kind, departure.name
        if name.startswith("$in."):
            return f"the input `{name.removeprefix('$in.')}` of `{self.name}`"
        if name.startswith("$"):
            declared = pair.new == self.after.written.identity(self.new.spec)
            field = pair.place.path[-1] if pair.place is not None else ""
            return f"`{field}` of `{self.new.spec.source.name if declared else self.name}`"
        what = {"column": f"the column `{name}`", "where": f"the filter `{name}`", "keep": f"`keep` `{name}`"}
        what |= {"from": "`from`", "copy": "`copy`"}
        if kind == "read":
            return f"`{departure.relation}`"
        return f"{what.get(kind, f'the step `{kind}`')} of `{departure.relation}`"

    def retyped(self, departure: Departure) -> bool:
        """Whether a departure is a column that is read, and has another type."""
        types = [s.written.type(departure.relation, departure.name) for s, _ in self.sides()]
        return departure.kind == "column" and None not in types and types[0] != types[1]

    # ---- splits

    def is_split(self, departure: Departure) -> bool:
        """Whether a departure is the split of the spec's rows, or of a relation that was made to look it up."""
        if departure.relation == self.name:
            return departure.name == "split" or departure.name.startswith("$split")
        return (
            self.after.written.table(departure.relation) is None
            and self.before.written.table(departure.relation) is None
        )

    def split_edits(self) -> list[Edit]:
        """What is written otherwise of the splits that the spec's rows may get theirs from."""
        spec, source = self.new.spec.name, self.new.spec.source.name
        pairs = [
            (f"`split` of `{spec}`", self.both(lambda side, one: side.written.own(one.spec, (), "split"))),
            (f"`own_split` of `{spec}`", self.both(lambda side, one: side.written.at(one.spec, "own_split"))),
            (f"`identity` of `{source}`", self.both(lambda side, one: side.written.identity(one.spec))),
        ]
        asked = [_asked(side.compilation, one.spec) for side, one in self.sides()]
        for name in sorted(asked[0][0] | asked[1][0]):
            pairs.append((f"the space `{name}`", Pair(*(s.written.space(name) for s, _ in self.sides()))))
        for name in sorted(asked[0][1] | asked[1][1]):
            pairs.append((f"the split `{name}`", Pair(*(s.written.split(name) for s, _ in self.sides()))))
        return [_edit(what, pair) for what, pair in pairs if not pair.same]

    # ---- what an example has

    def images(self, before: Mapping[str, Made], after: Mapping[str, Made]) -> Iterator[Effect]:
        """Whether examples have images, and which."""
        name = bound("images")
        if name in before and name in after:
            yield from self.column("values", before[name], after[name])
        elif name in before or name in after:
            pair = self.both(lambda side, one: side.written.at(one.task, "inputs", "images"))
            yield "schema", "", _edit(f"the input `images` of the task `{self.new.spec.task.name}`", pair)

    def checks(self, old: p.Plan, new: p.Plan) -> Iterator[Effect]:
        """Rows that are bad by other rules, keys, and text written by machines."""
        for name in [r.name for r in new.relations if r.name in {one.name for one in old.relations}]:
            departures = Departures()
            departures.steps(name, self.before.lineage.of(name).checks, self.after.lineage.of(name).checks, 0)
            for departure in departures.found:
                yield from _each("checks", self.check(departure))
            if _generated(self.before, name) != _generated(self.after, name):
                pair = Pair(*(s.written.table(name, "origin") for s, _ in self.sides()))
                yield "values", "", _edit(f"`origin` of `{name}`", pair)

    def check(self, departure: Departure) -> list[Edit]:
        """What is written otherwise for a check: what it is about, else a key, else the check itself."""
        if departure.kind != "check":
            return self.edits(departure)
        about = re.search(r"`(.+)`", departure.name)
        key = Pair(*(s.written.key(departure.relation) for s, _ in self.sides()))
        if about is not None:
            kinds = ("where", "keep", "column")
            found = [e for kind in kinds for e in self.edits(Departure(departure.relation, kind, about.group(1)))]
        else:
            found = [] if key.same else [_edit(f"`key` of `{departure.relation}`", key)]
        return found or [Edit(self.otherwise, self.both(lambda side, one: side.written.whole(one.spec)))]

    # ---- turns

    def turns(self, before: Mapping[str, Made], after: Mapping[str, Made]) -> Iterator[Effect]:
        """The forms by name. The answer of the first that applies is the `target`, so their order counts."""
        old, new = (_forms(s.compilation.relations[self.name]) for s, _ in self.sides())
        for form in dict.fromkeys((*old, *new)):
            if form in old and form in new:
                yield from self.form(old[form], new[form], before, after)
            else:
                yield from _each("schema", self.form_edits(form))
        if [form for form in old if form in new] != [form for form in new if form in old]:
            what = f"the forms of the task `{self.new.spec.task.name}` stand in another order"
            yield "schema", "", Edit(what, self.both(lambda side, one: side.written.at(one.task, "turns")))

    def form(self, old: p.Form, new: p.Form, before: Mapping[str, Made], after: Mapping[str, Made]) -> Iterator[Effect]:
        """One form: when it applies and how often, what it prints, what it answers."""
        one, two = _Form(self.before.lineage, old, before), _Form(self.after.lineage, new, after)
        departures = Departures()
        departures.steps(TURNS, one.when(), two.when(), 1)
        yield from self.of("rows", departures)
        if old.count != new.count:
            way: Way = "adds" if new.count > old.count else "removes"
            yield from _each("rows", self.form_edits(new.name, "count"), way)
        yield from self.prompt(one, two, old.prompt, new.prompt, "prompt")
        yield from self.answer(one, two)

    def prompt(
        self, old: _Form, new: _Form, before: p.Prompt | None, after: p.Prompt | None, *path: str
    ) -> Iterator[Effect]:
        """The texts of a prompt, and what stands in its slots."""
        was, now = _slots(before), _slots(after)
        if _skeleton(before) != _skeleton(after):
            gone, come = [was[k] for k in was.keys() - now.keys()], [now[k] for k in now.keys() - was.keys()]
            worded = len(gone) == len(come) == 1 and only_wording(gone[0], come[0])
            category: Category = "text" if worded or not (gone or come) else "values"
            counts = _count(before), _count(after)
            for edit in self.form_edits(new.form.name, *path):
                own = edit.pair.place is not None and edit.pair.place.path[0] == "turns"
                more = f"; {counts[1]:,} prompts, were {counts[0]:,}" if own and counts[0] != counts[1] else ""
                yield category, "", Edit(edit.what + more, edit.pair)
        for key in was.keys() & now.keys():
            yield from self.values(old, new, was[key], now[key], *path)

    def answer(self, old: _Form, new: _Form) -> Iterator[Effect]:
        """The format of an answer, what it is made of, and how it is printed."""
        was, now = old.form.answer, new.form.answer
        if _format(was) != _format(now):
            yield from _each("schema", self.form_edits(new.form.name, "answer"))
            return
        before, after = _parts(was), _parts(now)
        for field in dict.fromkeys((*before, *after)):
            x, y = before.get(field), after.get(field)
            if isinstance(x, p.Prompt | None) and isinstance(y, p.Prompt | None):
                yield from self.prompt(old, new, x, y, "answer", field)
            elif isinstance(x, Typed) and isinstance(y, Typed):
                yield from self.values(old, new, x, y, "answer", field)
            elif x != y:
                yield from _each("text", self.form_edits(new.form.name, "answer", field))

    def values(self, old: _Form, new: _Form, before: Typed, after: Typed, *path: str) -> Iterator[Effect]:
        """What is printed in one place."""
        return self.column("values", old.made(before, *path), new.made(after, *path), printed=True)

    def form_edits(self, form: str, *path: str) -> list[Edit]:
        """What is written otherwise at a place of a form, and in the shared words that stand there."""
        pair = self.both(lambda side, one: side.written.form(one.task, form, *path))
        owner = f"the form `{form}` of the task `{self.new.spec.task.name}`"
        found = [] if pair.same else [_edit(f"`{'.'.join(path)}` of {owner}" if path else owner, pair)]
        before, after = (s.written.scope(None, c.task, None) for s, c in self.sides())
        return found + [_blame(*one) for one in blamed(pair, before, after)]


class _Form:
    """A form with all that it may speak of."""

    def __init__(self, lineage: Lineage, form: p.Form, columns: Mapping[str, Made]) -> None:
        self.lineage, self.form = lineage, form
        self.columns = dict(columns)
        for let in form.let:
            self.columns[let.name] = lineage.made(TURNS, let.name, let.expression, self.columns)

    def made(self, expression: Typed, *path: str) -> Made:
        """An expression at a place of the form, as a column."""
        name = f"$form.{self.form.name}.{'.'.join(path)}"
        return self.lineage.made(TURNS, name, expression, self.columns)

    def when(self) -> list[Op]:
        """The condition as a filter, if there is one."""
        if self.form.when is None:
            return []
        made = self.made(self.form.when, "when")
        return [Op("where", made.name, made.node, made.of, None, made.number)]


def _edit(what: str, pair: Pair) -> Edit:
    return Edit(told(what, pair), pair)


def _each(category: Category, edits: list[Edit], way: Way = "") -> Iterator[Effect]:
    return ((category, way, edit) for edit in edits)


def _blame(name: str, word: Pair) -> Edit:
    """A shared word that is written otherwise."""
    field = str(word.place.path[0]) if word.place is not None else ""
    kind = {"rules": "rule", "functions": "function"}.get(field, "constant")
    return _edit(f"the {kind} `{name}`", word)


def _asked(compilation: Compilation, spec: d.Spec) -> tuple[set[str], set[str]]:
    """The spaces and the splits (`source.split`) that may say the split of a spec's rows."""
    source = compilation.sources.get(spec.source.name)
    if source is None:
        return set(), set()
    spaces = {identity.space for identity in source.identity}
    names = [spec.split.name] if spec.split is not None else list(source.splits)
    todo = [(source.name, name) for name in names]
    for space in spaces & compilation.spaces.keys():
        authority = compilation.spaces[space].authority
        if authority is not None:
            owner, _, name = authority.name.partition(".")
            todo.append((owner, name))
    splits = set[tuple[str, str]]()
    while todo:
        owner, name = one = todo.pop()
        split = compilation.sources[owner].splits.get(name) if owner in compilation.sources else None
        if one not in splits and isinstance(split, d.RatioSplit) and split.out_of is not None:
            todo.append((owner, split.out_of.name))
        splits.add(one)
    return spaces, {f"{owner}.{name}" for owner, name in splits}


def _generated(side: Side, relation: str) -> bool:
    """Whether a table holds what machines wrote."""
    leaf = side.compilation.relations[relation].nodes[0]
    return isinstance(leaf, p.Read) and leaf.generated


def _forms(relation: p.Relation) -> dict[str, p.Form]:
    last = relation.nodes[-1]
    return {form.name: form for form in last.forms} if isinstance(last, p.Turns) else {}


def _slots(prompt: p.Prompt | None) -> dict[object, Typed]:
    pieces = [piece for s in prompt.shapes for piece in s.pieces] if prompt is not None else []
    return {shape(piece): piece for piece in pieces if isinstance(piece, Typed)}


def _skeleton(prompt: p.Prompt | None) -> object:
    """What a prompt prints, beside the values in its slots, and how often."""
    return shape(prompt) if prompt is not None else None


def _count(prompt: p.Prompt | None) -> int:
    """The number of texts of a prompt."""
    shapes = prompt.shapes if prompt is not None else ()
    return sum(prod(len(piece) for piece in s.pieces if isinstance(piece, tuple)) for s in shapes)


def _format(answer: p.Answer) -> str:
    match answer:
        case p.TextAnswer():
            return "text"
        case p.ChoiceAnswer():
            return "choices" if answer.several else "choice"
        case p.BoxesAnswer():
            return "boxes"
        case p.PairsAnswer():
            return answer.format


def _parts(answer: p.Answer) -> dict[str, object]:
    """The fields of an answer, by the keys that they are written under."""
    match answer:
        case p.TextAnswer(text):
            return {"text": text}
        case p.ChoiceAnswer():
            names: Collection[str] = ("options", "correct", "markers", "layout", "reply", "hint", "empty")
            return {name: getattr(answer, name) for name in names}
        case p.BoxesAnswer(boxes, label, empty):
            return {"boxes": boxes, "label": label, "empty": empty}
        case p.PairsAnswer(format, pairs, empty):
            return {format: pairs, "empty": empty}
