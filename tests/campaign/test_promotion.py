"""Faults around the pointer to the model in service: whatever happens, the next plan has one whole, chosen model."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.models.promotion import PromotionLostError
from complaints.tasks import classification
from tests.campaign.environment import BUCKET, Environment, sha256
from tests.campaign.faults import Fault, injects

NOW = "2026-11-28T10:00:00+00:00"


@pytest.fixture
def environment(in_memory_aws: None) -> Environment:
    """With v1 in service, and v2 and v3 as versions that were never promoted."""
    found = Environment.in_memory()
    for name in ("v2", "v3"):
        artifact, content = f"models/versioned/{name}/model.tar.gz", name.encode()
        found.put(artifact, content)
        record = {"version": name, "model_name": f"complaints-{name}", "artifact_uri": f"s3://{BUCKET}/{artifact}"}
        record |= {"run_id": f"of {name}", "sha256": sha256(content), "evaluation": {"classes": ["card", "mortgage"]}}
        found.put(f"models/versioned/{name}/model.json", record)
    return found


def planned(bucket: Bucket, action: promotion.Action, version: str = "", by: str = "jane") -> promotion.Change:
    return promotion.planned(bucket, action, version, promotion.decision(by, NOW), lambda _: None)


def next_model() -> str:
    return classification.plan_classification("raw/")["model_version"]


@injects(Fault.PROMOTIONS_RACE)
def test_of_promotions_at_once_one_wins_and_the_others_change_nothing(environment: Environment) -> None:
    bucket = Bucket(environment.s3, BUCKET)
    changes = [planned(bucket, "promote", name, by=f"{name}-{count}") for name in ("v2", "v3") for count in range(4)]

    def outcome(change: promotion.Change) -> promotion.Pointer | None:
        try:
            return promotion.move(bucket, change)
        except PromotionLostError:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [each for each in pool.map(outcome, changes) if each]
    assert len(won) == 1
    assert environment.get(registry.LATEST) == won[0]
    assert promotion.history(bucket) == won
    assert next_model() == won[0]["version"]


@injects(Fault.PROMOTION_CUT_OFF)
def test_a_version_that_was_never_promoted_does_not_serve(environment: Environment) -> None:
    assert next_model() == "v1"


@injects(Fault.PROMOTION_CUT_OFF)
def test_a_promotion_that_died_before_its_history_is_completed_by_a_retry(environment: Environment) -> None:
    bucket = Bucket(environment.s3, BUCKET)
    change = planned(bucket, "promote", "v2")
    environment.put(registry.LATEST, change["pointer"])  # written, and then the process died
    assert promotion.move(bucket, change)["version"] == "v2"
    assert environment.get("models/promotions/00001.json") == change["pointer"]


BROKEN: list[tuple[Any, str]] = [
    (b"", "is not JSON"),
    (b'{"version": "v1"', "is not JSON"),
    (b"[]", "names no version"),
    (json.dumps({"previous": "v1"}).encode(), "names no version"),
    (json.dumps({"version": "v9", "previous": None}).encode(), "points at 'v9', but .* is absent"),
]


@injects(Fault.POINTER_BROKEN)
@pytest.mark.parametrize(("content", "told"), BROKEN)
def test_with_a_broken_pointer_nothing_is_classified(environment: Environment, content: bytes, told: str) -> None:
    environment.put(registry.LATEST, content)
    with pytest.raises(registry.NoModelError, match=told):
        next_model()
    assert not environment.keys("manifests/")


@injects(Fault.MODEL_ROLLED_BACK)
def test_after_a_rollback_the_next_plan_has_the_version_before(environment: Environment) -> None:
    bucket = Bucket(environment.s3, BUCKET)
    promotion.move(bucket, planned(bucket, "promote", "v2"))
    assert next_model() == "v2"
    promotion.move(bucket, planned(bucket, "roll back"))
    assert next_model() == "v1"


def test_a_shadow_is_planned_beside_the_model_in_service_and_changes_nothing_of_the_run(
    environment: Environment,
) -> None:
    bucket = Bucket(environment.s3, BUCKET)
    alone = classification.plan_classification("raw/")
    promotion.move(bucket, planned(bucket, "shadow", "v2"))
    beside = classification.plan_classification("raw/")
    assert not classification.has_shadow(alone)
    assert classification.has_shadow(beside)
    changed = {name for name in alone if alone[name] != beside[name]}  # type: ignore[literal-required]
    assert all(name.startswith("shadow_") for name in changed)
    assert (beside["shadow_version"], beside["shadow_model_name"]) == ("v2", "complaints-v2")

    environment.put("processed/x", b"")
    for folder in ("scores_uri", "shadow_scores_uri"):
        key = f"{beside[folder].split('/', 3)[3]}part-0.out"  # type: ignore[literal-required]
        environment.put(key, {"complaint_id": "1", "predicted_product": "card"})
    assert classification.compare_shadow(beside)["agreement"] == 1
    comparison = environment.get(f"shadow/run_id={beside['run_id']}/version=v2/comparison.json")
    assert (comparison["model_version"], comparison["shadow_version"], comparison["n"]) == ("v1", "v2", 1)


@injects(Fault.MODEL_CHANGED)
def test_a_shadow_whose_bytes_were_changed_holds_up_no_classification(environment: Environment) -> None:
    bucket = Bucket(environment.s3, BUCKET)
    promotion.move(bucket, planned(bucket, "shadow", "v2"))
    environment.put("models/versioned/v2/model.tar.gz", b"other bytes")
    plan = classification.plan_classification("raw/")
    assert (plan["model_version"], plan["shadow_version"]) == ("v1", "")
