"""What only a whole Airflow shows: a worker that dies, runs of any date, and what people put into the form."""

from __future__ import annotations

import time
from typing import Any

import pytest

from laptop.servers.processes import ServerError
from laptop.servers.stack import CLASSIFICATION, TRAINING
from tests.campaign.faults import Fault, injects
from tests.campaign.kills.house import House, started_twice

AIRFLOW, STATES = "airflow", "stepfunctions"
HOSTILE = (
    "{{ conf }}",
    "raw/{{ ds }}/",
    "raw/a.csv;rm -rf /",
    "../secrets/",
    "raw/../models/",
    "s3://other/raw/",
    "raw",
)


@injects(Fault.WORKER_KILLED)
def test_a_worker_that_is_killed_while_its_job_runs_is_replaced_by_one_that_finds_the_job(
    tried: House, undisturbed: dict[str, Any]
) -> None:
    # The worker hands its job over to the triggerer a moment after it has started it: a kill may come too late.
    for _ in range(5):
        if _tries_with_a_killed_worker(tried, undisturbed) == 2:
            return
    raise AssertionError("no worker was killed in the middle of its task")


def _tries_with_a_killed_worker(tried: House, undisturbed: dict[str, Any]) -> int:
    tried.reset(CLASSIFICATION)
    run = tried.start(AIRFLOW, CLASSIFICATION)
    while not (workers := tried.victims("worker") if tried.jobs else []):
        assert not tried.has_ended(AIRFLOW, CLASSIFICATION, run)
        time.sleep(0.01)
    for kill in workers:
        kill()
    assert tried.end(AIRFLOW, CLASSIFICATION, run) == "success"
    assert tried.visible(CLASSIFICATION) == undisturbed[CLASSIFICATION]
    assert started_twice(tried.jobs) == []
    tasks = tried.orchestrators[AIRFLOW].tasks(CLASSIFICATION, run)
    return max(task["try_number"] for task in tasks)


@injects(Fault.OTHER_DATE)
@pytest.mark.parametrize("date", ["2026-03-29T01:30:00Z", "2026-10-25T00:30:00Z", "2019-06-01T00:00:00+13:45"])
def test_a_run_of_another_date_publishes_the_same_and_starts_nothing(
    tried: House, undisturbed: dict[str, Any], date: str
) -> None:
    if tried.visible(CLASSIFICATION) != undisturbed[CLASSIFICATION]:
        tried.reset(CLASSIFICATION)
        assert tried.end(STATES, CLASSIFICATION, tried.start(STATES, CLASSIFICATION)) == "success"
    before = [job.name for job in tried.jobs]
    body = {"logical_date": date, "conf": {"source": "raw/"}}
    run = tried.orchestrators[AIRFLOW]._call("POST", f"/api/v2/dags/{CLASSIFICATION}/dagRuns", body)["dag_run_id"]
    assert tried.end(AIRFLOW, CLASSIFICATION, run) == "success"
    assert [job.name for job in tried.jobs] == before
    assert tried.visible(CLASSIFICATION) == undisturbed[CLASSIFICATION]


@injects(Fault.HOSTILE_SOURCE)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_source_is_refused_before_anything_is_read(tried: House, hostile: str) -> None:
    planned = {each.key for each in tried.bucket.objects("manifests/planned/")}
    for flow in (TRAINING, CLASSIFICATION):
        with pytest.raises(ServerError, match="Invalid input for param source"):
            tried.orchestrators[AIRFLOW].trigger(flow, {"source": hostile})
    run = tried.orchestrators[STATES].trigger(CLASSIFICATION, {"source": hostile})
    assert tried.end(STATES, CLASSIFICATION, run) == "failed"
    assert "PlanError" in "".join(tried.orchestrators[STATES].log(CLASSIFICATION, run, "", 1))
    assert {each.key for each in tried.bucket.objects("manifests/planned/")} == planned
