"""A mutant through the compiler, and what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cxrspec.compiler.catalog import File
from cxrspec.compiler.diagnostics import Diagnostic, Label
from cxrspec.compiler.difference import difference
from cxrspec.compiler.parsed import Parsed
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.compiler.render import render
from cxrspec.compiler.serial import fingerprint

from .mutants import Corpus, Mutant

Compile = Callable[[Sequence[File], bool], Compilation]
REMEMBERED: dict[str, Parsed] = {}


def warm(files: Sequence[File], published: bool) -> Compilation:
    """Compile with what the files said before."""
    return compile(files, published, REMEMBERED)


@dataclass(frozen=True)
class Outcome:
    """What the compiler says of a mutant. `moved` are the specs whose plan is another one or gone, `told` those of which
    `cxrspec diff` says what the change does."""

    mutant: Mutant
    findings: tuple[Diagnostic, ...]
    drawn: str
    touches: bool
    moved: tuple[str, ...]
    told: tuple[str, ...]
    crash: str

    @property
    def good(self) -> bool:
        """Whether it is as the mutant's class asks."""
        if self.crash or len(self.findings) > 3:
            return False
        match self.mutant.fate:
            case "must fail":
                return self.touches
            case "may pass":
                return bool(self.findings) or (bool(self.told) and {*self.moved} <= {*self.told})
            case "must be clean":
                return not self.findings and not self.moved and not self.told


def plain(files: Sequence[File], published: bool) -> Compilation:
    """Compile from nothing."""
    return compile(files, published)


def judge(corpus: Corpus, mutant: Mutant, compile: Compile = warm) -> Outcome:
    """Compile what ships with the mutant in it."""
    old = mutant.page.file
    files = list(corpus.files)
    files[mutant.page.number] = File(old.path, old.place, mutant.text, old.shipped)
    try:
        found = compile(files, mutant.published)
        drawn = render(found.diagnostics, found.texts, "text")
        plans = prints(found)
        told = () if found.diagnostics else tuple(difference(shipping(mutant.published), found, mutant.published).specs)
    except Exception:
        return Outcome(mutant, (), "", False, (), (), traceback.format_exc())
    before = as_shipped(mutant.published)
    moved = tuple(name for name in before.keys() | plans.keys() if before.get(name) != plans.get(name))
    touching = any(touches(one, mutant, old.path) for one in found.diagnostics)
    return Outcome(mutant, found.diagnostics, drawn, touching, tuple(sorted(moved)), told, "")


def touches(found: Diagnostic, mutant: Mutant, path: str) -> bool:
    """Whether a place of the finding shares a line with the mutated place."""
    labels = [label for label in (found.label, *found.others) if isinstance(label, Label)]
    first, last = _lines(mutant.text, *mutant.home)
    for label in labels:
        if label.span.file == path:
            start, end = _lines(mutant.text, label.span.start, label.span.end)
            if start <= last and first <= end:
                return True
    return False


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    return text.count("\n", 0, start), text.count("\n", 0, max(start, end - 1))


def prints(compilation: Compilation) -> Mapping[str, str]:
    """The fingerprint of each spec's plan."""
    return {name: fingerprint(spec.plan) for name, spec in compilation.specs.items() if spec.plan is not None}


@cache
def shipping(published: bool) -> Compilation:
    """What ships."""
    return warm(Corpus().files, published)


@cache
def as_shipped(published: bool) -> Mapping[str, str]:
    """The fingerprints of what ships."""
    return prints(shipping(published))
