"""The Python tasks of `complaints_training`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client, environment_bucket
from complaints.aws.job_kinds import PROCESSING, TRAINING, TUNING
from complaints.models import gate, memory, promotion, registration, registry
from complaints.models.packages import Packages
from complaints.models.tuning import Chosen
from complaints.notifications import refusals, set_aside
from complaints.runs import accounting, cost_records, costs, documents, inputs, plans, source_ledger
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


def plan_training(source: str, tune: bool = False) -> plans.TrainingPlan:
    """Plans the training on the labelled complaints in `source`, with the model in service, and writes the plan.

    With `tune`, a tuning job looks for hyperparameters first.
    """
    if not isinstance(tune, bool):
        raise plans.PlanError(f"tune is {tune!r}: use true or false")
    settings = load_settings()
    bucket = environment_bucket(settings)
    found = inputs.inputs_of(bucket, source, below=settings.pipeline.storage.history, limits=settings.pipeline.limits)
    model = registry.model_in_service_if_any(bucket)
    plan = plans.training_plan(
        found,
        source=source,
        release=documents.release_in_use(bucket),
        settings=settings,
        in_service=model,
        in_service_run_is_kept=model is not None and bucket.has_objects(plans.train_uri(model, settings)),
        tune=tune,
    )
    documents.write_plan(bucket, plan, found)
    expected = _estimated(plan, costs.complaints_in((each.key, each.size) for each in found), settings)
    log.info("estimated cost: %s", costs.sentence(costs.cost_of(expected, settings.pipeline.prices)))
    return plan


def history_adds_up(plan: plans.TrainingPlan, accept_fewer_rows: bool = False) -> dict[str, int]:
    """The account of a training run, once it adds up: no row was lost, and the source did not collapse.

    Files that the run set aside are reported.

    Raises:
        RowsMissingError: rows are missing, or there are too many.
        RowsCollapsedError: the source has far fewer rows than in its last run.
        TrainingTooLargeError: the narratives do not fit into the memory of the training's instance.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    counts = _account(bucket, plan)
    source_ledger.check_source(bucket, plan, counts["rows_in"], settings.pipeline.limits, accept_fewer_rows)
    _check_memory(plan, counts, settings)
    prepared = documents.job_document(bucket, plan["account_uri"])
    set_aside.report(plan, prepared.get("unreadable_files", ()), settings)
    return counts


def trained_model(training: Mapping[str, Any]) -> plans.TrainedModel:
    """The model that a training job left: its job, its URI and its SHA-256; `training` is the operator's result.

    The digest identifies the model from here on: no other model can be evaluated, registered or served in its place.
    """
    job = training["Training"]
    bucket = environment_bucket(load_settings())
    model_uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    sha256 = bucket.sha256(bucket.key(model_uri))
    if sha256 is None:
        raise FileNotFoundError(f"{model_uri} is absent: {job['TrainingJobName']} left no model")
    return {"training_job_name": job["TrainingJobName"], "model_uri": model_uri, "sha256": sha256}


def decide(plan: plans.TrainingPlan, trained: plans.TrainedModel) -> gate.Decision:
    """The verdict of the gate on the trained model, by its evaluation and by what is in service now.

    Raises:
        ModelRefusedError: this run has no evaluation of this model.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    model = registry.model_in_service_if_any(bucket)
    evaluation = _evaluation(bucket, plan, trained)
    decision = gate.verdict(
        evaluation,
        settings.model.gate,
        in_service=model["version"] if model else None,
        issue_floors=settings.model.issues.floors if settings.model.issues.predict else None,
    )
    log.info("%s: %s", decision["verdict"], "; ".join(decision["reasons"]))
    return decision


def choose_fit(decision: gate.Decision) -> str:
    """The next step: `refit_model` for a model that passed, if the gate declares it, else `register_model`."""
    return "refit_model" if decision["refit"] else "register_model"


def register_model(
    plan: plans.TrainingPlan, trained: plans.TrainedModel, chosen: Chosen, decision: gate.Decision
) -> str:
    """Registers the model as the next version, with its evaluation and verdict; returns the version's name.

    A model that did not pass is a version, too: its record says why it is not in service.

    Raises:
        ModelRefusedError: this run has no evaluation of this model, or the model's bytes have changed.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    evaluation = _evaluation(bucket, plan, trained)
    version = registry.claim_version(bucket, plan["run_id"], plan["in_service_version"])
    if bucket.read_json(version.record_key) is None:
        registration.register(bucket, version, plan, trained, chosen, evaluation, decision, settings)
    else:  # it may be in service, so it never changes, even if the run has trained again
        log.info("%s was registered before", version.name)
    # Also after a crash between the record and its package.
    Packages(client("sagemaker", settings), bucket.name).register(bucket.read_json(version.record_key) or {})
    rows_in = _account(bucket, plan)["rows_in"]
    source_ledger.remember(bucket, plan, rows_in, since=bucket.last_modified(version.record_key))
    _record_cost(bucket, plan, rows_in, settings)
    return version.name


