"""PROVENANCE: where one example of an output came from, as data: sections of facts, for terminals and pages.

    Section("Turn 0", (Fact("form", "`choose`, tasks/view_classification/task.yaml:7"),
                       Fact("ticket", "3,711 of 4,320, drawn at `choose:prompt`"), ...))

What cannot be known is said to be so: rules and prompts are those of the specs of now, which are held against the
fingerprint of those of then; rows of the sources are looked up where the data is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import polars as pl

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import prompts
from cxrspec.compiler.answers import shown_by
from cxrspec.compiler.bodies import Context, draw
from cxrspec.compiler.diagnostics import Diagnostic, Report, Span
from cxrspec.compiler.paths import Taken, fits, path
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.rendering.places import Text
from cxrspec.runtime import manifest
from cxrspec.runtime.again import Recipe, as_made, changes, planned, recipe, rows_again, same_way
from cxrspec.runtime.examples import Example, Output
from cxrspec.runtime.keys import rows_of
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.sides import sides
from cxrspec.runtime.unchanged import InPlace

FILES = 5
"""Files of a table that are named; the manifest has all of them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known, or the words that say why it is not."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """Facts about one thing."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an example came from. `turn` is the one that was asked for; `changed` is what is other now than then.

    `recipe` says what it is made from, so that it can be made again (again.py).
    """

    id: str
    turn: int | None
    recipe: Recipe
    sections: tuple[Section, ...]
    changed: tuple[Diagnostic, ...]

    def data(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        found = [{"code": one.code, "message": one.message, "help": list(one.help)} for one in self.changed]
        return {**asdict(self), "changed": found}


class Provenances:
    """Tells of examples of one output; what is asked of specs and disk is asked once."""

    def __init__(self, output: Output, compilation: Compilation, settings: Settings) -> None:
        self.output = output
        self.compilation = compilation
        self.settings = settings

    @cached_property
    def place(self) -> InPlace:
        """The specs and sources of now."""
        return InPlace(self.compilation, as_made(self.output.made, self.settings))

    def of(self, example: Example) -> Provenance:
        """Where an example came from."""
        made = recipe(example.spec, self.output.made)
        telling = _Telling(self, example, made)
        return Provenance(example.id, example.turn, made, tuple(telling.sections()), tuple(changes(made, self.place)))


class _Telling:
    """What there is to tell of one example."""

    def __init__(self, whole: Provenances, example: Example, made: Recipe) -> None:
        self.output, self.compilation, self.place = whole.output, whole.compilation, whole.place
        self.example, self.recipe, self.row, self.entry = example, made, example.row, example.spec
        self.spec: Compiled | None = self.compilation.specs.get(self.entry.name)
        self.plan = planned(made, self.spec) if self.spec is not None else None

    def sections(self) -> Iterator[Section]:
        yield Section("Example", tuple(self.about()))
        yield Section("Spec", tuple(self.declared()))
        yield from self.turns()
        side = sides(self.compilation, self.spec, self.entry, self.row, self.recipe, self.look)
        yield Section("Split", tuple(Fact(*one) for one in side))
        yield Section("Filters and joins, with all rows that came in and stayed", tuple(self.steps()))
        yield Section("Files of the sources", tuple(self.files()))
        yield Section("Rows of the sources", tuple(self.rows()))
        yield Section("Run", tuple(self.run()))

    # ---- what it is, and who says so

    def about(self) -> Iterator[Fact]:
        yield Fact("id", self.example.id)
        yield Fact("split", self.row["split"])
        yield Fact("space", self.row["space"])
        yield Fact("patient", self.row["patient_id"] or "not known: no id was released")
        yield Fact("study", self.row["study_id"])
        yield from (Fact("image", one) for one in self.row["images"])
        if not self.row["images"]:
            yield Fact("image", "none")
        yield from (Fact("origin", f"{one} text took part") for one in self.row["origin"])

    def declared(self) -> Iterator[Fact]:
        spec = self.spec
        yield Fact("name", self.entry.name)
        if spec is None:
            yield Fact("file", "not known: there is no such spec now")
            return
        yield Fact("file", self.at(spec.spec.span) or spec.file)
        if spec.task is not None and spec.task is not spec.spec.task:
            yield Fact("task", f"{spec.task.title}, {self.at(spec.task.span)}")
        yield Fact("starts from", f"`{spec.spec.start.name}`")
        yield Fact("key", ", ".join(self.written(one.span) for one in spec.spec.key))
        if self.recipe.mode == "published" and spec.spec.overlaid:
            yield Fact("published", f"{', '.join(spec.spec.overlaid)} by the rule of the published row")
        if spec.spec.leak:
            yield Fact("leak", spec.spec.leak)

    def at(self, span: Span | None) -> str:
        """`file:line`."""
        text = self.compilation.texts.get(span.file) if span is not None else None
        return f"{span.file}:{Text(text).position(span.start)[0]}" if span is not None and text is not None else ""

    def written(self, span: Span | None) -> str:
        """What stands at a place."""
        return f"`{self.compilation.texts[span.file][span.start : span.end]}`" if span is not None else ""

    # ---- turns

    def turns(self) -> Iterator[Section]:
        """A section for each turn, or for the one that was asked for."""
        places = self.form_turns()
        for number, (turn, k) in enumerate(zip(self.row["turns"], places, strict=True)):
            if self.example.turn in (None, number):
                yield Section(f"Turn {number}", tuple(self.turn(turn, k)))

    def form_turns(self) -> list[int | None]:
        """For each turn which one of its form it is; None where no draw of the form reads so."""
        last: dict[str, int] = {}
        found: list[int | None] = []
        for turn in self.row["turns"]:
            name = turn["form"]
            form = self.form(name)
            number = None
            if form is not None:
                later = range(last.get(name, -1) + 1, form.count)
                number = next((k for k in later if fits(self.leaf(form, k), turn["prompt"])), None)
            if number is not None:
                last[name] = number
            found.append(number)
        return found

    def form(self, name: str) -> d.Form | None:
        forms = self.spec.task.forms if self.spec is not None and self.spec.task is not None else ()
        return next((form for form in forms if form.name == name), None)

    @cached_property
    def rules(self) -> Mapping[str, Any]:
        task = self.spec.task if self.spec is not None else None
        return {**self.compilation.words.rules, **(task.rules if task is not None else {})}

    def wheel(self, form: d.Form) -> prompts.Wheel:
        return prompts.spread(prompts.lay_out(prompts.resolve(form.prompt, self.rules, Report())), form.count)

    def ticket(self, form: d.Form, k: int) -> int:
        """The ticket of the k-th turn of a form, as turns.py draws it."""
        tickets = self.wheel(form).tickets
        one = pl.DataFrame({"$id": [self.example.id]})
        drawn = one.select(draw(Context(self.recipe.seed), f"{form.name}:prompt") % tickets).item()
        return (int(drawn) + k * (tickets // form.count)) % tickets

    def leaf(self, form: d.Form, k: int) -> prompts.Leaf:
        return prompts.leaf(self.wheel(form), self.ticket(form, k))

    def turn(self, turn: Mapping[str, str], k: int | None) -> Iterator[Fact]:
        yield Fact("prompt", turn["prompt"])
        yield Fact("answer", turn["answer"])
        form = self.form(turn["form"])
        if form is None:
            yield Fact("form", f"`{turn['form']}`: not known, no form of the task is called so now")
            return
        yield Fact("form", f"`{form.name}`, {self.at(form.span)}")
        if k is None:
            yield Fact("path", "not known: no draw of the form reads so now")
            return
        turned = f", {k} of {form.count} of the wheel further" if k else ""
        yield Fact(
            "ticket", f"{self.ticket(form, k):,} of {self.wheel(form).tickets:,}, drawn at `{form.name}:prompt`{turned}"
        )
        yield from map(self.taken, path(form.prompt, self.rules, self.leaf(form, k)) or ())
        for one in self.planned_forms():
            if one.name == form.name and isinstance(one.answer, p.ChoiceAnswer):
                shown = shown_by(one)(turn["prompt"])
                yield Fact(f"options, drawn at `{form.name}:options`", "\n".join(shown) or "the prompt shows none")

    def planned_forms(self) -> Sequence[p.Form]:
        nodes = self.plan.relations[-1].nodes if self.plan is not None else ()
        return [form for node in nodes if isinstance(node, p.Turns) for form in node.forms]

    def taken(self, one: Taken) -> Fact:
        """A choice on the way through the prompt."""
        place = self.at(one.span)
        if one.kind == "optional":
            return Fact("optional", f"{f'there: `{one.text}`' if one.place else 'left out'} ({place})")
        rule = f" of <{one.rule}>" if one.rule else ""
        return Fact(one.kind, f"{one.place} of {one.of}{rule}: `{one.text}` ({place})")

    # ---- rows and files

    @cached_property
    def lacks(self) -> str:
        """Why nothing can be looked up in the sources; "" where it can."""
        if self.spec is None or self.plan is None:
            return "the spec does not compile now"
        return self.place.lacks(self.spec)

    def look(self, relation: str) -> pl.DataFrame | None:
        """The rows of a relation, where the data is at hand."""
        if self.plan is None or self.lacks or relation not in {one.name for one in self.plan.relations}:
            return None
        return rows_again(self.recipe, self.plan, relation, self.place)

    def steps(self) -> Iterator[Fact]:
        """The filters and joins of all relations that it is made from, as the run counted them."""
        for step in self.entry.attrition:
            stayed = "all" if step.rows_in == step.rows_out else f"{step.rows_out:,} of"
            yield Fact(f"{step.relation}: {step.step}", f"{stayed} {step.rows_in:,}")
        for relation in self.plan.relations if self.plan is not None else ():
            for node in relation.nodes:
                if isinstance(node, p.Join) and node.kind == "left" and not node.many:
                    on = ", ".join(a if a == b else f"{a} (their {b})" for a, b in node.on) or "nothing"
                    yield Fact(f"{relation.name}: {node.name}", f"joined on {on}; no row leaves")

    def files(self) -> Iterator[Fact]:
        for table, digest in sorted(self.entry.inputs.items()):
            files = self.output.made.inputs[digest]
            for file in files[:FILES]:
                yield Fact(table, f"{file.path}, {file.size:,} bytes, sha256 {file.sha256}")
            if len(files) > FILES:
                yield Fact(table, f"and {len(files) - FILES:,} more, in manifest.json under `{digest}`")

    def rows(self) -> Iterator[Fact]:
        if self.spec is None or self.plan is None or self.lacks:
            yield Fact("rows", f"not looked up: {self.lacks}")
            return
        told = {one.table: one for one in rows_of(self.compilation, self.spec, self.plan, self.row, self.place.disk)}
        for read in self.plan.reads:
            one = told.get(read.table)
            if one is None:
                yield Fact(read.table, "not known: the key is not held by its columns as they stand there")
                continue
            more = f" and {one.rows - len(one.places):,} more" if one.rows > len(one.places) else ""
            rows = f"{one.rows:,} row{'' if one.rows == 1 else 's'} with the same {', '.join(one.by)}"
            yield Fact(read.table, f"{rows}: {', '.join(one.places)}{more}" if one.places else rows)

    def run(self) -> Iterator[Fact]:
        made = self.output.made
        yield Fact("seed", str(made.seed))
        yield Fact("mode", made.mode)
        yield Fact("boxes", made.boxes)
        if made.limit is not None:
            yield Fact("limit", f"{made.limit:,} examples of each spec")
        if made.demo:
            yield Fact("data", "made up, by --demo")
        yield Fact("plan", self.entry.plan)
        yield Fact("versions", _versions(made.versions))
        now = "the same" if same_way(self.recipe, self.place) else "others"
        yield Fact("code and libraries now", f"not compared: {self.lacks}" if self.lacks else now)


def _versions(versions: manifest.Versions) -> str:
    return f"cxrspec {versions.cxrspec}, polars {versions.polars}, polars-hash {versions.polars_hash}, Python {versions.python}"
