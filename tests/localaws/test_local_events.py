import json
from typing import Any

import pytest

from localaws.events.pattern import PatternError, matches
from tests.localaws.account import Account, wait
from tests.waiting import until

CREATED = {"source": "aws.s3", "detail": {"object": {"key": "raw/a b.csv", "size": 7}, "tags": ["x", "y"]}}
# Writes each event that it gets into the bucket, under a name of its own.
RECORDER = """
import json, boto3
def handler(event, context):
    key = f"events/{context.aws_request_id}"
    boto3.client("s3").put_object(Bucket=%r, Key=key, Body=json.dumps(event).encode())
"""


# Fails once the object `go` is there.
WAITING = """
import time, boto3
def handler(event, context):
    s3, bucket = boto3.client("s3"), "%(bucket)s"
    while "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="go"):
        time.sleep(0.05)
    s3.put_object(Bucket=bucket, Key="ended", Body=b"")
    raise ValueError
"""


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (["raw/a b.csv", "other"], True),
        (["other"], False),
        ([{"prefix": "raw/"}], True),
        ([{"prefix": {"equals-ignore-case": "RAW/"}}], True),
        ([{"suffix": ".csv"}], True),
        ([{"suffix": ".json"}], False),
        ([{"wildcard": "raw/*.csv"}], True),
        ([{"wildcard": "raw/*.json"}], False),
        ([{"anything-but": ["raw/a b.csv"]}], False),
        ([{"anything-but": {"prefix": "processed/"}}], True),
        ([{"anything-but": {"suffix": [".csv", ".txt"]}}], False),
        ([{"exists": True}], True),
        ([{"exists": False}], False),
    ],
)
def test_a_pattern_chooses_keys(key: list[Any], answer: bool) -> None:
    assert matches({"source": ["aws.s3"], "detail": {"object": {"key": key}}}, CREATED) is answer


def test_a_pattern_chooses_numbers_lists_absences_and_alternatives() -> None:
    assert matches({"detail": {"object": {"size": [{"numeric": [">", 0, "<=", 7]}]}}}, CREATED)
    assert not matches({"detail": {"object": {"size": [{"numeric": ["=", 8]}]}}}, CREATED)
    assert matches({"detail": {"tags": ["y"]}}, CREATED)
    assert matches({"detail": {"object": {"version-id": [{"exists": False}]}}}, CREATED)
    assert not matches({"detail": {"missing": {"deeper": ["x"]}}}, CREATED)
    assert matches({"$or": [{"source": ["aws.glue"]}, {"source": ["aws.s3"]}]}, CREATED)
    with pytest.raises(PatternError, match="'source' must be an object or an array"):
        matches({"source": "aws.s3"}, CREATED)
    with pytest.raises(PatternError, match="unknown operator 'regex'"):
        matches({"source": [{"regex": "a"}]}, CREATED)


