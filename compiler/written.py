"""Where the things are written that a plan speaks of: its columns and steps, forms, splits, and shared words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from cxrspec.compiler import declarations as d
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.document import Document, Path, load
from cxrspec.compiler.pipeline import Compilation

Declared: TypeAlias = d.License | d.Source | d.Space | d.Task | d.Spec
"""What has a name of its own."""


class Page:
    """A file as plain values; where they stand is worked out when it is asked for."""

    def __init__(self, file: str, value: Any, text: str) -> None:
        self.file, self.value, self.text = file, value, text

    @cached_property
    def document(self) -> Document:
        """The values with their places."""
        document = load(self.text, self.file, Report())
        assert document is not None  # it was read before
        return document


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a file."""

    page: Page
    path: Path

    @property
    def value(self) -> Any:
        """What is written there, as plain values."""
        value: Any = self.page.value
        for step in self.path:
            value = value[step]
        return value

    @property
    def span(self) -> Span:
        """Where its key stands."""
        return self.page.document.key_span(self.path)

    @property
    def is_block(self) -> bool:
        """Whether it is text of several lines, each of which stands for itself."""
        return self.page.document.styles.get(self.path) == "literal"

    def below(self, key: str | int) -> Place | None:
        """A member of a mapping, or an item of a list."""
        value = self.value
        there = key in value if is_mapping(value) else isinstance(key, int) and is_list(value) and key < len(value)
        return Place(self.page, (*self.path, key)) if there else None

    def items(self) -> list[Place]:
        """The members of a mapping, or the items of a list."""
        value = self.value
        keys: list[str | int] = [*value] if is_mapping(value) else [*range(len(value))] if is_list(value) else []
        return [Place(self.page, (*self.path, key)) for key in keys]


