"""# Train the complaints model

Learns from the labelled complaints under `history/`, evaluates the model on complaints that it never saw, keeps
it as version N under `models/versioned/vN/` and puts it into service (`models/latest`).

**Parameters.** `source`: the prefix to learn from, of which every `.csv`, `.csv.gz` and `.zip` is read, or one object's
key. The newest copy of a complaint wins. `accept_fewer_rows`: learn although the source gives far fewer rows than in
its last run.

**If it fails.** Clear the failed task: a run writes only under its own `run_id`. At `plan_training` there is nothing
to read, or a file too many or too large for `limits` in `pipeline_config.yaml`. At `prepare_history` the job's error
names each file that could not be read to its end, with the reason: repair it or move it out of the prefix, and start
a new run. Or more rows are in quarantine than `limits.quarantine` tolerates: look at them under
`quarantine/run_id=…/`. Or too little is left to learn from. At `history_adds_up` rows are missing; the message says
of which file, or that the source collapsed: if that is right, run again with `accept_fewer_rows`. At `train_model` and
`evaluate_model` the failure reason is the last line of the job's log in CloudWatch. At `evaluate_model` and
`register_model` a model that is not the one that was trained, by its SHA-256, is refused, and so is one without an
evaluation of its own. The model in service stays in service until `promote_model` has run.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, task
from operators.glue import GlueJobOperator
from operators.sagemaker import SageMakerProcessingOperator, SageMakerTrainingOperator

from complaints.notifications import alerts
from complaints.runs import requests
from complaints.settings import load_settings, parameters
from complaints.tasks import steps

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration

with DAG(
    dag_id="complaints_training",
    description="Train, evaluate, register and promote the complaints model",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=1,
    dagrun_timeout=patience.run_timeout,
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "training", "step-functions"],
    params={
        "source": Param(
            pipeline.storage.history,
            title="Labelled complaints",
            description="An S3 prefix that ends in '/', or the key of one .csv, .csv.gz or .zip, in the bucket.",
            **parameters.worded(
                pipeline.storage.source_pattern(pipeline.storage.history), parameters.source(pipeline.storage.history)
            ),
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
    plan = task(multiple_outputs=True)(steps.plan_training)(source=dag.param("source"))

    prepared = GlueJobOperator(
        task_id="prepare_history",
        job_name=pipeline.glue.prepare_history_job,
        script_args=requests.prepare_history_arguments(plan),
        output_uri=plan["account_uri"],
        deferrable=True,
        waiter_delay=patience.poll_seconds,
        waiter_max_attempts=patience.attempts(pipeline.glue.timeout_minutes * 60),
        stop_job_run_on_kill=True,
        execution_timeout=timedelta(minutes=pipeline.glue.timeout_minutes + 30),
    )

    # Nothing learns from a history that lost rows on the way.
    account = task(multiple_outputs=False)(steps.history_adds_up)(
        plan, accept_fewer_rows=dag.param("accept_fewer_rows")
    )
    prepared >> account

    train = SageMakerTrainingOperator(
        task_id="train_model",
        config=requests.training_job(plan, settings),
        output_uri=plan["training_uri"],
        deferrable=True,
        print_log=False,
        check_interval=patience.poll_seconds,
        max_attempts=patience.attempts(pipeline.sagemaker.training.max_runtime_seconds),
        execution_timeout=timedelta(seconds=pipeline.sagemaker.training.max_runtime_seconds + 1800),
    )
    account >> train

    trained = task(multiple_outputs=True)(steps.trained_model)(train.output)

    evaluate = SageMakerProcessingOperator(
        task_id="evaluate_model",
        config=requests.evaluation_job(plan, trained, settings),
        output_uri=plan["evaluation_uri"],
        deferrable=True,
        print_log=False,
        check_interval=patience.poll_seconds,
        max_attempts=patience.attempts(pipeline.sagemaker.evaluation.max_runtime_seconds),
        execution_timeout=timedelta(seconds=pipeline.sagemaker.evaluation.max_runtime_seconds + 1800),
    )

    # The place of the gate: only a model that was evaluated becomes a version.
    version = task(steps.register_model)(plan, trained)
    evaluate >> version

    task(multiple_outputs=False)(steps.promote_model)(version)
