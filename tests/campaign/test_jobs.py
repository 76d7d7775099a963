"""Jobs that die, are repeated, are refused, or have names that others took: none counts for more than it left."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from complaints.aws import failures
from complaints.aws.clients import environment_bucket
from complaints.aws.jobs import ForeignJobError
from complaints.models import registry
from complaints.runs import requests
from complaints.settings import load_settings
from complaints.tasks import classification, jobs
from deploy.releases import put_release
from localaws import LocalAWS
from tests import own_clients
from tests.campaign.environment import sha256
from tests.campaign.faults import Fault, injects
from tests.campaign.kills.victims import victims
from tests.localaws.account import Account
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SETTINGS = load_settings()
BUCKET = SETTINGS.pipeline.storage.bucket
PREPARE = SETTINGS.pipeline.glue.prepare_complaints_job
HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"
MODEL = b"model"


@pytest.fixture(scope="module")
def aws(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    """Local AWS with our release, and the clients that the steps make by themselves talking to it."""
    folder = tmp_path_factory.mktemp("aws")
    with local_aws(folder, reuse_jvm=True) as found, pytest.MonkeyPatch.context() as environment:
        own_clients.use(found, environment)
        found.client("s3").create_bucket(Bucket=BUCKET)
        put_release(
            {name: found.client(name) for name in ("s3", "cloudformation")}, SETTINGS.pipeline, ROOT / "include"
        )
        record = {"version": "v1", "run_id": "of v1", "model_name": "m", "artifact_uri": f"s3://{BUCKET}/model"}
        record["sha256"] = sha256(MODEL)
        for key, content in {
            "models/versioned/v1/model.json": {**record, "evaluation": {"classes": ["card", "mortgage"]}},
            registry.LATEST: {"version": "v1", "previous": None},
        }.items():
            environment_bucket(SETTINGS).write_json(key, content)
        found.client("s3").put_object(Bucket=BUCKET, Key="model", Body=MODEL)
        yield found


def planned(aws: LocalAWS, name: str, rows: int) -> dict[str, Any]:
    """The plan of a run over two files of so many rows each, of a folder of its own."""
    for number in range(2):
        first = number * rows
        text = "".join(f'2026-01-01,Credit card,"of {name}\nand {n}",{n + 1}\n' for n in range(first, first + rows))
        aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw/{name}/{number}.csv", Body=(HEADER + text).encode())
    return classification.plan_classification(f"raw/{name}/")


def started(aws: LocalAWS, plan: dict[str, Any]) -> str:
    arguments = requests.prepare_complaints_arguments(plan)
    run_id: str = aws.client("glue").start_job_run(JobName=PREPARE, Arguments=arguments)["JobRunId"]
    return run_id


def ended(aws: LocalAWS, run_id: str) -> str:
    until(lambda: run_of(aws, run_id)["JobRunState"] not in ("STARTING", "RUNNING"), "the end of the Glue job")
    return str(run_of(aws, run_id)["JobRunState"])


def run_of(aws: LocalAWS, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = aws.client("glue").get_job_run(JobName=PREPARE, RunId=run_id)["JobRun"]
    return run


def found(plan: dict[str, Any]) -> dict[str, Any]:
    return jobs.find_glue_job(PREPARE, requests.prepare_complaints_arguments(plan), plan["account_uri"])


def contents(aws: LocalAWS, uri: str) -> list[bytes]:
    """The files below a URI, whatever Spark called them, without the directory markers that S3A leaves."""
    s3, prefix = aws.client("s3"), uri.removeprefix(f"s3://{BUCKET}/")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    keys = [each["Key"] for each in found if not each["Key"].endswith("/")]
    return [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]


@injects(Fault.ETL_KILLED)
def test_an_etl_that_is_killed_half_way_leaves_nothing_that_counts_and_its_rerun_heals(
    aws: LocalAWS, tmp_path: Path
) -> None:
    plan = planned(aws, "killed", 20_000)
    run_id = started(aws, plan)
    while not (alive := victims("spark", aws, aws.folder, airflow=0)) or not printed(aws, run_id, "read"):
        assert run_of(aws, run_id)["JobRunState"] in ("STARTING", "RUNNING")
        time.sleep(0.02)
    alive[0]()
    assert ended(aws, run_id) == "FAILED"
    assert found(plan)["state"] == "absent"
    with pytest.raises(FileNotFoundError, match="holds 0 files where one JSON document was expected"):
        classification.results_add_up(plan)
    assert ended(aws, started(aws, plan)) == "SUCCEEDED"
    assert found(plan)["state"] == "done"
    assert b"".join(contents(aws, plan["records_uri"])).count(b"\n") == 40_000


def printed(aws: LocalAWS, run_id: str, word: str) -> bool:
    logs = aws.client("logs")
    streams = logs.describe_log_streams(logGroupName="/aws-glue/jobs/output", logStreamNamePrefix=run_id)["logStreams"]
    return any(
        word in event["message"]
        for each in streams
        for event in logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=each["logStreamName"])[
            "events"
        ]
    )


@injects(Fault.DIRECTORY_MARKER)
def test_what_the_transform_reads_is_what_the_preparation_wrote_last(aws: LocalAWS) -> None:
    """Every object below its prefix: S3A's markers are gone, and so is what an earlier attempt left."""
    plan, s3 = planned(aws, "exact", 300), aws.client("s3")
    prefix = plan["records_uri"].removeprefix(f"s3://{BUCKET}/")
    for left_over in ("", "_temporary/0/", "part-00007-earlier.json"):
        s3.put_object(Bucket=BUCKET, Key=prefix + left_over, Body=b"{}\n" if left_over.endswith("json") else b"")
    assert ended(aws, started(aws, plan)) == "SUCCEEDED"
    objects = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    assert [re.sub(r"-.*", "", each["Key"].removeprefix(prefix)) for each in objects] == ["part"]
    assert s3.get_object(Bucket=BUCKET, Key=objects[0]["Key"])["Body"].read().count(b"\n") == 600


