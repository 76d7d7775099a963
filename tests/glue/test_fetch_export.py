"""The download of the export, against a server that stalls, cuts, redirects, changes, refuses, and serves a bomb."""

from __future__ import annotations

import datetime
import io
import ipaddress
import json
import random
import ssl
import zipfile
from pathlib import Path
from typing import Any

import boto3
import fetch_export
import pytest
from export_download import DownloadRefusedError, Patience, Source, download
from export_download.addresses import checked, redirected
from export_download.multipart import Upload
from export_download.source import seconds_of

from tests.campaign.faults import Fault, injects
from tests.glue.export_server import Export, changes_to, cut, drip, fine, says, serving, stall
from tests.glue.local_runs import LIMITS

BUCKET = "exports-of-tests"
PART = 5 << 20  # the smallest that S3 takes
BYTES = random.Random(7).randbytes(2 * PART + 1_000_000)
PATIENCE = Patience(connect_seconds=5, stall_seconds=0.5, tries=4)
HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"


@pytest.fixture
def s3(in_memory_aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


class Sleeps(list[float]):
    """The pauses that were asked for, none of which is made."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def source(export: Export, sleeps: Sleeps | None = None, **more: Any) -> Source:
    return Source(export.url, PATIENCE, sleep=Sleeps() if sleeps is None else sleeps, **more)


def downloaded(s3: Any, given: Source, max_bytes: int = 1 << 30) -> bytes:
    found = download(given, s3, BUCKET, "exports/", max_bytes=max_bytes, part_bytes=PART)
    content: bytes = s3.get_object(Bucket=BUCKET, Key=found.key)["Body"].read()
    return content


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def uploads(s3: Any) -> list[Any]:
    return list(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))


def test_an_export_arrives_in_parts_below_the_day_of_its_version(s3: Any, capsys: Any) -> None:
    with serving(Export(BYTES)) as export:
        found = download(source(export), s3, BUCKET, "exports/", max_bytes=1 << 30, part_bytes=PART)
    assert found.export.startswith("2026-11-27-")
    assert keys(s3) == [found.key] == [f"exports/{found.export}/complaints.csv.zip"]
    stored = s3.get_object(Bucket=BUCKET, Key=found.key)
    assert stored["Body"].read() == BYTES
    assert stored["ETag"] == f'"{found.etag}"'
    assert found.etag.endswith("-3")
    assert "downloaded 11 of 11 MB (100%)" in capsys.readouterr().out


@injects(Fault.DOWNLOAD_BROKEN)
@pytest.mark.parametrize("fault", [cut(3_000_000), stall(3_000_000)], ids=["cut", "stalled"])
def test_a_download_that_breaks_goes_on_where_it_broke(s3: Any, fault: Any) -> None:
    with serving(Export(BYTES, faults=[fault])) as export:
        assert downloaded(s3, source(export)) == BYTES
    assert export.ranges() == [None, "bytes=3000000-"]
    assert export.asked[-1][2]["If-Range"] == '"v1"'


@injects(Fault.DOWNLOAD_BROKEN)
def test_a_server_that_sends_a_byte_now_and_then_is_left_as_one_that_stalls(s3: Any) -> None:
    with serving(Export(BYTES, faults=[drip])) as export:
        assert downloaded(s3, source(export)) == BYTES
    assert len(export.ranges()) == 2


@injects(Fault.DOWNLOAD_BROKEN)
def test_a_job_that_is_started_again_takes_up_the_parts_that_its_predecessor_left(s3: Any) -> None:
    broken = [cut(PART + 10), *[says(503)] * 3]
    with serving(Export(BYTES, faults=broken)) as export:
        with pytest.raises(DownloadRefusedError, match=r"no progress in 4 tries; the last: .* answered 503"):
            downloaded(s3, source(export))
        assert len(uploads(s3)) == 1
        assert keys(s3) == []
        export.asked.clear()
        assert downloaded(s3, source(export)) == BYTES
    assert export.ranges() == [f"bytes={PART}-"]
    assert uploads(s3) == []


def test_what_is_there_already_is_not_downloaded_again(s3: Any) -> None:
    with serving(Export(BYTES)) as export:
        downloaded(s3, source(export))
        downloaded(s3, source(export))
    assert len(export.ranges()) == 1


@injects(Fault.DOWNLOAD_CHANGED)
def test_a_version_that_changes_in_the_middle_is_begun_anew_and_nothing_of_the_old_one_stays(s3: Any) -> None:
    newer = BYTES[::-1]
    with serving(Export(BYTES, faults=[changes_to(newer, '"v2"', first=PART + 10)])) as export:
        assert downloaded(s3, source(export)) == newer
    assert len(keys(s3)) == 1
    assert uploads(s3) == []


@injects(Fault.DOWNLOAD_CHANGED)
def test_a_version_that_changes_each_time_is_left_for_later(s3: Any) -> None:
    faults = [changes_to(BYTES[number:], f'"n{number}"', first=10) for number in range(9)]
    with serving(Export(BYTES, faults=faults)) as export, pytest.raises(DownloadRefusedError, match="changed 3 times"):
        downloaded(s3, source(export))


@injects(Fault.SERVER_UNSOUND)
def test_a_server_that_ignores_ranges_is_read_from_the_beginning_and_the_bytes_are_not_doubled(s3: Any) -> None:
    with serving(Export(BYTES, faults=[cut(3_000_000)], with_ranges=False)) as export:
        assert downloaded(s3, source(export)) == BYTES


@injects(Fault.DOWNLOAD_CHANGED)
def test_a_range_that_is_refused_begins_anew(s3: Any) -> None:
    with serving(Export(BYTES, faults=[cut(3_000_000), says(416, Content_Range="bytes */5")])) as export:
        assert downloaded(s3, source(export)) == BYTES


@injects(Fault.SERVER_UNSOUND)
def test_a_range_other_than_the_one_asked_for_is_refused(s3: Any) -> None:
    wrong = says(206, Content_Range="bytes 0-9/10")
    with (
        serving(Export(BYTES, faults=[cut(3_000_000), wrong])) as export,
        pytest.raises(DownloadRefusedError, match=r"'bytes 0-9/10' where 206 and 'bytes 3000000-11485759/11485760'"),
    ):
        downloaded(s3, source(export))


@injects(Fault.SERVER_BUSY)
def test_a_busy_server_is_asked_again_after_the_time_that_it_names(s3: Any) -> None:
    sleeps, busy = Sleeps(), [says(429, Retry_After="17"), says(503, Retry_After="90000"), fine]
    with serving(Export(BYTES, faults=busy, head_faults=[says(503)])) as export:
        assert downloaded(s3, source(export, sleeps)) == BYTES
    assert 0.5 <= sleeps[0] <= 1
    assert sleeps[1:] == [17, PATIENCE.longest_pause_seconds]


def test_a_time_to_wait_may_be_a_date() -> None:
    assert seconds_of("Fri, 27 Nov 2026 05:00:30 GMT", now=1795755600) == 30
    assert [seconds_of(each, now=0) for each in ("", "soon", "-5", "1e9")] == [0, 0, 0, 0]


@injects(Fault.SERVER_BUSY)
@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_repeated(s3: Any, status: int) -> None:
    with serving(Export(BYTES, head_faults=[says(status)])) as export:
        with pytest.raises(DownloadRefusedError, match=rf"answered {status} .* to HEAD"):
            downloaded(s3, source(export))
        assert len(export.asked) == 1


@injects(Fault.SERVER_BUSY)
def test_a_redirect_is_followed_and_a_circle_is_not(s3: Any) -> None:
    with serving(Export(BYTES, head_faults=[says(302, Location="/moved/here.zip")])) as export:
        assert downloaded(s3, source(export)) == BYTES
        assert export.asked[1][:2] == ("HEAD", "/moved/here.zip")
        export.head_faults = [says(301, Location=export.url)] * 9
        with pytest.raises(DownloadRefusedError, match="redirects more than 5 times"):
            downloaded(s3, source(export))


def test_redirects_lead_to_https_only() -> None:
    assert redirected("https://a.example/x/y", "../z?q=1") == "https://a.example/z?q=1"
    assert redirected("https://a.example/x", "https://b.example/") == "https://b.example/"
    for location in ("http://a.example/", "http://127.0.0.1/", "ftp://a.example/", "file:///etc/passwd", None):
        with pytest.raises(DownloadRefusedError):
            redirected("https://a.example/x", location)


@pytest.mark.parametrize("url", ["http://files.example/a", "file:///etc/passwd", "https:///a", "complaints.csv.zip"])
def test_only_https_is_asked(url: str) -> None:
    with pytest.raises(DownloadRefusedError, match="only https:// URLs are"):
        checked(url)


@injects(Fault.SERVER_UNSOUND)
@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Content-Length": None}, "no Content-Length"),
        ({"ETag": 'W/"v1"', "Last-Modified": None}, "strong ETag"),
        ({"ETag": None, "Last-Modified": None}, "one version cannot be told from the next"),
        ({"Content-Encoding": "gzip"}, "Content-Encoding 'gzip'"),
        ({"Content-Length": "0"}, "has 0 bytes"),
        ({"Content-Length": "9000000000"}, r"9,000,000,000 bytes: .* at most 1,073 MB \(limits.max_file_mb"),
    ],
)
def test_an_answer_that_does_not_say_enough_or_too_much_is_refused(
    s3: Any, headers: dict[str, str | None], problem: str
) -> None:
    with serving(Export(BYTES, headers=headers)) as export, pytest.raises(DownloadRefusedError, match=problem):
        downloaded(s3, source(export))


def test_a_weak_etag_leaves_the_date_to_tell_versions_apart(s3: Any) -> None:
    with serving(Export(BYTES, etag='W/"v1"', faults=[cut(3_000_000)])) as export:
        assert downloaded(s3, source(export)) == BYTES
    assert export.asked[-1][2]["If-Range"] == export.last_modified


def test_an_upload_with_parts_of_another_size_is_not_taken_up(s3: Any) -> None:
    first = Upload(s3, BUCKET, "k", PART)
    first.add(b"x" * PART)
    assert Upload(s3, BUCKET, "k", PART).offset == PART
    assert Upload(s3, BUCKET, "k", 2 * PART).offset == 0
    assert Upload(s3, BUCKET, "k2", PART).offset == 0


def authority(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that nobody has signed, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return certificate, secret


@injects(Fault.SERVER_UNSOUND)
def test_a_certificate_must_be_one_that_is_trusted(s3: Any, tmp_path: Path) -> None:
    certificate, secret = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    with serving(Export(BYTES), context) as export:
        with pytest.raises(DownloadRefusedError, match="its certificate is not trusted"):
            downloaded(s3, source(export))
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert downloaded(s3, source(export, context=trusting)) == BYTES


def zipped(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


SOUND = zipped(("complaints.csv", (HEADER + '2026-11-01,Mortgage,"a\nb",1\n').encode()))


def run(url: str, **more: str) -> None:
    given = {
        "url": url,
        "bucket": BUCKET,
        "exports": "exports/",
        "fetched": f"s3://{BUCKET}/processed/run_id=1/fetched/",
        "limits": json.dumps(LIMITS),
        "max_file_mb": "100",
        "connect_seconds": "5",
        "stall_seconds": "1",
        "tries": "2",
        **more,
    }
    fetch_export.main([part for name, value in given.items() for part in (f"--{name}", value)])


def test_the_job_records_a_sound_export_and_where_it_is(s3: Any) -> None:
    with serving(Export(SOUND)) as export:
        run(export.url)
    (place,) = [key for key in keys(s3) if key.endswith(".zip")]
    record, fetched = (
        json.loads(s3.get_object(Bucket=BUCKET, Key=f"{folder}/export.json")["Body"].read())
        for folder in (place.rpartition("/")[0], "processed/run_id=1/fetched")
    )
    assert fetched == record
    head = s3.head_object(Bucket=BUCKET, Key=place)
    assert record == {
        "export": place.split("/")[1],
        "url": export.url,
        "source_etag": '"v1"',
        "source_last_modified": export.last_modified,
        "uri": f"s3://{BUCKET}/{place}",
        "etag": head["ETag"].strip('"'),
        "version": "",
        "size": len(SOUND),
        "columns": ["date_received", "product", "consumer_complaint_narrative", "complaint_id"],
        "expanded_bytes": len(HEADER) + 28,
    }


def damaged() -> bytes:
    place = SOUND.index(b"complaints.csv") + len(b"complaints.csv") + 20
    return SOUND[:place] + bytes([SOUND[place] ^ 0xFF]) + SOUND[place + 1 :]


UNUSABLE = {
    "damaged": (damaged(), "its zip data are damaged"),
    "cut": (SOUND[:-30], "its zip data are damaged"),
    "a bomb": (zipped(("a.csv", HEADER.encode() + b"x" * 200_000_000)), "archive bomb"),
    "two files": (zipped(("a.csv", b"x"), ("b.csv", b"x")), "where there should be one .csv"),
    "another table": (zipped(("a.csv", b"a,b\n1,2\n")), "no header with a column"),
    "no ids": (zipped(("a.csv", b"Product,Consumer complaint narrative\na,b\n")), "also needs a column 'complaint_id'"),
    "a page": (b"<!doctype html><title>Maintenance</title>", "HTML or XML"),
}


@injects(Fault.BOMB, Fault.DAMAGED_ARCHIVE, Fault.FOREIGN_FORMAT)
@pytest.mark.parametrize("name", UNUSABLE)
def test_the_job_removes_what_it_cannot_use_and_makes_nothing_visible(s3: Any, name: str) -> None:
    content, problem = UNUSABLE[name]
    with serving(Export(content)) as export, pytest.raises(fetch_export.ExportRefusedError, match=problem):
        run(export.url)
    assert keys(s3) == []
