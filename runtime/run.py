"""RUN: see what there is, make the examples, look at them together, describe them, and put the new output in place."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import polars as pl

from cxrspec.compiler.bodies import Context
from cxrspec.compiler.diagnostics import Diagnostic, Severity
from cxrspec.compiler.dialects import DEFAULT, DIALECTS
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.terms import freer, given
from cxrspec.runtime import card, manifest, stats
from cxrspec.runtime.census import Census, read_census, torn
from cxrspec.runtime.emitters import emitter
from cxrspec.runtime.execute import Engine
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.making import Findings, Made, Making, Progress, Way
from cxrspec.runtime.moves import changes, moves
from cxrspec.runtime.output import Building, OutputError, carry, open_output
from cxrspec.runtime.pictures import copies
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.sources import Presence, at_hand, lacking
from cxrspec.runtime.timings import Timings


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked for. `boxes` is the dialect in which they are printed; `named` are specs selected by their own
    name: for them, absence is a failure."""

    settings: Settings
    specs: Sequence[Compiled]
    named: frozenset[str] = frozenset()
    published: bool = False
    emit: str = "parquet"
    boxes: str = DEFAULT
    limit: int | None = None
    demo: bool = False
    accept_moves: bool = False
    engine: Engine = "streaming"


@dataclass(slots=True)
class Result:
    """What came of it: the new manifest, the specs that were made now (others may be kept), the findings in data."""

    manifest: manifest.Manifest
    made: tuple[str, ...] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def failed(self) -> bool:
        """Whether anything that was asked for is not there."""
        return bool(self.manifest.failed) or any(d.severity == "error" for d in self.diagnostics)


def run(
    compilation: Compilation,
    request: Request,
    progress: Progress = lambda _: None,
    timings: Timings | None = None,
) -> Result:
    """Make the examples of the requested specs and put them in place.

    A spec that bad data stops keeps what it had in the previous output; the others go on. One that data-use terms keep
    from this format has nothing in it, and what it had goes. `timings` is told how long it takes, and with how much memory.

    Raises:
        OutputError: the output cannot be written, is being written by another run, or belongs to another seed.
    """
    return _Run(compilation, request, progress, timings or Timings()).run()


