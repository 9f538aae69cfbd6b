"""The pictures of a spec's images, for formats that hold them; those that are not there are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cxrspec.runtime.locate import Roots

MISSING = "CXR817"
"""The warning of a spec that was written without some of them."""


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Opens pictures. `missing` are the images whose picture was looked for and is not there."""

    roots: Roots
    missing: set[str] = field(default_factory=set[str])

    def open(self, image: str) -> BinaryIO | None:
        """The picture of an image, as an example names it; None if there is none that can be opened."""
        for path in self._places(image):
            try:
                return path.open("rb")
            except OSError:
                continue
        self.missing.add(image)
        return None

    def _places(self, image: str) -> Iterator[Path]:
        """Where it may lie: at its path below the data root, or below a folder that the settings give for its source."""
        yield self.roots.data / image
        source, _, rest = image.partition("/")
        for root in self.roots.sources.get(source, ()):
            yield root / rest
