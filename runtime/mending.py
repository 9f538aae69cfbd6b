"""Mends the local specs where they lie: `cxrspec compile --fix`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cxrspec.compiler.catalog import shipped
from cxrspec.compiler.diagnostics import Diagnostic, Label, Span
from cxrspec.compiler.mending import Mending, mend
from cxrspec.compiler.rendering.places import Text
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.memo import user_memo
from cxrspec.runtime.project import local_files


def mend_folder(folder: Path, published: bool = False) -> Mending:
    """Apply the fixes that hold to the files of a folder of specs.

    Raises:
        OSError: a file cannot be written; those before it are mended.
    """
    before, memo = local_files(folder), user_memo()
    mending = mend(shipped(), before, Workspace(published, memo))
    memo.save()
    for old, new in zip(before, mending.files, strict=True):
        if new.text != old.text and isinstance(new.text, bytes):
            _rewrite(Path(new.path), new.text)
    return mending


def lines(mending: Mending) -> Iterator[str]:
    """What was done and what was not, as `file:line: what`; lines are those from before."""
    for found, texts in mending.mended:
        yield f"{_place(found, texts)}: {_what(found)}"
    for found in mending.refused:
        place = _place(found, mending.compilation.texts)
        yield f"{place}: not mended, since another finding would come: {_what(found)}"


def _place(found: Diagnostic, texts: Mapping[str, str]) -> str:
    span = found.label.span if isinstance(found.label, Label) else Span("", 0, 0)
    return f"{span.file}:{Text(texts[span.file]).position(span.start)[0]}"


def _what(found: Diagnostic) -> str:
    return f"{found.fix.title if found.fix else ''} ({found.code}: {found.message})"


def _rewrite(path: Path, content: bytes) -> None:
    """Exchange what a file holds in one step; a link stays a link, and the mode stays as it is."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
