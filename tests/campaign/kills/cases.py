"""Twenty kills by a fixed seed: what dies, in which flow, and at which moment of which job."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from laptop.servers.stack import CLASSIFICATION, TRAINING
from localaws.jobs.job import Phase
from tests.campaign.kills.house import House, started_twice

SEED = 20261125
AIRFLOW, STATES = "airflow", "stepfunctions"
KINDS = {AIRFLOW: ("worker", "job", "spark", "thread"), STATES: ("job", "spark", "thread")}
# The jobs of each flow in their order, and those of them that run Spark.
JOBS = {TRAINING: 4, CLASSIFICATION: 3}
WITH_SPARK = {TRAINING: (0,), CLASSIFICATION: (0, 2)}
# Moments at which something of the kind is alive or about to be: a job has just entered a phase, or has logged a line.
# Of workers it is the one that starts the job, or the one that goes on when the job has ended.
LOGGED = "logged"
MOMENTS = {
    "worker": (Phase.STARTING, Phase.SUCCEEDED),
    "job": (Phase.RUNNING, LOGGED),
    "spark": (Phase.RUNNING, LOGGED),
    "thread": (Phase.STARTING, Phase.DOWNLOADING, Phase.RUNNING, LOGGED),
}


@dataclass(frozen=True)
class Case:
    """One kill: of the first victim that is alive from a moment of a job on; jobs are counted from 0."""

    number: int
    orchestrator: str
    flow: str
    kind: str
    job: int
    moment: Phase | str
    clear: bool

    def __str__(self) -> str:
        flow = self.flow.removeprefix("complaints_")
        moment = self.moment.name.lower() if isinstance(self.moment, Phase) else self.moment
        return f"{self.number}-{flow}-{self.kind}-of-job-{self.job}-{moment}"


def cases(of: str) -> list[Case]:
    """The kills under one orchestrator."""
    return [case for case in _all() if case.orchestrator == of]


def _all() -> Iterator[Case]:
    chance = random.Random(SEED)
    for number in range(20):
        # All of a flow together: a classification needs the model that the training leaves.
        flow = TRAINING if number < 8 else CLASSIFICATION
        orchestrator = AIRFLOW if number % 5 < 2 else STATES
        kind = KINDS[orchestrator][number % len(KINDS[orchestrator])]
        job = chance.choice(WITH_SPARK[flow] if kind == "spark" else range(JOBS[flow]))
        # The last job may log its first line when it is about to end, and no other is alive behind it.
        moments = [each for each in MOMENTS[kind] if each != LOGGED or job < JOBS[flow] - 1]
        yield Case(number, orchestrator, flow, kind, job, chance.choice(moments), chance.random() < 0.5)


def heals(tried: House, undisturbed: dict[str, Any], case: Case) -> None:
    """Kills, and asserts that nothing half-done is visible, and that the next run ends with the usual bytes."""
    tried.reset(case.flow)
    run = tried.start(case.flow)
    _kill(tried, case, run)
    if tried.end(case.flow, run) != "success":
        assert tried.visible(case.flow) == {}, "a run that failed left something visible"
        run = tried.again(case.flow, run, clear=case.clear)
        assert tried.end(case.flow, run) == "success"
    assert tried.visible(case.flow) == undisturbed[case.flow]
    assert started_twice(tried.jobs) == []


def _kill(tried: House, case: Case, run: str) -> None:
    # A phase may last a few hundredths of a second, and a busy orchestrator answers later than a short job ends: it is
    # asked beside the look, which never waits for it.
    with ThreadPoolExecutor(1) as beside:
        ended, asked = beside.submit(tried.has_ended, case.flow, run), time.monotonic()
        while not (_reached(tried, case) and (alive := tried.victims(case.kind))):
            time.sleep(0.005)
            if ended.done() and time.monotonic() > asked + 2:
                assert not ended.result(), f"the moment did not come, or no {case.kind} was alive then"
                ended, asked = beside.submit(tried.has_ended, case.flow, run), time.monotonic()
        alive[0]()


def _reached(tried: House, case: Case) -> bool:
    jobs = [job for job in tried.jobs if "FunctionName" not in job.request]
    if len(jobs) <= case.job:
        return False
    job = jobs[case.job]
    if isinstance(case.moment, Phase):
        return job.entered(case.moment) is not None
    return any(stream.tail for stream in job.log.streams)
