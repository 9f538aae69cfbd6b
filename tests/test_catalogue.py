"""docs/catalogue is what the catalogue's command writes after a run over the made-up data of seed 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxrspec.runtime import catalogue

from . import made_up
from .corpus import compilation, corpus

FOLDER = Path(__file__).parents[1] / "docs" / "catalogue"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return catalogue.pages(compilation(), corpus(1).out)


def test_the_pages_are_those_of_a_run(pages: dict[str, str], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        for path in FOLDER.rglob("*.md"):
            path.unlink()
        catalogue.write(compilation(), corpus(1).out, FOLDER)
    there = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.md")}
    assert there.keys() == pages.keys()
    differ = sorted(name for name in pages if pages[name] != there[name])
    assert not differ, "pytest --update tests/test_catalogue.py writes them anew; read the difference"


def test_there_is_a_page_for_each_spec_and_each_source(pages: dict[str, str]) -> None:
    expected = {f"{name}.md" for name in compilation().specs}
    expected |= {f"sources/{name}.md" for name in compilation().sources}
    assert pages.keys() == expected | {"README.md"}


@pytest.mark.parametrize("name", sorted(compilation().specs))
def test_a_page_shows_the_spec(pages: dict[str, str], name: str) -> None:
    """Its key figures, read from the output and the spec by other ways."""
    text = pages[f"{name}.md"]
    rows = made_up.rows(corpus(1).out, name)
    first = min(
        (row for row in rows.values()), key=lambda row: (("train", "val", "test").index(row["split"]), row["id"])
    )
    assert f'"id": "{first["id"]}"' in text
    for split in ("train", "val", "test"):
        count = sum(row["split"] == split for row in rows.values())
        line = next(line for line in text.splitlines() if line.startswith(f"| {split} "))
        assert line.split("|")[3].strip() == f"{count:,}"
    plan = compilation().specs[name].plan
    assert plan is not None
    assert all(f"`{read.table}`" in text for read in plan.reads)
