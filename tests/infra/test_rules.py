"""Rules that cfn-lint does not have, over every template; each exception is named with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.cloudformation.templates import read_template

INFRA = Path(__file__).parents[2] / "infra"
TEMPLATES = sorted(path.stem for path in INFRA.glob("*.yaml"))
every_template = pytest.mark.parametrize("name", TEMPLATES)
# Statements on every resource without a condition, by template, resource and Sid.
ON_EVERYTHING = {
    ("data", "Key", "AccountsPolicies"): "a key policy's resource is the key itself; AWS's default statement",
    ("mwaa", "ExecutionRole", "NoResourceLevel"): "actions that take no resource",
    ("mwaa", "ExecutionRole", "ListJobs"): "SageMaker lists jobs by a part of their names, and takes no resource",
    ("roles", "Glue", "Configuration"): "glue:GetSecurityConfiguration takes no resource",
    ("roles", "Glue", "Network"): "EC2 describes by identifiers, and takes no resource",
    ("roles", "SageMaker", "Network"): "EC2 describes by identifiers, and takes no resource",
    ("roles", "Steps", "JobsByName"): "SageMaker lists jobs by a part of their names, and takes no resource",
    ("roles", "Steps", "Approvals"): "a task token says which execution, and the action takes no resource",
    ("roles", "SageMaker", "ImageLogin"): "ecr:GetAuthorizationToken takes no resource",
    ("roles", "States", "LogDelivery"): "log delivery takes no resource",
}
GLUE_VERSIONS = {"5.0", "5.1", "6.0"}


def template(name: str) -> dict[str, Any]:
    return read_template((INFRA / f"{name}.yaml").read_text(encoding="utf-8"))


def resources(name: str) -> dict[str, dict[str, Any]]:
    return dict(template(name)["Resources"])


def documents(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The policies of a resource: its own, those of a role, a key's."""
    given = resource.get("Properties", {})
    policies = (each["Fn::If"][1] if "Fn::If" in each else each for each in given.get("Policies", []))
    yield from (each["PolicyDocument"] for each in policies)
    yield from (given[key] for key in ("PolicyDocument", "KeyPolicy") if key in given)


def statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for document in documents(resource):
        for each in document["Statement"]:
            yield each["Fn::If"][1] if "Fn::If" in each else each


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@every_template
def test_no_statement_allows_every_action_of_a_service(name: str) -> None:
    wide = {
        (logical, each.get("Sid"))
        for logical, resource in resources(name).items()
        for each in statements(resource)
        if each["Effect"] == "Allow"
        for action in listed(each.get("Action", "*"))
        if action == "*" or action.endswith(":*")
    }
    # AWS's own statement, by which IAM policies decide about the key.
    assert wide <= {("Key", "AccountsPolicies")}


def test_what_is_allowed_on_everything_has_a_condition_or_a_reason() -> None:
    found = {
        (name, logical, each.get("Sid"))
        for name in TEMPLATES
        for logical, resource in resources(name).items()
        for each in statements(resource)
        if each["Effect"] == "Allow" and "*" in listed(each.get("Resource", [])) and "Condition" not in each
    }
    assert found == ON_EVERYTHING.keys()


@every_template
def test_a_role_is_passed_by_its_name_to_a_named_service(name: str) -> None:
    for logical, resource in resources(name).items():
        for each in statements(resource):
            if "iam:PassRole" in listed(each.get("Action", [])):
                assert "*" not in listed(each["Resource"]), logical
                assert "iam:PassedToService" in each["Condition"]["StringEquals"], logical


@every_template
def test_nobody_outside_of_the_account_is_allowed_anything(name: str) -> None:
    for logical, resource in resources(name).items():
        for each in statements(resource):
            if each["Effect"] == "Allow" and "Principal" in each:
                assert each["Principal"] != "*", logical
                assert set(each["Principal"]) <= {"Service", "AWS"}, logical


@every_template
def test_a_service_assumes_a_role_for_this_account_only(name: str) -> None:
    for logical, resource in resources(name).items():
        if resource["Type"] == "AWS::IAM::Role":
            for each in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                # Lambda assumes a function's role without saying for which account.
                if each["Principal"]["Service"] != "lambda.amazonaws.com":
                    assert "aws:SourceAccount" in each["Condition"]["StringEquals"], logical


@every_template
def test_a_bucket_is_private_versioned_encrypted_and_kept(name: str) -> None:
    for logical, resource in resources(name).items():
        if resource["Type"] == "AWS::S3::Bucket":
            given = resource["Properties"]
            assert list(given["PublicAccessBlockConfiguration"].values()) == [True] * 4, logical
            assert given["VersioningConfiguration"] == {"Status": "Enabled"}, logical
            assert given["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], logical
            assert "BucketEncryption" in given, logical
            assert resource["DeletionPolicy"].startswith("Retain"), logical


@every_template
def test_what_is_kept_for_its_data_is_not_left_by_a_creation_that_failed(name: str) -> None:
    """Or each attempt would leave another key, which costs money, or a bucket that stops the next one."""
    for logical, resource in resources(name).items():
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key"):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", logical


@every_template
def test_a_template_names_no_partition_and_no_domain_of_one(name: str) -> None:
    text = (INFRA / f"{name}.yaml").read_text(encoding="utf-8")
    consoles = {"console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"}
    assert "arn:aws:" not in text
    assert not re.findall(r"\$\{AWS::Region\}\.amazonaws\.com", text)
    assert {*re.findall(r"console\.a[\w.-]+", text)} in (set(), consoles)


@every_template
def test_every_log_is_kept_for_a_stated_time(name: str) -> None:
    for logical, resource in resources(name).items():
        if resource["Type"] == "AWS::Logs::LogGroup":
            assert "RetentionInDays" in resource["Properties"], logical


@every_template
def test_a_state_machine_logs_errors_without_the_data_of_its_states(name: str) -> None:
    for logical, resource in resources(name).items():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            logging = resource["Properties"]["LoggingConfiguration"]
            assert logging["Level"] != "OFF", logical
            assert logging["IncludeExecutionData"] is False, logical


@every_template
def test_an_event_pattern_has_lists_where_events_have_values(name: str) -> None:
    def leaves(pattern: Any) -> Iterator[Any]:
        for key, value in pattern.items():
            if isinstance(value, dict) and not any(part.startswith("Fn::") for part in value):
                yield from leaves(value)
            else:
                yield key, value

    for logical, resource in resources(name).items():
        if "EventPattern" in resource.get("Properties", {}):
            wrong = [
                key for key, value in leaves(resource["Properties"]["EventPattern"]) if not isinstance(value, list)
            ]
            assert wrong == [], logical


@every_template
def test_a_glue_job_runs_a_version_that_exists_and_never_starts_itself_again(name: str) -> None:
    default = template(name).get("Parameters", {}).get("GlueVersion", {}).get("Default")
    for logical, resource in resources(name).items():
        if resource["Type"] == "AWS::Glue::Job":
            assert default in GLUE_VERSIONS, logical
            assert resource["Properties"]["MaxRetries"] == 0, logical
