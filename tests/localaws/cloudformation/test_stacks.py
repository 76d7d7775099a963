"""CloudFormation on local AWS: what is declared is created, changed, rolled back and deleted by the services' APIs."""

from __future__ import annotations

import textwrap
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAWS

NAMES = count()

TOPIC = """
Parameters:
  Suffix: {Type: String, Default: a}
  With: {Type: String, Default: "no", AllowedValues: ["yes", "no"]}
Conditions:
  HasQueue: !Equals [!Ref With, "yes"]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "NAME-${Suffix}", DisplayName: !If [HasQueue, one, two]}
  Queue:
    Type: AWS::SQS::Queue
    Condition: HasQueue
    Properties: {QueueName: NAME-queue, KmsMasterKeyId: !GetAtt Topic.TopicName}
Outputs:
  Topic: {Value: !Ref Topic}
  Queue: {Condition: HasQueue, Value: !GetAtt Queue.Arn}
"""


class Stack:
    def __init__(self, aws: LocalAWS, text: str) -> None:
        self.name = f"stack-{next(NAMES)}"
        self.cloudformation = aws.client("cloudformation")
        self.text = text

    def change(self, kind: str, text: str | None = None, **parameters: str) -> dict[str, Any]:
        """Creates a change set; executes it unless there is nothing to change."""
        body = textwrap.dedent(text or self.text).replace("NAME", self.name)
        made = self.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"change-{next(NAMES)}",
            ChangeSetType=kind,
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        described: dict[str, Any] = self.cloudformation.describe_change_set(ChangeSetName=made["Id"])
        if described["Status"] == "CREATE_COMPLETE":
            self.cloudformation.execute_change_set(ChangeSetName=made["Id"])
        return described

    def actions(self, described: dict[str, Any]) -> list[tuple[str, str, str | None]]:
        found = [each["ResourceChange"] for each in described["Changes"]]
        return [(each["Action"], each["LogicalResourceId"], each.get("Replacement")) for each in found]

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return found

    @property
    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.described.get("Outputs", [])}

    def statuses(self, name: str) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=self.described["StackId"])["StackEvents"]
        return [each["ResourceStatus"] for each in reversed(events) if each["LogicalResourceId"] == name]


def test_a_template_creates_its_resources_in_the_order_of_their_dependencies(aws: LocalAWS) -> None:
    stack = Stack(aws, TOPIC)
    described = stack.change("CREATE", With="yes")
    assert stack.actions(described) == [("Add", "Topic", None), ("Add", "Queue", None)]
    assert stack.described["StackStatus"] == "CREATE_COMPLETE"
    topic, queue = f"{stack.name}-a", f"{stack.name}-queue"
    assert stack.outputs == {
        "Topic": f"arn:aws:sns:us-east-1:123456789012:{topic}",
        "Queue": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
    }
    url = aws.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == topic


def test_the_same_template_again_changes_nothing(aws: LocalAWS) -> None:
    stack = Stack(aws, TOPIC)
    stack.change("CREATE")
    described = stack.change("UPDATE")
    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]
    assert described["ExecutionStatus"] == "UNAVAILABLE"


def test_a_parameter_inside_of_a_text_is_a_change_and_a_custom_name_replaces_the_resource(aws: LocalAWS) -> None:
    stack = Stack(aws, TOPIC)
    stack.change("CREATE")
    assert stack.actions(stack.change("UPDATE", Suffix="b")) == [("Modify", "Topic", "True")]
    topics = [each["TopicArn"].rpartition(":")[2] for each in aws.client("sns").list_topics()["Topics"]]
    assert f"{stack.name}-b" in topics
    assert f"{stack.name}-a" not in topics


def test_a_resource_whose_condition_no_longer_holds_is_removed(aws: LocalAWS) -> None:
    stack = Stack(aws, TOPIC)
    stack.change("CREATE", With="yes")
    assert stack.actions(stack.change("UPDATE", With="no")) == [("Modify", "Topic", "False"), ("Remove", "Queue", None)]
    with pytest.raises(ClientError, match=r"QueueDoesNotExist|NonExistentQueue"):
        aws.client("sqs").get_queue_url(QueueName=f"{stack.name}-queue")


BROKEN = """
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    Properties: {BucketName: NAME-bucket}
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Bucket
    Properties: {TopicName: NAME-topic}
  Permission:
    Type: AWS::Lambda::Permission
    DependsOn: Topic
    Properties: {FunctionName: nowhere, Action: "lambda:InvokeFunction", Principal: events.amazonaws.com}
"""


def test_a_creation_that_fails_in_the_middle_leaves_nothing_and_says_which_resource_failed(aws: LocalAWS) -> None:
    stack = Stack(aws, BROKEN)
    stack.change("CREATE")
    assert stack.described["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack.statuses("Permission") == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert stack.statuses("Bucket")[-1] == "DELETE_COMPLETE"
    assert f"{stack.name}-bucket" not in {each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]}
    with pytest.raises(ClientError, match="can not be updated"):
        stack.change("UPDATE")


def test_an_update_that_fails_in_the_middle_restores_what_was_there(aws: LocalAWS) -> None:
    stack = Stack(aws, TOPIC)
    stack.change("CREATE", With="yes")
    broken = TOPIC.replace("Outputs:", BROKEN.partition("Permission:")[2].join(["  Permission:", "Outputs:"]))
    broken = broken.replace("DisplayName: !If [HasQueue, one, two]", "DisplayName: three")
    stack.change("UPDATE", broken, With="yes")
    assert stack.described["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    shown = aws.client("sns").get_topic_attributes(TopicArn=stack.outputs["Topic"])["Attributes"]
    assert shown["DisplayName"] == "one"


def test_deleting_a_stack_keeps_what_its_template_retains(aws: LocalAWS) -> None:
    stack = Stack(aws, BROKEN.partition("  Permission:")[0])
    stack.change("CREATE")
    stack.cloudformation.delete_stack(StackName=stack.name)
    assert f"{stack.name}-bucket" in {each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]}
    with pytest.raises(ClientError, match="does not exist"):
        assert stack.described


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: {A: {Type: 'AWS::EC2::VPC'}}", "local AWS has no AWS::EC2::VPC"),
        ("Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {Colour: red}}}", "no property Colour"),
        ("Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref B}}}", r"dependencies \[B\]"),
        ("Parameters: {P: {Type: String}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}", r"\[P\] must have values"),
        ("Resources: {}", "At least one Resources member"),
        ("Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Base64 b}}}", "no Fn::Base64"),
        ("Resources: [", "Template format error"),
        (f"Description: {'x' * 52_000}\nResources: {{A: {{Type: 'AWS::SNS::Topic'}}}}", "51200"),
    ],
)
def test_a_template_that_local_aws_cannot_create_is_refused(aws: LocalAWS, text: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        Stack(aws, text).change("CREATE")


def test_a_role_with_a_name_needs_the_capability_for_it(aws: LocalAWS) -> None:
    trust = "{Version: '2012-10-17', Statement: []}"
    text = (
        f"Resources: {{A: {{Type: 'AWS::IAM::Role', Properties: {{RoleName: r, AssumeRolePolicyDocument: {trust}}}}}}}"
    )
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM"):
        aws.client("cloudformation").create_change_set(
            StackName="any", ChangeSetName="any", ChangeSetType="CREATE", TemplateBody=text
        )
