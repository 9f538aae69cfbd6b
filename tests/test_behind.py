"""What another thread does while what comes next is computed."""

from __future__ import annotations

from threading import Event

import pytest

from cxrspec.runtime.behind import Behind


def test_the_next_thing_waits_for_the_one_before() -> None:
    go_on, done = Event(), list[str]()

    def first() -> str:
        assert go_on.wait(5)
        done.append("first")
        return "first"

    def second() -> str:
        return ", ".join((*done, "second"))

    with Behind() as behind:
        begun = behind.do(first)
        assert not done  # `do` did not wait for it
        go_on.set()
        assert behind.do(second).result() == "first, second"
        assert begun.result() == "first"


def test_what_fails_is_raised_once_by_what_comes_next() -> None:
    def fails() -> None:
        raise OSError("no space left")

    with Behind() as behind:
        behind.do(fails)
        with pytest.raises(OSError, match="no space left"):
            behind.wait()
        behind.wait()
        behind.do(fails)
        with pytest.raises(OSError, match="no space left"):
            behind.do(fails)
        assert behind.do(lambda: 1).result() == 1
