"""MEND: the fixes that findings carry are applied to local files, and each is proved by compiling again.

    where: veiw == "PA"   ->   where: view == "PA"

A fix holds if its finding is gone and it brings no other; otherwise it is taken back. Where a file could not be read,
much may come to light with it, and what has a fix itself is mended in the same go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from cxrspec.compiler.catalog import File, overlay
from cxrspec.compiler.diagnostics import Diagnostic, Edit, Label, Span, applied
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.workspace import Workspace

MAX_ROUNDS = 5
"""How often what comes to light is mended with what hid it."""

_BOM = "\ufeff".encode()
_Key: TypeAlias = tuple[str, str, str, str]
_Compiler: TypeAlias = Callable[[Sequence[File]], Compilation]


@dataclass(frozen=True, slots=True)
class Mending:
    """Local files after mending, and what comes of them.

    mended   the findings that are gone, each with the texts that its place counts in
    refused  the findings whose fix was taken back
    """

    files: tuple[File, ...]
    compilation: Compilation
    mended: tuple[tuple[Diagnostic, Mapping[str, str]], ...] = ()
    refused: tuple[Diagnostic, ...] = ()


def mend(packaged: Sequence[File], local: Sequence[File], workspace: Workspace) -> Mending:
    """Apply every fix that holds: all together, and where they do not hold together, one by one.

    Files that cannot be read go first: what they hold is not known before.
    """

    def compiled(files: Sequence[File]) -> Compilation:
        return workspace.compile(overlay(packaged, files))

    now = Mending(tuple(local), compiled(local))
    refused: dict[_Key, Diagnostic] = {}
    alone = False
    while fixable := [found for found in _fixable(now) if _key(found) not in refused]:
        first = [found for found in fixable if _is_of_form(found)] or fixable
        batch = _apart(first)[: 1 if alone else None]
        after = _hold(now, batch, compiled)
        if after is not None:
            now, alone = after, False
        elif len(batch) > 1:
            alone = True
        else:
            refused[_key(batch[0])] = batch[0]
    return replace(now, refused=tuple(refused.values()))


def _fixable(now: Mending) -> list[Diagnostic]:
    """The findings with a fix for local files."""
    local = {file.path for file in now.files}
    found = [one for one in now.compilation.diagnostics if one.fix is not None]
    return [one for one in found if all(edit.span.file in local for edit in _edits(one))]


def _edits(found: Diagnostic) -> tuple[Edit, ...]:
    return found.fix.edits if found.fix is not None else ()


def _apart(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings in order, but for those whose edits meet the edits of one before."""
    chosen, taken = list[Diagnostic](), list[Span]()
    for found in sorted(findings, key=_edits):
        spans = [edit.span for edit in _edits(found)]
        if not any(_meet(a, b) for a in spans for b in taken):
            chosen.append(found)
            taken += spans
    return chosen


def _meet(a: Span, b: Span) -> bool:
    return a.file == b.file and a.start <= b.end and b.start <= a.end


def _key(found: Diagnostic) -> _Key:
    """What a finding is known by, wherever in its file it stands."""
    label = found.label if isinstance(found.label, Label) else Label(Span("", 0, 0))
    return found.code, label.span.file, found.message, label.text


def _is_of_form(found: Diagnostic) -> bool:
    """Whether a finding says that its file cannot be read, so that more may come to light with it."""
    return found.code < "CXR014"


# ---- proof


def _hold(now: Mending, batch: Sequence[Diagnostic], compiled: _Compiler, rounds: int = MAX_ROUNDS) -> Mending | None:
    """What comes of these fixes, and of those for what they bring to light; None if something remains of it."""
    after = _applied(now, batch, compiled)
    brought = _brought(now, batch, after)
    fixable = _apart(found for found in _fixable(after) if found in brought)
    if not brought:
        return after
    if rounds == 0 or len(fixable) < len(brought) or not any(map(_is_of_form, batch)):
        return None
    return _hold(after, fixable, compiled, rounds - 1)


def _applied(now: Mending, batch: Sequence[Diagnostic], compiled: _Compiler) -> Mending:
    before = now.compilation.texts
    after = {file: applied(before[file], own) for file, own in _by_file(e for found in batch for e in _edits(found))}
    files = [_rewritten(file, after[file.path]) if file.path in after else file for file in now.files]
    mended = [(found, before) for found in batch]
    return Mending(tuple(files), compiled(files), (*now.mended, *mended))


def _brought(now: Mending, batch: Sequence[Diagnostic], after: Mending) -> list[Diagnostic]:
    """The findings that fixes brought, or left. What only came to light by them is not counted: errors, when a file
    could be read at last; warnings, where there were errors before, with which some checks are not made."""
    rest = Counter(map(_key, now.compilation.diagnostics)) - Counter(map(_key, batch))
    own = set(map(_key, batch))
    places = list(_places(edit for found in batch for edit in _edits(found)))
    lit = any(map(_is_of_form, batch))
    brought = list[Diagnostic]()
    for found in after.compilation.diagnostics:
        rest[_key(found)] -= 1
        if rest[_key(found)] >= 0:
            continue
        hidden = lit if found.severity == "error" else lit or now.compilation.errors > 0
        touched = isinstance(found.label, Label) and any(_meet(found.label.span, place) for place in places)
        if touched or not hidden or _key(found) in own:
            brought.append(found)
    return brought


# ---- edits and files


def _places(edits: Iterable[Edit]) -> Iterator[Span]:
    """Where the texts of edits stand once all are made."""
    for file, own in _by_file(edits):
        shift = 0
        for edit in own:
            start = edit.span.start + shift
            yield Span(file, start, start + len(edit.text))
            shift += len(edit.text) - (edit.span.end - edit.span.start)


def _by_file(edits: Iterable[Edit]) -> Iterator[tuple[str, list[Edit]]]:
    """The edits of each file, in order."""
    for file, own in groupby(sorted(edits), key=lambda edit: edit.span.file):
        yield file, list(own)


def _rewritten(file: File, text: str) -> File:
    """The file with another text; a byte order mark stays."""
    if isinstance(file.text, str):
        return replace(file, text=text)
    return replace(file, text=(_BOM if file.text.startswith(_BOM) else b"") + text.encode())
