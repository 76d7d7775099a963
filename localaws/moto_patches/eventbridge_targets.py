"""EventBridge's rules hand their events to local AWS, which delivers them.

moto 5.2.5 raises NotImplementedError for functions, state machines and topics, delivers the events of a disabled rule,
has the time as a number, adds the member `ingestion-time`, and supports fewer operators of event patterns.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.events.models import Rule

from localaws.moto_patches.replacement import replaced
from localaws.server.protocol import Json


@contextmanager
def patches(matched: Callable[[Any, Json], None]) -> Iterator[None]:
    """Calls `matched` with a rule and an event that is put on its bus."""

    def send_to_targets(rule: Any, event: Json, *_: Any, **__: Any) -> None:
        matched(rule, {name: value for name, value in event.items() if name != "ingestion-time"})

    with replaced(Rule, {"send_to_targets": send_to_targets}):
        yield
