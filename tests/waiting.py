"""Waiting for something that comes by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

# Seconds. Far more than anything takes, also on a busy machine: it ends a test that hangs.
PATIENCE = 900.0
Found = TypeVar("Found")


def until(holds: Callable[[], Found], what: str = "what the test waits for", every: float = 0.05) -> Found:
    """The first true answer; asked `every` so many seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE:.0f} s"
        time.sleep(every)
    return found
