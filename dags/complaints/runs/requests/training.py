"""CreateTrainingJob and CreateHyperParameterTuningJob: script mode on the scikit-learn container."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from complaints.models.tuning import Chosen
from complaints.runs.plans import TrainingPlan
from complaints.runs.requests.machines import image_uri, resources
from complaints.settings import Hyperparameters, Instances, Range, Settings

_OBJECTIVE = "validation:macro_f1"  # as train.py prints it


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
        "ResourceConfig": resources(machines, settings),
        "StoppingCondition": {"MaxRuntimeInSeconds": machines.max_runtime_seconds},
        **settings.pipeline.security.network,
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": "application/x-parquet", "DataSource": {"S3DataSource": source}}
