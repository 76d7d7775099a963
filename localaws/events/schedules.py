"""When a scheduled rule is due: every period of its `rate(...)`, from the moment on that it is there.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import logging
import re
import time

from localaws.events.bus import Events, service_event
from localaws.server.timer import Timer

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
# Looking at all rules costs nothing, and misses no way in which they change.
LOOKS_PER_MINUTE = 20
GREATEST_PAUSE_SECONDS, LEAST_PAUSE_SECONDS = 1.0, 0.02

_log = logging.getLogger(__name__)


class Schedules:
    """The rates of the default bus's rules. `minute`: how many seconds a minute lasts."""

    def __init__(self, events: Events, region: str, timer: Timer, minute: float = 60.0) -> None:
        self._events = events
        self._region = region
        self._timer = timer
        self._minute = minute
        self._pause = min(GREATEST_PAUSE_SECONDS, max(LEAST_PAUSE_SECONDS, minute / LOOKS_PER_MINUTE))
        # By rule and expression, so that a rule which is put again as it was keeps its pace.
        self._due: dict[tuple[str, str], float] = {}
        self._refused: set[tuple[str, str]] = set()

    def look(self) -> None:
        """Send out what is due, now and from now on."""
        try:
            enabled = [rule for rule in self._events.rules if rule.scheduled_expression and rule.state == "ENABLED"]
            rules = {(rule.name, rule.scheduled_expression): rule for rule in enabled}
            # A rule that was disabled starts anew.
            self._due = {key: due for key, due in self._due.items() if key in rules}
            for key, rule in rules.items():
                if self._is_due(key):
                    event = service_event("aws.events", "Scheduled Event", self._region, rule.arn, {})
                    self._events.deliver(rule, event)
        finally:
            self._timer.after(self._pause, self.look)

    def _is_due(self, key: tuple[str, str]) -> bool:
        name, expression = key
        rate = RATE.fullmatch(expression)
        if not rate:
            if key not in self._refused:
                self._refused.add(key)
                _log.warning("rule %s: %s is not supported here, only rate(...)", name, expression)
            return False
        period = int(rate[1]) * MINUTES[rate[2]] * self._minute
        now = time.monotonic()
        due = self._due.setdefault(key, now + period)
        if now < due:
            return False
        # What was missed, for instance while the laptop slept, is not made up for.
        self._due[key] = due + period if now < due + period else now + period
        return True
