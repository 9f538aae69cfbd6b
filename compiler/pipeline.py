"""The compiler, from text to plan. Read this first.

    load      text              -> Document      (document.py; schema.py checks its form)
    parse     Document          -> declarations  (parse.py, grammar.py: expressions and prompts become trees)
    check     declarations      -> relations     (tables.py, specs.py, forms.py, expressions.py: names, types, nulls;
                                                  lint.py: how prompts read; leaks.py: whether they print the answer)
    check     all files together                 (licenses.py, sides.py, matches.py, unused.py)
    lower     relations         -> Plan          (lower.py drops what no example needs)

A file is loaded and parsed by itself (parsed.py). What all files declare (declared.py) is checked in pieces: all
sources, each task, each spec. A piece has findings of its own and changes nothing that another one sees.
to_polars.py takes it from there, when there is data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, partial

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.catalog import File, as_text
from cxrspec.compiler.certain import certain
from cxrspec.compiler.declared import Declared, declare, file_of
from cxrspec.compiler.diagnostics import Diagnostic, Label, Report, Span, combined
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.flows import Known, Table
from cxrspec.compiler.follow import follow
from cxrspec.compiler.forms import Asked
from cxrspec.compiler.ignoring import Ignored, ignore
from cxrspec.compiler.leaks import Ways, check_leaks, check_leaks_alone
from cxrspec.compiler.licenses import check_licenses
from cxrspec.compiler.lower import lower
from cxrspec.compiler.matches import check_matches
from cxrspec.compiler.parsed import Memo, Parsed, parse_file
from cxrspec.compiler.pieces import SOURCES, Around, Piece, Pieces, settled
from cxrspec.compiler.sides import check_sides
from cxrspec.compiler.specs import Checked, check_spec, check_task
from cxrspec.compiler.tables import Tables, check_tables
from cxrspec.compiler.unused import check_unused

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

    `parsed` is by path what each file says by itself. `tables` are those of all sources, as specs see them. `relations`
    holds every checked table and spec by name, not yet pruned: lower.prune makes the plan of a whole run from it.
    `ignored` are findings that a comment keeps quiet. `texts` are the files by path, for drawing findings.
    """

    parsed: Mapping[str, Parsed]
    sources: Mapping[str, d.Source]
    licenses: Mapping[str, d.License]
    spaces: Mapping[str, d.Space]
    tasks: Mapping[str, d.Task]
    specs: Mapping[str, Compiled]
    words: d.Words
    tables: Mapping[str, Table | None]
    relations: Mapping[str, p.Relation]
    diagnostics: tuple[Diagnostic, ...]
    ignored: tuple[Ignored, ...]
    texts: Mapping[str, str]

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(found.severity == "error" for found in self.diagnostics)


