"""The service `airflow-init` of docker-compose.yaml: makes Airflow's secrets and migrates its database."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from laptop.servers.credentials import USER, credentials
from laptop.terminal import write


def main() -> int:
    """Does what is missing, at every start; returns the exit code of `airflow db migrate`."""
    parser = argparse.ArgumentParser(prog="airflow_init", description=__doc__)
    parser.add_argument("--secrets", type=Path, required=True, help="folder that keeps the secrets")
    parser.add_argument("--port", type=int, default=8080, help="where the UI is published (default: %(default)s)")
    options = parser.parse_args()
    found = credentials(options.secrets)
    migrated = subprocess.run(["airflow", "db", "migrate"], check=False).returncode
    if migrated == 0:
        # Not the password itself: this text is a container's log.
        write(f"\n  Airflow    http://127.0.0.1:{options.port}   user {USER}")
        write(f"  password   docker compose exec api-server cat {found.password_file}\n")
    return migrated


if __name__ == "__main__":
    sys.exit(main())
