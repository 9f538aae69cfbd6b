"""Where a run's result is built and put in place: OUT is always the old complete one or the new complete one.

Beside OUT (here: `corpus`) stand, for as long as they are needed:

    .corpus.disk        what the disk said when it was made (disk.py)
    .corpus.lock        who is writing (an exclusive lock, and the process id)
    .corpus.building    the new output; once it is published, the replaced one until it is removed
    .corpus.old         the replaced one, between two renames, where folders cannot be exchanged in one call

The names start with a dot because nobody's own `corpus.old` may be mistaken for ours and removed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrspec.compiler.diagnostics import Diagnostic

MANIFEST = "manifest.json"
CARD = "README.md"
CROISSANT = "croissant.json"
REGISTRY = "dataset_info.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class OutputError(Exception):
    """The output cannot be read, written or put in place; `diagnostic` says why."""

    def __init__(self, code: str, message: str, *help: str) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, "error", message, help=tuple(line for line in help if line))


@dataclass(frozen=True, slots=True)
class Building:
    """A new output on its way: files are written below `folder`, then `publish` makes it `out`."""

    out: Path
    folder: Path

    def publish(self) -> None:
        """Put the new output in place of the old one, which is removed when the building is left.

        Raises:
            OutputError: CXR803, CXR804 as in `open_output`.
            ValueError: the new output has no manifest, so the next run would refuse to replace it.
        """
        if not is_ours(self.folder):
            raise ValueError(f"a new output without a {MANIFEST}")
        with _said(self.out):
            _sync(self.folder)
            _replace(self.folder, self.out)
            _sync_one(self.out.parent)


@contextmanager
def open_output(out: Path) -> Generator[Building]:
    """A fresh folder beside `out`, held by a lock; what a killed run left is put right first.

    Leaving without `publish`, by an exception or not, removes the new folder; `out` is as it was.

    Raises:
        OutputError: CXR801 another run holds `out`; CXR802 `out` is not ours to replace; CXR803 it cannot be
            written; CXR804 the disk filled up on the way.
    """
    out = out.resolve()
    building = Building(out, beside(out, "building"))
    with _locked(out):
        with _said(out):
            _settle(out)
            _check_replaceable(out)
            _make(building.folder, like=out)
        try:
            yield building
        except Exception as error:
            if _is_full(error):
                raise _refused(out, error) from error
            raise
        finally:
            with suppress(OSError):  # the next run tries again
                _settle(out)


def recover(out: Path) -> None:
    """Put `out` back where a run was killed between two renames; for commands that only read it.

    Raises:
        OutputError: CXR801, CXR803 as in `open_output`.
    """
    out = out.resolve()
    if not out.exists() and beside(out, "old").exists():
        with _locked(out), _said(out):
            _settle(out)


def is_left(out: Path) -> bool:
    """Whether something is left beside `out` of a run that was killed, or stands there for one that is under way."""
    return any(beside(out.resolve(), what).exists() for what in ("building", "old"))


def carry(old: Path, new: Path, relative: Iterable[str]) -> None:
    """Take files over from the folder `old` into `new`: as hard links, or copied where links are not possible.

    The caller knows that they are unchanged; `relative` are paths below both folders.
    """
    for name in relative:
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(old / name)
        except OSError:  # another file system, a file system without links, or too many of them
            shutil.copy2(old / name, target)


def is_ours(folder: Path) -> bool:
    """Whether `folder` holds a manifest of any version of cxrspec; other tools have a manifest.json too."""
    try:
        found: Any = json.loads((folder / MANIFEST).read_bytes())
        return "cxrspec" in found["versions"]
    except (OSError, ValueError, TypeError, KeyError):
        return False


def beside(out: Path, what: str) -> Path:
    """Where something of ours stands beside `out`."""
    return out.with_name(f".{out.name}.{what}")


@contextmanager
def _locked(out: Path) -> Generator[None]:
    """Hold the lock of `out`. The file stays: removing it would let two runs lock two files of one name."""
    path = beside(out, "lock")
    with _said(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with _said(out):
            _lock(handle, out)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
        message = f"another run is writing `{out}`: process {holder}"
        raise OutputError("CXR801", message, "wait for it to end, or write to another folder with --out") from None
    os.truncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode("ascii"))


def _settle(out: Path) -> None:
    """Finish or undo what a killed run began. A folder under `building` is never needed, whichever it is."""
    old, building = beside(out, "old"), beside(out, "building")
    if old.exists() and not out.exists():
        old.rename(out)
    _discard(building)
    if old.exists():
        old.rename(building)
        _discard(building)


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _check_replaceable(out: Path) -> None:
    if out.is_mount():
        message = f"`{out}` is a mount point, which cannot be replaced"
        raise OutputError("CXR803", message, "write to a folder below it with --out")
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not is_ours(out)):
        what = f"holds files and no {MANIFEST} of cxrspec" if out.is_dir() else "is not a folder"
        message = f"`{out}` {what}; only an empty folder or an earlier output is replaced"
        raise OutputError("CXR802", message, "write to another folder with --out")


def _make(folder: Path, like: Path) -> None:
    """Make `folder`, no more open to others than the output it is to replace."""
    folder.mkdir()
    if like.exists():
        shutil.copymode(like, folder)


@contextmanager
def _said(out: Path) -> Generator[None]:
    """An error of the file system is said as a finding about `out`."""
    try:
        yield
    except OSError as error:
        raise _refused(out, error) from error


def _refused(out: Path, error: Exception) -> OutputError:
    if _is_full(error):
        message = f"no space left for `{out}`; the previous output is as it was"
        return OutputError("CXR804", message, "free some space, or write to another disk with --out")
    reason = error.strerror if isinstance(error, OSError) else None
    return OutputError("CXR803", f"`{out}` cannot be written: {reason or type(error).__name__}")


def _is_full(error: Exception) -> bool:
    """Polars keeps the system's error only in its text: `No space left on device (os error 28)`."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    return any(f"(os error {code})" in str(error) for code in _FULL)


def _replace(new: Path, old: Path) -> None:
    """Put `new` under the name `old`: in one call, or by two renames where folders cannot be exchanged.

    What was there is left beside it, for `_settle` to remove (or to put back, if the second rename did not come).
    """
    if not old.exists():
        new.rename(old)
    elif not _exchange(new, old):
        old.rename(beside(old, "old"))
        new.rename(old)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two names in one step (Linux: renameat2); False where system or file system cannot."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    if call(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(b))


def _sync(folder: Path) -> None:
    """Everything below `folder` is on the disk before a name points to it."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
