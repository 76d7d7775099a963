"""# Start what arrives

Starts one run of complaints_classification for each file that arrives under raw/, and one for each folder below
raw/batches/ once it has a `_SUCCESS`. Unpause this DAG, then upload files.

**Parameters.** None. The DAG starts every file in the bucket that has no entry under ledger/.

- Files that were there before you unpaused the DAG are started, too. Move them elsewhere if you do not want that.
- A file that is uploaded again with other bytes is started again. So is a batch whose `_SUCCESS` is uploaded again.
- The same bytes under another name are a duplicate. A duplicate is started only if the first run fails.
- Ignored: empty files, names that begin with an underscore or a dot, and files other than .csv, .csv.gz and .zip.

**While it waits.** One run is always active. It looks for new files every two minutes (arrival_poll_seconds in
pipeline_config.yaml), ends after an hour with its tasks skipped, and the next run goes on. You can trigger
complaints_classification by hand meanwhile; its runs take turns. If Step Functions runs the flows, the Lambda function
ptmlops-starter does the work of this DAG. Both use the same ledger, so nothing is started twice.

**If it fails.** You need not clear anything: the next run starts what this one did not. The DAG fails only when S3 or
Airflow refuses a request; the task's log has the error. By task:

- **await_arrivals**: S3 or Airflow refuses a request. Before a release is deployed, it waits.
- **find_arrivals**: a file with an unreadable name fails nothing. The log has one warning with its name; upload the
  file under another name.
- **start_classification**: if a file is deleted or replaced before its run begins, only that run fails, at
  plan_classification. The new version gets a run of its own.
- **remember**: the next run finds again what this one started, and remembers it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task
from operators.runbook import document_tasks

from complaints.arrivals.dag_runs import StateOf
from complaints.arrivals.decision import RunState
from complaints.arrivals.ledger import FLOW
from complaints.notifications import alerts
from complaints.runs import documents
from complaints.settings import load_settings
from complaints.tasks import arrivals

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration


def states_of(ti: Any) -> StateOf:
    """The function that returns the state of a classification run by its id; only a task instance can ask Airflow."""

    def state_of(run_id: str) -> RunState:
        def is_in(*states: str) -> bool:
            return bool(ti.get_dr_count(dag_id=FLOW, run_ids=[run_id], states=list(states)))

        return "running" if is_in("queued", "running") else "succeeded" if is_in("success") else "failed"

    return state_of


def is_anything_due(_files: Any, **context: Any) -> bool:
    """The sensor's check, which runs once a release is deployed."""
    return arrivals.is_anything_due(states_of(context["ti"]))


def run_of(arrival: dict[str, Any]) -> dict[str, Any]:
    """The run of an arrival, as TriggerDagRunOperator takes it."""
    run: dict[str, Any] = arrival["run"]
    return run


with DAG(
    dag_id="complaints_arrivals",
    description="Start the classification of each file that arrives",
    doc_md=__doc__,
    # One run right after the other; Airflow 3.0 requires a start date for that.
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    # Without "step-functions": there, ptmlops-starter does this.
    tags=["complaints", "arrivals"],
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    arrived = S3KeySensor(
        task_id="await_arrivals",
        task_display_name="Await arrivals",
        bucket_name=pipeline.storage.bucket,
        # One object, which is there once code is deployed: for a pattern, the sensor lists all of raw/, and the check
        # lists it again.
        bucket_key=[documents.LATEST_RELEASE],
        check_fn=is_anything_due,
        # Not deferrable: with a check_fn the trigger resumes a worker at each look, and before that it asks S3 about
        # each object. If one is deleted in between, the trigger ends without an event, which fails the task
        # (S3KeyTrigger.run, amazon provider 9.25 to 9.34). This mode occupies no worker while it waits, either.
        deferrable=False,
        mode="reschedule",
        poke_interval=patience.arrival_poll_seconds,
        timeout=timedelta(hours=1).total_seconds(),
        soft_fail=True,
    )

    @task(task_display_name="Find what has arrived")
    def find_arrivals(ti: Any = None) -> list[dict[str, Any]]:
        """Lists what to start, and records what not to start."""
        return arrivals.to_start(states_of(ti))

    found = find_arrivals()
    arrived >> found

    # The run id is made of the object's version, so starting it again after a crash starts nothing.
    start = TriggerDagRunOperator.partial(
        task_id="start_classification",
        task_display_name="Start the classifications",
        trigger_dag_id=FLOW,
        # No date: each run would need another one.
        logical_date=None,
        skip_when_already_exists=True,
    ).expand_kwargs(found.map(run_of))

    # Skipped only after a timeout of the sensor, when nothing was started.
    remember = task(trigger_rule="none_failed_min_one_success", task_display_name="Remember what was started")(
        arrivals.remember
    )(found)
    start >> remember

    document_tasks(dag)
