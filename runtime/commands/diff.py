"""`cxrspec diff`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import Published, SpecsFolder
from cxrspec.runtime.commands.shared import read_settings, usage

if TYPE_CHECKING:
    from cxrspec.compiler.catalog import File


class DiffFormat(StrEnum):
    """How changes are printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


def diff(
    revision: Annotated[
        str, typer.Argument(help="A revision of git, such as main or HEAD~1; or another folder of specs.")
    ],
    specs: SpecsFolder = None,
    format: Annotated[
        DiffFormat, typer.Option(help="How changes are printed; markdown is for a comment on a pull request.")
    ] = DiffFormat.text,
    published: Published = False,
) -> None:
    """Say in words what the changes of specs since a revision do."""
    from cxrspec.compiler.difference import difference
    from cxrspec.runtime import changes
    from cxrspec.runtime.project import load_both, local_files

    folder = read_settings(specs, None, None, None).specs
    before, after = load_both(_files(revision, folder), local_files(folder), published)
    printed = {"text": changes.as_text, "json": changes.as_json, "markdown": changes.as_markdown}
    found = difference(before, after, published)
    print(printed[format.value](found, before, after, revision), end="")


def _files(revision: str, folder: Path) -> list[File]:
    """The local files at a revision; a name that git does not know may be that of a folder."""
    from cxrspec.runtime.project import local_files
    from cxrspec.runtime.revision import RevisionError, files_at

    try:
        return files_at(revision, folder)
    except RevisionError as error:
        if Path(revision).is_dir():
            return local_files(Path(revision))
        usage(str(error), error.help)
