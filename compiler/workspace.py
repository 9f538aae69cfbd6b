"""A compiler that stays: for a process which compiles the same files again after each edit, as an editor's server does."""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler.catalog import File
from cxrspec.compiler.parsed import Memo, Parsed
from cxrspec.compiler.pieces import Pieces
from cxrspec.compiler.pipeline import Compilation, compile


class Workspace:
    """Compiles files as `compile` does, quickly where most of them are as they were the last time.

    What comes out is the same: only a file with another text is parsed, and only pieces that reach something else than
    before are checked. `memo` is asked for files that were not there the last time.
    """

    def __init__(self, published: bool = False, memo: Memo | None = None) -> None:
        self.published = published
        self.files = _Recent(memo)
        self.pieces = Pieces()

    def compile(self, files: Sequence[File]) -> Compilation:
        """Compile these files together, whatever was compiled before."""
        compilation = compile(files, self.published, self.files, self.pieces)
        self.files.turn()
        return compilation


class _Recent:
    """What files said in the last compilation and in the one at hand, before a memo that has more."""

    def __init__(self, memo: Memo | None) -> None:
        self.memo = memo
        self.old: dict[str, Parsed] = {}
        self.new: dict[str, Parsed] = {}

    def get(self, key: str, /) -> Parsed | None:
        found = self.new.get(key) or self.old.get(key) or (self.memo.get(key) if self.memo is not None else None)
        if found is not None:
            self.new[key] = found
        return found

    def __setitem__(self, key: str, parsed: Parsed, /) -> None:
        self.new[key] = parsed
        if self.memo is not None:
            self.memo[key] = parsed

    def turn(self) -> None:
        """The compilation at hand is over."""
        self.old, self.new = self.new, {}
