import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import astuple
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws import LocalAWS
from localaws.server.credentials import read_credentials
from tests.localaws.account import Account, runs, wait


def post(aws: LocalAWS, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
    service = "glue" if target.startswith("AWSGlue") else "sagemaker"
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    unsigned = AWSRequest("POST", f"{aws.endpoint}/", data=body, headers=headers)
    SigV4Auth(Credentials(*astuple(aws.credentials)), service, "us-east-1").add_auth(unsigned)
    request = urllib.request.Request(unsigned.url, body, dict(unsigned.headers), method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_requests_are_checked_by_botocores_model(aws: LocalAWS) -> None:
    status, answer = post(aws, "SageMaker.DescribeTrainingJob", b'{"Unknown": 1}')
    assert status == 400
    assert answer["__type"] == "ValidationException"
    assert 'Missing required parameter in input: "TrainingJobName"' in answer["message"]
    assert 'Unknown parameter in input: "Unknown"' in answer["message"]
    status, answer = post(aws, "AWSGlue.StartJobRun", b'{"JobName": 1}')
    assert (status, answer["__type"]) == (400, "InvalidInputException")
    status, answer = post(aws, "AWSGlue.StartJobRun", b"not json")
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_what_is_not_taken_over_is_motos(account: Account) -> None:
    account.aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="left-to-moto")
    # Other tests have made theirs in the same process, whose state is moto's.
    listed = account.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    groups = [group for group in listed if group["ModelPackageGroupName"] == "left-to-moto"]
    arn = groups[0]["ModelPackageGroupArn"]
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_the_server_says_where_it_is_and_leaves_no_process_when_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localaws", "--state", str(tmp_path / "state")]
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion\n")
    shell = os.environ | {"AWS_PROFILE": "a-profile-that-is-gone", "HOME": str(tmp_path)}
    shell |= {"http_proxy": "http://127.0.0.1:9", "no_proxy": "example.org"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=shell) as server:
        assert server.stdout is not None
        started = json.loads(server.stdout.readline())
        endpoint, credentials = started["endpoint"], read_credentials(Path(started["credentials"]))
        assert credentials
        session = boto3.session.Session(**credentials.session, region_name="us-east-1")
        s3, glue = (session.client(name, endpoint_url=endpoint) for name in ("s3", "glue"))
        pid_file = tmp_path / "pid"
        s3.create_bucket(Bucket="bucket")
        s3.put_object(
            Bucket="bucket",
            Key="job.py",
            Body="import boto3, os, time; boto3.client('s3').list_buckets()\n"
            f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)",
        )
        script = {"Name": "glueetl", "ScriptLocation": "s3://bucket/job.py"}
        glue.create_job(Name="job", Role="r", Command=script)
        glue.start_job_run(JobName="job")
        wait(lambda: {"pid": pid_file.exists() and pid_file.read_text()}, "pid", {False, ""})  # type: ignore[arg-type]
        s3.close()
        glue.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert server.stdout.read() == ""
    assert not runs(int(pid_file.read_text()))


@pytest.mark.parametrize("module", ["localaws", "localaws.server.endpoint", "localaws.container.serve_batch"])
def test_importing_does_nothing(module: str) -> None:
    script = f"import logging, threading, {module}; print(threading.active_count(), logging.root.handlers)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "1 []\n"


def test_two_in_one_process_both_answer_writes(tmp_path: Path) -> None:
    with LocalAWS(tmp_path / "outer") as outer, LocalAWS(tmp_path / "inner") as inner:
        for name, aws in {"outer": outer, "inner": inner}.items():
            s3 = aws.client("s3")
            s3.create_bucket(Bucket=name)
            assert s3.put_object(Bucket=name, Key="a", Body=b"a")["ETag"]
