"""One writer wins, however many try at once: with and without persistence, through HTTP."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from complaints.aws.bucket import Bucket
from complaints.models import registry
from tests.localaws.test_local_persistence import Running, running

BUCKET = "complaints"
WRITERS = 8
KEYS = 50
PAIRS = 40
LOST = {"PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"}


@pytest.fixture(scope="module", params=["memory", "persistent"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    options = ("--keep",) if request.param == "persistent" else ("--minute", "60")
    with running(tmp_path_factory.mktemp("state"), *options) as found:
        found.s3.create_bucket(Bucket=BUCKET)
        yield found


def winners(write: Callable[[int], object], writers: int = WRITERS) -> list[int]:
    """The writers that succeed, of those that start at the same moment."""
    barrier = Barrier(writers)

    def attempt(writer: int) -> bool:
        barrier.wait()
        try:
            write(writer)
        except ClientError as error:
            if error.response["Error"]["Code"] not in LOST:
                raise
            return False
        return True

    with ThreadPoolExecutor(writers) as pool:
        return [writer for writer, won in enumerate(pool.map(attempt, range(writers))) if won]


def content(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def test_one_of_eight_puts_creates_each_key(server: Running) -> None:
    for number in range(KEYS):
        key = f"created/{number}"
        put = {"Bucket": BUCKET, "Key": key, "IfNoneMatch": "*"}
        won = winners(lambda writer, put=put: server.s3.put_object(**put, Body=b"%d" % writer))
        assert len(won) == 1, key
        assert content(server.s3, key) == b"%d" % won[0]


def test_one_of_eight_puts_replaces_each_version_of_a_key(server: Running) -> None:
    etag = server.s3.put_object(Bucket=BUCKET, Key="replaced", Body=b"first")["ETag"]
    for number in range(40):
        put = {"Bucket": BUCKET, "Key": "replaced", "IfMatch": etag}
        won = winners(
            lambda writer, put=put, number=number: server.s3.put_object(**put, Body=b"%d %d" % (number, writer))
        )
        assert len(won) == 1, number
        assert content(server.s3, "replaced") == b"%d %d" % (number, won[0])
        etag = server.s3.head_object(Bucket=BUCKET, Key="replaced")["ETag"]


def test_one_of_eight_copies_creates_or_replaces_a_key(server: Running) -> None:
    for writer in range(WRITERS):
        server.s3.put_object(Bucket=BUCKET, Key=f"source/{writer}", Body=b"%d" % writer)
    condition = {"IfNoneMatch": "*"}
    for number in range(20):

        def copy(writer: int, condition: dict[str, str] = condition) -> None:
            source = {"Bucket": BUCKET, "Key": f"source/{writer}"}
            server.s3.copy_object(Bucket=BUCKET, Key="copied", CopySource=source, **condition)

        won = winners(copy)
        assert len(won) == 1, number
        assert content(server.s3, "copied") == b"%d" % won[0]
        # The same bytes are the same ETag, so that each round starts from others.
        etag = server.s3.put_object(Bucket=BUCKET, Key="copied", Body=b"round %d" % number)["ETag"]
        condition = {"IfMatch": etag}


@pytest.mark.parametrize("condition", ["IfNoneMatch", "IfMatch"])
def test_one_of_eight_uploads_in_parts_creates_or_replaces_a_key(server: Running, condition: str) -> None:
    for number in range(10):
        key = f"parts/{condition}/{number}"
        expected = "*"
        if condition == "IfMatch":
            expected = server.s3.put_object(Bucket=BUCKET, Key=key, Body=b"before")["ETag"]
        uploads = [upload(server.s3, key, b"%d" % writer) for writer in range(WRITERS)]
        complete = partial(server.s3.complete_multipart_upload, **{condition: expected})
        won = winners(lambda writer, uploads=uploads, complete=complete: complete(**uploads[writer]))
        assert len(won) == 1, key
        assert content(server.s3, key) == b"%d" % won[0]
        # An answer that was lost makes a client ask again.
        if condition == "IfNoneMatch":
            complete(**uploads[won[0]])


def upload(s3: Any, key: str, body: bytes) -> dict[str, Any]:
    """An upload of one part, ready to be completed."""
    named = {"Bucket": BUCKET, "Key": key}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, PartNumber=1, Body=body)["ETag"]
    return {**named, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}


@pytest.mark.parametrize("condition", ["etag", "*"])
def test_one_of_eight_deletions_deletes_a_key(server: Running, condition: str) -> None:
    for number in range(20):
        key = f"deleted/{number}"
        etag = server.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["ETag"]
        delete = {"Bucket": BUCKET, "Key": key, "IfMatch": etag if condition == "etag" else "*"}
        assert len(winners(lambda _, delete=delete: server.s3.delete_object(**delete))) == 1, key


def test_one_of_eight_deletions_of_many_deletes_each_key_with_its_etag(server: Running) -> None:
    s3 = server.s3
    etags = {f"many/{n}": s3.put_object(Bucket=BUCKET, Key=f"many/{n}", Body=b"x")["ETag"] for n in range(20)}
    objects = [{"Key": key, "ETag": etag} for key, etag in etags.items()]
    objects += [{"Key": "many/changed", "ETag": s3.put_object(Bucket=BUCKET, Key="many/changed", Body=b"old")["ETag"]}]
    s3.put_object(Bucket=BUCKET, Key="many/changed", Body=b"new")
    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(
            pool.map(lambda _: s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects}), range(WRITERS))
        )
    deleted = [each["Key"] for answer in answers for each in answer.get("Deleted", ())]
    assert sorted(deleted) == sorted(etags)
    codes = {(each["Key"] == "many/changed", each["Code"]) for answer in answers for each in answer["Errors"]}
    assert codes == {(True, "PreconditionFailed"), (False, "NoSuchKey")}
    assert content(s3, "many/changed") == b"new"


def test_a_write_without_a_condition_is_never_lost_between_a_check_and_its_write(server: Running) -> None:
    for number in range(40):
        key = f"mixed/{number}"
        etag = server.s3.put_object(Bucket=BUCKET, Key=key, Body=b"before")["ETag"]
        puts: list[dict[str, Any]] = [{"Body": b"conditional", "IfMatch": etag}, {"Body": b"unconditional"}]
        winners(lambda writer, puts=puts, key=key: server.s3.put_object(Bucket=BUCKET, Key=key, **puts[writer]), 2)
        # Either the condition failed, or the unconditional write came last.
        assert content(server.s3, key) == b"unconditional"


def test_readers_get_a_whole_object_or_none_while_it_is_replaced_and_deleted(server: Running) -> None:
    named = {"Bucket": BUCKET, "Key": "read"}
    bodies = [b"%d" % number * 50_000 for number in range(3)]
    written = Event()

    def read(_: int) -> set[bytes | None]:
        found = set[bytes | None]()
        while not written.is_set():
            try:
                answer = server.s3.get_object(**named)
                found.add(answer["Body"].read())
                tries = answer["ResponseMetadata"]["RetryAttempts"]
            except server.s3.exceptions.NoSuchKey as error:
                found.add(None)
                tries = error.response["ResponseMetadata"]["RetryAttempts"]
            assert tries == 0, "an answer with status 500"
        return found

    with ThreadPoolExecutor(4) as pool:
        reading = pool.map(read, range(4))
        try:
            for number in range(60):
                server.s3.put_object(**named, Body=bodies[number % 3])
                if number % 2:
                    server.s3.delete_object(**named)
        finally:
            written.set()
        assert set[bytes | None]().union(*reading) <= {*bodies, None}


def test_two_trainings_never_claim_the_same_version(server: Running) -> None:
    s3 = server.client("s3")
    for number in range(PAIRS):
        s3.create_bucket(Bucket=f"pair-{number}")
        bucket = Bucket(s3, f"pair-{number}")
        with ThreadPoolExecutor(2) as pool:
            claimed = set(pool.map(lambda job, bucket=bucket: registry.claim_version(bucket, job).number, ("a", "b")))
        assert claimed == {1, 2}, number
    s3.close()
