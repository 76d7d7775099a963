"""The functions of local AWS's services that patched moto calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localaws.server.protocol import Json


@dataclass(frozen=True)
class Hooks:
    """One field for each; `moto_patches` says which module calls it."""

    object_created: Callable[[Any, Any, str], None]
    """A bucket has a new object: moto's bucket, moto's object, and S3's reason (`PutObject`)."""
    function_notified: Callable[[str, Json], None]
    """A bucket's notification for a Lambda function: its ARN and the event."""
    object_changed: Callable[[str, str, bytes | None], None]
    """Bucket, key, and the new content of an object; None where it was deleted."""
    rule_matched: Callable[[Any, Json], None]
    """An event on a bus: moto's rule, and the event, which may match the rule or not."""
    execution_started: Callable[[Any, Callable[[], None]], None]
    """A Step Functions execution, and the function that starts its interpreter."""
    execution_ended: Callable[[Any, Callable[[], None]], None]
    """An execution, and the function that writes the interpreter's outcome into it."""
    task_service: Callable[[str], Any]
    """The implementation of a Task state for a service; None where moto has its own."""
    task_client: Callable[..., Any]
    """A boto3 client for optimised integrations, given region and service."""
    sdk_client: Callable[..., Any]
    """A boto3 client for `aws-sdk` integrations, given region and service."""
