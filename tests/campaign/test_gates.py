"""What is stopped between the raw files and the results: a source that collapsed, and answers that cannot be right."""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import inference
import numpy as np
import prepare_complaints
import pytest
from pyspark.sql import SparkSession
from score_audit import ScoresRefusedError

from complaints.models.tuning import untuned
from complaints.runs import requests
from complaints.runs.accounting import CLASSIFICATION_FATES, TRAINING_FATES, RowsMissingError, check_account
from complaints.runs.source_ledger import RowsCollapsedError
from complaints.settings import load_settings
from complaints.tasks import classification, training
from deploy.artifacts import artifacts, job_files
from localaws import LocalAWS
from localaws.container.serve_batch import payloads, score
from tests import own_clients
from tests.campaign.environment import BUCKET, Environment, key_of, sha256
from tests.campaign.faults import Fault, injects
from tests.complaints.example_evaluations import PASSED, evaluation
from tests.glue.local_runs import Run, audit, data_files, lay_out
from tests.inference.small_model import TAUGHT, rewrite, save
from tests.localaws.account import SAGEMAKER_UNDERWAY, wait

ROOT = Path(__file__).parents[2]
SETTINGS = load_settings()
CLASSES = sorted(TAUGHT)
TEXTS = [text for texts in TAUGHT.values() for text in texts]
HEADER = "Product,Consumer complaint narrative,Complaint ID\n"


def complaints(count: int) -> str:
    return HEADER + "".join(f'Mortgage,"{TEXTS[each % len(TEXTS)]}",{each}\n' for each in range(count))


