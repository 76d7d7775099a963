"""A failure calls the callbacks that Airflow would call, and skips the tasks that wait for success."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.rules import findings
from tests.stepfunctions.compiler import example_steps as steps
from tests.stepfunctions.compiler.interpreter import EXECUTION, ExecutionFailedError, run

DEFAULT_ARGS = {"execution_timeout": timedelta(minutes=5), "retries": 1}


def in_series(**more: Any) -> DAG:
    with DAG(dag_id="weather", schedule=None, default_args=DEFAULT_ARGS, **more) as dag:
        task(steps.tell)(task(steps.read_radar)("north"))
    return dag


class Lambda:
    """Fails for the states in `failing`; records which states called it, and their payloads."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.asked: dict[str, Any] = {}

    def __call__(self, name: str, request: Mapping[str, Any]) -> Any:
        self.asked[name] = request["Payload"]
        if name in self.failing:
            raise ExecutionFailedError("RadarError", f"{name} saw nothing")
        return {"Payload": {"uri": "s3://weather/radar/"}}


def outcome(dag: DAG, work: Lambda) -> str:
    machine = compile_dag(dag)
    assert findings(machine) == []
    try:
        run(machine, {}, work)
    except ExecutionFailedError as error:
        return str(error)
    return "succeeded"


def test_a_failed_task_calls_its_callback_and_the_execution_fails() -> None:
    dag = in_series()
    dag.get_task("read_radar").on_failure_callback = [steps.warn]
    work = Lambda("read_radar")
    assert outcome(dag, work) == "RadarError: read_radar saw nothing"
    assert list(work.asked) == ["read_radar", "read_radar failed"]
    assert work.asked["read_radar failed"] == {
        "callback": "tests.stepfunctions.compiler.example_steps.warn",
        "context": {
            "dag_id": "weather",
            "task_id": "read_radar",
            "run_id": "run-1",
            "execution_arn": EXECUTION,
            "params": {},
            "error": {"Error": "RadarError", "Cause": "read_radar saw nothing"},
        },
    }


def test_no_callback_is_called_without_a_failure() -> None:
    dag = in_series(on_failure_callback=steps.warn)
    work = Lambda()
    assert outcome(dag, work) == "succeeded"
    assert list(work.asked) == ["read_radar", "tell"]


def test_the_callbacks_of_the_task_are_called_in_order_and_then_those_of_the_dag() -> None:
    dag = in_series(on_failure_callback=[steps.warn])
    dag.get_task("tell").on_failure_callback = [steps.warn, steps.warn_loudly]
    work = Lambda("tell")
    assert outcome(dag, work) == "RadarError: tell saw nothing"
    assert list(work.asked)[2:] == ["tell failed", "tell failed, call 2", "run failed"]
    assert "task_id" not in work.asked["run failed"]["context"]


def test_a_failing_callback_does_not_hide_the_error_of_the_execution() -> None:
    dag = in_series(on_failure_callback=[steps.warn])
    dag.get_task("tell").on_failure_callback = [steps.warn]
    work = Lambda("tell", "tell failed", "run failed")
    assert outcome(dag, work) == "RadarError: tell saw nothing"
    assert list(work.asked)[2:] == ["tell failed", "run failed"]


def test_a_callback_is_called_for_a_task_in_a_branch_too() -> None:
    with DAG(dag_id="weather", schedule=None, default_args={**DEFAULT_ARGS, "on_failure_callback": steps.warn}) as dag:
        radar, stations = task(steps.read_radar)("north"), task(steps.count_lightning)({})
        task(steps.join_radar)(radar, stations)
    work = Lambda("count_lightning")
    assert outcome(dag, work) == "RadarError: count_lightning saw nothing"
    assert [name for name in work.asked if name.endswith("failed")] == ["count_lightning failed"]


@pytest.mark.parametrize(
    ("failing", "called"),
    [
        ((), ["plan", "radar", "lightning", "clean", "tell"]),
        (("plan",), ["plan", "clean", "tell"]),
        (("radar",), ["plan", "radar", "lightning", "clean", "tell"]),
    ],
)
def test_an_all_done_task_runs_after_a_failure_and_the_run_continues_as_in_airflow(
    failing: tuple[str, ...], called: list[str]
) -> None:
    with DAG(dag_id="weather", schedule=None, default_args=DEFAULT_ARGS) as dag:
        plan = task(steps.read_radar, task_id="plan")("north")
        sides = [task(steps.read_radar, task_id=name)("north") for name in ("radar", "lightning")]
        clean = task(steps.read_radar, task_id="clean", trigger_rule="all_done")("north")
        plan >> sides >> clean >> task(steps.read_radar, task_id="tell")("north")
    work = Lambda(*failing)
    assert outcome(dag, work) == "succeeded"
    assert sorted(work.asked) == sorted(called)
    assert list(work.asked)[-2:] == ["clean", "tell"]


def test_a_failing_all_done_task_fails_the_execution() -> None:
    with DAG(dag_id="weather", schedule=None, default_args=DEFAULT_ARGS) as dag:
        first = EmptyOperator(task_id="first")
        first >> task(steps.read_radar, task_id="clean", trigger_rule="all_done")("north")
    assert outcome(dag, Lambda("clean")) == "RadarError: clean saw nothing"


def test_a_machine_that_cannot_fail_has_no_fail_state() -> None:
    with DAG(dag_id="weather", schedule=None) as dag:
        sides = [EmptyOperator(task_id=name) for name in ("left", "right")]
        EmptyOperator(task_id="first") >> sides >> EmptyOperator(task_id="last")
    assert outcome(dag, Lambda()) == "succeeded"
    assert not [
        name
        for branch in compile_dag(dag)["States"]["group_1"]["Branches"]
        for name in branch["States"]
        if "failed" in name
    ]
