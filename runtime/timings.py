"""What a run takes, by source: seconds for reading, planning and writing, and the most memory that was held."""

from __future__ import annotations

import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Literal, get_args

Phase = Literal["read", "plan", "write"]
PHASES: tuple[Phase, ...] = get_args(Phase)

COLUMNS = ("source", "examples", *(f"{phase} s" for phase in PHASES), "all s", "examples/s", "peak GiB")


class Timings:
    """Clocks of which one goes at a time: what is done within something else is not counted there.

    read     waiting for a source's files to be read and hashed: much of it is done beside other work
    plan     computing the examples of its specs
    write    writing and hashing them
    peak     the most memory that the process held while something was done for a source, in bytes. With `peaks`, Linux
             is asked to keep that record anew for each; elsewhere, and without, it is the most held until then
    """

    def __init__(self, peaks: bool = False) -> None:
        self.peaks = peaks
        self.seconds = defaultdict[tuple[str, Phase] | None, float](float)
        self.examples = Counter[str]()
        self.peak = Counter[str]()
        self._going: list[tuple[str, Phase] | None] = [None]
        self._since = perf_counter()

    @contextmanager
    def of(self, source: str, phase: Phase) -> Generator[None]:
        """Let the clock of a source and phase go, and no other."""
        self._stop()
        self._going.append((source, phase))
        try:
            yield
        finally:
            self._stop()
            self._going.pop()

    def rows(self) -> list[list[str]]:
        """Under `COLUMNS` a row for each source, one for what is done for none or for all (starting, looking for files,
        what is asked of all examples together), and the total."""
        self._stop()
        sources = sorted({clock[0] for clock in self.seconds if clock})
        rows = [self._row(source, [source]) for source in sources]
        return [*rows, self._row("for all", [None]), self._row("Total", [*sources, None])]

    def _stop(self) -> None:
        """Give the clock that goes its time since the last stop, and its source the memory."""
        now = perf_counter()
        clock = self._going[-1]
        self.seconds[clock] += now - self._since
        source = clock[0] if clock else ""
        self.peak[source] = max(self.peak[source], _most_held(anew=self.peaks))
        self._since = now

    def _row(self, name: str, sources: list[str | None]) -> list[str]:
        spent = {p: sum(self.seconds[s, p] for s in sources if s is not None) for p in PHASES}
        total = sum(spent.values()) + (self.seconds[None] if None in sources else 0)
        examples = sum(self.examples[s] for s in sources if s is not None)
        peak = max(self.peak[s or ""] for s in sources)
        rate = f"{examples / total:,.0f}" if examples else ""
        seconds = [f"{spent[p]:.2f}" if spent[p] else "" for p in PHASES]
        return [name, f"{examples:,}" if examples else "", *seconds, f"{total:.2f}", rate, f"{peak / 2**30:.2f}"]


def _most_held(anew: bool) -> int:
    """The most memory that this process has held, in bytes; `anew` starts the record again at what is held now."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        most = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kept if sys.platform == "darwin" else kept * 1024
    if anew:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", "ascii")
    return most
