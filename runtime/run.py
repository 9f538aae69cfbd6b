"""RUN: see what there is, make the examples, look at them together, describe them, and put the new output in place."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from cxrspec.compiler.bodies import Context
from cxrspec.compiler.diagnostics import Diagnostic, Severity
from cxrspec.compiler.dialects import DIALECTS
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.terms import freer, given
from cxrspec.runtime import card, croissant, manifest, stats
from cxrspec.runtime.census import Census, read_census, torn
from cxrspec.runtime.emitters import emitter, scan, sharegpt
from cxrspec.runtime.formats import REGISTERED
from cxrspec.runtime.locate import problem
from cxrspec.runtime.making import Findings, Made, Making, Progress, Way
from cxrspec.runtime.moves import changes, moves
from cxrspec.runtime.output import CARD, CROISSANT, MANIFEST, REGISTRY, Building, carry, open_output
from cxrspec.runtime.pictures import copies
from cxrspec.runtime.request import Request, Result
from cxrspec.runtime.stages import prompt_counts
from cxrspec.runtime.timings import Timings
from cxrspec.runtime.unchanged import InPlace, Work


def run(
    compilation: Compilation,
    request: Request,
    progress: Progress = lambda _: None,
    timings: Timings | None = None,
) -> Result:
    """Make the examples of the requested specs that are not in place as they would be made.

    Raises:
        OutputError: as `make`.
    """
    place = InPlace(compilation, request)
    return place.unchanged() or make(place, progress, timings or Timings())


def make(place: InPlace, progress: Progress, timings: Timings) -> Result:
    """Make the examples that are not in place as they would be made, and put the new output there.

    A spec that bad data stops keeps what it had in the previous output; the others go on. One that data-use terms keep
    from this format has nothing in it, and what it had goes. `timings` is told how long it takes, and with how much memory.

    Raises:
        OutputError: the output cannot be written, is being written by another run, or belongs to another seed.
    """
    return _Run(place, progress, timings).run()


class _Run:
    """One run on its way."""

    def __init__(self, place: InPlace, progress: Progress, timings: Timings) -> None:
        self.place = place
        self.compilation = place.compilation
        self.request = place.request
        self.progress = progress
        self.timings = timings
        self.settings = place.settings
        self.findings = Findings()
        self.before: dict[str, Census] = {}

    def run(self) -> Result:
        place = self.place
        with open_output(self.settings.out) as building:
            place.look()  # another run may have put something else there since
            place.go_on()
            work = place.work()
            self.findings = Findings(work.diagnostics, work.failed)
            made = self.making(building).make([spec for spec in work.todo if not self.refused(spec.name)])
            made = self.steady(made, building)
            made = self.accepted(made, building)
            made = self.one_side(made, building)
            kept = self.carry(made, building)
            result = self.describe(made, kept, work, building)
            gone = any(self.refused(name) for name in place.entries)
            if made or gone or (place.before is not None and not work.failed and not place.stands(result)):
                building.publish()
                place.disk.written(file for one in made for file in one.entry.written)
                place.save(result)
        return Result(
            result,
            tuple(one.entry.name for one in made),
            tuple(name for name in work.kept if name not in work.failed),
            tuple(work.unavailable.values()),
            tuple(work.failed),
            work.diagnostics,
        )

    def making(self, building: Building) -> Making:
        context = Context(self.settings.seed, DIALECTS[self.request.boxes], copies(self.settings))
        way = Way(self.place.roots, context, self.request.engine, self.request.limit, self.request.emit)
        return Making(self.place, way, building.folder, self.findings, self.progress, self.timings)

    def refused(self, name: str) -> bool:
        """Whether the terms of a source that the spec is made from keep it out of one of the formats; said once."""
        spec = self.compilation.specs.get(name)
        if spec is None or spec.plan is None:
            return False
        needs = {format: emitter(format).NEEDS for format in self.request.emit.all if emitter(format).NEEDS}
        found = [one for format in needs for one in self.unfit(format, needs[format], self.place.plan(spec).sources)]
        if found and name not in self.findings.failed:
            self.findings.stopped(spec, found)
        return bool(found)

    def unfit(self, format: str, needs: Mapping[str, str], sources: Collection[str]) -> list[Diagnostic]:
        """The finding that examples made from `sources` may not stand in a format with these needs, if they may not."""
        missed = [
            f"`{source}` has `{term}: {given(use, term)}`"
            for term, needed in needs.items()
            for source in sorted(sources)
            if freer(term, needed, given(use := dict(self.compilation.sources[source].use), term))
        ]
        if not missed:
            return []
        needed = ", ".join(f"`{term}: {word}`" for term, word in needs.items())
        message = f"no examples in the format `{format}`, which needs {needed}: {', '.join(missed)}"
        help = "`--select` names specs of other sources; another format does not send the data away"
        return [Diagnostic("CXR815", "error", message, help=(help,))]

    # ---- the manifest

    def kept(self, made: Iterable[Made]) -> list[manifest.Spec]:
        """The specs of the previous output that stay: they are not made anew, and may be there."""
        kept = self.place.kept(one.entry.name for one in made)
        return [spec for spec in kept if not self.refused(spec.name)]

    def carry(self, made: Iterable[Made], building: Building) -> list[manifest.Spec]:
        """Bring the files of the specs that are kept into the new output."""
        kept = self.kept(made)
        for spec in kept:
            carry(self.settings.out, building.folder, [f.path for f in spec.written])
        return kept

    def describe(
        self, made: Sequence[Made], kept: Sequence[manifest.Spec], work: Work, building: Building
    ) -> manifest.Manifest:
        """Write manifest.json, the card, croissant.json and, if it is asked for, a registry."""
        whole = self.place.described([*(one.entry for one in made), *kept], work, bool(made))
        manifest.write(whole, building.folder)
        counted = stats.count(whole.specs, self.seen(made, kept))
        text = card.card(whole, counted, stats.published(), prompt_counts(self.compilation, whole.specs))
        (building.folder / CARD).write_text(text, encoding="utf-8")
        text = croissant.croissant(whole, manifest.hash_file(building.folder / MANIFEST))
        (building.folder / CROISSANT).write_text(text, encoding="utf-8")
        if REGISTERED in whole.others:
            (building.folder / REGISTRY).write_text(sharegpt.registry(whole), encoding="utf-8")
        return whole

    # ---- what is asked of all examples together

    def steady(self, made: list[Made], building: Building) -> list[Made]:
        """The specs of `made` whose files are still as they were when the run looked for them; the others are stopped."""
        plans = {one.entry.name: self.place.plan(self.compilation.specs[one.entry.name]) for one in made}
        records = {read.table: self.place.disk.record(read) for plan in plans.values() for read in plan.reads}
        moved = {table for table, record in records.items() if record is None or not record.holds()}
        for name, plan in plans.items():
            tables = sorted(moved & {read.table for read in plan.reads})
            found = [problem("CXR616", "its files changed while they were read", table) for table in tables]
            if self.findings.stopped(self.compilation.specs[name], found):
                shutil.rmtree(building.folder / name)
        return [one for one in made if one.entry.name not in self.findings.failed]

    def accepted(self, made: list[Made], building: Building) -> list[Made]:
        """`made`, or nothing, where the authority of a space changed and examples would move to another split by it."""
        severity: Severity = "warning" if self.request.accept_moves else "error"
        stopped = False
        for spec in (one.entry for one in made):
            was = self.place.entries.get(spec.name, spec)
            if was.authorities == spec.authorities or not was.files or not spec.files:
                continue
            moved = moves(self.scan(was, self.settings.out), self.scan(spec, building.folder))
            if not moved:
                continue
            rows = sum(counts.rows for counts in was.splits.values())
            message = f"{moved:,} of {rows:,} examples move to another split"
            help = (*changes(was.authorities, spec.authorities), "`--accept-moves` lets them")
            self.findings.diagnostics.append(Diagnostic("CXR814", severity, message, help=help, spec=spec.name))
            if not self.request.accept_moves:
                self.findings.failed[spec.name] = manifest.Failed(spec.name, ("CXR814",), spec.row)
                stopped = True
        return [] if stopped else made

    def one_side(self, made: list[Made], building: Building) -> list[Made]:
        """The specs of `made` that leave every patient on one side of the split; the others are stopped.

        Looked at together with what is kept, without those that say `own_split`. In a published run it is a warning:
        the defect is part of the row.
        """
        while made:
            seen = self.seen(made, self.kept(made))
            double = torn({n: one for n, one in seen.items() if not self.compilation.specs[n].spec.own_split})
            leaking = [one for one in made if one.entry.name in double]
            for one in leaking:
                self.leak(one.entry, double[one.entry.name])
            if not leaking or self.request.published:
                break
            for one in leaking:
                shutil.rmtree(building.folder / one.entry.name)
            made = [one for one in made if one not in leaking]
        return made

    def leak(self, spec: manifest.Spec, patients: int) -> None:
        severity: Severity = "warning" if self.request.published else "error"
        message = f"{patients:,} of its patients and studies stand in more than one split"
        help = ("one split for all specs of a space keeps a patient on one side",)
        self.findings.diagnostics.append(Diagnostic("CXR813", severity, message, help=help, spec=spec.name))
        if severity == "error":
            self.findings.failed[spec.name] = manifest.Failed(spec.name, ("CXR813",), spec.row)

    def seen(self, made: Iterable[Made], kept: Sequence[manifest.Spec]) -> dict[str, Census]:
        """By spec who its examples are about, in this run and in the output in place, which is looked at once."""
        for spec in kept:
            if spec.name not in self.before:
                self.before[spec.name] = read_census(self.scan(spec, self.settings.out))
        return {spec.name: self.before[spec.name] for spec in kept} | {one.entry.name: one.seen for one in made}

    def scan(self, spec: manifest.Spec, folder: Path) -> pl.LazyFrame:
        return scan(self.request.emit.examples, [folder / file.path for file in spec.files])
