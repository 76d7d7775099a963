"""The alarms of an account, evaluated each second over the periods that end now.

A change of state is an event (`moto_patches/cloudwatch_alarms.py`). The alarm's own actions are not carried out: no
message is sent to a topic. Alarms on metric math, percentiles, anomaly bands or other alarms stay as they are, which is
logged once.
"""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import Statistics, cloudwatch_backends

from localaws.cloudwatch.evaluation import COMPARISONS, Condition, evaluated
from localaws.server.cloud import ACCOUNT
from localaws.server.timer import Timer

# AWS evaluates once a minute; whoever waits on a laptop waits less.
CHECKS_PER_MINUTE = 60
MIN_PAUSE_SECONDS = 0.05

_log = logging.getLogger(__name__)


class Alarms:
    """The alarms of a region. `minute` is the length of a minute in seconds, of which their periods are made."""

    def __init__(self, region: str, timer: Timer, minute: float = 60.0) -> None:
        self._region = region
        self._timer = timer
        self._minute = minute
        self._pause = max(MIN_PAUSE_SECONDS, minute / CHECKS_PER_MINUTE)
        self._left_out: set[str] = set()

    def check(self) -> None:
        """Evaluate all alarms, now and repeatedly."""
        try:
            backend = cloudwatch_backends[ACCOUNT][self._region]
            for alarm in list(backend.alarms.values()):
                if reason := why_left_out(alarm):
                    self._leave_out(alarm, reason)
                else:
                    self._evaluate(alarm, list(backend.metric_data))
        finally:
            self._timer.after(self._pause, self.check)

    def _leave_out(self, alarm: Any, reason: str) -> None:
        if alarm.name not in self._left_out:
            self._left_out.add(alarm.name)
            _log.warning("alarm %s is not evaluated: local AWS does not imitate %s", alarm.name, reason)

    def _evaluate(self, alarm: Any, data: list[Any]) -> None:
        condition = Condition(
            alarm.comparison_operator,
            float(alarm.threshold),
            int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
            alarm.treat_missing_data or "missing",
        )
        state, reason = evaluated(self._values(alarm, data), condition, alarm.state_value)
        if state != alarm.state_value:
            _log.info("alarm %s: %s: %s", alarm.name, state, reason)
            alarm.update_state(reason, json.dumps({}), state)

    def _values(self, alarm: Any, data: list[Any]) -> list[float | None]:
        """The statistic of each of the last periods, newest first."""
        period = timedelta(seconds=float(alarm.period) * self._minute / 60)
        now, number = datetime.now(UTC), int(alarm.evaluation_periods)
        periods: list[list[Any]] = [[] for _ in range(number)]
        for datum in data:
            age = now - _aware(datum.timestamp)
            if _is_of(datum, alarm) and timedelta(0) <= age < number * period:
                periods[age // period].append(datum)
        return [_statistic(alarm.statistic, each, now) for each in periods]


def why_left_out(alarm: Any) -> str:
    """What of an alarm local AWS does not imitate; empty if it evaluates it."""
    if alarm.rule:
        return "composite alarms"
    if alarm.metric_data_queries:
        return "metric math (Metrics)"
    if not alarm.statistic:
        return "percentiles (ExtendedStatistic)"
    if alarm.comparison_operator not in COMPARISONS:
        return f"{alarm.comparison_operator} (anomaly detection)"
    return ""


def _is_of(datum: Any, alarm: Any) -> bool:
    """True for a data point of the alarm's metric: other dimensions, or fewer, are another metric."""
    named = (datum.namespace, datum.name, _dimensions(datum))
    return named == (alarm.namespace, alarm.metric_name, _dimensions(alarm))


def _dimensions(holder: Any) -> set[tuple[str, str]]:
    return {(each.name, each.value) for each in holder.dimensions}


def _statistic(name: str, data: list[Any], now: datetime) -> float | None:
    if not data:
        return None
    statistics = Statistics([name], now)
    statistics.metric_data = data
    found = statistics.get_statistics_for_type(name)
    return None if found is None else float(found)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
