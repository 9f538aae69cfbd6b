"""RUN: compile, find the files, read each once, compute the examples, write them, and put the new output in place."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Severity
from cxrspec.compiler.dialects import DEFAULT, DIALECTS
from cxrspec.compiler.lower import prune
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.serial import fingerprint
from cxrspec.compiler.terms import freer, given, joined
from cxrspec.compiler.types import SPLITS
from cxrspec.runtime import card, manifest, stats
from cxrspec.runtime.emitters import emitter
from cxrspec.runtime.execute import Bad, Computed, Engine, Execution, examples
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.output import Building, OutputError, carry, open_output
from cxrspec.runtime.pictures import copies
from cxrspec.runtime.reading import Table, read_table
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.sources import Presence, at_hand, lacking

Progress = Callable[[str], None]


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


def run(compilation: Compilation, request: Request, progress: Progress = lambda _: None) -> Result:
    """Make the examples of the requested specs and put them in place.

    A spec that bad data stops keeps what it had in the previous output; the others go on. One that data-use terms keep
    from this format has nothing in it, and what it had goes.

    Raises:
        OutputError: the output cannot be written, is being written by another run, or belongs to another seed.
    """
    return _Run(compilation, request, progress).run()


class _Run:
    """One run on its way."""

    def __init__(self, compilation: Compilation, request: Request, progress: Progress) -> None:
        self.compilation = compilation
        self.request = request
        self.progress = progress
        self.settings = request.settings
        self.roots = Roots(self.settings.data, self.settings.sources)
        self.context = Context(self.settings.seed, DIALECTS[request.boxes], copies(self.settings))
        self.diagnostics: list[Diagnostic] = []
        self.failed: dict[str, manifest.Failed] = {}
        self.unavailable: dict[str, manifest.Unavailable] = {}
        self.presence = Presence(self.roots)
        self.tables: dict[str, Table] = {}
        self.emitter = emitter(request.emit)

    def run(self) -> Result:
        with open_output(self.settings.out) as building:
            before = self.previous()
            made = self.make(self.available(), building, self.emitter.write)
            made = self.accepted(made, before, building)
            made = self.one_side(made, before, building)
            kept = self.carry(before, made, building)
            result = self.describe([*made, *kept], building)
            if made or (before is not None and any(self.refused(spec.name) for spec in before.specs)):
                building.publish()
        return Result(result, tuple(spec.name for spec in made), self.diagnostics)

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
                self.failed[spec.name] = manifest.Failed(spec.name, spec.errors, row.row if row else None)
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
        if missed and name not in self.failed:
            needs = ", ".join(f"`{term}: {needed}`" for term, needed in self.emitter.NEEDS.items())
            message = f"no examples in the format `{self.request.emit}`, which needs {needs}: {', '.join(missed)}"
            help = "`--select` names specs of other sources; another format does not send the data away"
            self.stopped(spec, [Diagnostic("CXR815", "error", message, help=(help,))])
        return bool(missed)

    def absent(self, spec: Compiled, reason: str) -> None:
        row = spec.spec.published
        self.unavailable[spec.name] = manifest.Unavailable(spec.name, reason, row.row if row else None)
        if spec.name in self.request.named:
            self.diagnostics.append(Diagnostic("CXR812", "error", f"not available: {reason}", spec=spec.name))

    # ---- the work

    def make(
        self, ready: Sequence[Compiled], building: Building, write: Callable[[pl.DataFrame, Path, str], list[Path]]
    ) -> list[manifest.Spec]:
        """Read what the specs need, compute and write them one by one."""
        empty = {
            r.name: r for spec in ready if spec.plan for r in spec.plan.relations if isinstance(r.nodes[0], p.Empty)
        }
        relations = prune({**self.compilation.relations, **empty}, [spec.name for spec in ready])
        reads = {r.name: r.nodes[0] for r in relations if isinstance(r.nodes[0], p.Read)}
        for name, read in reads.items():
            self.progress(f"reading {name}")
            self.tables[name] = read_table(read, [c.name for c in read.columns], self.roots)
        execution = self.execution(relations)
        made: list[manifest.Spec] = []
        for spec in ready:
            self.progress(f"making {spec.name}")
            one = self.one(spec, execution, building, write)
            if one is not None:
                made.append(one)
        return made

    def execution(self, relations: Iterable[p.Relation], tables: Mapping[str, Table] | None = None) -> Execution:
        held = self.tables if tables is None else tables
        return Execution(
            tuple(relations), lambda name: held[name].frame, self.context, self.request.engine, self.request.limit
        )

    def one(
        self,
        spec: Compiled,
        execution: Execution,
        building: Building,
        write: Callable[[pl.DataFrame, Path, str], list[Path]],
    ) -> manifest.Spec | None:
        """Compute and write one spec; None after a finding in its data."""
        assert spec.plan is not None
        reached = execution.reached(spec.name)
        tables = {name: self.tables[name] for name in reached if name in self.tables}
        sound = not any(_errors(t.problems) for t in tables.values())
        computed = self.computed(execution, reached) if sound else {}
        if not sound or any(c.bad for c in computed.values()):
            # What another spec needs of a shared table is not this one's fault: look again with its own plan alone.
            tables = {r.table: read_table(r, [c.name for c in r.columns], self.roots) for r in spec.plan.reads}
            if self.stopped(spec, [d for t in tables.values() for d in t.problems]):
                return None
            alone = self.execution(spec.plan.relations, tables)
            reached = alone.reached(spec.name)
            computed = self.computed(alone, reached)
        bad = [b for c in computed.values() for b in c.bad]
        if self.stopped(spec, [_bad_row(b, spec.name) for b in bad]):
            return None
        frame = examples(
            computed[spec.name].frame, spec.name, spec.spec.source.name, any(r.generated for r in spec.plan.reads)
        )
        if self.request.limit is None and self.stopped(spec, _unexpected(spec.plan, frame)):
            return None
        files = self.write(spec, frame, building, write)
        self.diagnostics += [replace(d, spec=spec.name) for d in _warnings(spec.plan, tables)]
        return self.entry(spec, frame, computed, tables, files, building)

    def computed(self, execution: Execution, reached: Iterable[str]) -> dict[str, Computed]:
        return {name: execution.compute(name) for name in reached}

    def stopped(self, spec: Compiled, findings: Iterable[Diagnostic]) -> bool:
        """Whether findings in data stop the spec; they are noted."""
        errors = [replace(d, spec=spec.name) for d in _errors(findings)]
        if errors:
            row = spec.spec.published
            self.diagnostics += errors
            self.failed[spec.name] = manifest.Failed(
                spec.name, tuple(sorted({d.code for d in errors})), row.row if row else None
            )
        return bool(errors)

    def write(
        self,
        spec: Compiled,
        frame: pl.DataFrame,
        building: Building,
        write: Callable[[pl.DataFrame, Path, str], list[Path]],
    ) -> list[Path]:
        folder = building.folder / spec.name
        folder.mkdir(parents=True, exist_ok=True)
        parts = {split: frame.filter(pl.col("split") == split) for split in SPLITS}
        assert sum(part.height for part in parts.values()) == frame.height, "a row without a split"
        return [path for split, part in parts.items() for path in write(part, folder, split)]

    # ---- the manifest

    def entry(
        self,
        spec: Compiled,
        frame: pl.DataFrame,
        computed: Mapping[str, Computed],
        tables: Mapping[str, Table],
        files: Sequence[Path],
        building: Building,
    ) -> manifest.Spec:
        assert spec.plan is not None
        published = spec.spec.published
        inputs = sorted({path for table in tables.values() for path in table.files})
        reached = spec.plan.sources
        warnings = [d.code for d in _warnings(spec.plan, tables)]
        return manifest.Spec(
            name=spec.name,
            task=spec.task.title if spec.task else spec.name.partition("/")[0],
            source=spec.spec.source.name,
            plan=fingerprint(spec.plan),
            row=published.row if published else None,
            because=published.because if published else None,
            inputs=tuple(self.file(path) for path in inputs),
            attrition=tuple(
                manifest.Step(x.relation, x.step, x.rows_in, x.rows_out) for c in computed.values() for x in c.losses
            ),
            splits={split: _counts(frame.filter(pl.col("split") == split)) for split in SPLITS},
            files=tuple(
                manifest.File(f.relative_to(building.folder).as_posix(), f.stat().st_size, manifest.hash_file(f))
                for f in files
            ),
            terms=joined(dict(self.compilation.sources[name].use) for name in sorted(reached)),
            warnings={code: warnings.count(code) for code in sorted(set(warnings))},
            authorities=self.authorities(spec.plan, tables),
            own_split=spec.spec.own_split or None,
            leak=spec.spec.leak or None,
        )

    def authorities(self, plan: p.Plan, tables: Mapping[str, Table]) -> tuple[manifest.Authority, ...]:
        """What splits the spaces of a plan, with the files it was read from."""
        relations = {r.name: r for r in plan.relations}
        files: dict[str, set[Path]] = {}
        for relation in plan.relations:
            if relation.space:
                reads = [tables[name] for name in p.reached(relations, relation.name) if name in tables]
                files.setdefault(relation.space, set()).update(path for table in reads for path in table.files)
        spaces = self.compilation.spaces
        return tuple(
            manifest.Authority(name, named.name, tuple(self.file(path) for path in sorted(paths)))
            for name, paths in sorted(files.items())
            if (named := spaces[name].authority)
        )

    def file(self, path: Path) -> manifest.File:
        """A file of a source by its content."""
        return manifest.File(self.roots.shown(path), path.stat().st_size, manifest.hash_file(path))

    def kept(self, before: manifest.Manifest | None, made: Iterable[manifest.Spec]) -> list[manifest.Spec]:
        """The specs of the previous output that are not made anew; one that is no more, or may not be there, goes."""
        new = {spec.name for spec in made}
        old = before.specs if before is not None else ()
        still = [spec for spec in old if spec.name not in new and spec.name in self.compilation.specs]
        return [spec for spec in still if not self.refused(spec.name)]

    def carry(
        self, before: manifest.Manifest | None, made: Iterable[manifest.Spec], building: Building
    ) -> list[manifest.Spec]:
        """Bring the files of the specs that are kept into the new output."""
        kept = self.kept(before, made)
        for spec in kept:
            carry(self.settings.out, building.folder, [f.path for f in spec.files])
        return kept

    def describe(self, specs: Iterable[manifest.Spec], building: Building) -> manifest.Manifest:
        """Write manifest.json and the card."""
        made = tuple(sorted(specs, key=lambda s: s.name))
        plans = [self.compilation.specs[s.name].plan for s in made]
        ran = [at_hand(plan, self.presence) for plan in plans if plan is not None]
        names = {s.source for s in made} | {name for plan in ran for name in plan.sources}
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
            specs=made,
            failed=tuple(self.failed[n] for n in sorted(self.failed)),
            unavailable=tuple(self.unavailable[n] for n in sorted(self.unavailable)),
        )
        manifest.write(whole, building.folder)
        text = card.card(whole, stats.collect(building.folder), stats.published())
        (building.folder / "README.md").write_text(text, encoding="utf-8")
        return whole

    # ---- an authority that is another one now

    def accepted(
        self, made: list[manifest.Spec], before: manifest.Manifest | None, building: Building
    ) -> list[manifest.Spec]:
        """`made`, or nothing, where the authority of a space changed and examples would move to another split by it."""
        old = {spec.name: spec for spec in before.specs} if before is not None else {}
        severity: Severity = "warning" if self.request.accept_moves else "error"
        stopped = False
        for spec in made:
            was = old.get(spec.name, spec)
            moved = self.moves(was, spec, building) if was.authorities != spec.authorities else 0
            if not moved:
                continue
            rows = sum(counts.rows for counts in was.splits.values())
            message = f"{moved:,} of {rows:,} examples move to another split"
            help = (*_changes(was.authorities, spec.authorities), "`--accept-moves` lets them")
            self.diagnostics.append(Diagnostic("CXR814", severity, message, help=help, spec=spec.name))
            if not self.request.accept_moves:
                self.failed[spec.name] = manifest.Failed(spec.name, ("CXR814",), spec.row)
                stopped = True
        return [] if stopped else made

    def moves(self, was: manifest.Spec, now: manifest.Spec, building: Building) -> int:
        """How many examples of the previous output stand in another split now."""
        scan = emitter(self.request.emit).scan
        paths = [self.settings.out / f.path for f in was.files], [building.folder / f.path for f in now.files]
        if not all(paths):
            return 0
        old, new = (scan(files).select("id", "split") for files in paths)
        both = old.join(new, on="id", suffix=" now")
        return int(both.filter(pl.col("split") != pl.col("split now")).select(pl.len()).collect().item())

    # ---- no patient on two sides

    def one_side(
        self, made: list[manifest.Spec], before: manifest.Manifest | None, building: Building
    ) -> list[manifest.Spec]:
        """The specs of `made` that leave every patient on one side of the split; the others are stopped.

        Looked at together with what is kept, without those that say `own_split`. In a published run it is a warning:
        the defect is part of the row.
        """
        while made:
            kept = self.kept(before, made)
            files = {s.name: [building.folder / f.path for f in s.files] for s in made}
            files |= {s.name: [self.settings.out / f.path for f in s.files] for s in kept}
            torn = self.torn(
                {name: paths for name, paths in files.items() if not self.compilation.specs[name].spec.own_split}
            )
            leaking = [spec for spec in made if spec.name in torn]
            for spec in leaking:
                self.leak(spec.name, torn[spec.name])
            if not leaking or self.request.published:
                break
            for spec in leaking:
                shutil.rmtree(building.folder / spec.name)
            made = [spec for spec in made if spec not in leaking]
        return made

    def torn(self, files: Mapping[str, Sequence[Path]]) -> dict[str, int]:
        """For each spec how many of its patients and studies stand on two sides; a study may lack its patient somewhere."""
        scan = emitter(self.request.emit).scan
        rows = [
            scan(paths)
            .select(pl.lit(name).alias("spec"), pl.lit(kind).alias("kind"), pl.col(kind).alias("who"), "split")
            .drop_nulls("who")
            .unique()
            for name, paths in files.items()
            for kind in ("patient_id", "study_id")
            if paths
        ]
        if not rows:
            return {}
        sides = pl.concat(rows).group_by("kind", "who").agg(pl.col("split").n_unique(), pl.col("spec").unique())
        found = sides.filter(pl.col("split") > 1).explode("spec").group_by("spec").len().collect()
        return dict(found.iter_rows())

    def leak(self, name: str, patients: int) -> None:
        severity: Severity = "warning" if self.request.published else "error"
        message = f"{patients:,} of its patients and studies stand in more than one split"
        help = ("one split for all specs of a space keeps a patient on one side",)
        self.diagnostics.append(Diagnostic("CXR813", severity, message, help=help, spec=name))
        if severity == "error":
            row = self.compilation.specs[name].spec.published
            self.failed[name] = manifest.Failed(name, ("CXR813",), row.row if row else None)


def _changes(old: Sequence[manifest.Authority], new: Sequence[manifest.Authority]) -> list[str]:
    """What is another with the authorities of these spaces."""
    before, now = {a.space: a for a in old}, {a.space: a for a in new}
    changes: list[str] = []
    for space in sorted(before.keys() | now.keys()):
        one, other = before.get(space), now.get(space)
        if one == other:
            continue
        if one is None or other is None or one.split != other.split:
            said, says = (f"`{a.split}`" if a is not None else "nothing" for a in (one, other))
            changes.append(f"the authority of the space `{space}` was {said} and is {says}")
        else:
            what = "are absent now" if not other.files else "were absent before" if not one.files else "have changed"
            changes.append(f"the files of `{other.split}`, the authority of the space `{space}`, {what}")
    return changes


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


def _bad_row(bad: Bad, spec: str) -> Diagnostic:
    rows = "1 row breaks" if bad.rows == 1 else f"{bad.rows:,} rows break"
    return Diagnostic(
        "CXR751",
        "error",
        f"{rows} a rule of `{bad.relation}`: {bad.check}",
        help=(f"`cxrspec show {spec} --stage plan` prints the rule",),
    )


def _unexpected(plan: p.Plan, frame: pl.DataFrame) -> list[Diagnostic]:
    """Findings for splits whose number of examples is outside of `expect`."""
    found: list[Diagnostic] = []
    for split, least, most in plan.expect:
        rows = frame.filter(pl.col("split") == split).height
        if not least <= rows <= most:
            wanted = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            found.append(Diagnostic("CXR752", "error", f"{rows:,} examples in {split}, expected {wanted}"))
    return found


def _counts(frame: pl.DataFrame) -> manifest.Counts:
    images = frame["images"].explode(empty_as_null=False).n_unique() if frame.height else 0
    return manifest.Counts(frame.height, images, frame["study_id"].n_unique())
