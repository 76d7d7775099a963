"""What a state folder keeps when its server is gone, stopped or killed: servers of their own, since moto is one."""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.server.credentials import read_credentials
from tests.localaws.account import ROLE

BUCKET = "complaints"
PART = b"p" * (5 << 20)


class Running:
    """`python -m localaws --state … --keep`, and clients that ask once."""

    def __init__(self, state: Path, *options: str) -> None:
        self.process = start(state, *options)
        assert self.process.stdout is not None
        started = json.loads(self.process.stdout.readline())
        self.endpoint = started["endpoint"]
        self.credentials = read_credentials(Path(started["credentials"]))
        assert self.credentials
        self.s3, self.sagemaker = self.client("s3"), self.client("sagemaker")

    def client(self, service: str) -> Any:
        once = Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=32)
        session = boto3.session.Session(**self.credentials.session, region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint, config=once)


def start(state: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "localaws", "--state", str(state), "--no-standby", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(state: Path, *options: str, end: signal.Signals = signal.SIGTERM) -> Iterator[Running]:
    with ExitStack() as stack:
        server = Running(state, *(options or ("--keep",)))
        stack.enter_context(server.process)
        stack.callback(server.process.send_signal, end)
        for client in (server.s3, server.sagemaker):
            stack.callback(client.close)
        yield server


def refused(state: Path) -> str:
    """What a server says that does not start: one line, and no traceback."""
    with start(state, "--keep") as process:
        said, told = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "")
    assert len(told.splitlines()) == 1, told
    return told


def everything(s3: Any, bucket: str = BUCKET) -> dict[str, Any]:
    """All that S3 tells of a bucket and its objects, but for the requests' own ids."""
    listed = s3.list_object_versions(Bucket=bucket)
    versions = {}
    for each in listed.get("Versions", []):
        named = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
        told, tags = s3.get_object(**named), s3.get_object_tagging(**named)["TagSet"]
        body = told.pop("Body").read()
        told.pop("ResponseMetadata")
        versions[each["Key"], each["VersionId"]] = {"listed": each, "told": told, "body": body, "tags": tags}
    notified = s3.get_bucket_notification_configuration(Bucket=bucket)
    notified.pop("ResponseMetadata")
    return {
        "versions": versions,
        "order": [(each["Key"], each["VersionId"]) for each in listed.get("Versions", [])],
        "deleted": listed.get("DeleteMarkers", []),
        "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status"),
        "notified": notified,
        "buckets": [(each["Name"], each["CreationDate"]) for each in s3.list_buckets()["Buckets"]],
    }


def fill(s3: Any) -> None:
    """A bucket without versions and then with, and what may be done to an object."""
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="raw/before versions.csv", Body=b"old")
    s3.put_object(Bucket=BUCKET, Key="raw/overwritten.csv", Body=b"first")
    s3.put_object(Bucket=BUCKET, Key="raw/overwritten.csv", Body=b"second")
    s3.put_object(Bucket=BUCKET, Key="raw/gone.csv", Body=b"gone")
    s3.delete_object(Bucket=BUCKET, Key="raw/gone.csv")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:absent", "Events": ["s3:ObjectRemoved:*"]}
    told = {"EventBridgeConfiguration": {}, "QueueConfigurations": [queue]}
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=told)
    for body in (b"", b"one", b"three"):
        s3.put_object(
            Bucket=BUCKET,
            Key="raw/ü/ & 'quoted' \U0001f600.csv",
            Body=body,
            ContentType="text/csv; charset=utf-8",
            ContentEncoding="identity",
            Metadata={"Origin": "a hand", "size": str(len(body))},
            Tagging="team=complaints",
        )
    s3.delete_object(Bucket=BUCKET, Key="raw/before versions.csv")
    s3.delete_object(Bucket=BUCKET, Key="raw/before versions.csv")
    s3.put_object(Bucket=BUCKET, Key="raw/before versions.csv", Body=b"new")
    s3.delete_object(Bucket=BUCKET, Key="raw/overwritten.csv", VersionId="null")
    s3.put_object(Bucket=BUCKET, Key="raw/hidden.csv", Body=b"hidden")
    s3.delete_object(Bucket=BUCKET, Key="raw/hidden.csv")
    s3.put_object_tagging(
        Bucket=BUCKET, Key="raw/before versions.csv", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    )
    s3.copy_object(Bucket=BUCKET, Key="copy.csv", CopySource={"Bucket": BUCKET, "Key": "raw/before versions.csv"})
    in_parts(s3, "parts.bin")