def compile(
    files: Sequence[File], published: bool = False, memo: Memo | None = None, pieces: Pieces | None = None
) -> Compilation:
    """Compile all files together; the first of two declarations of one name holds.

    `memo` keeps from one call to the next what files say, and `pieces` what was checked of it; what comes out is the
    same without them.
    """
    kept = Pieces() if pieces is None else pieces
    texts = {file.path: as_text(file.text) for file in files}
    parsed = {file.path: parse_file(file, published, memo) for file in files}
    report = Report([found for one in parsed.values() for found in one.findings])
    declared = kept.settled(declare(files, parsed, texts, published, report))

    sources = kept.piece(SOURCES, (), Around(declared), partial(_sources, kept.known()))
    ways = kept.get(
        ("ways",),
        (sources,),
        (declared.sources,),
        lambda seen: Ways(sources.value.tables, sources.value.relations, seen[0]),
    )
    around = Around(declared, sources.value)
    tasks = {name: kept.piece(("task", name), (task,), around, _task) for name, task in declared.tasks.items()}
    asked = {name: task.value for name, task in tasks.items()}
    around = replace(around, asked=asked)
    specs = {name: kept.piece(("spec", name), (spec,), around, _spec) for name, spec in declared.specs.items()}
    leaks = [
        kept.piece(("leaks", name), (declared.specs[name], one, ways), around, _leaks) for name, one in specs.items()
    ]
    for piece in (sources, *tasks.values(), *leaks):
        report.extend(piece.findings)
    # What can only be said of all files together is said here.
    sound = [(declared.specs[name], one.value) for name, one in specs.items() if one.value is not None]
    check_licenses(declared, report)
    check_sides(declared, sources.value, sound, report)
    followed = follow(declared, sources.value, [(spec, checked.task) for spec, checked in sound])
    check_matches(followed, report)
    check_unused(followed, declared, report)
    filled = {spec.task.name for spec in declared.specs.values()}
    for name, one in asked.items():
        if one is not None and name not in filled:
            check_leaks_alone(declared.tasks[name], one.spoken, report)
    hidden = OF_WORDS if "words" in declared.lost else ()
    said = [certain(found, texts) for found in _once(one for one in report.diagnostics if one.code not in hidden)]
    stand, ignored = ignore(said, {path: one.comments for path, one in parsed.items()}, published, declared.own)

    relations = {name: table.relation for name, table in sources.value.tables.items() if table}
    relations |= sources.value.relations
    for name, spec in specs.items():
        if spec.value is not None:
            relations |= {**spec.value.lookups, name: spec.value.relation}
    errors = _errors(report.diagnostics)
    compiled = {
        name: _finish(spec, specs[name].value, relations, declared, errors, kept)
        for name, spec in declared.specs.items()
    }
    kept.turn()
    return Compilation(
        parsed,
        declared.sources,
        declared.licenses,
        declared.spaces,
        declared.tasks,
        compiled,
        declared.words,
        sources.value.tables,
        relations,
        tuple(stand),
        tuple(ignored),
        texts,
    )


def _sources(last: Known | None, around: Around) -> Piece[Known]:
    """What is checked of all sources, spaces and words together; what is as it was in the `last` is the very same."""
    report = Report()
    known = check_tables(around.declared, Checker(report, around.declared.quoted))
    if last is not None:
        tables, relations = settled(known.tables, last.tables), settled(known.relations, last.relations)
        known = replace(known, tables=tables, relations=relations)
    return Piece(known, tuple(report.diagnostics))


def _task(task: d.Task, around: Around) -> Piece[Asked | None]:
    """What is checked of one task, whatever its specs are."""
    report = Report()
    asked = check_task(task, _tables(around, report))
    return Piece(asked, tuple(report.diagnostics))


def _spec(spec: d.Spec, around: Around) -> Piece[Checked | None]:
    """What is checked of one spec, with what it reaches."""
    report = Report()
    checked = check_spec(spec, around.declared, _tables(around, report), around.asked)
    return Piece(checked, tuple(report.diagnostics))


def _leaks(spec: d.Spec, checked: Piece[Checked | None], ways: Ways, around: Around) -> Piece[None]:
    """Whether the prompts of a spec say what it answers; its other findings come first."""
    report = Report(list(checked.findings))
    if checked.value is not None:
        check_leaks(spec, checked.value, ways, around.declared.published, report)
    return Piece(None, tuple(report.diagnostics))


