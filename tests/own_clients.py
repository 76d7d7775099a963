"""boto3 clients that the code under test makes by itself."""

from __future__ import annotations

import boto3
import pytest

from localaws import LocalAWS


def use(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Lets these clients find local AWS as on any machine: in the environment, with `more` variables."""
    for name, value in {**aws.environment(), **more}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # boto3's own session keeps the credentials it found first: those of another test's server.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
