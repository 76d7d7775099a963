"""A training that dies or is repeated, and a pointer that is broken, leave the model in service as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import train

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.models.tuning import untuned
from complaints.runs.accounting import TRAINING_FATES
from complaints.tasks import classification, training
from tests.campaign.environment import BUCKET, Environment, key_of, sha256
from tests.campaign.faults import Fault, injects
from tests.complaints.example_evaluations import PASSED, beside, evaluation


def trained(environment: Environment, content: bytes = b"a new model") -> tuple[Any, Any]:
    """A training that got as far as its evaluation, which is better than v1's."""
    environment.put("history/a.csv", b"history")
    plan = training.plan_training("history/")
    environment.put("m/model.tar.gz", content)
    found: Any = {"training_job_name": "job", "model_uri": f"s3://{BUCKET}/m/model.tar.gz", "sha256": sha256(content)}
    document = evaluation(plan["run_id"], found["sha256"], **beside(macro_f1=0.1))
    environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", document)
    account = {"source": "history/a.csv", "rows_in": 2} | dict.fromkeys(TRAINING_FATES, 0) | {"train": 2}
    environment.put(f"{key_of(plan['account_uri'])}part-0.txt", {"by_source": [account]})
    return plan, found


@injects(Fault.UNPROMOTED)
@pytest.mark.parametrize("left", ["the claim", "the model", "the record"])
def test_until_the_pointer_moves_the_model_before_serves_and_a_repetition_ends_with_the_same_version(
    environment: Environment, left: str
) -> None:
    plan, model = trained(environment)
    registry.claim_version(Bucket(environment.s3, BUCKET), plan["run_id"])
    if left != "the claim":
        environment.put("models/versioned/v2/model.tar.gz", b"half of a mod")
    if left == "the record":
        assert training.register_model(plan, model, untuned(plan["hyperparameters"]), PASSED) == "v2"
    assert classification.plan_classification("raw/")["model_version"] == "v1"

    assert training.register_model(plan, model, untuned(plan["hyperparameters"]), PASSED) == "v2"
    assert training.promote_model("v2")["previous"] == "v1"
    planned = classification.plan_classification("raw/")
    assert (planned["model_version"], planned["model_sha256"]) == ("v2", sha256(b"a new model"))
    assert [key for key in environment.keys("models/versioned/") if key.endswith("model.json")] == [
        "models/versioned/v1/model.json",
        "models/versioned/v2/model.json",
    ]


@injects(Fault.POINTER_BROKEN)
@pytest.mark.parametrize(
    ("pointer", "told"),
    [
        (b"{", "models/latest is not JSON"),
        (b"[]", "models/latest names no version"),
        (b'{"version": "v9", "previous": "v1"}', "points at 'v9', but .*models/versioned/v9/model.json is absent"),
    ],
    ids=["cut", "a list", "a version that is not there"],
)
def test_neither_flow_starts_with_a_pointer_that_is_broken(environment: Environment, pointer: bytes, told: str) -> None:
    """Above all, no training takes its model for the first one, which only has to pass the floors."""
    environment.put("history/a.csv", b"history")
    environment.put(registry.LATEST, pointer)
    with pytest.raises(registry.NoModelError, match=told):
        classification.plan_classification("raw/")
    with pytest.raises(registry.NoModelError, match=told):
        training.plan_training("history/")
    assert environment.keys("manifests/") == []


@injects(Fault.RARE_CLASS)
def test_a_class_with_too_few_complaints_to_train_on_is_named(tmp_path: Path) -> None:
    labels = ["card"] * 6 + ["mortgage"] * 5 + ["student_loan"]
    texts = [f"A complaint about my {label}, number {number}." for number, label in enumerate(labels)]
    table = pa.table({"complaint_id": [str(each) for each in range(12)], "narrative": texts, "label": labels})
    pq.write_table(table, tmp_path / "part-0.parquet")
    with pytest.raises(train.TrainingDataError, match=r"too few complaints to learn from: {'student_loan': 1}; each "):
        train.main(["--train", str(tmp_path), "--model-dir", str(tmp_path / "model"), "--min_class_rows", "5"])
    assert not (tmp_path / "model").exists()
