"""Writing raw files: plain, gzip, zip and tar, each the same bytes every time (no times, no owners)."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one made-up source; names are paths below it, and folders are made as needed."""

    path: Path

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file; a name that ends in `.gz` is compressed."""
        raw = data.encode() if isinstance(data, str) else data
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(raw, compresslevel=1, mtime=0) if name.endswith(".gz") else raw)
        return path

    def csv(self, name: str, frame: pl.DataFrame, *, header: str | None = None) -> Path:
        """Write a frame as CSV with its columns' names, or with a header line of one's own."""
        text = frame.write_csv(include_header=header is None)
        return self.write(name, text if header is None else f"{header}\n{text}")

    def zip(self, name: str, members: Iterable[tuple[str, bytes | str]]) -> Path:
        """Write a zip of (name, content) in the order given; in memory first, where going back to a header costs nothing."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, data in members:
                archive.writestr(zipfile.ZipInfo(member), data, zipfile.ZIP_DEFLATED)
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.getbuffer())
        return path

    def tgz(self, name: str, members: Iterable[tuple[str, bytes | str]]) -> Path:
        """Write a compressed tar of (name, content) in the order given."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            path.open("wb") as raw,
            gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        ):
            for member, content in members:
                data = content.encode() if isinstance(content, str) else content
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path
