"""One sequential stream of the very version that the plan is about, through a connection that may break."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.stub import Stubber
from exact_csv import outputs
from exact_csv.columns import REQUIRED
from exact_csv.inputs import ByteStream, Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.outputs import files_below, remove_files, write_file
from exact_csv.splitting import Seen, settled, work_of
from exact_csv.tables import tables_of

from localaws import LocalAWS
from tests import own_clients
from tests.campaign.faults import Fault, injects
from tests.campaign.reading import HEADER, records_of, row
from tests.glue.local_runs import LIMITS

CONTENT = b"".join(b"line %07d\n" % number for number in range(60_000))


class Line:
    """A connection to S3 that breaks after so many bytes of each answer's body, so many times."""

    def __init__(self, endpoint: str, after: int, times: int) -> None:
        self.behind = urlsplit(endpoint).netloc
        self.after, self.left = after, times
        self.asked: list[str | None] = []


@contextmanager
def breaking(line: Line) -> Iterator[str]:
    """The endpoint of a proxy that behaves like `line`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behind = http.client.HTTPConnection(line.behind)
            behind.request(self.command, self.path, headers=dict(self.headers))
            answer = behind.getresponse()
            body = answer.read()
            behind.close()
            line.asked.append(self.headers["Range"])
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            breaks = line.left > 0 and len(body) > line.after
            line.left -= breaks
            self.wfile.write(body[: line.after] if breaks else body)
            self.close_connection = breaks

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def aws(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    # The client reaches it through a port that breaks connections.
    with local_aws(tmp_path_factory.mktemp("aws"), allowed_hosts=["127.0.0.1"]) as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket="versioned")
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        s3.create_bucket(Bucket="plain")
        yield running


@pytest.fixture
def opener(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> Opener:
    return opener_at(aws, aws.endpoint, monkeypatch)


def opener_at(aws: LocalAWS, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """An opener whose client finds what a job's client finds: its environment."""
    own_clients.use(aws, monkeypatch, AWS_ENDPOINT_URL=endpoint, NO_PROXY="127.0.0.1")
    return Opener()


def put(aws: LocalAWS, bucket: str, content: bytes, key: str = "raw/a b+%2F\xe4.csv") -> Input:
    made = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return Input(f"s3://{bucket}/{key}", made["ETag"].strip('"'), made.get("VersionId", ""))


def all_of(stream: ByteStream) -> bytes:
    return b"".join(iter(lambda: stream.read(50_000), b""))


@pytest.mark.parametrize("bucket", ["versioned", "plain"])
def test_an_object_is_read_as_it_is(aws: LocalAWS, opener: Opener, bucket: str) -> None:
    stream = opener.open(put(aws, bucket, CONTENT))
    assert (stream.size, stream.tail(8)) == (len(CONTENT), CONTENT[-8:])
    assert all_of(stream) == CONTENT


def test_a_file_and_a_path_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a b%20[1].csv"
    path.write_bytes(CONTENT)
    for uri in (f"file://{path}", f"file:{path}", str(path)):
        stream = Opener().open(Input(uri))
        assert stream.read(4) + stream.tail(8) + all_of(stream) == CONTENT[:4] + CONTENT[-8:] + CONTENT[4:]
        stream.close()


@injects(Fault.OBJECT_CHANGED)
def test_the_version_of_the_plan_is_read_though_the_object_was_overwritten_or_deleted(
    aws: LocalAWS, opener: Opener
) -> None:
    planned = put(aws, "versioned", CONTENT)
    put(aws, "versioned", b"changed")
    assert all_of(opener.open(planned)) == CONTENT
    aws.client("s3").delete_object(Bucket="versioned", Key=planned.uri.split("/", 3)[3])
    assert all_of(opener.open(planned)) == CONTENT


@injects(Fault.OBJECT_CHANGED)
def test_an_object_that_was_changed_since_the_plan_is_refused_with_both_etags(aws: LocalAWS, opener: Opener) -> None:
    planned = put(aws, "plain", CONTENT)
    now = put(aws, "plain", b"changed")
    with pytest.raises(InputRefusedError) as refused:
        opener.open(planned)
    assert str(refused.value) == f"it was changed: its ETag is {now.etag}, and the plan is about {planned.etag}"


@injects(Fault.OBJECT_CHANGED)
def test_an_object_that_is_gone_is_refused(aws: LocalAWS, opener: Opener) -> None:
    planned = put(aws, "plain", CONTENT, "raw/gone.csv")
    aws.client("s3").delete_object(Bucket="plain", Key="raw/gone.csv")
    with pytest.raises(InputRefusedError, match="it is not there any more"):
        opener.open(planned)


