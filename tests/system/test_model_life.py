"""The life of a model, for real: trainings one after another, through Step Functions on local AWS."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.runs import results
from complaints.runs.results import PublishedRun
from complaints.settings import load_settings
from laptop.inputs import upload
from laptop.sample import write_sample
from laptop.servers.orchestrator import ENDED
from laptop.servers.stack import CLASSIFICATION, TRAINING, Data, Stack, step_functions_stack
from laptop.servers.step_functions import StepFunctions
from tests.campaign.faults import Fault, injects
from tests.waiting import until

SETTINGS = load_settings().pipeline
# Without the marker of a complete batch they start nothing by themselves.
UNLABELLED, LABELLED, SHADOWED = (
    f"{SETTINGS.storage.batches}{name}/" for name in ("life-unlabelled", "life-labelled", "life-shadowed")
)
PRODUCT, RECEIVED = "Product", "Date received"


def with_wrong_labels(source: Path, target: Path) -> Path:
    """The file with the products of the complaints of earlier years exchanged at random: a botched import."""
    chance = random.Random(1)
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    products = [row[PRODUCT] for row in rows]
    for row in rows:
        if row[RECEIVED] < "2025" and chance.random() < 0.95:
            row[PRODUCT] = chance.choice(products)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


def without_products(source: Path, target: Path) -> Path:
    """The same complaints in an export that does not have their products yet."""
    with source.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(csv.DictReader(file))
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, PRODUCT: ""} for row in rows)
    return target


def verdict(record: dict[str, Any]) -> str:
    return str(record["verdict"]["verdict"])


class Life:
    """Trainings in their order, and what is in service after each."""

    def __init__(self, stack: Stack[StepFunctions]) -> None:
        self.stack = stack
        self.bucket = Bucket(stack.aws.client("s3"), SETTINGS.storage.bucket)
        self._inbox = self._subscribed()

    def train(self, source: str) -> dict[str, Any]:
        """Trains on a prefix; the record of the version that comes of it."""
        before = self._versions()
        self.ended(TRAINING, self.stack.orchestrator.trigger(TRAINING, {"source": source}))
        (version,) = self._versions() - before
        record: dict[str, Any] = self.bucket.read_json(f"models/versioned/{version}/model.json")
        return record

    def classify(self, source: str, version: str = "") -> PublishedRun:
        """Classifies a prefix, with the model in service or a stated version; the run that is published."""
        before = {run.run_id for run in results.published_runs(self.bucket)}
        started = self.states.start_execution(
            stateMachineArn=self.stack.orchestrator.machines[CLASSIFICATION],
            input=json.dumps({"source": source, "version": version}),
        )
        self.ended(CLASSIFICATION, started["executionArn"])
        (published,) = (run for run in results.published_runs(self.bucket) if run.run_id not in before)
        return published

    def ended(self, flow: str, execution: str) -> None:
        """Waits for the end of an execution, which must succeed."""
        until(lambda: self.stack.orchestrator.state(flow, execution) in ENDED, f"the end of {execution}", every=0.5)
        assert self.stack.orchestrator.state(flow, execution) == "success", self.stack.orchestrator.raised(
            flow, execution, "", 0
        )

    def monitored(self, run: PublishedRun) -> dict[str, Any]:
        """The assessment of a classification, once the execution that its manifest has started has decided."""
        folder = f"monitoring/run_id={run.run_id}/"
        until(lambda: self.bucket.read_json(f"{folder}decision.json"), f"the decision about {run.run_id}", every=0.5)
        found: dict[str, Any] = self.bucket.read_json(f"{folder}monitoring.json")
        return found

    @property
    def states(self) -> Any:
        """A client of Step Functions."""
        return self.stack.aws.client("stepfunctions")

    def in_service(self) -> str:
        return str(registry.model_in_service(self.bucket)["version"])

    def told(self) -> list[str]:
        """The subjects of the messages since the last call."""
        queues = self.stack.aws.client("sqs")
        messages = queues.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages", [])
        for each in messages:
            queues.delete_message(QueueUrl=self._inbox, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"])["Subject"] for each in messages]

    def _versions(self) -> set[str]:
        keys = (each.key for each in self.bucket.objects("models/versioned/"))
        return {key.split("/")[2] for key in keys if key.endswith("/model.json")}

    def _subscribed(self) -> str:
        queues = self.stack.aws.client("sqs")
        url: str = queues.create_queue(QueueName="inbox")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = SETTINGS.aws.alerts_topic_arn
        self.stack.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    sample = write_sample(folder / "few", training_rows=400, classify_rows=400)
    # The first file begins with lines that are no CSV.
    few, shadowed, labelled = sample.training, sample.classify[:1], sample.classify[1:]
    unlabelled = [without_products(path, folder / "unlabelled" / path.name) for path in labelled]
    many = write_sample(folder / "many").training
    some = write_sample(folder / "some", training_rows=2000, classify_rows=200, seed=7).training
    worse = [with_wrong_labels(path, folder / path.name) for path in some]
    with step_functions_stack(folder / "build", SETTINGS, lambda: Data([], [])) as stack:
        for name, files in {"few": few, "worse": worse, "many": many}.items():
            upload(stack.aws.client("s3"), SETTINGS.storage.bucket, f"history/{name}/", files)
        for prefix, files in {UNLABELLED: unlabelled, LABELLED: labelled, SHADOWED: shadowed}.items():
            upload(stack.aws.client("s3"), SETTINGS.storage.bucket, prefix, files)
        yield Life(stack)


@injects(Fault.WORSE_MODEL, Fault.SAME_MODEL)
def test_only_a_model_that_is_better_for_sure_takes_the_place_of_the_one_in_service(life: Life) -> None:
    first = life.train("history/few/")
    assert (verdict(first), first["in_service"], life.in_service(), life.told()) == ("PROMOTE", None, "v1", [])

    worse = life.train("history/worse/")
    assert (verdict(worse), worse["in_service"]) == ("REJECT", "v1"), worse["verdict"]
    assert life.in_service() == "v1"
    assert life.told() == ["Model v2 is not in service: REJECT"]

    better = life.train("history/many/")
    assert verdict(better) == "PROMOTE", better["verdict"]
    assert life.in_service() == "v3"
    assert life.told() == []
    assert better["evaluation"]["comparison"]["overall"]["challenger_right"] > 0

    # What serves was fitted again on all rows; what was judged is kept, and is what the next one is compared with.
    assert better["refitted"]
    assert better["sha256"] != better["evaluated_sha256"] == better["evaluation"]["model_sha256"]
    for uri, digest in ((better["artifact_uri"], "sha256"), (better["evaluated_uri"], "evaluated_sha256")):
        assert life.bucket.sha256(life.bucket.key(uri)) == better[digest]

    again = life.train("history/many/")
    assert (verdict(again), again["verdict"]["reasons"]) == (
        "HOLD",
        ["this is the same model as v3: nothing would change"],
    )
    assert again["evaluated_sha256"] == better["evaluated_sha256"], "the same rows and the same seed, the same bytes"
    assert life.in_service() == "v3"
    assert life.told() == ["Model v4 is not in service: HOLD"]


def test_labels_of_a_later_export_are_joined_to_the_answers_that_were_published_without_them(life: Life) -> None:
    """The same complaints twice: first without their products, then with them."""
    early = life.classify(UNLABELLED)
    assert early.manifest["scores"] is None, "no complaint has a label"
    assert life.monitored(early)["published_accuracy"] == {}
    later = life.classify(LABELLED)
    found = life.monitored(later)
    (version,) = found["published_accuracy"]
    published, today = found["published_accuracy"][version], found["delayed_accuracy"]
    assert version == early.manifest["model_version"] == "v3"
    assert 100 < published["n"] <= early.manifest["account"]["classified"]
    # The same model gives the same answers, so the labels find it as good then as today.
    assert abs(published["accuracy"]["estimate"] - today["accuracy"]["estimate"]) < 0.05
    assert published["drop"] is not None
    listed = life.bucket.read_json(f"monitoring/run_id={later.run_id}/published.manifest")
    assert listed[2:] == [file["key"] for file in early.files], "and no other published file"


def test_a_shadow_answers_as_its_version_does_when_it_classifies_and_is_never_published(life: Life) -> None:
    """v3 is in service, and v1 its shadow; then v1 is stated, and publishes the same answers beside those of v3."""
    word = promotion.decision("jane", "2026-11-28T10:00:00+00:00", "to compare")
    promotion.move(life.bucket, promotion.planned(life.bucket, "shadow", "v1", word, lambda _: None))
    before = [run.run_id for run in results.current_runs(life.bucket)]
    published = life.classify(SHADOWED)
    counts, folder = published.manifest["account"], f"shadow/run_id={published.run_id}/version=v1/"
    comparison = life.bucket.read_json(f"{folder}comparison.json") or {}
    assert (comparison["model_version"], comparison["shadow_version"]) == ("v3", "v1")
    assert comparison["n"] == counts["classified"] > 0
    assert 0 < comparison["agree"] < comparison["n"], "two versions that differ, and not in everything"
    shadowed: Counter[str] = Counter()
    for each in life.bucket.objects(f"{folder}scores/"):
        body = life.bucket.client.get_object(Bucket=life.bucket.name, Key=each.key)["Body"].read()
        shadowed.update(json.loads(line)["predicted_product"] for line in body.split(b"\n") if line)

    stated = life.classify(SHADOWED, "v1")
    assert (stated.manifest["model_version"], life.in_service()) == ("v1", "v3")
    assert stated.manifest["predicted_products"] == shadowed
    assert not life.bucket.has_objects(f"s3://{life.bucket.name}/shadow/run_id={stated.run_id}/")
    # Side by side: readers get the newest version of each set of files, or the one that they ask for.
    assert [run.run_id for run in results.current_runs(life.bucket)] == [published.run_id, *before]
    assert [run.run_id for run in results.current_runs(life.bucket, "v1")] == [stated.run_id]


def test_what_an_evaluation_leaves_holds_no_narrative(life: Life) -> None:
    """Of any version: its folder, and the job's output."""
    with_text = [b"Consumer complaint narrative", b"my account", b"the loan"]
    found = [each.key for prefix in ("models/versioned/", "processed/") for each in life.bucket.objects(prefix)]
    left = [key for key in found if "/evaluation" in key or key.endswith(("card.md", "model.json"))]
    assert left
    for key in left:
        body = life.bucket.client.get_object(Bucket=life.bucket.name, Key=key)["Body"].read()
        assert not any(text in body for text in with_text), key
