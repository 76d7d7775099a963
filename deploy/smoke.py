"""The smoke test of an environment: one history file, one raw file, and where every row of both went.

It trains only where no model is in service, so a sample never competes with a real model. The raw file arrives as any
file does, and its event starts the classification; where Airflow starts what arrives, an execution is started by name.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.runs.documents import job_document
from complaints.runs.results import published_runs
from deploy.deployment import Account
from deploy.environments import Environment
from deploy.errors import SmokeError
from deploy.stacks import outputs

_TRAINED = ("train", "test", "newest", "without_narrative", "unmapped", "quarantined", "superseded")
_LOOKED_AT = 20  # published runs, newest first
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


def smoke(
    environment: Environment,
    account: Account,
    history: Path,
    raw: Path,
    *,
    say: Callable[[str], None] = print,
    pause_seconds: float = 10.0,
    longest_seconds: float = 2 * 3600.0,
) -> dict[str, dict[str, int]]:
    """Trains if there is no model, classifies `raw`, and returns both accounts: rows by their fate.

    Raises:
        SmokeError: the environment is not deployed, a run failed, or nothing came in time; the message says which.
    """
    machines = outputs(account.clients["cloudformation"], f"{environment.prefix}-pipeline")
    if not machines:
        raise SmokeError(f"{environment.name} is not deployed in account {account.id}: make deploy first")
    test = _Smoke(environment, account, machines, time.monotonic() + longest_seconds, pause_seconds)
    say(f"history: {history.name}")
    trained = test.trained(history)
    say(f"  {_line(trained)}")
    say(f"raw: {raw.name}")
    classified = test.classified(raw)
    say(f"  {_line(classified)}")
    return {"training": trained, "classification": classified}


def _line(counts: Mapping[str, int]) -> str:
    fates = " + ".join(f"{count} {fate}" for fate, count in counts.items() if fate != "rows_in")
    return f"{counts['rows_in']} rows in = {fates}"


class _Smoke:
    def __init__(
        self,
        environment: Environment,
        account: Account,
        machines: Mapping[str, str],
        deadline: float,
        pause_seconds: float,
    ) -> None:
        self._machines = machines
        self._states = account.clients["stepfunctions"]
        self._bucket = Bucket(account.clients["s3"], account.bucket_name(environment))
        self._storage = environment.settings().storage
        self._starts_itself = "mwaa" not in environment.optional_stacks
        self._deadline = deadline
        self._pause_seconds = pause_seconds

    def trained(self, history: Path) -> dict[str, int]:
        """The account of the training whose model is in service, which is this one's if there was none."""
        if self._bucket.read_json(registry.LATEST) is None:
            key = self._put(history, f"{self._storage.history}smoke/")
            arn = self._start("TrainingArn", {"source": key})
            self._ended(arn)
        pointer = self._bucket.read_json(registry.LATEST)
        if pointer is None:
            raise SmokeError("the training ended, but no model is in service: its gate refused it, or awaits a person")
        model = self._bucket.read_json(f"{registry.VERSIONED}{pointer['version']}/model.json") or {}
        folder = f"s3://{self._bucket.name}/processed/run_id={model['run_id']}/account/"
        by_source = job_document(self._bucket, folder)["by_source"]
        return {name: sum(each[name] for each in by_source) for name in ("rows_in", *_TRAINED)}

    def classified(self, raw: Path) -> dict[str, int]:
        """The account of the run that classified the file, which may have been an earlier one."""
        key = self._put(raw, f"{self._storage.raw}smoke-")
        if self._manifest(key) is None:
            arn = "" if self._starts_itself else self._start("ClassificationArn", {"source": key})
            self._wait(lambda: self._manifest(key) is not None or self._refused(arn), f"a manifest of {key}")
        manifest = self._manifest(key)
        if manifest is None:
            raise SmokeError(f"the classification of {key} failed")
        account: dict[str, int] = manifest["account"]
        return {"rows_in": account["rows_in"], **{name: n for name, n in account.items() if name != "rows_in"}}

    def _put(self, path: Path, prefix: str) -> str:
        """Uploads the file under its hash, unless it is there; the same file is the same object."""
        content = path.read_bytes()
        key = f"{prefix}{hashlib.sha256(content).hexdigest()[:12]}{''.join(path.suffixes)}"
        if self._bucket.current_version(key) is None:
            self._bucket.client.put_object(Bucket=self._bucket.name, Key=key, Body=content)
        return key

    def _start(self, machine: str, given: Mapping[str, str]) -> str:
        started = self._states.start_execution(stateMachineArn=self._machines[machine], input=json.dumps(given))
        arn: str = started["executionArn"]
        return arn

    def _ended(self, arn: str) -> None:
        self._wait(lambda: self._refused(arn) or self._status(arn) == "SUCCEEDED", "the end of the training")

    def _status(self, arn: str) -> str:
        status: str = self._states.describe_execution(executionArn=arn)["status"]
        return status

    def _refused(self, arn: str) -> bool:
        """False while nothing has failed.

        Raises:
            SmokeError: the execution failed, or, without an ARN, the newest one of the classification.
        """
        if not arn:
            machine = self._machines["ClassificationArn"]
            newest = self._states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
            if not newest:
                return False
            arn = newest[0]["executionArn"]
        described = self._states.describe_execution(executionArn=arn)
        if described["status"] in _FAILED:
            cause = str(described.get("cause", "")).strip()[:1000]
            raise SmokeError(f"{arn} {described['status']}: {described.get('error', '')}: {cause}")
        return False

    def _manifest(self, key: str) -> dict[str, Any] | None:
        """The manifest of a run that read the object at `key`, if one of the newest did."""
        uri = f"s3://{self._bucket.name}/{key}"
        for number, run in enumerate(published_runs(self._bucket)):
            if any(each["uri"] == uri for each in run.manifest["inputs"]):
                return run.manifest
            if number == _LOOKED_AT:
                break
        return None

    def _wait(self, is_done: Callable[[], bool], expected: str) -> None:
        while not is_done():
            if time.monotonic() > self._deadline:
                raise SmokeError(f"{expected} did not come in time: look at the executions of the state machines")
            time.sleep(self._pause_seconds)
