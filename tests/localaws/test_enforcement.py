"""Policies that are enforced: a function may do what its role allows, and callers without a role everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAWS
from localaws.iam.evaluation import Request
from localaws.iam.requests import requests_of
from localaws.server.calls import Call
from localaws.server.cloud import OWN_AGENT, Cloud
from tests.localaws.account import zipped

ACCOUNT = "123456789012"
CODE = """
import boto3

def run(event, context):
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.put_object(Bucket="own", Key=event["key"], Body=b"x")
    return s3.get_object(Bucket="own", Key=event["key"])["Body"].read().decode()
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    with LocalAWS(tmp_path_factory.mktemp("aws"), enforce_iam=True) as running:
        iam, functions = running.client("iam"), running.client("lambda")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName="writer", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
        allowed = {
            "Sid": "Own",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:GetObject"],
            "Resource": "arn:aws:s3:::own/mine/*",
        }
        iam.put_role_policy(
            RoleName="writer",
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        running.client("s3").create_bucket(Bucket="own")
        functions.create_function(
            FunctionName="writer",
            Runtime="python3.12",
            Role=role["Arn"],
            Handler="app.run",
            Timeout=60,
            Code={"ZipFile": zipped(CODE)},
        )
        yield running


def invoked(aws: LocalAWS, key: str) -> tuple[str | None, Any]:
    answer = aws.client("lambda").invoke(FunctionName="writer", Payload=json.dumps({"key": key}))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_a_function_may_do_what_its_role_allows(aws: LocalAWS) -> None:
    assert invoked(aws, "mine/a") == (None, "x")


def test_a_function_is_refused_what_its_role_does_not_allow_with_action_and_resource(aws: LocalAWS) -> None:
    failed, error = invoked(aws, "yours/a")
    assert failed
    assert "AccessDenied" in error["errorMessage"]
    assert (
        "assumed-role/writer/local is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::own/yours/a"
        in (error["errorMessage"])
    )
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="own", Prefix="yours/")


def test_a_caller_without_a_role_may_do_everything(aws: LocalAWS) -> None:
    aws.client("s3").put_object(Bucket="own", Key="yours/b", Body=b"x")


def test_each_question_is_recorded_once_with_the_statement_that_answered_it(aws: LocalAWS) -> None:
    for name in ("mine/1", "mine/2", "yours/1"):
        invoked(aws, name)
    lines = [json.loads(line) for line in (aws.folder / "iam.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = {(each["action"], each["resource"].rpartition(":")[2], each["statement"]) for each in lines}
    assert {("s3:PutObject", "own/mine/#", "Own"), ("s3:GetObject", "own/mine/#", "Own")} <= asked
    assert ("s3:PutObject", "own/yours/#", None) in asked
    assert len(lines) == len(asked)


@pytest.mark.parametrize(
    ("call", "environ", "body", "expected"),
    [
        (("s3", "HeadObject", {"bucketName": "b", "key": "k"}), {}, b"", [("s3:GetObject", "arn:aws:s3:::b/k")]),
        (
            ("s3", "GetObject", {"bucketName": "b", "key": "k"}),
            {"QUERY_STRING": "versionId=1"},
            b"",
            [("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
        ),
        (("s3", "ListObjectsV2", {"bucketName": "b"}), {}, b"", [("s3:ListBucket", "arn:aws:s3:::b")]),
        (
            ("s3", "CopyObject", {"bucketName": "b", "key": "to"}),
            {"HTTP_X_AMZ_COPY_SOURCE": "b/fr%20om"},
            b"",
            [("s3:PutObject", "arn:aws:s3:::b/to"), ("s3:GetObject", "arn:aws:s3:::b/fr om")],
        ),
        (
            ("s3", "DeleteObjects", {"bucketName": "b"}),
            {},
            b"<Delete><Object><Key>a</Key></Object><Object><Key>c</Key></Object></Delete>",
            [("s3:DeleteObject", "arn:aws:s3:::b/a"), ("s3:DeleteObject", "arn:aws:s3:::b/c")],
        ),
        (
            ("glue", "StartJobRun", {"jobName": "j"}),
            {},
            b"",
            [("glue:StartJobRun", f"arn:aws:glue:us-east-1:{ACCOUNT}:job/j")],
        ),
        (
            ("sagemaker", "CreateTrainingJob", {"trainingJobName": "t", "roleArn": "r"}),
            {},
            b"",
            [
                ("sagemaker:CreateTrainingJob", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/t"),
                ("iam:PassRole", "r"),
            ],
        ),
        (
            ("lambda", "Invoke", {"functionName": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"}),
            {},
            b"",
            [("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f")],
        ),
        (("monitoring", "PutMetricData", {"namespace": "N"}), {}, b"", [("cloudwatch:PutMetricData", "*")]),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_call_is_the_actions_and_resources_that_iam_knows(
    call: tuple[str, str, dict[str, Any]], environ: dict[str, str], body: bytes, expected: list[tuple[str, str]]
) -> None:
    service, name, parameters = call
    asked: list[Request] = list(requests_of(Call(service, "us-east-1", name, parameters), environ, body))
    assert [(each.action, each.resource) for each in asked] == expected


def test_what_local_aws_does_for_a_job_is_done_in_the_name_of_the_jobs_role(aws: LocalAWS) -> None:
    own = Cloud(aws.endpoint, "us-east-1", aws.credentials, OWN_AGENT)
    own.client("s3").put_object(Bucket="own", Key="yours/c", Body=b"x")
    named = own.as_role(f"arn:aws:iam::{ACCOUNT}:role/writer")
    named.client("s3").put_object(Bucket="own", Key="mine/c", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        named.client("s3").put_object(Bucket="own", Key="yours/c", Body=b"x")
    assert named.environment()["AWS_SDK_UA_APP_ID"] == "writer"


def test_nothing_is_enforced_unless_asked_for(local_aws: type[LocalAWS], tmp_path: Path) -> None:
    with local_aws(tmp_path) as running:
        assert not (running.folder / "iam.jsonl").exists()
