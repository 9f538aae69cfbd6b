"""What of the output in place is what a run would make again, and so is not made.

A spec is as it was if its plan has the same fingerprint, it would be made in the same way (code, versions, seed, format
and so on), the files it reads hold the same, and its own files lie there as they were written. Whatever is not known for
certain to be so is made.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TypeVar

from cxrspec.compiler import plan as p
from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.serial import fingerprint
from cxrspec.compiler.terms import joined
from cxrspec.runtime import manifest
from cxrspec.runtime.code import code
from cxrspec.runtime.disk import Disk
from cxrspec.runtime.formats import REGISTERED, Formats
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.output import CARD, CROISSANT, REGISTRY, OutputError, is_left
from cxrspec.runtime.picture_files import MISSING
from cxrspec.runtime.presence import at_hand, lacking
from cxrspec.runtime.request import Request, Result, way

Missed = TypeVar("Missed", manifest.Failed, manifest.Unavailable)


@dataclass(slots=True)
class Work:
    """What a run has to do: the specs to make, with their plans as they are run; those that are `kept` as they were; and
    those that cannot be made, with what there is to say about them."""

    todo: list[Compiled] = field(default_factory=list[Compiled])
    kept: list[str] = field(default_factory=list[str])
    failed: dict[str, manifest.Failed] = field(default_factory=dict[str, manifest.Failed])
    unavailable: dict[str, manifest.Unavailable] = field(default_factory=dict[str, manifest.Unavailable])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


class InPlace:
    """The output in place, held against what a run would make.

    `before` is its manifest; None where there is none, or where it was made in another way than is asked for.
    """

    def __init__(self, compilation: Compilation, request: Request) -> None:
        self.compilation = compilation
        self.request = request
        self.settings = request.settings
        self.roots = Roots(self.settings.data, self.settings.sources)
        self.disk = Disk(self.roots, self.settings.out, request.verify)
        self._plans: dict[str, p.Plan] = {}
        self._reads: dict[str, p.Read] = {}
        self.look()

    def look(self) -> None:
        """Read the manifest of what is in place now."""
        self.unreadable: OutputError | None = None
        try:
            self.found = manifest.read(self.settings.out)
        except OutputError as error:
            self.found, self.unreadable = None, error
        alike = self.found is not None and _way(self.found) == self.request.way
        self.before = self.found if alike else None
        self.entries = {entry.name: entry for entry in self.before.specs} if self.before is not None else {}

    # ---- one spec

    def plan(self, spec: Compiled) -> p.Plan:
        """The plan of a spec as it is run: without the authorities that are not there."""
        assert spec.plan is not None
        if spec.name not in self._plans:
            self._plans[spec.name] = at_hand(spec.plan, self.disk)
        return self._plans[spec.name]

    def is_as_it_was(self, spec: Compiled) -> bool:
        """Whether a spec whose data is there need not be made."""
        entry = self.entries.get(spec.name)
        if entry is None:
            return False
        plan = self.plan(spec)
        return (
            entry.plan == fingerprint(plan)
            and entry.way == self.way_of(spec, entry.sources)
            and entry.inputs == self.inputs(plan)
            and self.disk.intact(entry.written)
            and MISSING not in entry.warnings  # the pictures may be there now
        )

    def way_of(self, spec: Compiled, sources: Iterable[str]) -> str:
        """A digest of all that the files of a spec hang on beside its plan and the files it reads."""
        images, shown = self.settings.images, self.roots.shown
        hangs_on: list[object] = [
            code(),
            _versions(),
            _parsers(),
            *self.request.way.items(),
            spec.spec.source.name,
            bool(spec.spec.own_split),  # else it is looked at whether a patient stands on two sides
            *((name, [shown(folder) for folder in self.roots.of(name)]) for name in sources),
            *((name, shown(images[name].root), images[name].pattern) for name in sources if name in images),
        ]
        return sha256(repr(hangs_on).encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def inputs(self, plan: p.Plan) -> dict[str, str] | None:
        """A digest of the files of each table that a plan reads and that is there; None where some cannot be read."""
        found: dict[str, str] = {}
        for read in plan.reads:
            record = self.disk.record(read)
            if record is None:
                return None
            if record.hashes:
                found[read.table] = record.digest
                self._reads[record.digest] = read
        return found

    def lacks(self, spec: Compiled) -> str:
        """Why a spec cannot be made for want of data or, in a published run, of a rule; "" if it can."""
        row = spec.spec.published
        lacks = lacking(self.plan(spec), self.disk)
        if self.request.published and row is not None and not row.rebuilds and (lacks or not row.overlaid):
            return f"rebuilds: no ({row.because})"
        return lacks

    # ---- all specs

    def modified(self) -> frozenset[str]:
        """The names of the specs that a run would make, whether they are asked for or not."""
        specs = self.compilation.specs.values()
        return frozenset(
            spec.name for spec in specs if spec.plan and not self.lacks(spec) and not self.is_as_it_was(spec)
        )

    def work(self) -> Work:
        """What there is to do for what is asked for."""
        work = Work()
        for spec in self.request.specs:
            row = spec.spec.published
            title = row.row if row else None
            if spec.plan is None:
                work.failed[spec.name] = manifest.Failed(spec.name, spec.errors, title)
            elif lacks := self.lacks(spec):
                work.unavailable[spec.name] = manifest.Unavailable(spec.name, lacks, title)
                if spec.name in self.request.named:
                    work.diagnostics.append(Diagnostic("CXR812", "error", f"not available: {lacks}", spec=spec.name))
            elif self.is_as_it_was(spec):
                work.kept.append(spec.name)
            else:
                work.todo.append(replace(spec, plan=self.plan(spec)))
        return work

    def unchanged(self) -> Result | None:
        """The result of a run that has nothing to write; None if there is something.

        Raises:
            OutputError: as `go_on`.
        """
        self.go_on()
        work = self.work()
        if self.before is None or work.todo or is_left(self.settings.out):
            return None
        if not self.stands(self.described(self.kept(()), work)):
            return None
        self.save(self.before)
        unavailable = tuple(work.unavailable.values())
        return Result(self.before, (), tuple(work.kept), unavailable, tuple(work.failed), work.diagnostics)

    def stands(self, whole: manifest.Manifest) -> bool:
        """Whether the output in place is the one that this manifest describes."""
        names = [CARD, CROISSANT, *([REGISTRY] if REGISTERED in self.request.emit.others else [])]
        return whole == self.before and all((self.settings.out / name).is_file() for name in names)

    def go_on(self) -> None:
        """Make sure that a run may go on with the output in place.

        Raises:
            OutputError: CXR806, it does not read, or other specs than those asked for are damaged; CXR811, it holds
                other specs, made in another way.
        """
        asked = {spec.name for spec in self.request.specs}
        if self.unreadable is not None and not asked.issuperset(self.compilation.specs):
            raise self.unreadable
        keeps = [entry for entry in (self.found.specs if self.found is not None else ()) if entry.name not in asked]
        if self.found is not None and self.before is None and keeps:
            ours, theirs = self.request.way, _way(self.found)
            what = ", ".join(f"{name} {theirs[name]}" for name in ours if ours[name] != theirs[name])
            raise OutputError(
                "CXR811",
                f"the output holds {len(keeps)} other specs, made with {what}",
                "choose another folder with --out, or run all of them alike",
            )
        for entry in keeps:
            if not self.disk.whole(entry.written):
                message = f"files of `{entry.name}` in `{self.settings.out}` are absent or of another size"
                raise OutputError("CXR806", message, "select it, too: then it is made anew")

    # ---- the manifest

    def kept(self, made: Iterable[str]) -> list[manifest.Spec]:
        """The specs of the output in place, if they are not made anew, as they are declared now.

        One that is no more goes, and so does one whose files are damaged.
        """
        new = frozenset(made)
        found: list[manifest.Spec] = []
        for entry in self.entries.values():
            spec = self.compilation.specs.get(entry.name)
            if spec is not None and entry.name not in new and self.disk.whole(entry.written):
                found.append(self.declared(entry, spec))
        return found

    def declared(self, entry: manifest.Spec, spec: Compiled) -> manifest.Spec:
        """`entry` with what is said of a spec that no example hangs on: it may change and the examples stay."""
        row, sources = spec.spec.published, self.compilation.sources
        known = sources.keys() >= set(entry.sources)
        return replace(
            entry,
            task=spec.task.title if spec.task else spec.name.partition("/")[0],
            row=row.row if row else None,
            because=row.because if row else None,
            terms=joined(dict(sources[name].use) for name in entry.sources) if known else entry.terms,
            own_split=spec.spec.own_split or None,
            leak=spec.spec.leak or None,
        )

    def described(self, entries: Sequence[manifest.Spec], work: Work, made: bool = False) -> manifest.Manifest:
        """The manifest of an output that holds these specs, some of which are `made` now or none."""
        names = {entry.source for entry in entries} | {name for entry in entries for name in entry.sources}
        declared = self.compilation.sources
        held = {entry.name for entry in entries}
        inputs = {digest for entry in entries for digest in _digests(entry)}
        before = self.before
        return manifest.in_order(
            manifest.Manifest(
                versions=_versions() if made or before is None else before.versions,
                seed=self.settings.seed,
                mode=self.request.mode,
                emit=self.request.emit.examples,
                others=self.request.emit.others,
                boxes=self.request.boxes,
                limit=self.request.limit,
                demo=self.request.demo,
                sources=tuple(
                    manifest.Source(s.name, s.title, s.licenses, s.homepage, s.cite, dict(s.use))
                    for name, s in declared.items()
                    if name in names
                ),
                inputs={digest: self._files(digest) for digest in inputs},
                specs=tuple(entries),
                failed=self._still(before.failed if before else (), work.failed),
                unavailable=tuple(
                    one
                    for one in self._still(before.unavailable if before else (), work.unavailable)
                    if one.name not in held
                ),
            )
        )

    def _files(self, digest: str) -> tuple[manifest.File, ...]:
        """The files of a table by their digest, which the output in place has or the disk."""
        if self.before is not None and digest in self.before.inputs:
            return self.before.inputs[digest]
        return self.disk.files(self._reads[digest])

    def _still(self, before: Iterable[Missed], now: Mapping[str, Missed]) -> tuple[Missed, ...]:
        """What is said of specs now, and of those that are not asked for what was said before."""
        asked = {spec.name for spec in self.request.specs}
        told = {one.name: one for one in before if one.name not in asked and one.name in self.compilation.specs}
        return tuple({**told, **now}.values())

    def save(self, whole: manifest.Manifest) -> None:
        """Keep what was seen of the disk for the next run; `whole` is the manifest of what is in place now."""
        reads = [read for spec in self.compilation.specs.values() if spec.plan for read in spec.plan.reads]
        self.disk.save(reads, [file for entry in whole.specs for file in entry.written])


def as_last(request: Request) -> Request:
    """The request, in the format, dialect and limit of the output in place, if there is one that reads."""
    try:
        last = manifest.read(request.settings.out)
    except OutputError:
        return request
    return (
        request
        if last is None
        else replace(request, emit=Formats(last.emit, last.others), boxes=last.boxes, limit=last.limit)
    )


@cache
def _versions() -> manifest.Versions:
    """What is at work now."""
    python = ".".join(platform.python_version_tuple()[:2])
    return manifest.Versions(version("cxrspec"), version("polars"), version("polars-hash"), python)


@cache
def _parsers() -> tuple[str, ...]:
    """What else has a hand in an example, and the manifest does not name."""
    return version("lxml"), version("msgspec"), version("numpy")


def _way(made: manifest.Manifest) -> dict[str, str | int]:
    """The way in which an output was made, as a request has it."""
    return way(made.seed, made.mode, Formats(made.emit, made.others), made.boxes, made.limit, made.demo)


def _digests(entry: manifest.Spec) -> list[str]:
    return [*entry.inputs.values(), *(digest for one in entry.authorities for digest in one.inputs.values())]
