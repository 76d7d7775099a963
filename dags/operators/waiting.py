"""The waiting of an operator for its job: how often it asks, how many times, and when the task times out.

An operator that gives up while its job is still running loses the result, so all three follow from the job's own
timeout.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

# AWS takes time to start a job's machines, and to end it, which the job's own timeout does not count.
_START_AND_END_SECONDS = 900
# The task outlives the waiting, so that it can report the job's state before it times out itself.
_TASK_SECONDS = 1_800


def waiting_defaults(
    given: dict[str, Any], *, job_seconds: int, poll_seconds: float, pause: str, attempts: str
) -> dict[str, Any]:
    """The operator's arguments `given`, with the missing ones about waiting filled in.

    `pause` and `attempts` are what the operator of Amazon calls the seconds between two questions, and their number.
    """
    every = given.get(pause, poll_seconds)
    return {
        "deferrable": True,
        pause: every,
        attempts: math.ceil((job_seconds + _START_AND_END_SECONDS) / every),
        "execution_timeout": timedelta(seconds=job_seconds + _TASK_SECONDS),
        **given,
    }
