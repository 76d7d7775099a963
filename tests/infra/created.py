"""What the services' APIs say of a resource, in the words of its template: the other side of *declared*."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localaws import LocalAWS

Json = dict[str, Any]
Reader = Callable[[LocalAWS, str, Json], Json]


def bucket(aws: LocalAWS, name: str, declared: Json) -> Json:
    s3 = aws.client("s3")
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    encryption = [
        {
            "BucketKeyEnabled": each["BucketKeyEnabled"],
            "ServerSideEncryptionByDefault": each["ApplyServerSideEncryptionByDefault"],
        }
        for each in rules
    ]
    sent = s3.get_bucket_notification_configuration(Bucket=name)
    access = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    return {
        "BucketName": name,
        "VersioningConfiguration": {"Status": s3.get_bucket_versioning(Bucket=name)["Status"]},
        "OwnershipControls": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"],
        "PublicAccessBlockConfiguration": access,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption},
        "NotificationConfiguration": {
            "EventBridgeConfiguration": {"EventBridgeEnabled": "EventBridgeConfiguration" in sent}
        },
        "LifecycleConfiguration": {"Rules": [_rule(each) for each in lifecycle]},
    }


def _rule(rule: Json) -> Json:
    found: Json = {"Id": rule["ID"], "Status": rule["Status"]}
    if prefix := rule.get("Filter", {}).get("Prefix"):
        found["Prefix"] = prefix
    if "Expiration" in rule:
        found["ExpirationInDays"] = rule["Expiration"]["Days"]
    more = ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    return found | {name: rule[name] for name in more if name in rule}


def bucket_policy(aws: LocalAWS, name: str, declared: Json) -> Json:
    return {"Bucket": name, "PolicyDocument": json.loads(aws.client("s3").get_bucket_policy(Bucket=name)["Policy"])}


def topic(aws: LocalAWS, arn: str, declared: Json) -> Json:
    found = aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"TopicName": arn.rpartition(":")[2], **_present(found, "KmsMasterKeyId")}


def topic_policy(aws: LocalAWS, name: str, declared: Json) -> Json:
    documents = [
        json.loads(aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        for arn in declared["Topics"]
    ]
    return {"Topics": declared["Topics"], "PolicyDocument": documents[0]}


def subscription(aws: LocalAWS, arn: str, declared: Json) -> Json:
    found = aws.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return {name: found[name] for name in ("TopicArn", "Protocol", "Endpoint")}


def queue(aws: LocalAWS, url: str, declared: Json) -> Json:
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId")
    return {"QueueName": url.rpartition("/")[2], **_present(found, *names)}


def queue_policy(aws: LocalAWS, name: str, declared: Json) -> Json:
    url = declared["Queues"][0]
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    return {"Queues": [url], "PolicyDocument": json.loads(found["Policy"])}


def database(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("glue").get_database(Name=name)["Database"]
    return {"CatalogId": found["CatalogId"], "DatabaseInput": _present(found, "Name", "Description")}


def table(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("glue").get_table(DatabaseName=declared["DatabaseName"], Name=name)["Table"]
    return {"CatalogId": "123456789012", "DatabaseName": found["DatabaseName"], "TableInput": found}


def workgroup(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]
    return {
        "Name": name,
        "Description": found["Description"],
        "RecursiveDeleteOption": True,  # of the deletion, not of the workgroup
        "WorkGroupConfiguration": found["Configuration"],
    }


def key(aws: LocalAWS, name: str, declared: Json) -> Json:
    kms = aws.client("kms")
    return {
        "Description": kms.describe_key(KeyId=name)["KeyMetadata"]["Description"],
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]),
    }


def alias(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = next(each for each in aws.client("kms").list_aliases()["Aliases"] if each["AliasName"] == name)
    return {"AliasName": name, "TargetKeyId": found["TargetKeyId"]}


def log_group(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    exact = next(each for each in found if each["logGroupName"] == name)
    return {"LogGroupName": name, "RetentionInDays": exact.get("retentionInDays")}


def role(aws: LocalAWS, name: str, declared: Json) -> Json:
    iam = aws.client("iam")
    found = iam.get_role(RoleName=name)["Role"]
    policies = [iam.get_role_policy(RoleName=name, PolicyName=each["PolicyName"]) for each in declared["Policies"]]
    assert sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) == sorted(
        each["PolicyName"] for each in policies
    )
    return {
        "RoleName": name,
        "Description": found["Description"],
        "AssumeRolePolicyDocument": found["AssumeRolePolicyDocument"],
        "Policies": [{"PolicyName": each["PolicyName"], "PolicyDocument": each["PolicyDocument"]} for each in policies],
    }


def glue_job(aws: LocalAWS, name: str, declared: Json) -> Json:
    found: Json = aws.client("glue").get_job(JobName=name)["Job"]
    return found


def function(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("lambda").get_function(FunctionName=name)["Configuration"]
    layers = [each["Arn"] for each in found.get("Layers", [])]
    # The code is compared by the tests of the functions.
    return found | {"Layers": layers, "Code": declared["Code"]}


def layer(aws: LocalAWS, arn: str, declared: Json) -> Json:
    name, version = arn.rsplit(":", 2)[1:]
    found = aws.client("lambda").get_layer_version(LayerName=name, VersionNumber=int(version))
    return found | {"LayerName": name, "Content": declared["Content"]}


def permission(aws: LocalAWS, name: str, declared: Json) -> Json:
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=declared["FunctionName"])["Policy"])
    statement = next(each for each in policy["Statement"] if each["Sid"] == name)
    return {
        "FunctionName": statement["Resource"].rpartition(":")[2],
        "Action": statement["Action"],
        "Principal": statement["Principal"]["Service"],
        "SourceArn": statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    }


def invocations(aws: LocalAWS, name: str, declared: Json) -> Json:
    function, qualifier = name.split("|")
    found = aws.client("lambda").get_function_event_invoke_config(FunctionName=function)
    return {"FunctionName": function, "Qualifier": qualifier, **found}


def machine(aws: LocalAWS, arn: str, declared: Json) -> Json:
    found = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert "${" not in found["definition"]
    logging = found["loggingConfiguration"]
    groups = [each["cloudWatchLogsLogGroup"]["logGroupArn"] for each in logging["destinations"]]
    return {
        "StateMachineName": found["name"],
        "RoleArn": found["roleArn"],
        "DefinitionS3Location": declared["DefinitionS3Location"],
        "DefinitionSubstitutions": declared["DefinitionSubstitutions"],
        "LoggingConfiguration": {
            "Level": logging["level"],
            "IncludeExecutionData": logging["includeExecutionData"],
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": each}} for each in groups],
        },
    }


def rule(aws: LocalAWS, name: str, declared: Json) -> Json:
    events = aws.client("events")
    found = events.describe_rule(Name=name)
    if "EventPattern" in found:
        found["EventPattern"] = json.loads(found["EventPattern"])
    return found | {"Targets": events.list_targets_by_rule(Rule=name)["Targets"]}


def alarm(aws: LocalAWS, name: str, declared: Json) -> Json:
    (found,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def dashboard(aws: LocalAWS, name: str, declared: Json) -> Json:
    found = aws.client("cloudwatch").get_dashboard(DashboardName=name)
    return {"DashboardName": name, "DashboardBody": found["DashboardBody"]}


def _present(found: Mapping[str, Any], *names: str) -> Json:
    return {name: found[name] for name in names if found.get(name) not in (None, "")}


READERS: dict[str, Reader] = {
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SNS::Topic": topic,
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::SNS::Subscription": subscription,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::Glue::Database": database,
    "AWS::Glue::Table": table,
    "AWS::Athena::WorkGroup": workgroup,
    "AWS::KMS::Key": key,
    "AWS::KMS::Alias": alias,
    "AWS::Logs::LogGroup": log_group,
    "AWS::IAM::Role": role,
    "AWS::Glue::Job": glue_job,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::LayerVersion": layer,
    "AWS::Lambda::Permission": permission,
    "AWS::Lambda::EventInvokeConfig": invocations,
    "AWS::StepFunctions::StateMachine": machine,
    "AWS::Events::Rule": rule,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": dashboard,
}

# What `!GetAtt` gives of a resource, by its physical id.
ATTRIBUTES: dict[str, Callable[[str], Json]] = {
    "AWS::IAM::Role": lambda name: {"Arn": f"arn:aws:iam::123456789012:role/{name}"},
    "AWS::Lambda::Function": lambda name: {"Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}"},
    "AWS::Logs::LogGroup": lambda name: {"Arn": f"arn:aws:logs:us-east-1:123456789012:log-group:{name}:*"},
    "AWS::Events::Rule": lambda name: {"Arn": f"arn:aws:events:us-east-1:123456789012:rule/{name}"},
    "AWS::KMS::Key": lambda name: {"Arn": f"arn:aws:kms:us-east-1:123456789012:key/{name}"},
    "AWS::SQS::Queue": lambda url: {"Arn": f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"},
}


def differences(declared: Any, created: Any, at: str = "") -> list[str]:
    """Where what is declared is not what was created; numbers and texts of the same value are the same."""
    if isinstance(declared, dict) and isinstance(created, dict):
        return [
            problem
            for name, each in declared.items()
            for problem in differences(each, created.get(name), f"{at}.{name}")
        ]
    if isinstance(declared, list) and isinstance(created, list) and len(declared) == len(created):
        pairs = zip(declared, created, strict=True)
        return [problem for n, (left, right) in enumerate(pairs) for problem in differences(left, right, f"{at}[{n}]")]
    same = declared == created or str(declared).lower() == str(created).lower()
    return [] if same else [f"{at}: declared {declared!r}, created {created!r}"]
