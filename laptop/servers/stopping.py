"""Clean shutdown on Ctrl-C, SIGTERM or a closed terminal: no process is left running."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from laptop.servers.leftovers import stop_marked

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopping_everything(state: Path) -> Iterator[None]:
    """Each of the signals ends the block as Ctrl-C does; afterwards no process of the state folder is left.

    Only the first signal has an effect: stopping takes some seconds, and a second one would interrupt it.
    """
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        _ignore_signals()
        stop_marked(state)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in _SIGNALS:
        # Not SIG_IGN, which processes that are started from now on would inherit.
        signal.signal(number, lambda *_: None)
