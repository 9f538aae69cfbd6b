"""Leaks of what ships: the tasks whose answer is to be found in the prompt are caught, and no others."""

from __future__ import annotations

import re
from dataclasses import replace

from cxrspec.compiler.catalog import File, shipped
from cxrspec.compiler.diagnostics import Label
from cxrspec.compiler.pipeline import Compilation, compile

# Extractive tasks, by their own definition: the answer is a passage, or a list of passages, of a printed text.
EXTRACTIVE = {
    "grounded_phrase_extraction/ms_cxr.yaml",
    "named_entity_recognition/radgraph.yaml",
    "text_qa/radqa.yaml",
}


def undeclared(file: File) -> File:
    text = file.text if isinstance(file.text, str) else file.text.decode()
    return replace(file, text=re.sub(r"^leak: .*\n", "", text, flags=re.MULTILINE))


def leaks(compilation: Compilation, severity: str) -> set[str]:
    """The specs with a leak, and nothing but leaks."""
    assert {(found.code, found.severity) for found in compilation.diagnostics} == {("CXR520", severity)}
    places = [found.label.span.file for found in compilation.diagnostics if isinstance(found.label, Label)]
    return {path.removeprefix("cxrspec/specs/tasks/") for path in places}


def test_without_leave_extractive_tasks_and_only_they_are_leaks() -> None:
    files = [undeclared(file) for file in shipped()]
    assert sum(b"\nleak: " in file.text for file in shipped() if isinstance(file.text, bytes)) == len(EXTRACTIVE)
    assert leaks(compile(files), "error") == EXTRACTIVE
    assert leaks(compile(files, published=True), "warning") == EXTRACTIVE
