"""A serverless deployment is refused if the compiled files were made for other settings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import PipelineSettings, load_settings
from deploy.__main__ import ROOT, deploy_serverless
from deploy.compiled_files import check_compiled_files
from deploy.errors import StaleFilesError
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
OTHER_ROLE = "arn:aws:iam::210987654321:role/ml"


def changed(section: str, **values: Any) -> PipelineSettings:
    """The settings with other values in one section."""
    return SETTINGS.model_copy(update={section: getattr(SETTINGS, section).model_copy(update=values)})


def test_the_committed_files_match_the_committed_settings() -> None:
    check_compiled_files(SETTINGS)


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        (
            changed("aws", sagemaker_role_arn=OTHER_ROLE),
            [
                f"stepfunctions/complaints_training.asl.json: RoleArn is '{SETTINGS.aws.sagemaker_role_arn}', "
                f"expected '{OTHER_ROLE}'"
            ],
        ),
        (
            changed("storage", bucket="acme-complaints"),
            [
                "stepfunctions/complaints_classification.trigger.json: bucket is 'ptmlops-complaints', "
                "expected 'acme-complaints'"
            ],
        ),
        (
            changed("storage", raw="incoming/"),
            [
                "stepfunctions/complaints_classification.trigger.json: object key is 'raw/*.*', "
                "expected a key below 'incoming/'"
            ],
        ),
        (changed("sagemaker", image_tag="1.8-0-cpu-py3"), ["TrainingImage is ", "ImageUri is ", "1.8-0-cpu-py3'"]),
        (
            changed("glue", audit_results_job="acme-audit"),
            ["stepfunctions/complaints_classification.asl.json: JobName is 'ptmlops-audit-results', expected "],
        ),
    ],
    ids=["role", "bucket", "prefix", "image", "job"],
)
def test_a_value_from_other_settings_is_refused_with_file_found_and_expected(
    settings: PipelineSettings, lines: list[str]
) -> None:
    with pytest.raises(StaleFilesError) as caught:
        check_compiled_files(settings)
    assert str(caught.value).startswith("the compiled files do not match pipeline_config.yaml:\n")
    assert all(line in str(caught.value) for line in lines), str(caught.value)
    assert str(caught.value).endswith("run `make export`, then deploy again")


def test_each_difference_is_reported_once() -> None:
    with pytest.raises(StaleFilesError) as caught:
        check_compiled_files(changed("aws", sagemaker_role_arn=OTHER_ROLE))
    assert str(caught.value).count("complaints_training.asl.json: RoleArn is") == 1


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stepfunctions", tmp_path / "stepfunctions", ignore=shutil.ignore_patterns("*.py"))
    check_compiled_files(SETTINGS, tmp_path)
    machine = tmp_path / "stepfunctions" / "complaints_training.asl.json"
    machine.write_text(machine.read_text().replace(":role/ptmlops-sagemaker", ":role/other"))
    with pytest.raises(StaleFilesError, match="role/other"):
        check_compiled_files(SETTINGS, tmp_path)


def test_nothing_is_deployed_from_files_for_another_account(aws: LocalAWS) -> None:
    clients = {name: aws.client(name) for name in ("s3", "lambda", "stepfunctions", "events", "sqs")}
    with pytest.raises(StaleFilesError):
        deploy_serverless(changed("aws", sagemaker_role_arn=OTHER_ROLE), clients)
    assert clients["lambda"].list_functions()["Functions"] == []
    assert clients["stepfunctions"].list_state_machines()["stateMachines"] == []


def test_the_command_refuses_before_it_uploads_anything(aws: LocalAWS, tmp_path: Path) -> None:
    for folder in ("deploy", "stepfunctions", "dags/complaints"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    settings = tmp_path / "dags" / "complaints" / "config" / "pipeline_config.yaml"
    settings.write_text(settings.read_text().replace(SETTINGS.aws.sagemaker_role_arn, OTHER_ROLE))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "deploy", "--serverless"],
        cwd=tmp_path,
        env={**aws.environment(), "PYTHONPATH": f"{tmp_path}:{tmp_path / 'dags'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("deploy: the compiled files do not match pipeline_config.yaml:")
    assert aws.client("s3").list_objects_v2(Bucket=SETTINGS.storage.bucket)["KeyCount"] == 0