def watch(account: Account, target: str, key: list[Any], **more: Any) -> None:
    events, rule = account.aws.client("events"), f"rule-of-{account.name}"
    detail = {"bucket": {"name": [account.name]}, "object": {"key": key}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": target, **more}])
    account.s3.put_bucket_notification_configuration(
        Bucket=account.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def function_arn(account: Account, code: str) -> str:
    name = account.function(code)
    arn: str = account.aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return arn


def recorded(account: Account, count: int) -> list[dict[str, Any]]:
    wait(lambda: {"there": len(account.keys("events/")) >= count}, "there", {False})  # type: ignore[arg-type]
    return [json.loads(account.get(key)) for key in account.keys("events/")]


def test_every_way_of_making_an_object_is_an_event_for_the_rules_that_match(account: Account) -> None:
    watch(account, function_arn(account, RECORDER % account.name), [{"prefix": "raw/"}])
    account.put("code/ignored", b"")
    account.put("raw/a b+ä.csv", b"12345")
    account.s3.copy_object(
        Bucket=account.name, Key="raw/copy", CopySource={"Bucket": account.name, "Key": "code/ignored"}
    )
    upload = account.s3.create_multipart_upload(Bucket=account.name, Key="raw/parts")["UploadId"]
    where = {"Bucket": account.name, "Key": "raw/parts", "UploadId": upload}
    part = account.s3.upload_part(PartNumber=1, Body=b"x", **where)
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    account.s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    events = {event["detail"]["object"]["key"]: event for event in recorded(account, 3)}
    assert {key: event["detail"]["reason"] for key, event in events.items()} == {
        "raw/a b+ä.csv": "PutObject",
        "raw/copy": "CopyObject",
        "raw/parts": "CompleteMultipartUpload",
    }
    put = events["raw/a b+ä.csv"]
    assert (put["source"], put["detail-type"], put["account"]) == ("aws.s3", "Object Created", "123456789012")
    assert put["detail"]["bucket"] == {"name": account.name}
    made = put["detail"]["object"]
    assert made.keys() == {"key", "size", "etag", "sequencer"}
    assert (made["size"], made["etag"]) == (5, "827ccb0eea8a706c4c34a16891f84e7b")
    assert made["sequencer"] < events["raw/copy"]["detail"]["object"]["sequencer"]


def test_an_object_of_a_versioned_bucket_comes_with_its_version(account: Account) -> None:
    account.s3.put_bucket_versioning(Bucket=account.name, VersioningConfiguration={"Status": "Enabled"})
    watch(account, function_arn(account, RECORDER % account.name), ["raw/a"], InputPath="$.detail.object")
    version = account.s3.put_object(Bucket=account.name, Key="raw/a", Body=b"")["VersionId"]
    (made,) = recorded(account, 1)
    assert made["version-id"] == version


def test_a_put_neither_waits_for_a_target_nor_fails_with_it(account: Account) -> None:
    arn = function_arn(account, WAITING % {"bucket": account.name})
    watch(account, arn, ["raw/a"])
    events = account.aws.client("events")
    nowhere = "arn:aws:lambda:us-east-1:123456789012:function:nowhere"
    events.put_targets(Rule=f"rule-of-{account.name}", Targets=[{"Id": "2", "Arn": nowhere}])
    account.put("raw/a", b"")
    # The function waits for this, which a put that waited for the function would never have come to.
    account.put("go", b"")
    until(lambda: account.keys("ended") == ["ended"])


def test_an_event_starts_a_state_machine_with_the_event_as_its_input(account: Account) -> None:
    machine = account.machine("done", done={"Type": "Pass", "OutputPath": "$.detail.object.key", "End": True})
    watch(account, machine, [{"suffix": ".csv"}])
    account.put("raw/a.csv", b"")
    listed = account.aws.client("stepfunctions").list_executions
    wait(lambda: {"there": bool(listed(stateMachineArn=machine)["executions"])}, "there", {False})  # type: ignore[arg-type]
    (execution,) = listed(stateMachineArn=machine)["executions"]
    assert account.execution_end(execution["executionArn"])["output"] == '"raw/a.csv"'


def test_a_file_that_lands_goes_through_a_function_and_a_state_machine_into_a_job(account: Account) -> None:
    job = account.glue_job("import sys; print('classified', sys.argv[-1])")
    run = {"JobName": job, "Arguments": {"--key.$": "$.key"}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": run, "End": True}
    machine = account.machine("classify", classify=state)
    starter = """
        import hashlib, json, os, boto3
        def handler(event, context):
            made = event["detail"]["object"]
            boto3.client("stepfunctions").start_execution(
                stateMachineArn=os.environ["MACHINE"],
                name=hashlib.sha256((made["key"] + made["etag"]).encode()).hexdigest(),
                input=json.dumps({"key": made["key"]}),
            )
        """
    name = account.function(starter, Environment={"Variables": {"MACHINE": machine}})
    arn = account.aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    watch(account, arn, [{"prefix": "raw/"}])
    account.put("raw/new.csv", b"a,b")
    listed = account.aws.client("stepfunctions").list_executions
    wait(lambda: {"there": bool(listed(stateMachineArn=machine)["executions"])}, "there", {False})  # type: ignore[arg-type]
    (execution,) = listed(stateMachineArn=machine)["executions"]
    ended = account.execution_end(execution["executionArn"])
    assert ended["status"] == "SUCCEEDED"
    assert account.log("/aws-glue/jobs/output", json.loads(ended["output"])["Id"]) == ["classified raw/new.csv"]
