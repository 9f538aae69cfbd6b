"""Made-up report texts: small prompt grammars of our own, drawn as a task's prompts are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_prompt
from cxrspec.compiler.prompts import Wheel, lay_out, leaf, resolve


class Texts:
    """Grammars by name; a grammar may name others as `<rule>`."""

    def __init__(self, grammars: Mapping[str, str]) -> None:
        report = Report()
        parsed = {name: parse_prompt(text, lambda a, b: Span("", a, b), report) for name, text in grammars.items()}
        self._rules = {name: prompt for name, prompt in parsed.items() if prompt is not None}
        assert not report.errors, report.diagnostics
        self._wheels: dict[str, Wheel] = {}

    def _wheel(self, name: str) -> Wheel:
        if name not in self._wheels:
            report = Report()
            self._wheels[name] = lay_out(resolve(self._rules[name], self._rules, report))
            assert not report.errors, report.diagnostics
        return self._wheels[name]

    def draw(self, name: str, draws: np.random.Generator, count: int) -> list[str]:
        """So many texts of a grammar. A text is made once, however often it is drawn."""
        wheel = self._wheel(name)
        tickets = draws.integers(wheel.tickets, size=count)
        distinct, places = np.unique(tickets, return_inverse=True)
        made = ["".join(map(str, leaf(wheel, int(ticket)))) for ticket in distinct]
        return [made[place] for place in places]
