"""What other threads do ahead of its use."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from cxrspec.runtime.ahead import ahead


def test_two_are_made_at_a_time_and_come_in_their_order() -> None:
    second = Event()

    def call(item: int) -> int:
        if item == 1:
            assert second.wait(5)  # the second is made before the first is done
        if item == 2:
            second.set()
        return item * item

    assert list(ahead([1, 2, 3], call, most=2)) == [1, 4, 9]


def test_no_more_than_so_many_wait() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(5):
            asked.append(item)
            yield item

    results = ahead(items(), lambda item: item, most=2)
    assert next(results) == 0
    assert asked == [0, 1, 2]
    results.close()


def test_what_fails_is_raised_where_its_result_would_be() -> None:
    def call(item: int) -> float:
        return 1 / item

    results = ahead([1, 0, 2], call, most=3)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
