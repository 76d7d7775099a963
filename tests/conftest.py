"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def in_memory_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto in this process, for boto3 clients that the code under test makes by itself."""
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield
