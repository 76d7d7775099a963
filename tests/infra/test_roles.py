"""The roles of infra/roles.yaml, attacked: what each may do, and what it may not, resources and conditions included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.cloudformation.declarations import declare
from localaws.cloudformation.resources import Made
from localaws.cloudformation.templates import read_template
from localaws.iam.evaluation import Request, decide, statements

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION, BUCKET = "123456789012", "us-east-1", "acme-complaints"
S3 = f"arn:aws:s3:::{BUCKET}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ptmlops-"
IMAGE = "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn"
TUNING = "hyper-parameter-tuning-job"
PASSED = {"iam:PassedToService": "sagemaker.amazonaws.com"}
ROLES = ("Glue", "SageMaker", "States", "Steps", "Starter", "Events")
# Actions that IAM knows no resources for, each in a statement of its own kind:
# https://docs.aws.amazon.com/service-authorization/latest/reference/
ANYWHERE = {
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "glue:GetSecurityConfiguration",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListHyperParameterTuningJobs",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "sagemaker:ListTransformJobs",
    "states:SendTaskSuccess",
}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def roles(**more: str) -> dict[str, dict[str, Any]]:
    """The properties of each role."""
    template = read_template((ROOT / "infra" / "roles.yaml").read_text(encoding="utf-8"))
    given = {"BucketName": BUCKET, "ImageAccount": "683313688378", **more}
    declared = declare(template, given, "id", "name", REGION)
    made = {name: Made(f"ptmlops-{name.lower()}", {"Arn": f"{ROLE}{name.lower()}"}) for name in declared.resources}
    return {name: declared.properties(each, made) for name, each in declared.resources.items()}


FOUND = roles()
JOBS_KEY = arn("kms", "key/1b2c")
# Those of an account with guard rails.
GUARDED = roles(
    JobsKeyArn=JOBS_KEY, JobsInVpc="true", GlueSecurityConfiguration="encrypted", KeyArn=arn("kms", "key/0a")
)


def documents(role: str, found: dict[str, dict[str, Any]] = FOUND) -> list[dict[str, Any]]:
    return [each["PolicyDocument"] for each in found[role]["Policies"]]


def may(role: str, action: str, resource: str, **context: str) -> bool:
    return decide(documents(role), Request(action, resource, context))[0] is True


def guarded(action: str, resource: str, **context: str) -> set[str]:
    """Who may do it in an account with guard rails, and may not elsewhere."""
    request = Request(action, resource, context)
    assert not [role for role in ROLES if decide(documents(role), request)[0]]
    return {role for role in ROLES if decide(documents(role, GUARDED), request)[0]}


def who_may(action: str, resource: str, context: dict[str, str] | None = None) -> set[str]:
    return {role for role in ROLES if may(role, action, resource, **(context or {}))}


WRITERS = [
    ("models/latest", {"Steps"}),
    ("models/versioned/v1/model.json", {"Steps"}),
    ("models/promotions/00001.json", {"Steps"}),
    ("results/a.parquet", {"Steps"}),
    ("manifests/run_id=1.json", {"Steps"}),
    ("locks/retrain/v1.json", {"Steps"}),
    ("backfills/1/plan.json", {"Steps"}),
    ("ledger/versions/1.json", {"Steps", "Starter"}),
    ("raw/a.csv", {"Steps"}),  # the ingestion publishes there
    ("history/a.csv", set()),
    ("artifacts/latest.json", set()),
    ("runbooks/complaints_training.md", set()),
    ("quarantine/run_id=1/a.json", {"Glue"}),
    ("exports/1/complaints.csv.zip", {"Glue", "Steps"}),
    ("processed/run_id=1/a", {"Glue", "SageMaker", "Steps"}),
    ("shadow/run_id=1/a", {"SageMaker", "Steps"}),
    ("monitoring/run_id=1/a", {"SageMaker", "Steps"}),
    ("drift/run_id=1.jsonl", {"Steps"}),
]


@pytest.mark.parametrize(("key", "writers"), WRITERS, ids=[key for key, _ in WRITERS])
def test_an_object_is_written_only_by_the_roles_whose_work_it_is(key: str, writers: set[str]) -> None:
    assert who_may("s3:PutObject", f"{S3}/{key}") == writers


def test_nobody_deletes_what_is_published_and_nobody_reaches_another_bucket() -> None:
    for key in ("results/a", "manifests/run_id=1.json", "models/versioned/v1/model.tar.gz", "models/latest", "raw/a"):
        assert who_may("s3:DeleteObject", f"{S3}/{key}") == set()
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"):
        assert who_may(action, "arn:aws:s3:::somebody-elses") == set()
        assert who_may(action, f"{S3}-2/raw/a") == set()


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("iam:PassRole", f"{ROLE}sagemaker", PASSED, {"States", "Steps"}),
        ("iam:PassRole", f"{ROLE}sagemaker", {"iam:PassedToService": "ec2.amazonaws.com"}, set()),
        ("iam:PassRole", f"{ROLE}sagemaker", {}, set()),
        ("iam:PassRole", f"{ROLE}glue", PASSED, set()),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", PASSED, set()),
        ("glue:StartJobRun", arn("glue", "job/ptmlops-audit-results"), {}, {"States"}),
        ("glue:StartJobRun", arn("glue", "job/payroll"), {}, set()),
        ("sagemaker:CreateTransformJob", arn("sagemaker", "transform-job/complaints-classify-1"), {}, {"States"}),
        ("sagemaker:CreateTransformJob", arn("sagemaker", "transform-job/another"), {}, set()),
        ("sagemaker:CreateModel", arn("sagemaker", "model/complaints-v1-1"), {}, {"Steps"}),
        (
            "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
            arn("sagemaker", f"{TUNING}/complaints-1"),
            {},
            {"Steps"},
        ),
        ("sagemaker:ListTrainingJobsForHyperParameterTuningJob", arn("sagemaker", f"{TUNING}/another"), {}, set()),
        ("lambda:InvokeFunction", arn("lambda", "function:ptmlops-steps"), {}, {"States"}),
        ("lambda:InvokeFunction", arn("lambda", "function:ptmlops-starter"), {}, set()),
        (
            "states:StartExecution",
            arn("states", "stateMachine:complaints_classification"),
            {},
            {"Starter", "Events", "States"},
        ),
        ("states:StartExecution", arn("states", "stateMachine:complaints_training"), {}, {"Events", "Steps"}),
        ("states:StartExecution", arn("states", "stateMachine:another"), {}, set()),
        ("sns:Publish", arn("sns", "ptmlops-alerts"), {}, {"Steps"}),
        ("sns:Publish", arn("sns", "another"), {}, set()),
        ("sqs:SendMessage", arn("sqs", "ptmlops-unstarted"), {}, {"Starter"}),
        ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "PTMLops"}, {"Steps"}),
        ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Glue"}, {"Glue"}),
        ("cloudwatch:PutMetricData", "*", {}, set()),
        ("logs:GetLogEvents", arn("logs", "log-group:/aws/lambda/payroll:*"), {}, set()),
        (
            "ecr:BatchGetImage",
            "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn",
            {},
            {"SageMaker"},
        ),
        ("ecr:BatchGetImage", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/ours", {}, set()),
        ("iam:CreateRole", f"{ROLE}glue", {}, set()),
        ("s3:PutBucketPolicy", S3, {}, set()),
        ("sts:AssumeRole", f"{ROLE}glue", {}, set()),
        ("kms:Decrypt", arn("kms", "key/1"), {}, set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_action_is_allowed_to_the_roles_that_need_it_and_to_nobody_else(
    action: str, resource: str, context: dict[str, str], allowed: set[str]
) -> None:
    assert who_may(action, resource, context) == allowed


@pytest.mark.parametrize("job", ["training-job", "transform-job", "processing-job", "hyper-parameter-tuning-job"])
def test_a_state_that_waits_for_a_job_may_start_watch_and_stop_it_and_make_the_rule_that_tells_of_its_end(
    job: str,
) -> None:
    name = {"hyper-parameter-tuning-job": "HyperParameterTuningJob"}.get(
        job, job.split("-", maxsplit=1)[0].title() + "Job"
    )
    resource = arn("sagemaker", f"{job}/complaints-1")
    actions = [f"{verb}{name}" for verb in ("Create", "Describe", "Stop")] + ["AddTags", "ListTags"]
    assert all(may("States", f"sagemaker:{action}", resource) for action in actions)
    short = name.removeprefix("HyperParameter").removesuffix("Job")
    rule = arn("events", f"rule/StepFunctionsGetEventsForSageMaker{short}JobsRule")
    assert all(may("States", f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule"))


@pytest.mark.parametrize("role", ROLES)
def test_a_wildcard_for_all_resources_stands_only_where_an_action_has_none(role: str) -> None:
    for statement in statements(documents(role, GUARDED)):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [each for each in actions if "*" in each], statement
        if statement["Resource"] == "*":
            assert {*actions} <= ANYWHERE, statement


@pytest.mark.parametrize("role", ROLES)
def test_every_statement_allows_and_has_a_name_of_its_own(role: str) -> None:
    for document in documents(role):
        names = [statement["Sid"] for statement in document["Statement"]]
        assert len(names) == len({*names})
        assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("Glue", "glue"),
        ("SageMaker", "sagemaker"),
        ("States", "states"),
        ("Steps", "lambda"),
        ("Starter", "lambda"),
        ("Events", "events"),
    ],
)
def test_a_role_is_assumed_by_one_service_and_for_this_account_only(role: str, service: str) -> None:
    (statement,) = FOUND[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    # Lambda assumes a role for its own functions only, and gives no source account.
    expected = None if service == "lambda" else {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert statement.get("Condition") == expected


def test_the_key_of_the_jobs_is_used_by_who_reads_and_writes_their_outputs_and_granted_to_their_volumes() -> None:
    assert guarded("kms:Decrypt", JOBS_KEY) == {"Glue", "SageMaker", "Steps"}
    assert guarded("kms:CreateGrant", JOBS_KEY) == set()
    assert guarded("kms:CreateGrant", JOBS_KEY, **{"kms:GrantIsForAWSResource": "true"}) == {"SageMaker"}
    assert guarded("kms:Decrypt", arn("kms", "key/payroll")) == set()


def test_jobs_in_a_network_of_the_account_make_and_remove_their_interfaces_and_nothing_else() -> None:
    interface, shared = arn("ec2", "network-interface/eni-1"), f"arn:aws:ec2:{REGION}:210987654321:subnet/subnet-1"
    for action in ("CreateNetworkInterface", "DeleteNetworkInterface"):
        assert guarded(f"ec2:{action}", interface) == {"Glue", "SageMaker"}
    assert guarded("ec2:CreateNetworkInterface", shared) == {"Glue", "SageMaker"}
    assert guarded("ec2:CreateNetworkInterfacePermission", interface) == {"SageMaker"}
    assert guarded("glue:GetConnection", arn("glue", "connection/vpc")) == {"Glue"}
    assert guarded("ec2:CreateTags", interface, **{"aws:TagKeys": "aws-glue-service-resource"}) == {"Glue"}
    assert guarded("ec2:CreateTags", interface, **{"aws:TagKeys": "owner"}) == set()
    assert guarded("ec2:RunInstances", arn("ec2", "instance/*")) == set()


def test_glue_reads_its_security_configuration_and_encrypts_its_own_logs() -> None:
    assert guarded("glue:GetSecurityConfiguration", "*") == {"Glue"}
    assert guarded("logs:AssociateKmsKey", arn("logs", "log-group:/aws-glue/jobs-role-encrypted/output")) == {"Glue"}
    assert guarded("logs:AssociateKmsKey", arn("logs", "log-group:/aws/lambda/payroll")) == set()
    encrypted = arn("logs", "log-group:/aws-glue/jobs-role-encrypted/error:*")
    assert who_may("logs:GetLogEvents", encrypted) == {"Steps"}


def test_whoever_makes_what_has_tags_may_tag_it() -> None:
    assert who_may("sagemaker:AddTags", arn("sagemaker", "model/complaints-v1-1")) == {"Steps"}
    assert who_may("sagemaker:AddTags", arn("sagemaker", "transform-job/complaints-1")) == {"States"}


def keyed() -> Iterator[str]:
    return (name for name, each in roles(KeyArn="arn:key").items() if len(each["Policies"]) == 2)


def test_whoever_touches_the_data_may_use_its_key() -> None:
    assert {*keyed()} == {"Glue", "SageMaker", "Steps", "Starter"}


def test_an_alarm_starts_runs_of_airflow_as_a_user_of_the_one_environment_that_was_named() -> None:
    def may_invoke(found: dict[str, dict[str, Any]], role: str, resource: str) -> bool:
        policies = [each["PolicyDocument"] for each in found[role]["Policies"]]
        return decide(policies, Request("airflow:InvokeRestApi", resource, {}))[0] is True

    found, user = roles(AirflowEnvironment="ptmlops-prod"), arn("airflow", "role/ptmlops-prod/User")
    assert [role for role in ROLES if may_invoke(found, role, user)] == ["Steps"]
    others = [arn("airflow", "role/ptmlops-prod/Admin"), arn("airflow", "role/ptmlops-dev/User")]
    assert not any(may_invoke(found, "Steps", resource) for resource in others)
    assert not may_invoke(FOUND, "Steps", user)
