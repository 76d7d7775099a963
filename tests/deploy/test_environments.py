"""An environment's file says what differs, and a release has one active file with the account's values."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from complaints.settings import CONFIG, SettingsError, load_settings
from deploy.environments import environment_names, load_environment
from deploy.errors import EnvironmentFileError

OUTPUTS = {
    "storage": {"bucket": "acme-dev"},
    "aws": {
        "glue_role_arn": "arn:aws:iam::210987654321:role/acme-glue",
        "sagemaker_role_arn": "arn:aws:iam::210987654321:role/acme-sagemaker",
        "alerts_topic_arn": "arn:aws:sns:us-east-1:210987654321:acme-alerts",
    },
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def test_every_environment_of_the_repository_is_valid() -> None:
    assert "dev" in environment_names()
    for name in environment_names():
        environment = load_environment(name)
        assert environment.settings().glue.timeout_minutes > 0
        assert environment.prefix == f"ptmlops-{name}"


def test_a_release_with_the_active_file_alone_has_the_values_of_the_account_and_the_environment(config: Path) -> None:
    environment = load_environment("dev", config)
    for path in [config / "local.yaml", config / "dev.yaml"]:
        path.unlink()
    (config / "environment.yaml").write_bytes(environment.active_file(OUTPUTS))
    pipeline = load_settings(config).pipeline
    assert pipeline.storage.bucket == "acme-dev"
    assert pipeline.storage.raw == "raw/"
    assert pipeline.orchestration.poll_seconds == 30
    assert pipeline == environment.settings(OUTPUTS, CONFIG)


def test_the_active_file_is_the_same_bytes_twice_and_leaves_out_what_is_for_the_deployment() -> None:
    environment = load_environment("dev")
    assert environment.active_file(OUTPUTS) == environment.active_file(dict(reversed(OUTPUTS.items())))
    assert "deployment" not in yaml.safe_load(environment.active_file(OUTPUTS))


def test_an_environment_with_mwaa_names_it_where_an_alarm_starts_a_retraining(config: Path) -> None:
    deployment = {"deployment": {"optional_stacks": ["mwaa"]}}
    (config / "prod.yaml").write_text(yaml.safe_dump(deployment))
    environments = [load_environment(name, config) for name in ("prod", "dev")]
    assert [each.settings(config=config).aws.mwaa_environment for each in environments] == ["ptmlops-prod", ""]


def test_what_belongs_to_local_aws_is_in_no_environment(config: Path) -> None:
    (config / "local.yaml").write_text("orchestration: {poll_seconds: 1, retries: 9}\nsecurity: {tags: {a: b}}")
    expected = yaml.safe_load((config / "pipeline_config.yaml").read_text())
    found = load_environment("dev", config).settings(config=config)
    assert found.orchestration.model_dump() == expected["orchestration"]
    assert found.security.tags == {}
    assert "123456789012" not in found.model_dump_json()


def test_a_wrong_value_of_an_environment_is_named_with_its_file(config: Path) -> None:
    (config / "prod.yaml").write_text("orchestration: {poll_seconds: 0}")
    with pytest.raises(SettingsError, match=r"^prod\.yaml: orchestration\.poll_seconds: 0: "):
        load_environment("prod", config).settings(config=config)


@pytest.mark.parametrize("name", ["", "prod", "local", "pipeline_config", "../config/dev", "environment"])
def test_what_is_no_environment_is_refused_with_those_that_are(name: str, config: Path) -> None:
    with pytest.raises(EnvironmentFileError, match=r"is no environment; there are: dev\. For a new one, write"):
        load_environment(name, config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deployment: {stacks: [mwaa]}", "deployment: stacks: it has optional_stacks and parameters"),
        ("deployment: {optional_stacks: [redshift]}", "optional_stacks: redshift: there are mwaa and quicksight"),
        ("deployment: yes please", "deployment: str: it has"),
        ("- aws", "a mapping was expected, not list"),
        ("aws: [", "not YAML"),
    ],
)
def test_a_file_that_no_environment_may_have_is_refused_with_the_reason(config: Path, text: str, said: str) -> None:
    (config / "prod.yaml").write_text(text)
    with pytest.raises(EnvironmentFileError, match=rf"prod\.yaml: .*{said}"):
        load_environment("prod", config)


def test_parameters_reach_cloudformation_as_text(config: Path) -> None:
    (config / "prod.yaml").write_text(
        "deployment: {optional_stacks: [mwaa], parameters: {data: {CreateKey: true, LogRetentionDays: 30}}}"
    )
    environment = load_environment("prod", config)
    assert environment.optional_stacks == ("mwaa",)
    assert environment.parameters_of("data") == {"CreateKey": "true", "LogRetentionDays": "30"}
    assert environment.parameters_of("jobs") == {}
