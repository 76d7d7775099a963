"""The functions of local AWS's services that patched moto calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localaws.server.protocol import Json


@dataclass(frozen=True)
class Hooks:
    """The hooks, one field each."""

    object_created: Callable[[Any, Any, str], None]
    """Called for a new object with moto's bucket, moto's object, and S3's reason (`PutObject`)."""
    function_notified: Callable[[str, Json], None]
    """Called for a bucket's notification to a Lambda function, with the function's ARN and the event."""
    object_changed: Callable[[str, str, bytes | None], None]
    """Called for every change of an object with bucket, key and new content (None: deleted)."""
    rule_matched: Callable[[Any, Json], None]
    """Called for each event and each of moto's rules on its bus; the event need not match."""
    alarm_changed: Callable[[Any, Json], None]
    """Called with CloudWatch's alarm whose state has changed, and the state before."""
    execution_started: Callable[[Any, Callable[[], None]], None]
    """Called with a new execution and the function that starts its interpreter."""
    execution_ended: Callable[[Any, Callable[[], None]], None]
    """Called with an execution and the function that stores the interpreter's outcome in it."""
    task_service: Callable[[str], Any]
    """The implementation of a Task state for a service; None if moto has one."""
    task_client: Callable[..., Any]
    """A boto3 client for optimised integrations, given region and service."""
    sdk_client: Callable[..., Any]
    """A boto3 client for `aws-sdk` integrations, given region and service."""
