"""The memo of a command: what files of specs said before, kept in the user's cache by what stands in them.

It is never needed. One that is not there, is damaged or was written by another cxrspec counts as empty, and where none can
be written nothing is said.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.parsed import Parsed

SPARE = 4_000_000
"""Bytes of a memo for what was not asked for when it was written."""

_OURS = ("cxrspec.compiler", "cxrspec.grammars")
_LIBRARIES = ("yaml", "lark", "jsonschema")
_DIGEST = 32


class DiskMemo:
    """A memo in a file, which is read at once and written by `save`. An entry is unpacked when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = version()
        self.old = _entries(path, self.version)
        self.asked: dict[str, bytes] = {}
        self.grown = False

    def get(self, key: str, /) -> Parsed | None:
        """What is remembered under this key."""
        entry = self.asked.get(key) or self.old.get(key, b"")
        parsed = unpacked(entry)
        if not isinstance(parsed, Parsed):
            return None
        self.asked[key] = entry
        return parsed

    def __setitem__(self, key: str, parsed: Parsed, /) -> None:
        self.asked[key] = packed(parsed)
        self.grown = True

    def save(self) -> None:
        """Write what was asked for, and as much of the rest as there is room for, unless nothing is new."""
        if self.grown:
            with suppress(OSError):
                _write(self.path, self.version, self.asked | dict(self.spare()))

    def spare(self) -> Iterator[tuple[str, bytes]]:
        """What was not asked for this time, the latest first, until there is no more room."""
        room = SPARE
        for key, entry in self.old.items():
            room -= len(entry) if key not in self.asked else 0
            if room < 0:
                return
            yield key, entry


def user_memo() -> DiskMemo:
    """The memo in the user's cache."""
    from platformdirs import user_cache_path

    return DiskMemo(user_cache_path("cxrspec") / "memo")


def version() -> bytes:
    """A digest of all that what is remembered hangs on beside the files themselves: our code, Python and libraries."""
    digest = blake2b(f"{sys.version} {pickle.HIGHEST_PROTOCOL}".encode(), digest_size=_DIGEST)
    code = [file for name in _OURS for file in files(name).iterdir() if file.is_file()]
    for file in sorted(code, key=lambda file: file.name):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    for name in _LIBRARIES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            about = Path(spec.origin).stat()
            digest.update(f"\0{spec.origin} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.digest()


# ---- the file: version, digest of the body, body


def _entries(path: Path, version: bytes) -> dict[str, bytes]:
    """The entries of a memo, still packed; none of one that cannot be read, or is of another version."""
    try:
        written = path.read_bytes()
    except OSError:
        return {}
    head, body = written[: 2 * _DIGEST], written[2 * _DIGEST :]
    entries = unpacked(body) if head == version + _digest(body) else None
    return entries if is_mapping(entries) else {}


def _write(path: Path, version: bytes, entries: dict[str, bytes]) -> None:
    """Write a memo beside the old one, then put it in its place: what is there is always whole."""
    body = pickle.dumps(entries, pickle.HIGHEST_PROTOCOL)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        made.write_bytes(version + _digest(body) + body)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST).digest()


# ---- entries, of this memo and of compiled.py


def packed(node: object) -> bytes:
    """A node of the compiler, and all that it holds, as bytes."""
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(node)
    return file.getvalue()


def unpacked(entry: bytes) -> object:
    """What `packed` wrote; None if it is damaged, or is something else than nodes."""
    try:
        return _Unpickler(io.BytesIO(entry)).load()
    except Exception:  # whatever is wrong with it, it counts as not there
        return None


def _node(kind: Callable[..., object], fields: tuple[object, ...], places: dict[str, object]) -> object:
    """A node with its places, which are given by name."""
    return kind(*fields, **places)


class _Pickler(pickle.Pickler):
    """Writes a node as the call that makes it, which is read several times quicker than its state is set."""

    def reducer_override(self, value: Any) -> Any:
        kind = cast(Any, type(value))
        names: Iterable[str] | None = getattr(kind, "__dataclass_fields__", None)
        if names is None:
            return NotImplemented
        given: tuple[str, ...] = kind.__match_args__
        places = {name: getattr(value, name) for name in names if name not in given}
        fields = tuple(getattr(value, name) for name in given)
        return (_node, (kind, fields, places)) if places else (kind, fields)


class _Unpickler(pickle.Unpickler):
    """Reads nodes of the compiler, and nothing that could do anything."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if module.startswith("cxrspec.") else None
        if found is not _node and not (isinstance(found, type) and "__dataclass_fields__" in vars(found)):
            raise pickle.UnpicklingError(f"{module}.{name} is no node")
        return found