def choose_outcome(decision: gate.Decision) -> str:
    """The next step: `report_refusal` for a model that did not pass; else `promote_model`, or first `approve_model`."""
    if decision["verdict"] != gate.PROMOTE:
        return "report_refusal"
    return "approve_model" if decision["gate"]["approval"] == "person" else "promote_model"


def promote_model(version: str) -> promotion.Pointer:
    """Puts `version` into service: every plan from now on uses it.

    Raises:
        PromotionRefusedError: it must not serve.
        PromotionLostError: somebody else promoted a version at the same time.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    word = promotion.decision("complaints_training", datetime.now(UTC).isoformat(), "trained and evaluated")
    approval_of = Packages(client("sagemaker", settings), bucket.name).approval_of
    return promotion.move(bucket, promotion.planned(bucket, promotion.PROMOTE, version, word, approval_of))


def report_refusal(version: str, decision: gate.Decision) -> str:
    """Publishes a message about a version that did not pass the gate; returns its subject. The run succeeds."""
    return refusals.report(version, decision["verdict"], decision["reasons"], load_settings())


def _estimated(plan: plans.TrainingPlan, complaints: int, settings: Settings) -> costs.Usage:
    fits, tuned = 1 + settings.model.gate.refit, settings.model.tuning.max_jobs if plan["tune"] else 0
    return costs.of_training(complaints, settings.pipeline, fits=fits, tuned=tuned)


def _record_cost(bucket: Bucket, plan: plans.TrainingPlan, rows: int, settings: Settings) -> None:
    cost_records.record(
        bucket,
        plan["run_id"],
        settings,
        glue={settings.pipeline.glue.prepare_history_job: {"--plan": plan["plan_uri"]}},
        sagemaker={
            plan["training_job_name"]: TRAINING,
            plan["evaluation_job_name"]: PROCESSING,
            plan["refit_job_name"]: TRAINING,
            **({plan["tuning_job_name"]: TUNING} if plan["tune"] else {}),
        },
        estimated=_estimated(plan, rows, settings),
    )


def _check_memory(plan: plans.TrainingPlan, counts: Mapping[str, int], settings: Settings) -> None:
    held_out = counts["test"] + counts["newest"] if settings.model.gate.refit else 0
    machines = settings.pipeline.sagemaker
    instances = {"sagemaker.training.instance_type": machines.training.instance_type}
    most = settings.model.most_learned
    memory.check_memory(most(counts["train"] + held_out), instances)
    if plan["tune"]:
        memory.check_memory(most(counts["train"]), {"sagemaker.tuning.instance_type": machines.tuning.instance_type})


def _evaluation(bucket: Bucket, plan: plans.TrainingPlan, trained: plans.TrainedModel) -> Mapping[str, Any]:
    found = bucket.read_json(f"{bucket.key(plan['evaluation_uri'])}evaluation.json")
    return registry.check_evaluation(found, run_id=plan["run_id"], sha256=trained["sha256"])


def _account(bucket: Bucket, plan: plans.TrainingPlan) -> dict[str, int]:
    account = documents.job_document(bucket, plan["account_uri"])
    return accounting.check_account(account, accounting.TRAINING_FATES)
