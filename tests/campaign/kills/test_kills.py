"""Whatever dies at whatever moment of a flow: nothing half-done is visible, and the next run ends as if nothing had.

Twenty kills, by a fixed seed: a different moment of either flow, under either orchestrator, each time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from laptop.servers.stack import CLASSIFICATION, TRAINING
from tests.campaign.faults import Fault, injects
from tests.campaign.kills.house import House, started_twice

SEED = 20261125
AIRFLOW, STATES = "airflow", "stepfunctions"
KINDS = {AIRFLOW: ("worker", "job", "spark", "thread"), STATES: ("job", "spark", "thread")}
# About how long an undisturbed run takes here, in seconds: where in it the moment lies is left to chance.
SECONDS = {TRAINING: 25.0, CLASSIFICATION: 22.0}


@dataclass(frozen=True)
class Case:
    number: int
    orchestrator: str
    flow: str
    kind: str
    moment: float
    clear: bool

    def __str__(self) -> str:
        return f"{self.number}-{self.orchestrator}-{self.flow.removeprefix('complaints_')}-{self.kind}"


def cases() -> Iterator[Case]:
    chance = random.Random(SEED)
    for number in range(20):
        # All of a flow together: a classification needs the model that the training leaves.
        flow = TRAINING if number < 8 else CLASSIFICATION
        orchestrator = AIRFLOW if number % 5 < 2 else STATES
        kind = KINDS[orchestrator][number % len(KINDS[orchestrator])]
        yield Case(number, orchestrator, flow, kind, chance.random(), chance.random() < 0.5)


@injects(Fault.ANY_DEATH)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_run_that_something_died_of_heals_to_the_same_bytes(
    tried: House, undisturbed: dict[str, Any], case: Case
) -> None:
    tried.reset(case.flow)
    run = tried.start(case.orchestrator, case.flow)
    run = killed(tried, case, run)
    state = tried.end(case.orchestrator, case.flow, run)
    if state != "success":
        assert tried.visible(case.flow) == {}, "a run that failed left something visible"
        run = tried.again(case.orchestrator, case.flow, run, clear=case.clear)
        assert tried.end(case.orchestrator, case.flow, run) == "success"
    assert tried.visible(case.flow) == undisturbed[case.flow]
    assert started_twice(tried.jobs) == []


def killed(tried: House, case: Case, run: str) -> str:
    """Kills the first of the case's kind that is alive from its moment on, or in the next run from the start on."""
    for moment in (case.moment, 0.0):
        not_before = time.monotonic() + moment * SECONDS[case.flow]
        while not tried.has_ended(case.orchestrator, case.flow, run):
            if time.monotonic() >= not_before and (alive := tried.victims(case.kind)):
                alive[0]()
                return run
            time.sleep(0.05)
        tried.reset(case.flow)
        run = tried.start(case.orchestrator, case.flow)
    raise AssertionError(f"no {case.kind} was alive in a whole run")
