"""`make deploy`, `make smoke` and `make destroy`: what they print, what they ask, and how they end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.__main__ import main
from localaws import LocalAWS

ROOT = Path(__file__).parents[2]


def test_an_environment_that_does_not_exist_is_refused_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("deploy: 'nowhere' is no environment; there are: dev. For a new one")


def run(aws: LocalAWS, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "deploy", *arguments],
        cwd=ROOT,
        env={**aws.environment(), "PYTHONPATH": f"{ROOT}:{ROOT / 'dags'}", "PATH": "/usr/bin:/bin"},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_credentials_of_another_account_deploy_nothing(local_aws: type[LocalAWS], tmp_path: Path) -> None:
    with local_aws(tmp_path) as aws:
        done = run(aws, "deploy", "dev", "--account", "210987654321")
        assert aws.client("cloudformation").describe_stacks()["Stacks"] == []
    assert done.returncode == 1
    assert "environment dev: account 123456789012, us-east-1" in done.stdout
    assert "problem: the credentials are for account 123456789012, not 210987654321" in done.stdout
    assert done.stderr == "nothing was deployed\n"


def test_an_environment_is_taken_down_only_after_a_yes_and_says_what_it_keeps(
    local_aws: type[LocalAWS], tmp_path: Path
) -> None:
    with local_aws(tmp_path) as aws:
        declined, done = run(aws, "destroy", "dev"), run(aws, "destroy", "dev", answer="y\n")
    assert (declined.returncode, declined.stderr) == (1, "nothing was deleted\n")
    assert "Kept: the bucket ptmlops-dev-123456789012-us-east-1 with all data" in declined.stdout
    assert (done.returncode, done.stderr) == (0, "")
