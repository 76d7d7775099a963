"""What compiles today though the machine would not do what Airflow does, or what ends in a traceback.

Each case expects to fail: whoever refuses it, or compiles it right, is told by this file, and moves the case to
`test_refusals` or `test_compile_dag`.
"""

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
from stepfunctions.refusals import CompileError
from stepfunctions.rules import findings
from tests.stepfunctions import example_steps as steps
from tests.stepfunctions.interpreter import run

Asked = dict[str, Any]
RADAR = {"uri": "s3://weather/radar/", "it's": 1}


def expanded_task(_: DAG) -> None:
    task(steps.read_radar).expand(area=["north", "south"])


def id_of_a_task_group(_: DAG) -> None:
    with TaskGroup("sky"):
        radar = task(steps.read_radar)("north")
    task(steps.tell)(radar)


def task_called(name: str) -> Callable[[DAG], None]:
    """A task with the name of a state that every machine has, or of its first group."""

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
    """After a branch one alternative is skipped, and so is what follows both, unless its trigger rule allows it."""
    way = task.branch(steps.which_way)("x")
    ways = [task(steps.tell, task_id=name)("x") for name in ("tell_all", "tell_few")]
    way >> ways >> task(steps.read_radar)("north")


def runs(asked: Asked, _: Mapping[str, Any]) -> bool:
    """Every path that the machine reads is there."""
    return bool(asked)


def keeps_rules(_: Asked, machine: Mapping[str, Any]) -> bool:
    return findings(machine) == []


def never(_: Asked, __: Mapping[str, Any]) -> bool:
    """Airflow does what no state can: only a refusal is right."""
    return False


def asks(task_id: str, **arguments: Any) -> Callable[[Asked, Mapping[str, Any]], bool]:
    return lambda asked, _: arguments.items() <= asked[task_id]["Payload"]["arguments"].items()


CASES: list[tuple[Callable[[DAG], None], Callable[[Asked, Mapping[str, Any]], bool]]] = [
    (expanded_task, never),
    (id_of_a_task_group, runs),
    (task_called("defaults"), asks("defaults", area="Uppsala")),
    (task_called("params"), asks("params", area="Uppsala")),
    (task_called("done"), asks("done", area="Uppsala")),
    (task_called("failed"), asks("failed", area="Uppsala")),
    (task_called("group_1"), asks("group_1", area="Uppsala")),
    (list_with_a_reference_and_a_map, asks("write_report", sources=[RADAR, {"a": 1}])),
    (list_with_a_reference_and_none, asks("write_report", sources=[RADAR, None])),
    (list_with_a_reference_and_jinja, never),
    (job_without_a_name, never),
    (transform_that_makes_its_model, runs),
    (parameter_without_a_default, runs),
    (function_with_any_arguments, never),
    (function_that_wants_the_context, never),
    (function_of_a_class, never),
    (glue_job_that_is_not_waited_for, never),
    (result_of_an_empty_task, asks("tell", report=None)),
    (member_of_a_single_output, never),
    (key_that_ends_as_a_path_does, asks("write_report", request={"price.$": "$5"})),
    (member_with_a_quote, never),
    (id_that_leaves_no_room, keeps_rules),
    (timeout_below_a_second, keeps_rules),
    (join_that_airflow_skips, never),
]


def is_right(build: Callable[[DAG], None], judge: Callable[[Asked, Mapping[str, Any]], bool]) -> bool:
    """Whether the DAG is refused, or becomes a machine that passes `judge`."""
    with DAG(dag_id="weather", schedule=None, default_args={"execution_timeout": timedelta(minutes=5)}) as dag:
        build(dag)
    try:
        machine = json.loads(json.dumps(compile_dag(dag)))
    except CompileError:
        return True
    asked: Asked = {}

    def work(name: str, request: Mapping[str, Any]) -> Any:
        asked[name] = request
        if name == "which_way":
            return {"Payload": "tell_all"}
        return {"Payload": RADAR, "Id": "jr_1", "JobRunState": "SUCCEEDED"}

    run(machine, {"place": "Uppsala"}, work)
    return judge(asked, machine)


@pytest.mark.xfail(strict=True, reason="the compiler neither refuses it nor compiles it right")
@pytest.mark.parametrize(("build", "judge"), CASES, ids=[build.__name__ for build, _ in CASES])
def test_it_is_refused_or_compiled_right(
    build: Callable[[DAG], None], judge: Callable[[Asked, Mapping[str, Any]], bool]
) -> None:
    assert is_right(build, judge)


def test_the_judges_let_what_is_right_pass() -> None:
    """So that no case above fails for another reason than its own."""

    def plain(_: DAG) -> None:
        radar = task(steps.read_radar)("north")
        task(steps.write_report)({}, [radar, "a"])

    assert is_right(plain, runs)
    assert is_right(plain, keeps_rules)
    assert is_right(plain, asks("write_report", sources=[RADAR, "a"]))
    assert not is_right(plain, never)
