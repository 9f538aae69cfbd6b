"""Every example in a doc string runs. (`--doctest-modules` would import a second copy of the modules, as `compiler`.)"""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import cxrspec.compiler
import cxrspec.runtime

MODULES = [
    module.name
    for package in (cxrspec.compiler, cxrspec.runtime)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    assert sum(len(t.examples) for name in MODULES for t in finder.find(importlib.import_module(name))) > 10
