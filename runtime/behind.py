"""Work that another thread does while what comes next is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


class Behind:
    """Does one thing after another in another thread. At most one is on its way."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._wait: Callable[[], object] = lambda: None

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, type: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()

    def do(self, call: Callable[[], T]) -> Future[T]:
        """Begin with something. The thing before is waited for; what it raises is raised."""
        self.wait()
        begun = self._thread.submit(call)
        self._wait = begun.result
        return begun

    def wait(self) -> None:
        """Wait for what is on its way; what it raises is raised, once."""
        wait, self._wait = self._wait, lambda: None
        wait()
