"""Glue's operations on job runs, and UpdateJob, which moto lacks. moto has the other operations on jobs."""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from botocore.exceptions import ClientError
from moto.core.utils import utcnow
from moto.glue.models import glue_backends

from localaws.glue.ready_spark import ReadySpark
from localaws.glue.run import GlueRun
from localaws.jobs.job import Job, Phase
from localaws.jobs.logs import JobLog, LogStream
from localaws.s3.staged_updates import StagedUpdates
from localaws.server.cloud import ACCOUNT, Cloud
from localaws.server.paging import page
from localaws.server.protocol import ApiError, Handler, Json, operation

STATES = {
    Phase.STARTING: "STARTING",
    # Glue downloads while it starts.
    Phase.DOWNLOADING: "STARTING",
    Phase.RUNNING: "RUNNING",
    Phase.UPLOADING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "STOPPED",
    Phase.TIMED_OUT: "TIMEOUT",
}
GROUP = "/aws-glue/jobs"
# Glue's defaults, if neither the definition nor the run has a value.
DEFAULT_TIMEOUT_MINUTES = 480
DEFAULT_GLUE_VERSION = "5.1"
RUNS_PER_PAGE = 200
# Members that a run inherits from the job's definition.
FROM_DEFINITION = ("WorkerType", "NumberOfWorkers", "MaxCapacity", "ExecutionClass", "SecurityConfiguration")


class GlueJobs:
    """Every run of every job since the server started.

    `minute` is the length, in seconds, of a minute of a job's Timeout.
    """

    def __init__(self, cloud: Cloud, folder: Path, minute: float, processes: ReadySpark) -> None:
        self._processes = processes
        self._cloud = cloud
        self._folder = folder
        self._minute = minute
        self.staged_updates = StagedUpdates()
        self._runs: dict[str, list[Job]] = {}
        self._starting = Lock()

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The operations that are taken over from moto."""
        return {
            "StartJobRun": self.start_job_run,
            "GetJobRun": self.get_job_run,
            "GetJobRuns": self.get_job_runs,
            "BatchStopJobRun": self.batch_stop_job_run,
            "UpdateJob": self.update_job,
        }

    @property
    def jobs(self) -> list[Job]:
        """All runs."""
        return [run for runs in list(self._runs.values()) for run in runs]

    def start_job_run(self, request: Json) -> Json:
        """Start a run, unless the job's maximum of concurrent runs is reached."""
        name = request["JobName"]
        definition = self._definition(name)
        limit = definition.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)
        with self._starting:
            runs = self._runs.setdefault(name, [])
            if sum(run.running for run in runs) >= limit:
                raise ApiError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
            run = self._run(request, definition)
            runs.append(run)
        run.start()
        return {"JobRunId": run.name}

    def get_job_run(self, request: Json) -> Json:
        """One run's record."""
        self._definition(request["JobName"])
        run = self._find(request["JobName"], request["RunId"])
        if run is None:
            raise ApiError("EntityNotFoundException", "Entity Not Found")
        return {"JobRun": record(run)}

    def get_job_runs(self, request: Json) -> Json:
        """A job's runs, newest first."""
        name = request["JobName"]
        self._definition(name)
        newest_first = self._runs.get(name, [])[::-1]
        size = request.get("MaxResults", RUNS_PER_PAGE)
        runs, token = page(newest_first, size, request.get("NextToken"), "InvalidInputException")
        return {"JobRuns": [record(run) for run in runs], "NextToken": token}

    def batch_stop_job_run(self, request: Json) -> Json:
        """Stop runs; those that cannot be stopped are returned under Errors."""
        name, stopped, errors = request["JobName"], [], []
        for run_id in request["JobRunIds"]:
            run = self._find(name, run_id)
            if run is not None and run.running:
                run.stop()
                stopped.append({"JobName": name, "JobRunId": run_id})
                continue
            code, message = (
                ("EntityNotFoundException", "Entity Not Found")
                if run is None
                else ("InvalidInputException", f"Job Run in state {_state(run)} cannot be stopped")
            )
            detail = {"ErrorCode": code, "ErrorMessage": message}
            errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def update_job(self, request: Json) -> Json:
        """Replace a job's definition: members that are not in JobUpdate return to their defaults."""
        self._definition(request["JobName"])
        definition = glue_backends[ACCOUNT][self._cloud.region].get_job(request["JobName"])
        shape = operation("glue", "UpdateJob").input_shape.members["JobUpdate"]
        for member, inner in shape.members.items():
            attribute = re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower()
            if hasattr(definition, attribute):
                empty: Json | None = {} if inner.type_name in ("map", "structure") else None
                setattr(definition, attribute, request["JobUpdate"].get(member, empty))
        definition.execution_class = definition.execution_class or "STANDARD"
        definition.last_modified_on = utcnow()
        return {"JobName": request["JobName"]}

    def _definition(self, name: str) -> Json:
        try:
            job: Json = self._cloud.client("glue").get_job(JobName=name)["Job"]
        except ClientError as error:
            answer = error.response["Error"]
            raise ApiError(answer["Code"], answer["Message"]) from None
        return job

    def _find(self, name: str, run_id: str) -> Job | None:
        return next((run for run in self._runs.get(name, []) if run.name == run_id), None)

    def _run(self, request: Json, definition: Json) -> Job:
        name, run_id = request["JobName"], f"jr_{secrets.token_hex(32)}"
        arguments = {
            "--JOB_NAME": name,
            "--JOB_RUN_ID": run_id,
            **definition.get("DefaultArguments", {}),
            **request.get("Arguments", {}),
            **definition.get("NonOverridableArguments", {}),
        }
        timeout = request.get("Timeout") or definition.get("Timeout") or DEFAULT_TIMEOUT_MINUTES
        inherited = {member: definition.get(member) for member in FROM_DEFINITION}
        detail = {"GlueVersion": definition.get("GlueVersion", DEFAULT_GLUE_VERSION), "Timeout": timeout}
        if "JobRunId" in request:
            detail["PreviousRunId"] = request["JobRunId"]
        folder = self._folder / "glue" / run_id
        log = JobLog(
            self._cloud.client("logs"),
            LogStream(f"{GROUP}/output", run_id, folder / "stdout.log"),
            LogStream(f"{GROUP}/error", run_id, folder / "stderr.log"),
        )
        # An argument overrides the location in the definition, as in Glue.
        script = arguments.get("--scriptLocation") or definition["Command"]["ScriptLocation"]
        cloud = self._cloud.as_role(definition["Role"])
        work = GlueRun(cloud, folder / "work", script, arguments, self.staged_updates, self._processes)
        return Job(run_id, inherited | request | detail, work, log, timeout * self._minute)


def record(run: Job) -> Json:
    """A run as the API's JobRun."""
    started = run.entered(Phase.RUNNING)
    end = run.ended
    return run.request | {
        "Id": run.name,
        "Attempt": 0,
        "JobRunState": _state(run),
        "StartedOn": run.created,
        "LastModifiedOn": run.modified,
        "CompletedOn": end,
        "ExecutionTime": int((end or run.modified) - started) if started else 0,
        "ErrorMessage": run.failure,
        "LogGroupName": GROUP,
        "PredecessorRuns": [],
    }


def _state(run: Job) -> str:
    return "STOPPING" if run.stopping else STATES[run.phase]
