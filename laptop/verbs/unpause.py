"""Unpauses a DAG once Airflow has parsed it: docker compose does this to `complaints_arrivals`, as `make up` does."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.credentials import credentials
from laptop.servers.processes import ServerError
from laptop.terminal import write

_TIMEOUT_SECONDS = 180


def unpause(airflow: AirflowApi, dag_id: str, timeout: float = _TIMEOUT_SECONDS) -> None:
    """Waits for the DAG and unpauses it.

    Raises:
        ServerError: Airflow did not parse the DAG within `timeout` seconds, or refused the request.
    """
    deadline = time.monotonic() + timeout
    while dag_id not in (known := airflow.dag_ids()):
        if time.monotonic() > deadline:
            broken = [each["filename"] for each in airflow.import_errors()]
            raise ServerError(f"Airflow has no DAG {dag_id}, only {sorted(known)}; files with import errors: {broken}")
        time.sleep(1)
    airflow.unpause(dag_id)


def main() -> int:
    """Unpauses a DAG of the Airflow at an address, with the password from the folder of secrets."""
    parser = argparse.ArgumentParser(prog="unpause", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("dag_id")
    parser.add_argument("--secrets", type=Path, required=True, help="folder that keeps the secrets")
    options = parser.parse_args()
    unpause(AirflowApi(options.address, credentials(options.secrets).password), options.dag_id)
    write(f"{options.dag_id} is unpaused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
