"""# Train the complaints model

Trains a model on the labelled complaints under history/, and evaluates it beside the model in service, on complaints
that neither was trained on. The gate in model_config.yaml gives the verdict: PROMOTE, HOLD or REJECT. Each model is
registered as the next version under models/versioned/, with its verdict. One that passed is fitted once more, on all
rows, and goes into service. A refusal is no failure: the run succeeds, one message says why, and the model in service
stays.

**Parameters.**

- **source**: the prefix to train on, or the key of one file. Of a prefix, every .csv, .csv.gz and .zip is read.
  Of several copies of a complaint, the newest wins.
- **accept_fewer_rows**: train although the source has far fewer rows than in its last run.
- **tune**: look for hyperparameters first, over the ranges in model_config.yaml, and train with the best. Takes as many
  training jobs more as `tuning.max_jobs` says.

**If it fails.** Clear the failed task: a run writes only below its own run id, and finds the jobs that it started. The
model in service stays until promote_model has run. By task:

- **plan_training**: there is nothing to read, a file exceeds the limits in pipeline_config.yaml, or models/latest names
  a version that does not exist.
- **prepare_history**: the error names each file that could not be read to its end, and why. Repair the file or move it
  elsewhere, then start a new run. If too many rows were quarantined, look at them under quarantine/. The job also
  fails if too few rows are left for training.
- **history_adds_up**: the message names the file whose rows are missing. If it says that the source collapsed and that
  is right, start a new run with accept_fewer_rows.
- **tune_model**: no training job had a score; the task's log ends with the logs of the first ones. One that fails does
  not matter while another succeeds. No model is trained.
- **choose_hyperparameters**: the tuning job has no score that is a number. No model is trained.
- **train_model**: the task's log ends with the log of the job, which has the reason.
- **trained_model**: it only reads what SageMaker says about train_model; clear the task.
- **evaluate_model**: as train_model. The job also refuses a model that is not the one that was trained, by its SHA-256.
- **decide**: the run has no evaluation of this model. Clear evaluate_model.
- **choose_fit**: an error in the code. It only reads the verdict; clear the task.
- **refit_model**: the task's log ends with the log of the job, which has the reason.
- **register_model**: the run has no evaluation of this model, or the model was changed. Clear evaluate_model.
- **choose_outcome**: an error in the code. It only reads the verdict; clear the task.
- **approve_model**: only with gate.approval: person. The version waits for half of max_run_hours for an answer; without
  one it is not promoted, and the run succeeds. On Airflow 3.0 the run ends at once. Approve it later in the SageMaker
  Model Registry, and start complaints_promotion.
- **is_approved**: it only reads the Model Registry; clear the task.
- **promote_model**: another run promoted a version at the same time. Clear the task to promote this one as well.
- **report_refusal**: SNS refused the message. The reasons are in the version's card.md, too.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from operators import assets
from operators.approval import ApprovalOperator
from operators.final_errors import fails_at_once
from operators.glue import GlueJobOperator
from operators.notes import notes
from operators.params import RunParam
from operators.runbook import document_tasks
from operators.sagemaker import SageMakerProcessingOperator, SageMakerTrainingOperator, SageMakerTuningOperator

from complaints.models import promotion
from complaints.notifications import alerts, run_notes
from complaints.runs import requests
from complaints.settings import load_settings, parameters
from complaints.tasks import approval, training, tuning

settings = load_settings()
pipeline = settings.pipeline
patience = pipeline.orchestration
model_asset = assets.model(pipeline.storage)

with DAG(
    dag_id="complaints_training",
    description="Train, evaluate, judge, register and promote the complaints model",
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
            description="Train although the source has far fewer rows than in its last run.",
        ),
        "tune": Param(
            False,
            type="boolean",
            title="Tune the hyperparameters",
            description="Look for hyperparameters first, over the ranges in model_config.yaml.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    plan = task(
        multiple_outputs=True, task_display_name="Plan the training", inlets=[assets.history(pipeline.storage)]
    )(fails_at_once(training.plan_training))(source=RunParam(dag, "source"), tune=RunParam(dag, "tune"))

    prepared = GlueJobOperator(
        task_id="prepare_history",
        task_display_name="Prepare the history (Glue)",
        job_name=pipeline.glue.prepare_history_job,
        script_args=requests.prepare_history_arguments(plan),
        output_uri=plan["account_uri"],
    )

    # No model is trained on a history that lost rows on the way. The task also chooses whether the model is tuned.
    account = task.branch(task_display_name="Do all rows add up?")(fails_at_once(tuning.history_adds_up))(
        plan, accept_fewer_rows=RunParam(dag, "accept_fewer_rows")
    )
    prepared >> account

    tune = SageMakerTuningOperator(
        task_id="tune_model",
        task_display_name="Tune the hyperparameters",
        config=requests.tuning_job(plan, settings),
        output_uri=plan["tuning_uri"],
    )
    account >> tune

    chosen = task(
        multiple_outputs=True,
        trigger_rule="none_failed_min_one_success",
        task_display_name="Choose the hyperparameters",
    )(fails_at_once(tuning.choose_hyperparameters))(plan)
    [account, tune] >> chosen

    train = SageMakerTrainingOperator(
        task_id="train_model",
        task_display_name="Train the model",
        config=requests.training_job(plan, chosen, settings),
        output_uri=plan["training_uri"],
    )

    trained = task(multiple_outputs=True, task_display_name="Note the trained model")(
        fails_at_once(training.trained_model)
    )(train.output)

    evaluate = SageMakerProcessingOperator(
        task_id="evaluate_model",
        task_display_name="Evaluate the model",
        config=requests.evaluation_job(plan, trained, settings),
        output_uri=plan["evaluation_uri"],
    )

    decision = task(multiple_outputs=False, task_display_name="Decide by the gate")(fails_at_once(training.decide))(
        plan, trained
    )
    evaluate >> decision

    # What passed learns from the held-out rows, too. Its scores stay those of the fit that was judged.
    fit = task.branch(task_display_name="Fit once more?")(fails_at_once(training.choose_fit))(decision)
    refit = SageMakerTrainingOperator(
        task_id="refit_model",
        task_display_name="Fit on all rows",
        config=requests.refit_job(plan, chosen, settings),
        output_uri=plan["refit_uri"],
    )
    fit >> refit

    # Each model becomes a version: one that was refused, with the reasons.
    version = task(trigger_rule="none_failed_min_one_success", task_display_name="Register the version")(
        notes(run_notes.of_registration, fails_at_once(training.register_model))
    )(plan, trained, chosen, decision)
    [fit, refit] >> version

    outcome = task.branch(task_display_name="Promote, or report?")(fails_at_once(training.choose_outcome))(decision)
    version >> outcome
    promoted = task(multiple_outputs=False, outlets=[model_asset], task_display_name="Put the version into service")(
        assets.emits(model_asset, promotion.event_of, fails_at_once(training.promote_model))
    )(version)
    if settings.model.gate.approval == "person":
        # Silence never approves: what counts is what the Model Registry says afterwards.
        asks = ApprovalOperator(
            task_id="approve_model",
            task_display_name="Ask a person to approve",
            version=version,
            response_timeout=patience.run_timeout / 2,
        )
        approved = task.short_circuit(task_display_name="Is it approved?")(fails_at_once(approval.is_approved))(version)
        outcome >> asks >> approved >> promoted
    else:
        outcome >> promoted
    outcome >> task(task_display_name="Report the refusal")(fails_at_once(training.report_refusal))(version, decision)

    document_tasks(dag)