def answered(records: Path, model: Path) -> list[bytes]:
    """What a batch transform with the model of this folder answers to a file of records, line by line."""
    task = {"split": True, "single": False, "payload": 1 << 20}
    task |= {"content_type": "application/jsonlines", "accept": "application/jsonlines"}
    with records.open("rb") as source:
        answers = [score(inference, inference.model_fn(str(model)), body, task) for body, _ in payloads(source, task)]
    return [line for answer in answers for line in answer.split(b"\n") if line]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def prepared(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Twelve complaints, prepared."""
    run = lay_out(tmp_path_factory.mktemp("prepared") / "run", {"a.csv": complaints(12)})
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    return run


@pytest.fixture
def audited(prepared: Run, model: Path, tmp_path: Path) -> Callable[[Sequence[bytes]], dict[str, Any]]:
    """Audits answers to the twelve complaints."""

    def audited(lines: Sequence[bytes]) -> dict[str, Any]:
        (record,) = data_files(prepared.folder / "records")
        folder = tmp_path / str(len([*tmp_path.iterdir()]))
        (folder / "scores").mkdir(parents=True)
        (folder / "scores" / f"{record.name}.out").write_bytes(b"".join(line + b"\n" for line in lines))
        for name in ("complaints", "account", "records"):
            (folder / name).symlink_to(prepared.folder / name)
        return audit(Run(folder), None, classes=CLASSES)

    return audited


@injects(Fault.SCORES_INCOMPLETE)
def test_answers_are_known_by_their_complaint_and_not_by_their_place(
    prepared: Run, model: Path, audited: Callable[..., dict[str, Any]]
) -> None:
    lines = answered(data_files(prepared.folder / "records")[0], model)
    assert len(lines) == 12
    in_order = audited(lines)
    shuffled = audited(random.Random(3).sample(lines, 12))
    assert check_account(shuffled, CLASSIFICATION_FATES)["classified"] == 12
    assert [each["sha256"] for each in shuffled["files"]] == [each["sha256"] for each in in_order["files"]]

    with pytest.raises(RowsMissingError, match=r"12 rows in, but 11 classified .*: 1 missing"):
        check_account(audited(lines[1:]), CLASSIFICATION_FATES)
    twice = json.loads(lines[0])["complaint_id"]
    with pytest.raises(ScoresRefusedError, match=f"2 answers .* scored more than once, complaint_id '{twice}'"):
        audited([*lines, lines[0]])
    foreign = lines[0].replace(f'"{twice}"'.encode(), b'"77"')
    with pytest.raises(
        ScoresRefusedError, match="1 answer for a complaint that was never asked about, complaint_id '77'"
    ):
        audited([*lines[1:], foreign])


@injects(Fault.SCORES_INVALID)
def test_probabilities_that_are_none_and_classes_that_the_model_does_not_have_are_refused(
    prepared: Run, model: Path, audited: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (record,) = data_files(prepared.folder / "records")
    broken = save(tmp_path / "nan")
    with np.load(broken / "weights.npz") as weights:
        arrays = dict(weights)
    np.savez(broken / "weights.npz", **arrays | {"intercept": np.full(3, np.nan)})
    rewrite(broken)
    lines = answered(record, broken)
    assert b"NaN" in lines[0], "a model with NaN among its weights answers NaN, and does not fail"
    with pytest.raises(ScoresRefusedError, match=r"12 answers with an invalid confidence, .*a number from 0 to 1"):
        audited(lines)

    foreign = save(tmp_path / "foreign")
    rewrite(foreign, classes=["card", "mortgage", "pension"])
    with pytest.raises(
        ScoresRefusedError, match=r"no class of the model, complaint_id .*: card, mortgage, student_loan"
    ):
        audited(answered(record, foreign))

    answer = json.loads(answered(record, model)[0]) | {"confidence": 0.7, "runner_up_confidence": 0.6}
    with pytest.raises(
        ScoresRefusedError, match="1 answer with a confidence and a runner_up_confidence above 1 together"
    ):
        audited([*answered(record, model)[1:], json.dumps(answer).encode()])


@pytest.fixture
def environment(in_memory_aws: None) -> Environment:
    return Environment.in_memory(CLASSES)


@injects(Fault.COLLAPSED_SOURCE)
def test_files_without_a_row_stop_the_preparation(run_of: Callable[..., Run]) -> None:
    run = run_of({"a.csv": HEADER})
    with pytest.raises(ValueError, match=r"^nothing to classify: no row in .*/raw/a\.csv$"):
        run.prepare(prepare_complaints.main, records=run.uri("records"))


@injects(Fault.COLLAPSED_SOURCE)
def test_a_source_that_collapsed_since_its_last_run_is_not_published_unless_somebody_says_so(
    spark: SparkSession, prepared: Run, model: Path, environment: Environment, tmp_path: Path
) -> None:
    plan, counts = publish(environment, prepared, model, tmp_path / "first")
    assert environment.get(environment.keys("ledger/sources/")[0])["rows_in"] == counts["rows_in"] == 12

    environment.put("raw/a.csv", b"one row")
    small = lay_out(tmp_path / "small", {"a.csv": complaints(1)})
    small.prepare(prepare_complaints.main, records=small.uri("records"))
    later = classification.plan_classification("raw/")
    account = audit_of(small, model, tmp_path / "second")
    environment.put_folder(later["results_account_uri"], account.folder / "results_account")
    environment.put_folder(later["candidate_uri"], account.folder / "candidate")
    told = (
        rf"^raw/ has 1 rows, but had 12 in its last run {plan['run_id']}: expected more than 10% of them "
        r"\(limits\.min_rows_of_last_run\)\. If that is right, run again with the parameter accept_fewer_rows$"
    )
    with pytest.raises(RowsCollapsedError, match=told):
        classification.results_add_up(later)
    assert len(environment.keys("manifests/run_id=")) == 1

    accepted = classification.results_add_up(later, accept_fewer_rows=True)
    classification.publish_manifest(later, accepted)
    assert environment.get(environment.keys("ledger/sources/")[0])["run_id"] == later["run_id"]
    # What is accepted once is the measure from then on; an old run that is repeated is none.
    assert classification.results_add_up(later) == accepted
    classification.publish_manifest(plan, counts)
    assert environment.get(environment.keys("ledger/sources/")[0])["run_id"] == later["run_id"]


def audit_of(run: Run, model: Path, folder: Path) -> Run:
    """The run's complaints scored by the model, and audited, in a folder of its own."""
    (folder / "scores").mkdir(parents=True)
    for name in ("complaints", "account", "records"):
        (folder / name).symlink_to(run.folder / name)
    for record in data_files(run.folder / "records"):
        (folder / "scores" / f"{record.name}.out").write_bytes(b"\n".join(answered(record, model)) + b"\n")
    audit(Run(folder), None, classes=CLASSES)
    return Run(folder)


def publish(environment: Environment, run: Run, model: Path, folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Publishes a prepared run; its plan and its counts."""
    plan = classification.plan_classification("raw/")
    audited = audit_of(run, model, folder)
    for uri, name in ((plan["results_account_uri"], "results_account"), (plan["candidate_uri"], "candidate")):
        environment.put_folder(uri, audited.folder / name)
    counts = classification.results_add_up(plan)
    classification.publish_manifest(plan, counts)
    return plan, counts


def history(environment: Environment, plan: dict[str, Any], rows: int) -> None:
    account = {"source": "history/a.csv", "rows_in": rows} | dict.fromkeys(TRAINING_FATES, 0) | {"train": rows}
    environment.put(f"{key_of(plan['account_uri'])}part-0.txt", {"by_source": [account]})


@injects(Fault.COLLAPSED_SOURCE)
def test_a_history_that_collapsed_teaches_nothing_unless_somebody_says_so(environment: Environment) -> None:
    environment.put("history/a.csv", b"many")
    plan = training.plan_training("history/")
    history(environment, plan, 1000)
    environment.put("m", b"a new model")
    trained = {"training_job_name": "job", "model_uri": f"s3://{BUCKET}/m", "sha256": sha256(b"a new model")}
    evaluated = evaluation(plan["run_id"], trained["sha256"])
    environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", evaluated)
    assert training.history_adds_up(plan)["rows_in"] == 1000
    assert training.register_model(plan, trained, untuned(plan["hyperparameters"]), PASSED) == "v2"

    environment.put("history/a.csv", b"few")
    later = training.plan_training("history/")
    history(environment, later, 100)
    with pytest.raises(RowsCollapsedError, match=r"^history/ has 100 rows, but had 1,000 in its last run"):
        training.history_adds_up(later)
    assert training.history_adds_up(later, accept_fewer_rows=True)["rows_in"] == 100
    with pytest.raises(TypeError, match="accept_fewer_rows is 'false': use true or false"):
        training.history_adds_up(later, accept_fewer_rows="false")  # type: ignore[arg-type]
    history(environment, later, 101)
    assert training.history_adds_up(later)["rows_in"] == 101


@pytest.fixture
def on_aws(local_aws: type[LocalAWS], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAWS]:
    """Local AWS, which the steps' own clients talk to."""
    with local_aws(tmp_path / "aws") as aws:
        own_clients.use(aws, monkeypatch)
        yield aws


def packed(model: Path) -> bytes:
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path in sorted(model.iterdir()):
            archive.add(path, path.name)
    return content.getvalue()


@injects(Fault.PARTIAL_TRANSFORM)
def test_a_transform_that_fails_after_some_outputs_publishes_nothing_and_the_next_one_heals(
    spark: SparkSession, prepared: Run, model: Path, on_aws: LocalAWS, tmp_path: Path
) -> None:
    s3, sagemaker = on_aws.client("s3"), on_aws.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    environment = Environment(s3, CLASSES, packed(model))
    for key, content in artifacts(job_files(ROOT / "include")).items():
        environment.put(f"artifacts/r1/{key}", content)
    plan = classification.plan_classification("raw/")
    code = f"s3://{BUCKET}/artifacts/r1/inference.tar.gz"
    artifact = f"s3://{BUCKET}/models/versioned/v1/model.tar.gz"
    sagemaker.create_model(**requests.model(plan["model_name"], model_uri=artifact, code_uri=code, settings=SETTINGS))

    # The twelve records in three files, of which one cannot go through: a record must fit into a payload.
    lines = data_files(prepared.folder / "records")[0].read_text().splitlines(keepends=True)
    huge = json.dumps({"complaint_id": "4", "narrative": "x" * (7 << 20)}) + "\n"
    run = Run(tmp_path / "run")
    (run.folder / "records").mkdir(parents=True)
    for name in ("complaints", "account"):
        (run.folder / name).symlink_to(prepared.folder / name)
    files = {f"part-0000{part}.json": lines[part::3] for part in range(3)}
    for name, content in files.items():
        (run.folder / "records" / name).write_text("".join(content))
    environment.put_folder(plan["records_uri"], run.folder / "records")
    environment.put(f"{key_of(plan['records_uri'])}part-00001.json", huge.encode())

    def transform(name: str) -> dict[str, Any]:
        sagemaker.create_transform_job(**requests.transform_job(plan, SETTINGS) | {"TransformJobName": name})
        return wait(
            lambda: sagemaker.describe_transform_job(TransformJobName=name), "TransformJobStatus", SAGEMAKER_UNDERWAY
        )

    def fetch_scores() -> list[str]:
        (run.folder / "scores").mkdir(exist_ok=True)
        keys = environment.keys(key_of(plan["scores_uri"]))
        for key in keys:
            s3.download_file(BUCKET, key, str(run.folder / "scores" / key.rpartition("/")[2]))
        return [key.rpartition("/")[2] for key in keys]

    failed = transform("first")
    assert failed["TransformJobStatus"] == "Failed"
    assert failed["FailureReason"].startswith("ClientError: part-00001.json: record 1 has ")
    assert fetch_scores() == ["part-00000.json.out", "part-00002.json.out"]
    with pytest.raises(ScoresRefusedError, match=r"1 of 3 records files have no output in .*: part-00001\.json; each"):
        audit(run, None, classes=CLASSES)
    with pytest.raises(FileNotFoundError, match="holds 0 files where one JSON document was expected"):
        classification.results_add_up(plan)
    assert (environment.keys("results/"), environment.keys("manifests/run_id=")) == ([], [])

    environment.put_folder(plan["records_uri"], run.folder / "records")
    assert transform("second")["TransformJobStatus"] == "Completed"
    assert len(fetch_scores()) == 3
    audit(run, None, classes=CLASSES)
    for uri, name in ((plan["results_account_uri"], "results_account"), (plan["candidate_uri"], "candidate")):
        environment.put_folder(uri, run.folder / name)
    classification.publish_manifest(plan, classification.results_add_up(plan))
    (manifest,) = (environment.get(key) for key in environment.keys("manifests/run_id="))
    assert manifest["account"]["classified"] == sum(each["rows"] for each in manifest["results"]) == 12
    assert len(environment.visible(tmp_path / "read")) == 1
