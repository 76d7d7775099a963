"""Whether a step's job is there already: yet to be started, running, or done, whoever started it.

Airflow's operators and the state machines ask this before they start anything, so that a task that is cleared, a worker
that was killed and an execution that is started anew find the job that there is, and never start a second one. A job
counts as done while its output is there: who deletes a run's folder has its jobs run again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from botocore.exceptions import ClientError

State = Literal["absent", "running", "done"]
HasObjects = Callable[[str], bool]

# StartJobRun is refused while 1,000 runs are there (the greatest MaxConcurrentRuns): one that runs is among these.
_NEWEST_RUNS = 1_000
_RUNS_PER_PAGE = 200  # the most that GetJobRuns gives
_GLUE_RUNNING = {"STARTING", "RUNNING", "WAITING", "STOPPING"}
_SAGEMAKER_RUNNING = {"InProgress", "Stopping"}
_S3_URI = re.compile(r's3://[^\s"]+')


class ForeignJobError(RuntimeError):
    """A job of the planned name is there, but it reads or writes other places: nothing of it may be used."""


@dataclass(frozen=True)
class Job:
    """What there is of a step's job.

    `name`: the id of the Glue run, or the name of the SageMaker job, that runs or is done; of an absent SageMaker job
    the name to create it by, for a name is never free again. `described`: the newest attempt in AWS's words, if any.
    """

    state: State
    name: str
    described: Mapping[str, Any] = field(default_factory=dict)


def glue_job(
    glue: Any, has_objects: HasObjects, *, job_name: str, arguments: Mapping[str, str], output_uri: str
) -> Job:
    """The run of a Glue job that was started with these arguments, which name the run of the flow.

    `output_uri`: what the job writes last, so that it is complete where there is something below it.
    """
    runs = [run for run in _newest_runs(glue, job_name) if arguments.items() <= run.get("Arguments", {}).items()]
    newest = runs[0] if runs else {}
    for run in runs:
        if run["JobRunState"] in _GLUE_RUNNING:
            return Job("running", run["Id"], run)
    if has_objects(output_uri):
        return Job("done", str(newest.get("Id", "")), newest)
    return Job("absent", "", newest)


def _newest_runs(glue: Any, job_name: str) -> Iterator[Mapping[str, Any]]:
    pages = glue.get_paginator("get_job_runs").paginate(
        JobName=job_name, PaginationConfig={"MaxItems": _NEWEST_RUNS, "PageSize": _RUNS_PER_PAGE}
    )
    return (run for page in pages for run in page["JobRuns"])


def sagemaker_job(
    sagemaker: Any, has_objects: HasObjects, *, kind: str, request: Mapping[str, Any], output_uri: str
) -> Job:
    """The job of `kind` (Training, Processing or Transform) that `request` would create.

    SageMaker never takes a name twice, so attempts are numbered: `<planned name>-0`, `-1`, … The newest one counts.

    Raises:
        ForeignJobError: an attempt's name is taken by a job of other places.
    """
    planned, newest = request[f"{kind}JobName"], dict[str, Any]()
    for attempt in count():
        name = f"{planned}-{attempt}"
        described = _described(sagemaker, kind, name)
        if described is None:
            return Job("absent", name, newest)
        _check_same_places(name, request, described)
        newest = described
        if newest[f"{kind}JobStatus"] in _SAGEMAKER_RUNNING:
            return Job("running", name, newest)
        if newest[f"{kind}JobStatus"] == "Completed" and has_objects(output_uri):
            return Job("done", name, newest)
    raise AssertionError("unreachable: count() does not end")


def _described(sagemaker: Any, kind: str, name: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = getattr(sagemaker, f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name})
    except ClientError as error:
        # What Describe says of a name that it does not know: the first in fact, the second by its model.
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    described.pop("ResponseMetadata", None)
    return described


def _check_same_places(name: str, request: Mapping[str, Any], described: Mapping[str, Any]) -> None:
    ours, theirs = (set(_S3_URI.findall(json.dumps(each, default=str))) for each in (request, described))
    if missing := sorted(ours - theirs):
        raise ForeignJobError(
            f"a SageMaker job named {name} exists, and does not use {missing[0]} ({len(missing)} such places): it is "
            "not this run's; its name is taken for ever, so change the configuration or the release, and run again"
        )


def result_of(kind: str, job: Job) -> Any:
    """What the step of a job that is done leaves for others, in the shape of the operator's XCom; else None.

    For Glue (`kind` is "Glue") the run's id, for SageMaker `{kind: description}`.
    """
    if job.state != "done":
        return None
    return job.name if kind == "Glue" else {kind: json.loads(json.dumps(job.described, default=str))}
