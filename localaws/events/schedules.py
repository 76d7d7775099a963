"""Scheduled rules: due at every period of their `rate(...)`, counted from their creation.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import logging
import re
import time

from localaws.events.bus import Events, service_event
from localaws.server.timer import Timer

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
# Checking all rules is cheap, and sees every change of them.
CHECKS_PER_MINUTE = 20
MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS = 1.0, 0.02

_log = logging.getLogger(__name__)


class Schedules:
    """The schedules of the default bus's rules. `minute` is the length of a minute in seconds."""

    def __init__(self, events: Events, region: str, timer: Timer, minute: float = 60.0) -> None:
        self._events = events
        self._region = region
        self._timer = timer
        self._minute = minute
        self._pause = min(MAX_PAUSE_SECONDS, max(MIN_PAUSE_SECONDS, minute / CHECKS_PER_MINUTE))
        # By rule and expression: a rule that is put again unchanged keeps its schedule.
        self._due: dict[tuple[str, str], float] = {}
        self._refused: set[tuple[str, str]] = set()

    def check(self) -> None:
        """Deliver what is due, now and repeatedly."""
        try:
            enabled = [rule for rule in self._events.rules if rule.scheduled_expression and rule.state == "ENABLED"]
            rules = {(rule.name, rule.scheduled_expression): rule for rule in enabled}
            # A disabled rule starts again when it is enabled.
            self._due = {key: due for key, due in self._due.items() if key in rules}
            for key, rule in rules.items():
                if self._is_due(key):
                    event = service_event("aws.events", "Scheduled Event", self._region, rule.arn, {})
                    self._events.deliver(rule, event)
        finally:
            self._timer.after(self._pause, self.check)

    def _is_due(self, key: tuple[str, str]) -> bool:
        name, expression = key
        rate = RATE.fullmatch(expression)
        if not rate:
            if key not in self._refused:
                self._refused.add(key)
                _log.warning("rule %s: %s is not supported, only rate(...)", name, expression)
            return False
        period = int(rate[1]) * MINUTES[rate[2]] * self._minute
        now = time.monotonic()
        due = self._due.setdefault(key, now + period)
        if now < due:
            return False
        # Missed periods, for instance while the laptop slept, are skipped.
        self._due[key] = due + period if now < due + period else now + period
        return True
