"""The compiler, from text to plan. Read this first.

    load      text              -> Document      (document.py; schema.py checks its form)
    parse     Document          -> declarations  (parse.py, grammar.py: expressions and prompts become trees)
    check     declarations      -> relations     (tables.py, specs.py, forms.py, expressions.py: names, types, nulls)
    lower     relations         -> Plan          (lower.py drops what no example needs)

to_polars.py takes it from there, when there is data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.catalog import File
from cxrspec.compiler.diagnostics import Diagnostic, Label, Report, Span
from cxrspec.compiler.document import Document, load
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.lower import lower
from cxrspec.compiler.parse import parse
from cxrspec.compiler.schema import validate
from cxrspec.compiler.specs import Checked, Specs
from cxrspec.compiler.tables import Tables


@dataclass(frozen=True, slots=True)
class Compiled:
    """One spec through the compiler; `plan` is None where a finding stands in the way."""

    name: str
    file: str
    spec: d.Spec
    task: d.Task | None
    plan: p.Plan | None


@dataclass(frozen=True, slots=True)
class Compilation:
    """Everything that came of a set of files.

    `relations` holds every checked table and spec by name, not yet pruned: lower.prune makes the plan of a whole run
    from it. `texts` are the files by path, for drawing findings.
    """

    documents: Mapping[str, Document]
    sources: Mapping[str, d.Source]
    tasks: Mapping[str, d.Task]
    specs: Mapping[str, Compiled]
    words: d.Words | None
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
    shipped = {f.path for f in files if f.shipped}
    sources = _by_name([x for x in parsed if isinstance(x, d.Source)], shipped, "source", report)
    tasks = _by_name([x for x in parsed if isinstance(x, d.Task)], shipped, "task", report)
    specs = _by_name([x for x in parsed if isinstance(x, d.Spec)], shipped, "spec", report)
    words = next((x for x in parsed if isinstance(x, d.Words)), None)
    texts = {f.path: _text(f.text) for f in files} | {path: doc.text for path, doc in documents.items()}

    checker = Checker(report, lambda span: _quoted(texts[span.file], span))
    tables = Tables(sources, words, checker)
    for source in sources.values():
        for name in source.tables:
            tables.table(source.name, name, source.span)
    checked = {name: Specs(tables, tasks, words, checker, published).check(spec) for name, spec in specs.items()}

    relations = {name: table.relation for name, table in tables.known.items() if table is not None}
    for one in checked.values():
        if one is not None:
            relations |= {r.name: r for r in one.relations}
    broken = {x.label.span.file for x in report.diagnostics if x.severity == "error" and isinstance(x.label, Label)}
    compiled = {name: _finish(spec, checked[name], relations, sources, broken) for name, spec in specs.items()}
    return Compilation(documents, sources, tasks, compiled, words, relations, tuple(report.diagnostics), texts)


def _finish(
    spec: d.Spec,
    checked: Checked | None,
    relations: Mapping[str, p.Relation],
    sources: Mapping[str, d.Source],
    broken: set[str],
) -> Compiled:
    """The spec's plan, unless one of the files it reaches has an error."""
    file = _file(spec)
    if checked is None or file in broken or _file(checked.task) in broken:
        return Compiled(spec.name, file, spec, checked.task if checked else None, None)
    plan = lower(relations, spec.name, spec.expect)
    reached = {read.table.partition(".")[0] for read in plan.reads}
    sound = all(_file(sources[name]) not in broken for name in reached)
    return Compiled(spec.name, file, spec, checked.task, plan if sound else None)


def _file(node: d.Spec | d.Task | d.Source) -> str:
    return node.span.file if node.span is not None else ""


Named = TypeVar("Named", d.Source, d.Task, d.Spec)


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


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")
