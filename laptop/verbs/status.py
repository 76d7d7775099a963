"""`make status`: whether `make up` is running, its addresses, the model in service, and the number of runs by state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.settings import load_settings
from laptop.servers.airflow_api import AirflowApi
from laptop.servers.aws import running_aws
from laptop.servers.credentials import USER, credentials
from laptop.servers.leftovers import marked
from laptop.servers.processes import ServerError
from laptop.servers.state import Running, State
from laptop.terminal import write
from laptop.verbs.health import problem

AWS_HEALTH = "/_localaws/health"

NOT_RUNNING = 3
"""The exit code for a service that is not running (Linux Standard Base)."""
UNHEALTHY = 1
"""The exit code for one that is running, but does not serve."""


def status(state: State) -> int:
    """Prints the status; returns 0 if everything is running, ready and healthy, else `NOT_RUNNING` or `UNHEALTHY`."""
    running = state.holder()
    if running is None:
        write(f"make up is not running with {state.folder}")
        if left := marked(state.folder):
            write(f"but {len(left)} processes of an earlier make up are; make down stops them")
        return NOT_RUNNING
    for line in _lines(state, running):
        write(line)
    if not running.ready:
        return NOT_RUNNING
    problems = list(_problems(running))
    for found in problems:
        write(f"  not healthy: {found}")
    if problems:
        write("  make logs shows why; a component that ended is started again within seconds")
    return UNHEALTHY if problems else 0


def _problems(running: Running) -> Iterator[str]:
    if found := AirflowApi(running.address, "").problem():
        yield f"Airflow: {found}"
    if found := problem(f"{running.endpoint}{AWS_HEALTH}"):
        yield f"AWS: {found}"


def model_in_service(s3: Any, bucket: str) -> str:
    """The model's version; without a model, how to get one."""
    try:
        return str(registry.model_in_service(Bucket(s3, bucket))["version"])
    except registry.NoModelError:
        return "none in service; trigger complaints_training"
    except (ClientError, BotoCoreError) as error:
        return f"unknown: {error}"


def _lines(state: State, running: Running) -> Iterator[str]:
    if not running.address:
        yield f"make up is starting, pid {running.pid}"
        return
    age = datetime.now(UTC) - datetime.fromisoformat(running.since)
    word = "is running" if running.ready else "is starting"
    yield f"make up {word}, pid {running.pid}, since {running.since} ({_rounded(age)})"
    secrets = credentials(state.airflow / "secrets")
    yield f"  Airflow    {running.address}   user {USER}, password in {secrets.password_file}"
    yield f"  AWS        {running.endpoint}"
    if not running.ready:
        return
    settings = load_settings().pipeline
    aws = running_aws(running.endpoint, settings.aws.region, state.aws)
    s3 = aws.client("s3", connect_timeout=3, retries={"total_max_attempts": 1})
    yield f"  model      {model_in_service(s3, settings.storage.bucket)}"
    yield from _runs(AirflowApi(running.address, secrets.password))


def _runs(airflow: AirflowApi) -> Iterator[str]:
    try:
        for dag_id in sorted(airflow.dag_ids()):
            counts = airflow.counts(dag_id)
            yield f"  {dag_id}: " + (", ".join(f"{count} {name}" for name, count in counts.items()) or "no runs yet")
    except ServerError as error:
        yield f"  {error}"


def _rounded(age: timedelta) -> timedelta:
    return timedelta(seconds=round(age.total_seconds()))
