"""Divides work among the tasks of a job: as few tasks as keep every core busy, each of them long.

A Python worker spends a sixth of a second around each task: it forgets all it knows of where modules are, and looks for
garbage. A range of some MB takes it less than that, so one task takes many of them, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

# Of work that is alike; a longer task would be worth more than its start, but harder to share out, or to do again.
TASK_BYTES = 256 << 20
MOST_TASKS = 10_000

Each = TypeVar("Each")


def shared(work: Sequence[Each], weight: Callable[[Each], int], cores: int) -> list[list[Each]]:
    """The work in order, a list for each task: of about equal weight, in whole rounds of `cores` tasks.

    Of work that outweighs a share no task has two.
    """
    total = sum(map(weight, work))
    rounds = max(1, round(total / (TASK_BYTES * max(1, cores))))
    tasks = min(rounds * max(1, cores), MOST_TASKS, max(1, len(work)))
    share, before, numbered = max(1.0, total / tasks), 0, []
    for each in work:
        # By its middle: work that lies across two shares belongs to the one with the larger part of it.
        numbered.append((int((before + weight(each) / 2) / share), each))
        before += weight(each)
    return [[each for _, each in group] for _, group in groupby(numbered, key=lambda pair: pair[0])]
