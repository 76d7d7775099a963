"""An environment is deployed into an empty local AWS, and its smoke test ends with the account of both files."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.artifacts import zipped
from deploy.deployment import Account, deploy_release
from deploy.environments import load_environment
from deploy.errors import SmokeError
from deploy.package import package
from deploy.smoke import smoke
from laptop.sample import write_sample
from localaws import LocalAWS

SERVICES = ("cloudformation", "ecr", "events", "iam", "lambda", "s3", "service-quotas", "stepfunctions", "sts")


def test_the_first_file_of_a_new_environment_is_classified_and_every_row_of_both_is_accounted_for(
    local_aws: type[LocalAWS], tmp_path: Path
) -> None:
    environment, said = load_environment("dev"), list[str]()
    sample = write_sample(tmp_path / "sample", training_rows=400, classify_rows=200)
    (history, *_), (raw, *_) = sample.training, sample.classify
    with local_aws(tmp_path / "aws", reuse_jvm=True) as aws:
        account = Account("123456789012", "us-east-1", {name: aws.client(name) for name in SERVICES})
        with pytest.raises(SmokeError, match="dev is not deployed in account 123456789012"):
            smoke(environment, account, history, raw)
        release = package(environment, layer=lambda: zipped({"python/nothing.py": b""}))
        deploy_release(environment, release, account, say=said.append)
        found = smoke(environment, account, history, raw, say=said.append, pause_seconds=0.5)
        again = smoke(environment, account, history, raw, say=said.append, pause_seconds=0.5)
    for counts in found.values():
        assert counts["rows_in"] == sum(count for fate, count in counts.items() if fate != "rows_in") > 0
    assert found["classification"]["classified"] > 0
    assert again == found
    assert any(line.strip().startswith(f"{found['training']['rows_in']} rows in = ") for line in said)
