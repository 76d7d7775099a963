"""Local AWS beside this Airflow, which has no moto: a server of the jobs' environment, and tiny jobs to run on it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "jobs" / "bin" / "python"
BUCKET = "once"
ROLE = "arn:aws:iam::123456789012:role/jobs"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}

# What a job does until the object `go` is there.
_WAITS = """
while not boto3.client("s3").list_objects_v2(Bucket="once", Prefix="go")["KeyCount"]:
    time.sleep(0.05)
"""
# What both kinds of jobs do: what the object `how` says, then the output, last of all.
GLUE = """
import sys, time, boto3
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
bucket, _, folder = given["--output"].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
exec(s3.get_object(Bucket=bucket, Key="how")["Body"].read())
s3.put_object(Bucket=bucket, Key=folder + "account.json", Body=b"{}")
"""
TRAIN = """
import os, boto3, time
exec(boto3.client("s3").get_object(Bucket="once", Key="how")["Body"].read())
open(os.path.join(os.environ["SM_MODEL_DIR"], "model"), "w").write("model")
print("score=0.5")
"""


class Account:
    """The clients of one local AWS, and what its jobs shall do."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.s3, self.glue, self.sagemaker = (self.client(name) for name in ("s3", "glue", "sagemaker"))
        self.s3.create_bucket(Bucket=BUCKET)
        self.put("code/job.py", GLUE)
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/code/job.py"}
        limit = {"MaxConcurrentRuns": 5}
        self.glue.create_job(Name="prepare", Role=ROLE, Command=command, ExecutionProperty=limit)
        self.put("code/train.tar.gz", _packed("train.py", TRAIN))

    def client(self, service: str) -> Any:
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint)

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def jobs_do(self, what: str) -> None:
        """The Python that each job runs before it writes its output."""
        self.put("how", what)

    def hold_jobs(self) -> None:
        """Lets each job wait for `let_jobs_go`, and then write its output."""
        self.s3.delete_object(Bucket=BUCKET, Key="go")
        self.jobs_do(_WAITS)

    def let_jobs_go(self) -> None:
        """Lets the jobs that wait go on."""
        self.put("go", "")

    def empty(self, uri: str) -> None:
        for found in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=uri.removeprefix(f"s3://{BUCKET}/"))["Contents"]:
            self.s3.delete_object(Bucket=BUCKET, Key=found["Key"])

    def glue_runs(self, run: str) -> list[str]:
        """The states of the Glue runs of a run of the flow, oldest first."""
        runs = self.glue.get_job_runs(JobName="prepare")["JobRuns"]
        mine = [each for each in runs if each["Arguments"].get("--plan") == f"s3://{BUCKET}/{run}.json"]
        return [each["JobRunState"] for each in reversed(mine)]

    def trainings(self, run: str) -> dict[str, str]:
        """The training jobs of a run of the flow, and their states."""
        jobs = self.sagemaker.list_training_jobs(NameContains=f"train-{run}", SortBy="Name", SortOrder="Ascending")
        return {each["TrainingJobName"]: each["TrainingJobStatus"] for each in jobs["TrainingJobSummaries"]}

    def tunings(self, run: str) -> dict[str, str]:
        """The tuning jobs of a run of the flow, and their states."""
        jobs = self.sagemaker.list_hyper_parameter_tuning_jobs(
            NameContains=f"tune-{run}", SortBy="Name", SortOrder="Ascending"
        )
        found = jobs["HyperParameterTuningJobSummaries"]
        return {each["HyperParameterTuningJobName"]: each["HyperParameterTuningJobStatus"] for each in found}


@contextmanager
def local_aws(folder: Path) -> Iterator[Account]:
    """The account of a local AWS that runs as long as the block."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"LOCALAWS_ACCESS_KEY_ID": "local", "LOCALAWS_SECRET_ACCESS_KEY": "local"}
    # No Spark process gets ready for the next job: these jobs are plain Python.
    command = [str(PYTHON), "-m", "localaws", "--state", str(folder), "--no-standby"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            yield Account(json.loads(server.stdout.readline())["endpoint"])
        finally:
            server.terminate()


def _packed(name: str, text: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
