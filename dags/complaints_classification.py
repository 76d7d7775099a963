"""# Classify complaints

Classifies the complaints that arrived under `raw/`: reads and cleans them, has the model in service score each
narrative, and publishes the results as Parquet under `results/run_id=…/` with an account of every row.

**Parameters.** `source`: the prefix to classify, of which every `.csv`, `.csv.gz` and `.zip` is read, or one object's
key. The newest copy of a complaint wins. `etag`: where it is given, `source` is one object that must still have this
ETag. `accept_fewer_rows`: publish although the source gives far fewer rows than in its last run.

**If it fails.** Clear the failed task: a run writes only under its own `run_id`. At `plan_classification` there is
nothing to read, or a file too many or too large for `limits` in `pipeline_config.yaml`; or the model in service is
missing or is not what was registered, and the message has both digests. At `prepare_complaints` the job's error names
each file that could not be read to its end, with the reason (damaged, encrypted, expanding beyond its bounds, not
UTF-8, without a header, changed since the run was planned): repair it or move it out of the prefix, and start a new
run. Or more rows are in quarantine than `limits.quarantine` tolerates: look at them under `quarantine/run_id=…/`. Or
no row has a narrative. At `classify_complaints` the failure reason is the last line of the job's log in CloudWatch. At
`audit_results` the model gave answers that cannot be right, or none to a file of records; the message names them:
clear from `classify_complaints`. A run that ends at `results_add_up` published nothing; the message names the file
whose rows are missing, or says that the source collapsed: if that is right, run again with `accept_fewer_rows`. Only
`publish_manifest` makes results visible: readers read what a manifest under `manifests/` names, and nothing else. It
never changes what was published: where it finds other content of the same run, it says what differs, and somebody has
to find out why.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk import DAG, Param, task
from operators.glue import GlueJobOperator
from operators.sagemaker import SageMakerTransformOperator

from complaints.notifications import alerts
from complaints.runs import requests
from complaints.settings import load_settings, parameters
from complaints.tasks import steps

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration

with DAG(
    dag_id="complaints_classification",
    description="Classify the complaints that arrived, and publish the results",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=1,
    dagrun_timeout=patience.run_timeout,
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "inference", "step-functions"],
    params={
        "source": Param(
            pipeline.storage.raw,
            title="Complaints to classify",
            description="An S3 prefix that ends in '/', or the key of one .csv, .csv.gz or .zip, in the bucket.",
            **parameters.worded(
                pipeline.storage.source_pattern(pipeline.storage.raw), parameters.source(pipeline.storage.raw)
            ),
        ),
        "etag": Param(
            "",
            title="Only this version",
            description="The ETag that the one object must still have; empty: whatever it has.",
            **parameters.worded(parameters.ETAG_PATTERN, parameters.ETAG, optional=True),
        ),
        "accept_fewer_rows": Param(
            False,
            type="boolean",
            title="Accept far fewer rows",
            description="Whether it is right that the source gives far fewer rows than in its last run.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    arrived = S3KeySensor(
        task_id="await_complaints",
        bucket_name=pipeline.storage.bucket,
        # A list: as a string, providers before 9.10 split it into characters when deferred (airflow #52983).
        # Any file: of several keys all would have to be there. The plan says which names are those of complaints.
        bucket_key=[f"{pipeline.storage.raw}*.*"],
        wildcard_match=True,
        deferrable=True,
        poke_interval=patience.poll_seconds,
        timeout=timedelta(hours=patience.arrival_timeout_hours).total_seconds(),
        execution_timeout=timedelta(hours=patience.arrival_timeout_hours, minutes=15),
    )

    plan = task(multiple_outputs=True)(steps.plan_classification)(source=dag.param("source"), etag=dag.param("etag"))
    arrived >> plan

    prepared = GlueJobOperator(
        task_id="prepare_complaints",
        job_name=pipeline.glue.prepare_complaints_job,
        script_args=requests.prepare_complaints_arguments(plan),
        output_uri=plan["account_uri"],
        deferrable=True,
        waiter_delay=patience.poll_seconds,
        waiter_max_attempts=patience.attempts(pipeline.glue.timeout_minutes * 60),
        stop_job_run_on_kill=True,
        execution_timeout=timedelta(minutes=pipeline.glue.timeout_minutes + 30),
    )

    classified = SageMakerTransformOperator(
        task_id="classify_complaints",
        config=requests.transform_job(plan, settings),
        output_uri=plan["scores_uri"],
        deferrable=True,
        check_interval=patience.poll_seconds,
        max_attempts=patience.attempts(pipeline.sagemaker.transform.max_runtime_seconds),
        execution_timeout=timedelta(seconds=pipeline.sagemaker.transform.max_runtime_seconds + 1800),
    )
    prepared >> classified

    results = GlueJobOperator(
        task_id="audit_results",
        job_name=pipeline.glue.audit_results_job,
        script_args=requests.audit_results_arguments(plan),
        output_uri=plan["results_account_uri"],
        deferrable=True,
        waiter_delay=patience.poll_seconds,
        waiter_max_attempts=patience.attempts(pipeline.glue.timeout_minutes * 60),
        stop_job_run_on_kill=True,
        execution_timeout=timedelta(minutes=pipeline.glue.timeout_minutes + 30),
    )
    classified >> results

    account = task(multiple_outputs=False)(steps.results_add_up)(plan, accept_fewer_rows=dag.param("accept_fewer_rows"))
    results >> account

    # Until here nobody can see the results: readers go by the manifest, which is written last.
    task(steps.publish_manifest)(plan, account)
