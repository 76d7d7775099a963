"""A compiled DAG makes the calls that Airflow would make: the same arguments, in an order that the edges allow."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepfunctions.compiler.rules import findings
from tests.stepfunctions.compiler.interpreter import ExecutionFailedError, run

ROOT = Path(__file__).parents[3]

# The return value of each task; in Airflow, its XCom.
RESULTS: dict[str, Any] = {
    "plan_report": {
        "area": {"north": 60.5, "south": 59},
        "snow_layer": "snow '{}' \\",
        "job_name": "learn-rain-20260101",
        "rain_uri": "s3://weather/rain/",
    },
    "read_stations": ["Uppsala C", "Gimo"],
    "read_radar": {"uri": "s3://weather/radar/", "echoes": [1, 2, 3]},
    "correct_radar": "s3://weather/corrected/",
    "count_lightning": 0,
    "join_radar": {"uri": "s3://weather/sky/", "clear": False},
    "choose_model": "calm",
    "smooth": "jr_0123",
    "learn": {
        "Training": {
            "TrainingJobName": "learn-rain-20260101-0",
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": "s3://weather/model.tar.gz"},
        }
    },
    "write_report": "s3://weather/report.html",
    "tell": None,
}
CONFS = [{}, {"place": "Kiruna"}, {"place": "it's {cold}", "days": 0, "title": None, "mail-list": [], "more": [1]}]


class Services:
    """Answers like the services, and records the requests."""

    def __init__(self, **job_run_states: str) -> None:
        self.asked: dict[str, Any] = {}
        self._job_run_states = job_run_states

    def __call__(self, name: str, request: Mapping[str, Any]) -> Any:
        assert name not in self.asked, f"{name} ran twice"
        self.asked[name] = request
        if "FunctionName" in request:
            return {"StatusCode": 200, "Payload": RESULTS[name]}
        if "JobName" in request:
            return {
                "Id": RESULTS[name],
                "JobName": request["JobName"],
                "JobRunState": self._job_run_states.get(name, "SUCCEEDED"),
                "Attempt": 0,
            }
        return {**RESULTS[name]["Training"], "FinalMetricDataList": []}


class TaskInstance:
    """The part of Airflow's TaskInstance that a reference uses."""

    dag_id = "weather_report"

    def __init__(self, dag: Any) -> None:
        self._dag = dag

    def xcom_pull(self, task_ids: str, key: str, default: Any, map_indexes: Any) -> Any:
        if key == "return_value":
            return RESULTS.get(task_ids, default)
        many = getattr(self._dag.get_task(task_ids), "multiple_outputs", False)
        return RESULTS[task_ids].get(key, default) if many else default


def airflow_request(task: Any, context: Mapping[str, Any]) -> Any:
    """The request of `task` as Airflow would render it, or the call of its function."""
    if task.task_type == "GlueJobOperator":
        arguments = task.render_template(task.script_args, context)
        return {"JobName": task.job_name, "Arguments": arguments, **task.run_job_kwargs}
    if task.task_type == "SageMakerTrainingOperator":
        config = task.render_template(task.config, context)
        return {**config, "TrainingJobName": f"{config['TrainingJobName']}-0"}
    function = task.python_callable
    given = inspect.signature(function).bind(
        *task.render_template(task.op_args, context), **task.render_template(task.op_kwargs, context)
    )
    payload = {"function": f"{function.__module__}.{function.__name__}", "arguments": dict(given.arguments)}
    if not task.upstream_task_ids:
        # Only the first function looks at what the execution was given.
        payload["parameters"] = {"given": context["dag_run"].conf, "known": [*task.dag.params]}
    return {"FunctionName": "ptmlops-steps", "Payload": payload}


@pytest.mark.parametrize("conf", CONFS, ids=["defaults", "one", "all"])
def test_every_task_gets_the_arguments_that_airflow_would_pass(
    weather: Any, machine: dict[str, Any], conf: dict[str, Any]
) -> None:
    defaults = {name: weather.params.get_param(name).value for name in weather.params}
    context = {
        "ti": TaskInstance(weather),
        "dag_run": SimpleNamespace(conf=conf),
        "params": {**defaults, **conf},
    }
    services = Services()
    run(machine, conf, services)
    working = [task for task in weather.tasks if task.task_type != "EmptyOperator"]
    assert services.asked == {task.task_id: airflow_request(task, context) for task in working}


def test_every_task_runs_after_all_of_its_upstream_tasks(weather: Any, machine: dict[str, Any]) -> None:
    services = Services()
    run(machine, {}, services)
    order = list(services.asked)
    for task in weather.tasks:
        before = [each.task_id for each in task.get_flat_relatives(upstream=True) if each.task_id in order]
        for name in before if task.task_id in order else []:
            assert order.index(name) < order.index(task.task_id), f"{task.task_id} ran before {name}"


def test_the_example_has_nested_groups_with_references_from_outside(machine: dict[str, Any]) -> None:
    """Without this the test of the arguments would prove little."""
    request = machine["States"]["write_report"]["Parameters"]["Payload"]["arguments"]
    assert request["sources.$"].startswith("States.Array($.group_1.group_2.correct_radar.return_value, ")
    assert request["request"]["smoothed_by.$"] == "$.group_3.smooth.return_value"


@pytest.mark.parametrize("task_id", sorted(RESULTS))
def test_a_task_that_fails_for_good_fails_the_execution_with_its_error(machine: dict[str, Any], task_id: str) -> None:
    def work(name: str, request: Mapping[str, Any]) -> Any:
        if name == task_id:
            raise ExecutionFailedError("Lambda.Unknown", f"{name} broke")
        return services(name, request)

    services = Services()
    with pytest.raises(ExecutionFailedError, match=rf"^Lambda\.Unknown: {task_id} broke$"):
        run(machine, {}, work)


def test_a_stopped_glue_run_is_a_failure(machine: dict[str, Any]) -> None:
    services = Services(smooth="STOPPED")
    with pytest.raises(ExecutionFailedError, match=r"^Glue\.JobRunNotSucceeded: .*\"weather-smooth\".*\"STOPPED\"}$"):
        run(machine, {}, services)
    assert "write_report" not in services.asked


def test_the_machine_breaks_no_rule(machine: dict[str, Any]) -> None:
    assert findings(machine) == []


def test_timeout_and_retries_come_from_the_task(machine: dict[str, Any]) -> None:
    state = machine["States"]["choose_model"]
    assert state["TimeoutSeconds"] == 600
    assert {name: value for name, value in state["Retry"][0].items() if name != "ErrorEquals"} == {
        "IntervalSeconds": 20,
        "MaxAttempts": 2,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    }


def test_the_same_dag_gives_the_same_bytes(weather: Any, machine: dict[str, Any]) -> None:
    from stepfunctions.compiler import compile_dag

    assert json.dumps(compile_dag(weather)) == json.dumps(machine)


COMPILE = """
import json
from stepfunctions.compiler import compile_dag
from tests.stepfunctions.compiler.example_dag import dag
print(json.dumps(compile_dag(dag)))
"""


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_the_order_of_sets_does_not_change_the_bytes(machine: dict[str, Any], seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILE],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'dags'}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == json.dumps(machine)
