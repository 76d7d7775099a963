"""# Ingest the public complaints

Downloads the public export of the Consumer Complaint Database (ingestion.url in pipeline_config.yaml), compares it with
the export before, and puts the complaints that are new or have changed under raw/batches/ as one batch. If
complaints_arrivals is on, the batch is classified by itself; else start complaints_classification with the batch as its
source.

**Parameters.**

- **accept_fewer_rows**: ingest the export although it has far fewer rows than the last one.
- **accept_many_rows**: classify all that is new or changed, although it is more than ingestion.max_batch_rows.

**Switch it on.** Unpause the DAG: it runs each day at ingestion.daily_at (UTC), and makes up for no day that it missed,
since today's export holds all. Or trigger a run by hand. If the server still has the export that was
ingested last, the run succeeds with its tasks skipped. Of the first export, ingestion.first_export says what is
classified: by default nothing, so that the next day's run has something to compare with.

**If it fails.** Clear the failed task, or wait for the next day: a download goes on where it broke off, and nothing is
published twice. By task:

- **plan_ingestion**: the server cannot be reached, or refuses; the message has its answer. The worker (the function
  ptmlops-steps with Step Functions) needs a way to the internet.
- **is_new_export**: it only reads the plan; clear the task.
- **fetch_export**: as plan_ingestion, for the Glue job. Or the export is damaged, too large, or no export of
  complaints: it was removed, and the message says what is wrong with it.
- **compare_exports**: an export cannot be read to its end, or too many rows cannot be read; look at them under
  quarantine/.
- **export_adds_up**: the message has the rows that are missing. If it says that the export collapsed, or that too many
  complaints are new or changed, and that is right, start a new run with accept_fewer_rows or accept_many_rows.
- **publish_export**: another run ingested an export in the meantime. Start a new run.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, Param, task
from operators import assets
from operators.final_errors import fails_at_once
from operators.glue import GlueJobOperator
from operators.notes import notes
from operators.params import RunParam
from operators.runbook import document_tasks

from complaints.notifications import alerts, run_notes
from complaints.runs import requests
from complaints.settings import load_settings
from complaints.tasks import ingestion

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration

with DAG(
    dag_id="complaints_ingestion",
    description="Fetch the public export, and put what is new or changed under raw/",
    doc_md=__doc__,
    # At one time of the day in UTC. What a missed day would have fetched, the next run fetches, too.
    schedule=pipeline.ingestion.cron,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=patience.run_timeout,
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "ingestion", "step-functions"],
    params={
        "accept_fewer_rows": Param(
            False,
            type="boolean",
            title="Accept far fewer rows",
            description="Ingest although the export has far fewer rows than the last one.",
        ),
        "accept_many_rows": Param(
            False,
            type="boolean",
            title="Accept far more rows",
            description="Classify all that is new or changed, although it is far more than a day brings.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    plan = task(multiple_outputs=True, task_display_name="Ask for the export")(
        fails_at_once(ingestion.plan_ingestion)
    )()

    is_new = task.short_circuit(task_display_name="Is it new?")(ingestion.is_new_export)(plan)

    fetched = GlueJobOperator(
        task_id="fetch_export",
        task_display_name="Fetch the export (Glue)",
        job_name=pipeline.glue.fetch_export_job,
        script_args=requests.fetch_export_arguments(plan, settings),
        output_uri=plan["fetched_uri"],
    )
    is_new >> fetched

    compared = GlueJobOperator(
        task_id="compare_exports",
        task_display_name="Compare with the last export (Glue)",
        job_name=pipeline.glue.compare_exports_job,
        script_args=requests.compare_exports_arguments(plan, settings),
        output_uri=plan["account_uri"],
    )
    fetched >> compared

    account = task(multiple_outputs=False, task_display_name="Do all rows add up?")(
        fails_at_once(ingestion.export_adds_up)
    )(
        plan,
        accept_fewer_rows=RunParam(dag, "accept_fewer_rows"),
        accept_many_rows=RunParam(dag, "accept_many_rows"),
    )
    compared >> account

    task(
        multiple_outputs=False,
        task_display_name="Publish what has changed",
        outlets=[assets.raw(pipeline.storage)],
    )(notes(run_notes.of_ingestion, fails_at_once(ingestion.publish_export)))(plan, account)

    document_tasks(dag)
