"""The operator that decides about an assessed classification, and starts a retraining where that is the decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from complaints.aws.clients import environment_bucket
from complaints.monitoring.retraining import FLOW
from complaints.notifications import run_notes
from complaints.settings import load_settings
from complaints.tasks import monitoring
from operators.final_errors import fails_at_once
from operators.notes import NOTE, NOTE_OF_CLASSIFICATION


class MonitoringDecisionOperator(TriggerDagRunOperator):
    """Decides and tells, once; `plan` is that of the monitoring. A retraining has a run id made of the decision."""

    template_fields = (*TriggerDagRunOperator.template_fields, "plan")

    def __init__(self, *, plan: Any, **kwargs: Any) -> None:
        # No date: each run would need another one. It waits for nothing, so it occupies no worker meanwhile.
        super().__init__(
            trigger_dag_id=FLOW, logical_date=None, skip_when_already_exists=True, deferrable=True, **kwargs
        )
        self.plan = plan

    def decides(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function that decides, and its arguments; a state machine adds its own ARN as `machine`."""
        return monitoring.decide_monitoring, {"plan": self.plan}

    def execute(self, context: Any) -> Any:
        """Decides; the outcome, unless a training is started: Airflow does that after the task has ended."""
        outcome = fails_at_once(monitoring.decide_monitoring)(self.plan)
        note, of_classification = run_notes.of_monitoring(environment_bucket(load_settings()), self.plan, outcome)
        self.log.info("%s", note)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {name: outcome[name] for name in ("run_id", "action", "rule")}
        context["ti"].xcom_push(NOTE, note)
        context["ti"].xcom_push(NOTE_OF_CLASSIFICATION, of_classification)
        if not outcome["retrain"]:
            return outcome
        self.log.info("starting %s: %s", FLOW, outcome["retrain"])
        self.trigger_run_id = outcome["retrain"]
        return super().execute(context)
