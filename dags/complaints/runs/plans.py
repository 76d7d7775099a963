"""The plan of a run: every name and URI that it will use, computed once from its inputs.

The same inputs give the same plan, so that a retry finds the jobs that it started and a re-run overwrites its own
prefix only. Nothing here touches S3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.aws.job_kinds import PROCESSING, TRAINING, TRANSFORM, TUNING
from complaints.aws.objects import ObjectVersion
from complaints.errors import FinalError
from complaints.settings import Settings

NONE = "none"  # what a plan says of the model in service where there is none
_LONGEST_MODEL_NAME = 63  # CreateModel


class PlanError(FinalError, ValueError):
    """No run can be planned; the message says what is missing or wrong, and where."""


class Plan(TypedDict):
    """The common part of both plans; URIs of folders end in `/`."""

    run_id: str
    flow: str
    release: str
    configuration: str
    source_uri: str
    plan_uri: str
    glue_modules_uri: str
    label_rules: str
    limits: str
    parsed_uri: str
    complaints_uri: str
    quarantine_uri: str
    account_uri: str


class ClassificationPlan(Plan):
    """The plan of one classification run; `stated_version` is empty where the model in service classifies."""

    stated_version: str
    model_version: str
    model_sha256: str
    model_name: str
    prepare_complaints_script_uri: str
    audit_results_script_uri: str
    records_uri: str
    classes: str
    review_below: str
    issues: str
    columns: str
    trained_on: str
    scores_uri: str
    candidate_uri: str
    results_uri: str
    results_account_uri: str
    transform_job_name: str
    shadow_version: str
    shadow_model_name: str
    shadow_job_name: str
    shadow_scores_uri: str
    shadow_comparison_uri: str


class InService(TypedDict):
    """The part of a training plan about the model in service, which the new one is compared with."""

    in_service_version: str
    in_service_sha256: str
    in_service_run_id: str
    in_service_model_uri: str
    in_service_code_uri: str
    in_service_train_uri: str


class TuningPlan(TypedDict):
    """The part of a training plan about its tuning job, which is started only with `tune`."""

    tune: bool
    static_hyperparameters: dict[str, str]
    tuning_job_name: str
    tuning_uri: str


class HistoryPlan(TypedDict):
    """The part of a training plan about its rows: which are held out, and how issues are named."""

    issue_rules: str
    newest_fraction: str
    test_fraction: str


class TrainingPlan(Plan, InService, TuningPlan, HistoryPlan):
    """The plan of one training run."""

    prepare_history_script_uri: str
    rows_uri: str
    train_uri: str
    held_out_uri: str
    hyperparameters: dict[str, str]
    training_job_name: str
    training_uri: str
    evaluation_job_name: str
    evaluation_uri: str
    evaluation_code_uri: str
    inference_code_uri: str
    inference_archive_uri: str
    refit_job_name: str
    refit_uri: str


class TrainedModel(TypedDict):
    """A model that a training run left, known by its digest from then on."""

    training_job_name: str
    model_uri: str
    sha256: str


def classification_plan(
    inputs: list[ObjectVersion],
    *,
    source: str,
    release: str,
    model: Mapping[str, Any],
    settings: Settings,
    shadow: Mapping[str, Any] | None = None,
    stated_version: str = "",
) -> ClassificationPlan:
    """The plan to classify `inputs` with a model, given by its record in the registry.

    A `shadow` changes nothing of the run that is published, and so not its id. Without one, its version is empty.

    Raises:
        PlanError: a name is too long for AWS.
    """
    common = _common("classification", inputs, source, release, settings, model["version"])
    run, code = _processed(settings, common["run_id"]), _code(settings, release)
    return {
        **common,
        "stated_version": stated_version,
        "model_version": model["version"],
        "model_sha256": model["sha256"],
        "model_name": checked_name("model_name", model["model_name"], _LONGEST_MODEL_NAME),
        "prepare_complaints_script_uri": f"{code}/glue/prepare_complaints.py",
        "audit_results_script_uri": f"{code}/glue/audit_results.py",
        "records_uri": f"{run}/records/",
        "classes": json.dumps(model["evaluation"]["classes"]),
        "review_below": str(settings.model.review_below),
        "issues": settings.model.issues.of_results((model["evaluation"].get("issues") or {}).get("classes", ())),
        "columns": json.dumps(settings.pipeline.results.columns),
        "trained_on": json.dumps(_trained_on(model, settings)),
        "scores_uri": f"{run}/scores/",
        "candidate_uri": f"{run}/results/",
        "results_uri": f"{_bucket(settings)}/results/",
        "results_account_uri": f"{run}/results_account/",
        "transform_job_name": checked_name(
            "transform_job_name", f"complaints-classify-{common['run_id']}", TRANSFORM.longest_planned_name
        ),
        **_shadow(common["run_id"], shadow, settings),
    }


class _ShadowPlan(TypedDict):
    shadow_version: str
    shadow_model_name: str
    shadow_job_name: str
    shadow_scores_uri: str
    shadow_comparison_uri: str


def _shadow(run: str, shadow: Mapping[str, Any] | None, settings: Settings) -> _ShadowPlan:
    version = shadow["version"] if shadow else ""
    folder = f"{_bucket(settings)}/shadow/run_id={run}/version={version or 'none'}"
    name = f"complaints-shadow-{version}-{run}" if version else f"complaints-shadow-{run}"
    return {
        "shadow_version": version,
        "shadow_model_name": shadow["model_name"] if shadow else "",
        "shadow_job_name": checked_name("shadow_job_name", name, TRANSFORM.longest_planned_name),
        "shadow_scores_uri": f"{folder}/scores/",
        "shadow_comparison_uri": f"{folder}/comparison.json",
    }


def training_plan(
    inputs: list[ObjectVersion],
    *,
    source: str,
    release: str,
    settings: Settings,
    in_service: Mapping[str, Any] | None = None,
    in_service_run_is_kept: bool = False,
    tune: bool = False,
) -> TrainingPlan:
    """The plan to train on `inputs`, and to compare the model with the one in service, given by its record.

    `in_service_run_is_kept`: the rows that the model in service was trained on are still there.
    `tune`: a tuning job looks for hyperparameters first.

    Raises:
        PlanError: a name is too long for AWS.
    """
    against = (in_service["version"], in_service["sha256"]) if in_service else ()
    tuning = (settings.model.tuning.model_dump_json(),) if tune else ()
    gate = settings.model.gate.model_dump_json()
    common = _common("training", inputs, source, release, settings, *against, gate, *tuning)
    run, code = _processed(settings, common["run_id"]), _code(settings, release)
    return {
        **common,
        "prepare_history_script_uri": f"{code}/glue/prepare_history.py",
        "rows_uri": f"{run}/rows/",
        "train_uri": _train_uri(run),
        "held_out_uri": _held_out_uri(run),
        **_history(settings),
        "hyperparameters": _hyperparameters(settings, f"{code}/training.tar.gz"),
        "training_job_name": checked_name(
            "training_job_name", f"complaints-train-{common['run_id']}", TRAINING.longest_planned_name
        ),
        "training_uri": f"{run}/training/",
        "evaluation_job_name": checked_name(
            "evaluation_job_name", f"complaints-evaluate-{common['run_id']}", PROCESSING.longest_planned_name
        ),
        "evaluation_uri": f"{run}/evaluation/",
        "evaluation_code_uri": f"{code}/monitoring/",
        "inference_code_uri": f"{code}/inference/",
        "inference_archive_uri": f"{code}/inference.tar.gz",
        "refit_job_name": checked_name(
            "refit_job_name", f"complaints-refit-{common['run_id']}", TRAINING.longest_planned_name
        ),
        "refit_uri": f"{run}/refit/",
        **_tuning(common["run_id"], tune, f"{code}/training.tar.gz", settings),
        **_in_service(in_service, f"{code}/inference/", in_service_run_is_kept, settings),
    }


def _history(settings: Settings) -> HistoryPlan:
    return {
        "issue_rules": settings.model.issues.of_history(),
        "newest_fraction": str(settings.model.split.newest_fraction),
        "test_fraction": str(settings.model.split.test_fraction),
    }


def _tuning(run: str, tune: bool, code_uri: str, settings: Settings) -> TuningPlan:
    return {
        "tune": tune,
        "static_hyperparameters": _static_hyperparameters(settings, code_uri),
        # A tuning job's name may have 29 characters: no room for "tune".
        "tuning_job_name": checked_name("tuning_job_name", f"complaints-{run}", TUNING.longest_planned_name),
        "tuning_uri": f"{_processed(settings, run)}/tuning/",
    }


def _in_service(record: Mapping[str, Any] | None, placeholder: str, run_is_kept: bool, settings: Settings) -> InService:
    """The model that a new one is compared with: the fit of the version in service that was evaluated.

    One that was refitted since then has seen the complaints that its successors are compared on. SageMaker accepts no
    input that does not exist: in the place of one stands the folder `placeholder`, and an argument says so.
    """
    if record is None:
        return {
            "in_service_version": NONE,
            "in_service_sha256": NONE,
            "in_service_run_id": NONE,
            "in_service_model_uri": placeholder,
            "in_service_code_uri": placeholder,
            "in_service_train_uri": placeholder,
        }
    is_refitted = bool(record.get("refitted"))
    return {
        "in_service_version": record["version"],
        "in_service_sha256": record["evaluated_sha256" if is_refitted else "sha256"],
        "in_service_run_id": record["run_id"] if run_is_kept else NONE,
        "in_service_model_uri": record["evaluated_uri" if is_refitted else "artifact_uri"],
        "in_service_code_uri": record.get("code_uri") or f"{_code(settings, record['release'])}/inference/",
        "in_service_train_uri": train_uri(record, settings) if run_is_kept else placeholder,
    }


def checked_name(field: str, name: str, longest: int) -> str:
    """`name`, if AWS accepts a name of that length; a state machine gets it as a reference, and cannot check it.

    Raises:
        PlanError: it is too long; the message gives the name, its length and the limit.
    """
    if len(name) > longest:
        raise PlanError(f"{field} {name!r} has {len(name)} characters: AWS leaves room for {longest}")
    return name


def plan_document(plan: Plan, inputs: list[ObjectVersion]) -> dict[str, Any]:
    """The document at `plan_uri`: the plan and its input objects, oldest first."""
    bucket = plan["plan_uri"].split("/", 3)[2]
    return {**plan, "inputs": [_input(each, bucket) for each in inputs]}


def _input(version: ObjectVersion, bucket: str) -> dict[str, Any]:
    """An input as the Glue jobs read it. An empty `version` means that the bucket keeps no versions."""
    return {
        "uri": f"s3://{bucket}/{version.key}",
        "key": version.key,
        "etag": version.etag,
        "version": version.version_id,
        "size": version.size,
        "last_modified": version.last_modified,
    }


def run_id(flow: str, inputs: list[ObjectVersion], *facts: str) -> str:
    """Sixteen hex digits that identify the input bytes, the configuration, the code and the model of a run.

    An object counts by key and ETag. Its version id does not: the same bytes uploaded again are the same run.
    """
    identity = [flow, [(each.key, each.etag) for each in inputs], facts]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]


def _common(
    flow: str, inputs: list[ObjectVersion], source: str, release: str, settings: Settings, *pinned: str
) -> Plan:
    identity = run_id(flow, inputs, settings.fingerprint(), release, *pinned)
    bucket, run = _bucket(settings), _processed(settings, identity)
    return {
        "run_id": identity,
        "flow": flow,
        "release": release,
        "configuration": settings.fingerprint(),
        "source_uri": f"{bucket}/{source}",
        "plan_uri": f"{bucket}/manifests/planned/run_id={identity}.json",
        "glue_modules_uri": f"{_code(settings, release)}/glue.zip",
        "label_rules": json.dumps(settings.model.of_labels()),
        "limits": json.dumps(settings.pipeline.of_reading()),
        "parsed_uri": f"{run}/parsed/",
        "complaints_uri": f"{run}/complaints/",
        "quarantine_uri": f"{bucket}/quarantine/run_id={identity}/",
        "account_uri": f"{run}/account/",
    }


def _hyperparameters(settings: Settings, code_uri: str) -> dict[str, str]:
    """SageMaker's script mode: every value is a string that holds JSON, and so are the script and its archive."""
    training = settings.model.training
    values = {
        **training.hyperparameters.model_dump(),
        "min_class_rows": training.min_class_rows,
        "max_class_rows": training.max_class_rows,
        **settings.model.issues.of_training(),
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": code_uri,
        "sagemaker_region": settings.pipeline.aws.region,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _static_hyperparameters(settings: Settings, code_uri: str) -> dict[str, str]:
    """What all training jobs of a tuning job have in common."""
    tuning = settings.model.tuning
    given = _hyperparameters(settings, code_uri) | {"validation_fraction": json.dumps(tuning.validation_fraction)}
    return {name: value for name, value in given.items() if name not in tuning.ranges}


def _train_uri(run: str) -> str:
    """Where a training run, by its folder, keeps the rows that the model is trained on."""
    return f"{run}/rows/use=train/"


def train_uri(model: Mapping[str, Any], settings: Settings) -> str:
    """Where the rows are that a version was trained on before its evaluation, given by its record."""
    return _train_uri(_processed(settings, model["run_id"]))


def _trained_on(model: Mapping[str, Any], settings: Settings) -> list[str]:
    """Where all rows are that the model which serves has seen: the held-out ones, too, if it was refitted on them.

    Patterns of the innermost folders: Spark refuses several folders with partitions in each.
    """
    run = _processed(settings, model["run_id"])
    folders = [_train_uri(run), *([_held_out_uri(run)] if model.get("refitted") else [])]
    return [f"{folder}fate=*/" for folder in folders]


def _held_out_uri(run: str) -> str:
    """Where a training run keeps the rows that the model is evaluated on."""
    return f"{run}/rows/use=evaluate/"


def _bucket(settings: Settings) -> str:
    return f"s3://{settings.pipeline.storage.bucket}"


def _processed(settings: Settings, identity: str) -> str:
    return f"{_bucket(settings)}/processed/run_id={identity}"


def _code(settings: Settings, release: str) -> str:
    """The folder that deploy uploaded the code of a release to."""
    return f"{_bucket(settings)}/artifacts/{release}"
