"""The YAML files a compilation starts from: what ships, with a folder of local files laid over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

SHIPPED = "cxrspec/specs/"
"""How messages name the folder of what ships."""


@dataclass(frozen=True, slots=True)
class File:
    """One YAML file: `path` as messages show it, `place` its path below the specs folder, `shipped` or local."""

    path: str
    place: str
    text: str | bytes
    shipped: bool = False


def as_text(text: str | bytes) -> str:
    """The text of a file that places count in: decoded, broken characters replaced, without a byte order mark."""
    return (text if isinstance(text, str) else text.decode("utf-8", "replace")).removeprefix("\ufeff")


def shipped() -> list[File]:
    """The files of the package, sorted by path."""
    root = files("cxrspec.specs")
    return [File(f"{SHIPPED}{place}", place, item.read_bytes(), True) for place, item in sorted(_yaml(root, ""))]


def _yaml(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _yaml(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".yaml"):
            yield f"{prefix}{item.name}", item


def overlay(packaged: Sequence[File], local: Sequence[File]) -> list[File]:
    """The packaged files behind the local ones; a local copy that says the same takes the packaged one's place."""
    same = {f.place for f in local} & {f.place for f in packaged}
    texts = {f.place: f.text for f in local}
    return [*local, *(f for f in packaged if f.place not in same or texts[f.place] != f.text)]
