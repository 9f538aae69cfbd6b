"""MAKE: read each file once, compute the examples of one spec after another, and write them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.lower import prune
from cxrspec.compiler.pipeline import Compiled
from cxrspec.compiler.serial import fingerprint
from cxrspec.runtime import manifest
from cxrspec.runtime.ahead import ahead
from cxrspec.runtime.behind import Behind
from cxrspec.runtime.census import Census, counts
from cxrspec.runtime.emitters import About
from cxrspec.runtime.execute import Bad, Computed, Engine, Execution
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.locate import Roots, uncollected
from cxrspec.runtime.picture_files import MISSING, PictureFiles
from cxrspec.runtime.reading import QUICK, Table, read_table
from cxrspec.runtime.timings import Timings
from cxrspec.runtime.unchanged import InPlace
from cxrspec.runtime.writing import Writer

Progress = Callable[[str], None]

_AHEAD = 12
"""Tables that are read ahead of the specs that need them."""

Files: TypeAlias = Mapping[str, tuple[manifest.File, ...]]
"""What was written of a spec, by format."""


@dataclass(frozen=True, slots=True)
class Made:
    """A spec that was made: its place in the manifest, and who and what its examples are of."""

    entry: manifest.Spec
    seen: Census


@dataclass(frozen=True, slots=True)
class Written:
    """A spec whose examples are computed, none of them of a bad row; the last may still be on their way into its files."""

    spec: Compiled
    computed: Sequence[Computed]
    warnings: Sequence[Diagnostic]
    writer: Writer
    pictures: PictureFiles
    done: Future[tuple[Files, Census]]


@dataclass(slots=True)
class Findings:
    """What was found in data so far, and the specs that it stopped."""

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    failed: dict[str, manifest.Failed] = field(default_factory=dict[str, manifest.Failed])

    def stopped(self, spec: Compiled, found: Iterable[Diagnostic]) -> bool:
        """Whether findings stop the spec; they are noted."""
        errors = [replace(d, spec=spec.name) for d in _errors(found)]
        if errors:
            row = spec.spec.published
            codes = tuple(sorted({d.code for d in errors}))
            self.diagnostics += errors
            self.failed[spec.name] = manifest.Failed(spec.name, codes, row.row if row else None)
        return bool(errors)


@dataclass(frozen=True, slots=True)
class Way:
    """How specs are made: from which files, by which draws and dialect, on which engine, how many, in which formats."""

    roots: Roots
    context: Context
    engine: Engine | None
    limit: int | None
    formats: Formats


class Making:
    """The specs of one run on their way into `folder`."""

    def __init__(
        self,
        place: InPlace,
        way: Way,
        folder: Path,
        findings: Findings,
        progress: Progress,
        timings: Timings,
    ) -> None:
        self.place = place
        self.way = way
        self.folder = folder
        self.findings = findings
        self.progress = progress
        self.timings = timings
        self.tables: dict[str, Table] = {}
        self.frames: dict[str, pl.DataFrame] = {}
        self.behind = Behind()

    def make(self, ready: Sequence[Compiled]) -> list[Made]:
        """Read what the specs need, compute and write them one by one; those that bad data stops are left out.

        Two other threads read ahead, and one writes behind.
        """
        empty = {
            r.name: r for spec in ready if spec.plan for r in spec.plan.relations if isinstance(r.nodes[0], p.Empty)
        }
        specs = {spec.name: spec for spec in ready}
        relations = {r.name: r for r in prune({**self.place.compilation.relations, **empty}, list(specs))}
        reads = {r.name: r.nodes[0] for r in relations.values() if isinstance(r.nodes[0], p.Read)}
        execution = self._execution(tuple(relations.values()), self.frames)
        needs = {name: [r for r in p.reached(relations, name) if r in reads] for name in specs}
        written: list[Written] = []
        order = in_order(needs, {name for name, read in reads.items() if read.format not in QUICK})
        names = dict.fromkeys(table for name in order for table in needs[name])
        tables_ahead = ahead(names, lambda name: self._table(reads[name]), _AHEAD)
        # For all threads together: else who has read one table turns the collector on for who still reads another.
        with uncollected(), closing(tables_ahead) as tables, self.behind:
            for name in order:
                for table in needs[name]:
                    if table not in self.tables:
                        self.progress(f"reading {table}")
                        with self._reading(reads[table]):
                            self._take(table, next(tables))
                self.progress(f"making {name}")
                begun = self._one(specs[name], execution, {table: self.tables[table] for table in needs[name]})
                if begun is not None:
                    written.append(begun)
            made = [one for each in written if (one := self._made(each)) is not None]
        self.way.roots.store.tidy()
        return made

    def _take(self, name: str, table: Table) -> None:
        """Note a table; its rows wait for the relation that takes them, and are not held here."""
        self.frames[name] = table.frame
        self.tables[name] = replace(table, frame=table.frame.clear())

    def _table(self, read: p.Read) -> Table:
        return read_table(read, [c.name for c in read.columns], self.way.roots, self.place.disk.record(read))

    def _reading(self, read: p.Read) -> AbstractContextManager[None]:
        return self.timings.of(read.table.partition(".")[0], "read")

    def _execution(self, relations: Sequence[p.Relation], frames: dict[str, pl.DataFrame]) -> Execution:
        return Execution(relations, frames.pop, self.way.context, self.way.engine, self.way.limit)

    def _one(self, spec: Compiled, execution: Execution, tables: Mapping[str, Table]) -> Written | None:
        """Compute one spec, and begin to write it; None after a finding in its data."""
        assert spec.plan is not None
        computed: list[Computed] | None = None
        pictures = PictureFiles(self.way.roots, self.way.context.images)
        writer = self._writer(spec, pictures)
        if not any(_errors(t.problems) for t in tables.values()):
            computed = self._examples(spec, execution, writer)
        if computed is None or any(c.bad for c in computed):
            # What another spec needs of a shared table is not this one's fault: look again with its own plan alone.
            self._discard(writer)
            tables = {}
            for read in spec.plan.reads:
                with self._reading(read):
                    tables[read.table] = self._table(read)
            if self.findings.stopped(spec, [d for t in tables.values() for d in t.problems]):
                return None
            pictures = PictureFiles(self.way.roots, self.way.context.images)
            writer = self._writer(spec, pictures)
            alone = self._execution(spec.plan.relations, {name: table.frame for name, table in tables.items()})
            computed = self._examples(spec, alone, writer)
        if self.findings.stopped(spec, [_bad_row(b, spec.name) for c in computed for b in c.bad]):
            self._discard(writer)
            return None
        with self._writing(spec):
            done = self.behind.do(partial(self._finished, writer))
        return Written(spec, computed, _warnings(spec.plan, tables), writer, pictures, done)

    def _writer(self, spec: Compiled, pictures: PictureFiles) -> Writer:
        assert spec.plan is not None
        asked = next(node for node in spec.plan.relations[-1].nodes if isinstance(node, p.Turns))
        forms = {form.name: form for form in asked.forms}
        about = About(forms, asked.dialogue, self.way.context.boxes, pictures.open)
        return Writer(self.folder / spec.name, self.way.formats, about)

    def _examples(self, spec: Compiled, execution: Execution, writer: Writer) -> list[Computed]:
        """Write the examples of a spec; what was counted in it and in all it is made from."""
        assert spec.plan is not None
        source = spec.spec.source.name

        def emit(examples: pl.DataFrame) -> None:
            with self._writing(spec):
                self.behind.do(partial(writer.add, examples))

        with self.timings.of(source, "plan"):
            *others, _ = execution.reached(spec.name)
            computed = [execution.compute(name) for name in others]
            if any(c.bad for c in computed):
                return computed
            generated = any(read.generated for read in spec.plan.reads)
            return [*computed, execution.examples(spec.name, source, generated, emit)]

    def _discard(self, writer: Writer) -> None:
        self.behind.wait()
        writer.discard()

    def _finished(self, writer: Writer) -> tuple[Files, Census]:
        """The files of a spec that is computed, by format, and the census of what they hold."""
        written, seen = writer.finish()
        return {name: tuple(self._file(path) for path in paths) for name, paths in written.items()}, seen

    def _file(self, path: Path) -> manifest.File:
        return manifest.File(path.relative_to(self.folder).as_posix(), path.stat().st_size, manifest.hash_file(path))

    def _writing(self, spec: Compiled) -> AbstractContextManager[None]:
        return self.timings.of(spec.spec.source.name, "write")

    def _made(self, one: Written) -> Made | None:
        """A spec that is written; None if there are more or fewer examples than it expects."""
        plan = one.spec.plan
        assert plan is not None
        with self._writing(one.spec):
            files, seen = one.done.result()
        if self.way.limit is None and self.findings.stopped(one.spec, _unexpected(plan, seen)):
            one.writer.discard()
            return None
        source = one.spec.spec.source.name
        one = replace(one, warnings=[*one.warnings, *_unseen(one.pictures)])
        self.findings.diagnostics += [replace(d, spec=one.spec.name) for d in one.warnings]
        self.timings.examples[source] += sum(side.rows for side in seen.values())
        with self.timings.of(source, "read"):
            inputs = self.place.inputs(plan) or {}
        with self._writing(one.spec):
            return Made(self._entry(one, inputs, files, seen), seen)

    # ---- the manifest

    def _entry(self, one: Written, inputs: Mapping[str, str], files: Files, seen: Census) -> manifest.Spec:
        spec = one.spec
        assert spec.plan is not None
        sources = sorted(spec.plan.sources)
        codes = [d.code for d in one.warnings]
        entry = manifest.Spec(
            name=spec.name,
            task="",
            source=spec.spec.source.name,
            plan=fingerprint(spec.plan),
            way=self.place.way_of(spec, sources),
            inputs=inputs,
            attrition=tuple(
                manifest.Step(x.relation, x.step, x.rows_in, x.rows_out) for c in one.computed for x in c.losses
            ),
            splits=counts(seen),
            files=files[self.way.formats.examples],
            others={name: files[name] for name in self.way.formats.others},
            warnings={code: codes.count(code) for code in sorted(set(codes))},
            authorities=self._authorities(spec.plan, inputs),
            sources=tuple(sources),
        )
        return self.place.declared(entry, spec)

    def _authorities(self, plan: p.Plan, inputs: Mapping[str, str]) -> tuple[manifest.Authority, ...]:
        """What splits the spaces of a plan, with the files it was read from."""
        relations = {r.name: r for r in plan.relations}
        read: dict[str, set[str]] = {}
        for relation in plan.relations:
            if relation.space:
                read.setdefault(relation.space, set()).update(p.reached(relations, relation.name))
        spaces = self.place.compilation.spaces
        return tuple(
            manifest.Authority(space, named.name, {name: inputs[name] for name in sorted(names & inputs.keys())})
            for space, names in sorted(read.items())
            if (named := spaces[space].authority)
        )


def in_order(needs: Mapping[str, Collection[str]], slow: Collection[str] = ()) -> list[str]:
    """Specs (with the tables that each needs) in an order in which what is read is soon done with.

    The next is one that needs something of what was read before, of these the one that needs the fewest others, of these
    the one with the fewest that are `slow` to read: they are read while the first examples are made.
    """
    left = {name: {*tables} for name, tables in sorted(needs.items())}
    read: set[str] = set()
    order: list[str] = []

    def rank(name: str) -> tuple[bool, int, int]:
        new = left[name] - read
        return read.isdisjoint(left[name]), len(new), len(new.intersection(slow))

    while left:
        name = min(left, key=rank)
        read |= left.pop(name)
        order.append(name)
    return order


def _errors(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [d for d in findings if d.severity == "error"]


def _warnings(plan: p.Plan, tables: Mapping[str, Table]) -> list[Diagnostic]:
    """What is odd about the columns that the plan reads; others of its tables are other specs' affair."""
    columns = {read.table: {None, *(c.name for c in read.columns)} for read in plan.reads}
    return [
        found
        for name, table in tables.items()
        for found in table.problems
        if found.severity == "warning"
        and (found.label.column if isinstance(found.label, DataPlace) else None) in columns[name]
    ]