def _tables(around: Around, report: Report) -> Tables:
    """The tables that are known, with findings that go to `report`."""
    return Tables(around.declared, Checker(report, around.declared.quoted), around.known)


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What is said of a place is said once, however many specs come by it on different ways.

    A name that is unknown in several places of a file is one finding: mostly its declaration is what is misspelt. So
    are findings that hang on one declaration: mostly its type is what is wrong.
    """
    first: dict[tuple[str, Span | None, str], Diagnostic] = {}
    for found in diagnostics:
        first.setdefault((found.code, _span(found), found.message), found)
    groups: dict[object, list[Diagnostic]] = {}
    for found in first.values():
        alike = (
            replace(found, label=None, fix=None),
            isinstance(found.label, Label) and (found.label.span.file, found.label.text),
        )
        groups.setdefault(alike if found.code.startswith("CXR2") else found, []).append(found)
    return [_merged(group) for group in _by_cause(_merged(group) for group in groups.values())]


def _by_cause(diagnostics: Iterable[Diagnostic]) -> list[list[Diagnostic]]:
    """Errors that hang on one declaration, directly or by way of others, in groups; a warning stands alone, since it
    can be ignored at its place."""
    groups: list[list[Diagnostic]] = []
    for found in diagnostics:
        near = [g for g in groups if any(_hang_together(found, other) for other in g)]
        together = [other for group in near for other in group] + [found]
        groups = [group for group in groups if group not in near] + [together]
    return groups


def _hang_together(one: Diagnostic, other: Diagnostic) -> bool:
    named = one.code.startswith("CXR2") or other.code.startswith("CXR2")
    alike = one.message == other.message if named else one.severity == other.severity == "error"
    return alike and not {*one.causes}.isdisjoint(other.causes)


def _span(found: Diagnostic) -> Span | None:
    return found.label.span if isinstance(found.label, Label) else None


def _merged(group: Sequence[Diagnostic]) -> Diagnostic:
    """The first of these findings, where their cause is declared if it is there, with the places of the others and the
    fix for all of them."""
    files = {span.file for found in group for span in found.causes}
    order = [(span.file not in files, span, found) for found in group if (span := _span(found) or Span("", 0, 0))]
    (_, _, first), *more = sorted(order, key=lambda one: one[:2])
    places = [Label(span, "and here" + (f": {one.message}" * (one.message != first.message))) for _, span, one in more]
    others: dict[Span, Label] = {}
    for label in [label for found in (first, *(one for _, _, one in more)) for label in found.others]:
        others.setdefault(label.span, label)  # of a place the first that is said
    fix = combined(found.fix for found in group)
    return replace(first, others=(*others.values(), *places), fix=fix)


def _errors(diagnostics: Sequence[Diagnostic]) -> dict[str, set[str]]:
    """The codes of the errors in each file."""
    found: dict[str, set[str]] = {}
    for one in diagnostics:
        if one.severity == "error" and isinstance(one.label, Label):
            found.setdefault(one.label.span.file, set()).add(one.code)
    return found


class _Lowered:
    """The plan of a spec, and the sources it takes anything from, which are found where somebody asks."""

    def __init__(self, spec: d.Spec, relations: Mapping[str, p.Relation]) -> None:
        self.plan = lower(relations, spec.name, spec.expect)

    @cached_property
    def sources(self) -> Set[str]:
        return self.plan.sources


def _finish(
    spec: d.Spec,
    checked: Checked | None,
    relations: Mapping[str, p.Relation],
    declared: Declared,
    errors: Mapping[str, set[str]],
    kept: Pieces,
) -> Compiled:
    """The spec's plan, unless one of the files that it reaches, or that its plan reads by, has an error."""
    nodes = (spec, declared.tasks.get(spec.task.name), declared.sources.get(spec.source.name))
    files = {file_of(node) for node in nodes if node is not None} | {f for f in errors if f in declared.words_files}
    task = checked.task if checked is not None else None
    if checked is not None and not files & errors.keys():
        lowered = kept.get(("plan", spec.name), (spec, checked), (relations,), lambda seen: _Lowered(spec, *seen))
        taken = lowered.sources if errors else frozenset[str]()  # without an error no file was lost
        files |= {file_of(declared.sources[name]) for name in taken & declared.sources.keys()}
        if not files & errors.keys() and taken <= declared.sources.keys():
            return Compiled(spec.name, file_of(spec), spec, task, lowered.plan)
    codes = sorted({code for one in files & errors.keys() or errors for code in errors[one]})
    return Compiled(spec.name, file_of(spec), spec, task, None, tuple(codes))