def in_parts(s3: Any, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, Metadata={"in": "parts"})["UploadId"]
    parts = []
    for number, body in enumerate((PART, PART[:-1] + b"q", b"end"), start=1):
        named = {"Bucket": BUCKET, "Key": key, "UploadId": upload, "PartNumber": number}
        parts.append({"PartNumber": number, "ETag": s3.upload_part(**named, Body=body)["ETag"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A server that was killed, and what the next one and the one after that tell."""
    state = tmp_path_factory.mktemp("state")
    told = {}
    for name, end in (("before", signal.SIGKILL), ("after", signal.SIGTERM), ("later", signal.SIGTERM)):
        with running(state, end=end) as server:
            if name == "before":
                fill(server.s3)
            told[name] = everything(server.s3)
    return {**told, "state": state}


def test_all_that_s3_tells_is_the_same_after_a_kill_and_a_clean_stop(before_and_after: dict[str, Any]) -> None:
    before = before_and_after["before"]
    assert len(before["versions"]) == 8
    assert len(before["deleted"]) == 3
    assert [each["Events"] for each in before["notified"]["QueueConfigurations"]] == [["s3:ObjectRemoved:*"]]
    parts = next(each for (key, _), each in before["versions"].items() if key == "parts.bin")
    assert (len(parts["body"]), parts["listed"]["ETag"][-3:]) == (2 * len(PART) + 3, '-3"')
    assert before_and_after["after"] == before
    assert before_and_after["later"] == before


def test_eventbridge_goes_on_hearing_of_objects(before_and_after: dict[str, Any]) -> None:
    # moto's GetBucketNotificationConfiguration leaves EventBridge out: what counts is that the events come.
    with running(before_and_after["state"]) as server:
        events, sqs = server.client("events"), server.client("sqs")
        url = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"]}))
        events.put_targets(Rule="objects", Targets=[{"Id": "1", "Arn": arn}])
        version = server.s3.put_object(Bucket=BUCKET, Key="raw/new.csv", Body=b"new")["VersionId"]
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        told = json.loads(message["Body"])["detail"]["object"]
        assert (told["key"], told["version-id"]) == ("raw/new.csv", version)
        server.s3.delete_object(Bucket=BUCKET, Key="raw/new.csv", VersionId=version)
        events.close()
        sqs.close()


def test_only_bytes_that_a_version_has_are_left_in_the_folder(before_and_after: dict[str, Any]) -> None:
    contents = before_and_after["state"] / "s3" / "buckets" / BUCKET / "contents"
    kept = sorted(path.read_bytes() for path in contents.iterdir())
    assert kept == sorted(each["body"] for each in before_and_after["before"]["versions"].values())


def test_conditional_writes_know_what_was_there_before_the_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.s3.create_bucket(Bucket=BUCKET)
        etag = server.s3.put_object(Bucket=BUCKET, Key="pointer", Body=b"v1")["ETag"]
    with running(tmp_path) as server:
        put = {"Bucket": BUCKET, "Key": "pointer", "Body": b"v2"}
        for refused_condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"00000000000000000000000000000000"'}):
            with pytest.raises(ClientError, match="PreconditionFailed"):
                server.s3.put_object(**put, **refused_condition)
        server.s3.put_object(**put, IfMatch=etag)
        with pytest.raises(ClientError, match="PreconditionFailed"):
            server.s3.put_object(**put, IfMatch=etag)
    with running(tmp_path) as server:
        assert server.s3.get_object(Bucket=BUCKET, Key="pointer")["Body"].read() == b"v2"


def test_a_bucket_may_be_deleted_and_made_anew_and_everything_forgotten(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        for bucket in (BUCKET, "other"):
            server.s3.create_bucket(Bucket=bucket)
            server.s3.put_object(Bucket=bucket, Key="a", Body=b"a")
        server.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "a"}]})
        server.s3.delete_bucket(Bucket=BUCKET)
    with running(tmp_path) as server:
        assert [each["Name"] for each in server.s3.list_buckets()["Buckets"]] == ["other"]
        server.s3.create_bucket(Bucket=BUCKET)
        assert server.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    with running(tmp_path, "--minute", "60") as server:
        assert server.s3.list_buckets()["Buckets"] == []


def test_every_put_that_was_acknowledged_is_there_after_a_kill_and_none_is_half(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    enough = threading.Event()

    def put(server: Running, writer: int) -> None:
        for number in range(100_000):
            key = f"writer-{writer}/{number % 40}"
            try:
                server.s3.put_object(Bucket=BUCKET, Key=key, Body=content(key, number), Metadata={"n": str(number)})
            except (ClientError, BotoCoreError):
                return
            acknowledged[key] = number
            if len(acknowledged) >= 150:
                enough.set()

    with running(tmp_path, end=signal.SIGKILL) as server:
        server.s3.create_bucket(Bucket=BUCKET)
        writers = [threading.Thread(target=put, args=(server, each)) for each in range(4)]
        for writer in writers:
            writer.start()
        assert enough.wait(120)
        server.process.kill()
        for writer in writers:
            writer.join()
    with running(tmp_path) as server:
        there = {each["Key"] for each in server.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
        assert acknowledged.keys() <= there
        for key in there:
            told = server.s3.get_object(Bucket=BUCKET, Key=key)
            number = int(told["Metadata"]["n"])
            # The one put after the last that was acknowledged may have been written, and its answer lost.
            assert number in (acknowledged.get(key, number), acknowledged.get(key, number) + 40), key
            assert told["Body"].read() == content(key, number)


def test_a_reader_never_misses_a_version_that_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.s3.create_bucket(Bucket=BUCKET)
        bodies = [content("pointer", number) for number in range(150)]
        server.s3.put_object(Bucket=BUCKET, Key="pointer", Body=bodies[0])
        ended = threading.Event()
        read: list[bytes] = []
        failures: list[Exception] = []

        def reader() -> None:
            while not ended.is_set():
                try:
                    read.append(server.s3.get_object(Bucket=BUCKET, Key="pointer")["Body"].read())
                except Exception as error:
                    failures.append(error)

        readers = [threading.Thread(target=reader) for _ in range(3)]
        for each in readers:
            each.start()
        for body in bodies:
            server.s3.put_object(Bucket=BUCKET, Key="pointer", Body=body)
        ended.set()
        for each in readers:
            each.join()
        assert failures == []
        assert set(read) <= set(bodies)
    assert len([*(tmp_path / "s3" / "buckets" / BUCKET / "contents").iterdir()]) == 1


def content(key: str, number: int) -> bytes:
    return f"{key} {number} ".encode() * (1 + number % 7 * 3_000)


def test_models_outlive_their_server(tmp_path: Path) -> None:
    container = {"Image": "sklearn", "ModelDataUrl": "s3://b/model.tar.gz", "Environment": {"SAGEMAKER_PROGRAM": "x"}}
    with running(tmp_path, end=signal.SIGKILL) as server:
        for name in ("kept", "deleted"):
            server.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        server.sagemaker.delete_model(ModelName="deleted")
        before = server.sagemaker.describe_model(ModelName="kept")
    with running(tmp_path) as server:
        after = server.sagemaker.describe_model(ModelName="kept")
        assert [each["ModelName"] for each in server.sagemaker.list_models()["Models"]] == ["kept"]
    assert before["PrimaryContainer"] == container
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}


def test_model_packages_and_their_approvals_outlive_their_server(tmp_path: Path) -> None:
    container = {"Image": "sklearn", "ModelDataUrl": "s3://b/model.tar.gz"}
    with running(tmp_path, end=signal.SIGKILL) as server:
        server.sagemaker.create_model_package_group(ModelPackageGroupName="g", ModelPackageGroupDescription="all of b")
        first, second = (
            server.sagemaker.create_model_package(
                ModelPackageGroupName="g",
                ModelPackageDescription=f"v{number}",
                ModelApprovalStatus="PendingManualApproval",
                InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["application/jsonlines"]},
                CustomerMetadataProperties={"version": f"v{number}"},
            )["ModelPackageArn"]
            for number in (1, 2)
        )
        server.sagemaker.update_model_package(
            ModelPackageArn=first,
            ModelApprovalStatus="Approved",
            ApprovalDescription="by jane",
            CustomerMetadataProperties={"version": "v1", "decided_by": "jane"},
        )
        before = [server.sagemaker.describe_model_package(ModelPackageName=arn) for arn in (first, second)]
        group = server.sagemaker.describe_model_package_group(ModelPackageGroupName="g")
    with running(tmp_path) as server:
        after = [server.sagemaker.describe_model_package(ModelPackageName=arn) for arn in (first, second)]
        listed = server.sagemaker.list_model_packages(ModelPackageGroupName="g")["ModelPackageSummaryList"]
        assert {each["ModelPackageArn"] for each in listed} == {first, second}
        again = server.sagemaker.describe_model_package_group(ModelPackageGroupName="g")
    assert [each["ModelApprovalStatus"] for each in after] == ["Approved", "PendingManualApproval"]
    for old, new in zip([*before, group], [*after, again], strict=True):
        assert {**old, "ResponseMetadata": None} == {**new, "ResponseMetadata": None}


def test_two_servers_on_one_folder_are_one_too_many(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        told = refused(tmp_path)
        assert f"{tmp_path} is in use by another local AWS, process {server.process.pid}: stop it" in told
        assert server.s3.list_buckets()["Buckets"] == []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("sound")
    with running(state) as server:
        server.s3.create_bucket(Bucket=BUCKET)
        server.s3.put_object(Bucket=BUCKET, Key="a", Body=b"abcdef")
        server.sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE)
    return state


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        ("s3/format.json", "its format is 99, and this local AWS needs 1"),
        ("s3/buckets/complaints/bucket.json", "Expecting|Unterminated"),
        ("s3/buckets/complaints/keys/*.json", "Expecting|Unterminated"),
        ("s3/buckets/complaints/contents/*", "it has 3 bytes, and should have 6"),
        ("sagemaker/models/*.json", "Expecting|Unterminated"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_folder_to_remove(
    tmp_path: Path, sound: Path, damaged: str, why: str
) -> None:
    state = shutil.copytree(sound, tmp_path / "state")
    (file,) = state.glob(damaged)
    whole = file.read_bytes()
    file.write_bytes(b'{"format": 99}' if file.name == "format.json" else whole[: len(whole) // 2])
    told = refused(state)
    assert re.search(rf"cannot read {re.escape(str(file))}: ({why})", told), told
    assert told.endswith(f"Remove the folder {state / damaged.partition('/')[0]} to start without what it holds\n")
