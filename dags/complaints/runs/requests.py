"""The requests that the flows send, in the AWS API's own words.

Each function returns what the operator of its name sends: `script_args` is StartJobRun's `Arguments`, `config` is
the body of a Create…Job. What is known only at run time comes from the run's plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.settings import Settings, SettingsError
from complaints.settings.machines import Instances

# The account that holds AWS's scikit-learn images, by region (SageMaker developer guide, image paths).
_IMAGE_ACCOUNTS = {
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-2": "246618743249",
    "eu-west-1": "141502667606",
}
_PROCESSING = "/opt/ml/processing"


def prepare_history_arguments(plan: Mapping[str, Any]) -> dict[str, Any]:
    """StartJobRun `Arguments`: labelled complaints in, slices to learn from and to test on out."""
    return {
        **_prepare_arguments(plan),
        "--newest_fraction": plan["newest_fraction"],
        "--test_fraction": plan["test_fraction"],
        "--rows": plan["rows_uri"],
    }


def prepare_complaints_arguments(plan: Mapping[str, Any]) -> dict[str, Any]:
    """StartJobRun `Arguments`: raw files in; every row accounted for, and records to classify, out."""
    return {
        **_prepare_arguments(plan),
        "--records": plan["records_uri"],
    }


def _prepare_arguments(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "--plan": plan["plan_uri"],
        "--limits": plan["limits"],
        "--label_rules": plan["label_rules"],
        "--parsed": plan["parsed_uri"],
        "--complaints": plan["complaints_uri"],
        "--quarantine": plan["quarantine_uri"],
        "--account": plan["account_uri"],
    }


def audit_results_arguments(plan: Mapping[str, Any]) -> dict[str, Any]:
    """StartJobRun `Arguments`: complaints and their scores in, the candidate for publication out."""
    return {
        "--run_id": plan["run_id"],
        "--model_version": plan["model_version"],
        "--classes": plan["classes"],
        "--review_below": plan["review_below"],
        "--complaints": plan["complaints_uri"],
        "--prepared": plan["account_uri"],
        "--records": plan["records_uri"],
        "--scores": plan["scores_uri"],
        "--candidate": plan["candidate_uri"],
        "--account": plan["results_account_uri"],
    }


def training_job(plan: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """CreateTrainingJob: script mode on the scikit-learn container; Parquet in, model.tar.gz out."""
    machines = settings.pipeline.sagemaker.training
    return {
        "TrainingJobName": plan["training_job_name"],
        "RoleArn": settings.pipeline.aws.sagemaker_role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": image_uri(settings),
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": "train:rows", "Regex": r"train_rows=([0-9]+)"},
                {"Name": "train:features", "Regex": r"features=([0-9]+)"},
            ],
        },
        "HyperParameters": plan["hyperparameters"],
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "ContentType": "application/x-parquet",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": plan["train_uri"],
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": plan["training_uri"]},
        "ResourceConfig": _resources(machines),
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
    }


def evaluation_job(plan: Mapping[str, Any], trained: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """CreateProcessingJob: the code that will serve scores the slices that training never saw."""
    machines = settings.pipeline.sagemaker.evaluation
    return {
        "ProcessingJobName": plan["evaluation_job_name"],
        "RoleArn": settings.pipeline.aws.sagemaker_role_arn,
        "AppSpecification": {
            "ImageUri": image_uri(settings),
            "ContainerEntrypoint": ["python3", f"{_PROCESSING}/input/code/evaluate.py"],
            "ContainerArguments": [
                *("--run-id", plan["run_id"]),
                *("--model", f"{_PROCESSING}/input/model"),
                *("--sha256", trained["sha256"]),
                *("--held-out", f"{_PROCESSING}/input/held_out"),
                *("--output", f"{_PROCESSING}/output/evaluation"),
            ],
        },
        "ProcessingInputs": [
            _processing_input("code", plan["inference_code_uri"]),
            _processing_input("model", trained["model_uri"]),
            _processing_input("held_out", plan["held_out_uri"]),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "evaluation",
                    "S3Output": {
                        "S3Uri": plan["evaluation_uri"],
                        "LocalPath": f"{_PROCESSING}/output/evaluation",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {"ClusterConfig": _resources(machines)},
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
    }


def transform_job(plan: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """CreateTransformJob: JSON Lines in, one line out for each complaint, ids carried by the model's code.

    Split at newlines JSON stays whole, which CSV with newlines in its quotes would not.
    """
    machines = settings.pipeline.sagemaker.transform
    return {
        "TransformJobName": plan["transform_job_name"],
        "ModelName": plan["model_name"],
        "BatchStrategy": "MultiRecord",
        # Left out it is 1, as the container has no /execution-parameters, and one vCPU would do all the work.
        "MaxConcurrentTransforms": machines.max_concurrent_transforms,
        "MaxPayloadInMB": machines.max_payload_mb,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": plan["records_uri"]}},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": plan["scores_uri"],
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        "TransformResources": {
            "InstanceType": machines.instance_type,
            "InstanceCount": machines.instance_count,
        },
    }


def model(name: str, *, model_uri: str, code_uri: str, settings: Settings) -> dict[str, Any]:
    """CreateModel: the artefact of one version and the inference code that it was evaluated with."""
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
    }


def image_uri(settings: Settings) -> str:
    """AWS's scikit-learn image in the region of the settings.

    Raises:
        SettingsError: the region is not in the table of image accounts.
    """
    region = settings.pipeline.aws.region
    if region not in _IMAGE_ACCOUNTS:
        known = ", ".join(sorted(_IMAGE_ACCOUNTS))
        raise SettingsError(f"pipeline_config.yaml: aws.region: {region!r}: no image account known; use {known}")
    registry = f"{_IMAGE_ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com"
    return f"{registry}/sagemaker-scikit-learn:{settings.pipeline.sagemaker.image_tag}"


def _processing_input(name: str, uri: Any) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_PROCESSING}/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def _resources(machines: Instances) -> dict[str, Any]:
    return {
        "InstanceType": machines.instance_type,
        "InstanceCount": machines.instance_count,
        "VolumeSizeInGB": machines.volume_gb,
    }
