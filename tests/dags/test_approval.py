"""The operator that waits for a person: silence is no approval and no failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.standard.version_compat import AIRFLOW_V_3_1_PLUS
from operators.approval import ApprovalOperator

from complaints.tasks import approval


@pytest.fixture
def asks() -> Any:
    return ApprovalOperator(task_id="approve", version="v3", response_timeout=timedelta(hours=1))


def test_no_answer_within_the_time_ends_the_task_well_and_approves_nothing(asks: Any) -> None:
    event = {"error": "The timeout has passed.", "error_type": "timeout"}
    assert asks.execute_complete({}, event) is None


@pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="Airflow 3.0 asks nobody")
def test_it_is_airflows_own_operator_with_no_default_answer(asks: Any) -> None:
    assert asks.options == ["Approve", "Reject"]
    assert asks.defaults is None
    assert asks.response_timeout == timedelta(hours=1)


def test_a_state_machine_asks_by_the_same_function(asks: Any) -> None:
    assert asks.asks() == (approval.ask_for_approval, {"version": "v3"})
