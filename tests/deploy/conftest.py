"""Local AWS with the bucket of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from complaints.settings import load_settings
from localaws import LocalAWS


@pytest.fixture
def aws(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[LocalAWS]:
    """Local AWS on a port of its own, stopped at the end of the test."""
    with local_aws(tmp_path / "aws") as running:
        running.client("s3").create_bucket(Bucket=load_settings().pipeline.storage.bucket)
        yield running
