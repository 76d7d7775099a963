"""What the topic of the alerts was told."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from complaints.settings import load_settings

TOPIC = load_settings().pipeline.aws.alerts_topic_arn


@pytest.fixture
def topic(in_memory_aws: None) -> Any:
    """A queue that gets what the topic is told."""
    sns, sqs = (boto3.client(name, region_name="us-east-1") for name in ("sns", "sqs"))
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert sns.create_topic(Name=TOPIC.rpartition(":")[2])["TopicArn"] == TOPIC
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
    return lambda: [
        json.loads(each["Body"])
        for each in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    ]
