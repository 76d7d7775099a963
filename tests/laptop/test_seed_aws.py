"""Seeding local AWS for docker compose: everything at the first start, only the release later."""

from __future__ import annotations

from pathlib import Path

import pytest

from complaints.settings import load_settings
from laptop.servers.aws import AwsAt
from laptop.servers.aws_credentials import AwsCredentials
from laptop.verbs.seed_aws import main, seed
from localaws import LocalAWS


def test_the_sample_is_uploaded_once_and_later_changes_are_kept(local_aws: type[LocalAWS], tmp_path: Path) -> None:
    settings = load_settings().pipeline
    bucket = settings.storage.bucket
    with local_aws(tmp_path) as local:
        aws = AwsAt(local.endpoint, settings.aws.region, AwsCredentials.of(local.environment()))
        release, with_sample = seed(aws, settings)
        assert with_sample
        s3 = aws.client("s3")
        keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
        for prefix in ("history/", "raw/batches/laptop/", f"artifacts/{release}/", "runbooks/"):
            assert any(key.startswith(prefix) for key in keys), f"nothing is under {prefix}"
        assert "ptmlops-prepare-history" in aws.client("glue").list_jobs()["JobNames"]
        s3.delete_object(Bucket=bucket, Key=next(key for key in sorted(keys) if key.startswith("raw/")))
        left = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
        assert seed(aws, settings) == (release, False)
        assert {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]} == left


@pytest.mark.parametrize("endpoint", ["", "https://s3.amazonaws.com"])
def test_only_a_local_aws_is_accepted(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert main() == 2
    assert f"AWS_ENDPOINT_URL is {endpoint!r}" in capsys.readouterr().err
