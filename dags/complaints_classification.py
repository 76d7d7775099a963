"""# Classify complaints

Classifies the complaints that arrived under raw/. The run reads and cleans the files, scores each narrative with the
model in service, and publishes the results as Parquet under results/, with an account of every row.

**Parameters.**

- **source**: the prefix to classify, or the key of one file. Of a prefix, every .csv, .csv.gz and .zip is read.
  Of several copies of a complaint, the newest wins.
- **etag**: the ETag that the one file must still have. Leave it empty to read the file as it is now.
- **version**: the version that classifies, such as v3, in place of the model in service; it must be approved. Such a
  run has no shadow, and is not monitored.
- **accept_fewer_rows**: publish although the source has far fewer rows than in its last run.

**If it fails.** Clear the failed task: a run writes only below its own run id, and finds the jobs that it started. By
task:

- **await_complaints**: nothing has arrived under raw/ within orchestration.arrival_timeout_hours. While raw/ is empty,
  a run waits: upload a file, and it goes on. Clear the task to wait again.
- **plan_classification**: there is nothing to read, or a file exceeds the limits in pipeline_config.yaml. Or the
  model in service is missing or was changed; the message has both digests.
- **prepare_complaints**: the error names each file that could not be read to its end, and why: damaged, encrypted,
  expanding too far, not UTF-8, without a header, or changed since the run was planned. Repair the file or move it
  elsewhere, then start a new run; or have runs set such files aside (limits.on_unreadable_file in
  pipeline_config.yaml). If too many rows were quarantined, look at them under quarantine/. The job also fails if the
  files hold no row.
- **classify_complaints**: the task's log ends with the log of the job, which has the reason. If no row has a narrative,
  no job is started, and the run ends with its account.
- **audit_results**: some answers of the model are missing or impossible; the message names the file. Clear
  classify_complaints.
- **results_add_up**: nothing was published. The message names the file whose rows are missing. If it says that the
  source collapsed and that is right, start a new run with accept_fewer_rows.
- **publish_manifest**: the run was published before with other content, which is never overwritten. The message lists
  the differences; find out where they come from.
- **has_shadow**, **shadow_complaints**, **compare_shadow**: the results are published, and complete. Only the
  comparison with the shadow is missing; the log ends with the reason. Clear the task, or end the shadow with
  complaints_promotion.

Results become visible with publish_manifest: read what a manifest under manifests/ names, and nothing else. If a
version runs as a shadow, it then classifies the same records; shadow/run_id=…/ holds its answers and how far they agree
with the published ones. They are never published.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk import DAG, Param, task
from operators import assets
from operators.final_errors import fails_at_once
from operators.glue import GlueJobOperator
from operators.notes import notes
from operators.params import RunParam
from operators.runbook import document_tasks
from operators.sagemaker import SageMakerTransformOperator

from complaints.notifications import alerts, run_notes
from complaints.runs import backfills, publishing, requests
from complaints.settings import load_settings, parameters
from complaints.tasks import classification

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration
results_asset = assets.results(pipeline.storage)

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
            description="An S3 prefix that ends in '/', or the key of one .csv, .csv.gz or .zip, in the bucket. "
            f"While nothing is under {pipeline.storage.raw}, a run waits, {patience.arrival_timeout_hours} h at most.",
            **parameters.worded(
                pipeline.storage.source_pattern(pipeline.storage.raw), parameters.source(pipeline.storage.raw)
            ),
        ),
        "etag": Param(
            "",
            title="Only this version",
            description="The ETag that the one object must still have; empty: any.",
            **parameters.worded(parameters.ETAG_PATTERN, parameters.ETAG, optional=True),
        ),
        "version": Param(
            "",
            title="Version",
            description="The version that classifies, such as v3; empty: the model in service.",
            **parameters.worded(backfills.VERSION_PATTERN, backfills.VERSION, optional=True),
        ),
        "accept_fewer_rows": Param(
            False,
            type="boolean",
            title="Accept far fewer rows",
            description="Publish although the source has far fewer rows than in its last run.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    arrived = S3KeySensor(
        task_id="await_complaints",
        task_display_name="Await complaints",
        bucket_name=pipeline.storage.bucket,
        # A list: providers before 9.10 split a string into characters when deferred (airflow #52983). One pattern for
        # any file, since the sensor waits until every key of the list exists; the plan knows the names of complaints.
        bucket_key=[f"{pipeline.storage.raw}*.*"],
        wildcard_match=True,
        deferrable=True,
        poke_interval=patience.poll_seconds,
        timeout=timedelta(hours=patience.arrival_timeout_hours).total_seconds(),
        execution_timeout=timedelta(hours=patience.arrival_timeout_hours, minutes=15),
    )

    plan = task(
        multiple_outputs=True,
        task_display_name="Plan the classification",
        inlets=[assets.raw(pipeline.storage), assets.model(pipeline.storage)],
    )(fails_at_once(classification.plan_classification))(
        source=RunParam(dag, "source"), etag=RunParam(dag, "etag"), version=RunParam(dag, "version")
    )
    arrived >> plan

    prepared = GlueJobOperator(
        task_id="prepare_complaints",
        task_display_name="Prepare the complaints (Glue)",
        job_name=pipeline.glue.prepare_complaints_job,
        script_args=requests.prepare_complaints_arguments(plan),
        output_uri=plan["account_uri"],
    )

    classified = SageMakerTransformOperator(
        task_id="classify_complaints",
        task_display_name="Classify (batch transform)",
        config=requests.transform_job(plan, settings),
        output_uri=plan["scores_uri"],
    )
    prepared >> classified

    results = GlueJobOperator(
        task_id="audit_results",
        task_display_name="Audit the results (Glue)",
        job_name=pipeline.glue.audit_results_job,
        script_args=requests.audit_results_arguments(plan),
        output_uri=plan["results_account_uri"],
    )
    classified >> results

    account = task(multiple_outputs=False, task_display_name="Do all rows add up?")(
        fails_at_once(classification.results_add_up)
    )(plan, accept_fewer_rows=RunParam(dag, "accept_fewer_rows"))
    results >> account

    # Until here the results are invisible: readers read what a manifest names, and it is written last.
    # Each publication starts complaints_monitoring.
    published = task(outlets=[results_asset], task_display_name="Publish the manifest")(
        notes(
            run_notes.of_publication,
            assets.emits(results_asset, publishing.event_of, fails_at_once(classification.publish_manifest)),
        )
    )(plan, account)

    # After the results: whatever happens to a shadow, they are there.
    goes_on = task.short_circuit(task_display_name="Is there a shadow?")(fails_at_once(classification.has_shadow))(plan)
    published >> goes_on

    shadow = SageMakerTransformOperator(
        task_id="shadow_complaints",
        task_display_name="Classify with the shadow",
        config=requests.shadow_job(plan, settings),
        output_uri=plan["shadow_scores_uri"],
    )
    goes_on >> shadow

    compared = task(multiple_outputs=False, task_display_name="Compare with the shadow")(
        fails_at_once(classification.compare_shadow)
    )(plan)
    shadow >> compared

    document_tasks(dag)
