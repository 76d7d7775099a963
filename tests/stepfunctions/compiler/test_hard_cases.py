"""DAGs that look harmless, but that a naive state machine would run differently from Airflow, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator, SageMakerTransformOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, TaskGroup, task

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.refusals import CompileError
from stepfunctions.compiler.rules import findings
from tests.stepfunctions.compiler import example_steps as steps
from tests.stepfunctions.compiler.interpreter import run

RADAR = {"uri": "s3://weather/radar/", "it's": 1}


def expanded_task(_: DAG) -> None:
    task(steps.read_radar, max_active_tis_per_dagrun=2).expand(area=["north", "south"])


def id_of_a_task_group(_: DAG) -> None:
    with TaskGroup("sky"):
        radar = task(steps.read_radar)("north")
    task(steps.tell)(radar)


def task_called(name: str) -> Callable[[DAG], None]:
    """A task with the name of a state that every machine has, or of the first group."""

    def build(dag: DAG) -> None:
        dag.params["place"] = Param("Uppsala", type="string")
        radar = task(steps.read_radar, task_id=name)(dag.param("place"))
        task(steps.tell, task_id="tell")(radar)
        task(steps.tell, task_id="tell_more")(radar)

    build.__name__ = f"task_called_{name}"
    return build


def list_with_a_reference_and_a_map(_: DAG) -> None:
    task(steps.write_report)({}, [task(steps.read_radar)("north"), {"a": 1}])


def list_with_a_reference_and_none(_: DAG) -> None:
    task(steps.write_report)({}, [task(steps.read_radar)("north"), None])


def list_with_a_reference_and_jinja(_: DAG) -> None:
    task(steps.write_report)({}, [task(steps.read_radar)("north"), "{{ ds }}"])


def job_without_a_name(_: DAG) -> None:
    SageMakerTrainingOperator(task_id="learn", config={"RoleArn": "arn:aws:iam::123456789012:role/r"})


def transform_that_makes_its_model(_: DAG) -> None:
    SageMakerTransformOperator(
        task_id="score", config={"Model": {"ModelName": "m"}, "Transform": {"TransformJobName": "t"}}
    )


def parameter_without_a_default(dag: DAG) -> None:
    dag.params["place"] = Param(type="string")
    task(steps.read_radar)(dag.param("place"))


def function_with_any_arguments(_: DAG) -> None:
    task(steps.anything)(1, name="x")


def function_that_wants_the_context(_: DAG) -> None:
    task(steps.dated)("plan")


def function_of_a_class(_: DAG) -> None:
    task(steps.Station.measure)()


def glue_job_that_is_not_waited_for(_: DAG) -> None:
    GlueJobOperator(task_id="smooth", job_name="weather-smooth", wait_for_completion=False)


def result_of_an_empty_task(_: DAG) -> None:
    task(steps.tell)(EmptyOperator(task_id="gathered").output)


def member_of_a_single_output(_: DAG) -> None:
    """Airflow raises XComNotFound: only a task with multiple_outputs has members."""
    task(steps.tell)(task(steps.read_radar, multiple_outputs=False)("north")["uri"])


def key_that_ends_as_a_path_does(_: DAG) -> None:
    task(steps.write_report)({"price.$": "$5"}, [])


def member_with_a_quote(_: DAG) -> None:
    task(steps.tell)(task(steps.read_radar, multiple_outputs=True)("north")["it's"])


def id_that_leaves_no_room(_: DAG) -> None:
    GlueJobOperator(task_id="x" * 75, job_name="weather-smooth")


def timeout_below_a_second(_: DAG) -> None:
    task(steps.read_radar, execution_timeout=timedelta(milliseconds=500))("north")


def join_that_airflow_skips(_: DAG) -> None:
    """Airflow skips the task after two alternatives when it skips one of them, unless the trigger rule allows it."""
    way = task.branch(steps.which_way)("x")
    ways = [task(steps.tell, task_id=name)("x") for name in ("tell_all", "tell_few")]
    way >> ways >> task(steps.read_radar)("north")


def short_circuit_beside_others(_: DAG) -> None:
    begin = EmptyOperator(task_id="begin")
    begin >> [task.short_circuit(steps.is_stormy)("x"), task(steps.tell)("x")]


def short_circuit_by_truthiness(_: DAG) -> None:
    task.short_circuit(steps.which_way)("x") >> task(steps.tell)("x")


def branch_into_the_middle(_: DAG) -> None:
    way = task.branch(steps.which_way)("x")
    first, second = (task(steps.tell, task_id=name)("x") for name in ("tell_all", "tell_few"))
    end = task(steps.tell, task_id="end", trigger_rule="none_failed_min_one_success")("x")
    way >> [first, second] >> end
    inside = EmptyOperator(task_id="inside")
    way >> inside
    first >> inside >> end


def result_of_an_alternative(_: DAG) -> None:
    way = task.branch(steps.which_way)("x")
    ways = [task(steps.tell, task_id=name)("x") for name in ("tell_all", "tell_few")]
    way >> ways >> task(steps.read_radar, trigger_rule="none_failed_min_one_success")(ways[0])


def task_with_a_failure_callback(_: DAG) -> None:
    task(steps.tell, on_failure_callback=print)("x")


# Each DAG with the rule that refuses it.
REFUSED: list[tuple[Callable[[DAG], None], str]] = [
    (expanded_task, "dynamic-mapping"),
    (task_called("defaults"), "reserved-name"),
    (task_called("params"), "reserved-name"),
    (task_called("done"), "reserved-name"),
    (task_called("failed"), "reserved-name"),
    (task_called("group_1"), "reserved-name"),
    (list_with_a_reference_and_a_map, "mixed-list"),
    (list_with_a_reference_and_none, "mixed-list"),
    (list_with_a_reference_and_jinja, "jinja"),
    (job_without_a_name, "job-name"),
    (transform_that_makes_its_model, "job-name"),
    (function_with_any_arguments, "named-arguments"),
    (function_that_wants_the_context, "airflow-context"),
    (function_of_a_class, "importable-function"),
    (glue_job_that_is_not_waited_for, "not-waited-for"),
    (result_of_an_empty_task, "result-of-nothing"),
    (member_of_a_single_output, "member-of-single-output"),
    (key_that_ends_as_a_path_does, "rules"),
    (member_with_a_quote, "key"),
    (id_that_leaves_no_room, "rules"),
    (timeout_below_a_second, "rules"),
    (join_that_airflow_skips, "join-after-branch"),
    (short_circuit_beside_others, "short-circuit-in-group"),
    (short_circuit_by_truthiness, "short-circuit-bool"),
    (branch_into_the_middle, "branch-target"),
    (result_of_an_alternative, "result-of-alternative"),
    (task_with_a_failure_callback, "failure-callback"),
]


def machine_of(build: Callable[[DAG], None]) -> dict[str, Any]:
    with DAG(dag_id="weather", schedule=None, default_args={"execution_timeout": timedelta(minutes=5)}) as dag:
        build(dag)
    machine: dict[str, Any] = json.loads(json.dumps(compile_dag(dag)))
    return machine


@pytest.mark.parametrize(("build", "rule"), REFUSED, ids=[build.__name__ for build, _ in REFUSED])
def test_it_is_refused(build: Callable[[DAG], None], rule: str) -> None:
    with pytest.raises(CompileError) as caught:
        machine_of(build)
    assert rule in {refusal.rule for refusal in caught.value.refusals}, str(caught.value)


@pytest.mark.parametrize("build", [id_of_a_task_group, parameter_without_a_default], ids=lambda build: build.__name__)
def test_it_runs_with_every_value_in_place(build: Callable[[DAG], None]) -> None:
    asked: dict[str, Any] = {}

    def work(name: str, request: Mapping[str, Any]) -> Any:
        asked[name] = request
        return {"Payload": RADAR}

    run(machine_of(build), {"place": "Uppsala"}, work)
    assert asked


def test_a_branch_runs_the_chosen_alternative_and_the_task_after_it() -> None:
    def build(_: DAG) -> None:
        way = task.branch(steps.which_way)("x")
        ways = [task(steps.tell, task_id=name)("x") for name in ("tell_all", "tell_few")]
        way >> ways >> task(steps.tell, task_id="end", trigger_rule="none_failed_min_one_success")("x")

    machine = machine_of(build)
    assert findings(machine) == []
    for named in ("tell_all", "tell_few"):
        asked: list[str] = []

        def work(name: str, _: Mapping[str, Any], named: str = named, asked: list[str] = asked) -> Any:
            asked.append(name)
            return {"Payload": named}

        run(machine, {}, work)
        assert asked == ["which_way", named, "end"]


@pytest.mark.parametrize(("stormy", "ran"), [(True, ["is_stormy", "tell"]), (False, ["is_stormy"])])
def test_a_short_circuit_continues_or_ends_the_execution_as_succeeded(stormy: bool, ran: list[str]) -> None:
    def build(_: DAG) -> None:
        task.short_circuit(steps.is_stormy)("x") >> task(steps.tell)("x")

    asked: list[str] = []

    def work(name: str, _: Mapping[str, Any]) -> Any:
        asked.append(name)
        return {"Payload": stormy}

    run(machine_of(build), {}, work)
    assert asked == ran
