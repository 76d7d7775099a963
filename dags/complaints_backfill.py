"""# Classify earlier months again

Classifies the complaints of some months again with a version that you state, from the same files. The results stand
beside the earlier ones, which stay as they are. Nothing but a plan is made until you switch dry_run off.

**Parameters.**

- **from**, **to**: the months in which the files arrived, both included. Without `from`, the month of the run's data
  interval, which is what Airflow's own backfill gives it; without `to`, one month.
- **version**: the version that classifies, such as v3; without one, that which is in service. It must be approved.
- **dry_run**: only write and log what would be classified, and what it would cost.

**What it leaves.** backfills/<id>/plan.json has the classifications, those that are left out with the reason, and the
estimate; backfills/<id>/results.json has counts and scores of both versions for each. Readers that take the newest
model of each input see the version if it is the newest; docs/results.md has the query for a stated one.

**If it fails.** What is published stays. Start the same backfill again: it makes only what is missing. By task:

- **plan_backfill**: a month is missing, the version may not classify, or it is more than backfill.max_runs.
- **is_for_real**, **classifications**: they only read the plan.
- **classify_again**: a run of complaints_classification failed; its own message has the reason.
- **compare_backfill**: the message names the sources that are not published.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable
from operators.final_errors import fails_at_once
from operators.params import MonthParam, RunParam
from operators.runbook import document_tasks

from complaints.notifications import alerts
from complaints.runs import backfills
from complaints.settings import load_settings, parameters
from complaints.tasks import backfill

settings = load_settings()
patience = settings.pipeline.orchestration

with DAG(
    dag_id="complaints_backfill",
    description="Classify the complaints of earlier months again with a stated version",
    doc_md=__doc__,
    # Periodic, so that Airflow's own backfill can make a run of each month. By itself it makes a dry run of each month.
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(days=14),
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "inference", "step-functions"],
    params={
        "from": Param(
            "",
            title="From",
            description="The first month, such as 2026-03; empty: that of the run's data interval.",
            **parameters.worded(backfills.MONTH_PATTERN, backfills.MONTH, optional=True),
        ),
        "to": Param(
            "",
            title="To",
            description="The last month; empty: the first.",
            **parameters.worded(backfills.MONTH_PATTERN, backfills.MONTH, optional=True),
        ),
        "version": Param(
            "",
            title="Version",
            description="The version that classifies, such as v3; empty: the one in service.",
            **parameters.worded(backfills.VERSION_PATTERN, backfills.VERSION, optional=True),
        ),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="Only say what would be classified, and what it would cost.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    plan = task(multiple_outputs=False, task_display_name="Plan the backfill")(fails_at_once(backfill.plan_backfill))(
        first=MonthParam(dag, "from"),
        last=RunParam(dag, "to"),
        version=RunParam(dag, "version"),
        dry_run=RunParam(dag, "dry_run"),
    )

    goes_on = task.short_circuit(task_display_name="Is it for real?")(fails_at_once(backfill.is_for_real))(plan)

    runs = task(multiple_outputs=False, task_display_name="List the classifications")(
        fails_at_once(backfill.classifications)
    )(plan)
    goes_on >> runs

    # Each is a run of its own, with its own plan, account, messages and monitoring.
    again = TriggerDagRunOperator.partial(
        task_id="classify_again",
        task_display_name="Classify again",
        trigger_dag_id="complaints_classification",
        # No date: each run would need another one.
        logical_date=None,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=patience.poll_seconds,
        execution_timeout=patience.run_timeout,
        max_active_tis_per_dagrun=settings.pipeline.backfill.max_concurrency,
    ).expand(conf=runs)

    again >> task(multiple_outputs=False, task_display_name="Compare both versions")(
        fails_at_once(backfill.compare_backfill)
    )(plan)

    document_tasks(dag)
