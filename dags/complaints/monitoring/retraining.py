"""The guard of automatic retraining: once for each version, not soon again, only with new labels, and never in a loop.

`locks/retrain/<version>.json` says that a retraining of that version was started, by one conditional write, so the same
alarm five times starts one. A version that came out of a retraining and still alarms needs a person, not another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from complaints.aws.bucket import Bucket, ConflictError
from complaints.runs.inputs import why_not_complaints
from complaints.settings import Monitoring

FLOW = "complaints_training"
LOCKS = "locks/retrain/"
# The status code by which Airflow refuses a run whose id exists.
_EXISTS = 409


class Verdict(TypedDict):
    """What becomes of a wish to retrain: `retrain`, `person`, or `tell` for nothing but a message; and why."""

    action: Literal["retrain", "person", "tell"]
    reason: str


def verdict(
    locks: Mapping[str, Mapping[str, Any]],
    *,
    version: str,
    run_id: str,
    now: str,
    new_labels: int,
    history_is_new: bool,
    limits: Monitoring,
) -> Verdict:
    """The verdict by the locks that there are, by version; `run_id` is the monitored run, `now` is ISO 8601."""
    own = locks.get(version)
    if own and own["run_id"] == run_id:
        return {"action": "retrain", "reason": f"this run started the retraining of {version}"}
    recent = sorted(name for name, lock in locks.items() if _is_recent(lock, now, limits))
    days = limits.cool_down_days
    obstacles: tuple[tuple[bool, Literal["person", "tell"], str], ...] = (
        (not limits.retrain, "tell", "monitoring.retrain is false: start complaints_training by hand"),
        (version in recent, "tell", f"{version} is being retrained, or was less than {days} days ago"),
        (
            own is not None,
            "person",
            f"{version} was retrained more than {days} days ago and is still in service: see why its successor is not",
        ),
        (
            bool(recent),
            "person",
            f"{version} alarms less than {days} days after the retraining of {', '.join(recent)}; "
            "once more would not help",
        ),
        (
            new_labels < limits.min_new_labels,
            "tell",
            f"{new_labels:,} new labels are too few: {limits.min_new_labels:,} are needed",
        ),
        (
            not history_is_new,
            "tell",
            f"nothing has been added to the history that {version} was trained on: put a newer export there",
        ),
    )
    for stands, action, reason in obstacles:
        if stands:
            return {"action": action, "reason": reason}
    return {"action": "retrain", "reason": f"{new_labels:,} new labels, and no retraining of {version} before"}


def claimed(bucket: Bucket, found: Verdict, *, version: str, run_id: str, now: str) -> Verdict:
    """The verdict, with the lock written if it says `retrain`; of two that race, one gets it."""
    key = f"{LOCKS}{version}.json"
    if found["action"] != "retrain":
        return found
    try:
        bucket.write_json(key, {"version": version, "run_id": run_id, "at": now}, if_absent=True)
    except ConflictError:
        holder = bucket.read_json(key) or {}
        if holder.get("run_id") != run_id:
            return {"action": "tell", "reason": f"run {holder.get('run_id')} has started the retraining of {version}"}
    return found


def locks_in(bucket: Bucket) -> dict[str, Mapping[str, Any]]:
    """The locks by version."""
    found = {each.key: bucket.read_json(each.key) for each in bucket.current_versions(LOCKS)}
    return {lock["version"]: lock for lock in found.values() if lock}


def history_has_grown(bucket: Bucket, record: Mapping[str, Any], history: str) -> bool:
    """True if below the prefix `history` is a file that the version of this record was not trained on."""
    plan = bucket.read_json(f"manifests/planned/run_id={record['run_id']}.json")
    if plan is None:
        return True
    known = {(each["key"], each["etag"]) for each in plan["inputs"]}
    listed = (each for each in bucket.current_versions(history) if not why_not_complaints(each, history))
    return any((each.key, each.etag) not in known for each in listed)


def name_of(version: str, run_id: str) -> str:
    """The name of the retraining of a version that a monitored run started; a second start with it starts nothing."""
    return f"retrain-{version}-{run_id}"


def start_execution(states: Any, beside: str, name: str) -> None:
    """Starts the training's state machine, deployed beside the machine `beside`, once; `states` is a boto3 client."""
    machine = f"{beside.rpartition(':')[0]}:{FLOW}"
    try:
        states.start_execution(stateMachineArn=machine, name=name, input=json.dumps({}))
    except states.exceptions.ExecutionAlreadyExists:
        return


def start_dag_run(airflow: Any, environment: str, name: str) -> None:
    """Starts the training in an MWAA environment, once; `airflow` is a boto3 client of `mwaa`.

    https://docs.aws.amazon.com/mwaa/latest/API/API_InvokeRestApi.html
    """
    body: dict[str, Any] = {"dag_run_id": name, "logical_date": None, "conf": {}}
    try:
        airflow.invoke_rest_api(Name=environment, Path=f"/dags/{FLOW}/dagRuns", Method="POST", Body=body)
    except airflow.exceptions.RestApiClientException as error:
        if error.response.get("RestApiStatusCode") != _EXISTS:
            raise


def _is_recent(lock: Mapping[str, Any], now: str, limits: Monitoring) -> bool:
    return datetime.fromisoformat(now) - datetime.fromisoformat(lock["at"]) < timedelta(days=limits.cool_down_days)
