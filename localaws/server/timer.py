"""Delayed calls on one thread: waiting neither occupies a worker nor delays shutdown."""

import heapq
import logging
import time
from collections.abc import Callable
from itertools import count
from threading import Condition, Thread
from typing import Any

_log = logging.getLogger(__name__)


class Timer:
    """Runs delayed calls, which must be short. `close` drops those that are due later."""

    def __init__(self) -> None:
        # The number orders calls of the same moment, so that functions are never compared.
        self._waiting: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._numbers = count()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._run, name="timer", daemon=True)
        self._thread.start()

    def after(self, seconds: float, do: Callable[..., object], *arguments: Any) -> None:
        """Call `do(*arguments)` after this many seconds, unless the timer is closed first."""
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), do, arguments))
            self._changed.notify()

    def close(self) -> None:
        """Stop; later calls are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while task := self._next():
            do, arguments = task
            try:
                do(*arguments)
            except Exception:
                _log.exception("%s", do)

    def _next(self) -> tuple[Callable[..., object], tuple[Any, ...]] | None:
        with self._changed:
            while not self._closed:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)[2:]
                self._changed.wait(left)
        return None
