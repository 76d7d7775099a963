"""moto's S3 without our patches: each patch's seam is there, and still needed."""

import copy
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from localaws.moto_patches.replacement import replaced
from tests.localaws.moto_patches.conftest import Unpatched
from tests.localaws.moto_patches.moto_facts import moto_clients, parameters, s3_answer

RESPONSES, MODELS, NOTIFICATIONS = "moto.s3.responses", "moto.s3.models", "moto.s3.notifications"


@pytest.mark.parametrize(
    ("module", "path", "names"),
    [
        (RESPONSES, "S3Response.put_object", ["self"]),
        (RESPONSES, "S3Response.copy_object", ["self"]),
        (RESPONSES, "S3Response.delete_object", ["self"]),
        (RESPONSES, "S3Response._key_response_post", ["self", "request", "body", "bucket_name", "query", "key_name"]),
        (RESPONSES, "S3Response._bucket_response_delete_keys", ["self", "bucket_name", "authenticated"]),
        (RESPONSES, "S3Response.get_bucket_notification", ["self"]),
        (RESPONSES, "S3Response.list_objects", ["self"]),
        (RESPONSES, "S3Response.list_objects_v2", ["self"]),
        (RESPONSES, "S3Response.list_object_versions", ["self"]),
        (RESPONSES, "S3Response._handle_range_header", ["self", "request", "response_headers", "response_content"]),
        (RESPONSES, "S3Response.serialized", ["self", "action_result"]),
        (RESPONSES, "S3Response.parse_key_name", ["self"]),
        (MODELS, "FakeBucket.get_permission", ["self", "action", "resource"]),
        (MODELS, "FakeBucket.__init__", ["self", "name", "account_id", "region_name", "bucket_namespace"]),
        (MODELS, "S3Backend.put_object_tagging", ["self", "key", "tags"]),
        (MODELS, "S3Backend.delete_object_tagging", ["self", "bucket_name", "key_name", "version_id"]),
        (NOTIFICATIONS, "_send_event_bridge_message", ["account_id", "bucket", "event_name", "key"]),
        (NOTIFICATIONS, "_invoke_awslambda", ["account_id", "event_body", "fn_arn", "region_name"]),
    ],
)
def test_the_seam_has_these_parameters(unpatched: Unpatched, module: str, path: str, names: list[str]) -> None:
    assert unpatched(parameters, module, path) == names


@pytest.mark.parametrize("name", ["put_object", "delete_object", "put_object_legal_hold", "put_object_retention"])
def test_the_backends_writes_begin_with_bucket_and_key(unpatched: Unpatched, name: str) -> None:
    assert unpatched(parameters, MODELS, f"S3Backend.{name}")[:3] == ["self", "bucket_name", "key_name"]


def writers_that_pass_the_same_check() -> int:
    """Two PutObject with If-None-Match: `*`, the second of which checks before the first has written."""
    from moto.s3.models import S3Backend

    put, both_checked, statuses = S3Backend.put_object, threading.Barrier(2), []

    def slow_put(*arguments: Any, **named: Any) -> Any:
        both_checked.wait(10)
        return put(*arguments, **named)

    def write() -> None:
        statuses.append(s3_answer("PUT", "/writers-that-pass-the-same-check/key", {"If-None-Match": "*"}, b"x")[0])

    with moto_clients("s3") as (s3,), replaced(S3Backend, {"put_object": slow_put}):
        s3.create_bucket(Bucket="writers-that-pass-the-same-check")
        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    return statuses.count(200)


def test_several_writers_win(unpatched: Unpatched) -> None:
    assert unpatched(writers_that_pass_the_same_check) == 2


def ignored_conditions() -> dict[str, int]:
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="ignored-conditions")
        for key in ("source", "there"):
            s3.put_object(Bucket="ignored-conditions", Key=key, Body=b"x")
        copy_source = {"x-amz-copy-source": "/ignored-conditions/source"}
        upload = s3.create_multipart_upload(Bucket="ignored-conditions", Key="there")["UploadId"]
        named = {"Bucket": "ignored-conditions", "Key": "there", "UploadId": upload}
        etag = s3.upload_part(**named, PartNumber=1, Body=b"y")["ETag"]
        part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        parts = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>"
        wrong, there = {"If-Match": '"0"'}, "/ignored-conditions/there"
        return {
            "copy, If-None-Match": s3_answer("PUT", there, {**copy_source, "If-None-Match": "*"})[0],
            "copy, If-Match": s3_answer("PUT", there, {**copy_source, **wrong})[0],
            "complete, If-Match": s3_answer("POST", f"{there}?uploadId={upload}", wrong, parts.encode())[0],
            "delete, If-Match: *": s3_answer("DELETE", "/ignored-conditions/source", {"If-Match": "*"})[0],
        }


