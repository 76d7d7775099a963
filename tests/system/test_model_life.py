"""The life of a model, for real: trainings one after another, through Step Functions on local AWS."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.settings import load_settings
from laptop.inputs import upload
from laptop.sample import write_sample
from laptop.servers.orchestrator import ENDED
from laptop.servers.stack import TRAINING, Stack, step_functions_stack
from laptop.servers.step_functions import StepFunctions
from tests.campaign.faults import Fault, injects
from tests.waiting import until

SETTINGS = load_settings().pipeline
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
        run = self.stack.orchestrator.trigger(TRAINING, {"source": source})
        until(lambda: self.stack.orchestrator.state(TRAINING, run) in ENDED, f"the end of {source}", every=0.5)
        raised = self.stack.orchestrator.raised(TRAINING, run, "", 0)
        assert self.stack.orchestrator.state(TRAINING, run) == "success", raised
        (version,) = self._versions() - before
        record: dict[str, Any] = self.bucket.read_json(f"models/versioned/{version}/model.json")
        return record

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
    few = write_sample(folder / "few", training_rows=400, classify_rows=200).training
    many = write_sample(folder / "many").training
    some = write_sample(folder / "some", training_rows=2000, classify_rows=200, seed=7).training
    worse = [with_wrong_labels(path, folder / path.name) for path in some]
    with step_functions_stack(folder / "build", SETTINGS, [], []) as stack:
        for name, files in {"few": few, "worse": worse, "many": many}.items():
            upload(stack.aws.client("s3"), SETTINGS.storage.bucket, f"history/{name}/", files)
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


def test_what_an_evaluation_leaves_holds_no_narrative(life: Life) -> None:
    """Of any version: its folder, and the job's output."""
    with_text = [b"Consumer complaint narrative", b"my account", b"the loan"]
    found = [each.key for prefix in ("models/versioned/", "processed/") for each in life.bucket.objects(prefix)]
    left = [key for key in found if "/evaluation" in key or key.endswith(("card.md", "model.json"))]
    assert left
    for key in left:
        body = life.bucket.client.get_object(Bucket=life.bucket.name, Key=key)["Body"].read()
        assert not any(text in body for text in with_text), key
