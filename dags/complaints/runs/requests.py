"""The requests of the flows, in the AWS API's own words.

Each function returns what an operator sends: `script_args` are StartJobRun's `Arguments`, and `config` is the body of a
Create…Job. Values that are known only at run time come from the run's plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from complaints.ingestion.exports import EXPORTS
from complaints.ingestion.plans import IngestionPlan
from complaints.models.tuning import Chosen
from complaints.monitoring.plans import MonitoringPlan
from complaints.runs.plans import ClassificationPlan, Plan, TrainedModel, TrainingPlan
from complaints.settings import Hyperparameters, Instances, Range, Settings, images

_OBJECTIVE = "validation:macro_f1"  # as train.py prints it
_PROCESSING = "/opt/ml/processing"


def prepare_history_arguments(plan: TrainingPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: labelled complaints in, slices for training and testing out."""
    return {
        **_code_arguments(plan, plan["prepare_history_script_uri"]),
        **_prepare_arguments(plan),
        "--newest_fraction": plan["newest_fraction"],
        "--test_fraction": plan["test_fraction"],
        "--issue_rules": plan["issue_rules"],
        "--rows": plan["rows_uri"],
    }


def prepare_complaints_arguments(plan: ClassificationPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: raw files in, the account of every row and the records to classify out."""
    return {
        **_code_arguments(plan, plan["prepare_complaints_script_uri"]),
        **_prepare_arguments(plan),
        "--issues": plan["issues"],
        "--records": plan["records_uri"],
    }


def _code_arguments(plan: Plan | IngestionPlan, script_uri: str) -> dict[str, Any]:
    """The code of the plan's release. The job's definition names the newest release, which may be another one by now.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
    """
    return {"--scriptLocation": script_uri, "--extra-py-files": plan["glue_modules_uri"]}


def _prepare_arguments(plan: Plan) -> dict[str, Any]:
    return {
        "--plan": plan["plan_uri"],
        "--limits": plan["limits"],
        "--label_rules": plan["label_rules"],
        "--parsed": plan["parsed_uri"],
        "--complaints": plan["complaints_uri"],
        "--quarantine": plan["quarantine_uri"],
        "--account": plan["account_uri"],
    }


def audit_results_arguments(plan: ClassificationPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: complaints and their scores in, the candidate for publication out."""
    return {
        **_code_arguments(plan, plan["audit_results_script_uri"]),
        "--run_id": plan["run_id"],
        "--model_version": plan["model_version"],
        "--classes": plan["classes"],
        "--review_below": plan["review_below"],
        "--issues": plan["issues"],
        "--columns": plan["columns"],
        "--trained_on": plan["trained_on"],
        "--complaints": plan["complaints_uri"],
        "--prepared": plan["account_uri"],
        "--records": plan["records_uri"],
        "--scores": plan["scores_uri"],
        "--candidate": plan["candidate_uri"],
        "--account": plan["results_account_uri"],
    }


def fetch_export_arguments(plan: IngestionPlan, settings: Settings) -> dict[str, Any]:
    """StartJobRun `Arguments`: the public export in, the checked object under `exports/` and its record out."""
    pipeline = settings.pipeline
    return {
        **_code_arguments(plan, plan["fetch_export_script_uri"]),
        "--url": plan["url"],
        "--bucket": pipeline.storage.bucket,
        "--exports": EXPORTS,
        "--fetched": plan["fetched_uri"],
        "--limits": plan["limits"],
        "--max_file_mb": str(pipeline.limits.max_file_mb),
        "--connect_seconds": str(pipeline.ingestion.connect_timeout_seconds),
        "--stall_seconds": str(pipeline.ingestion.stall_timeout_seconds),
        "--tries": str(pipeline.ingestion.max_tries),
    }


def compare_exports_arguments(plan: IngestionPlan, settings: Settings) -> dict[str, Any]:
    """StartJobRun `Arguments`: two exports in, the complaints that are new or changed and the account out."""
    return {
        **_code_arguments(plan, plan["compare_exports_script_uri"]),
        "--plan": plan["plan_uri"],
        "--fetched": plan["fetched_uri"],
        "--limits": plan["limits"],
        "--columns": json.dumps(settings.pipeline.ingestion.compared_columns),
        "--first_export": str(settings.pipeline.ingestion.first_export),
        "--parsed": plan["parsed_uri"],
        "--changed": plan["changed_uri"],
        "--quarantine": plan["quarantine_uri"],
        "--account": plan["account_uri"],
    }


def training_job(plan: TrainingPlan, chosen: Chosen, settings: Settings) -> dict[str, Any]:
    """CreateTrainingJob: script mode on the scikit-learn container; Parquet in, model.tar.gz out."""
    channels = {"train": plan["train_uri"]}
    return {
        "TrainingJobName": plan["training_job_name"],
        "HyperParameters": chosen["hyperparameters"],
        **_training(channels, plan["training_uri"], settings.pipeline.sagemaker.training, settings),
        **settings.pipeline.security.request_tags,
    }


def refit_job(plan: TrainingPlan, chosen: Chosen, settings: Settings) -> dict[str, Any]:
    """CreateTrainingJob: the same model once more, on the held-out complaints, too."""
    channels = {"train": plan["train_uri"], "held_out": plan["held_out_uri"]}
    return {
        "TrainingJobName": plan["refit_job_name"],
        "HyperParameters": chosen["hyperparameters"],
        **_training(channels, plan["refit_uri"], settings.pipeline.sagemaker.training, settings),
        **settings.pipeline.security.request_tags,
    }


def tuning_job(plan: TrainingPlan, settings: Settings) -> dict[str, Any]:
    """CreateHyperParameterTuningJob: training jobs that leave out a share of the complaints, and score it."""
    tuning = settings.model.tuning
    channels, machines = {"train": plan["train_uri"]}, settings.pipeline.sagemaker.tuning
    definition = _training(channels, plan["tuning_uri"], machines, settings)
    metrics = definition["AlgorithmSpecification"]["MetricDefinitions"]
    metrics.append({"Name": _OBJECTIVE, "Regex": rf"{_OBJECTIVE}=([0-9.]+)"})
    return {
        "HyperParameterTuningJobName": plan["tuning_job_name"],
        "HyperParameterTuningJobConfig": {
            "Strategy": tuning.strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": _OBJECTIVE},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": tuning.max_jobs,
                "MaxParallelTrainingJobs": tuning.parallel_jobs,
            },
            "ParameterRanges": _parameter_ranges(settings),
            # The script has one objective, at its end: there is nothing to stop early by.
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": settings.model.training.hyperparameters.seed,
        },
        "TrainingJobDefinition": {"StaticHyperParameters": plan["static_hyperparameters"], **definition},
        **settings.pipeline.security.request_tags,
    }


