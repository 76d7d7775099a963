import io
import tarfile
from typing import Any

import pytest

from tests.localaws.account import Account, wait

LOG = "/aws/sagemaker/TrainingJobs"
TRAIN = """
import argparse, json, os, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--penalty")
parser.add_argument("--c", type=float, default=1.0)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
arguments = parser.parse_args()
words = sorted(p.relative_to(arguments.train).as_posix() for p in Path(arguments.train).rglob("*.txt"))
model = {"penalty": arguments.penalty, "c": arguments.c, "words": words, "colour": os.environ.get("COLOUR")}
Path(arguments.model_dir, "model.json").write_text(json.dumps(model))
Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt").write_text(os.environ["TRAINING_JOB_NAME"])
print("macro_f1=0.5;"); print("macro_f1=0.75;"); print("loss: none")
"""


def members(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            member.name: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }


def with_data(account: Account, **hyperparameters: str) -> dict[str, Any]:
    account.put("data/a.txt", "a")
    account.put("data/deep/b.txt", "b")
    channel = {"S3DataType": "S3Prefix", "S3Uri": account.uri("data/")}
    code = account.put_code(train=TRAIN)
    return {
        "code": code,
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": channel}}],
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"{code}"',
        }
        | hyperparameters,
    }


def test_script_mode_trains_and_uploads_model_and_output(account: Account) -> None:
    more = with_data(account, penalty='"l2"', c="0.5")
    job = account.train("first", Environment={"COLOUR": "blue"}, **more)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == account.uri("models/first/output/model.tar.gz")
    packed = members(account.get("models/first/output/model.tar.gz"))
    assert packed == {"model.json": b'{"penalty": "l2", "c": 0.5, "words": ["a.txt", "deep/b.txt"], "colour": "blue"}'}
    assert members(account.get("models/first/output/output.tar.gz")) == {"report.txt": b"first"}


def test_describe_returns_what_was_sent_and_how_it_went(account: Account) -> None:
    definitions = [
        {"Name": "macro_f1", "Regex": "macro_f1=([0-9.]+);"},
        {"Name": "loss", "Regex": "loss: (.*)"},
    ]
    algorithm = {"TrainingImage": "i", "TrainingInputMode": "File", "MetricDefinitions": definitions}
    more = with_data(account, penalty='"l1"') | {"AlgorithmSpecification": algorithm}
    tags = [{"Key": "team", "Value": "ml"}]
    job = account.train("described", Environment={"COLOUR": "red"}, Tags=tags, **more)
    assert job["AlgorithmSpecification"] == algorithm
    assert job["Environment"] == {"COLOUR": "red"}
    assert job["HyperParameters"] == more["HyperParameters"]
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("macro_f1", 0.75)]
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] >= 0
    arn = job["TrainingJobArn"]
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "data"}])
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "data"}]


def test_the_same_training_twice_gives_the_same_bytes(account: Account) -> None:
    more = with_data(account, penalty='"l2"')
    account.train("once", **more)
    account.train("again", **more)
    once, again = (account.get(f"models/{name}/output/model.tar.gz") for name in ("once", "again"))
    assert once == again


def test_a_failed_training_says_why_and_leaves_no_model(account: Account) -> None:
    job = account.train("failing", account.put_code(train="raise KeyError('narrative')"))
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: KeyError: 'narrative', exit code: 1"
    assert account.keys("models/") == []
    assert "KeyError: 'narrative'" in account.log(LOG, "failing/algo-1-")


def test_what_a_program_writes_into_output_failure_is_the_reason(account: Account) -> None:
    train = """
        import os, sys
        open(os.environ["SM_OUTPUT_DIR"] + "/failure", "w").write("no label has 10 rows")
        sys.exit(3)
    """
    job = account.train("explained", account.put_code(train=train))
    assert job["FailureReason"] == "AlgorithmError: no label has 10 rows, exit code: 3"


def test_a_channel_without_objects_is_the_clients_error(account: Account) -> None:
    more = with_data(account)
    more["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = account.uri("nothing-here/")
    job = account.train("no-data", **more)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert account.uri("nothing-here/") in job["FailureReason"]


def test_a_training_job_name_is_used_once(account: Account) -> None:
    code = account.put_code(train="")
    account.train("unique", code)
    with pytest.raises(account.sagemaker.exceptions.ResourceInUse, match="already exists"):
        account.sagemaker.create_training_job(**account.training("unique", code))


def test_a_job_that_nobody_created_is_a_validation_error_as_airflow_expects(account: Account) -> None:
    for kind in ("Training", "Transform", "Processing"):
        describe = getattr(account.sagemaker, f"describe_{kind.lower()}_job")
        with pytest.raises(account.sagemaker.exceptions.ClientError) as refused:
            describe(**{f"{kind}JobName": "nobody"})
        assert refused.value.response["Error"] == {
            "Code": "ValidationException",
            "Message": "Requested resource not found.",
        }


def test_names_that_sagemaker_would_refuse_are_refused(account: Account) -> None:
    for name in ("with_underscore", "a" * 64, "ends-"):
        with pytest.raises(account.sagemaker.exceptions.ClientError, match="trainingJobName") as refused:
            account.sagemaker.create_training_job(**account.training(name, "s3://b/c"))
        assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_training_beyond_its_max_runtime_is_stopped_and_keeps_its_model(account: Account) -> None:
    train = """
        import os, time
        open(os.environ["SM_MODEL_DIR"] + "/checkpoint", "w").write("1")
        time.sleep(60)
    """
    stopping = {"MaxRuntimeInSeconds": 1}
    job = account.train("slow", account.put_code(train=train), StoppingCondition=stopping)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert members(account.get("models/slow/output/model.tar.gz")) == {"checkpoint": b"1"}


def test_a_training_can_be_stopped_once(account: Account) -> None:
    code = account.put_code(train="import time; print('up'); time.sleep(60)")
    account.sagemaker.create_training_job(**account.training("stopped", code))
    describe = account.sagemaker.describe_training_job
    wait(lambda: describe(TrainingJobName="stopped"), "SecondaryStatus", {"Starting", "Downloading"})
    account.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = account.sagemaker_end("training", "stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="in status Stopped"):
        account.sagemaker.stop_training_job(TrainingJobName="stopped")


def test_jobs_are_listed_by_name_and_status_in_pages(account: Account) -> None:
    code = account.put_code(train="")
    names = [f"listed-{number}" for number in range(3)]
    for name in names:
        account.train(name, code)
    ask = {"NameContains": "listed-", "StatusEquals": "Completed", "SortOrder": "Ascending", "SortBy": "Name"}
    pages = account.sagemaker.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 2}, **ask)
    assert [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    failed = account.sagemaker.list_training_jobs(NameContains="listed-", StatusEquals="Failed")
    assert failed["TrainingJobSummaries"] == []
