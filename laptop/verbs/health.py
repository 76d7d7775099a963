"""Whether a server answers, and a component of Airflow is healthy: what a container's health check asks.

`airflow jobs check` would load all of Airflow for each answer, which two cores feel.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

_PATIENCE_SECONDS = 8


def problem(address: str, component: str = "") -> str:
    """What is wrong with the server at `address`, or with that component of the Airflow there; empty if nothing is."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    path = "/api/v2/monitor/health" if component else "/"
    try:
        with opener.open(f"{address}{path}", timeout=_PATIENCE_SECONDS) as answer:
            body = answer.read()
        status = json.loads(body)[component]["status"] if component else "healthy"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{address}{path}: {type(error).__name__}: {error}"
    return "" if status == "healthy" else f"{component} is {status}"


def main(arguments: Sequence[str]) -> int:
    """`ADDRESS [COMPONENT]`: returns 0 if all is well, and says what is not."""
    found = problem(*arguments)
    print(found or "healthy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
