"""The section `sagemaker` of `pipeline_config.yaml`: the machines of the SageMaker jobs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from complaints.settings.limits import Count

_TRANSFORM_MB = 100  # CreateTransformJob: the most data in flight


class Instances(BaseModel, extra="forbid", frozen=True):
    """The machines of one kind of SageMaker job, and its time limit."""

    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")]
    instance_count: Count
    volume_gb: Count
    max_runtime_seconds: Annotated[int, Field(ge=60, le=5 * 24 * 3600)]


class TransformInstances(BaseModel, extra="forbid", frozen=True):
    """The machines of the batch transform; the payloads in flight may have at most 100 MB together."""

    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")]
    instance_count: Count
    max_runtime_seconds: Annotated[int, Field(ge=60, le=5 * 24 * 3600)]
    max_payload_mb: Annotated[int, Field(ge=1, le=_TRANSFORM_MB)]
    max_concurrent_transforms: Count

    @model_validator(mode="after")
    def _payloads_fit_beside_each_other(self) -> Self:
        if self.max_concurrent_transforms * self.max_payload_mb > _TRANSFORM_MB:
            most = _TRANSFORM_MB // self.max_payload_mb
            raise ValueError(
                f"max_concurrent_transforms is {self.max_concurrent_transforms}; with max_payload_mb "
                f"{self.max_payload_mb} it may be at most {most}, since SageMaker takes {_TRANSFORM_MB} MB at a time"
            )
        return self


class SageMaker(BaseModel, extra="forbid", frozen=True):
    """The scikit-learn container, and the machines that it runs on."""

    image_tag: str
    training: Instances
    tuning: Instances
    evaluation: Instances
    monitoring: Instances
    transform: TransformInstances
