"""What no retry can change fails a task at once, on each version of Airflow; anything else is tried again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from botocore.exceptions import ClientError
from operators.airflow_exceptions import AirflowFailException
from operators.final_errors import fails_at_once

from complaints.models.registry import NoModelError
from complaints.runs.plans import PlanError


@pytest.fixture
def conf() -> Any:
    """The conf of the run whose task is executed; its DAG has two parameters."""
    found: dict[str, Any] = {}
    params = {"source": "raw/", "etag": ""}
    context: Any = {"dag_run": SimpleNamespace(conf=found), "dag": SimpleNamespace(params=params)}
    with set_current_context(context):
        yield found


def raising(error: Exception) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PlanError("no complaints under s3://b/raw/"), "PlanError: no complaints under s3://b/raw/"),
        (NoModelError("no model is in service"), "NoModelError: no model is in service"),
        (refused("AccessDenied"), "AccessDenied: m"),
    ],
)
def test_a_hopeless_error_ends_the_task_with_the_sentence_of_the_alert(
    conf: dict[str, Any], error: Exception, sentence: str
) -> None:
    with pytest.raises(AirflowFailException) as failed:
        fails_at_once(raising(error))()
    assert str(failed.value) == sentence


@pytest.mark.parametrize("error", [refused("ThrottlingException"), ConnectionError("reset"), KeyError("x")])
def test_any_other_error_is_the_tasks_own(conf: dict[str, Any], error: Exception) -> None:
    with pytest.raises(type(error)):
        fails_at_once(raising(error))()


def test_a_conf_with_an_unknown_name_is_refused_with_the_one_that_was_meant(conf: dict[str, Any]) -> None:
    conf |= {"source": "raw/a.csv", "e_tag": "x"}
    meant = "unknown parameter 'e_tag': this flow has source, etag; did you mean 'etag'"
    with pytest.raises(AirflowFailException, match=meant):
        fails_at_once(raising(PlanError("not reached")))()


def test_a_function_keeps_its_result_and_its_signature(conf: dict[str, Any]) -> None:
    def step(source: str, *, etag: str = "") -> str:
        return source + etag

    assert fails_at_once(step)("a", etag="b") == "ab"
    assert inspect.signature(fails_at_once(step)) == inspect.signature(step)


@pytest.mark.parametrize("flow", ["complaints_classification", "complaints_training", "complaints_promotion"])
def test_every_function_of_a_flow_fails_at_once(dags: dict[str, Any], flow: str) -> None:
    for task in dags[flow].tasks:
        if function := getattr(task, "python_callable", None):
            assert hasattr(function, "__wrapped__"), f"{flow}: wrap the function of {task.task_id} in fails_at_once"
