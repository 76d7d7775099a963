"""The compiled files belong to no account: what an environment decides is a name in them, and is filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import PipelineSettings, load_settings
from stepfunctions.substitutions import SubstitutionError, filled, left_open, substitutions

SETTINGS = load_settings().pipeline
VALUES = substitutions(SETTINGS)
COMMITTED = sorted((Path(__file__).parents[2] / "stepfunctions").glob("*.json"))
every_file = pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)


def elsewhere() -> PipelineSettings:
    """The settings of another account, in another partition."""
    role = "arn:aws-us-gov:iam::210987654321:role/ml"
    aws = SETTINGS.aws.model_copy(update={"region": "us-gov-west-1", "sagemaker_role_arn": role})
    storage = SETTINGS.storage.model_copy(update={"bucket": "acme-complaints"})
    return SETTINGS.model_copy(update={"aws": aws, "storage": storage})


@every_file
def test_a_committed_file_names_no_account_region_or_bucket(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"(?<!\d)\d{12}(?!\d)", text) == []
    assert re.findall(r"\b[a-z]{2}-(?:gov-)?(?:north|south|east|west|central)+-\d\b", text) == []
    assert [value for name, value in VALUES.items() if value in text and name != "Partition"] == []
    assert "arn:aws" not in text


@every_file
def test_a_committed_file_filled_for_another_account_has_no_name_left_and_none_of_the_first(path: Path) -> None:
    text = filled(path.read_text(), substitutions(elsewhere()))
    json.loads(text)
    assert "${" not in text
    assert SETTINGS.aws.sagemaker_role_arn not in text
    assert f'"{SETTINGS.storage.bucket}"' not in text
    integrations = re.findall(r"arn:[^:]+:states:::", text)
    assert {*integrations} <= {"arn:aws-us-gov:states:::"}
    assert bool(integrations) == path.name.endswith(".asl.json")


def test_every_value_of_an_environment_is_used_by_a_file() -> None:
    used = {name for path in COMMITTED for name in re.findall(r"\$\{(\w+)\}", path.read_text())}
    assert used == set(VALUES)


def test_what_was_left_open_and_filled_is_what_it_was() -> None:
    document: dict[str, Any] = {
        "Bucket": SETTINGS.storage.bucket,
        "Resource": "arn:aws:states:::lambda:invoke",
        "Roles": [SETTINGS.aws.sagemaker_role_arn, {"Count": 3, "On": True, "None": None}],
    }
    opened = left_open(document, VALUES)
    assert opened == {
        "Bucket": "${Bucket}",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Roles": ["${SageMakerRoleArn}", {"Count": 3, "On": True, "None": None}],
    }
    assert json.loads(filled(json.dumps(opened), VALUES)) == document


def test_a_bucket_inside_a_longer_text_is_refused_with_the_text() -> None:
    with pytest.raises(SubstitutionError, match=r"'s3://ptmlops-complaints/raw/' contains Bucket"):
        left_open({"Uri": f"s3://{SETTINGS.storage.bucket}/raw/"}, VALUES)


def test_a_name_without_a_value_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(SubstitutionError, match="no value for TopicArn; known are Bucket"):
        filled('{"Topic": "${TopicArn}"}', {"Bucket": "acme"})


def test_two_names_for_one_value_are_refused() -> None:
    with pytest.raises(SubstitutionError, match="each value must be another one"):
        left_open({}, {"Raw": "acme", "Results": "acme"})
