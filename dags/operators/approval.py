"""The operator that has a person approve a model version: Airflow's ApprovalOperator, with the Model Registry's record.

Airflow 3.0 has none. There the task asks and ends, the run ends without a promotion, and the flow complaints_promotion
goes on once somebody has approved.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.version_compat import AIRFLOW_V_3_1_PLUS
from airflow.sdk import BaseOperator

from complaints.tasks import approval

_HITL = "airflow.providers.standard.operators.hitl"  # its import raises where Airflow has no such tasks
_Base: Any = importlib.import_module(_HITL).ApprovalOperator if AIRFLOW_V_3_1_PLUS else BaseOperator


class ApprovalOperator(_Base):  # type: ignore[misc]
    """Asks people by one message to approve `version`, and waits for `response_timeout` at most.

    The answer is kept in the Model Registry. A rejection or no answer is no failure: the task after this one looks for
    the approval there.
    """

    template_fields = (*_Base.template_fields, "version")

    def __init__(self, *, version: Any, response_timeout: timedelta, **kwargs: Any) -> None:
        asks = {"subject": "Approve?", "response_timeout": response_timeout} if AIRFLOW_V_3_1_PLUS else {}
        super().__init__(**asks, **kwargs)
        self.response_timeout = response_timeout
        self.version = version

    def asks(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function that asks in a state machine, besides its task token, and its arguments."""
        return approval.ask_for_approval, {"version": self.version}

    def execute(self, context: Any) -> Any:
        """Asks, and where Airflow can, waits for the answer without a worker."""
        question = approval.ask_for_approval(self.version)
        if not question["is_open"]:
            self.log.info("%s was decided before", self.version)
            return None
        if not AIRFLOW_V_3_1_PLUS:
            self.log.info("%s awaits approval: this run ends without its promotion", self.version)
            return None
        self.subject, self.body = f"Put {self.version} into service?", question["question"]
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Keeps the answer; none within the time is no approval, and no failure."""
        if event.get("error_type") == "timeout":
            self.log.warning("nobody answered within %s: %s is not approved", self.response_timeout, self.version)
            return None
        if "error" not in event:
            user = event.get("responded_by_user") or {}
            by = str(user.get("name") or user.get("id") or "somebody in Airflow")
            approval.record_answer(self.version, event["chosen_options"][0] == self.APPROVE, by)
        return super().execute_complete(context, event)
