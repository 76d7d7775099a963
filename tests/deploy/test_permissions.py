"""Before a deployment, IAM's simulator is asked for what the credentials may not do."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deploy.permissions import ACTIONS, OF_MWAA, missing, principal

ROLE = "arn:aws:iam::123456789012:role/admins/deployer"
USER = "arn:aws:iam::123456789012:user/someone"


@pytest.fixture
def iam() -> Any:
    return boto3.client("iam", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def answer(**decisions: str) -> dict[str, Any]:
    results = [
        {"EvalActionName": name.replace("_", ":"), "EvalDecision": decision} for name, decision in decisions.items()
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def test_a_session_is_asked_for_by_its_role_and_what_is_not_allowed_is_named(iam: Any) -> None:
    role = {
        "Path": "/admins/",
        "RoleName": "deployer",
        "RoleId": "A" * 16,
        "Arn": ROLE,
        "CreateDate": "2026-11-28T00:00:00Z",
    }
    with Stubber(iam) as aws:
        aws.add_response("get_role", {"Role": role}, {"RoleName": "deployer"})
        aws.add_response(
            "simulate_principal_policy",
            answer(sns_CreateTopic="allowed", iam_CreateRole="implicitDeny", iam_PassRole="explicitDeny"),
            {"PolicySourceArn": ROLE, "ActionNames": [*ACTIONS]},
        )
        session = "arn:aws:sts::123456789012:assumed-role/deployer/me"
        assert missing(iam, session, mwaa=False) == ["iam:CreateRole", "iam:PassRole"]


def test_with_mwaa_its_network_is_asked_for_too(iam: Any) -> None:
    with Stubber(iam) as aws:
        aws.add_response("simulate_principal_policy", answer(), {"PolicySourceArn": USER, "ActionNames": ANY})
        assert missing(iam, USER, mwaa=True) == []
    assert {each.partition(":")[0] for each in OF_MWAA} == {"airflow", "ec2"}


@pytest.mark.parametrize("caller", ["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:federated-user/me"])
def test_who_has_no_policy_of_its_own_is_not_asked_for(iam: Any, caller: str) -> None:
    with Stubber(iam):
        assert principal(iam, caller) is None
        assert missing(iam, caller, mwaa=False) == []