@injects(Fault.S3_UNRELIABLE)
def test_what_breaks_off_is_taken_up_where_it_broke(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = put(aws, "versioned", CONTENT)
    line = Line(aws.endpoint, after=200_000, times=3)
    with breaking(line) as endpoint:
        assert all_of(opener_at(aws, endpoint, monkeypatch).open(planned)) == CONTENT
    assert line.left == 0
    assert line.asked[0] is None
    assert len(line.asked) == 4
    assert all(asked and asked.startswith("bytes=") and asked != "bytes=0-" for asked in line.asked[1:])


@injects(Fault.S3_UNRELIABLE, Fault.OBJECT_CHANGED)
def test_what_was_changed_while_the_connection_was_broken_is_not_put_together_from_two_contents(
    aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = put(aws, "plain", CONTENT)
    with breaking(Line(aws.endpoint, after=200_000, times=1)) as endpoint:
        stream = opener_at(aws, endpoint, monkeypatch).open(planned)
        stream.read(10)
        put(aws, "plain", CONTENT[::-1])
        with pytest.raises(InputRefusedError, match=r"it was changed: its ETag is .*, and the plan is about"):
            all_of(stream)


@injects(Fault.S3_UNRELIABLE)
def test_ranges_of_an_object_give_what_it_holds_over_a_connection_that_breaks(
    aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ranges: all of them read at first sight, by no request for much more than a range."""
    told = '"He said:\n""No.""\r\n' + "x" * 300 + '"'
    content = (HEADER + "".join(row(number, told) for number in range(1, 1_200))).encode()
    planned = replace(put(aws, "versioned", content), size=len(content))
    line = Line(aws.endpoint, after=5_000, times=9)
    limits = ReaderLimits(**LIMITS)
    with breaking(line) as endpoint:
        opener = opener_at(aws, endpoint, monkeypatch)
        work = work_of(opener, [planned], limits, 64_000)
        seen: list[Seen] = []
        tables = [table for each in work for table in tables_of(opener, each, limits, seen.append)]
        before, again = settled(work, {each.number: each for each in seen}, limits)
        exact = records_of(opener, planned, limits)
    assert line.left == 0
    assert len(work) > 5
    assert not again
    rows = [(before[each["part"]] or (), each) for table in tables for each in table.to_pylist()]
    found = [(records + each["record"], lines + each["line"], each[REQUIRED]) for (records, lines), each in rows]
    assert found == [(each.record, each.line, each.fields[REQUIRED]) for each in exact]
    places = [asked.removeprefix("bytes=").split("-") for asked in line.asked if asked]
    assert max(int(end) - int(start) for start, end in places if end) < 65_000


def test_a_file_that_may_not_be_removed_is_named(
    aws: LocalAWS, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"Key": "parsed/b.parquet", "Code": "AccessDenied", "Message": "Access Denied"}
    stub = Stubber(client := aws.client("s3"))
    stub.add_response("delete_objects", {"Errors": [refused]})
    monkeypatch.setattr(outputs, "s3_client", lambda: client)
    with stub, pytest.raises(RuntimeError, match=r"s3://plain/parsed/b.parquet could not be removed: AccessDenied"):
        remove_files(["s3://plain/parsed/a.parquet", "s3://plain/parsed/b.parquet"])


@pytest.mark.usefixtures("opener")
def test_a_folder_is_emptied_of_what_an_attempt_with_other_cores_left_there(aws: LocalAWS, tmp_path: Path) -> None:
    for place in ("s3://plain/run/parsed/", f"file://{tmp_path}/run/parsed/"):
        left = [f"{place}part-{number:05d}.parquet" for number in range(3)]
        beside = f"{place[:-1]}-beside"
        for uri in (*left, beside):
            write_file(uri, BytesIO(b"rows"))
        assert len(files_below(place)) == 3
        remove_files(files_below(place))
        assert files_below(place) == []
        assert Opener().part(Input(beside), 0, 9) == b"rows"


@injects(Fault.S3_UNRELIABLE)
def test_a_connection_that_breaks_for_ever_is_given_up(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = put(aws, "plain", CONTENT)
    line = Line(aws.endpoint, after=1_000, times=1_000)
    with breaking(line) as endpoint, pytest.raises(IncompleteReadError):
        all_of(opener_at(aws, endpoint, monkeypatch).open(planned))
    assert len(line.asked) == 21


@injects(Fault.S3_DENIED)
def test_a_bucket_that_may_not_be_read_is_an_error_at_once(aws: LocalAWS, opener: Opener) -> None:
    """No bucket stands for no permission, which local AWS does not enforce."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        opener.open(Input("s3://nobodys-bucket/a.csv", "e"))
