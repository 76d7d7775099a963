"""The Python tasks, run as Airflow runs them, against S3 and SageMaker as local AWS has them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import boto3
import pytest

from complaints.models import registry
from complaints.models.promotion import PromotionRefusedError
from complaints.models.tuning import untuned
from complaints.runs.accounting import TRAINING_FATES, RowsMissingError
from complaints.runs.plans import PlanError
from complaints.settings import load_settings
from complaints.tasks import classification, training
from tests.complaints.example_evaluations import beside, evaluation

BUCKET = load_settings().pipeline.storage.bucket


@pytest.fixture
def s3(in_memory_aws: None) -> Any:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    return client


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(s3: Any, key: str, content: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=content if isinstance(content, bytes) else json.dumps(content))


def get(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@pytest.fixture
def in_service(s3: Any) -> Any:
    """A deployed release, a model in service, and a file to classify."""
    put(s3, "artifacts/latest.json", {"release": "r1"})
    artifact = "models/versioned/v1/model.tar.gz"
    record = {"version": "v1", "model_name": "complaints-v1-abc", "artifact_uri": f"s3://{BUCKET}/{artifact}"}
    record |= {"run_id": "of v1", "sha256": sha256(b"model bytes"), "evaluation": {"classes": ["card", "mortgage"]}}
    put(s3, artifact, b"model bytes")
    put(s3, "models/versioned/v1/model.json", record)
    put(s3, registry.LATEST, {"version": "v1", "previous": None})
    put(s3, "raw/a.csv", b"header\nrow\n")
    return s3


def test_the_plan_is_written_down_before_anything_runs(in_service: Any) -> None:
    plan = classification.plan_classification("raw/")
    written = get(in_service, f"manifests/planned/run_id={plan['run_id']}.json")
    assert written["model_version"] == "v1"
    assert [each["key"] for each in written["inputs"]] == ["raw/a.csv"]


def test_a_version_that_is_stated_classifies_without_a_shadow_in_place_of_the_model_in_service(in_service: Any) -> None:
    put(in_service, "models/versioned/v2/model.tar.gz", b"model bytes")
    record = get(in_service, "models/versioned/v1/model.json")
    second = record | {"version": "v2", "artifact_uri": f"s3://{BUCKET}/models/versioned/v2/model.tar.gz"}
    put(in_service, "models/versioned/v2/model.json", second)
    put(in_service, registry.LATEST, {"version": "v1", "previous": None, "shadow": {"version": "v2"}})
    usual, stated = (classification.plan_classification("raw/", version=each) for each in ("", "v2"))
    assert (usual["model_version"], usual["stated_version"], usual["shadow_version"]) == ("v1", "", "v2")
    assert (stated["model_version"], stated["stated_version"], stated["shadow_version"]) == ("v2", "v2", "")
    assert usual["run_id"] != stated["run_id"]


def test_a_version_that_was_refused_classifies_nothing(in_service: Any) -> None:
    record = get(in_service, "models/versioned/v1/model.json")
    refused = {"verdict": {"verdict": "REJECT", "reasons": ["macro-F1 is lower"]}}
    put(in_service, "models/versioned/v1/model.json", record | refused)
    with pytest.raises(PromotionRefusedError, match="v1 must not classify: v1 has the verdict REJECT"):
        classification.plan_classification("raw/", version="v1")


def test_a_retried_plan_is_the_same_plan(in_service: Any) -> None:
    assert classification.plan_classification("raw/") == classification.plan_classification("raw/")


def test_the_plan_names_the_current_version_of_each_object_and_none_that_was_deleted(in_service: Any) -> None:
    put(in_service, "raw/before.csv", b"put while the bucket kept no versions")
    in_service.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(in_service, "raw/gone.csv", b"x")
    in_service.delete_object(Bucket=BUCKET, Key="raw/gone.csv")
    put(in_service, "raw/a.csv", b"old")
    newest = in_service.put_object(Bucket=BUCKET, Key="raw/a.csv", Body=b"new")
    plan = classification.plan_classification("raw/")
    written = get(in_service, f"manifests/planned/run_id={plan['run_id']}.json")
    found = {each["key"]: (each["version"], each["etag"]) for each in written["inputs"]}
    assert found.keys() == {"raw/a.csv", "raw/before.csv"}
    assert found["raw/a.csv"] == (newest["VersionId"], newest["ETag"].strip('"'))
    assert found["raw/before.csv"][0] == ""


def test_without_a_release_it_is_said_to_deploy_first(s3: Any) -> None:
    put(s3, "history/a.csv", b"x")
    with pytest.raises(PlanError, match="deploy first"):
        training.plan_training("history/")


def test_an_account_that_does_not_add_up_stops_the_run(in_service: Any) -> None:
    plan = classification.plan_classification("raw/")
    source = {"source": "raw/a.csv", "rows_in": 2, "classified": 1}
    source |= {"without_narrative": 0, "quarantined": 0, "superseded": 0}
    put(in_service, f"processed/run_id={plan['run_id']}/results_account/part-0.txt", {"by_source": [source]})
    with pytest.raises(RowsMissingError, match=r"raw/a\.csv: 2 rows in.*1 missing"):
        classification.results_add_up(plan)


def test_two_account_documents_are_one_too_many(in_service: Any) -> None:
    plan = classification.plan_classification("raw/")
    for part in (0, 1):
        put(in_service, f"processed/run_id={plan['run_id']}/results_account/part-{part}.txt", {"by_source": []})
    with pytest.raises(FileNotFoundError, match="holds 2 files where one"):
        classification.results_add_up(plan)


def test_a_trained_model_becomes_a_version_and_a_retry_the_same_one(s3: Any) -> None:
    put(s3, "artifacts/latest.json", {"release": "r1"})
    put(s3, "history/a.csv", b"x")
    plan = training.plan_training("history/")
    artifact = f"processed/run_id={plan['run_id']}/training/job/output/model.tar.gz"
    put(s3, artifact, b"model bytes")
    evaluated = evaluation(plan["run_id"], sha256(b"model bytes")) | {"class_words": {"card": ["fee", "my card"]}}
    put(s3, f"processed/run_id={plan['run_id']}/evaluation/evaluation.json", evaluated)
    put(s3, f"processed/run_id={plan['run_id']}/evaluation/baseline.json", {"from": "the evaluation"})
    account = {"source": "history/a.csv", "rows_in": 2} | dict.fromkeys(TRAINING_FATES, 0) | {"train": 2}
    put(s3, f"processed/run_id={plan['run_id']}/account/part-0.txt", {"by_source": [account]})
    trained = training.trained_model(
        {"Training": {"TrainingJobName": "job", "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/{artifact}"}}}
    )

    decision = training.decide(plan, trained)
    assert (decision["verdict"], training.choose_fit(decision)) == ("PROMOTE", "refit_model")
    decision["refit"] = False
    assert training.choose_fit(decision) == "register_model"
    assert training.register_model(plan, trained, untuned(plan["hyperparameters"]), decision) == "v1"
    assert training.register_model(plan, trained, untuned(plan["hyperparameters"]), decision) == "v1"
    assert training.choose_outcome(decision) == "promote_model"
    pointer = training.promote_model("v1")
    assert (pointer["version"], pointer["previous"], pointer["by"]) == ("v1", None, "complaints_training")
    assert training.promote_model("v1") == pointer

    record = get(s3, "models/versioned/v1/model.json")
    assert (record["training_job_name"], record["sha256"]) == ("job", sha256(b"model bytes"))
    assert record["evaluation"] == evaluated == get(s3, "models/versioned/v1/evaluation.json")
    assert (record["verdict"]["verdict"], record["refitted"], record["in_service"]) == ("PROMOTE", False, None)
    assert record["evaluated_sha256"] == record["sha256"]
    assert record["baseline_uri"] == f"s3://{BUCKET}/models/versioned/v1/baseline.json"
    assert get(s3, "models/versioned/v1/baseline.json") == {"from": "the evaluation"}
    card = s3.get_object(Bucket=BUCKET, Key="models/versioned/v1/card.md")["Body"].read().decode()
    assert "**PROMOTE**, compared with nothing: it was the first model." in card
    assert "- card: fee, my card\n" in card
    assert s3.get_object(Bucket=BUCKET, Key="models/versioned/v1/model.tar.gz")["Body"].read() == b"model bytes"
    model = boto3.client("sagemaker", region_name="us-east-1").describe_model(ModelName=record["model_name"])
    assert model["PrimaryContainer"]["ModelDataUrl"] == record["artifact_uri"]
    assert model["PrimaryContainer"]["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == plan["inference_archive_uri"]


def test_one_object_is_planned_alone_and_only_as_the_version_that_was_meant(in_service: Any) -> None:
    put(in_service, "raw/a.csv.csv", b"header\nrow\n")
    etag = in_service.head_object(Bucket=BUCKET, Key="raw/a.csv")["ETag"].strip('"')
    plan = classification.plan_classification("raw/a.csv", etag)
    written = get(in_service, f"manifests/planned/run_id={plan['run_id']}.json")
    assert [each["key"] for each in written["inputs"]] == ["raw/a.csv"]
    put(in_service, "raw/a.csv", b"header\nanother row\n")
    with pytest.raises(PlanError, match="is no longer the object"):
        classification.plan_classification("raw/a.csv", etag)


def test_what_is_not_below_the_prefix_of_the_flow_is_not_read(in_service: Any) -> None:
    with pytest.raises(PlanError, match="may not be read"):
        training.plan_training("raw/a.csv")


def test_a_model_that_does_not_pass_is_a_version_with_its_reasons_and_people_are_told_once(in_service: Any) -> None:
    sns, sqs = (boto3.client(name, region_name="us-east-1") for name in ("sns", "sqs"))
    topic = sns.create_topic(Name=load_settings().pipeline.aws.alerts_topic_arn.rpartition(":")[2])["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    put(in_service, "models/versioned/v1/claim.json", {"run_id": "of v1"})
    record = get(in_service, "models/versioned/v1/model.json")
    put(in_service, "models/versioned/v1/model.json", record | {"release": "r0"})
    put(in_service, "history/a.csv", b"x")
    plan = training.plan_training("history/")
    put(in_service, "m/model.tar.gz", b"worse")
    worse = evaluation(plan["run_id"], sha256(b"worse"), **beside(macro_f1=-0.1))
    put(in_service, f"processed/run_id={plan['run_id']}/evaluation/evaluation.json", worse)
    account = {"source": "history/a.csv", "rows_in": 2} | dict.fromkeys(TRAINING_FATES, 0) | {"train": 2}
    put(in_service, f"processed/run_id={plan['run_id']}/account/part-0.txt", {"by_source": [account]})
    trained: Any = {
        "training_job_name": "job",
        "model_uri": f"s3://{BUCKET}/m/model.tar.gz",
        "sha256": sha256(b"worse"),
    }

    decision = training.decide(plan, trained)
    assert (training.choose_fit(decision), training.choose_outcome(decision)) == ("register_model", "report_refusal")
    chosen = untuned(plan["hyperparameters"])
    chosen |= {"hyperparameters": plan["hyperparameters"] | {"C": "0.37"}, "tuning_job_name": "complaints-0-0"}
    version = training.register_model(plan, trained, chosen, decision)
    assert training.report_refusal(version, decision) == "Model v2 is not in service: REJECT"

    assert get(in_service, registry.LATEST) == {"version": "v1", "previous": None}
    refused = get(in_service, "models/versioned/v2/model.json")
    assert (refused["verdict"]["verdict"], refused["in_service"]) == ("REJECT", "v1")
    assert refused["verdict"]["reasons"] == decision["reasons"]
    assert (refused["hyperparameters"]["C"], refused["tuning_job_name"]) == (0.37, "complaints-0-0")
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert decision["reasons"][0] in json.loads(message["Body"])["Message"]


def test_a_model_is_held_if_another_one_went_into_service_since_its_training_was_planned(in_service: Any) -> None:
    put(in_service, "history/a.csv", b"x")
    record = get(in_service, "models/versioned/v1/model.json")
    put(in_service, "models/versioned/v1/model.json", record | {"release": "r0"})
    plan = training.plan_training("history/")
    trained: Any = {"training_job_name": "job", "model_uri": "m", "sha256": sha256(b"new")}
    good = evaluation(plan["run_id"], sha256(b"new"), **beside(macro_f1=0.1))
    put(in_service, f"processed/run_id={plan['run_id']}/evaluation/evaluation.json", good)
    assert training.decide(plan, trained)["verdict"] == "PROMOTE"
    put(in_service, "models/versioned/v2/model.json", record | {"version": "v2"})
    put(in_service, registry.LATEST, {"version": "v2", "previous": "v1"})
    decision = training.decide(plan, trained)
    assert decision["verdict"] == "HOLD"
    assert decision["reasons"] == ["v2 is in service now, but v1 was when this run was planned: train again"]


def test_a_pointer_that_leads_nowhere_is_no_first_model(in_service: Any) -> None:
    put(in_service, "history/a.csv", b"x")
    put(in_service, registry.LATEST, {"version": "v9", "previous": "v1"})
    with pytest.raises(registry.NoModelError, match=r"points at 'v9'.*is absent"):
        training.plan_training("history/")
