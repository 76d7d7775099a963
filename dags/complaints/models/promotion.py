"""The pointer `models/latest`: promotion, rollback and shadows, each one conditional write that says who, when and why.

A change is planned from the pointer as it was read, and written only if nobody has changed it since: of two that race,
one loses and changes nothing. Each pointer is also kept as `models/promotions/00007.json`, written once: the history.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict, cast

from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError
from complaints.models import registry

log = logging.getLogger(__name__)

HISTORY = "models/promotions/"
PREVIOUS = "previous"
# So many rollbacks in a row are possible; the bound keeps the pointer small.
MOST_EARLIER = 100
VERSION_PATTERN = r"^v[1-9][0-9]*$"
# The version that a run of complaints_promotion is started with.
WANTED_PATTERN = r"^(v[1-9][0-9]*|previous)?$"
WANTED = "a version such as v3, or previous: the one that was in service before"
ACTION_PATTERN = r"^(promote|shadow|end shadow)$"
ACTION = "promote, shadow or end shadow"

Action = Literal["promote", "roll back", "shadow", "end shadow"]
PROMOTE: Action = "promote"
ROLL_BACK: Action = "roll back"
SHADOW: Action = "shadow"
END_SHADOW: Action = "end shadow"


class PromotionRefusedError(FinalError, ValueError):
    """The pointer stays: the version is unknown or not approved, or there is nothing to go back to."""


class PromotionLostError(FinalError, ConflictError):
    """Somebody else changed the pointer between plan and write; this change was not made."""


class Decision(TypedDict):
    """Who decides, when (ISO 8601, UTC) and why; `forced` puts a version into service that is not approved."""

    by: str
    at: str
    reason: str
    forced: bool


class LastChange(Decision):
    """The change that wrote a pointer."""

    action: Action
    version: str


class Shadow(Decision):
    """A challenger that classifies each batch beside the model in service; its answers are never published."""

    version: str


class Pointer(TypedDict):
    """`models/latest`: the version in service, since when (`at`) and by whose word.

    `previous` is the version that a rollback leads to, the first of `earlier`. A pointer without a `number` was written
    before there was a history.
    """

    version: str
    previous: str | None
    earlier: NotRequired[list[str]]
    by: NotRequired[str]
    at: NotRequired[str]
    reason: NotRequired[str]
    forced: NotRequired[bool]
    verdict: NotRequired[str | None]
    approval: NotRequired[str | None]
    shadow: NotRequired[Shadow | None]
    number: NotRequired[int]
    last_change: NotRequired[LastChange]


class Change(TypedDict):
    """A planned change: the pointer to write, and the ETag of the one that it replaces (None: there is none)."""

    pointer: Pointer
    etag: str | None


@dataclass(frozen=True)
class Approval:
    """A version's ApprovalStatus in the Model Registry, and why."""

    status: str
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    """A version that may go into service: its record, and its approval, if the Model Registry has it."""

    record: Mapping[str, Any]
    approval: Approval | None = None

    @property
    def version(self) -> str:
        """The name of the version."""
        return str(self.record["version"])

    @property
    def verdict(self) -> str | None:
        """The verdict of the gate; None for a version from before there was a gate."""
        found: str | None = self._verdict.get("verdict")
        return found

    @property
    def objection(self) -> str:
        """Why this version must not serve; empty if it may. An approval outweighs the verdict."""
        if self.approval is not None:
            if self.approval.status == "Approved":
                return ""
            if self.approval.status == "Rejected":
                return f"{self.version} is rejected{_because(self.approval.reason)}"
            return (
                f"{self.version} awaits approval{_because(self.approval.reason)}: make approve VERSION={self.version}"
            )
        if self.verdict in (None, "PROMOTE"):
            return ""
        return f"{self.version} has the verdict {self.verdict}{_because('; '.join(self._verdict.get('reasons', ())))}"

    @property
    def _verdict(self) -> Mapping[str, Any]:
        found = self.record.get("verdict") or {}
        return found if isinstance(found, Mapping) else {"verdict": found}


ApprovalOf = Callable[[str], Approval | None]


