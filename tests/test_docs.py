"""The documentation says what is so: its files compile, its commands print what stands below them.

A block of ```yaml, ```csv or ```jsonl starts with a comment that names its file. It is written into a fresh folder, where the
`$ ` lines of ```console blocks are run, page by page from top to bottom. `--update` writes the outputs anew.
A file that is meant to be wrong stands in a block of ```yaml broken.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cxrspec.compiler import functions
from cxrspec.compiler.dialects import DIALECTS
from cxrspec.compiler.types import Scalar
from cxrspec.runtime.cli import app
from cxrspec.runtime.formats import BOXES, EXAMPLES, names
from cxrspec.runtime.project import load

HOUSE = Path(__file__).parents[1]
PAGES = [HOUSE / "README.md", *sorted((HOUSE / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)(?: (broken))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where the text stands in the page."""

    language: str
    broken: bool
    text: str
    start: int
    end: int

    def write(self, folder: Path) -> None:
        """Write the file that the block is."""
        head, _, rest = self.text.partition("\n")
        path = folder / head.removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text if self.language == "yaml" else rest, "utf-8")


def blocks(page: Path) -> Iterator[Block]:
    for found in BLOCK.finditer(page.read_text("utf-8")):
        yield Block(found[1], found[2] == "broken", found[3], found.start(3), found.end(3))


def files(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in ("yaml", "csv", "jsonl")]


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder to work in, with nothing of the user's in the way."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CXRSPEC_DATA", raising=False)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return folder


def output(command: str) -> str:
    """What a command prints, findings and progress included."""
    if re.fullmatch(r"cxrspec (?!run)[^|>&]*", command):  # a process less
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert isinstance(done.exception, SystemExit | None), done.exception
        return done.output
    piped = subprocess.run(["bash", "-c", f"{command} 2>&1"], capture_output=True, text=True, timeout=180)
    return piped.stdout


def console(text: str) -> str:
    """The block with what its commands print now; a command stands alone or after others."""
    commands = [line for line in text.splitlines() if line.startswith("$ ")]
    done = (f"{command}\n{output(command[2:]).rstrip()}".rstrip() for command in commands)
    return "\n".join(done) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_print_what_the_page_says(page: Path, quiet: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text("utf-8")
    now, end = "", 0
    for block in blocks(page):
        if block.language in ("yaml", "csv", "jsonl"):
            block.write(quiet)
        if block.language == "console":
            now += text[end : block.start] + console(block.text)
            end = block.end
    now += text[end:]
    if request.config.getoption("--update"):
        page.write_text(now, "utf-8")
    assert now == page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_a_page_compile(page: Path, quiet: Path) -> None:
    for block in files(page):
        assert block.text.startswith("# ")
        if not block.broken:
            block.write(quiet)
    compilation = load(quiet / "specs")
    assert compilation.diagnostics == ()
    assert all(spec.plan is not None for spec in compilation.specs.values())


def test_the_table_of_functions_is_that_of_the_compiler(request: pytest.FixtureRequest) -> None:
    page = HOUSE / "docs" / "language.md"
    cells = ((f.signature.replace("|", r"\|"), f.doc.replace("|", r"\|")) for f in functions.FUNCTIONS.values())
    table = "".join(f"| `{signature}` | {doc} |\n" for signature, doc in cells)
    before, head, rest = page.read_text("utf-8").partition("| signature | what it gives |\n|---|---|\n")
    after = rest[rest.index("\n\n") + 1 :]
    if request.config.getoption("--update"):
        page.write_text(before + head + table + after, "utf-8")
    assert page.read_text("utf-8") == before + head + table + after


def test_the_types_of_the_language_are_named() -> None:
    page = (HOUSE / "docs" / "language.md").read_text("utf-8")
    from cxrspec.compiler.types import SCALARS

    named = next(line for line in page.splitlines() if line.startswith("Scalars: "))
    assert re.findall(r"`(\w+)`", named) == [t.name for t in SCALARS.values() if isinstance(t, Scalar)]


def test_the_dialects_of_boxes_are_named() -> None:
    """In the table of the language, in the glossary and by the command."""
    language, glossary = ((HOUSE / "docs" / page).read_text("utf-8") for page in ("language.md", "glossary.md"))
    table = language.partition("| dialect | ")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(DIALECTS)
    meaning = next(line for line in glossary.splitlines() if line.startswith("| **dialect** |"))
    assert re.findall(r"`(\w+)`", meaning) == list(DIALECTS)
    help = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output
    assert f"{', '.join(list(DIALECTS)[:-1])} or {list(DIALECTS)[-1]}" in " ".join(help.split())


def test_the_formats_are_named() -> None:
    """With the dialect of each in the manual, and by the command."""
    table = (HOUSE / "docs" / "running.md").read_text("utf-8").partition("| `--emit` | ")[2].partition("\n\n")[0]
    told = dict(re.findall(r"^\| `([\w-]+)` .* \| `?(\w+)`? \|$", table, re.MULTILINE))
    assert told == {name: BOXES.get(name, "any") for name in {*names()} - {*EXAMPLES}}
    help = " ".join(CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output.split())
    assert {*re.findall(r"[\w-]+", help.partition("may be repeated: ")[2].partition(".")[0])} - {"or"} == {*names()}


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_commands_of_the_readme_are_those_that_are_checked() -> None:
    """Set-up and tests, as README.md says, are what .ci/run does."""
    said = re.findall(r"^    \.venv/bin/(.*)$", (HOUSE / "README.md").read_text("utf-8"), re.MULTILINE)
    done = (HOUSE / ".ci" / "run").read_text("utf-8").replace('"$bin/pip" install --quiet', "pip install")
    done = done.replace('"$bin/', "").replace('"$scratch/elsewhere/bin/', "").replace('" ', " ")
    assert len(said) >= 3
    for command in said:
        assert command in done
