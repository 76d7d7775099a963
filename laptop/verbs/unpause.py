"""Switches a DAG on as soon as Airflow knows it: docker compose does so with `complaints_arrivals`, like `make up`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.credentials import credentials
from laptop.servers.processes import ServerError

_PATIENCE_SECONDS = 180


def switch_on(airflow: AirflowApi, dag_id: str, patience: float = _PATIENCE_SECONDS) -> None:
    """Returns once the DAG's schedule has begun.

    Raises:
        ServerError: Airflow did not come to know the DAG within `patience` seconds, or refuses.
    """
    deadline = time.monotonic() + patience
    while dag_id not in (known := airflow.dag_ids()):
        if time.monotonic() > deadline:
            broken = [each["filename"] for each in airflow.import_errors()]
            raise ServerError(f"Airflow knows {sorted(known)} and no {dag_id}; files that do not import: {broken}")
        time.sleep(1)
    airflow.unpause(dag_id)


def main() -> int:
    """Asks the Airflow at an address, with the password that its first start made."""
    parser = argparse.ArgumentParser(prog="switch_on", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("dag_id")
    parser.add_argument("--secrets", type=Path, required=True, help="folder that keeps the secrets")
    options = parser.parse_args()
    switch_on(AirflowApi(options.address, credentials(options.secrets).password), options.dag_id)
    print(f"{options.dag_id} is on", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
