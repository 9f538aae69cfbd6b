"""What the specs say of an example: the options that its prompts show, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, TypeAlias

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import shown_by
from cxrspec.runtime import examples, project
from cxrspec.runtime.examples import Example
from cxrspec.runtime.provenance import Provenances
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.view.corpus import Corpus

Shown: TypeAlias = Callable[[str], tuple[str, ...]]
"""Reads the options out of a prompt."""


class Origins:
    """The specs that ship and those of the lab, compiled when first asked for and for each output anew.

    Questions come by several threads, and nothing below is made for that: they are answered one by one.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self._lock, self._version = settings, Lock(), ""
        self._shown: dict[str, Mapping[str, Shown]] = {}

    def options(self, corpus: Corpus, example: Example) -> Sequence[Sequence[str]]:
        """The options of each turn in the order shown; none where its prompt shows none."""
        with self._lock:
            specs, name = self._told(corpus).compilation.specs, example.spec.name
            if name not in self._shown:
                plan = specs[name].plan if name in specs else None
                self._shown[name] = {form.name: shown_by(form) for form in _forms(plan)}
            shown = self._shown[name]
            return [
                shown[turn["form"]](turn["prompt"]) if turn["form"] in shown else () for turn in example.row["turns"]
            ]

    def origin(self, corpus: Corpus, example: Example) -> Mapping[str, Any]:
        """Where the example came from, as `cxrspec explain` tells it."""
        with self._lock:
            return self._told(corpus).of(example).data()

    def _told(self, corpus: Corpus) -> Provenances:
        if self._version != corpus.version:
            self._version, self._shown = corpus.version, {}
            compilation = project.load(self.settings.specs, corpus.manifest.mode == "published")
            self._provenances = Provenances(examples.Output(corpus.out, corpus.manifest), compilation, self.settings)
        return self._provenances


def _forms(plan: p.Plan | None) -> Iterator[p.Form]:
    for node in plan.relations[-1].nodes if plan is not None else ():
        if isinstance(node, p.Turns):
            yield from node.forms
