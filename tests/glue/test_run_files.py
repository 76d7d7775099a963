"""Accounts notice lost rows, and documents are one."""

from pathlib import Path

import boto3
import pytest
from exact_csv.outputs import data_files_below, files_below, remove_files, remove_markers
from moto import mock_aws
from pyspark.sql import SparkSession
from run_files import account_of, put_document, read_document, write_document

from complaints.runs.accounting import RowsMissingError, check_account

FATES = ("kept", "dropped")
ROWS = "source string, record long, fate string"


def test_a_row_that_is_lost_on_the_way_leaves_its_file_short(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1, "kept"), ("a", 3, "dropped"), ("b", 1, "kept")], ROWS)
    account = {"by_source": account_of(rows, ["a", "b"], FATES).by_source}
    with pytest.raises(RowsMissingError, match=r"^a: 3 rows in, but 1 kept \+ 1 dropped: 1 missing$"):
        check_account(account, FATES)


def test_a_row_with_a_fate_that_nobody_counts_leaves_its_file_short(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1, "kept"), ("a", 2, "forgotten"), ("a", 3, None)], ROWS)
    with pytest.raises(RowsMissingError, match="2 missing"):
        check_account({"by_source": account_of(rows, ["a"], FATES).by_source}, FATES)


def test_sources_are_accounted_for_in_their_order_and_those_without_rows_with_zeros(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1, "kept")], ROWS)
    assert account_of(rows, ["empty", "a"], FATES).by_source == [
        {"source": "empty", "rows_in": 0, "kept": 0, "dropped": 0},
        {"source": "a", "rows_in": 1, "kept": 1, "dropped": 0},
    ]


def test_rows_of_a_source_that_is_not_accounted_for_are_refused(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1, "kept"), ("b", 1, "kept")], ROWS)
    with pytest.raises(ValueError, match=r"^rows were read from b, which the plan names otherwise or not at all$"):
        account_of(rows, ["a"], FATES)


def test_a_document_comes_back_as_it_was_written(spark: SparkSession, tmp_path: Path) -> None:
    document = {"text": "two\nlines \u2028 and \xe9", "nested": {"numbers": [1, 2.5, None]}}
    write_document(spark, {"old": True}, (tmp_path / "document").as_uri())
    write_document(spark, document, (tmp_path / "document").as_uri())
    assert read_document((tmp_path / "document").as_uri()) == document


@pytest.mark.usefixtures("in_memory_aws")
def test_a_document_that_is_put_is_there_at_once(tmp_path: Path) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
    for folder in ((tmp_path / "account").as_uri(), "s3://bucket/account/"):
        put_document({"rows": 1, "text": "\xe9"}, folder)
        assert read_document(folder) == {"rows": 1, "text": "\xe9"}


@pytest.mark.usefixtures("in_memory_aws")
def test_data_is_found_in_partitions_and_not_in_what_spark_leaves_beside_it(tmp_path: Path) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    data = ("a=1/part-0.parquet", "a=2/b=_/part-1.parquet", "part-2.parquet")
    for name in (*data, "_SUCCESS", ".part-3.crc", "_temporary/0/part-4.parquet", "a=1/.part-5", "a=1/_x/part-6"):
        s3.put_object(Bucket="bucket", Key=f"_run/rows/{name}", Body=b"1")
        (tmp_path / "_run" / "rows" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "_run" / "rows" / name).write_bytes(b"1")
    for folder in ((tmp_path / "_run" / "rows").as_uri(), f"{tmp_path}/_run/rows/", "s3://bucket/_run/rows/"):
        found = [uri.partition("_run/rows/")[2] for uri in data_files_below(folder)]
        assert sorted(found) == sorted(data)


@pytest.mark.usefixtures("in_memory_aws")
@pytest.mark.parametrize("folder", ["s3://bucket/run/results", "s3://bucket/run/results/"])
def test_a_folder_is_emptied_without_the_one_whose_name_begins_like_its_own(folder: str) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    for key in ("run/results/", "run/results/part-0", "run/results_account/", "run/results_account/part-0"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"" if key.endswith("/") else b"1")
    remove_files(files_below(folder))
    remove_markers(folder)
    found = [each["Key"] for each in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert found == ["run/results_account/", "run/results_account/part-0"]


@pytest.mark.usefixtures("in_memory_aws")
def test_the_markers_of_hadoop_and_spark_are_no_documents() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    for key, content in {"account/": b"", "account/_SUCCESS": b"", "account/part-0.txt": b'{"rows": 1}\n'}.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)
    assert read_document("s3://bucket/account/") == {"rows": 1}


def test_a_folder_of_several_documents_is_refused_with_their_number(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text("{}\n")
    with pytest.raises(ValueError, match=r"holds 2 documents where there should be one$"):
        read_document(tmp_path.as_uri())


def test_the_markers_of_folders_are_removed_and_files_stay_however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="records")
        for key in ("run/records/", "run/records/part-0.json", "run/records/_temporary/0/", "run/other/"):
            s3.put_object(Bucket="records", Key=key, Body=b"")
        remove_markers("s3://records/run/records/")
        found = [each["Key"] for each in s3.list_objects_v2(Bucket="records")["Contents"]]
    assert found == ["run/other/", "run/records/part-0.json"]
