"""Evaluation of policies: actions, resources and conditions, as AWS documents them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.iam.evaluation import PolicyError, Request, decide
from tests.localaws.account import Account


def policy(effect: str = "Allow", **statement: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": "s3:GetObject", "Resource": "*", **statement}]}


def allowed(document: dict[str, Any], action: str = "s3:GetObject", resource: str = "r", **context: Any) -> bool | None:
    return decide([document], Request(action, resource, context))[0]


def test_actions_match_whatever_their_case_and_resources_do_not() -> None:
    assert allowed(policy(Action=["s3:Put*", "S3:getobject"]))
    assert allowed(policy(Action="s3:Put*")) is None
    assert allowed(policy(Resource="arn:aws:s3:::b/raw/*"), resource="arn:aws:s3:::b/raw/a/b.csv")
    assert allowed(policy(Resource="arn:aws:s3:::b/raw/*"), resource="arn:aws:s3:::b/Raw/a") is None
    assert allowed(policy(Resource="arn:aws:s3:::b/r?w/*"), resource="arn:aws:s3:::b/row/a")
    assert allowed(policy(Resource="arn.aws"), resource="arnxaws") is None


def test_a_deny_wins_over_every_allow() -> None:
    assert decide([policy(), policy("Deny")], Request("s3:GetObject", "r"))[0] is False


@pytest.mark.parametrize(
    ("condition", "given", "holds"),
    [
        ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"K": ["b", "a"]}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": "a"}}, {"k": "a"}, False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringLike": {"k": "a/*"}}, {"k": "a/b/c"}, True),
        ({"ArnLike": {"k": "arn:aws:glue:*:*:job/a"}}, {"k": "arn:aws:glue:r:1:job/b"}, False),
        ({"Bool": {"k": "false"}}, {"k": "False"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": "x"}, False),
        ({"Null": {"k": "false"}}, {"k": "x"}, True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {"k": ["b", "a"]}, True),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {"k": ["b", "a"]}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a", "l": "false"}, False),
    ],
)
def test_a_condition_holds_as_aws_documents_it(condition: Any, given: dict[str, Any], holds: bool) -> None:
    assert allowed(policy(Condition=condition), **given) is (True if holds else None)


def test_an_operator_that_is_not_evaluated_is_an_error_and_never_a_guess() -> None:
    with pytest.raises(PolicyError, match="DateLessThan"):
        allowed(policy(Condition={"DateLessThan": {"k": "2026-01-01"}}), k="2025-01-01")


WRITTEN_ONCE = """{"Statement": [{"Sid": "WrittenOnce", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
  "Resource": "arn:aws:s3:::%s/manifests/*",
  "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}}]}"""


def test_a_bucket_policy_refuses_the_writes_that_its_conditions_name_and_no_others(account: Account) -> None:
    account.s3.put_bucket_policy(Bucket=account.name, Policy=WRITTEN_ONCE % account.name)
    account.put("raw/a", b"a")
    account.s3.put_object(Bucket=account.name, Key="manifests/a", Body=b"a", IfNoneMatch="*")
    with pytest.raises(ClientError, match=r"AccessDenied.*WrittenOnce"):
        account.put("manifests/a", b"b")
    assert account.get("manifests/a") == b"a"


def test_a_bucket_policy_lets_the_parts_of_an_upload_pass_and_judges_its_completion(account: Account) -> None:
    account.s3.put_bucket_policy(Bucket=account.name, Policy=WRITTEN_ONCE % account.name)
    place = {"Bucket": account.name, "Key": "manifests/large"}
    upload = account.s3.create_multipart_upload(**place)["UploadId"]
    part = account.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        account.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    account.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")
