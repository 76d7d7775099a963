"""`make models`, `make promote`, `make rollback`, `make approve` and `make reject`: the model versions of a `make up`.

They decide by the same functions as the flow `complaints_promotion`, and take effect with the next run that is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.models.approval import answer
from complaints.models.packages import APPROVED, REJECTED, Packages
from complaints.settings import load_settings
from laptop.inputs import InputError
from laptop.servers.state import State
from laptop.terminal import printable, write
from laptop.verbs.objects import aws_of

_LAST_CHANGES = 5
_SCORES = ("accuracy", "macro_f1")
_COLUMNS = ("version", "verdict", "approval", "accuracy", "macro-F1", "of newest", "run")


class Models:
    """The versions in an environment's bucket, their packages, and the one in service; `now` is the clock."""

    def __init__(self, bucket: Bucket, packages: Packages, states: Any, now: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._states = states
        self._packages = packages
        self._now = now

    def lines(self) -> Iterator[str]:
        """The model in service, a row for each version, and the last changes."""
        pointer, _ = promotion.read(self._bucket)
        yield _in_service(pointer)
        if pointer and (shadow := pointer.get("shadow")):
            yield f"{shadow['version']} runs as its shadow since {shadow['at']}, by {shadow['by']}"
        rows = [self._row(record, pointer) for record in registry.records(self._bucket)]
        if rows:
            yield ""
            yield from _table([_COLUMNS, *rows])
        if changes := promotion.history(self._bucket)[-_LAST_CHANGES:]:
            yield ""
            yield "last changes"
            yield from (_change(each["last_change"]) for each in reversed(changes) if "last_change" in each)

    def promote(self, version: str, by: str, reason: str, *, forced: bool) -> str:
        """Puts a version into service, or with `previous` the one before.

        Raises:
            PromotionRefusedError: the version must not serve, or does not exist.
            ModelRefusedError: its artifact is missing or was changed.
            PromotionLostError: somebody else changed the pointer at the same time.
        """
        self._check_named(version, "promote")
        word = promotion.decision(by, self._now().isoformat(), reason, forced=forced)
        change = promotion.planned(self._bucket, promotion.PROMOTE, version, word, self._packages.approval_of)
        return _in_service(promotion.move(self._bucket, change))

    def decide(self, version: str, status: str, by: str, reason: str) -> str:
        """Approves or rejects a version; what is in service stays in service.

        Raises:
            PromotionRefusedError: there is no such version, or a rejection has no reason.
        """
        self._check_named(version, "approve" if status == APPROVED else "reject")
        record = promotion.candidate(self._bucket, version, lambda _: None).record
        word = promotion.decision(by, self._now().isoformat(), reason)
        self._packages.register(record)
        approval = answer(self._bucket, self._packages, self._states, version, status, word)
        pointer, _ = promotion.read(self._bucket)
        if pointer and pointer["version"] == version:
            note = "" if status == APPROVED else f"; {version} is still in service: make rollback"
        else:
            note = f"; put it into service: make promote VERSION={version}" if status == APPROVED else ""
        return f"{version} is {approval.status.lower()} {approval.reason}{note}"

    def _check_named(self, version: str, verb: str) -> None:
        if not version:
            raise InputError(f"name a version: make {verb} VERSION=v3; make models lists them")

    def _row(self, record: Mapping[str, Any], pointer: promotion.Pointer | None) -> tuple[str, ...]:
        found = promotion.Candidate(record, self._packages.approval_of(record["version"]))
        slices = record.get("evaluation", {}).get("slices", {})
        scores = (_score(slices.get("test"), name) for name in _SCORES)
        mark = "*" if pointer and pointer["version"] == found.version else ""
        approval = found.approval.status if found.approval else ""
        newest = _score(slices.get("newest"), "accuracy")
        return (f"{found.version}{mark}", found.verdict or "", approval, *scores, newest, str(record.get("run_id", "")))


def models(state: State, verb: str, version: str = "", by: str = "", reason: str = "", *, forced: bool = False) -> None:
    """Runs `models`, `promote`, `rollback`, `approve` or `reject` against the running `make up`."""
    aws = aws_of(state)
    name = load_settings().pipeline.storage.bucket
    found = Models(
        Bucket(aws.client("s3"), name),
        Packages(aws.client("sagemaker"), name),
        aws.client("stepfunctions"),
        lambda: datetime.now(UTC).replace(microsecond=0),
    )
    if verb == "models":
        for line in found.lines():
            write(printable(line))
    elif verb in ("promote", "rollback"):
        write(
            printable(found.promote(promotion.PREVIOUS if verb == "rollback" else version, by, reason, forced=forced))
        )
    else:
        write(printable(found.decide(version, APPROVED if verb == "approve" else REJECTED, by, reason)))


def _in_service(pointer: promotion.Pointer | None) -> str:
    if pointer is None:
        return "no model is in service; trigger complaints_training"
    reason = f": {pointer['reason']}" if pointer.get("reason") else ""
    return f"{pointer['version']} is in service {promotion.by_whose_word(pointer)}{reason}"


def _change(change: promotion.LastChange) -> str:
    reason = f": {change['reason']}" if change["reason"] else ""
    forced = ", forced" if change["forced"] else ""
    return f"  {change['at']}  {change['action']} {change['version']}, by {change['by']}{forced}{reason}"


def _score(scores: Mapping[str, Any] | None, name: str) -> str:
    found = (scores or {}).get(name)
    return f"{found:.3f}" if isinstance(found, int | float) else ""


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip()
