"""The state of a metric alarm by the values of its last periods.

Of the table for missing data, the part that needs no period before the last ones: CloudWatch also looks at earlier data
points where some are missing.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (ge, "greater than or equal to"),
    "LessThanThreshold": (lt, "less than"),
    "LessThanOrEqualToThreshold": (le, "less than or equal to"),
}


@dataclass(frozen=True)
class Condition:
    """When an alarm is raised: `datapoints` of its periods breach. `missing` is TreatMissingData."""

    comparison: str
    threshold: float
    datapoints: int
    missing: str = "missing"

    def breached_by(self, value: float | None) -> bool:
        """True for a value beyond the threshold, and for none where that counts as one."""
        if value is None:
            return self.missing == "breaching"
        return COMPARISONS[self.comparison][0](value, self.threshold)


def evaluated(values: Sequence[float | None], condition: Condition, before: str) -> tuple[str, str]:
    """The state and its reason; `values` has one for each period, None for a period without data."""
    known = [value for value in values if value is not None]
    if not known and condition.missing == "ignore":
        return before, "Insufficient Data: the state is kept, since there are no datapoints"
    if not known and condition.missing == "missing":
        return INSUFFICIENT_DATA, f"Insufficient Data: {len(values)} datapoints were unknown."
    breaching = [value for value in values if condition.breached_by(value)]
    state = ALARM if len(breaching) >= condition.datapoints else OK
    shown = ", ".join(f"{value:g}" for value in known) or "missing"
    word = COMPARISONS[condition.comparison][1]
    return state, (
        f"Threshold Crossed: {len(breaching)} out of the last {len(values)} datapoints [{shown}] "
        f"{'were' if len(breaching) != 1 else 'was'} {word} the threshold ({condition.threshold:g})."
    )
