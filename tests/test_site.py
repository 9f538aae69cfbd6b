"""The pages of docs/ as a site: every link leads somewhere, and every page is on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.slow
def test_the_pages_are_a_site(tmp_path: Path) -> None:
    """Sphinx, of the extra `docs`, follows each link; with `-W` one that leads nowhere fails."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert pages <= {page.relative_to(tmp_path) for page in tmp_path.rglob("*.html")}
