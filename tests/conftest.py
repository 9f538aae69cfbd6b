"""Golden files: what a case gives is compared with a text that somebody has read; `--update` writes the text anew."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # how long an example takes is measured in tests/bench
settings.load_profile("suite")

GOLDEN = Path(__file__).parent / "golden"

Golden: TypeAlias = Callable[[str, str], None]


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
