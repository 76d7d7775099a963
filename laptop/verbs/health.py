"""Health checks of docker-compose.yaml: of a server, or of one component of Airflow.

`airflow jobs check` would import all of Airflow for each check, which is too slow on two cores.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

from laptop.terminal import write

_TIMEOUT_SECONDS = 8


def problem(address: str, component: str = "") -> str:
    """The problem of the server at `address` (a URL), or of a component of its Airflow; empty if it is healthy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    path = "/api/v2/monitor/health" if component else ""
    try:
        with opener.open(f"{address}{path}", timeout=_TIMEOUT_SECONDS) as answer:
            body = answer.read()
        status = json.loads(body)[component]["status"] if component else "healthy"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{address}{path}: {type(error).__name__}: {error}"
    return "" if status == "healthy" else f"{component} is {status}"


def main(arguments: Sequence[str]) -> int:
    """Checks `ADDRESS [COMPONENT]` and prints the result; returns 0 if it is healthy."""
    found = problem(*arguments)
    write(found or "healthy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
