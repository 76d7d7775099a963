"""The CloudFormation stacks: each is compared with its template, changed where they differ, and waited for.

For whoever builds on this: `deploy_stack` is the whole operation for one stack. It is safe to call again after anything
that went wrong: a stack that could not be created is removed and created anew, one that another deployment is changing
is waited for, and one that already is as its template says is left alone. It returns the stack's outputs, from which
the parameters of the next stack come. `confirm` is called with the changes before they are made, so that a command can
show them and ask. `deploy/infrastructure.py` has the stacks in their order.

Stacks are named `<prefix>-<name>`: with the prefix `ptmlops-dev`, the first is `ptmlops-dev-data`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import StackError

ROOT = Path(__file__).parent.parent
# Longer templates would have to lie in a bucket, which the first stack creates.
MAX_TEMPLATE_BYTES = 51_200
# The first look is at once: local AWS has finished by then.
_PAUSE_SECONDS = 2.0
_LONGEST_SECONDS = 3600.0
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource: Add, Modify, Remove or Import; `replaced` if Modify makes a new one."""

    action: str
    name: str
    type: str
    replaced: bool = False

    def __str__(self) -> str:
        return f"{self.action} {self.name} ({self.type}){', replaced by a new one' if self.replaced else ''}"


@dataclass(frozen=True)
class Stack:
    """A stack: `infra/<name>.yaml` with its parameters."""

    name: str
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...] = ()

    def template(self, root: Path = ROOT) -> str:
        """The text of the template."""
        return (root / "infra" / f"{self.name}.yaml").read_text(encoding="utf-8")


Confirm = Callable[[str, Sequence[Change]], bool]


def deploy_stack(
    cloudformation: Any,
    prefix: str,
    stack: Stack,
    *,
    confirm: Confirm | None = None,
    tags: Mapping[str, str] | None = None,
    root: Path = ROOT,
) -> dict[str, str]:
    """Makes the stack as its template says, and returns its outputs.

    `confirm` gets the stack's name and its changes; if it returns False, nothing is changed.

    Raises:
        StackError: it was refused or rolled back; the message names the resource and the reason.
    """
    name = f"{prefix}-{stack.name}"
    status = _ready(cloudformation, name)
    try:
        change_set, changes = _change_set(cloudformation, name, stack, status, tags or {}, root)
    except ClientError as error:
        raise StackError(f"infra/{stack.name}.yaml was refused: {error.response['Error']['Message']}") from error
    if change_set is None:
        return outputs(cloudformation, name)
    if confirm and not confirm(name, changes):
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise StackError(f"stack {name} was not changed: the changes were declined")
    try:
        cloudformation.execute_change_set(ChangeSetName=change_set)
    except cloudformation.exceptions.ChangeSetNotFoundException as error:
        raise StackError(f"another deployment changed stack {name} while this one ran: deploy again") from error
    ended = _wait(cloudformation, name)
    if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackError(
            f"stack {name} is in {ended}: {_first_failure(cloudformation, name)}; nothing of it was changed: "
            "mend the cause, and deploy again"
        )
    return outputs(cloudformation, name)


def delete_stack(cloudformation: Any, prefix: str, name: str) -> list[str]:
    """Deletes a stack; returns the resources that it keeps. One that does not exist is no error.

    Raises:
        StackError: a resource cannot be deleted.
    """
    full = f"{prefix}-{name}"
    described = _describe(cloudformation, full)
    if described is None:
        return []
    cloudformation.delete_stack(StackName=full)
    ended = _wait(cloudformation, described["StackId"])
    if ended != "DELETE_COMPLETE":
        raise StackError(f"stack {full} is in {ended}: {_first_failure(cloudformation, described['StackId'])}")
    events = _events(cloudformation, described["StackId"])
    kept = [each for each in events if each["ResourceStatus"] == "DELETE_SKIPPED"]
    return sorted({f"{each['ResourceType']} {each['PhysicalResourceId']}" for each in kept})


