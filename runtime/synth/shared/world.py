"""What all made-up sources share: scale, seed and draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np


@dataclass(frozen=True)
class World:
    """One made-up world: `scale` 1 has the published sizes, `seed` makes it another one.

    What several sources speak of is a cast: a function of the world in a module of `casts/`, cached.
    """

    scale: float
    seed: int

    def count(self, published: int, least: int = 1) -> int:
        """A published number at this scale, never below `least`.

        >>> World(0.001, 1).count(112_120), World(0.001, 1).count(50), World(1, 1).count(50)
        (112, 1, 50)
        """
        return max(least, round(published * self.scale))

    def at_least(self, scale: float) -> World:
        """This world, or the same at a larger scale: where a cast would be too small for its quirks."""
        return replace(self, scale=max(self.scale, scale))

    def draws(self, *names: object) -> np.random.Generator:
        """Random numbers that depend on the seed and these names only."""
        digest = sha256("/".join(map(str, (self.seed, *names))).encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