def decision(by: str, at: str, reason: str = "", *, forced: bool = False) -> Decision:
    """A decision.

    Raises:
        PromotionRefusedError: nobody takes it, or it forces without a reason.
    """
    if not by.strip():
        raise PromotionRefusedError("by is empty: name who decides this, for example jane.doe")
    if forced and not reason.strip():
        raise PromotionRefusedError("force needs a reason; it is kept in the record of the promotion")
    return {"by": by.strip(), "at": at, "reason": reason.strip(), "forced": forced}


def read(bucket: Bucket) -> tuple[Pointer | None, str | None]:
    """The pointer and its ETag; None and None before the first promotion.

    Raises:
        NoModelError: the pointer cannot be read.
    """
    pointer, etag = registry.pointer(bucket)
    return cast("Pointer | None", pointer), etag


def earlier(pointer: Pointer | None) -> list[str]:
    """The versions that one rollback after the other leads to."""
    if pointer is None:
        return []
    previous = pointer["previous"]
    return list(pointer.get("earlier") or ([previous] if previous else []))


def candidate(bucket: Bucket, version: str, approval_of: ApprovalOf) -> Candidate:
    """The version, with its bytes checked: not even force puts others into service than were evaluated.

    Raises:
        PromotionRefusedError: there is no such version.
        ModelRefusedError: its artifact is missing or was changed.
    """
    if not re.fullmatch(VERSION_PATTERN, version):
        raise PromotionRefusedError(f"version {version!r}: expected a version such as v3, or {PREVIOUS}")
    record = bucket.read_json(registry.ModelVersion.named(version).record_key)
    if record is None:
        known = ", ".join(each["version"] for each in registry.records(bucket)) or "none yet"
        raise PromotionRefusedError(f"there is no version {version}; there are: {known}")
    registry.check_artifact(bucket, record)
    return Candidate(record, approval_of(version))


def usable(bucket: Bucket, version: str, approval_of: ApprovalOf) -> Mapping[str, Any]:
    """The record of a version that a run states: one that could be in service.

    Raises:
        PromotionRefusedError: there is no such version, or it is rejected or awaits approval.
        ModelRefusedError: its artifact is missing or was changed.
    """
    found = candidate(bucket, version, approval_of)
    if found.objection:
        raise PromotionRefusedError(f"{version} must not classify: {found.objection}")
    return found.record


def planned(bucket: Bucket, action: Action, version: str, word: Decision, approval_of: ApprovalOf) -> Change:
    """The change that an action means now; `version` is `v3`, `previous`, or of no account if a shadow ends.

    Raises:
        PromotionRefusedError: the version must not serve, or there is nothing to go back to or to end.
        ModelRefusedError: the version's artifact is missing or was changed.
    """
    pointer, etag = read(bucket)
    if action == END_SHADOW:
        return {"pointer": shadowed(pointer, None, word), "etag": etag}
    if action == SHADOW:
        return {"pointer": shadowed(pointer, candidate(bucket, version, approval_of), word), "etag": etag}
    back = action == ROLL_BACK or version == PREVIOUS
    found = candidate(bucket, version_before(pointer) if back else version, approval_of)
    return {"pointer": promoted(pointer, found, word, back=back), "etag": etag}


def version_before(pointer: Pointer | None) -> str:
    """The version that a rollback puts into service.

    Raises:
        PromotionRefusedError: there is none.
    """
    if pointer is None:
        raise PromotionRefusedError("no model is in service, so there is none to go back to; promote a version")
    if not (before := earlier(pointer)):
        raise PromotionRefusedError(
            f"there is no version before {pointer['version']} to go back to; promote one by name"
        )
    return before[0]


def promoted(pointer: Pointer | None, found: Candidate, word: Decision, *, back: bool = False) -> Pointer:
    """The pointer with `found` in service; `back` takes it off the versions to go back to.

    Raises:
        PromotionRefusedError: the version must not serve, and the decision does not force it.
    """
    if pointer and pointer["version"] == found.version and not back:
        return pointer
    if found.objection and not word["forced"]:
        raise PromotionRefusedError(f"{found.objection}. To promote it all the same, force it with a reason")
    before, leaving = earlier(pointer), [pointer["version"]] if pointer else []
    behind = before[1:] if back else [*leaving, *before][:MOST_EARLIER]
    shadow = pointer.get("shadow") if pointer else None
    return {
        **word,
        "version": found.version,
        "previous": behind[0] if behind else None,
        "earlier": behind,
        "verdict": found.verdict,
        "approval": found.approval.status if found.approval else None,
        "shadow": shadow if shadow and shadow["version"] != found.version else None,
        "number": _next_number(pointer),
        "last_change": {**word, "action": ROLL_BACK if back else PROMOTE, "version": found.version},
    }


