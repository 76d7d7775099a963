"""SageMaker's Create, Describe, Stop and List of training, processing, transform and tuning jobs, and their tags."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from localaws.jobs.forks import Forks
from localaws.jobs.job import Activity, Job
from localaws.jobs.logs import JobLog, LogStream
from localaws.sagemaker import processing, training, transform, tuning
from localaws.sagemaker.records import (
    processing_record,
    status,
    training_measures,
    training_record,
    transform_record,
    trial_record,
    tuning_record,
)
from localaws.sagemaker.work import SageMakerWork
from localaws.server.cloud import Cloud
from localaws.server.paging import page
from localaws.server.protocol import ApiError, Handler, Json, invalid

JOBS_PER_PAGE = 10
# What jobs import of the scikit-learn image, whose imports take more than a second.
OF_THE_IMAGE = (
    *("numpy", "pandas", "pyarrow.parquet", "scipy.sparse", "scipy.stats", "joblib"),
    *("sklearn.calibration", "sklearn.feature_extraction.text", "sklearn.linear_model", "sklearn.metrics"),
    *("sklearn.model_selection", "sklearn.pipeline", "sklearn.svm"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of jobs: its noun in the API (`TrainingJob`), its validation and its records."""

    noun: str
    check: Callable[[Json], None]
    record: Callable[[Any], Json]
    measures: Callable[[Any], Json] = lambda _: {}

    @property
    def resource(self) -> str:
        """The resource type in the ARN: `hyper-parameter-tuning-job`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.noun).lower()

    @property
    def name(self) -> str:
        """The member with a job's name."""
        return f"{self.noun}Name"


TRAINING = Kind("TrainingJob", training.check, training_record, training_measures)
TUNING = Kind("HyperParameterTuningJob", tuning.check, tuning_record)
KINDS = (
    TRAINING,
    TUNING,
    Kind("ProcessingJob", processing.check, processing_record),
    Kind("TransformJob", transform.check, transform_record),
)


