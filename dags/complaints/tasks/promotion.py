"""The Python tasks of `complaints_promotion`: a change of what is in service, planned and then written once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from complaints.aws.clients import client, environment_bucket
from complaints.models import promotion
from complaints.models.packages import Packages
from complaints.settings import load_settings


def plan_promotion(
    version: str | None, action: str, by: str | None, why: str | None = "", force: bool = False
) -> promotion.Change:
    """The change that `action` means for `version` (`v3`, or `previous`), from the pointer as it is now.

    Raises:
        PromotionRefusedError: the version must not serve, or there is nothing to go back to or to end.
        ModelRefusedError: the version's artifact is missing or was changed.
    """
    if action not in get_args(promotion.Action):
        known = ", ".join(get_args(promotion.Action))
        raise promotion.PromotionRefusedError(f"action {action!r}: expected one of {known}")
    settings = load_settings()
    bucket = environment_bucket(settings)
    word = promotion.decision(by or "", datetime.now(UTC).isoformat(timespec="seconds"), why or "", forced=force)
    approval_of = Packages(client("sagemaker", settings), bucket.name).approval_of
    return promotion.planned(bucket, action, version or "", word, approval_of)  # type: ignore[arg-type]


def move_pointer(change: promotion.Change) -> promotion.Pointer:
    """Writes the planned change to `models/latest`; a retry finds what it wrote.

    Raises:
        PromotionLostError: somebody else changed the pointer since the plan; nothing was changed.
    """
    return promotion.move(environment_bucket(load_settings()), change)
