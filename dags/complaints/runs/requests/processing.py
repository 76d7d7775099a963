"""CreateProcessingJob: the evaluation of a new model, and the monitoring of the one in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from complaints.monitoring.plans import MonitoringPlan
from complaints.runs.plans import TrainedModel, TrainingPlan
from complaints.runs.requests.machines import image_uri, resources
from complaints.settings import Instances, Settings

_PROCESSING = "/opt/ml/processing"


def evaluation_job(plan: TrainingPlan, trained: TrainedModel, settings: Settings) -> dict[str, Any]:
    """CreateProcessingJob: the trained model beside the one in service, each with the code that serves it.

    They are scored on the slices that training never saw.
    """
    inputs = {
        "code": plan["inference_code_uri"],
        "model": trained["model_uri"],
        "train": plan["train_uri"],
        "held-out": plan["held_out_uri"],
        "in-service-code": plan["in_service_code_uri"],
        "in-service-model": plan["in_service_model_uri"],
        "in-service-train": plan["in_service_train_uri"],
    }
    arguments = {
        "run-id": plan["run_id"],
        "sha256": trained["sha256"],
        "in-service": plan["in_service_version"],
        "in-service-sha256": plan["in_service_sha256"],
        "in-service-run-id": plan["in_service_run_id"],
        "false-alarms": str(settings.model.monitoring.false_alarms),
    }
    return _processing_job(
        plan["evaluation_job_name"],
        ("evaluation", plan["evaluation_code_uri"], "evaluate.py"),
        arguments,
        inputs,
        plan["evaluation_uri"],
        settings.pipeline.sagemaker.evaluation,
        settings,
    )


def monitoring_job(plan: MonitoringPlan, settings: Settings) -> dict[str, Any]:
    """CreateProcessingJob: a published classification, its model's baseline and the windows before; findings out."""
    inputs = {
        "model": plan["baseline_uri"],
        "records": plan["records_uri"],
        "scores": plan["scores_uri"],
        "complaints": plan["complaints_uri"],
        "account": plan["account_uri"],
        "published": plan["published_uri"],
        "plan": plan["plan_uri"],
    }
    arguments = {
        "run-id": plan["run_id"],
        "model-version": plan["model_version"],
        "sha256": plan["model_sha256"],
        "baseline-sha256": plan["baseline_sha256"],
        "least": str(settings.model.monitoring.min_complaints),
    }
    return _processing_job(
        plan["monitoring_job_name"],
        ("monitoring", plan["monitoring_code_uri"], "monitor.py"),
        arguments,
        inputs,
        plan["monitoring_uri"],
        settings.pipeline.sagemaker.monitoring,
        settings,
        listed=("published",),
    )


def _processing_job(
    name: str,
    script: tuple[str, str, str],
    arguments: Mapping[str, str],
    inputs: Mapping[str, str],
    output_uri: str,
    machines: Instances,
    settings: Settings,
    *,
    listed: Sequence[str] = (),
) -> dict[str, Any]:
    """CreateProcessingJob: a script gets its arguments, a folder for each input, and one for its output.

    `script` has the name of the input that holds the code, its URI, and the file. The inputs in `listed` are manifests
    of objects, all others are prefixes.
    """
    room, code_uri, file = script
    return {
        "ProcessingJobName": name,
        "RoleArn": settings.pipeline.aws.sagemaker_role_arn,
        "AppSpecification": {
            "ImageUri": image_uri(settings),
            "ContainerEntrypoint": ["python3", f"{_PROCESSING}/input/{room}/{file}"],
            "ContainerArguments": [
                *(part for name, value in arguments.items() for part in (f"--{name}", value)),
                *(part for name in inputs for part in (f"--{name}", f"{_PROCESSING}/input/{name}")),
                *("--output", f"{_PROCESSING}/output/{room}"),
            ],
        },
        "ProcessingInputs": [
            _processing_input(name, uri, "ManifestFile" if name in listed else "S3Prefix")
            for name, uri in {room: code_uri, **inputs}.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [_processing_output(room, output_uri)],
            **settings.pipeline.security.key("KmsKeyId"),
        },
        "ProcessingResources": {"ClusterConfig": resources(machines, settings)},
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
        **settings.pipeline.security.processing_network,
        **settings.pipeline.security.request_tags,
    }


def _processing_input(name: str, uri: Any, data_type: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_PROCESSING}/input/{name}",
            "S3DataType": data_type,
            "S3InputMode": "File",
        },
    }


def _processing_output(name: str, uri: Any) -> dict[str, Any]:
    local_path = f"{_PROCESSING}/output/{name}"
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": local_path, "S3UploadMode": "EndOfJob"},
    }