def test_conditions_of_copies_uploads_and_deletions_are_wrong(unpatched: Unpatched) -> None:
    assert unpatched(ignored_conditions) == {
        "copy, If-None-Match": 200,
        "copy, If-Match": 200,
        "complete, If-Match": 200,
        "delete, If-Match: *": 412,
    }


def reads_beside_a_deletion() -> dict[str, str]:
    """What a request gets for a key that is deleted after it was found, and after its object was."""
    from moto.s3.models import FakeKey, s3_backends
    from moto.s3.utils import _VersionedKeyStore

    found = {}
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="deleted-meanwhile")
        with replaced(_VersionedKeyStore, {"__contains__": lambda *_: True}):
            try:
                s3_backends["123456789012"]["aws"].get_object("deleted-meanwhile", "key")
            except KeyError as error:
                found["key"] = repr(error)
    key, store = FakeKey("key", b"content", "123456789012", "us-east-1"), _VersionedKeyStore()
    store["key"] = key
    store.pop("key")
    try:
        found["bytes"] = key.value.decode()
    except ValueError as error:
        found["bytes"] = type(error).__name__
    return found


def test_reads_beside_a_deletion_fail(unpatched: Unpatched) -> None:
    assert unpatched(reads_beside_a_deletion) == {"key": "KeyError('key')", "bytes": "ValueError"}


def a_key_with_a_line_feed() -> int:
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="line-feeds")
        return s3_answer("PUT", "/line-feeds/a%0Ab", data=b"x")[0]


def test_a_key_with_a_line_feed_is_not_found(unpatched: Unpatched) -> None:
    assert unpatched(a_key_with_a_line_feed) == 404


def listings(query: str) -> str:
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="listings")
        s3.put_object(Bucket="listings", Key="a b/c\x01", Body=b"x")
        return s3_answer("GET", f"/listings?{query}&encoding-type=url&delimiter=%01")[1]


def test_listings_are_not_encoded(unpatched: Unpatched) -> None:
    for query in ("versions", "list-type=2", "prefix=a"):
        assert "<Delimiter>\x01</Delimiter>" in unpatched(listings, query), query
    assert "\x01</Key>" in unpatched(listings, "versions") or "\x01</Prefix>" in unpatched(listings, "versions")


def bytes_read_for_a_range() -> int:
    from moto.s3.models import FakeKey

    value: Any = vars(FakeKey)["value"]
    sizes = []

    def recorded(key: Any) -> bytes:
        found: bytes = value.fget(key)
        sizes.append(len(found))
        return found

    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="bytes-read-for-a-range")
        s3.put_object(Bucket="bytes-read-for-a-range", Key="key", Body=bytes(1_000))
        with replaced(FakeKey, {"value": property(recorded, value.fset)}):
            status, _ = s3_answer("GET", "/bytes-read-for-a-range/key", {"Range": "bytes=1-2"})
    assert status == 206
    return max(sizes)


def test_a_range_is_cut_out_of_the_whole_object(unpatched: Unpatched) -> None:
    assert unpatched(bytes_read_for_a_range) == 1_000


def object_store() -> dict[str, Any]:
    from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey
    from moto.s3.utils import _VersionedKeyStore

    bucket = FakeBucket("object-store", "123456789012", "us-east-1")
    key = FakeKey("key", b"content", "123456789012", "us-east-1", bucket_name="object-store")
    copied = copy.deepcopy(key)
    copied._value_buffer.seek(0)
    return {
        "keys": type(bucket.keys) is _VersionedKeyStore,
        "attributes": sorted(name for name in vars(key) if name in ATTRIBUTES_OF_A_KEY),
        "deep": copied._value_buffer is not key._value_buffer and copied._value_buffer.read(),
        "marker": FakeDeleteMarker.__init__.__code__.co_varnames[:3],
    }


ATTRIBUTES_OF_A_KEY = {"_value_buffer", "_etag", "_version_id", "_is_versioned", "_metadata", "contentsize", "disposed"}


def test_a_bucket_keeps_its_objects_in_a_store_that_can_be_replaced(unpatched: Unpatched) -> None:
    found = unpatched(object_store)
    assert found["keys"] is True
    assert set(found["attributes"]) == ATTRIBUTES_OF_A_KEY
    assert found["deep"] == b"content", "a listing copies the bytes of every object"


