"""The columns of a CSV file for a first version of a source: names from its header, types guessed from its first rows.

No cell leaves this module: what is told of a column is its type, and whether each row has a value of its own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cxrspec.compiler.drafts import DraftError, NewColumn, Roles, column_name

ROWS = 1_000  # rows that are looked at

# The first type that all cells fit, from the narrowest; a number with leading zeros is a name.
_TYPES = (
    ("bool", r"(?i)true|false"),
    ("int", r"[+-]?(0|[1-9]\d{0,17})"),
    ("float", r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    ("date", r"\d{4}-\d\d-\d\d"),
    ("time", r"\d\d:\d\d:\d\d"),
    ("split", r"train|val|test"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """Columns of a file, the character between them, and those in which each row seen has a value of its own."""

    columns: Sequence[NewColumn]
    separator: str
    single: Sequence[str]


def read_header(path: Path) -> Header:
    """The columns of a CSV file; one without a name is left out.

    Raises DraftError if the file is no text in UTF-8, has no header, or two columns of one name.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = max(",;\t|", key=first.count) if first.strip() else ","
            file.seek(0)
            reader = csv.reader(file, delimiter=separator)
            header, *rows = [*islice(reader, 1 + ROWS)] or [[""]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DraftError(f"`{path}` is not readable as CSV in UTF-8 ({type(error).__name__})") from None
    cells = {name.strip(): [row[i] if i < len(row) else "" for row in rows] for i, name in enumerate(header)}
    if len(cells) < len(header) or not any(cells):
        raise DraftError(
            f"`{path}` has {'two columns of one name' if any(cells) else 'no header'}", "`--columns` names them"
        )
    named = {column_name(name) or f"column_{i}": name for i, name in enumerate(cells) if name}
    columns = [NewColumn(name, _type(cells[header]), header) for name, header in named.items()]
    return Header(columns, separator, [name for name, header in named.items() if _single(cells[header])])


def _type(cells: Sequence[str]) -> str:
    """The narrowest type that fits all cells; a column without any is text."""
    said = [cell.strip() for cell in cells if cell.strip()]
    fitting = (name for name, pattern in _TYPES if said and all(re.fullmatch(pattern, cell) for cell in said))
    zeros = any(re.match(r"[+-]?0\d", cell) for cell in said)
    found = next(fitting, "text")
    return ("text" if zeros and found == "float" else found) + ("" if len(said) == len(cells) > 0 else " | null")


def _single(cells: Sequence[str]) -> bool:
    return len(cells) > 0 and "" not in cells and len(set(cells)) == len(cells)


def guess_roles(columns: Sequence[NewColumn], single: Sequence[str]) -> Roles:
    """What columns are for, by their names. The key is one in which each row has a value of its own, if there is one."""
    names = [column.name for column in columns if "null" not in column.type]
    texts = [column.name for column in columns if column.type == "text"]
    image = _called(r"image|file|path|dicom|png|jpe?g", texts)
    patient, study = _called(r"patient|subject", names), _called(r"study|exam|visit|accession|report", names)
    keys = [name for name in (image, study, *single) if name is not None and name in single]
    return Roles(tuple(keys[:1]), patient, study, image)


def _called(pattern: str, names: Sequence[str]) -> str | None:
    """The first name in which one of these words stands; one that ends in `id` goes before."""
    found = [name for name in names if re.search(pattern, name)]
    return next(iter(sorted(found, key=lambda name: not name.endswith("id"))), None)
