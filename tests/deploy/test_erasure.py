"""A complaint that is erased is nowhere that the flows wrote, in no version; all others stay, and so does a record."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from complaints.aws.bucket import Bucket
from complaints.runs.results import download, published_run
from deploy.erasure import ErasureError, erase, record

ERASED, OTHER = "1234567", "12345678"
RUN = "0123456789abcdef"
ROWS = {
    "complaint_id": [ERASED, OTHER],
    "source": ["s3://complaints/raw/a.csv"] * 2,
    "record": [1, 2],
    "narrative": ["My secret.", "Another story."],
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="complaints")
        client.put_bucket_versioning(Bucket="complaints", VersioningConfiguration={"Status": "Enabled"})
        filled = Bucket(client, "complaints")
        fill(filled)
        yield filled


def parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(ROWS), written)
    return written.getvalue()


def lines(*documents: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def fill(bucket: Bucket) -> None:
    ids = [{"complaint_id": each} for each in (ERASED, OTHER)]
    table, name = parquet(), hashlib.sha256(parquet()).hexdigest()
    published = f"results/{RUN}-00000-{name[:16]}.parquet"
    files = {
        f"processed/run_id={RUN}/complaints/part-0.parquet": table,
        f"processed/run_id={RUN}/rows/use=train/fate=train/part-0.parquet": table,
        f"processed/run_id={RUN}/records/part-0.json": lines(*ids),
        f"processed/run_id={RUN}/scores/part-0.json.out": lines(*ids),
        f"quarantine/run_id={RUN}/part-0.json": lines(
            {"raw": f"x,{ERASED}", "line": 3}, {"raw": f"x,{OTHER}", "line": 4}, {"line": 5, "reason": ERASED}
        ),
        published: table,
        "raw/a.csv": b"the user's own",
        "models/versioned/v1/model.json": json.dumps({"version": "v1", "run_id": RUN}).encode(),
    }
    for key, content in files.items():
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=content)
    results = [{"key": published, "size": len(table), "rows": 2, "sha256": name}]
    bucket.write_json(f"manifests/run_id={RUN}.json", {"run_id": RUN, "account": {"classified": 2}, "results": results})


def every_version(bucket: Bucket) -> list[bytes]:
    """The content of every version of what the flows wrote, of Parquet as text."""
    found = []
    for each in bucket.client.list_object_versions(Bucket=bucket.name).get("Versions", []):
        if each["Key"].startswith(("raw/", "models/", "ledger/")):
            continue
        answer = bucket.client.get_object(Bucket=bucket.name, Key=each["Key"], VersionId=each["VersionId"])
        content = answer["Body"].read()
        if each["Key"].endswith(".parquet"):
            content = str(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
        found.append(content)
    return found


def test_no_version_of_anything_has_the_complaint_and_all_have_the_other(bucket: Bucket) -> None:
    erase(bucket, ERASED, apply=True)
    left = b"\n".join(every_version(bucket))
    assert b"My secret." not in left
    assert f'"{ERASED}"'.encode() not in left.replace(f'"reason": "{ERASED}"'.encode(), b"")
    assert left.count(b"Another story.") == 3
    assert left.count(f'{{"complaint_id": "{OTHER}"}}'.encode()) == 2
    assert f"x,{OTHER}".encode() in left


def test_the_run_stays_published_and_its_files_are_those_of_its_manifest(bucket: Bucket, tmp_path: Path) -> None:
    erase(bucket, ERASED, apply=True)
    run = published_run(bucket, RUN)
    (path,) = download(bucket, run, tmp_path)
    assert pq.read_table(path)["complaint_id"].to_pylist() == [OTHER]
    assert run.manifest["account"] == {"classified": 2}
    assert run.manifest["erased"] == 1
    assert [each["rows"] for each in run.files] == [1]


def test_the_report_names_the_users_files_and_the_models_that_learned_from_it(bucket: Bucket) -> None:
    found = erase(bucket, ERASED, apply=False)
    assert found.report()["still_in_your_files"] == [{"source": "s3://complaints/raw/a.csv", "record": 1}]
    assert found.models == ["v1"]
    assert set(found.objects.values()) == {1}
    assert len(found.objects) == 6


def test_nothing_changes_without_apply(bucket: Bucket) -> None:
    before = every_version(bucket)
    erase(bucket, ERASED, apply=False)
    assert every_version(bucket) == before


def test_a_second_erasure_finds_nothing_and_the_record_of_the_first_stays(bucket: Bucket) -> None:
    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    key = record(bucket, erase(bucket, ERASED, apply=True), by="dana", reason="request 17", at=at)
    assert key == f"ledger/erasures/20261128T120000Z-{ERASED}.json"
    assert erase(bucket, ERASED, apply=True).objects == {}
    kept = bucket.read_json(key) or {}
    assert (kept["by"], kept["reason"], len(kept["objects"])) == ("dana", "request 17", 6)


@pytest.mark.parametrize("wrong", ["", "a b", "1234567'", "../x"])
def test_what_is_no_id_is_refused(bucket: Bucket, wrong: str) -> None:
    with pytest.raises(ErasureError, match="is no complaint id"):
        erase(bucket, wrong, apply=True)
