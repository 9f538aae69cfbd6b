"""A run killed at any moment leaves the old output or the new one, whole; the next run finishes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import made_up
from .test_bytes import SCRIPT


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Killed:
    """Runs over one root that are started and killed; `whole` is what each seed makes when nothing stops it."""

    def __init__(self, folder: Path) -> None:
        self.data, self.out = made_up.extra_root(made_up.shipped_root(folder / "data")), folder / "out"
        self.whole: dict[int, dict[str, bytes]] = {}
        for seed in (1, 2):
            made_up.make(self.data, folder / f"seed{seed}", made_up.load(made_up.EXTRA), seed=seed)
            self.whole[seed] = everything(folder / f"seed{seed}")
        self.finish(1)
        self.lasts = self.run(2, None)
        self.finish(1)

    def run(self, seed: int, wait: float | None) -> float:
        """Start a run and kill it `wait` seconds after it began to work; None lets it end. How long it took."""
        arguments = [sys.executable, str(SCRIPT), str(self.data), str(self.out), str(made_up.EXTRA), str(seed), "wait"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            started = time.monotonic()
            if wait is not None:
                time.sleep(wait)
                process.kill()
        return time.monotonic() - started

    def finish(self, seed: int) -> None:
        made_up.make(self.data, self.out, made_up.load(made_up.EXTRA), seed=seed)
        assert everything(self.out) == self.whole[seed]
        assert {p.name for p in self.out.parent.glob(".out.*")} == {".out.lock", ".out.disk"}


def killing(folder: Path, rounds: int, seed: int) -> set[bool]:
    """Kill runs that would change the seed of the output; whether the new output was there, the old one, or either."""
    chance, killed = random.Random(seed), Killed(folder)
    seen: set[bool] = set()
    for place in range(rounds):
        new = 2 - place % 2
        killed.run(new, chance.uniform(0, 1.3 * killed.lasts))
        found = everything(killed.out)
        (made,) = [seed for seed, whole in killed.whole.items() if whole == found]
        seen.add(made == new)
        if made != new:
            killed.finish(new)
    return seen


@pytest.mark.slow
def test_killed_many_times(tmp_path: Path) -> None:
    assert killing(tmp_path, 40, 2) == {True, False}
