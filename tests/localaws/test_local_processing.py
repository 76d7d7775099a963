import json
from typing import Any

import pytest

from tests.localaws.account import ROLE, Account

SCRIPT = """
import argparse, os, sys
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--input", type=Path)
parser.add_argument("--output", type=Path)
arguments = parser.parse_args()
text = "".join(path.read_text() for path in sorted(arguments.input.rglob("*.txt")))
(arguments.output / "deep").mkdir()
(arguments.output / "deep" / "out.txt").write_text(text + os.environ["WHERE"][-1])
"""


def s3_input(name: str, uri: str, path: str) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def process(account: Account, name: str, script: str, **more: Any) -> dict[str, Any]:
    code = account.put("code/report.py", script)
    account.put("in/a.txt", "a")
    account.put("in/sub/b.txt", "b")
    output = {"S3Uri": account.uri("report/"), "LocalPath": "/opt/ml/processing/output"}
    request = {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/report.py"],
            "ContainerArguments": [
                "--input",
                "/opt/ml/processing/in",
                "--output",
                "/opt/ml/processing/output",
            ],
        },
        "ProcessingInputs": [
            s3_input("code", code, "/opt/ml/processing/code"),
            s3_input("data", account.uri("in/"), "/opt/ml/processing/in"),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": output | {"S3UploadMode": "EndOfJob"}}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
        },
        "Environment": {"WHERE": "/opt/ml/processing/x"},
    }
    account.sagemaker.create_processing_job(**request | more)
    return account.sagemaker_end("processing", name)


def test_inputs_arrive_at_their_paths_and_outputs_leave_from_theirs(account: Account) -> None:
    job = process(account, "report", SCRIPT)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.keys("report/") == ["report/deep/out.txt"]
    assert account.get("report/deep/out.txt") == b"abx"
    assert job["Environment"] == {"WHERE": "/opt/ml/processing/x"}


def listed(account: Account, name: str, entries: list[Any]) -> dict[str, Any]:
    """The end of a job whose data are the objects of a manifest."""
    manifest = account.put(f"{name}.manifest", json.dumps(entries))
    data = s3_input("data", manifest, "/opt/ml/processing/in")
    data["S3Input"]["S3DataType"] = "ManifestFile"
    inputs = [s3_input("code", account.uri("code/report.py"), "/opt/ml/processing/code"), data]
    return process(account, name, SCRIPT, ProcessingInputs=inputs)


def test_of_a_manifest_the_objects_that_it_lists_are_inputs_and_no_others(account: Account) -> None:
    account.put("in/sub/c.txt", "c")
    job = listed(account, "some", [{"prefix": account.uri("in/")}, "sub/c.txt", "a.txt"])
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.get("report/deep/out.txt") == b"acx"


@pytest.mark.parametrize(
    ("name", "entries", "reason"),
    [
        ("none", [], "lists no object"),
        ("absent", ["z.txt"], "cannot read s3://"),
        ("outside", ["../z.txt"], "cannot be a path in a folder"),
    ],
)
def test_a_manifest_whose_objects_cannot_be_read_fails_the_job(
    account: Account, name: str, entries: list[str], reason: str
) -> None:
    job = listed(account, name, [{"prefix": account.uri("in/")}, *entries])
    assert job["ProcessingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_a_failed_processing_job_says_why(account: Account) -> None:
    job = process(account, "broken-report", "raise SystemExit('drift table is empty')")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: drift table is empty, exit code: 1"
    assert "drift table is empty" in account.log("/aws/sagemaker/ProcessingJobs", "broken-report/")


def test_a_processing_job_beyond_its_time_is_stopped(account: Account) -> None:
    job = process(account, "late", "import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"


def test_what_local_processing_cannot_do_is_refused(account: Account) -> None:
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="ContainerEntrypoint"):
        process(account, "bare", "", AppSpecification={"ImageUri": "image"})
