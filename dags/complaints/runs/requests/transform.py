"""CreateModel and CreateTransformJob: a version of the model, and complaints to classify with it."""

from __future__ import annotations

from typing import Any

from complaints.runs.plans import ClassificationPlan
from complaints.runs.requests.machines import image_uri
from complaints.settings import Settings


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


def shadow_job(plan: ClassificationPlan, settings: Settings) -> dict[str, Any]:
    """CreateTransformJob: the same records by the shadow, whose answers are compared and never published."""
    job = transform_job(plan, settings)
    # Nobody reads the evidence of answers that are only compared.
    return {name: value for name, value in job.items() if name != "Environment"} | {
        "TransformJobName": plan["shadow_job_name"],
        "ModelName": plan["shadow_model_name"],
        "TransformOutput": job["TransformOutput"] | {"S3OutputPath": plan["shadow_scores_uri"]},
    }


def _asked_of_the_model(settings: Settings) -> dict[str, Any]:
    """What inference.py reads; the code of an earlier release answers as it always did."""
    asked = {"EVIDENCE": settings.pipeline.results.explained, "ISSUES": settings.model.issues.predict}
    environment = {name: "true" for name, is_asked in asked.items() if is_asked}
    return {"Environment": environment} if environment else {}
