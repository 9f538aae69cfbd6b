"""Made-up raw files of every source that ships, in their true layout and packing, with the quirks that the real files have.

One module a source, found by its name: `synth/openi.py` makes `<root>/openi`. What several sources share (the patients
of the MIMIC family, the images of NIH, the reports of OpenI) is a cast, made once.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.world import World


class Maker(Protocol):
    """What a module of a source offers."""

    def make(self, folder: Folder, world: World) -> None:
        """Write the raw files of the source below `folder`; the same bytes for the same scale and seed."""
        ...


def names() -> tuple[str, ...]:
    """The sources that can be made up, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def synth(
    root: Path,
    scale: float,
    seed: int,
    sources: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write made-up raw files below `root`, one folder a source (default: all of them).

    Args:
        root: the data root; it is made, and its folders must not exist.
        scale: 1 has the published sizes; smaller ones have fewer rows, but always every quirk.
        seed: the same seed and scale give the same bytes.
    """
    world = World(scale, seed)
    for name in names() if sources is None else sorted(sources):
        progress(f"making up {name}")
        maker = cast(Maker, import_module(f"{__name__}.{name}"))
        maker.make(Folder(root / name), world)