def outputs(cloudformation: Any, stack_name: str) -> dict[str, str]:
    """The outputs of a stack by name; empty if there is no such stack."""
    described = _describe(cloudformation, stack_name) or {}
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


def _ready(cloudformation: Any, name: str) -> str | None:
    """The stack's status once it can be changed; None if it does not exist, or not any more."""
    described = _describe(cloudformation, name)
    if described is None:
        return None
    status: str = described["StackStatus"]
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        status = _wait(cloudformation, described["StackId"])
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        # Its creation failed: CloudFormation can only delete it.
        cloudformation.delete_stack(StackName=name)
        if (ended := _wait(cloudformation, described["StackId"])) != "DELETE_COMPLETE":
            reason = _first_failure(cloudformation, described["StackId"])
            raise StackError(f"stack {name} is in {ended} and cannot be removed: {reason}")
        return None
    if status == "UPDATE_ROLLBACK_FAILED":
        cloudformation.continue_update_rollback(StackName=name)
        status = _wait(cloudformation, name)
    return None if status == "DELETE_COMPLETE" else status


def _change_set(
    cloudformation: Any, name: str, stack: Stack, status: str | None, tags: Mapping[str, str], root: Path
) -> tuple[str | None, list[Change]]:
    """The id of a change set and its changes; None if there is nothing to change."""
    made = cloudformation.create_change_set(
        StackName=name,
        # Executing one removes all others of the stack, so what an interrupted deployment leaves does not pile up.
        ChangeSetName=f"deploy-{uuid.uuid4().hex}",
        ChangeSetType="CREATE" if status in (None, "REVIEW_IN_PROGRESS") else "UPDATE",
        TemplateBody=stack.template(root),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        Capabilities=list(stack.capabilities),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        # A bucket that an earlier stack of this name has left is taken over.
        ImportExistingResources=True,
    )
    described = _wait_for_change_set(cloudformation, made["Id"])
    if described["Status"] == "CREATE_COMPLETE":
        return made["Id"], [_change(each["ResourceChange"]) for each in described["Changes"]]
    reason = described.get("StatusReason", "")
    cloudformation.delete_change_set(ChangeSetName=made["Id"])
    if any(text in reason for text in _NO_CHANGES):
        return None, []
    raise StackError(f"stack {name} cannot be changed as infra/{stack.name}.yaml says: {reason}")


def _change(described: Mapping[str, Any]) -> Change:
    replaced = described.get("Replacement") == "True"
    return Change(described["Action"], described["LogicalResourceId"], described["ResourceType"], replaced)


def _wait_for_change_set(cloudformation: Any, change_set: str) -> dict[str, Any]:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        pages: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=change_set)
        if pages["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS") or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    changes, token = pages.get("Changes", []), pages.get("NextToken")
    while token:
        page = cloudformation.describe_change_set(ChangeSetName=change_set, NextToken=token)
        changes, token = [*changes, *page["Changes"]], page.get("NextToken")
    return {**pages, "Changes": changes}


def _wait(cloudformation: Any, name: str) -> str:
    """The status in which the stack's operation ends."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        status: str = (_describe(cloudformation, name) or {"StackStatus": "DELETE_COMPLETE"})["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        if time.monotonic() > deadline:
            raise StackError(f"stack {name} is still in {status} after {_LONGEST_SECONDS / 60:.0f} minutes")
        time.sleep(_PAUSE_SECONDS)


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def _events(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    """The events of the stack's last operation, newest first."""
    found: list[dict[str, Any]] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            found.append(event)
            of_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
            if of_stack and event["ResourceStatus"] in _BEGINNINGS:
                return found
    return found


def _first_failure(cloudformation: Any, stack: str) -> str:
    """The resource that failed first, and why."""
    failed = [each for each in _events(cloudformation, stack) if each["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return "no event says why"
    first = failed[-1]
    reason = first.get("ResourceStatusReason", "no reason is given")
    return f"{first['LogicalResourceId']} ({first['ResourceType']}): {reason}"
