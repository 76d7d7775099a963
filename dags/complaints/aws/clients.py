"""The boto3 clients of the tasks and callbacks, made from the settings when a task runs."""

from __future__ import annotations

from typing import Any

import boto3

from complaints.aws.bucket import Bucket
from complaints.settings import Settings


def client(service: str, settings: Settings, **options: Any) -> Any:
    """A client in the region of the settings; `options` are boto3's."""
    return boto3.client(service, region_name=settings.pipeline.aws.region, **options)


def environment_bucket(settings: Settings) -> Bucket:
    """The bucket of the environment."""
    return Bucket(client("s3", settings), settings.pipeline.storage.bucket)
