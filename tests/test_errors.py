"""The table of codes, the pages of docs/errors and the code agree; what a page shows is what the compiler does."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from cxrspec.compiler.codes import CODES
from cxrspec.compiler.mending import mend
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.render import render

from .case_files import WORKSPACES, case, packaged

ROOT = Path(__file__).parent.parent
PAGES = {page.stem: page.read_text("utf-8") for page in (ROOT / "docs" / "errors").glob("CXR*.md")}
NOT_MENDED = ("CXR216",)  # the space that is meant has a split of its own, and the spec another one
COMPILED = sorted(code for code in CODES if code < "CXR6")


def used() -> set[str]:
    """Every code that the code names, the table left out."""
    code = [path for folder in ("compiler", "runtime") for path in (ROOT / folder).rglob("*.py")]
    return {found for path in code if path.name != "codes.py" for found in re.findall(r"CXR\d{3}", path.read_text())}


def block(code: str, heading: str) -> str:
    """The YAML below a heading of a page."""
    found = re.search(rf"^## {heading}\n+```yaml\n(.*?)^```$", PAGES[code], re.MULTILINE | re.DOTALL)
    assert found, f"{code} has no block below `## {heading}`"
    return found[1]


def shown(compilation: Compilation) -> str:
    return render(compilation.diagnostics, compilation.texts, "text")


def test_table_and_code_agree() -> None:
    assert set(CODES) == used()


def test_table_and_pages_agree() -> None:
    assert set(CODES) == set(PAGES)
    assert {code: page.split("\n")[0] for code, page in PAGES.items()} == {
        code: f"# {code}: {title}" for code, title in CODES.items()
    }


def test_pages_are_part_of_the_package() -> None:
    assert all((files("cxrspec.docs") / "errors" / f"{code}.md").is_file() for code in CODES)


@pytest.mark.parametrize("code", COMPILED)
def test_what_a_page_calls_wrong_gives_its_code(code: str) -> None:
    wrong = case(block(code, "Wrong"))
    compilation = wrong.compile()
    assert [found.code for found in compilation.diagnostics] == [code], shown(compilation)
    if compilation.diagnostics[0].fix is not None and code not in NOT_MENDED:
        mending = mend(packaged(), wrong.files, WORKSPACES[wrong.published])
        assert mending.mended
        assert not mending.compilation.errors, shown(mending.compilation)


@pytest.mark.parametrize("code", COMPILED)
def test_what_a_page_calls_right_is_right(code: str) -> None:
    compilation = case(block(code, "Right")).compile()
    assert not compilation.diagnostics, shown(compilation)


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_is_short_and_speaks_to_nobody(code: str) -> None:
    words = re.sub(r"```.*?```", "", PAGES[code], flags=re.DOTALL)
    assert not re.search(r"\byour?\b", words, re.IGNORECASE)
    assert len(words.split()) < 250


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_is_headings_paragraphs_and_examples(code: str) -> None:
    """A terminal shows no lists, tables, quotes or links."""
    words = re.sub(r"^```\w+\n.*?^```$", "", PAGES[code], flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^(?:[ \t]+\S|[-*|>] |\d+\. )|\]\(|```|\*\*", words, re.MULTILINE)