class _Run:
    """One run on its way."""

    def __init__(self, compilation: Compilation, request: Request, progress: Progress, timings: Timings) -> None:
        self.compilation = compilation
        self.request = request
        self.progress = progress
        self.timings = timings
        self.settings = request.settings
        self.roots = Roots(self.settings.data, self.settings.sources)
        self.findings = Findings()
        self.before: dict[str, Census] = {}
        self.unavailable: dict[str, manifest.Unavailable] = {}
        self.presence = Presence(self.roots)
        self.emitter = emitter(request.emit)

    def run(self) -> Result:
        with open_output(self.settings.out) as building:
            before = self.previous()
            made = self.making(building).make(self.available())
            made = self.accepted(made, before, building)
            made = self.one_side(made, before, building)
            kept = self.carry(before, made, building)
            result = self.describe(made, kept, building)
            if made or (before is not None and any(self.refused(spec.name) for spec in before.specs)):
                building.publish()
        return Result(result, tuple(spec.entry.name for spec in made), self.findings.diagnostics)

    def making(self, building: Building) -> Making:
        context = Context(self.settings.seed, DIALECTS[self.request.boxes], copies(self.settings))
        way = Way(self.roots, context, self.request.engine, self.request.limit, self.emitter)
        return Making(self.compilation, way, building.folder, self.findings, self.progress, self.timings)

    # ---- what there is

    def previous(self) -> manifest.Manifest | None:
        """The manifest of the output in place, if it was made the same way."""
        before = manifest.read(self.settings.out)
        if before is None:
            return None
        request = self.request
        ours = {
            "seed": self.settings.seed,
            "mode": self.mode,
            "format": request.emit,
            "boxes": request.boxes,
            "limit": request.limit or "none",
            "made-up data": "yes" if request.demo else "no",
        }
        theirs = {
            "seed": before.seed,
            "mode": before.mode,
            "format": before.emit,
            "boxes": before.boxes,
            "limit": before.limit or "none",
            "made-up data": "yes" if before.demo else "no",
        }
        keeps = {s.name for s in before.specs} - {s.name for s in self.request.specs}
        if ours != theirs and keeps:
            what = ", ".join(f"{name} {theirs[name]}" for name in ours if ours[name] != theirs[name])
            raise OutputError(
                "CXR811",
                f"the output holds {len(keeps)} other specs, made with {what}",
                "choose another folder with --out, or run all of them alike",
            )
        return before if ours == theirs else None

    @property
    def mode(self) -> Literal["default", "published"]:
        return "published" if self.request.published else "default"

    def available(self) -> list[Compiled]:
        """The specs whose plan and files are there; the others are noted with the reason."""
        ready: list[Compiled] = []
        for spec in self.request.specs:
            row = spec.spec.published
            if spec.plan is None:
                self.findings.failed[spec.name] = manifest.Failed(spec.name, spec.errors, row.row if row else None)
                continue
            plan = at_hand(spec.plan, self.presence)
            lacks = lacking(plan, self.presence)
            if self.request.published and row is not None and not row.rebuilds and (lacks or not row.overlaid):
                self.absent(spec, f"rebuilds: no ({row.because})")
            elif lacks:
                self.absent(spec, lacks)
            elif not self.refused(spec.name):
                ready.append(replace(spec, plan=plan))
        return ready

    def refused(self, name: str) -> bool:
        """Whether the terms of a source that the spec is made from keep it out of this format; said once."""
        spec = self.compilation.specs.get(name)
        if spec is None or spec.plan is None or not self.emitter.NEEDS:
            return False
        sources = sorted(at_hand(spec.plan, self.presence).sources)
        uses = {source: dict(self.compilation.sources[source].use) for source in sources}
        missed = [
            f"`{source}` has `{term}: {given(use, term)}`"
            for term, needed in self.emitter.NEEDS.items()
            for source, use in uses.items()
            if freer(term, needed, given(use, term))
        ]
        if missed and name not in self.findings.failed:
            needs = ", ".join(f"`{term}: {needed}`" for term, needed in self.emitter.NEEDS.items())
            message = f"no examples in the format `{self.request.emit}`, which needs {needs}: {', '.join(missed)}"
            help = "`--select` names specs of other sources; another format does not send the data away"
            self.findings.stopped(spec, [Diagnostic("CXR815", "error", message, help=(help,))])
        return bool(missed)

    def absent(self, spec: Compiled, reason: str) -> None:
        row = spec.spec.published
        self.unavailable[spec.name] = manifest.Unavailable(spec.name, reason, row.row if row else None)
        if spec.name in self.request.named:
            self.findings.diagnostics.append(Diagnostic("CXR812", "error", f"not available: {reason}", spec=spec.name))

    # ---- the manifest

    def kept(self, before: manifest.Manifest | None, made: Iterable[Made]) -> list[manifest.Spec]:
        """The specs of the previous output that are not made anew; one that is no more, or may not be there, goes."""
        new = {spec.entry.name for spec in made}
        old = before.specs if before is not None else ()
        still = [spec for spec in old if spec.name not in new and spec.name in self.compilation.specs]
        return [spec for spec in still if not self.refused(spec.name)]

    def carry(self, before: manifest.Manifest | None, made: Iterable[Made], building: Building) -> list[manifest.Spec]:
        """Bring the files of the specs that are kept into the new output."""
        kept = self.kept(before, made)
        for spec in kept:
            carry(self.settings.out, building.folder, [f.path for f in spec.files])
        return kept

    def describe(self, made: Sequence[Made], kept: Sequence[manifest.Spec], building: Building) -> manifest.Manifest:
        """Write manifest.json and the card."""
        specs = tuple(sorted([*(one.entry for one in made), *kept], key=lambda s: s.name))
        plans = [self.compilation.specs[s.name].plan for s in specs]
        ran = [at_hand(plan, self.presence) for plan in plans if plan is not None]
        names = {s.source for s in specs} | {name for plan in ran for name in plan.sources}
        sources = [
            manifest.Source(s.name, s.title, s.licenses, s.homepage, dict(s.use))
            for n, s in sorted(self.compilation.sources.items())
            if n in names
        ]
        whole = manifest.Manifest(
            versions=manifest.Versions(
                version("cxrspec"),
                version("polars"),
                version("polars-hash"),
                ".".join(platform.python_version_tuple()[:2]),
            ),
            seed=self.settings.seed,
            mode=self.mode,
            emit=self.request.emit,
            boxes=self.request.boxes,
            limit=self.request.limit,
            demo=self.request.demo,
            sources=tuple(sources),
            specs=specs,
            failed=tuple(self.findings.failed[n] for n in sorted(self.findings.failed)),
            unavailable=tuple(self.unavailable[n] for n in sorted(self.unavailable)),
        )
        manifest.write(whole, building.folder)
        text = card.card(whole, stats.count(specs, self.seen(made, kept)), stats.published())
        (building.folder / "README.md").write_text(text, encoding="utf-8")
        return whole

    # ---- what is asked of all examples together

    def accepted(self, made: list[Made], before: manifest.Manifest | None, building: Building) -> list[Made]:
        """`made`, or nothing, where the authority of a space changed and examples would move to another split by it."""
        old = {spec.name: spec for spec in before.specs} if before is not None else {}
        severity: Severity = "warning" if self.request.accept_moves else "error"
        stopped = False
        for spec in (one.entry for one in made):
            was = old.get(spec.name, spec)
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

    def one_side(self, made: list[Made], before: manifest.Manifest | None, building: Building) -> list[Made]:
        """The specs of `made` that leave every patient on one side of the split; the others are stopped.

        Looked at together with what is kept, without those that say `own_split`. In a published run it is a warning:
        the defect is part of the row.
        """
        while made:
            seen = self.seen(made, self.kept(before, made))
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
                self.before[spec.name] = read_census(self.emitter, [self.settings.out / f.path for f in spec.files])
        return {spec.name: self.before[spec.name] for spec in kept} | {one.entry.name: one.seen for one in made}

    def scan(self, spec: manifest.Spec, folder: Path) -> pl.LazyFrame:
        return self.emitter.scan([folder / file.path for file in spec.files])
