"""The pictures of images: where they may lie; and those of a spec, for formats that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from cxrspec.runtime.locate import Roots

if TYPE_CHECKING:  # it loads Polars, which a run that has nothing to make does without
    from cxrspec.compiler.bodies import ImageCopies

MISSING = "CXR817"
"""The warning of a spec that was written without some of them."""


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Opens pictures. `missing` are the images whose picture was looked for and is not there."""

    roots: Roots
    copies: Mapping[str, ImageCopies]
    missing: set[str] = field(default_factory=set[str])

    def open(self, image: str) -> BinaryIO | None:
        """The picture of an image, as an example names it; None if there is none that can be opened."""
        for path in places(image, self.roots, self.copies):
            try:
                return path.open("rb")
            except OSError:
                continue
        self.missing.add(image)
        return None


def places(image: str, roots: Roots, copies: Mapping[str, ImageCopies]) -> Iterator[Path]:
    """Where the picture of an image may lie, as an example names it, the first first: where a lab keeps copies, below the
    roots of its source, below the data root. A path that leads out of these folders is nowhere."""
    named = PurePosixPath(image)
    for root in (copy.root for copy in copies.values() if named.is_relative_to(copy.root)):
        if ".." not in named.relative_to(root).parts:
            yield roots.data / named
    if not named.is_absolute() and ".." not in named.parts:
        source, _, below = named.as_posix().partition("/")
        yield from (root / below for root in roots.sources.get(source, ()))
        yield roots.data / named
