import gzip
import json
from typing import Any

import pytest

from tests.campaign.faults import Fault, injects
from tests.localaws.account import ROLE, Account

PROGRAM = """
import json, os

def model_fn(model_dir):
    return json.load(open(model_dir + "/model.json"))

def input_fn(body, content_type):
    assert content_type == "application/jsonlines", content_type
    assert isinstance(body, bytes)
    print("payload", len(body))
    return [json.loads(line) for line in body.split(b"\\n") if line]

def predict_fn(rows, model):
    return [{"id": row["id"], "label": model["label"], "n": len(row.get("text", ""))} for row in rows]

def output_fn(rows, accept):
    return "\\n".join(json.dumps(row) for row in rows), accept
"""


@pytest.fixture
def model(account: Account) -> str:
    name = f"model-of-{account.name}"
    container = {
        "Image": "image",
        "ModelDataUrl": account.put_archive("m/model.tar.gz", **{"model.json": '{"label": "loan"}'}),
        "Environment": {
            "SAGEMAKER_PROGRAM": "serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": account.put_serving_code(serve=PROGRAM),
        },
    }
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def request(account: Account, name: str, model: str, **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": account.uri("in/")}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": account.uri("out"),
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": 1,
    } | more


def transform(account: Account, name: str, model: str, **more: Any) -> dict[str, Any]:
    account.sagemaker.create_transform_job(**request(account, name, model, **more))
    return account.sagemaker_end("transform", name)


def lines(count: int, text: str = "x", first: int = 0) -> bytes:
    rows = (json.dumps({"id": first + number, "text": text}, ensure_ascii=False) + "\n" for number in range(count))
    return "".join(rows).encode()


def rows(body: bytes) -> list[dict[str, Any]]:
    assert body.endswith(b"\n")
    return [json.loads(line) for line in body[:-1].split(b"\n")]


def test_every_object_gets_its_out_object_below_the_output_path(account: Account, model: str) -> None:
    account.put("in/a.json", lines(3))
    account.put("in/day=1/b.json", lines(2, first=3))
    job = transform(account, "two-objects", model)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert account.keys("out/") == ["out/a.json.out", "out/day=1/b.json.out"]
    assert rows(account.get("out/a.json.out")) == [{"id": i, "label": "loan", "n": 1} for i in range(3)]
    assert [row["id"] for row in rows(account.get("out/day=1/b.json.out"))] == [3, 4]
    assert job["TransformStartTime"] <= job["TransformEndTime"]


def test_records_end_at_newlines_and_at_nothing_else(account: Account, model: str) -> None:
    text = "one\u2028two\u0085three\rfour\x0bfive"
    account.put("in/a.json", lines(2, text))
    job = transform(account, "separators", model)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert [row["n"] for row in rows(account.get("out/a.json.out"))] == [len(text)] * 2


def test_payloads_hold_as_many_records_as_fit_and_no_more(account: Account, model: str) -> None:
    account.put("in/a.json", lines(5_000, "y" * 1_000))
    job = transform(account, "payloads", model)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert [row["id"] for row in rows(account.get("out/a.json.out"))] == list(range(5_000))
    log = account.log("/aws/sagemaker/TransformJobs", "payloads/")
    sizes = [int(line.split()[1]) for line in log if line.startswith("payload")]
    assert len(sizes) == 5
    assert max(sizes) <= 1 << 20
    assert "5,000 records in a.json (complete)" in log
    assert any(line.endswith("records in a.json") for line in log)


def test_single_record_sends_one_record_a_payload(account: Account, model: str) -> None:
    account.put("in/a.json", lines(4))
    transform(account, "singles", model, BatchStrategy="SingleRecord")
    log = account.log("/aws/sagemaker/TransformJobs", "singles/")
    assert sum(line.startswith("payload") for line in log) == 4
    assert len(rows(account.get("out/a.json.out"))) == 4


def test_an_object_that_fails_gets_no_output_and_the_others_keep_theirs(account: Account, model: str) -> None:
    account.put("in/a.json", lines(1))
    account.put("in/b.json", '{"id": 1}\n{"no": "id"}\n')
    account.put("in/c.json", lines(1))
    job = transform(account, "one-bad", model)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: b.json: KeyError: 'id'"
    assert account.keys("out/") == ["out/a.json.out", "out/c.json.out"]


def test_a_record_larger_than_the_payload_is_the_clients_error(account: Account, model: str) -> None:
    account.put("in/a.json", lines(1) + lines(1, "z" * (1 << 20)))
    job = transform(account, "too-large", model)
    assert job["FailureReason"].startswith("ClientError: a.json: record 2 has")
    assert account.keys("out/") == []


