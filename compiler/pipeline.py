"""The compiler, from text to plan. Read this first.

    load      text              -> Document      (document.py; schema.py checks its form)
    parse     Document          -> declarations  (parse.py, grammar.py: expressions and prompts become trees)
    check     declarations      -> relations     (tables.py, specs.py, forms.py, expressions.py: names, types, nulls)
    lower     relations         -> Plan          (lower.py drops what no example needs)

to_polars.py takes it from there, when there is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.catalog import File
from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.diagnostics import Diagnostic, Label, Report, Span
from cxrspec.compiler.document import Document, as_text, load
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.lower import lower
from cxrspec.compiler.parse import parse, snake
from cxrspec.compiler.schema import KINDS, validate
from cxrspec.compiler.specs import Checked, Specs
from cxrspec.compiler.tables import Tables

# Findings that a words file which could not be read may be the cause of: names, rules and functions that are unknown.
OF_WORDS = ("CXR203", "CXR205", "CXR208")


@dataclass(frozen=True, slots=True)
class Compiled:
    """One spec through the compiler; `plan` is None where the findings `errors` (codes) stand in the way."""

    name: str
    file: str
    spec: d.Spec
    task: d.Task | None
    plan: p.Plan | None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compilation:
    """Everything that came of a set of files.

    `relations` holds every checked table and spec by name, not yet pruned: lower.prune makes the plan of a whole run
    from it. `texts` are the files by path, for drawing findings.
    """

    documents: Mapping[str, Document]
    sources: Mapping[str, d.Source]
    spaces: Mapping[str, d.Space]
    tasks: Mapping[str, d.Task]
    specs: Mapping[str, Compiled]
    words: d.Words
    relations: Mapping[str, p.Relation]
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(found.severity == "error" for found in self.diagnostics)


def compile(files: Sequence[File], published: bool = False) -> Compilation:
    """Compile all files together; the first of two declarations of one name holds."""
    report = Report()
    documents = {f.path: document for f in files if (document := load(f.text, f.path, report)) is not None}
    valid = [document for document in documents.values() if validate(document, report)]
    parsed = [declaration for document in valid if (declaration := parse(document, report, published)) is not None]
    texts = {f.path: as_text(f.text) for f in files} | {path: doc.text for path, doc in documents.items()}

    shipped = {f.path for f in files if f.shipped}
    sources = _by_name([x for x in parsed if isinstance(x, d.Source)], shipped, "source", report)
    tasks = _by_name([x for x in parsed if isinstance(x, d.Task)], shipped, "task", report)
    specs = _by_name([x for x in parsed if isinstance(x, d.Spec)], shipped, "spec", report)
    lines = [space for x in parsed if isinstance(x, d.Spaces) for space in x.spaces]
    spaces = _by_name(lines, shipped, "space", report)
    shared = [x for x in parsed if isinstance(x, d.Words)]
    words = _together(shared)
    lost = [f for f in files if f.path not in {x.file for x in valid}]

    checker = Checker(report, lambda span: _quoted(texts[span.file], span))
    tables = Tables(sources, words, checker, _spoiled(lost, documents))
    tables.check_functions()
    tables.check_all()
    tables.splits.of_spaces(spaces, unread=any(_is("spaces", f, documents) for f in lost))
    checking = Specs(tables, tasks, words, checker, published)
    for task in tasks.values():
        checking.turns(task)
    checked = {name: checking.check(spec) for name, spec in specs.items()}
    hidden = OF_WORDS if any(_is("words", f, documents) for f in lost) else ()
    shown = _once(found for found in report.diagnostics if found.code not in hidden)

    relations = {name: table.relation for name, table in tables.known.items() if table} | tables.splits.relations
    relations |= {name: one.relation for name, one in checked.items() if one is not None}
    errors = _errors(report.diagnostics)
    everywhere = {_file(x) for x in shared} & errors.keys()
    compiled: dict[str, Compiled] = {}
    for name, spec in specs.items():
        nodes = (spec, tasks.get(spec.task.name), sources.get(spec.source.name))
        reached = everywhere | {_file(node) for node in nodes if node is not None}
        compiled[name] = _finish(spec, checked[name], relations, sources, reached, errors)
    return Compilation(documents, sources, spaces, tasks, compiled, words, relations, tuple(shown), texts)


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What is said of a place is said once, however many specs come by it on different ways.

    A name that is unknown in several places of a file is one finding: mostly its declaration is what is misspelt.
    """
    first: dict[tuple[str, Span | None, str], Diagnostic] = {}
    for found in diagnostics:
        first.setdefault((found.code, _span(found), found.message), found)
    groups: dict[object, list[Diagnostic]] = {}
    for found in first.values():
        alike = replace(found, label=None), isinstance(found.label, Label) and (found.label.span.file, found.label.text)
        groups.setdefault(alike if found.code.startswith("CXR2") else found, []).append(found)
    return [_merged(group) for group in groups.values()]


