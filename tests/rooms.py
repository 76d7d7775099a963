"""The environment, the tier and the xdist group of each test, by its folder and its fixtures."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

HERE = Path(__file__).parent

# Rooms that import Airflow. All others import what the jobs and local AWS run on, which Airflow's environments lack.
AIRFLOW = ("dags", "plugins", "stepfunctions/compiler", "bench/test_compile_time.py")
# Rooms with verbs of their own: they need a Chromium or a Docker engine.
OWN_VERBS = ("browser", "compose")

# The long campaign: `make test-all` only.
LONG = ("campaign/kills",)
# Rooms whose tests start servers or jobs, inject faults or ask a package registry, and fixtures by which tests of other
# rooms do so: not in `make test-quick`.
SERVERS = (
    "campaign",
    "dags/test_airflow_local_settings.py",
    "dags/test_awaiting_approval.py",
    "dags/test_idempotent_operators.py",
    "deploy/test_layer.py",
    "glue/test_fetch_export.py",
    "laptop/test_airflow_components.py",
    "localaws",
    "monitoring/test_evaluate.py",
    "parity",
    "plugins",
    "system",
    "test_asl_validators.py",
    "test_requirements.py",
    *OWN_VERBS,
)
SERVER_FIXTURES = frozenset({"spark", "local_aws"})

# Rooms whose files share a server that takes long to start, and rooms whose tests share nothing and take long.
TOGETHER = ("parity",)
APART = ("system/test_up.py",)
# What takes longest starts first, so that it does not run alone at the end.
FIRST = ("campaign/kills", "system", "parity", "dags/test_idempotent_operators.py")


def is_in(path: str, rooms: Collection[str]) -> bool:
    """True if the path, relative to `tests`, is one of the rooms or lies in one."""
    return any(path == room or path.startswith(f"{room}/") for room in rooms)


def is_elsewhere(path: str, *, airflow: bool) -> bool:
    """True if nothing at the path runs in an environment with Airflow, or without it."""
    if is_in(path, OWN_VERBS):
        # pytest asks about a folder unless it was named, and then about each of its files.
        return path in OWN_VERBS
    if not airflow:
        return is_in(path, AIRFLOW)
    leads_to_one = any(is_in(room, [path]) for room in AIRFLOW)
    return not is_in(path, AIRFLOW) and not leads_to_one


def tier(path: str, fixtures: Collection[str]) -> str:
    """The marker of the test's tier: `long`, `server`, or none for a test of `make test-quick`."""
    if is_in(path, LONG):
        return "long"
    return "server" if is_in(path, SERVERS) or SERVER_FIXTURES & set(fixtures) else ""


def group(path: str, name: str, fixtures: Collection[str]) -> str:
    """The tests that one xdist worker runs: those of a file, or of all that share an expensive thing."""
    if is_in(path, APART):
        return f"{path}::{name}"
    # One Spark for all: starting another costs more than waiting for it.
    if "spark" in fixtures:
        return "spark"
    return next((room for room in TOGETHER if is_in(path, [room])), path)


def rank(path: str, fixtures: Collection[str]) -> int:
    """The place of the test's group in the order in which groups start; the lower, the earlier."""
    return next(
        (place for place, room in enumerate(FIRST) if is_in(path, [room])),
        len(FIRST) + ("spark" not in fixtures) + (not tier(path, fixtures)),
    )
