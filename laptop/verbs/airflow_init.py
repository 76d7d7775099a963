"""The service `airflow-init` of docker-compose.yaml: makes Airflow's secrets and migrates its database."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from laptop.servers.credentials import USER, credentials
from laptop.terminal import write

_REFUSED = (
    "airflow-init: the database has the encoding {encoding}, but the DAGs that Airflow stores hold other characters: "
    "create it as UTF8, with docker compose down --volumes and up, or with CREATE DATABASE airflow ENCODING 'UTF8' "
    "TEMPLATE template0"
)


def main() -> int:
    """Does what is missing, at every start; returns the exit code of `airflow db migrate`, 1 for a wrong database."""
    parser = argparse.ArgumentParser(prog="airflow_init", description=__doc__)
    parser.add_argument("--secrets", type=Path, required=True, help="folder that keeps the secrets")
    parser.add_argument("--port", type=int, default=8080, help="where the UI is published (default: %(default)s)")
    options = parser.parse_args()
    if encoding := _encoding(os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "")):
        write(_REFUSED.format(encoding=encoding), sys.stderr)
        return 1
    found = credentials(options.secrets)
    migrated = subprocess.run(["airflow", "db", "migrate"], check=False).returncode
    if migrated == 0:
        # Not the password itself: this text is a container's log.
        write(f"\n  Airflow    http://127.0.0.1:{options.port}   user {USER}")
        write(f"  password   docker compose exec api-server cat {found.password_file}\n")
    return migrated


def _encoding(connection: str) -> str:
    """The encoding of a PostgreSQL database that is not UTF-8; empty for all others."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415 (only Airflow's environment has it)

    if not connection.startswith("postgresql"):
        return ""
    with create_engine(connection).connect() as database:
        found = str(database.execute(text("SHOW server_encoding")).scalar())
    return "" if found == "UTF8" else found


if __name__ == "__main__":
    sys.exit(main())
