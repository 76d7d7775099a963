"""Each call of a task leaves one line that CloudWatch can count, and none with a complaint's text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepfunctions.handlers.observed import observed

ACCOUNT = {"rows_in": 3, "classified": 2, "without_narrative": 1, "quarantined": 0, "superseded": 0}
ADDS_UP = "complaints.tasks.classification.results_add_up"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(line: dict[str, Any]) -> dict[str, Any]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert all(name in line for (names,) in [directive["Dimensions"]] for name in names)
    return {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}


def test_a_call_is_counted_by_its_step_with_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        observed("complaints.tasks.classification.has_shadow", {"plan": {"run_id": "r1"}}, lambda plan: False) is False
    )
    (line,) = lines(capsys)
    assert (line["Step"], line["run_id"], line["outcome"]) == ("has_shadow", "r1", "succeeded")
    assert metrics(line)["Failures"] == 0
    assert metrics(line)["Seconds"] >= 0


def test_the_call_that_plans_a_run_is_found_by_the_run_that_it_planned(capsys: pytest.CaptureFixture[str]) -> None:
    observed("complaints.tasks.classification.plan_classification", {"source": "raw/"}, lambda source: {"run_id": "r2"})
    assert lines(capsys)[0]["run_id"] == "r2"


def test_a_failure_is_counted_and_raised_and_its_message_is_not_logged_here(capsys: pytest.CaptureFixture[str]) -> None:
    def refuses(plan: Any) -> None:
        raise ValueError("My secret narrative.")

    with pytest.raises(ValueError, match="secret"):
        observed(ADDS_UP, {"plan": {"run_id": "r1"}}, refuses)
    (line,) = lines(capsys)
    assert (line["outcome"], line["error"], metrics(line)["Failures"]) == ("failed", "ValueError", 1)
    assert "secret" not in json.dumps(line)


def test_the_rows_of_a_classification_are_metrics_by_fate(capsys: pytest.CaptureFixture[str]) -> None:
    observed(ADDS_UP, {"plan": {"run_id": "r1"}}, lambda plan: ACCOUNT)
    _, rows = lines(capsys)
    assert rows["Flow"] == "complaints_classification"
    names = {"RowsIn": 3, "Classified": 2, "WithoutNarrative": 1, "Quarantined": 0, "Superseded": 0}
    assert metrics(rows) == names
