"""The pointer to the model in service, against S3's conditional writes as moto has them."""

from __future__ import annotations

import hashlib
from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.models.promotion import Approval, PromotionLostError, PromotionRefusedError

JANE = promotion.decision("jane", "2026-11-28T10:00:00+00:00", "better on loans")
FORCED = promotion.decision("jane", "2026-11-28T11:00:00+00:00", "the auditor asks for it", forced=True)


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="models")
    return Bucket(client, "models")


def register(bucket: Bucket, number: int, **members: Any) -> str:
    version = registry.ModelVersion(number)
    content = f"the bytes of {version.name}".encode()
    bucket.client.put_object(Bucket="models", Key=version.artifact_key, Body=content)
    record = {"version": version.name, "artifact_uri": f"s3://models/{version.artifact_key}", "run_id": f"run {number}"}
    record |= {"sha256": hashlib.sha256(content).hexdigest(), "evaluation": {"classes": ["card"]}}
    bucket.write_json(version.record_key, record | members)
    return version.name


def change(
    bucket: Bucket,
    action: promotion.Action,
    version: str = "",
    word: promotion.Decision = JANE,
    **approvals: Approval,
) -> promotion.Pointer:
    return promotion.move(bucket, promotion.planned(bucket, action, version, word, approvals.get))


def promote(bucket: Bucket, version: str, word: promotion.Decision = JANE, **approvals: Approval) -> promotion.Pointer:
    return change(bucket, "promote", version, word, **approvals)


def in_service(bucket: Bucket) -> str:
    return str(registry.model_in_service(bucket)["version"])


@pytest.fixture
def three(bucket: Bucket) -> Bucket:
    """Three versions, put into service one after the other."""
    for number in (1, 2, 3):
        promote(bucket, register(bucket, number))
    return bucket


def test_the_pointer_says_who_when_why_and_by_which_verdict(bucket: Bucket) -> None:
    register(bucket, 1, verdict={"verdict": "PROMOTE", "reasons": []})
    pointer = promote(bucket, "v1", v1=Approval("Approved"))
    assert pointer == bucket.read_json(registry.LATEST)
    assert {name: pointer[name] for name in ("version", "previous", "by", "at", "reason")} == {  # type: ignore[literal-required]
        "version": "v1",
        "previous": None,
        "by": "jane",
        "at": "2026-11-28T10:00:00+00:00",
        "reason": "better on loans",
    }
    assert (pointer["verdict"], pointer["approval"], pointer["forced"]) == ("PROMOTE", "Approved", False)


def test_a_version_that_is_in_service_stays_as_it_is(three: Bucket) -> None:
    before = three.read_json(registry.LATEST)
    assert promote(three, "v3", FORCED) == before
    assert three.read_json(registry.LATEST) == before


def test_each_rollback_goes_on_to_the_version_before_until_there_is_none(three: Bucket) -> None:
    assert change(three, "roll back")["version"] == "v2"
    assert promote(three, "previous")["version"] == "v1"
    with pytest.raises(PromotionRefusedError, match="there is no version before v1 to go back to"):
        change(three, "roll back")
    assert in_service(three) == "v1"


def test_a_promotion_after_a_rollback_goes_back_to_what_was_in_service_then(three: Bucket) -> None:
    change(three, "roll back")
    promote(three, register(three, 4))
    assert change(three, "roll back")["version"] == "v2"


def test_a_rollback_goes_on_from_a_pointer_without_a_history(bucket: Bucket) -> None:
    register(bucket, 1)
    register(bucket, 2)
    bucket.write_json(registry.LATEST, {"version": "v2", "previous": "v1"})
    assert change(bucket, "roll back")["version"] == "v1"


def test_a_rollback_that_is_tried_again_goes_back_once(three: Bucket) -> None:
    plan = promotion.planned(three, "roll back", "", JANE, lambda _: None)
    assert promotion.move(three, plan) == promotion.move(three, plan)
    assert in_service(three) == "v2"


def test_with_nothing_in_service_there_is_nothing_to_go_back_to(bucket: Bucket) -> None:
    with pytest.raises(PromotionRefusedError, match="no model is in service, so there is none to go back to"):
        change(bucket, "roll back")


@pytest.mark.parametrize("first", ["there is a pointer", "there is none"])
def test_of_two_promotions_that_race_one_loses_and_changes_nothing(bucket: Bucket, first: str) -> None:
    for number in (1, 2, 3):
        register(bucket, number)
    if first == "there is a pointer":
        promote(bucket, "v1")
    winner = promotion.planned(bucket, "promote", "v2", JANE, lambda _: None)
    loser = promotion.planned(bucket, "promote", "v3", promotion.decision("joe", "later"), lambda _: None)
    promotion.move(bucket, winner)
    with pytest.raises(
        PromotionLostError, match=r"promote v3: .*nothing was changed.*v2 is in service since .*, by jane"
    ):
        promotion.move(bucket, loser)
    assert bucket.read_json(registry.LATEST) == winner["pointer"]
    assert promotion.history(bucket)[-1] == winner["pointer"]


