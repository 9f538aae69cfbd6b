"""Work that other threads do ahead of its use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(items: Iterable[T], call: Callable[[T], R], most: int) -> Generator[R]:
    """What `call` gives for each item, in their order: by two other threads, while those before are used.

    At most so many wait, done or not. What `call` raises is raised where its result would be; the rest is left alone.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(2) as threads:
        try:
            for item in items:
                waiting.append(threads.submit(call, item))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()