def test_a_prefix_without_objects_is_the_clients_error(account: Account, model: str) -> None:
    job = transform(account, "nothing", model)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: No S3 objects found")


def test_gzip_input_without_split_goes_through_whole(account: Account, model: str) -> None:
    account.put("in/a.json.gz", gzip.compress(lines(2)))
    base = request(account, "zipped", model)
    given = base["TransformInput"] | {"SplitType": "None", "CompressionType": "Gzip"}
    job = transform(account, "zipped", model, TransformInput=given)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert len(rows(account.get("out/a.json.gz.out"))) == 2


def test_a_model_can_be_a_registered_package(account: Account) -> None:
    container = {
        "Image": "image",
        "ModelDataUrl": account.put_archive("m/model.tar.gz", **{"model.json": '{"label": "card"}'}),
        "Environment": {
            "SAGEMAKER_PROGRAM": "serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": account.put_serving_code(serve=PROGRAM),
        },
    }
    account.sagemaker.create_model_package_group(ModelPackageGroupName="registered")
    package = account.sagemaker.create_model_package(
        ModelPackageGroupName="registered",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["application/jsonlines"],
            "SupportedResponseMIMETypes": ["application/jsonlines"],
        },
    )["ModelPackageArn"]
    account.sagemaker.create_model(
        ModelName="packaged", PrimaryContainer={"ModelPackageName": package}, ExecutionRoleArn=ROLE
    )
    account.put("in/a.json", lines(1))
    job = transform(account, "packaged", "packaged")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert rows(account.get("out/a.json.out")) == [{"id": 0, "label": "card", "n": 1}]


def test_a_program_that_lacks_a_function_fails_with_its_name(account: Account) -> None:
    container = {
        "Image": "image",
        "ModelDataUrl": account.put_archive("m/model.tar.gz", **{"model.json": "{}"}),
        "Environment": {
            "SAGEMAKER_PROGRAM": "serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": account.put_serving_code(serve="def model_fn(d): ..."),
        },
    }
    account.sagemaker.create_model(ModelName="lacking", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    account.put("in/a.json", lines(1))
    job = transform(account, "lacking", "lacking")
    assert "serve.py does not define input_fn, predict_fn, output_fn" in job["FailureReason"]


def test_code_that_pip_can_build_only_with_a_package_index_does_not_start(account: Account) -> None:
    """The container's own setup.py needs setuptools, which pip fetches from the index that no VPC has."""
    container = {
        "Image": "image",
        "ModelDataUrl": account.put_archive("m/model.tar.gz", **{"model.json": "{}"}),
        "Environment": {
            "SAGEMAKER_PROGRAM": "serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": account.put_code(serve=PROGRAM),
        },
    }
    account.sagemaker.create_model(ModelName="unbuilt", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    account.put("in/a.json", lines(1))
    job = transform(account, "unbuilt", "unbuilt")
    assert job["TransformJobStatus"] == "Failed"
    assert "pip install . ended with 1" in job["FailureReason"]
    assert "setuptools" in job["FailureReason"]


def test_what_local_transform_cannot_do_is_refused(account: Account, model: str) -> None:
    refused: list[dict[str, Any]] = [
        {"DataProcessing": {"InputFilter": "$.a"}},
        {"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2},
        {"ModelName": "unknown"},
    ]
    for more in refused:
        with pytest.raises(account.sagemaker.exceptions.ClientError) as answer:
            account.sagemaker.create_transform_job(**request(account, "refused", model, **more))
        assert answer.value.response["Error"]["Code"] == "ValidationException"


@injects(Fault.DIRECTORY_MARKER)
def test_directory_markers_are_no_records(account: Account, model: str) -> None:
    """`records/` of zero bytes, as S3A leaves it, also below the prefix."""
    for key in ("in/", "in/empty/", "in/part/"):
        account.put(key, b"")
    account.put("in/a.json", lines(1))
    account.put("in/part/b.json", lines(1))
    job = transform(account, "markers", model)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert account.keys("out/") == ["out/a.json.out", "out/part/b.json.out"]


def test_a_prefix_that_holds_a_directory_marker_alone_has_no_objects(account: Account, model: str) -> None:
    account.put("in/", b"")
    job = transform(account, "marker-alone", model)
    assert job["FailureReason"].startswith("ClientError: No S3 objects found")