def _unseen(pictures: PictureFiles) -> list[Diagnostic]:
    """A finding if a format that holds pictures lacks some."""
    missing = len(pictures.missing)
    if not missing:
        return []
    what = "1 picture is" if missing == 1 else f"{missing:,} pictures are"
    help = "put them there, or name the folder of their copies in `[images.<source>]`, and run again"
    return [Diagnostic(MISSING, "warning", f"{what} not there: samples lack them", help=(help,))]


def _bad_row(bad: Bad, spec: str) -> Diagnostic:
    rows = "1 row breaks" if bad.rows == 1 else f"{bad.rows:,} rows break"
    return Diagnostic(
        "CXR751",
        "error",
        f"{rows} a rule of `{bad.relation}`: {bad.check}",
        help=(f"`cxrspec show {spec} --stage plan` prints the rule",),
    )


def _unexpected(plan: p.Plan, seen: Census) -> list[Diagnostic]:
    """Findings for splits whose number of examples is outside of `expect`."""
    found: list[Diagnostic] = []
    there = counts(seen)
    for split, least, most in plan.expect:
        rows = there[split].rows
        if not least <= rows <= most:
            wanted = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            found.append(Diagnostic("CXR752", "error", f"{rows:,} examples in {split}, expected {wanted}"))
    return found
