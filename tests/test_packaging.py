"""What is installed is what is in the folders: a package or data file that nobody lists would be missing from the wheel."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

HOUSE = Path(__file__).parents[1]
SETUPTOOLS: dict[str, Any] = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]

# What ships of each top-level folder. Grammars and schemas, YAML and figures, pages of errors and the viewer's; all code.
SHIPS = {
    "compiler": ("*.py", "py.typed"),
    "runtime": ("*.py", "py.typed", "view/static/*"),
    "specs": ("*.py", "*.yaml", "*.csv"),
    "grammars": ("*.py", "*.lark", "*.json"),
    "docs": ("*.py", "errors/*.md"),
}


def files() -> list[PurePosixPath]:
    """The files of the project: those that git knows of, or all where there is no git."""
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=HOUSE, capture_output=True, text=True
    )
    if known.returncode == 0:
        return [PurePosixPath(line) for line in known.stdout.splitlines() if (HOUSE / line).is_file()]
    return [
        PurePosixPath(path.relative_to(HOUSE).as_posix())
        for folder in SHIPS
        for path in (HOUSE / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


def shipped() -> set[str]:
    """The paths that the wheel should have, below `cxrspec/`."""
    return {
        f"cxrspec/{path}"
        for path in files()
        if any(fnmatch("/".join(path.parts[1:]), pattern) for pattern in SHIPS.get(path.parts[0], ()))
    }


def test_every_folder_of_code_is_a_listed_package() -> None:
    found = {path.parent for path in files() if path.parts[0] in SHIPS and path.suffix == ".py"}
    assert {"cxrspec." + ".".join(folder.parts) for folder in found} == set(SETUPTOOLS["packages"])
    assert {f"cxrspec.{folder}": folder for folder in SHIPS} == FOLDERS


def test_type_checkers_find_the_code() -> None:
    links = {link.name: link for link in (HOUSE / ".typings" / "cxrspec").iterdir()}
    assert links.keys() == {"compiler", "runtime"}
    for name, link in links.items():
        assert link.is_symlink()
        assert not link.readlink().is_absolute()
        assert link.resolve() == HOUSE / name


@pytest.mark.slow
def test_the_wheel_holds_what_should_ship(tmp_path: Path) -> None:
    """Built through the sdist, so that a file which the sdist lacks shows too."""
    command = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(HOUSE)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == shipped()