def _parameter_ranges(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    ranges: dict[str, list[dict[str, Any]]] = {}
    for name, each in settings.model.tuning.ranges.items():
        if isinstance(each, Range):
            kind = "Integer" if Hyperparameters.model_fields[name].annotation is int else "Continuous"
            limits = {"MinValue": json.dumps(each.min), "MaxValue": json.dumps(each.max), "ScalingType": each.scaling}
            ranges.setdefault(f"{kind}ParameterRanges", []).append({"Name": name, **limits})
        else:
            values = [json.dumps(value) for value in each]
            ranges.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": values})
    return ranges


def _training(channels: Mapping[str, Any], output_uri: Any, machines: Instances, settings: Settings) -> dict[str, Any]:
    """What a training job and the definition of a tuning job's training jobs have in common."""
    return {
        "RoleArn": settings.pipeline.aws.sagemaker_role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": image_uri(settings),
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": "train:rows", "Regex": r"train_rows=([0-9]+)"},
                {"Name": "train:features", "Regex": r"features=([0-9]+)"},
            ],
        },
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": output_uri, **settings.pipeline.security.key("KmsKeyId")},
        "ResourceConfig": _resources(machines, settings),
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
        **settings.pipeline.security.network,
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": "application/x-parquet", "DataSource": {"S3DataSource": source}}


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
        "ProcessingResources": {"ClusterConfig": _resources(machines, settings)},
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
        **settings.pipeline.security.processing_network,
        **settings.pipeline.security.request_tags,
    }


