"""The specs a command works on: what ships, with the local folder laid over it, compiled together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from cxrspec.compiler.catalog import File, overlay, shipped
from cxrspec.compiler.diagnostics import near
from cxrspec.compiler.pipeline import Compilation, Compiled, compile
from cxrspec.runtime.compiled import compiled
from cxrspec.runtime.memo import user_memo


def local_files(folder: Path) -> list[File]:
    """The YAML files of a folder of specs, which one of them shows it to be by saying `kind:`; else none.

    All of them are read then: one that lost its `kind:` is a finding, not a file that nobody misses.
    """
    if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    paths = sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml")))
    return of_specs([File(path.as_posix(), path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths])


def of_specs(files: list[File]) -> list[File]:
    """The files, if one of them says `kind:`; else none: the folder is for something else."""
    return files if any(b"kind:" in file.text for file in files if isinstance(file.text, bytes)) else []


def load(folder: Path, published: bool = False, keep: bool = False) -> Compilation:
    """Compile what ships together with the local folder, unless it is remembered what came of the same files before;
    `keep` remembers it although some of them are new."""
    return compiled(overlay(shipped(), local_files(folder)), published, keep)


def load_both(before: list[File], after: list[File], published: bool = False) -> tuple[Compilation, Compilation]:
    """Compile two states of one folder, each together with what ships now; what is the same in both is read once.

    Of what ships that is left out which the folder has a copy of: where it is itself what ships, a file that it lacks on
    one side is lacking there.
    """
    memo = user_memo()
    now = {(file.place, file.text): file for file in after}
    then = {(file.place, file.text): file for file in before} | now
    packaged = [file for file in shipped() if (file.place, file.text) not in then]
    old = compile(overlay(packaged, [then[file.place, file.text] for file in before]), published, memo)
    new = compile(overlay(packaged, after), published, memo)
    memo.save()
    return old, new


MODIFIED = "state:modified"


def select(
    compilation: Compilation, wanted: Sequence[str], modified: Callable[[], Collection[str]]
) -> tuple[list[Compiled], list[tuple[str, str]]]:
    """The specs that `--select` names, and the words that name none with a hint.

    A word is a name or glob ("findings_generation/*"), `task:...`, `source:...`, `access:...`, or `state:modified` for
    the specs that `modified` tells, of which there may be none.
    """
    if not wanted:
        return list(compilation.specs.values()), []
    chosen: set[str] = set()
    unknown: list[tuple[str, str]] = []
    for word in wanted:
        if word == MODIFIED:
            chosen.update(modified())
            continue
        matching = [name for name, spec in compilation.specs.items() if _matches(compilation, spec, word)]
        if not matching:
            unknown.append((word, near(word, (*compilation.specs, MODIFIED), "specs")))
        chosen.update(matching)
    return [spec for name, spec in compilation.specs.items() if name in chosen], unknown


def _matches(compilation: Compilation, spec: Compiled, word: str) -> bool:
    kind, colon, value = word.partition(":")
    if not colon:
        return fnmatchcase(spec.name, word)
    source = compilation.sources.get(spec.spec.source.name)
    access = dict(source.use).get("access", "") if source else ""
    facts = {"task": spec.spec.task.name, "source": spec.spec.source.name, "access": access}
    return kind in facts and fnmatchcase(facts[kind], value)
