"""Made-up report texts: small prompt grammars of our own, drawn as a task's prompts are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_prompt
from cxrspec.compiler.prompts import Table, Wheel, lay_out, resolve

REPORTS = {
    "heart": r"""
        (The heart is|Heart size is) (normal|at the upper limit of normal|mildly enlarged|moderately enlarged).
        The (cardiac|cardiomediastinal) (silhouette|contour) is (unremarkable|normal in size|widened).
    """,
    "lungs": r"""
        (The lungs|Both lungs) are (clear|well expanded and clear|hyperexpanded|clear of focal disease).
        There is (a patchy|a small|an ill-defined|a dense) opacity in the (left|right) (lower|upper|middle) zone.
        (Streaky|Linear) opacities at the (left|right) base (suggest|are compatible with) atelectasis.
        (Mild|Moderate) pulmonary (edema|vascular congestion) is (seen|present).
    """,
    "pleura": r"""
        (No (effusion|pneumothorax) is seen|There is no (pleural effusion|effusion or pneumothorax)).
        A (small|moderate) (left|right) pleural effusion is (seen|present).
    """,
    "bones": "(The bones are intact|No acute fracture is seen|Degenerative disease of the spine is noted).",
    "verdict": r"""
        (No acute|No active) (disease|cardiopulmonary process|abnormality).
        (Possible|Probable) (left|right) (basal|upper zone) (pneumonia|atelectasis).
        (Mild|Moderate) cardiomegaly without (failure|edema).
    """,
    "course": r"""
        Compared with the (prior|previous) (study|film), the (opacity|effusion) has (increased|worsened|resolved).
        There is (no|little|some) interval change.
        The (tubes and lines|remaining findings) are (unchanged|stable).
        A new (opacity|line) is (seen|present) again.
        The (opacity|line) is new.
        An opacity \(again seen\) has not changed.
        Previously seen (effusion|opacity) is gone.
        Stable (heart size|tubes and lines).
        The chest tube was removed.
    """,
    "reason": "(cough|fever|chest pain|dyspnea|a fall|line placement|shortness of breath for (two|three) days)",
    "technique": "(Frontal|Frontal and lateral|Portable) (view|radiograph) of the chest",
}  # fmt: skip
"""Sentences of a report: `course` alone speaks of an earlier study, and always does."""


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
        """So many texts of a grammar, as `leaf` names them."""
        wheel = self._wheel(name)
        tickets = draws.integers(wheel.tickets, size=count)
        held = [int(shape.weight * wheel.tickets) for shape in wheel.shapes]
        starts = np.cumsum([0, *held[:-1]])
        shapes = np.searchsorted(starts, tickets, side="right") - 1
        rows = np.argsort(shapes, kind="stable")
        texts = np.full(count, "", dtype=object)
        for part in np.split(rows, np.flatnonzero(np.diff(shapes[rows])) + 1):
            place = int(shapes[part[0]])
            shape = wheel.shapes[place]
            number = (tickets[part] - starts[place]) // (held[place] // shape.leaves)
            for table in reversed(shape.parts):
                assert isinstance(table, Table), "texts have no slots"
                number, digit = np.divmod(number, len(table.texts))
                texts[part] = np.array(table.texts, dtype=object)[digit] + texts[part]
        drawn: list[str] = texts.tolist()
        return drawn
