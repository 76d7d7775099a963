"""A failed run is told once, with all that a person needs to go on, and nothing of what consumers wrote."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from complaints.notifications.alerts import failure_of, on_failure, on_run_timeout
from complaints.settings import load_settings
from stepfunctions.handlers.steps import failure_context, run_step

ARN = "arn:aws:states:us-east-1:123456789012:execution:complaints_classification:a-1"


def airflow_context(**more: Any) -> dict[str, Any]:
    instance = SimpleNamespace(task_id="prepare_complaints", log_url="https://airflow.example/log")
    dag = SimpleNamespace(dag_id="complaints_classification")
    return {"dag": dag, "run_id": "manual__1", "ti": instance, "exception": ValueError("no rows"), **more}


def test_the_message_names_flow_run_step_cause_log_and_runbook(topic: Any) -> None:
    on_failure(airflow_context())
    (told,) = topic()
    assert told["Subject"] == "complaints_classification failed at prepare_complaints"
    assert told["Message"].splitlines() == [
        "complaints_classification failed at prepare_complaints.",
        "",
        "Cause: ValueError: no rows",
        "Run: manual__1",
        "Log: https://airflow.example/log",
        "Runbook: https://us-east-1.console.aws.amazon.com/s3/object/ptmlops-complaints"
        "?region=us-east-1&prefix=runbooks/complaints_classification.md",
    ]
    assert told["MessageAttributes"]["flow"]["Value"] == "complaints_classification"
    assert told["MessageAttributes"]["step"]["Value"] == "prepare_complaints"


def test_a_state_machine_tells_the_same_but_for_the_run_and_its_log(topic: Any) -> None:
    on_failure(airflow_context())
    error = {"Error": "ValueError", "Cause": json.dumps({"errorMessage": "no rows", "errorType": "ValueError"})}
    known = {"dag_id": "complaints_classification", "task_id": "prepare_complaints", "run_id": "a-1"}
    run_step(
        {
            "callback": "complaints.notifications.alerts.on_failure",
            "context": {**known, "execution_arn": ARN, "params": {}, "error": error},
        },
        None,
    )
    airflow, states = (told["Message"].splitlines() for told in topic())
    assert states[3:5] == [
        "Run: a-1",
        f"Log: https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/{ARN}",
    ]
    assert airflow[:3] + airflow[5:] == states[:3] + states[5:]


def test_a_message_links_to_no_console_where_another_endpoint_than_awss_serves(
    topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, known = load_settings(), {"dag_id": "complaints_classification", "run_id": "a-1", "execution_arn": ARN}
    links = []
    for endpoint in ("", "http://127.0.0.1:4566", "https://vpce-1.states.us-east-1.vpce.amazonaws.com"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        said = failure_of(failure_context({**known, "error": {"Error": "E", "Cause": "no rows"}}), settings).message
        links.append([line.partition(":")[0] for line in said.splitlines()[2:]])
    assert links == [["Cause", "Run", "Log", "Runbook"], ["Cause", "Run"], ["Cause", "Run", "Log", "Runbook"]]


def test_the_cause_of_a_job_is_looked_up_where_airflow_only_knows_that_waiting_failed(topic: Any) -> None:
    glue = boto3.client("glue", region_name="us-east-1")
    glue.create_job(Name="j", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/s.py"})
    task = SimpleNamespace(task_id="prepare_complaints", job_name="j", script_args={"--plan": "s3://b/p"})
    on_failure(airflow_context(task=task))
    (told,) = topic()
    assert "Cause: ValueError: no rows" in told["Message"]  # no such run was started: what Airflow knows is told


def test_a_run_without_a_task_is_told_too(topic: Any) -> None:
    known = {"dag_id": "complaints_training", "run_id": "a-1", "execution_arn": ARN}
    error = {"Error": "States.Runtime", "Cause": "a path is not there"}
    run_step(
        {"callback": "complaints.notifications.alerts.on_failure", "context": {**known, "error": error}},
        None,
    )
    (told,) = topic()
    assert told["Subject"] == "complaints_training failed at the run"
    assert "Cause: Runtime: a path is not there" in told["Message"]


def test_what_an_execution_does_not_know_is_named() -> None:
    context = failure_context({"dag_id": "d", "run_id": "r", "execution_arn": ARN, "error": {}})
    with pytest.raises(KeyError, match="an execution has no 'ds' of Airflow's context; it has dag, dag_run"):
        context["ds"]


def test_a_run_that_takes_too_long_is_told_although_no_task_failed(topic: Any) -> None:
    on_run_timeout({"dag": SimpleNamespace(dag_id="complaints_training"), "run_id": "a-1", "reason": "timed_out"})
    (told,) = topic()
    assert told["Subject"] == "complaints_training failed at an unknown step"
    assert "Cause: TimeoutError: the run took longer than max_run_hours allows" in told["Message"]


def test_a_run_whose_task_failed_is_not_told_twice(topic: Any) -> None:
    on_run_timeout({"dag": SimpleNamespace(dag_id="complaints_training"), "run_id": "a-1", "reason": "task_failure"})
    assert topic() == []
