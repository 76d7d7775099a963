"""Messages that AWS services send to SQS queues and SNS topics."""

from collections.abc import Mapping
from typing import Any

from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError


def service_of(arn: str) -> str:
    """The service that an ARN belongs to.

    >>> service_of("arn:aws:sqs:us-east-1:123456789012:failures")
    'sqs'
    """
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def resource_of(arn: str) -> str:
    """The resource part of an ARN, after service, region and account."""
    return arn.split(":", 5)[5]


def send_message(
    cloud: Cloud, arn: str, body: str, attributes: Mapping[str, str | int] | None = None, group: str | None = None
) -> None:
    """Send a message with its attributes. Raises ClientError, or ApiError if the ARN is of another service."""
    typed: Mapping[str, Any] = {
        name: {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
        for name, value in (attributes or {}).items()
    }
    if service_of(arn) == "sqs":
        queues = cloud.client("sqs")
        url = queues.get_queue_url(QueueName=resource_of(arn))["QueueUrl"]
        grouped = {"MessageGroupId": group} if group else {}
        queues.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed, **grouped)
    elif service_of(arn) == "sns":
        cloud.client("sns").publish(TopicArn=arn, Message=body, MessageAttributes=typed)
    else:
        raise ApiError("InvalidParameterValueException", f"{arn} is neither an SQS queue nor an SNS topic")