@injects(Fault.ETL_REPEATED)
def test_an_etl_that_is_run_again_after_its_success_is_not_started_and_would_write_the_same(aws: LocalAWS) -> None:
    plan = planned(aws, "repeated", 300)
    assert ended(aws, started(aws, plan)) == "SUCCEEDED"
    assert planned(aws, "repeated", 300) == plan
    assert found(plan)["state"] == "done"
    before = left(aws, plan)
    assert ended(aws, started(aws, plan)) == "SUCCEEDED"
    assert left(aws, plan) == before


def left(aws: LocalAWS, plan: dict[str, Any]) -> list[Any]:
    """The bytes that a preparation left, of Parquet the rows: a JVM may list encodings in an order of its own."""
    texts = [contents(aws, plan[name]) for name in ("records_uri", "quarantine_uri", "account_uri")]
    return [*texts, *(pq.read_table(io.BytesIO(each)) for each in contents(aws, plan["complaints_uri"]))]


def answering(status: int, body: bytes, times: int) -> tuple[Callable[..., AWSResponse | None], list[str]]:
    """A `before-send` hook that answers the first calls itself, and what it was asked."""
    asked: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        asked.append(request.url)
        if len(asked) > times:
            return None
        return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, Raw(body))

    return answer, asked


class Raw:
    """A body, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = [body]

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        while self._body:
            yield self._body.pop()

    def read(self, *_: Any) -> bytes:
        return self._body.pop() if self._body else b""


@pytest.fixture
def hooked(aws: LocalAWS) -> Iterator[Callable[[Any], None]]:
    """Puts a hook on S3's wire, of the clients that the steps make."""
    boto3.setup_default_session()
    yield lambda hook: boto3.DEFAULT_SESSION.events.register("before-send.s3", hook)
    boto3.setup_default_session()


@injects(Fault.S3_UNRELIABLE)
def test_a_plan_that_s3_slows_down_is_the_same_plan(aws: LocalAWS, hooked: Callable[[Any], None]) -> None:
    plan = planned(aws, "slow", 3)
    hook, asked = answering(503, b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>", times=2)
    hooked(hook)
    assert classification.plan_classification("raw/slow/") == plan
    assert asked[0] == asked[1] == asked[2]


@injects(Fault.S3_DENIED)
@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_what_may_not_be_read_fails_at_once_and_says_so(
    aws: LocalAWS, hooked: Callable[[Any], None], code: str
) -> None:
    planned(aws, "denied", 3)
    told = f"<Error><Code>{code}</Code><Message>the key is disabled</Message></Error>".encode()
    hook, asked = answering(403, told, times=99)
    hooked(hook)
    with pytest.raises(ClientError) as caught:
        classification.plan_classification("raw/denied/")
    assert len(asked) == 1
    assert failures.cause_of(caught.value) == f"{code}: the key is disabled"
    assert failures.is_refused_for_good(caught.value)


@injects(Fault.NAME_TAKEN)
def test_a_job_whose_name_exists_is_ours_if_it_uses_the_same_places_and_is_never_touched_else(
    aws: LocalAWS, tmp_path: Path
) -> None:
    account, go = Account(aws, "names"), tmp_path / "go"
    code = account.put_code(train=f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)")
    output = f"s3://{BUCKET}/names/"
    ours = account.training("train-abc", code, OutputDataConfig={"S3OutputPath": output})
    account.sagemaker.create_training_job(**{**ours, "TrainingJobName": "train-abc-0"})
    running = {"state": "running", "name": "train-abc-0", "result": None}
    assert jobs.find_sagemaker_job("Training", ours, output) == running
    elsewhere = account.training("train-abc", code, OutputDataConfig={"S3OutputPath": account.uri("elsewhere")})
    with pytest.raises(ForeignJobError, match="train-abc-0 is running, but does not use s3://names/elsewhere"):
        jobs.find_sagemaker_job("Training", elsewhere, output)
    go.touch()
    account.sagemaker_end("training", "train-abc-0")
    assert jobs.find_sagemaker_job("Training", ours, output)["state"] == "done"
    assert jobs.find_sagemaker_job("Training", elsewhere, output) == {
        **running,
        "state": "absent",
        "name": "train-abc-1",
    }