def changes_in_place() -> list[str]:
    """The operations that change an object without its bucket's store."""
    from moto.s3.models import s3_backends

    quiet = []
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="changes-in-place", ObjectLockEnabledForBucket=True)
        s3.put_object(Bucket="changes-in-place", Key="key", Body=b"x")
        store = s3_backends["123456789012"]["aws"].buckets["changes-in-place"].keys
        seen: list[str] = []
        hear = {name: lambda *_: seen.append("set") for name in ("setlist", "__setitem__")}
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2099, 1, 1, tzinfo=UTC)}
        changes: dict[str, Any] = {
            "put_object_tagging": {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
            "delete_object_tagging": {},
            "put_object_legal_hold": {"LegalHold": {"Status": "ON"}},
            "put_object_retention": {"Retention": retention},
        }
        with replaced(type(store), hear):
            for name, more in changes.items():
                getattr(s3, name)(Bucket="changes-in-place", Key="key", **more)
                if not seen:
                    quiet.append(name)
    return quiet


def test_tags_and_locks_change_an_object_in_place(unpatched: Unpatched) -> None:
    expected = ["put_object_tagging", "delete_object_tagging", "put_object_legal_hold", "put_object_retention"]
    assert unpatched(changes_in_place) == expected


def notified() -> dict[str, Any]:
    """What moto hands over to EventBridge and to Lambda for an upload in parts."""
    from moto.s3 import notifications

    bridge: list[tuple[str, bool]] = []
    functions: list[str] = []
    replacements = {
        "_send_event_bridge_message": lambda _, bucket, name, key: bridge.append(
            (getattr(name, "value", name), bool(key.multipart))
        ),
        "_invoke_awslambda": lambda account_id, event, arn, region: functions.append(
            event["Records"][0]["s3"]["object"]["key"]
        ),
    }
    with moto_clients("s3") as (s3,), replaced(notifications, replacements):
        s3.create_bucket(Bucket="notified")
        arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
        function = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
        told = {"EventBridgeConfiguration": {}, "LambdaFunctionConfigurations": [function]}
        s3.put_bucket_notification_configuration(Bucket="notified", NotificationConfiguration=told)
        bridge.clear()
        functions.clear()
        named = {"Bucket": "notified", "Key": "a/b"}
        named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
        etag = s3.upload_part(**named, PartNumber=1, Body=b"x")["ETag"]
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    return {"bridge": bridge, "functions": functions}


def test_an_upload_in_parts_is_reported_twice_and_slashes_are_encoded(unpatched: Unpatched) -> None:
    found = unpatched(notified)
    assert found["bridge"] == [
        ("s3:ObjectCreated:Put", True),
        ("s3:ObjectTagging:Put", True),
        ("s3:ObjectCreated:CompleteMultipartUpload", True),
    ]
    assert set(found["functions"]) == {"a%2Fb"}


def event_of_an_object() -> dict[str, Any]:
    from moto.events.models import Rule

    seen: list[dict[str, Any]] = []
    hear = {"send_to_targets": lambda rule, event, *_, **__: seen.append(event)}
    with moto_clients("s3", "events") as (s3, events), replaced(Rule, hear):
        events.put_rule(Name="r", EventPattern='{"source": ["aws.s3"]}')
        s3.create_bucket(Bucket="event-of-an-object")
        told = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket="event-of-an-object", NotificationConfiguration=told)
        s3.put_object(Bucket="event-of-an-object", Key="key", Body=b"x")
    first = seen[0]
    return {"object": sorted(first["detail"]["object"]), "version_id": first["detail"]["object"]["version-id"], **first}


def test_the_event_of_an_object_is_incomplete(unpatched: Unpatched) -> None:
    found = unpatched(event_of_an_object)
    # S3 has `etag`, a version id only in a versioned bucket, the time as text, and the reason PutObject.
    assert found["object"] == ["eTag", "key", "sequencer", "size", "version-id"]
    assert found["version_id"] == "null"
    assert isinstance(found["time"], float)
    assert found["detail"]["reason"] == "ObjectCreated"


def write_beside_a_condition_that_does_not_hold() -> int:
    """PutObject to a bucket that denies only unencrypted connections, which this one is not."""
    deny = (
        '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", '
        '"Resource": "arn:aws:s3:::conditions/*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "another"}}}]}'
    )
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="conditions")
        s3.put_bucket_policy(Bucket="conditions", Policy=deny)
        return s3_answer("PUT", "/conditions/key", {}, b"x")[0]


def test_moto_passes_over_the_conditions_of_a_bucket_policy(unpatched: Unpatched) -> None:
    assert unpatched(write_beside_a_condition_that_does_not_hold) == 403


def notifications_of_a_bucket_with_events() -> dict[str, Any]:
    with moto_clients("s3") as (s3,):
        s3.create_bucket(Bucket="with-events")
        sent = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket="with-events", NotificationConfiguration=sent)
        found: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket="with-events")
        return found


def test_moto_does_not_tell_that_a_bucket_sends_its_events(unpatched: Unpatched) -> None:
    assert "EventBridgeConfiguration" not in unpatched(notifications_of_a_bucket_with_events)