def _span(found: Diagnostic) -> Span | None:
    return found.label.span if isinstance(found.label, Label) else None


def _merged(group: Sequence[Diagnostic]) -> Diagnostic:
    """The first of these findings in the file, with the places of the others."""
    first, *more = sorted(group, key=lambda found: _span(found) or Span("", 0, 0))
    places = [Label(span, "and here") for found in more if (span := _span(found))]
    return replace(first, others=(*first.others, *places))


def _errors(diagnostics: Sequence[Diagnostic]) -> dict[str, set[str]]:
    """The codes of the errors in each file."""
    found: dict[str, set[str]] = {}
    for one in diagnostics:
        if one.severity == "error" and isinstance(one.label, Label):
            found.setdefault(one.label.span.file, set()).add(one.code)
    return found


def _finish(
    spec: d.Spec,
    checked: Checked | None,
    relations: Mapping[str, p.Relation],
    sources: Mapping[str, d.Source],
    files: set[str],
    errors: Mapping[str, set[str]],
) -> Compiled:
    """The spec's plan, unless one of the `files` that it reaches, or that its plan reads by, has an error."""
    task = checked.task if checked is not None else None
    if checked is not None and not files & errors.keys():
        plan = lower(relations, spec.name, spec.expect)
        files |= {_file(sources[name]) for name in plan.sources}
        if not files & errors.keys():
            return Compiled(spec.name, _file(spec), spec, task, plan)
    codes = sorted({code for one in files & errors.keys() or errors for code in errors[one]})
    return Compiled(spec.name, _file(spec), spec, task, None, tuple(codes))


def _together(words: Sequence[d.Words]) -> d.Words:
    """All shared words; the first of one name holds, so local ones go before those that ship."""
    together = d.Words({}, {}, {})
    for one in reversed(words):
        together.constants.update(one.constants)
        together.rules.update(one.rules)
        together.functions.update(one.functions)
    return together


def _spoiled(files: Sequence[File], documents: Mapping[str, Document]) -> frozenset[str]:
    """What the files that could not be read would have declared: nobody is told that it is unknown."""
    names: set[str] = set()
    for file in files:
        *_, folder, last = ("", *file.place.split("/"))
        names |= {last.partition(".")[0], folder}
        value = documents[file.path].value if file.path in documents else None
        said = re.search(r"^name:\s*(.+?)\s*$", as_text(file.text), re.MULTILINE)
        name = value.get("name") if is_mapping(value) else said.group(1) if said else None
        names |= {name, snake(name)} if isinstance(name, str) else set()
    return frozenset(names)


def _is(wanted: str, file: File, documents: Mapping[str, Document]) -> bool:
    """Whether a file that could not be read would have been of this kind: by what it says, else by its name."""
    value = documents[file.path].value if file.path in documents else None
    kind = value.get("kind") if is_mapping(value) else None
    return kind == wanted if kind in KINDS else file.place.rpartition("/")[2].startswith(f"{wanted}.")


def _file(node: d.Spec | d.Task | d.Source | d.Space | d.Words) -> str:
    return node.span.file if node.span is not None else ""


Named = TypeVar("Named", d.Source, d.Space, d.Task, d.Spec)


def _by_name(items: Sequence[Named], shipped: set[str], what: str, report: Report) -> dict[str, Named]:
    """Declarations by name: a local one goes before what ships (a warning), two local ones are an error."""
    found: dict[str, Named] = {}
    for item in items:
        first = found.setdefault(item.name, item)
        if first is item:
            continue
        others = (Label(item.span, "the other one"),) if item.span else ()
        if _file(item) in shipped:
            report.warning(
                "CXR214", first.span, f"the {what} `{item.name}` takes the place of the one that ships", others=others
            )
        else:
            report.error("CXR215", first.span, f"the {what} `{item.name}` is declared twice", others=others)
    return found


def _quoted(text: str, span: Span) -> bool:
    """Whether the marked text stands between YAML's quotes: then YAML took them, and a name was read."""
    before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
    return before == after and before in ('"', "'")
