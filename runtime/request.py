"""What a run is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.dialects import DEFAULT
from cxrspec.compiler.pipeline import Compiled
from cxrspec.runtime.formats import PARQUET, Formats
from cxrspec.runtime.manifest import Manifest, Unavailable
from cxrspec.runtime.settings import Settings

if TYPE_CHECKING:
    from cxrspec.runtime.execute import Engine

Mode = Literal["default", "published"]


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked for. `boxes` is the dialect in which they are printed; `named` are specs selected by their own
    name: for them, absence is a failure. `verify` hashes files whose size and times are as they were, too."""

    settings: Settings
    specs: Sequence[Compiled] = ()
    named: frozenset[str] = frozenset()
    published: bool = False
    emit: Formats = PARQUET
    boxes: str = DEFAULT
    limit: int | None = None
    demo: bool = False
    accept_moves: bool = False
    verify: bool = False
    engine: Engine | None = None

    @property
    def mode(self) -> Mode:
        """The mode as a manifest has it."""
        return "published" if self.published else "default"

    @property
    def way(self) -> dict[str, str | int]:
        """How all specs of the output are to be made."""
        return way(self.settings.seed, self.mode, self.emit, self.boxes, self.limit, self.demo)


def way(seed: int, mode: Mode, emit: Formats, boxes: str, limit: int | None, demo: bool) -> dict[str, str | int]:
    """How all specs of an output are made, in words."""
    return {
        "seed": seed,
        "mode": mode,
        "format": emit.examples,
        "other formats": ", ".join(emit.others) or "none",
        "boxes": boxes,
        "limit": limit or "none",
        "made-up data": "yes" if demo else "no",
    }


@dataclass(slots=True)
class Result:
    """What came of it.

    manifest     of the output that is in place
    made         the specs that were made; `kept` are those asked for that are as they were
    unavailable  those asked for whose data is absent
    stopped      those asked for that findings stopped, in specs or in data
    """

    manifest: Manifest
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    stopped: tuple[str, ...] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def failed(self) -> bool:
        """Whether anything that was asked for is not there."""
        return bool(self.stopped) or any(d.severity == "error" for d in self.diagnostics)
