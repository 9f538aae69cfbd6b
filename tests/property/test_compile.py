"""Spoilt files through the whole compiler: findings that lie in the text, or a plan that Polars takes; never a crash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from cxrspec.compiler.catalog import File
from cxrspec.compiler.diagnostics import Label
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.compiler.render import render
from cxrspec.compiler.serial import fingerprint
from cxrspec.runtime.stages import stage_text

from ..case_files import REMEMBERED, case, packaged

CASES = sorted((Path(__file__).parent.parent / "cases" / "spec").rglob("*.yaml"))
WORD = re.compile(r"[A-Za-z_]\w+")


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Files to compile, of which one was changed."""

    files: list[File]
    changed: File

    def __repr__(self) -> str:
        return f"{self.changed.path}:\n{self.changed.text!s}"


@st.composite
def spoilt(draw: st.DrawFn) -> Spoilt:
    """What ships, perhaps with a case laid over it, and one file changed in one to three places."""
    local = draw(st.sampled_from([None, *CASES]))
    files = [*(case(local.read_text("utf-8"), local.name).files if local else ()), *packaged()]
    at = draw(st.integers(0, len(files) - 1 if local is None else len(files) - len(packaged()) - 1))
    file = files[at]
    text = file.text if isinstance(file.text, str) else file.text.decode()
    for _ in range(draw(st.integers(1, 3))):
        text = draw(changed(text))
    spoilt = File(file.path, file.place, text, file.shipped)
    return Spoilt([*files[:at], spoilt, *files[at + 1 :]], spoilt)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """`text` with a mistake: a character, a line or a word that is gone, doubled, moved or another one."""
    lines = text.split("\n")
    first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    words = list(WORD.finditer(text))
    match draw(st.sampled_from(["character", "delete", "swap", "indent", "misspell", "replace"])):
        case "character":
            at = draw(st.integers(0, len(text)))
            new: str = draw(st.sampled_from([*"\"'()[]{}<>|:,#&*!%?.=-+/\\ \n\t0a\x07é\u2028", ""]))
            return text[:at] + new + text[at + draw(st.integers(0, 1)) :]
        case "delete":
            return "\n".join(lines[:first] + lines[first + 1 :])
        case "swap":
            lines[first], lines[second] = lines[second], lines[first]
            return "\n".join(lines)
        case "indent":
            lines[first] = draw(st.sampled_from(["  ", " ", "- "])) + lines[first]
            return "\n".join(lines)
        case _ if not words:
            return text
        case "misspell":
            word = draw(st.sampled_from(words))
            at = draw(st.integers(word.start(), word.end() - 1))
            return text[:at] + text[at + 1 :]
        case _:
            word, other = draw(st.sampled_from(words)), draw(st.sampled_from(words))
            return text[: word.start()] + other[0] + text[word.end() :]


def check(spoilt: Spoilt) -> None:
    compilation = compile(spoilt.files, memo=REMEMBERED)
    for found in compilation.diagnostics:
        assert isinstance(found.label, Label)
        for label in (found.label, *found.others):
            assert 0 <= label.span.start <= label.span.end <= len(compilation.texts[label.span.file])
    render(compilation.diagnostics, compilation.texts, "text")
    for spec in compilation.specs.values():
        assert (spec.plan is None) == bool(spec.errors)
        if spec.plan is not None and fingerprint(spec.plan) in printed():
            continue  # nothing of it was changed
        for stage in ("syntax", "typed", "plan", "polars"):
            stage_text(compilation, spec, stage)


def plans(compilation: Compilation) -> set[str]:
    return {fingerprint(spec.plan) for spec in compilation.specs.values() if spec.plan is not None}


@cache
def printed() -> set[str]:
    """The plans that every example has, if its change did not reach them."""
    return plans(compile(packaged(), memo=REMEMBERED))


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(spoilt=spoilt())
def test_no_file_makes_the_compiler_fall_over(spoilt: Spoilt) -> None:
    check(spoilt)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_no_file_of_20_000_makes_the_compiler_fall_over(part: int) -> None:
    @seed(part)
    @settings(max_examples=1000, deadline=None, suppress_health_check=QUIET, database=None)
    @given(spoilt=spoilt())
    def falls_over(spoilt: Spoilt) -> None:
        check(spoilt)

    falls_over()
