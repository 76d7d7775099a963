"""# Start what arrives

Starts one run of `complaints_classification` for each file that arrives under `raw/`, and one for each folder of
`raw/batches/` once its `_SUCCESS` is there. Unpause this DAG, and to drop a file is enough.

**Parameters.** None: what to start is what lies in the bucket without an entry under `ledger/`. What had been there
before the DAG was switched on is started, too, even if somebody classified all of `raw/` by hand: move it away first if
that is not wanted. A file that is put again with other bytes is started again. The same bytes under another name are a
duplicate, which is noted and not started, unless the first run failed. Unfinished uploads (names that begin with `_` or
`.`), empty files and what is no `.csv`, `.csv.gz` or `.zip` are passed over.

**While it waits** one run is there all the time and looks every `arrival_poll_seconds`; once an hour it ends with its
tasks skipped, and the next one waits on. Runs of `complaints_classification` can be triggered by hand meanwhile; they
take turns. The Lambda function `ptmlops-starter` is the twin of this DAG where Step Functions run the flows: both keep
one ledger, so that what one started the other does not.

**If it fails.** Nothing needs to be cleared: the next run begins by itself and starts what this one did not. It fails
when S3 or Airflow refuse something; the log says what. A file whose name may not be read does not fail it: a warning in
the log of `find_arrivals` says so once, and the remedy is to upload it by another name. A file that was removed or
overwritten before its run began fails that run of `complaints_classification` only, at `plan_classification`; the new
version has a run of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

from complaints.arrivals.ledger import FLOW
from complaints.notifications import alerts
from complaints.settings import load_settings
from complaints.tasks import arrivals

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration


def is_alive(ti: Any) -> Callable[[str], bool]:
    """Whether a run of the classification, by its id, waits, runs or has succeeded; Airflow is asked by a task."""
    states = ["queued", "running", "success"]
    return lambda run_id: ti.get_dr_count(dag_id=FLOW, run_ids=[run_id], states=states) > 0


def is_anything_due(_files: Any, **context: Any) -> bool:
    """The sensor's question, once there is any object at all."""
    return arrivals.is_anything_due(is_alive(context["ti"]))


def run_of(arrival: dict[str, Any]) -> dict[str, Any]:
    """The run that an arrival is given, as TriggerDagRunOperator takes it."""
    run: dict[str, Any] = arrival["run"]
    return run


with DAG(
    dag_id="complaints_arrivals",
    description="Start the classification of each file that arrives",
    doc_md=__doc__,
    # One run after the other, at once; Airflow 3.0 wants a start for that.
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    # Without "step-functions": there ptmlops-starter does this.
    tags=["complaints", "arrivals"],
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    arrived = S3KeySensor(
        task_id="await_arrivals",
        bucket_name=pipeline.storage.bucket,
        # One pattern for files and for the _SUCCESS of batches: of several all would have to be there.
        bucket_key=[f"{pipeline.storage.raw}*"],
        wildcard_match=True,
        check_fn=is_anything_due,
        # Not deferrable: with a check_fn the trigger wakes a worker at each look all the same, and before that asks S3
        # for each object by itself; where one goes meanwhile it ends without an event, which fails the task
        # (S3KeyTrigger.run, amazon provider 9.25 to 9.34). In this mode no worker is held while it waits, either.
        deferrable=False,
        mode="reschedule",
        poke_interval=patience.arrival_poll_seconds,
        timeout=timedelta(hours=1).total_seconds(),
        soft_fail=True,
    )

    @task
    def find_arrivals(ti: Any = None) -> list[dict[str, Any]]:
        """Lists what is to be started, and notes what is not."""
        return arrivals.to_start(is_alive(ti))

    found = find_arrivals()
    arrived >> found

    # By an id that is made of the object's version: who starts it again after a crash starts nothing.
    start = TriggerDagRunOperator.partial(
        task_id="start_classification",
        trigger_dag_id=FLOW,
        # None is now, for as many runs as there are; a date would have to be another one for each.
        logical_date=None,
        skip_when_already_exists=True,
    ).expand_kwargs(found.map(run_of))

    # Only what was started, now or before, is remembered; after a timeout there is nothing to remember.
    remember = task(trigger_rule="none_failed_min_one_success")(arrivals.remember)(found)
    start >> remember