def transform_job(plan: ClassificationPlan, settings: Settings) -> dict[str, Any]:
    """CreateTransformJob: JSON Lines in, one line out for each complaint; the model's code passes the ids through.

    JSON has no raw newline inside a record, so SageMaker can split it by lines. CSV with quoted newlines would break.
    """
    machines = settings.pipeline.sagemaker.transform
    return {
        "TransformJobName": plan["transform_job_name"],
        "ModelName": plan["model_name"],
        "BatchStrategy": "MultiRecord",
        # The default is 1, since the container has no /execution-parameters: one vCPU would do all the work.
        "MaxConcurrentTransforms": machines.max_concurrent_transforms,
        "MaxPayloadInMB": machines.max_payload_mb,
        **_asked_of_the_model(settings),
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": plan["records_uri"]}},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": plan["scores_uri"],
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
            **settings.pipeline.security.key("KmsKeyId"),
        },
        "TransformResources": {
            "InstanceType": machines.instance_type,
            "InstanceCount": machines.instance_count,
            **settings.pipeline.security.key("VolumeKmsKeyId"),
        },
        **settings.pipeline.security.request_tags,
    }


def _asked_of_the_model(settings: Settings) -> dict[str, Any]:
    """What inference.py reads; the code of an earlier release answers as it always did."""
    asked = {"EVIDENCE": settings.pipeline.results.explained, "ISSUES": settings.model.issues.predict}
    environment = {name: "true" for name, is_asked in asked.items() if is_asked}
    return {"Environment": environment} if environment else {}


def shadow_job(plan: ClassificationPlan, settings: Settings) -> dict[str, Any]:
    """CreateTransformJob: the same records by the shadow, whose answers are compared and never published."""
    job = transform_job(plan, settings)
    # Nobody reads the evidence of answers that are only compared.
    return {name: value for name, value in job.items() if name != "Environment"} | {
        "TransformJobName": plan["shadow_job_name"],
        "ModelName": plan["shadow_model_name"],
        "TransformOutput": job["TransformOutput"] | {"S3OutputPath": plan["shadow_scores_uri"]},
    }


def model(name: str, *, model_uri: str, code_uri: str, settings: Settings) -> dict[str, Any]:
    """CreateModel: the artifact of one version, and the inference code that it was evaluated with."""
    return {
        "ModelName": name,
        "ExecutionRoleArn": settings.pipeline.aws.sagemaker_role_arn,
        "PrimaryContainer": {
            "Image": image_uri(settings),
            "ModelDataUrl": model_uri,
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": code_uri,
                "SAGEMAKER_REGION": settings.pipeline.aws.region,
            },
        },
        **settings.pipeline.security.network,
        **settings.pipeline.security.request_tags,
    }


def image_uri(settings: Settings) -> str:
    """AWS's scikit-learn image in the region of the settings.

    Raises:
        SettingsError: the image is not in the region.
    """
    return images.image_uri(settings.pipeline.aws.region, settings.pipeline.sagemaker.image_tag)


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


def _resources(machines: Instances, settings: Settings) -> dict[str, Any]:
    return {
        "InstanceType": machines.instance_type,
        "InstanceCount": machines.instance_count,
        "VolumeSizeInGB": machines.volume_gb,
        **settings.pipeline.security.key("VolumeKmsKeyId"),
    }
