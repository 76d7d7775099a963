"""The line that a job leaves in its log for CloudWatch Logs Insights: JSON with its run, its step and its counts.

Numbers only, so that never a complaint's text gets there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def log_counts(step: str, place: str, counts: Mapping[str, int]) -> None:
    """Prints the line of a step whose output is at `place`, a URI with `run_id=…/`."""
    run_id = place.partition("run_id=")[2].partition("/")[0]
    print(json.dumps({"run_id": run_id, "step": step, **counts}), flush=True)


def totals(by_source: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The rows of all sources together: `rows_in`, then each fate."""
    found: dict[str, int] = {}
    for source in by_source:
        for name, count in source.items():
            if name != "source":
                found[name] = found.get(name, 0) + count
    return found
