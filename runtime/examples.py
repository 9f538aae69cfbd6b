"""Examples of an output by their ids, for commands that look at some of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cxrspec.compiler.diagnostics import near
from cxrspec.runtime import manifest
from cxrspec.runtime.emitters import scan
from cxrspec.runtime.output import OutputError, recover


@dataclass(frozen=True, slots=True)
class Output:
    """An output in its folder."""

    folder: Path
    made: manifest.Manifest

    def scan(self, spec: manifest.Spec) -> pl.LazyFrame:
        """The examples of a spec."""
        return scan(self.made.emit, [self.folder / file.path for file in spec.files])

    def spec(self, name: str) -> manifest.Spec:
        """A spec of the output.

        Raises:
            OutputError: CXR821, it holds no such spec.
        """
        named = {spec.name: spec for spec in self.made.specs}
        if name not in named:
            raise OutputError("CXR821", f"`{self.folder}` holds no spec `{name}`", near(name, named, "specs"))
        return named[name]


@dataclass(frozen=True, slots=True)
class Example:
    """An example as it was written: its columns by name. `turn` is the turn that an id with `#n` speaks of."""

    spec: manifest.Spec
    row: Mapping[str, Any]
    turn: int | None = None

    @property
    def id(self) -> str:
        """Its id, without a turn."""
        return str(self.row["id"])


def opened(folder: Path) -> Output:
    """The output in a folder.

    Raises:
        OutputError: CXR806, there is none, or none that this version reads.
    """
    recover(folder)
    made = manifest.read(folder)
    if made is None:
        raise OutputError(
            "CXR806", f"`{folder}` holds no output of cxrspec", "`--out` names one; `cxrspec run` makes it"
        )
    return Output(folder, made)


def find(output: Output, id: str) -> Example:
    """The example of an id, or of `<id>#<n>` with its n-th turn, from 0.

    Raises:
        OutputError: CXR821, there is no such example or turn; CXR806, a file does not read.
    """
    spec = output.spec("/".join(id.split("/")[:2]))
    turn = re.fullmatch(r"(.+)#([0-9]+)", id)
    wanted = [id] if turn is None else [id, turn[1]]
    try:
        rows = output.scan(spec).filter(pl.col("id").is_in(wanted)).collect().to_dicts()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError("CXR806", f"a file of `{spec.name}` does not read", "a run of it writes it anew") from error
    found = {row["id"]: row for row in rows}
    if id in found:
        return Example(spec, found[id])
    if turn is None or turn[1] not in found:
        raise OutputError("CXR821", f"no example `{id}` in `{output.folder}`", _beside(output, spec, wanted[-1]))
    turns = len(found[turn[1]]["turns"])
    if int(turn[2]) >= turns:
        raise OutputError("CXR821", f"no turn `{id}`", f"the example has {turns}, counted from 0")
    return Example(spec, found[turn[1]], int(turn[2]))


def _beside(output: Output, spec: manifest.Spec, id: str) -> str:
    """The ids between which one would stand, in their order: its neighbours share the longest beginning with it."""
    ids = output.scan(spec).select("id")
    before = ids.filter(pl.col("id") < id).max()
    after = ids.filter(pl.col("id") > id).min()
    close = [found for found in pl.concat([before, after]).collect()["id"] if found is not None]
    if not close:
        return f"`{spec.name}` has no example"
    return "the ids next to it: " + ", ".join(f"`{found}`" for found in close)
