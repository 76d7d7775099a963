"""Airflow's first start in containers: its secrets are made, its database migrated, and its password told."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from laptop.servers.credentials import USER, credentials


def main() -> int:
    """Does at every start what is left to do; returns the exit code of `airflow db migrate`."""
    parser = argparse.ArgumentParser(prog="first_start", description=__doc__)
    parser.add_argument("--secrets", type=Path, required=True, help="folder that keeps the secrets")
    parser.add_argument("--port", type=int, default=8080, help="where the UI is published (default: %(default)s)")
    options = parser.parse_args()
    found = credentials(options.secrets)
    migrated = subprocess.run(["airflow", "db", "migrate"], check=False).returncode
    if migrated == 0:
        print(f"\n  Airflow    http://127.0.0.1:{options.port}   user {USER}, password {found.password}\n", flush=True)
    return migrated


if __name__ == "__main__":
    sys.exit(main())
