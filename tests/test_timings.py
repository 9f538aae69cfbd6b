"""The clocks of a run, on made-up time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cxrspec.runtime import timings
from cxrspec.runtime.timings import COLUMNS, Timings


def test_one_clock_goes_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now: Iterator[float] = iter([0, 1, 3, 6, 10, 15, 21, 28])
    monkeypatch.setattr(timings, "perf_counter", lambda: next(now))
    clocks = Timings()
    with clocks.of("nih", "plan"), clocks.of("nih", "write"):  # from 1 to 3 and from 6 to 10; from 3 to 6
        pass
    with clocks.of("mimic", "read"):  # from 15 to 21
        pass
    clocks.examples["nih"] += 1_800
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in clocks.rows()]
    peaks = [float(row.pop("peak GiB")) for row in rows]
    none = {"examples": "", "read s": "", "plan s": "", "write s": "", "examples/s": ""}
    assert rows == [
        {**none, "source": "mimic", "read s": "6.00", "all s": "6.00"},
        {"source": "nih", "examples": "1,800", "plan s": "6.00", "write s": "3.00", "all s": "9.00"}
        | {"read s": "", "examples/s": "200"},
        {**none, "source": "for all", "all s": "13.00"},  # before 1, from 10 to 15, from 21 to 28
        {"source": "Total", "examples": "1,800", "read s": "6.00", "plan s": "6.00", "write s": "3.00"}
        | {"all s": "28.00", "examples/s": "64"},
    ]
    assert 0 < max(peaks[:-1]) == peaks[-1]
