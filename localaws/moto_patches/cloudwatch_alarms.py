"""A change of an alarm's state is an event.

moto 5.2.5 stores alarms and evaluates none, which `localaws/cloudwatch` does. In moto nobody hears of a change.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudwatch.models import Alarm

from localaws.moto_patches.replacement import replaced
from localaws.server.protocol import Json


@contextmanager
def patches(changed: Callable[[Any, Json], None]) -> Iterator[None]:
    """Calls `changed` with an alarm whose state has changed, and the state before."""
    update = Alarm.update_state

    def update_state(alarm: Any, reason: str, reason_data: str, state_value: str) -> None:
        before = {"value": alarm.state_value, "reason": alarm.state_reason}
        update(alarm, reason, reason_data, state_value)
        if before["value"] != state_value:
            changed(alarm, before)

    with replaced(Alarm, {"update_state": update_state}):
        yield
