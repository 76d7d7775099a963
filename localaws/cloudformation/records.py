"""What is recorded of a stack, its resources, its events and its change sets."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from localaws.cloudformation.resources import Made
from localaws.server.protocol import Json

if TYPE_CHECKING:
    from localaws.cloudformation.changes import Change
    from localaws.cloudformation.declarations import Declaration

KEPT = ("Retain", "RetainExceptOnCreate")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass
class Resource:
    """A resource of a stack, with its properties as they were computed. `imported` if it existed before the stack."""

    type: str
    made: Made
    properties: Json
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    imported: bool = False
    status: str = "CREATE_COMPLETE"
    at: datetime = field(default_factory=now)


@dataclass
class ChangeSet:
    """A change set; `reason` says why it cannot be executed, if so."""

    id: str
    name: str
    type: str
    declaration: "Declaration"
    body: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    imports: bool
    changes: list["Change"]
    reason: str = ""
    created: datetime = field(default_factory=now)


@dataclass
class Stack:
    """A stack. In REVIEW_IN_PROGRESS it has nothing but change sets."""

    id: str
    name: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    body: str = ""
    declaration: "Declaration | None" = None
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    outputs: dict[str, Json] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    created: datetime = field(default_factory=now)
    updated: datetime | None = None

    def enter(self, status: str, reason: str = "") -> None:
        """Sets the stack's status, with an event."""
        self.status, self.reason = status, reason
        self.record(self.name, "AWS::CloudFormation::Stack", self.id, status, reason)

    def record(self, name: str, type_name: str, physical_id: str, status: str, reason: str = "") -> None:
        """Adds an event."""
        self.events.append(
            {
                "StackId": self.id,
                "EventId": str(uuid.uuid4()),
                "StackName": self.name,
                "LogicalResourceId": name,
                "PhysicalResourceId": physical_id,
                "ResourceType": type_name,
                "Timestamp": now(),
                "ResourceStatus": status,
                "ResourceStatusReason": reason or None,
            }
        )
