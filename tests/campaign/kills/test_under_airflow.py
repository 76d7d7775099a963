"""Anything dies at any moment of a DAG run, dates that clocks skip or repeat, and what people put into the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from laptop.servers.processes import ServerError
from laptop.servers.stack import CLASSIFICATION, TRAINING
from tests.campaign.faults import Fault, injects
from tests.campaign.kills.cases import AIRFLOW, Case, cases, heals
from tests.campaign.kills.house import HOSTILE, House, started_twice

ORCHESTRATOR = AIRFLOW
Json = dict[str, Any]


@injects(Fault.ANY_DEATH)
@pytest.mark.parametrize("case", cases(AIRFLOW), ids=str)
def test_a_dag_run_that_something_died_of_heals_to_the_same_bytes(
    tried: House, undisturbed: dict[str, Any], case: Case
) -> None:
    heals(tried, undisturbed, case)


@injects(Fault.WORKER_KILLED)
def test_a_worker_that_is_killed_while_its_job_runs_is_replaced_by_one_that_finds_the_job(
    tried: House, undisturbed: dict[str, Any]
) -> None:
    tried.reset(CLASSIFICATION)
    killed: list[Callable[[], None]] = []

    def kill_the_caller(start: Callable[[Json], Json | None], request: Json) -> Json | None:
        """Starts the job; its worker waits for the answer and dies without it."""
        answer = start(request)
        if not killed:
            killed.extend(tried.victims("worker"))
            for kill in killed:
                kill()
        return answer

    with tried.aws.intercepted("AWSGlue.StartJobRun", kill_the_caller):
        run = tried.start(CLASSIFICATION)
        assert tried.end(CLASSIFICATION, run) == "success"
    assert killed
    tries = {task["task_id"]: task["try_number"] for task in tried.orchestrator.tasks(CLASSIFICATION, run)}
    assert tries["prepare_complaints"] == 2
    assert tried.visible(CLASSIFICATION) == undisturbed[CLASSIFICATION]
    assert started_twice(tried.jobs) == []


@injects(Fault.OTHER_DATE)
@pytest.mark.parametrize("date", ["2026-03-29T01:30:00Z", "2026-10-25T00:30:00Z", "2019-06-01T00:00:00+13:45"])
def test_a_run_of_another_date_publishes_the_same_and_starts_nothing(
    tried: House, undisturbed: dict[str, Any], date: str
) -> None:
    if tried.visible(CLASSIFICATION) != undisturbed[CLASSIFICATION]:
        tried.reset(CLASSIFICATION)
        assert tried.end(CLASSIFICATION, tried.start(CLASSIFICATION)) == "success"
    before = [job.name for job in tried.jobs]
    body = {"logical_date": date, "conf": {"source": "raw/"}}
    run = tried.orchestrator.call("POST", f"/api/v2/dags/{CLASSIFICATION}/dagRuns", body)["dag_run_id"]
    assert tried.end(CLASSIFICATION, run) == "success"
    assert [job.name for job in tried.jobs] == before
    assert tried.visible(CLASSIFICATION) == undisturbed[CLASSIFICATION]


@injects(Fault.HOSTILE_SOURCE)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_source_is_refused_before_anything_is_read(tried: House, hostile: str) -> None:
    planned = tried.planned()
    for flow in (TRAINING, CLASSIFICATION):
        with pytest.raises(ServerError, match=r"source: .* is not accepted; use (history|raw)/"):
            tried.start(flow, hostile)
    assert tried.planned() == planned
