"""A request of each kind that the flows send, made of example plans."""

from __future__ import annotations

from typing import Any

from complaints.aws.objects import ObjectVersion
from complaints.ingestion.plans import ingestion_plan
from complaints.ingestion.remote import SourceVersion
from complaints.models.tuning import untuned
from complaints.monitoring.plans import monitoring_plan
from complaints.runs import plans, requests
from complaints.settings import Settings, load_settings
from complaints.settings.security import Security

SETTINGS = load_settings()
INPUTS = [ObjectVersion("raw/a.csv", "0" * 32, 10, "2026-01-01T00:00:00+00:00")]
MODEL = {"version": "v3", "model_name": "complaints-v3-0123456789abcdef", "sha256": "0" * 64} | {
    "run_id": "1" * 16,
    "evaluation": {"classes": ["card", "mortgage"]},
}
CLASSIFICATION = plans.classification_plan(INPUTS, source="raw/", release="r" * 12, model=MODEL, settings=SETTINGS)
SHADOWED = plans.classification_plan(
    INPUTS, source="raw/", release="r" * 12, model=MODEL, settings=SETTINGS, shadow=MODEL | {"version": "v4"}
)
TRAINING = plans.training_plan(INPUTS, source="history/", release="r" * 12, settings=SETTINGS)
INGESTION = ingestion_plan(SourceVersion('"e1"', ""), None, release="r" * 12, settings=SETTINGS)
MONITORING = monitoring_plan(
    {"run_id": "2" * 16, "model_version": "v3", "model_sha256": "0" * 64, "account": {"classified": 1}},
    CLASSIFICATION,
    MODEL | {"baseline_uri": "s3://bucket/models/versioned/v3/baseline.json"},
    release="r" * 12,
    settings=SETTINGS,
)
TRAINED: plans.TrainedModel = {
    "model_uri": "s3://bucket/model.tar.gz",
    "training_job_name": "complaints-train-0",
    "sha256": "0" * 64,
}
# As an account with guard rails has them.
GUARDED = SETTINGS.model_copy(
    update={
        "pipeline": SETTINGS.pipeline.model_copy(
            update={
                "security": Security(
                    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/k",
                    subnets=("subnet-0a1b",),
                    security_groups=("sg-0a1b",),
                    isolate_processing=True,
                    tags={"team": "ml", "cost": "42"},
                )
            }
        )
    }
)


def sagemaker_requests(settings: Settings) -> list[tuple[str, str, dict[str, Any]]]:
    """A request of each kind to SageMaker."""
    chosen = untuned(TRAINING["hyperparameters"])
    return [
        ("sagemaker", "CreateTrainingJob", requests.training_job(TRAINING, chosen, settings)),
        ("sagemaker", "CreateProcessingJob", requests.evaluation_job(TRAINING, TRAINED, settings)),
        ("sagemaker", "CreateProcessingJob", requests.monitoring_job(MONITORING, settings)),
        ("sagemaker", "CreateTrainingJob", requests.refit_job(TRAINING, chosen, settings)),
        ("sagemaker", "CreateTransformJob", requests.transform_job(CLASSIFICATION, settings)),
        ("sagemaker", "CreateTransformJob", requests.shadow_job(SHADOWED, settings)),
        ("sagemaker", "CreateModel", requests.model("m", model_uri="s3://b/m", code_uri="s3://b/c", settings=settings)),
        ("sagemaker", "CreateHyperParameterTuningJob", requests.tuning_job(TRAINING, settings)),
    ]


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.prepare_history_arguments(TRAINING)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.prepare_complaints_arguments(CLASSIFICATION)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.audit_results_arguments(CLASSIFICATION)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.fetch_export_arguments(INGESTION, SETTINGS)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.compare_exports_arguments(INGESTION, SETTINGS)}),
    *sagemaker_requests(SETTINGS),
    *sagemaker_requests(GUARDED),
]
