"""What stands beside an example: the options that its prompts show, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import shown_by
from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime import project
from cxrspec.runtime.manifest import Manifest, Spec
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.view.corpus import Corpus
from cxrspec.runtime.view.pages import Example

Lines: TypeAlias = Sequence[tuple[str, str]]
"""What is said, each with its name."""


class Specs:
    """The specs that ship and those of the lab, compiled when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.lock = settings, Lock()
        self.known: dict[str, Mapping[str, Callable[[str], tuple[str, ...]]]] = {}

    @cached_property
    def _compilation(self) -> Compilation:
        return project.load(self.settings.specs)

    def about(self, corpus: Corpus, example: Example) -> Mapping[str, Any]:
        """`options` of each turn in the order shown, none where it shows none; `sections` of where it came from."""
        spec = corpus.spec_of(example["id"])
        assert spec is not None, "an example without a spec"
        with self.lock:  # several questions come at once, and compiling once is enough
            compiled = self._compilation.specs.get(spec.name)
            if spec.name not in self.known:
                plan = None if compiled is None else compiled.plan
                self.known[spec.name] = {form.name: shown_by(form) for form in _forms(plan)}
        read = self.known[spec.name]
        options = [read[turn["form"]](turn["prompt"]) if turn["form"] in read else () for turn in example["turns"]]
        sections: list[tuple[str, Lines]] = [
            ("Spec", [("name", spec.name), *([("file", compiled.file)] if compiled else [])]),
            ("Split", list(_split(spec, example))),
            ("Rows of the spec, step by step", list(_funnel(spec))),
            ("Files", list(_files(spec, corpus.manifest))),
            ("Terms", [(term.replace("_", " "), word) for term, word in sorted(spec.terms.items())]),
        ]
        return {"options": options, "sections": [{"title": name, "lines": lines} for name, lines in sections if lines]}


def _forms(plan: p.Plan | None) -> Iterator[p.Form]:
    for node in plan.relations[-1].nodes if plan is not None else ():
        if isinstance(node, p.Turns):
            yield from node.forms


def _split(spec: Spec, example: Example) -> Iterator[tuple[str, str]]:
    yield "split", example["split"]
    for one in spec.authorities:
        if one.space == example["space"]:
            yield "by", one.split if one.inputs else f"{one.split}, whose files are absent"
    if spec.own_split:
        yield "its own, since", spec.own_split


def _funnel(spec: Spec) -> Iterator[tuple[str, str]]:
    for step in spec.attrition:
        yield f"{step.relation}: {step.step}", f"{step.rows_in:,} → {step.rows_out:,}"


def _files(spec: Spec, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for table, digest in sorted(spec.inputs.items()):
        read = manifest.inputs.get(digest, ())
        if read:
            yield table, read[0].path + (f" and {len(read) - 1:,} more" if len(read) > 1 else "")
