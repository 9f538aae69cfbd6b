"""The store: lots of rows, and lists of what archives hold, in the user's cache, each named by all that it hangs on.

A lot is there as a whole or not at all: it is written beside its place and then put there. One that is damaged counts
as not there, and where none can be written nothing is said. What was not used for longest goes when there is no more
room. It holds what stood in the files, so nobody else may read it. Compilations have a store of their own (compiled.py).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

ROOM = 4_000_000_000
"""Bytes that all lots together may take."""

_LOT = ".lot"
_LEFT = 3600
"""Seconds after which a file that is no lot was left behind by a command that was killed."""
_DIGEST = 32


class Store:
    """Lots in a folder. `began` is when it was opened, in nanoseconds since 1970."""

    def __init__(self, folder: Path, room: int = ROOM) -> None:
        self.folder = folder
        self.room = room
        self.began = time.time_ns()

    def get(self, key: str) -> bytes | None:
        """The lot of this key, and note that it was used."""
        path = self.folder / f"{key}{_LOT}"
        try:
            written = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        body = written[_DIGEST:]
        return body if written[:_DIGEST] == _digest(body) else None

    def put(self, key: str, body: bytes) -> None:
        """Lay a lot in, if that can be done."""
        made = self.folder / f"{key}.{os.getpid()}.{threading.get_ident()}"
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with made.open("wb") as file:
                    file.write(_digest(body))
                    file.write(body)
                made.replace(self.folder / f"{key}{_LOT}")
            finally:
                made.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what killed commands left, and the lots for which there is no room."""
        with suppress(OSError):
            now, room = time.time(), self.room
            for path, found in sorted(self._files(), key=lambda one: -one[1].st_mtime):
                room -= found.st_size if path.suffix == _LOT else 0
                if room < 0 or (path.suffix != _LOT and found.st_mtime < now - _LEFT):
                    path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another command tidies, too
                yield path, path.stat()


def user_store() -> Store:
    """The store in the user's cache."""
    from platformdirs import user_cache_path

    return Store(user_cache_path("cxrspec") / "lots")


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST).digest()
