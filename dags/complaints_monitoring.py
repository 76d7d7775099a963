"""# Monitor the classified complaints

Compares each published classification with what its model was evaluated on: has anything changed, does it do harm, and
what follows? Runs by itself after each classification.

**Parameters.**

- **run_id**: the classification to look at, if you start a run by hand: its run id, or the key of its manifest. A run
  that was looked at before keeps its decision.

**What follows.** monitoring/run_id=…/decision.json has the decision and its reasons. Faulty data, changes, and a model
that has become worse are published as one message each, not again while nothing else happens. Where labels show that
the model has become worse, complaints_training is started: once for each version, and only with new labels and a newer
history.

**If it fails.** The results of the classification are published, and complete. Clear the failed task: the job is found,
and no message is sent twice. By task:

- **plan_monitoring**: there is no such classification, or the files that it was computed from are no longer kept. If
  several classifications were published at once, the log names those that this run left out: start one for each.
- **can_be_assessed**: it only reads the plan. A model without a baseline.json is no failure: the run ends here.
- **assess_classification**: the task's log ends with the log of the job, which has the reason.
- **decide_monitoring**: SNS refused the message, or Airflow refused to start complaints_training. The decision is made,
  and the next try completes it. If monitoring.json is absent, clear assess_classification.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from operators import assets
from operators.final_errors import fails_at_once
from operators.monitoring import MonitoringDecisionOperator
from operators.runbook import document_tasks
from operators.sagemaker import SageMakerProcessingOperator

from complaints.monitoring import plans
from complaints.notifications import alerts
from complaints.runs import requests
from complaints.settings import load_settings, parameters
from complaints.tasks import monitoring

settings = load_settings()
patience = settings.pipeline.orchestration

with DAG(
    dag_id="complaints_monitoring",
    description="Compare each classification with what its model was evaluated on, and decide what follows",
    doc_md=__doc__,
    schedule=assets.results(settings.pipeline.storage),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=patience.run_timeout,
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "monitoring", "step-functions"],
    params={
        "run_id": Param(
            "",
            title="Classification",
            description="The run id of a published classification, or the key of its manifest.",
            **parameters.worded(plans.RUN_PATTERN, plans.RUN, optional=True),
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    plan = task(
        multiple_outputs=True,
        task_display_name="Plan the monitoring",
        inlets=[assets.results(settings.pipeline.storage)],
    )(fails_at_once(monitoring.plan_monitoring))(
        # Airflow keeps the name `run_id` for itself.
        classification=assets.EmittedParam(dag, "run_id")
    )

    # A model of an earlier release, or of few complaints, has no baseline.
    goes_on = task.short_circuit(task_display_name="Can it be assessed?")(fails_at_once(monitoring.can_be_assessed))(
        plan
    )

    assessed = SageMakerProcessingOperator(
        task_id="assess_classification",
        task_display_name="Assess the classification",
        config=requests.monitoring_job(plan, settings),
        output_uri=plan["assessment_uri"],
    )
    goes_on >> assessed

    # One task for the decision and what follows: the message, and the training that it may start.
    assessed >> MonitoringDecisionOperator(
        task_id="decide_monitoring",
        task_display_name="Decide what follows",
        plan=plan,
        outlets=[assets.monitored(settings.pipeline.storage)],
    )

    document_tasks(dag)