def test_the_history_has_each_change_once_and_completes_itself_after_a_crash(three: Bucket) -> None:
    three.client.delete_object(Bucket="models", Key="models/promotions/00003.json")
    assert [each["version"] for each in promotion.history(three)] == ["v1", "v2", "v3"]
    change(three, "roll back")
    entries = promotion.history(three)
    assert [each["last_change"]["action"] for each in entries] == ["promote", "promote", "promote", "roll back"]
    assert [each.key for each in three.objects("models/promotions/")][2:] == [
        "models/promotions/00003.json",
        "models/promotions/00004.json",
    ]


VERDICTS = [
    (
        {"verdict": {"verdict": "REJECT", "reasons": ["mortgage is below its floor"]}},
        None,
        "has the verdict REJECT .mortgage is",
    ),
    ({"verdict": {"verdict": "HOLD", "reasons": ["too few rows"]}}, None, "has the verdict HOLD .too few rows"),
    ({}, Approval("Rejected", "jane: it is unfair"), "v2 is rejected .jane: it is unfair"),
    ({}, Approval("PendingManualApproval"), "v2 awaits approval: make approve VERSION=v2"),
]


@pytest.mark.parametrize(("members", "approval", "told"), VERDICTS)
def test_a_version_that_is_not_approved_is_refused_unless_it_is_forced_with_a_reason(
    bucket: Bucket, members: dict[str, Any], approval: Approval | None, told: str
) -> None:
    promote(bucket, register(bucket, 1))
    register(bucket, 2, **members)
    approvals = {"v2": approval} if approval else {}
    with pytest.raises(PromotionRefusedError, match=f"{told}.*force it with a reason"):
        promote(bucket, "v2", **approvals)
    assert in_service(bucket) == "v1"
    pointer = promote(bucket, "v2", FORCED, **approvals)
    assert (pointer["version"], pointer["forced"], pointer["reason"]) == ("v2", True, "the auditor asks for it")


def test_an_approval_outweighs_the_verdict(bucket: Bucket) -> None:
    register(bucket, 1, verdict={"verdict": "HOLD", "reasons": ["too few rows"]})
    assert promote(bucket, "v1", v1=Approval("Approved"))["verdict"] == "HOLD"


def test_neither_force_without_a_reason_nor_a_decision_without_a_name() -> None:
    with pytest.raises(PromotionRefusedError, match="force needs a reason"):
        promotion.decision("jane", "now", "  ", forced=True)
    with pytest.raises(PromotionRefusedError, match="by is empty"):
        promotion.decision(" ", "now")


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("content", [b"other bytes", None])
def test_not_even_force_puts_changed_or_missing_bytes_into_service(
    three: Bucket, content: bytes | None, back: bool
) -> None:
    key = registry.ModelVersion(2).artifact_key
    if content:
        three.client.put_object(Bucket="models", Key=key, Body=content)
    else:
        three.client.delete_object(Bucket="models", Key=key)
    with pytest.raises(registry.ModelRefusedError, match=r"v2/model\.tar\.gz (has SHA-256|is absent)"):
        promote(three, "previous" if back else "v2", FORCED)
    assert in_service(three) == "v3"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("v9", "there is no version v9; there are: v1, v2, v3"),
        ("3", "'3': expected a version such as v3"),
        ("v3\n", "expected"),
    ],
)
def test_an_unknown_version_is_refused_with_those_that_there_are(three: Bucket, version: str, told: str) -> None:
    with pytest.raises(PromotionRefusedError, match=told):
        promote(three, version)


def test_a_shadow_runs_beside_the_model_in_service_until_it_ends_or_is_promoted(three: Bucket) -> None:
    assert change(three, "shadow", "v2", FORCED)["shadow"] == {**FORCED, "version": "v2"}
    pointer = change(three, "roll back")
    assert (pointer["version"], pointer["shadow"]) == ("v2", None)
    change(three, "shadow", "v3")
    promote(three, "v1")
    ended = change(three, "end shadow")
    assert (ended["version"], ended["shadow"]) == ("v1", None)
    assert ended["last_change"]["version"] == "v3"
    with pytest.raises(PromotionRefusedError, match="no version runs as a shadow"):
        change(three, "end shadow")


def test_a_shadow_does_not_change_since_when_the_model_is_in_service(three: Bucket) -> None:
    before = three.read_json(registry.LATEST)
    after = change(three, "shadow", "v1", FORCED)
    assert {name: after[name] for name in ("version", "by", "at", "earlier")} == {  # type: ignore[literal-required]
        name: before[name] for name in ("version", "by", "at", "earlier")
    }


def test_the_model_in_service_cannot_be_its_own_shadow(three: Bucket) -> None:
    with pytest.raises(PromotionRefusedError, match="v3 is in service; a shadow is another version"):
        change(three, "shadow", "v3")
