"""A person's approval of a version: the question, and the answer that the Model Registry keeps.

`models/versioned/vN/approval_request.json` is the open question. In a state machine it holds the task token with which
the answer lets the execution go on. Whoever does not answer has not approved.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import ClientError

from complaints.aws.bucket import Bucket
from complaints.models.packages import APPROVED, PENDING, Packages
from complaints.models.promotion import Approval, Decision
from complaints.models.registry import ModelVersion

log = logging.getLogger(__name__)

# The execution has ended, was told before, or waited too long: the answer is kept, and nobody waits for it.
_NOBODY_WAITS = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")


def request_key(version: str) -> str:
    """The key of the open question about a version."""
    return f"{ModelVersion.named(version).prefix}approval_request.json"


def ask(bucket: Bucket, packages: Packages, states: Any, version: str, at: str, token: str = "") -> bool:
    """Writes the question about a version, with the `token` of the execution that waits; True if a person must answer.

    If the version was decided before, the waiting execution goes on at once.
    """
    bucket.write_json(request_key(version), {"version": version, "at": at, "token": token})
    approval = packages.approval_of(version)
    if approval is None or approval.status == PENDING:
        return True
    go_on(bucket, states, version, approval)
    return False


def answer(bucket: Bucket, packages: Packages, states: Any, version: str, status: str, word: Decision) -> Approval:
    """Keeps the answer in the Model Registry, and lets an execution that waits for it go on."""
    approval = packages.decide(version, status, word)
    go_on(bucket, states, version, approval)
    return approval


def go_on(bucket: Bucket, states: Any, version: str, approval: Approval) -> None:
    """Sends the answer to the execution that waits for it, if there is one."""
    request = bucket.read_json(request_key(version)) or {}
    if not (token := request.get("token")):
        return
    output = json.dumps({"version": version, "status": approval.status})
    try:
        states.send_task_success(taskToken=token, output=output)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOBODY_WAITS:
            raise
        log.info("no execution waits for the approval of %s any more", version)


def is_approved(approval: Approval | None) -> bool:
    """True if a version may go into service by its approval; silence is none."""
    return approval is not None and approval.status == APPROVED
