"""A bucket for the pages to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from complaints.aws.bucket import Bucket


class CountedReads(Bucket):
    """A bucket that counts how often a document is read."""

    reads = 0

    def read_json(self, key: str) -> Any:
        self.reads += 1
        return super().read_json(key)


@pytest.fixture
def bucket() -> Iterator[CountedReads]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s")
        s3.create_bucket(Bucket="bucket")
        yield CountedReads(s3, "bucket")
