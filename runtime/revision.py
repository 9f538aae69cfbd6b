"""The YAML files of a folder of specs as they were at a revision of git; nothing is checked out."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cxrspec.compiler.catalog import File
from cxrspec.runtime.project import of_specs


class RevisionError(Exception):
    """The files of a revision cannot be had; `help` says what may mend it."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def files_at(revision: str, folder: Path) -> list[File]:
    """The YAML files below `folder` at `revision`, their paths as git writes them: `revision:folder/file`.

    Raises RevisionError where there is no git, no repository, or no such revision in it.
    """
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())
    top = Path(_git(there, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    below = (there.resolve() / folder.absolute().relative_to(there)).relative_to(top.resolve()).as_posix()
    try:
        tree = (
            _git(there, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}").decode().strip()
        )
    except RevisionError:
        help = "a clone may lack it: `git fetch --unshallow` brings all revisions"
        raise RevisionError(f"no revision `{revision}` in the repository `{top}`", help) from None
    listed = _git(top, "ls-tree", "-r", "-z", "--full-tree", tree, *([below] if below != "." else []))
    entries = [entry.split("\t", 1) for entry in listed.decode("utf-8", "surrogateescape").split("\0") if entry]
    blobs = {
        path: said.split()[2] for said, path in entries if said.startswith("100") and path.endswith((".yaml", ".yml"))
    }
    texts = _contents(top, list(blobs.values()))
    start = len(below) + 1 if below != "." else 0
    return of_specs(
        [
            File(f"{revision}:{(folder / path[start:]).as_posix()}", path[start:], text)
            for path, text in zip(blobs, texts, strict=True)
        ]
    )


def _contents(folder: Path, blobs: list[str]) -> list[bytes]:
    """The contents of blobs, as `git cat-file --batch` gives them: `<name> blob <size>`, then so many bytes."""
    said = _git(folder, "cat-file", "--batch", input="".join(f"{blob}\n" for blob in blobs).encode()) if blobs else b""
    texts: list[bytes] = []
    place = 0
    for _ in blobs:
        end = said.index(b"\n", place)
        size = int(said[place:end].split()[2])
        texts.append(said[end + 1 : end + 1 + size])
        place = end + 1 + size + 1
    return texts


def _git(folder: Path, *arguments: str, input: bytes = b"") -> bytes:
    """What a command of git prints."""
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], input=input, capture_output=True, check=True
        ).stdout
    except FileNotFoundError:
        raise RevisionError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise RevisionError(said or "git failed") from None
