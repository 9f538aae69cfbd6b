"""Raw format -> rows of cells: one reader per file of this folder, found by its name (`read: csv` is csv.py).

A reader says what stands where; it casts nothing. The door (../reading.py) adds what needs no format: captured pieces
of the path, constants, `row()` and `file()`.
"""

from __future__ import annotations

import importlib
import pkgutil
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol, cast

import polars as pl

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.plan import RawColumn, Read
from cxrspec.compiler.types import ListOf, is_nullable
from cxrspec.runtime.casting import Cells
from cxrspec.runtime.locate import Found, Located, problem


@dataclass(frozen=True, slots=True)
class Raw:
    """The rows of some files, one file after the other.

    files   the files that could be read, in the order of their rows, with their numbers of rows
    cells   per column its raw cells: a series of text, or what JSON gives (None: absent). A column that a problem was
            reported for is left out
    lines   the line (from 1) of each row in its file; None where the reader knows none
    never   columns that no row has, each with the finding that this is if no row of other files has them either
    """

    files: tuple[tuple[Found, int], ...]
    cells: Mapping[str, Cells]
    lines: pl.Series | None = None
    never: Mapping[str, Diagnostic] = field(default_factory=dict[str, Diagnostic])


class Reader(Protocol):
    """What a module of this folder offers."""

    def rows(self, read: Read, columns: Sequence[RawColumn], located: Located, problems: list[Diagnostic]) -> Raw:
        """The rows of `located`, with the cells of `columns`. What is wrong is added to `problems`; raises nothing."""
        ...


def reader_of(name: str) -> Reader | None:
    """The reader in the file `<name>.py`, or None."""
    if name not in reader_names():
        return None
    return cast(Reader, importlib.import_module(f"{__name__}.{name}"))


def reader_names() -> list[str]:
    """The readers there are."""
    return [module.name for module in pkgutil.iter_modules(__path__)]


def decoded(found: Found, data: bytes, encoding: str, problems: list[Diagnostic]) -> str | None:
    """The text of a file that may not be empty; None: an empty or wrongly encoded file, which is noted."""
    text = data.removeprefix(BOM_UTF8)
    if not text or text.isspace():
        problems.append(problem("CXR606", "an empty file", found.name))
        return None
    return text_of(found, data, encoding, problems)


def text_of(found: Found, data: bytes, encoding: str, problems: list[Diagnostic]) -> str | None:
    """The text of a file without its byte order mark; None: a wrongly encoded file, which is noted."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(problem("CXR605", f"a file that is not {encoding.upper()}", found.name, line=line))
    except LookupError:
        problems.append(problem("CXR605", f"an encoding that does not exist: `{encoding}`", found.name))
    return None


def shown_places(column: RawColumn) -> str:
    """The places of a column, as a message names them.

    >>> from cxrspec.compiler.plan import Place
    >>> from cxrspec.compiler.types import TEXT
    >>> shown_places(RawColumn("id", TEXT, (Place("name", "image_name"), Place("column", index=3))))
    '`image_name` or column 3'
    """
    return " or ".join(
        f"`{p.path}`" if p.kind == "name" else f"column {p.index}" if p.kind == "column" else f"{p.kind}()"
        for p in column.places
    )


def unknown_places(read: Read, columns: Iterable[RawColumn], has: str, problems: list[Diagnostic]) -> None:
    """Report `columns`, whose places the reader does not know; `has` says what it knows."""
    problems += [problem("CXR610", f"{shown_places(c)}: {has}", read.table, column=c.name) for c in columns]


def near_names(column: RawColumn, known: Iterable[str]) -> str:
    """A help line with names that resemble those asked for, and no others: a headless file has cells there."""
    names = {name.lower(): name for name in known}
    wanted = [place.path.lower() for place in column.places if place.kind == "name"]
    close = dict.fromkeys(names[c] for w in wanted for c in get_close_matches(w, sorted(names), n=3, cutoff=0.6))
    return "a near name exists: " + ", ".join(f"`{c}`" for c in close) if close else ""


def never_there(column: RawColumn, file: str, known: Iterable[str]) -> Diagnostic:
    """No row has the column. A plain name is then misspelt; a longer path may end in null everywhere, by chance."""
    plain = all(p.path.replace("_", "").isalnum() for p in column.places)
    by_chance = (is_nullable(column.type) or isinstance(column.type, ListOf)) and not plain
    return problem(
        "CXR610",
        f"no row has {shown_places(column)}",
        file,
        column=column.name,
        help=[near_names(column, known), "" if by_chance else "`optional: yes` takes an absent column as null"],
        severity="warning" if by_chance else "error",
    )
