from pathlib import Path

import pyarrow.parquet

from tests.localaws.account import Account

SCRIPT = """
import argparse
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--input")
parser.add_argument("--output")
arguments, _ = parser.parse_known_args()
spark = (
    SparkSession.builder.config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    .getOrCreate()
)
shout = F.udf(lambda text: text.upper())
rows = spark.read.csv(arguments.input, header=True).select("id", shout("said").alias("said"))
rows.write.mode("overwrite").parquet(arguments.output)
spark.read.parquet(arguments.output + "missing/")
"""


def test_pyspark_reads_and_overwrites_s3_and_says_why_it_failed(account: Account, tmp_path: Path) -> None:
    account.put("raw/a.csv", "id,said\n1,hello\n2,grüezi\n")
    account.put("raw/b.csv", "id,said\n3,moin\n")
    account.put("raw-not-named/c.csv", "id,said\n4,no\n")
    account.put("out/old.parquet", "of an earlier run")
    account.put("out-not-named/kept", "kept")
    job = account.glue_job(SCRIPT)
    run = account.glue_run(job, {"--input": account.uri("raw"), "--output": account.uri("out/")})

    assert run["JobRunState"] == "FAILED"
    assert "PATH_NOT_FOUND" in run["ErrorMessage"]
    assert account.uri("out/missing") in run["ErrorMessage"]
    # What had been written before stays, as on AWS: the new files without the old ones.
    written = account.keys("out/")
    assert written
    assert all(key.startswith("out/part-") and key.endswith(".parquet") for key in written)
    rows = []
    for number, key in enumerate(written):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(account.get(key))
        rows += pyarrow.parquet.read_table(path).to_pylist()
    assert sorted((row["id"], row["said"]) for row in rows) == [
        ("1", "HELLO"),
        ("2", "GRÜEZI"),
        ("3", "MOIN"),
    ]
    assert account.get("out-not-named/kept") == b"kept"
    assert account.keys("raw") == ["raw-not-named/c.csv", "raw/a.csv", "raw/b.csv"]


PUTS_BY_BOTO3 = """
import argparse
import boto3
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
parser.add_argument("--folder")
arguments, _ = parser.parse_known_args()
bucket, _, prefix = arguments.folder.removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
s3.put_object(Bucket=bucket, Key=prefix + "made/b.txt", Body=b"put while it runs")
s3.delete_object(Bucket=bucket, Key=prefix + "a.txt")
s3.put_object(Bucket=bucket, Key="elsewhere/c.txt", Body=b"not named")
spark = SparkSession.builder.getOrCreate()
print("read", [row.value for row in spark.read.text(arguments.folder + "made/").collect()])
try:
    spark.read.text(arguments.folder + "a.txt")
except Exception as error:
    print("gone", "PATH_NOT_FOUND" in str(error))
s3.delete_object(Bucket=bucket, Key=prefix + "made/b.txt")
s3.put_object(Bucket=bucket, Key=prefix + "made/d.txt", Body=b"stays")
"""


def test_what_a_script_puts_by_boto3_its_spark_sees(account: Account) -> None:
    account.put("named/a.txt", "there before")
    account.put("named/kept.txt", "kept")
    run = account.glue_run(account.glue_job(PUTS_BY_BOTO3), {"--folder": account.uri("named/")})

    assert run["JobRunState"] == "SUCCEEDED"
    assert account.log("/aws-glue/jobs/output", run["Id"]) == ["read ['put while it runs']", "gone True"]
    assert account.keys("named/") == ["named/kept.txt", "named/made/d.txt"]
    assert account.keys("elsewhere/") == ["elsewhere/c.txt"]
