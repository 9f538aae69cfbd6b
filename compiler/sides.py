"""CHECK, the part about which side a row stands on: what is called two splits and is one, and patients that a rule parts.

That no patient stands on two sides is looked at on every run. Here is what can be said before: of the rule, not of rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Label, Report, Span
from cxrspec.compiler.flows import Known, Table
from cxrspec.compiler.identity import ids, usable
from cxrspec.compiler.specs import Checked
from cxrspec.compiler.types import SPLIT


def check_sides(declared: Declared, known: Known, specs: Iterable[tuple[d.Spec, Checked]], report: Report) -> None:
    """Report one set of rows called two splits (CXR435), holdouts that part patients (CXR436), rows whose patients are
    passed over (CXR437), and those of a space that their source does not name (CXR438)."""
    for source in declared.sources.values():
        for name, split in source.splits.items():
            _two_in_one(name, split, source, report)
        _same_files(source, report)
    for spec, checked in specs:
        source = declared.sources[spec.source.name]
        start = known.tables.get(spec.start.name if "." in spec.start.name else f"{source.name}.{spec.start.name}")
        if start is not None:
            _passed_over(spec, source, start, report)
            _parted(spec, source, start, declared, report)
        _of_another_space(spec, checked, source, known, declared, report)


# ---- one set of rows, two splits


def _two_in_one(name: str, split: d.Split, source: d.Source, report: Report) -> None:
    """A finding if a split gives the same rows to two splits, or both parts of a cut to one."""
    match split:
        case d.ListSplit(lists):
            seen: dict[object, tuple[str, s.Name]] = {}
            for word, table in sorted(lists, key=lambda pair: pair[1].span or Span("", 0, 0)):
                other, first = seen.setdefault(_rows(source.tables.get(table.name)) or table.name, (word, table))
                if other != word:
                    alike = "" if first.name == table.name else f", which has the rows of `{first.name}`,"
                    _one(f"`{table.name}`{alike} is `{other}` and `{word}` at once", table.span, first.span, report)
        case d.HoldoutSplit(cut):
            words = list(_words(cut))
            for word in dict.fromkeys(word for word in words if words.count(word) > 1):
                help = "each part of a cut is a split of its own"
                report.error("CXR435", split.span, f"two parts of the holdout `{name}` are `{word}`", help=help)
        case _:
            pass


def _same_files(source: d.Source, report: Report) -> None:
    """A finding if the rows of the same files are one split in one table, and another in another."""
    seen: dict[object, tuple[object, Span]] = {}
    for table in source.tables.values():
        for column, span in table.columns.values() if isinstance(table, d.ReadTable) else ():
            if column.type == SPLIT and column.constant is not None:
                word, place = seen.setdefault(_rows(table), (column.constant, span))
                if word != column.constant:
                    _one(f"the same files are `{word}` and `{column.constant}`", span, place, report)


def _one(message: str, span: Span | None, other: Span | None, report: Report) -> None:
    others = (Label(other, "the other one"),) if other is not None else ()
    help = "a model would be chosen on the rows that it is tested on, or tested on those it has learnt from"
    report.error("CXR435", span, message, others=others, help=help)


def _rows(table: d.Table | None) -> object:
    """What the rows of a table are, whatever it is called: the places they are read from, or how they are made."""
    match table:
        case d.ReadTable(read=read):
            return read.format, read.files, read.packed, read.rows
        case d.DerivedTable(start=start, steps=steps):
            return start, steps
        case None:
            return None


def _words(cut: d.Cut) -> Iterable[str]:
    return (cut.kept, cut.held) if isinstance(cut.held, str) else (cut.kept, *_words(cut.held))


# ---- patients


def _passed_over(spec: d.Spec, source: d.Source, start: Table, report: Report) -> None:
    """A finding if a spec has no identity, and its rows have one."""
    named = usable(source, start.columns)
    if spec.identity == "none" and named:
        listed = ", ".join(f"`{name.name}`" for name in dict.fromkeys(ids(named[0])))
        message = f"`identity: none`, and the rows of `{start.relation.name}` have {listed}"
        others = (Label(named[0].span, "the identity is declared here"),) if named[0].span else ()
        help = "leave `identity` out: a patient is kept on one side of the split only where it is known who he is"
        report.error("CXR437", spec.identity_span, message, others=others, help=help)


def _parted(spec: d.Spec, source: d.Source, start: Table, declared: Declared, report: Report) -> None:
    """A finding if a holdout is drawn by something finer than the patient (than the study, where none is released)."""
    name = spec.split.name if spec.split is not None else next(iter(source.splits), "")
    split = source.splits.get(name)
    if not isinstance(split, d.HoldoutSplit) or spec.own_split or "split" in spec.overlaid or spec.identity == "none":
        return
    for identity in usable(source, start.columns):
        unit = {n.name for n in identity.patient or identity.study}
        finer = {n.name for n in identity.study} | {*(start.key or ())}
        if identity.space not in declared.spaces and split.key.name in finer - unit:
            who = "patient" if identity.patient else "study"
            listed = ", ".join(f"`{n.name}`" for n in identity.patient or identity.study)
            message = (
                f"the holdout `{name}` is drawn by `{split.key.name}`, and rows of one {who} may stand on two sides"
            )
            others = [
                Label(span, text)
                for span, text in ((split.span, "declared here"), (identity.span, f"a {who} is {listed}"))
                if span is not None
            ]
            help = f"`key:` names what a {who} is; `ratio` draws by the patient, else by the study"
            report.warning("CXR436", (spec.split or spec.source).span, message, others=others, help=help)


def _of_another_space(
    spec: d.Spec, checked: Checked, source: d.Source, known: Known, declared: Declared, report: Report
) -> None:
    """A finding for each source whose patients have one split for all, and count as others in this spec."""
    spaces = {identity.space for identity in source.identity}
    for other in _sources(checked, known):
        named = [identity for identity in declared.sources[other].identity if identity.space in declared.spaces]
        if other != source.name and named and not spaces & {i.space for i in declared.sources[other].identity}:
            space = named[0].space
            message = f"rows of `{other}`, whose patients are of the space `{space}`, and of other spaces here"
            others = [
                Label(span, text)
                for span, text in (
                    (declared.spaces[space].span, "they have one split for all"),
                    (source.identity[0].span, f"the identity of `{source.name}`"),
                )
                if span is not None
            ]
            help = f"an identity of `{source.name}` with `space: {space}` and the ids of that space keeps its patients on their side"
            report.warning("CXR438", spec.source.span, message, others=others, help=help)


def _sources(checked: Checked, known: Known) -> list[str]:
    """The sources of all tables that a spec is made from, but for those that only say the split."""
    tables = {name: table.relation for name, table in known.tables.items() if table is not None}
    relations = {**tables, **known.relations}
    named = [name for name in checked.relation.uses if name in tables]
    reached = {one for name in named for one in p.reached(relations, name)}
    return sorted({name.partition(".")[0] for name in reached & tables.keys()})
