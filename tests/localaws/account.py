"""An AWS account with one bucket of its own, and the requests that the tests of local AWS repeat."""

import io
import json
import tarfile
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localaws import LocalAWS
from tests.waiting import PATIENCE

ROLE = "arn:aws:iam::123456789012:role/jobs"
GLUE_UNDERWAY = {"STARTING", "RUNNING", "STOPPING"}
SAGEMAKER_UNDERWAY = {"InProgress", "Stopping"}


class Account:
    def __init__(self, aws: LocalAWS, name: str) -> None:
        self.aws = aws
        self.name = name
        self.s3 = aws.client("s3")
        self.glue = aws.client("glue")
        self.sagemaker = aws.client("sagemaker")
        self.s3.create_bucket(Bucket=name)

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        page = self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for item in page.get("Contents", [])]

    def put_code(self, **programs: str) -> str:
        """A sourcedir.tar.gz with `name.py` for each program."""
        return self.put_archive("code/sourcedir.tar.gz", **{f"{k}.py": v for k, v in programs.items()})

    def put_serving_code(self, **programs: str) -> str:
        """The same, with what builds it where pip finds no package index."""
        inference = Path(__file__).parents[2] / "include" / "inference"
        builds = {name: (inference / name).read_text() for name in ("pyproject.toml", "wheel_of_modules.py")}
        files = {f"{name}.py": text for name, text in programs.items()}
        return self.put_archive("code/sourcedir.tar.gz", **files, **builds)

    def put_archive(self, key: str, **files: str) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, text in files.items():
                content = textwrap.dedent(text).encode()
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return self.put(key, buffer.getvalue())

    def glue_job(self, script: str, **definition: Any) -> str:
        job = f"job-of-{self.name}"
        uri = self.put("code/job.py", textwrap.dedent(script))
        command = {"Name": "glueetl", "ScriptLocation": uri}
        self.glue.create_job(Name=job, Role=ROLE, Command=command, **definition)
        return job

    def glue_run(self, job: str, arguments: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        run_id = self.glue.start_job_run(JobName=job, Arguments=arguments or {}, **more)["JobRunId"]
        return self.glue_end(job, run_id)

    def glue_end(self, job: str, run_id: str) -> dict[str, Any]:
        return wait(lambda: self.glue_state(job, run_id), "JobRunState", GLUE_UNDERWAY)

    def glue_state(self, job: str, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        return run

    def training(self, name: str, code: str, **more: Any) -> dict[str, Any]:
        hyperparameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": code}
        return {
            "TrainingJobName": name,
            "HyperParameters": {key: json.dumps(value) for key, value in hyperparameters.items()},
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": self.uri("models")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        } | more

    def train(self, name: str, code: str, **more: Any) -> dict[str, Any]:
        self.sagemaker.create_training_job(**self.training(name, code, **more))
        return self.sagemaker_end("training", name)

    def sagemaker_end(self, kind: str, name: str) -> dict[str, Any]:
        describe = getattr(self.sagemaker, f"describe_{kind}_job")
        member = kind.capitalize()
        asked = {f"{member}JobName": name}
        return wait(lambda: describe(**asked), f"{member}JobStatus", SAGEMAKER_UNDERWAY)

    def function(self, code: str, **more: Any) -> str:
        """A Lambda function whose module `app` is `code`, with a `handler`."""
        trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam, role = self.aws.client("iam"), f"functions-of-{self.name}"
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        name = f"function-of-{self.name}"
        settings = {"Runtime": "python3.12", "Handler": "app.handler", "Role": arn, "Timeout": 20} | more
        self.aws.client("lambda").create_function(FunctionName=name, Code={"ZipFile": zipped(code)}, **settings)
        return name

    def invoke(self, function: str, event: Any) -> tuple[dict[str, Any], Any]:
        """The answer of Invoke, and its payload."""
        answer = self.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event), LogType="Tail")
        with answer["Payload"] as payload:
            return answer, json.load(payload)

    def function_arn(self, code: str, **more: Any) -> str:
        """The ARN of a new function."""
        name = self.function(code, **more)
        arn: str = self.aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        return arn

    def queue(self, name: str = "queue") -> str:
        """The ARN of a new queue."""
        queues = self.aws.client("sqs")
        url = queues.create_queue(QueueName=f"{name}-of-{self.name}")["QueueUrl"]
        arn: str = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn

    def messages(self, queue: str, count: int, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """The next messages of a queue; fewer if no more come in time. They are taken out of it."""
        queues = self.aws.client("sqs")
        found: list[dict[str, Any]] = []
        url = queues.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            answer = queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
            found += answer.get("Messages", [])
            time.sleep(0.05)
        return found

    def machine(self, start: str, **states: Any) -> str:
        """A state machine's ARN."""
        definition = json.dumps({"StartAt": start, "States": states})
        create = self.aws.client("stepfunctions").create_state_machine
        arn: str = create(name=f"machine-of-{self.name}", definition=definition, roleArn=ROLE)["stateMachineArn"]
        return arn

    def execute(self, machine: str, given: Any = None, **more: Any) -> dict[str, Any]:
        """An execution, at its end."""
        start = self.aws.client("stepfunctions").start_execution
        started = start(stateMachineArn=machine, input=json.dumps(given or {}), **more)
        return self.execution_end(started["executionArn"])

    def execution_end(self, arn: str) -> dict[str, Any]:
        describe = self.aws.client("stepfunctions").describe_execution
        return wait(lambda: describe(executionArn=arn), "status", {"RUNNING"})

    def log(self, group: str, prefix: str) -> list[str]:
        logs = self.aws.client("logs")
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", textwrap.dedent(code))
    return buffer.getvalue()


def wait(
    ask: Callable[[], dict[str, Any]], member: str, underway: set[str], seconds: float = PATIENCE
) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (answer := ask())[member] in underway:
        assert time.monotonic() < deadline, f"still {answer[member]} after {seconds} s"
        time.sleep(0.05)
    return answer


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent, as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