class Written:
    """The files of one compilation; `published`: overlays stand in place of what they overlay."""

    def __init__(self, compilation: Compilation, published: bool) -> None:
        self.compilation = compilation
        self.published = published
        self.pages: dict[str, Page] = {}

    def at(self, node: Declared | None, *path: str | int) -> Place | None:
        """A value of the file that a declaration stands in; None where there is none."""
        return self.in_file(node.span if node is not None else None, *path)

    def in_file(self, span: Span | None, *path: str | int) -> Place | None:
        """A value of the file that a place is in."""
        if span is None:
            return None
        value, text = self.compilation.parsed[span.file].value, self.compilation.texts[span.file]
        found: Place | None = Place(self.pages.setdefault(span.file, Page(span.file, value, text)), ())
        for key in path:
            found = found.below(key) if found is not None else None
        return found

    def whole(self, node: Declared | None) -> Place | None:
        """All that is written of a declaration: its file, for a licence or a space its line."""
        match node:
            case d.License(name):
                return self.at(node, "licenses", name)
            case d.Space(name):
                return self.at(node, "spaces", name)
            case _:
                return self.at(node)

    def space(self, name: str) -> Place | None:
        """The line of a space."""
        return self.whole(self.compilation.spaces.get(name))

    def split(self, name: str) -> Place | None:
        """A split of a source, as `source.split`."""
        source, _, split = name.partition(".")
        return self.at(self.compilation.sources.get(source), "splits", split)

    def table(self, relation: str, *path: str) -> Place | None:
        """A table of a source, or a value of it; None if the relation is none."""
        source, _, table = relation.partition(".")
        return self.at(self.compilation.sources.get(source), "tables", table, *path)

    def key(self, relation: str) -> Place | None:
        """The key of a table or spec."""
        spec = self.compilation.specs.get(relation)
        return self.table(relation, "key") if spec is None else self.own(spec.spec, (), "key")

    def type(self, relation: str, column: str) -> str | None:
        """The type of a column that is read."""
        source, _, name = relation.partition(".")
        table = self.compilation.sources[source].tables.get(name) if source in self.compilation.sources else None
        found = table.columns.get(column) if isinstance(table, d.ReadTable) else None
        return str(found[0].type) if found is not None else None

    def own(self, node: d.Source | d.Spec | None, above: Path, field: str) -> Place | None:
        """A field of a spec or table: in the overlay of a published run, if that has it."""
        overlaid = self.at(node, *above, "published", field) if self.published else None
        return overlaid or self.at(node, *above, field)

    # ---- what plans speak of

    def find(self, relation: str, kind: str, name: str) -> list[Place]:
        """All that makes a column of a relation (`kind` is "column"), or a step of it (`kind` is its word), in order."""
        if relation in self.compilation.specs:
            return self.of_spec(self.compilation.specs[relation].spec, kind, name)
        if self.table(relation) is None:
            return []
        source, _, table = relation.partition(".")
        return self.of_table(self.compilation.sources[source], table, kind, name)

    def of_table(self, source: d.Source, table: str, kind: str, name: str) -> list[Place]:
        """A column or step of a table."""
        path = "tables", table
        if isinstance(source.tables[table], d.DerivedTable):
            start = self.own(source, path, "from") if kind == "from" else None
            return [start] if start else _steps(self.own(source, path, "steps"), kind, name)
        columns = self.at(source, *path, "columns")
        column = _in(columns, name) or _in(columns, name.partition(".")[0])  # labels are read as `<column>.<label>`
        place = column if kind == "column" else self.at(source, *path)
        return [place] if place else []

    def of_spec(self, spec: d.Spec, kind: str, name: str) -> list[Place]:
        """A column or step of a spec; the columns that the language adds are written in fields of their own."""
        if kind == "column" and name.startswith("$"):
            place = self.added(spec, name)
        elif kind == "keep":
            place = _in(self.own(spec, (), kind), name)
        elif kind in ("from", "copy"):
            place = self.own(spec, (), kind)
        else:
            where = self.own(spec, (), "where") if kind == "where" else None
            place = where if name == "where" and where and not is_mapping(where.value) else _in(where, name)
        return [*([] if place else _steps(self.own(spec, (), "steps"), kind, name)), *([place] if place else [])]

    def added(self, spec: d.Spec, name: str) -> Place | None:
        """Where a column is written that the language adds to the rows of a spec."""
        if name.startswith("$in."):
            return _in(self.own(spec, (), "bind"), name.removeprefix("$in."))
        field = {"$id": "key", "$study": "study"}.get(name, "identity")
        return self.own(spec, (), field) or self.own(spec, (), "identity") or self.identity(spec)

    def identity(self, spec: d.Spec) -> Place | None:
        """The identity that the source of a spec declares."""
        return self.at(self.compilation.sources.get(spec.source.name), "identity")

    def form(self, task: d.Task | None, form: str, *path: str) -> Place | None:
        """A value of a form, or the form."""
        names = [one.name for one in task.forms] if task is not None else []
        return self.at(task, "turns", names.index(form), *path) if form in names else None

    # ---- words that are shared

    def scope(self, source: d.Source | None, task: d.Task | None, spec: d.Spec | None) -> dict[str, Place]:
        """Constants, functions and `<rules>` by name, the nearer ones in place of those further away."""
        words = self.compilation.words
        shared: dict[str, Span | None] = {name: span for name, (_, span) in words.constants.items()}
        shared |= {name: function.span for name, function in words.functions.items()}
        shared |= {f"<{name}>": rule.span for name, rule in words.rules.items()}
        fields = dict.fromkeys(words.constants, "constants") | dict.fromkeys(words.functions, "functions")
        found: dict[str, Place | None] = {}
        for name, span in shared.items():
            found[name] = self.in_file(span, fields.get(name, "rules"), name.strip("<>"))
        for node in (source, task, spec):
            found |= {name: self.at(node, "constants", name) for name in (node.constants if node else ())}
        found |= {f"<{name}>": self.at(task, "rules", name) for name in (task.rules if task else ())}
        return {name: place for name, place in found.items() if place is not None}


def _in(place: Place | None, name: str) -> Place | None:
    return place.below(name) if place is not None else None


def _steps(steps: Place | None, kind: str, name: str) -> list[Place]:
    """The steps that derive a column, or those of a kind that bear this name."""
    found: list[Place] = []
    for one in steps.items() if steps is not None else ():
        for step in one.items():
            key, body = str(step.path[-1]), step.value
            if (key == "derive" and kind == "column") or (key == kind == "where" and is_mapping(body)):
                found += [place] if (place := step.below(name)) else []
            elif kind == "column":
                found += [step] if key == "contrast" and name in (*body.get("set", ()), body["mark"]["column"]) else []
            elif key == kind and name == _called(key, body):
                found.append(step)
    return found


def _called(key: str, body: Any) -> str:
    """The name by which a plan calls a step."""
    if key == "where":
        return "where"
    if not is_mapping(body):
        return str(body).rpartition(".")[2]
    by = body.get("by", "")
    named = {"join": "table", "contrast": "pool", "explode": "column", "unpivot": "name"}
    return str(body[named[key]]) if key in named else ", ".join(by) if is_list(by) else str(by)
