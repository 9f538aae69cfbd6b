"""Golden files: what a case gives is compared with a text that somebody has read; `--update` writes the text anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # how long an example takes is measured in tests/bench
settings.load_profile("suite")

GOLDEN = Path(__file__).parent / "golden"

Golden: TypeAlias = Callable[[str, str], None]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, one for all processes: they neither read nor write that of the user."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew; read the difference after")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with tests/golden/<name>.txt."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        found = text.rstrip("\n") + "\n"
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found, "utf-8")
        wanted = path.read_text("utf-8") if path.exists() else ""
        if found != wanted:
            lines = unified_diff(wanted.splitlines(), found.splitlines(), f"golden/{name}.txt", "now", lineterm="")
            accept = f'pytest --update "{cast(Any, request).node.nodeid}"'
            pytest.fail("\n".join([*lines, "", f"to accept this: {accept}"]), pytrace=False)

    return compare
