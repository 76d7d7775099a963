"""A machine looks for a job before it starts one, as the operator does: none is started while one runs, or is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from operators.glue import GlueJobOperator
from operators.sagemaker import SageMakerTransformOperator

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.rules import findings
from tests.stepfunctions.compiler.interpreter import ExecutionFailedError, run

PATIENCE = {"execution_timeout": timedelta(hours=2), "retries": 1}
OUTPUT = "s3://weather/account/"


def glue() -> Any:
    arguments = {"--plan": "s3://weather/plan.json"}
    return GlueJobOperator(
        task_id="smooth",
        job_name="weather-smooth",
        script_args=arguments,
        output_uri=OUTPUT,
        waiter_delay=3,
        execution_timeout=timedelta(hours=2),
    )


def transform() -> Any:
    config = {"TransformJobName": "rain-1", "ModelName": "rain"}
    return SageMakerTransformOperator(task_id="smooth", config=config, output_uri=OUTPUT, check_interval=30)


@pytest.fixture(params=[glue, transform], ids=["glue", "transform"])
def machine(request: pytest.FixtureRequest) -> dict[str, Any]:
    return compiled(request.param)


def compiled(job: Callable[[], Any], **more: Any) -> dict[str, Any]:
    with DAG(dag_id="weather", schedule=None, default_args=PATIENCE, **more) as dag:
        job()
    found = compile_dag(dag)
    assert findings(found) == []
    return found


class Services:
    """A Lambda that finds what it is told, one look after the other, and a service that starts the job."""

    def __init__(self, *found: str, refuse: str = "") -> None:
        self.found = list(found)
        self.asked: list[tuple[str, Any]] = []
        self._refuse = refuse

    def __call__(self, name: str, request: Mapping[str, Any]) -> Any:
        self.asked.append((name, request))
        if "FunctionName" in request:
            state = self.found.pop(0)
            result = {"done": {"Transform": {"TransformJobName": "rain-1-0"}}}.get(state)
            return {"Payload": {"state": state, "name": f"rain-1-{len(self.asked)}", "result": result}}
        if self._refuse:
            raise ExecutionFailedError(self._refuse, "the name is taken")
        glue_run = {"Id": "jr_1", "JobName": "weather-smooth", "JobRunState": "SUCCEEDED"}
        return {**glue_run, "TransformJobName": "", "TransformJobStatus": "Completed", "TransformOutput": {}}

    @property
    def states(self) -> list[str]:
        return [name for name, _ in self.asked]


def test_where_there_is_no_job_one_is_started(machine: dict[str, Any]) -> None:
    services = Services("absent")
    run(machine, {}, services)
    assert services.states == ["smooth", "smooth starts"]


def test_a_job_that_is_done_is_not_started_again_and_leaves_what_it_left(machine: dict[str, Any]) -> None:
    services = Services("done")
    output = run(machine, {}, services)
    assert services.states == ["smooth"]
    assert output["smooth"]["return_value"] == {"Transform": {"TransformJobName": "rain-1-0"}}


def test_a_job_that_runs_is_waited_for(machine: dict[str, Any]) -> None:
    services = Services("running", "running", "done")
    run(machine, {}, services)
    assert services.states == ["smooth"] * 3


def test_a_job_that_ran_and_ended_badly_is_started_anew(machine: dict[str, Any]) -> None:
    services = Services("running", "absent")
    run(machine, {}, services)
    assert services.states == ["smooth", "smooth", "smooth starts"]


def test_the_look_is_asked_by_the_operators_own_function_and_gives_the_job_its_name() -> None:
    services = Services("absent")
    run(compiled(transform), {}, services)
    (_, look), (_, start) = services.asked
    config = {"TransformJobName": "rain-1", "ModelName": "rain"}
    assert look["Payload"] == {
        "function": "complaints.tasks.jobs.find_sagemaker_job",
        "arguments": {"kind": "Transform", "request": config, "output_uri": OUTPUT},
    }
    assert start == {**config, "TransformJobName": "rain-1-1"}


def test_a_name_that_is_taken_in_between_is_looked_up_again() -> None:
    services = Services("absent", "running", "done", refuse="SageMaker.ResourceInUseException")
    run(compiled(transform), {}, services)
    assert services.states == ["smooth", "smooth starts", "smooth", "smooth"]


def test_an_error_of_the_start_that_is_none_of_the_name_fails_the_execution() -> None:
    with pytest.raises(ExecutionFailedError, match=r"SageMaker\.ResourceNotFound"):
        run(compiled(transform), {}, Services("absent", refuse="SageMaker.ResourceNotFound"))


@pytest.mark.parametrize(("job", "pause"), [(glue, 8), (transform, 30)])
def test_a_machine_looks_as_often_as_the_operator_but_no_more_than_a_thousand_times(
    job: Callable[[], Any], pause: int
) -> None:
    state = compiled(job)["States"]["smooth waits"]
    assert state == {"Type": "Wait", "Seconds": pause, "Next": "smooth"}


def test_a_run_that_takes_longer_than_the_dag_allows_is_ended() -> None:
    assert compiled(glue, dagrun_timeout=timedelta(hours=48))["TimeoutSeconds"] == 48 * 3600
