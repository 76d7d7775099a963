"""A mapped task becomes a Map: every item once, with a bound, and its results as a list in the order of the items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.flow_page import flow_page
from tests.stepfunctions.compiler import example_steps as steps
from tests.stepfunctions.compiler.interpreter import ExecutionFailedError, run

AREAS = ["north", "south", "west"]


def stormy(dag: DAG) -> None:
    """The radar of each station, with an argument that all have in common, and a report of all of them."""
    stations = task(steps.read_stations)({}, [])
    storms = task(steps.correct_radar, max_active_tis_per_dagrun=2, retries=1)
    corrected = storms.partial(echo=0.5, plan={"days": dag.param("days")}).expand(radar=stations)
    task(steps.write_report)({}, corrected)


def starting(_: DAG) -> None:
    """An execution of another machine for each station."""
    stations = task(steps.read_stations)({}, [])
    start = TriggerDagRunOperator.partial(
        task_id="start", trigger_dag_id="radar", wait_for_completion=True, max_active_tis_per_dagrun=1
    )
    start.expand(conf=stations)


def dag_of(build: Any) -> DAG:
    with DAG(
        dag_id="weather_report",
        schedule=None,
        params={"days": Param(3, type="integer")},
        default_args={"execution_timeout": timedelta(minutes=5)},
    ) as dag:
        build(dag)
    dag.fileloc = __file__
    return dag


def executed(build: Any, broken: str = "") -> tuple[Any, list[tuple[str, Any]]]:
    """The output, and the requests of the states with their names; the item `broken` fails."""
    requests: list[tuple[str, Any]] = []

    def work(state: str, request: Mapping[str, Any]) -> Any:
        requests.append((state, request))
        if state == "read_stations":
            return {"Payload": AREAS}
        arguments = request.get("Payload", {}).get("arguments", request.get("Input"))
        if broken and broken in str(arguments):
            raise ExecutionFailedError("Lambda.Unknown", f"no radar of {broken}")
        return {"Payload": arguments, "ExecutionArn": "arn:done"}

    return run(compile_dag(dag_of(build)), {}, work), requests


def test_each_item_is_worked_on_with_the_arguments_that_all_have_in_common() -> None:
    output, requests = executed(stormy)
    items = [request["Payload"]["arguments"] for state, request in requests if state == "correct_radar item"]
    assert items == [{"echo": 0.5, "plan": {"days": 3}, "radar": area} for area in AREAS]
    assert output["correct_radar"] == {"return_value": items}
    # The next task gets the list.
    assert requests[-1][1]["Payload"]["arguments"]["sources"] == items


def test_no_item_is_no_failure() -> None:
    machine = compile_dag(dag_of(stormy))
    output = run(machine, {}, lambda *_: {"Payload": []})
    assert output["correct_radar"] == {"return_value": []}


def test_the_bound_and_the_retries_are_those_of_the_task() -> None:
    state = compile_dag(dag_of(stormy))["States"]["correct_radar"]
    item = state["ItemProcessor"]["States"]["correct_radar item"]
    assert (state["MaxConcurrency"], item["TimeoutSeconds"], item["Retry"][0]["MaxAttempts"]) == (2, 300, 1)


def test_an_item_that_fails_fails_the_execution_with_its_error() -> None:
    with pytest.raises(ExecutionFailedError, match=r"Lambda\.Unknown: no radar of south"):
        executed(stormy, broken="south")


def test_another_flow_is_started_for_each_item_beside_this_one() -> None:
    output, requests = executed(starting)
    started = [request for state, request in requests if state == "start item"]
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:radar"
    assert started == [{"StateMachineArn": machine, "Input": area} for area in AREAS]
    assert output["start"] == {"return_value": ["arn:done"] * 3}


def test_the_page_of_the_flow_shows_what_is_done_with_each_item_and_how_many_at_a_time() -> None:
    dag = dag_of(stormy)
    page = flow_page(dag, compile_dag(dag))
    assert 'subgraph correct_radar_1 ["correct_radar, 2 at a time"]' in page
    assert 'correct_radar_item["correct_radar item"]' in page
    assert "| `correct_radar` | @task | lambda:invoke | 1, after" in page
