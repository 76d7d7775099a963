"""How whatever was started here is stopped: by Ctrl-C, by SIGTERM, by a terminal that closes, and once only."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from laptop.servers.leftovers import stop_marked

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def leaving_nothing(state: Path) -> Iterator[None]:
    """Each of the signals unwinds the block as Ctrl-C does; afterwards no process of the state folder is left.

    Only the first one does: the next would end the stop half-way, and everything takes some seconds to stop.
    """
    before = {number: signal.signal(number, _unwind) for number in _SIGNALS}
    try:
        yield
    finally:
        _pass_over()
        stop_marked(state)
        for number, handler in before.items():
            signal.signal(number, handler)


def _unwind(_number: int, _frame: FrameType | None) -> None:
    _pass_over()
    raise KeyboardInterrupt


def _pass_over() -> None:
    for number in _SIGNALS:
        # Not SIG_IGN, which a process that is started now would inherit.
        signal.signal(number, lambda *_: None)
