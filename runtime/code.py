"""Our own code as a digest: what another version of it made or remembered is not taken for what this one would."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from cxrspec import compiler

_COMPILER, _RUNTIME = Path(compiler.__file__).parent, Path(__file__).parent
MAKING = (_COMPILER, _COMPILER / "fast", _RUNTIME, _RUNTIME / "readers", _RUNTIME / "emitters")
"""The folders that have a part in what an example is."""


@cache
def code() -> str:
    """The digest of the code that makes examples."""
    return digest(MAKING)


def digest(folders: Iterable[Path]) -> str:
    """16 hex digits for the modules of these folders."""
    found = blake2b(digest_size=8)
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            found.update(f"\0{folder.name}/{path.name}\0".encode() + path.read_bytes())
    return found.hexdigest()


@cache
def libraries() -> tuple[str, ...]:
    """What else has a hand in what is read from a file, by its version: Python and libraries."""
    return platform.python_version(), *map(version, ("polars", "lxml", "msgspec", "numpy"))
