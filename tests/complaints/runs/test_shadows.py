"""The comparison of a shadow with the model in service."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.runs import shadows
from complaints.runs.shadows import ShadowMismatchError


def answer(complaint: str, product: str) -> dict[str, Any]:
    return {"complaint_id": complaint, "predicted_product": product, "confidence": 0.9}


def lines(*answers: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(each) for each in answers).encode()


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="answers")
    return Bucket(client, "answers")


def compare(bucket: Bucket, ours: dict[str, bytes], theirs: dict[str, bytes]) -> dict[str, Any]:
    for folder, files in (("scores/", ours), ("shadow/", theirs)):
        for name, content in files.items():
            bucket.client.put_object(Bucket="answers", Key=f"{folder}{name}", Body=content)
    return shadows.compared(shadows.answers(bucket, "s3://answers/scores/", "s3://answers/shadow/"))


def test_agreement_is_counted_overall_and_by_the_class_of_the_model_in_service(bucket: Bucket) -> None:
    ours = {
        "part-0.jsonl.out": lines(answer("1", "card"), answer("2", "card"), answer("3", "mortgage")),
        "part-1.jsonl.out": lines(answer("4", "card"), {"complaint_id": "5", "error": "too long"}),
    }
    theirs = {
        "part-0.jsonl.out": lines(answer("1", "card"), answer("2", "loan"), answer("3", "mortgage")),
        "part-1.jsonl.out": lines(answer("4", "card"), answer("5", "card")),
    }
    assert compare(bucket, ours, theirs) == {
        "n": 4,
        "agree": 3,
        "agreement": 0.75,
        "without_answer": 1,
        "per_class": {
            "card": {"n": 3, "agreement": 0.666667, "shadow": {"card": 2, "loan": 1}},
            "mortgage": {"n": 1, "agreement": 1.0, "shadow": {"mortgage": 1}},
        },
    }


def test_of_no_answers_there_is_no_agreement(bucket: Bucket) -> None:
    found = compare(bucket, {}, {})
    assert (found["n"], found["agreement"], found["per_class"]) == (0, None, {})


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"a.out": lines(answer("2", "card"))}, "two complaints, '1' and '2'"),
        ({"a.out": lines(answer("1", "card"), answer("2", "card"))}, "a.out has more lines"),
        ({"b.out": lines(answer("1", "card"))}, "hold other files: a.out, b.out"),
    ],
)
def test_answers_to_other_records_are_not_compared(bucket: Bucket, theirs: dict[str, bytes], told: str) -> None:
    with pytest.raises(ShadowMismatchError, match=told):
        compare(bucket, {"a.out": lines(answer("1", "card"))}, theirs)
