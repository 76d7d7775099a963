"""The machines of SageMaker's jobs: their image and their size."""

from __future__ import annotations

from typing import Any

from complaints.settings import Instances, Settings, images


def image_uri(settings: Settings) -> str:
    """AWS's scikit-learn image in the region of the settings.

    Raises:
        SettingsError: the image is not in the region.
    """
    return images.image_uri(settings.pipeline.aws.region, settings.pipeline.sagemaker.image_tag)


def resources(machines: Instances, settings: Settings) -> dict[str, Any]:
    """What CreateTrainingJob calls `ResourceConfig`, and CreateProcessingJob `ClusterConfig`."""
    return {
        "InstanceType": machines.instance_type,
        "InstanceCount": machines.instance_count,
        "VolumeSizeInGB": machines.volume_gb,
        **settings.pipeline.security.key("VolumeKmsKeyId"),
    }
