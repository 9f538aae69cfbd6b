"""Raw files as they were downloaded, packed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def text(folder: Path, name: str) -> str:
    """A file, or what `<name>.gz` or the one member of `<name>.zip` holds."""
    path = folder / name
    if path.exists():
        return path.read_text(encoding="utf-8")
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        return gzip.decompress(packed.read_bytes()).decode()
    with zipfile.ZipFile(path.with_name(path.name + ".zip")) as archive:
        return archive.read(archive.namelist()[0]).decode()


def csv_rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """The records of a CSV file with a header."""
    yield from csv.DictReader(io.StringIO(text(folder, name), newline=""))


def json_lines(folder: Path, name: str) -> Iterator[Any]:
    yield from map(json.loads, filter(str.strip, text(folder, name).split("\n")))