def shadowed(pointer: Pointer | None, found: Candidate | None, word: Decision) -> Pointer:
    """The pointer with `found` as the shadow of the model in service; with None, the shadow ends.

    A shadow needs no approval: nothing of it is published.

    Raises:
        PromotionRefusedError: there is no model in service, `found` is it, or there is no shadow to end.
    """
    if pointer is None:
        raise PromotionRefusedError("no model is in service that a shadow could run beside; promote a version")
    if found and found.version == pointer["version"]:
        raise PromotionRefusedError(f"{found.version} is in service; a shadow is another version")
    before = pointer.get("shadow")
    if found is None and before is None:
        raise PromotionRefusedError("no version runs as a shadow, so there is none to end")
    shadow: Shadow | None = {**word, "version": found.version} if found else None
    named = found.version if found else before["version"] if before else ""
    change: LastChange = {**word, "action": SHADOW if found else END_SHADOW, "version": named}
    return {**pointer, "shadow": shadow, "number": _next_number(pointer), "last_change": change}


def move(bucket: Bucket, change: Change) -> Pointer:
    """Writes the pointer of a planned change, once; a retry finds what it wrote.

    Raises:
        PromotionLostError: somebody else changed the pointer since the plan; nothing was changed.
    """
    pointer = change["pointer"]
    current, etag = read(bucket)
    # A crash may have come between a pointer and its entry: the next change completes the history.
    _remember(bucket, current)
    if current == pointer:
        return pointer
    if etag != change["etag"]:
        raise PromotionLostError(_lost(pointer, current))
    try:
        bucket.write_json(registry.LATEST, pointer, if_absent=etag is None, if_match=etag)
    except ConflictError:
        current, _ = read(bucket)
        if current != pointer:  # which it is if the request was repeated after a lost answer
            raise PromotionLostError(_lost(pointer, current)) from None
    _remember(bucket, pointer)
    log.info("%s is in service; before, it was %s", pointer["version"], pointer["previous"])
    return pointer


def history(bucket: Bucket) -> list[Pointer]:
    """Every pointer since there is a history, oldest first."""
    found: list[Pointer] = [each for entry in bucket.objects(HISTORY) if (each := bucket.read_json(entry.key))]
    current, _ = read(bucket)
    return [*found, current] if current and "number" in current and current not in found else found


def event_of(pointer: Pointer, *_: object) -> dict[str, Any]:
    """What the event of a promotion says: the version, its verdict, the version before, and by whose word."""
    return {name: pointer.get(name) for name in ("version", "verdict", "previous", "by", "reason")}


def by_whose_word(pointer: Pointer) -> str:
    """`since 2026-11-28T10:00:00+00:00, by jane.doe`, as far as the pointer has it."""
    if "at" not in pointer:
        return "since before promotions were recorded"
    return f"since {pointer['at']}, by {pointer.get('by')}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _next_number(pointer: Pointer | None) -> int:
    return (pointer.get("number", 0) if pointer else 0) + 1


def _remember(bucket: Bucket, pointer: Pointer | None) -> None:
    if pointer and "number" in pointer:
        with suppress(ConflictError):
            bucket.write_json(f"{HISTORY}{pointer['number']:05d}.json", pointer, if_absent=True)


def _lost(wanted: Pointer, current: Pointer | None) -> str:
    tried = wanted.get("last_change", {"action": PROMOTE, "version": wanted["version"]})
    found = f"{current['version']} is in service {by_whose_word(current)}" if current else "no model is in service"
    return (
        f"{tried['action']} {tried['version']}: models/latest was changed by somebody else in the meantime, and "
        f"nothing was changed by this; now {found}"
    )