class SageMakerJobs:
    """Every SageMaker job since the server started."""

    def __init__(self, cloud: Cloud, folder: Path, forks: Forks) -> None:
        self._cloud = cloud
        self._forks = forks
        self._folder = folder
        self._jobs: dict[str, Activity] = {}
        self._tags: dict[str, list[Json]] = {}
        self._creating = Lock()

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The operations that are taken over from moto."""
        handlers: dict[str, Handler] = {
            "AddTags": self.add_tags,
            "ListTags": self.list_tags,
            "DeleteTags": self.delete_tags,
            "ListTrainingJobsForHyperParameterTuningJob": self.list_trials,
        }
        for kind in KINDS:
            handlers |= {
                f"Create{kind.noun}": _for(kind, self._create),
                f"Describe{kind.noun}": _for(kind, self._describe),
                f"Stop{kind.noun}": _for(kind, self._stop),
                f"List{kind.noun}s": _for(kind, self._list),
            }
        return handlers

    @property
    def jobs(self) -> list[Activity]:
        """All jobs; those that start others come first."""
        return sorted(self._jobs.values(), key=lambda job: isinstance(job, Job))

    def add_tags(self, request: Json) -> Json | None:
        """Add tags to a job; moto has the tags of all other resources."""
        tags = self._tags.get(request["ResourceArn"])
        if tags is None:
            return None
        tags[:] = list({tag["Key"]: tag for tag in [*tags, *request["Tags"]]}.values())
        return {"Tags": tags}

    def list_tags(self, request: Json) -> Json | None:
        """All tags of a job, on one page (SageMaker allows 50)."""
        tags = self._tags.get(request["ResourceArn"])
        return None if tags is None else {"Tags": tags}

    def delete_tags(self, request: Json) -> Json | None:
        """Delete tags of a job."""
        tags = self._tags.get(request["ResourceArn"])
        if tags is None:
            return None
        tags[:] = [tag for tag in tags if tag["Key"] not in request["TagKeys"]]
        return {}

    def list_trials(self, request: Json) -> Json:
        """The training jobs of a tuning job."""
        found = self._find(TUNING, request[TUNING.name])
        assert isinstance(found, tuning.TuningJob)
        records = [trial_record(found, trial) for trial in list(found.trials)]
        wanted = request.get("StatusEquals")
        by = request.get("SortBy", "Name")
        chosen = sorted(
            (
                each
                for each in records
                if wanted in (None, each["TrainingJobStatus"]) and _trial_key(each, by) is not None
            ),
            key=lambda each: _trial_key(each, by),
            reverse=request.get("SortOrder", "Ascending") == "Descending",
        )
        size = request.get("MaxResults", JOBS_PER_PAGE)
        jobs, token = page(chosen, size, request.get("NextToken"), "ValidationException")
        return {"TrainingJobSummaries": jobs, "NextToken": token}

    def _create(self, kind: Kind, request: Json) -> Json:
        kind.check(request)
        name = request[kind.name]
        arn = self._arn(kind, name)
        with self._creating:
            if arn in self._jobs:
                what = kind.resource.replace("-", " ")
                raise ApiError(
                    "ResourceInUse",
                    f"{what.capitalize()} names must be unique within an AWS account and region, "
                    f"and a {what} with this name already exists ({arn})",
                )
            job = self._jobs[arn] = self._job(kind, name, request)
            self._tags[arn] = list(request.get("Tags", []))
        job.start()
        return {f"{kind.noun}Arn": arn}

    def _describe(self, kind: Kind, request: Json) -> Json:
        job = self._find(kind, request[kind.name])
        return self._record(kind, job) | kind.measures(job)

    def _stop(self, kind: Kind, request: Json) -> Json:
        job = self._find(kind, request[kind.name])
        if not job.running:
            what = kind.resource.replace("-", " ")
            message = f"The request was rejected because the {what} is in status {status(job)}."
            raise invalid("sagemaker", message)
        job.stop()
        return {}

    def _list(self, kind: Kind, request: Json) -> Json:
        marker = f":{kind.resource}/"
        records = [self._record(kind, job) for arn, job in list(self._jobs.items()) if marker in arn]
        chosen = sorted(
            (record for record in records if _matches(kind, record, request)),
            key=lambda record: _sort_key(kind, record, request.get("SortBy", "CreationTime")),
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        size = request.get("MaxResults", JOBS_PER_PAGE)
        jobs, token = page(chosen, size, request.get("NextToken"), "ValidationException")
        return {f"{kind.noun}Summaries": jobs, "NextToken": token}

    def _find(self, kind: Kind, name: str) -> Activity:
        try:
            return self._jobs[self._arn(kind, name)]
        except KeyError:
            # AWS answers ValidationException, not ResourceNotFound; Airflow's operators rely on it.
            raise invalid("sagemaker", "Requested resource not found.") from None

    def _record(self, kind: Kind, job: Activity) -> Json:
        return {f"{kind.noun}Arn": self._arn(kind, job.name)} | kind.record(job)

    def _arn(self, kind: Kind, name: str) -> str:
        return self._cloud.arn("sagemaker", f"{kind.resource}/{name}")

    def _job(self, kind: Kind, name: str, request: Json) -> Activity:
        if kind is TUNING:
            return tuning.TuningJob(name, self._arn(kind, name), request, self._train)
        folder = self._folder / kind.resource.removesuffix("-job") / name
        log = JobLog(
            self._cloud.client("logs"),
            LogStream(f"/aws/sagemaker/{kind.noun}s", f"{name}/algo-1-{int(time.time())}", folder / "log.txt"),
        )
        timeout = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        return Job(name, request, self._work(kind, folder / "work", request), log, timeout)

    def _train(self, request: Json) -> tuple[str, Job]:
        """Starts a training job of a tuning job; returns its ARN and the job."""
        self._create(TRAINING, request)
        job = self._find(TRAINING, request[TRAINING.name])
        assert isinstance(job, Job)
        return self._arn(TRAINING, job.name), job

    def _work(self, kind: Kind, folder: Path, request: Json) -> SageMakerWork:
        if kind is TRAINING:
            return training.Training(self._cloud.as_role(request["RoleArn"]), folder, request, self._forks)
        if kind.noun == "ProcessingJob":
            return processing.Processing(self._cloud.as_role(request["RoleArn"]), folder, request, self._forks)
        container, role = self._container(request["ModelName"])
        return transform.Transform(self._cloud.as_role(role), folder, request, self._forks, container)

    def _container(self, model: str) -> tuple[Json, str]:
        """The model's first container, and its role; of a model package, the container in its specification."""
        client = self._cloud.client("sagemaker")
        try:
            described = client.describe_model(ModelName=model)
            container: Json = described.get("PrimaryContainer") or described.get("Containers", [{}])[0]
            if package := container.get("ModelPackageName"):
                packaged = client.describe_model_package(ModelPackageName=package)
                settings = container.get("Environment", {})
                container = packaged["InferenceSpecification"]["Containers"][0]
                container["Environment"] = container.get("Environment", {}) | settings
        except ClientError:
            arn = self._cloud.arn("sagemaker", f"model/{model}")
            raise invalid("sagemaker", f'Could not find model "{arn}", or its package.') from None
        return container, described.get("ExecutionRoleArn", "")


def _for(kind: Kind, operation: Callable[[Kind, Json], Json]) -> Handler:
    return lambda request: operation(kind, request)


def _matches(kind: Kind, record: Json, request: Json) -> bool:
    created, modified = record["CreationTime"], record["LastModifiedTime"]
    endless = float("inf")
    return (
        request.get("NameContains", "").lower() in record[kind.name].lower()
        and request.get("StatusEquals", record[f"{kind.noun}Status"]) == record[f"{kind.noun}Status"]
        and request.get("CreationTimeAfter", 0) <= created <= request.get("CreationTimeBefore", endless)
        and request.get("LastModifiedTimeAfter", 0) <= modified <= request.get("LastModifiedTimeBefore", endless)
    )


def _sort_key(kind: Kind, record: Json, by: str) -> Any:
    return record[{"Name": kind.name, "Status": f"{kind.noun}Status"}.get(by, "CreationTime")]


def _trial_key(record: Json, by: str) -> Any:
    """What a training job of a tuning job is sorted by; None leaves it out, as one without an objective."""
    if by == "FinalObjectiveMetricValue":
        return (record["FinalHyperParameterTuningJobObjectiveMetric"] or {}).get("Value")
    return record[{"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(by, by)]
