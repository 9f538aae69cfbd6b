"""Fast forms give the same bytes as the plain forms they stand for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from cxrspec.compiler.bodies import Context
from cxrspec.runtime import run

from . import made_up
from .corpus import compilation, corpus

FEW = ("image_classification/brax", "grounded_phrase_extraction/ms_cxr", "report_evaluation/rexval")


def plain(monkeypatch: pytest.MonkeyPatch, out: Path, specs: tuple[str, ...]) -> dict[str, bytes]:
    """The data files of these specs, made without fast forms."""
    monkeypatch.setattr(run, "Context", partial(Context, fast=False))
    assert not made_up.make(corpus(1).data, out, compilation(), select=specs).diagnostics
    return made_up.data_files(out)


def fast(specs: tuple[str, ...]) -> dict[str, bytes]:
    return {name: content for name, content in made_up.data_files(corpus(1).out).items() if name.startswith(specs)}


def test_a_few_specs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = plain(monkeypatch, tmp_path, FEW)
    assert found
    assert found == fast(FEW)


@pytest.mark.slow
def test_every_spec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    specs = tuple(compilation().specs)
    assert plain(monkeypatch, tmp_path, specs) == fast(specs)
