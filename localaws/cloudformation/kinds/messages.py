"""SNS topics and subscriptions, SQS queues, and the policies of both."""

import json
from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, names, tags
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

# Attributes of a queue, which the API takes as texts.
QUEUE = (
    "DelaySeconds",
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def _topic(arn: str) -> Made:
    return Made(arn, {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]})


def _find_topic(cloud: Cloud, properties: Json) -> Made | None:
    arn, sns = cloud.arn("sns", properties["TopicName"]), cloud.client("sns")
    try:
        sns.get_topic_attributes(TopicArn=arn)
    except sns.exceptions.NotFoundException:
        return None
    return _topic(arn)


def _create_topic(cloud: Cloud, properties: Json) -> Made:
    given = [{"Key": name, "Value": value} for name, value in tags(properties).items()]
    arn = cloud.client("sns").create_topic(Name=properties["TopicName"], Tags=given)["TopicArn"]
    return _update_topic(cloud, _topic(arn), {}, properties)


def _update_topic(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    sns = cloud.client("sns")
    for name in ("DisplayName", "KmsMasterKeyId"):
        if before.get(name) != now.get(name):
            sns.set_topic_attributes(TopicArn=made.ref, AttributeName=name, AttributeValue=now.get(name, ""))
    return made


def _put_topic_policy(cloud: Cloud, properties: Json) -> Made:
    document = json.dumps(properties["PolicyDocument"])
    for arn in properties["Topics"]:
        cloud.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    return Made(f"policy-of-{properties['Topics'][0]}")


def _subscribe(cloud: Cloud, properties: Json) -> Made:
    answer = cloud.client("sns").subscribe(
        TopicArn=properties["TopicArn"], Protocol=properties["Protocol"], Endpoint=properties["Endpoint"]
    )
    return Made(answer["SubscriptionArn"])


def _find_queue(cloud: Cloud, properties: Json) -> Made | None:
    sqs = cloud.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=properties["QueueName"])["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return _queue(cloud, url)


def _queue(cloud: Cloud, url: str) -> Made:
    name = url.rpartition("/")[2]
    return Made(url, {"Arn": cloud.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _attributes(properties: Json) -> Json:
    given = {name: properties[name] for name in QUEUE if name in properties}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def _create_queue(cloud: Cloud, properties: Json) -> Made:
    created = cloud.client("sqs").create_queue(
        QueueName=properties["QueueName"], Attributes=_attributes(properties), tags=tags(properties)
    )
    return _queue(cloud, created["QueueUrl"])


def _update_queue(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    cloud.client("sqs").set_queue_attributes(QueueUrl=made.ref, Attributes=_attributes(now))
    return made


def _delete_queue(cloud: Cloud, made: Made, properties: Json) -> None:
    sqs = cloud.client("sqs")
    with suppress(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=made.ref)


def _put_queue_policy(cloud: Cloud, properties: Json) -> Made:
    document = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Made(f"policy-of-{properties['Queues'][0]}")


def _remove_queue_policy(cloud: Cloud, made: Made, properties: Json) -> None:
    sqs = cloud.client("sqs")
    for url in properties["Queues"]:
        with suppress(sqs.exceptions.QueueDoesNotExist):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _nothing(cloud: Cloud, made: Made, properties: Json) -> None:
    """A topic keeps a policy until it is deleted itself, as in CloudFormation."""


KINDS = {
    "AWS::SNS::Topic": Kind(
        properties=names("TopicName DisplayName KmsMasterKeyId Tags"),
        create=_create_topic,
        update=_update_topic,
        delete=lambda cloud, made, properties: cloud.client("sns").delete_topic(TopicArn=made.ref) and None,
        replaced_by=names("TopicName"),
        find=_find_topic,
    ),
    "AWS::SNS::TopicPolicy": Kind(
        properties=names("Topics PolicyDocument"),
        create=_put_topic_policy,
        update=lambda cloud, made, before, now: _put_topic_policy(cloud, now),
        delete=_nothing,
    ),
    "AWS::SNS::Subscription": Kind(
        properties=names("TopicArn Protocol Endpoint"),
        create=_subscribe,
        delete=lambda cloud, made, properties: cloud.client("sns").unsubscribe(SubscriptionArn=made.ref) and None,
    ),
    "AWS::SQS::Queue": Kind(
        properties=names(f"QueueName Tags {' '.join(QUEUE)}"),
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaced_by=names("QueueName"),
        find=_find_queue,
    ),
    "AWS::SQS::QueuePolicy": Kind(
        properties=names("Queues PolicyDocument"),
        create=_put_queue_policy,
        update=lambda cloud, made, before, now: _put_queue_policy(cloud, now),
        delete=_remove_queue_policy,
    ),
}
