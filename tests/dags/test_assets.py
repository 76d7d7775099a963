"""What a task publishes is an event with its name, and a DAG that it starts finds the name there."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from airflow.sdk.execution_time.context import OutletEventAccessors, set_current_context
from operators import assets
from operators.monitoring import MonitoringDecisionOperator

from complaints.models import promotion
from complaints.runs import publishing
from complaints.settings import load_settings
from complaints.tasks import monitoring

RESULTS = assets.results(load_settings().pipeline.storage)


@pytest.fixture
def param() -> assets.EmittedParam:
    with DAG(dag_id="weather", schedule=None, params={"run_id": Param("", type="string")}) as dag:
        return assets.EmittedParam(dag, "run_id")


def context(conf: dict[str, str], *events: str) -> Any:
    newest_first = [
        SimpleNamespace(extra={"run_id": each}, timestamp=number) for number, each in reversed([*enumerate(events)])
    ]
    emitted = {"results": [SimpleNamespace(extra={}, timestamp=99), *newest_first]}
    instance = SimpleNamespace(log=logging.getLogger("task"))
    run = SimpleNamespace(conf=conf)
    return {"dag_run": run, "params": {"run_id": "", **conf}, "triggering_asset_events": emitted, "ti": instance}


def test_the_event_of_a_task_has_the_metadata_of_what_it_returned() -> None:
    accessors = OutletEventAccessors()
    given: Any = {"outlet_events": accessors}
    emits = assets.emits(RESULTS, lambda uri: {"run_id": uri[-1]}, lambda: "s3://bucket/7")
    with set_current_context(given):
        assert emits() == "s3://bucket/7"
    assert accessors[RESULTS].extra == {"run_id": "7"}


def test_the_event_of_a_publication_says_how_many_rows_of_which_model() -> None:
    accessors = OutletEventAccessors()
    given: Any = {"outlet_events": accessors}
    counts = {"rows_in": 3, "classified": 2, "without_narrative": 1, "quarantined": 0, "superseded": 0}
    emits = assets.emits(RESULTS, publishing.event_of, lambda plan, counts: "s3://bucket/manifests/run_id=7.json")
    with set_current_context(given):
        emits({"model_version": "v3"}, counts)
    assert accessors[RESULTS].extra == {"run_id": "7", "model_version": "v3", **counts}


def test_the_event_of_a_promotion_says_which_version_with_which_verdict_by_whose_word() -> None:
    pointer: Any = {
        "version": "v3",
        "verdict": "PROMOTE",
        "previous": "v2",
        "by": "jane",
        "reason": "",
        "earlier": ["v2"],
    }
    said = {"version": "v3", "verdict": "PROMOTE", "previous": "v2", "by": "jane", "reason": ""}
    assert promotion.event_of(pointer, "v3") == said


def test_a_run_that_was_started_by_hand_has_the_value_that_it_was_given(param: assets.EmittedParam) -> None:
    assert param.resolve(context({"run_id": "given"})) == "given"
    assert param.resolve(context({"run_id": "given"}, "emitted")) == "given"
    assert param.resolve(context({})) == ""


def test_a_run_of_several_events_takes_the_newest_and_names_the_others(
    param: assets.EmittedParam, caplog: pytest.LogCaptureFixture
) -> None:
    assert param.resolve(context({}, "one", "two", "three", "three")) == "three"
    assert [each.getMessage() for each in caplog.records] == [
        f"left out: start this DAG with run_id={each}" for each in ("one", "two")
    ]


def test_a_state_machine_decides_by_the_same_function() -> None:
    decides = MonitoringDecisionOperator(task_id="decide", plan={"run_id": "r"})
    assert decides.decides() == (monitoring.decide_monitoring, {"plan": {"run_id": "r"}})
    assert (decides.trigger_dag_id, decides.skip_when_already_exists) == ("complaints_training", True)
