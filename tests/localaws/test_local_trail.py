import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.account import ROLE, Account

PUTTER = """
import os, boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="from/function", Body=b"secret body")
"""


def calls(account: Account, **told: Any) -> list[dict[str, Any]]:
    """The calls that name this account's bucket, functions, jobs ..., and have these members."""
    mine = [event for event in account.aws.trail if account.name in json.dumps(event["requestParameters"])]
    return [event for event in mine if told.items() <= event.items()]


def names(account: Account, source: str) -> list[str]:
    return [event["eventName"] for event in calls(account, eventSource=f"{source}.amazonaws.com")]


def test_a_call_is_told_with_its_members_and_what_it_made(account: Account) -> None:
    job = account.glue_job("print('done')")
    started = account.glue.start_job_run(JobName=job, Arguments={"--Day": "monday"})
    account.glue_end(job, started["JobRunId"])
    (event,) = calls(account, eventName="StartJobRun")
    assert event.pop("eventTime").endswith("Z")
    assert event.pop("userAgent").startswith("Boto3/")
    assert event == {
        "eventSource": "glue.amazonaws.com",
        "eventName": "StartJobRun",
        "awsRegion": "us-east-1",
        "requestParameters": {"jobName": job, "arguments": {"--Day": "monday"}},
        "responseElements": {"jobRunId": started["JobRunId"]},
    }


def test_what_only_reads_is_left_out(account: Account) -> None:
    job = account.glue_job("")
    account.glue.get_job(JobName=job)
    account.glue.batch_get_jobs(JobNames=[job])
    account.keys()
    account.s3.head_bucket(Bucket=account.name)
    account.sagemaker.list_training_jobs(NameContains=account.name)
    assert names(account, "glue") == ["CreateJob"]
    assert names(account, "s3") == ["CreateBucket", "PutObject"]
    assert names(account, "sagemaker") == []


def test_each_way_of_changing_an_object_has_its_name_and_never_a_body(account: Account) -> None:
    s3, bucket = account.s3, account.name
    account.put("raw/a b+ä", "the body")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "raw/a b+ä"})
    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(PartNumber=1, Body=b"x", **upload)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(MultipartUpload=parts, **upload)
    s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "parts"}]})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert names(account, "s3") == [
        "CreateBucket",
        "PutObject",
        "CopyObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "PutObjectTagging",
        "DeleteObject",
        "DeleteObjects",
        "PutBucketNotificationConfiguration",
    ]
    (put,) = calls(account, eventName="PutObject")
    assert put["requestParameters"] == {"bucketName": bucket, "key": "raw/a b+ä"}
    assert calls(account, eventName="DeleteObjects")[0]["requestParameters"] == {"bucketName": bucket}
    assert "the body" not in json.dumps(account.aws.trail)


def test_the_other_protocols_are_understood_too(account: Account) -> None:
    name = account.function(PUTTER, Environment={"Variables": {"BUCKET": account.name}})
    account.invoke(name, {"secret": "event"})
    account.aws.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    topic = account.aws.client("sns").create_topic(Name=account.name)["TopicArn"]
    account.aws.client("sns").publish(TopicArn=topic, Message="hello")
    queue = account.aws.client("sqs").create_queue(QueueName=account.name)["QueueUrl"]
    account.aws.client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert names(account, "lambda") == ["CreateFunction", "Invoke", "PutFunctionConcurrency"]
    created, invoked, limited = calls(account, eventSource="lambda.amazonaws.com")
    assert created["requestParameters"]["functionName"] == name
    assert created["requestParameters"]["code"] == {}
    assert created["responseElements"]["functionArn"].endswith(f":{name}")
    assert invoked["requestParameters"] == {"functionName": name}
    assert limited["requestParameters"] == {"functionName": name, "reservedConcurrentExecutions": 3}
    assert calls(account, eventName="CreateRole")[0]["requestParameters"]["roleName"] == f"functions-of-{account.name}"
    assert calls(account, eventName="Publish")[0]["requestParameters"] == {"topicArn": topic, "message": "hello"}
    assert names(account, "sqs") == ["CreateQueue", "SendMessage"]


def test_a_functions_calls_are_in_and_local_awss_own_are_not(account: Account) -> None:
    name = account.function(PUTTER, Environment={"Variables": {"BUCKET": account.name}})
    account.invoke(name, {})
    account.train(account.name, account.put_code(train="print('trained')"))
    keys = [event["requestParameters"].get("key") for event in calls(account, eventName="PutObject")]
    # Not the model's archive, which local AWS uploads.
    assert keys == ["from/function", "code/sourcedir.tar.gz"]
    assert names(account, "logs") == []


def test_a_state_machines_calls_are_those_of_step_functions(account: Account) -> None:
    job = account.glue_job("print('done')")
    run = {"JobName": job}
    state = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": run, "End": True}
    machine = account.machine("run", run=state)
    account.execute(machine)
    (started,) = calls(account, eventName="StartExecution")
    assert started["eventSource"] == "states.amazonaws.com"
    assert started["requestParameters"] == {"stateMachineArn": machine, "input": "{}"}
    assert ":execution:" in started["responseElements"]["executionArn"]
    (run_started,) = calls(account, eventName="StartJobRun")
    assert run_started["userAgent"] == "states.amazonaws.com"


def test_a_call_that_failed_says_how(account: Account) -> None:
    with pytest.raises(ClientError):
        account.glue.start_job_run(JobName=account.name)
    with pytest.raises(ClientError):
        account.s3.put_object(Bucket=f"{account.name}-not", Key="a", Body=b"")
    with pytest.raises(ClientError):
        account.aws.client("lambda").invoke(FunctionName=account.name)
    with pytest.raises(ClientError):
        account.aws.client("sns").publish(TopicArn=f"arn:aws:sns:us-east-1:123456789012:{account.name}", Message="a")
    failed = {event["eventName"]: event.get("errorCode") for event in calls(account)}
    assert failed == {
        "CreateBucket": None,
        "StartJobRun": "EntityNotFoundException",
        "PutObject": "NoSuchBucket",
        "Invoke": "ResourceNotFoundException",
        "Publish": "NotFound",
    }
    (run,) = calls(account, eventName="StartJobRun")
    assert run["errorMessage"]
    assert "responseElements" not in run


def test_members_that_are_too_long_are_left_out(account: Account) -> None:
    machines = account.aws.client("stepfunctions")
    long = {"Comment": "x" * 1_100_000, "StartAt": "a", "States": {"a": {"Type": "Succeed"}}}
    with pytest.raises(ClientError):
        machines.create_state_machine(name=account.name, definition=json.dumps(long), roleArn="no role")
    machines.create_state_machine(name=account.name, definition=json.dumps(long), roleArn=ROLE)
    omitted = {"omitted": True, "reason": "requestParameters too large"}
    mine = [event for event in account.aws.trail if event["requestParameters"] == omitted]
    assert [event["eventName"] for event in mine] == ["CreateStateMachine"] * 2
    assert account.name in mine[1]["responseElements"]["stateMachineArn"]


def test_the_trail_is_a_file_that_begins_with_the_server(account: Account) -> None:
    file: Path = account.aws.folder / "cloudtrail.jsonl"
    before, trail, after = file.read_text().splitlines(), account.aws.trail, file.read_text().splitlines()
    # What others had started before may be written between any two of these.
    assert [json.loads(line) for line in before] == trail[: len(before)]
    assert [json.loads(line) for line in after[: len(trail)]] == trail
