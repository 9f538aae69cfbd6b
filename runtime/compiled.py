"""Compilations of the very same files, in the user's cache: what they came to before is not worked out again.

Each is stored by all that it hangs on: the files, in their order, and our own code. It is never needed; one that is
damaged counts as not there. It is stored when all its files were compiled before, or by a run, which takes long anyhow:
who edits one of a thousand specs after the other does not wait, each time, for what is not asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from cxrspec.compiler.catalog import File
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime.locate import uncollected
from cxrspec.runtime.memo import packed, unpacked, user_memo, version
from cxrspec.runtime.store import Store

ROOM = 50_000_000
"""Bytes of all of them together: those of some dozens of sets of files."""


def compiled(files: Sequence[File], published: bool = False, keep: bool = False) -> Compilation:
    """What `compile` makes of these files; `keep` stores it although some of them are new."""
    store = user_compilations()
    key = _key(files, published)
    with uncollected():
        known = unpacked(store.get(key) or b"")
    if isinstance(known, Compilation):
        return known
    memo = user_memo()
    made = compile(files, published, memo)
    if memo.grown:
        memo.save()
    if keep or not memo.grown:
        store.put(key, packed(made))
        store.tidy()
    return made


def user_compilations() -> Store:
    """Where they are stored in the user's cache."""
    from platformdirs import user_cache_path

    return Store(user_cache_path("cxrspec") / "compiled", ROOM)


def _key(files: Sequence[File], published: bool) -> str:
    digest = blake2b(version(), digest_size=16)
    digest.update(repr((published, files)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
