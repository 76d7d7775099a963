"""What a run costs on AWS: estimated from its complaints before, and from what AWS says of its jobs after.

By the prices of `pipeline_config.yaml`. What costs less than a thousandth of a dollar a run (Lambda, SNS, logs, storage
for a month) is left out. Nothing of this was measured on AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from complaints.aws.job_kinds import GLUE, PROCESSING, TRAINING, TRANSFORM, kind_of
from complaints.settings import PipelineSettings, Prices

RECORDS = "ledger/costs/"
DPU_A_WORKER = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
_LEAST_GLUE_SECONDS = 60  # what Glue bills of a shorter run
# The two Glue jobs of a classification on 2 x G.1X, one of which is an executor: start-up, and each complaint. Reasoned
# from the times of docs/benchmarks.md on two cores; all complaints have a narrative.
_GLUE_START_SECONDS, _GLUE_SECONDS_A_COMPLAINT = 138.0, 114e-6
# The start of a transform's machine, and how many complaints its four cores answer a second.
_TRANSFORM_START_SECONDS, _ANSWERS_A_SECOND = 300.0, 40_000
# The one Glue job of a training; and its instances: their start, each narrative to learn from, and how many complaints
# are evaluated a second, by the same page.
_HISTORY_START_SECONDS, _HISTORY_SECONDS_A_COMPLAINT = 75.0, 60e-6
_INSTANCE_START_SECONDS, _FIT_SECONDS_A_NARRATIVE, _EVALUATIONS_A_SECOND = 240.0, 900e-6, 10_000
# Of an execution without failures, and of S3 (mostly the listings and parts of Spark).
_TRANSITIONS = 25
_WRITES, _READS = 200, 1_000
_ROWS_A_WRITE = 5_000
# The mean of the public database, of whose rows about a third has a narrative, as CSV; its zip has a fifth of that.
_BYTES_A_COMPLAINT, _PACKED = 600, 5
_HOUR = 3600


def record_key(run_id: str) -> str:
    """The key of the record of what a run cost."""
    return f"{RECORDS}run_id={run_id}.json"


@dataclass(frozen=True)
class Usage:
    """What AWS bills of a run: seconds of DPUs by Glue version, of instances by type, transitions, requests to S3."""

    dpu_seconds: Mapping[str, float] = field(default_factory=dict)
    instance_seconds: Mapping[str, float] = field(default_factory=dict)
    transitions: int = 0
    writes: int = 0
    reads: int = 0


def complaints_in(inputs: Iterable[tuple[str, int]]) -> int:
    """The approximate number of complaints in files, given by key and size in bytes."""
    packed = (".zip", ".gz")
    return sum(size * (_PACKED if key.lower().endswith(packed) else 1) for key, size in inputs) // _BYTES_A_COMPLAINT


def of_classification(complaints: int, settings: PipelineSettings) -> Usage:
    """The usage of a classification of so many complaints, all with a narrative, on the machines of the settings."""
    glue, transform = settings.glue, settings.sagemaker.transform
    dpus, executors = (DPU_A_WORKER[glue.worker_type] * workers for workers in _workers(glue.number_of_workers))
    glue_seconds = _GLUE_START_SECONDS + _GLUE_SECONDS_A_COMPLAINT * complaints / executors
    transform_seconds = _TRANSFORM_START_SECONDS + complaints / _ANSWERS_A_SECOND / transform.instance_count
    return Usage(
        dpu_seconds={glue.version: glue_seconds * dpus},
        instance_seconds={transform.instance_type: transform_seconds * transform.instance_count},
        transitions=_TRANSITIONS,
        writes=_WRITES + complaints // _ROWS_A_WRITE,
        reads=_READS + complaints // _ROWS_A_WRITE,
    )


def of_training(complaints: int, settings: PipelineSettings, *, fits: int = 2, tuned: int = 0) -> Usage:
    """The usage of a training on so many complaints, all with a narrative, on the machines of the settings.

    `fits`: the model alone, or once more on all rows after its evaluation. `tuned`: the training jobs of a tuning.
    """
    glue, machines = settings.glue, settings.sagemaker
    dpus, executors = (DPU_A_WORKER[glue.worker_type] * workers for workers in _workers(glue.number_of_workers))
    glue_seconds = _HISTORY_START_SECONDS + _HISTORY_SECONDS_A_COMPLAINT * complaints / executors
    fit = _INSTANCE_START_SECONDS + _FIT_SECONDS_A_NARRATIVE * complaints
    seconds = {
        "training": fits * fit,
        "tuning": tuned * fit,
        "evaluation": _INSTANCE_START_SECONDS + complaints / _EVALUATIONS_A_SECOND,
    }
    instances: dict[str, float] = {}
    for kind, each in seconds.items():
        name: str = getattr(machines, kind).instance_type
        instances[name] = instances.get(name, 0) + each * getattr(machines, kind).instance_count
    return Usage(
        dpu_seconds={glue.version: glue_seconds * dpus},
        instance_seconds={name: each for name, each in instances.items() if each},
        transitions=_TRANSITIONS,
        writes=_WRITES + complaints // _ROWS_A_WRITE,
        reads=_READS + complaints // _ROWS_A_WRITE,
    )


def _workers(number: int) -> tuple[int, int]:
    """All workers of a Glue job, and those that are executors."""
    return number, number - 1


def of_jobs(described: Iterable[Mapping[str, Any]]) -> Usage:
    """The usage of jobs that have ended, from GetJobRun's `JobRun` and the answers of Describe…Job."""
    dpu_seconds, instance_seconds = dict[str, float](), dict[str, float]()
    for job in described:
        if kind_of(job) is GLUE:
            version = str(job.get("GlueVersion") or "unknown")
            dpu_seconds[version] = dpu_seconds.get(version, 0) + _dpu_seconds(job)
        elif machines := _machines(job):
            instance_type, seconds = machines
            instance_seconds[instance_type] = instance_seconds.get(instance_type, 0) + seconds
    return Usage(dpu_seconds=dpu_seconds, instance_seconds=instance_seconds)


def _dpu_seconds(run: Mapping[str, Any]) -> float:
    if known := run.get("DPUSeconds"):
        return float(known)
    seconds = max(run.get("ExecutionTime", 0), _LEAST_GLUE_SECONDS)
    return float(seconds * DPU_A_WORKER.get(run.get("WorkerType") or "", 1) * (run.get("NumberOfWorkers") or 0))


def _machines(job: Mapping[str, Any]) -> tuple[str, float] | None:
    """The instance type of a SageMaker job, and the seconds of all of its instances; None where it had none."""
    kind = kind_of(job)
    if kind is TRANSFORM:
        machines, names = job["TransformResources"], ("TransformStartTime", "TransformEndTime")
    elif kind is PROCESSING:
        machines, names = job["ProcessingResources"]["ClusterConfig"], ("ProcessingStartTime", "ProcessingEndTime")
    elif kind is TRAINING:
        machines, names = job["ResourceConfig"], ("TrainingStartTime", "TrainingEndTime")
    else:
        return None
    start, end = (job.get(name) for name in names)
    if start is None or end is None:
        return None
    return machines["InstanceType"], (end - start).total_seconds() * machines["InstanceCount"]


def cost_of(usage: Usage, prices: Prices) -> dict[str, Any]:
    """The usage with its price: `usd` in all, `parts` by service, the seconds, and the day and region of the prices.

    `without_price` names the settings' keys of what they have no price of. Then neither `usd` nor that part is known.
    """
    dpu_hours = prices.dpu_hours(usage.dpu_seconds)
    parts = {
        "glue": _priced(usage.dpu_seconds, dpu_hours),
        "sagemaker": _priced(usage.instance_seconds, prices.instance_hour),
        "step_functions": usage.transitions / 1000 * prices.state_transitions_1000,
        "s3_requests": usage.writes / 1000 * prices.s3_writes_1000 + usage.reads / 1000 * prices.s3_reads_1000,
    }
    known = [part for part in parts.values() if part is not None]
    return {
        "usd": round(sum(known), 4) if len(known) == len(parts) else None,
        "parts": {name: None if part is None else round(part, 4) for name, part in parts.items()},
        "dpu_seconds": round(sum(usage.dpu_seconds.values())),
        "instance_seconds": {name: round(seconds) for name, seconds in sorted(usage.instance_seconds.items())},
        "without_price": [
            *(f"glue_dpu_hour.{each}" for each in sorted(usage.dpu_seconds.keys() - dpu_hours.keys())),
            *(f"instance_hour.{each}" for each in sorted(usage.instance_seconds.keys() - prices.instance_hour.keys())),
        ],
        "prices": {"as_of": prices.as_of.isoformat(), "region": prices.region},
    }


def _priced(seconds: Mapping[str, float], hours: Mapping[str, float]) -> float | None:
    """The price of the seconds; None where that of an hour is not known."""
    return sum(each / _HOUR * hours[name] for name, each in seconds.items()) if seconds.keys() <= hours.keys() else None


def sentence(cost: Mapping[str, Any]) -> str:
    """A cost in one line: `0.05 USD (Glue 0.03, SageMaker 0.02), by list prices of us-east-1 on 2026-11-28`."""
    parts, prices = cost["parts"], cost["prices"]
    of_when = f"list prices of {prices['region']} on {prices['as_of']}"
    if missing := cost["without_price"]:
        keys = ", ".join(f"prices.{each}" for each in missing)
        return f"not known: pipeline_config.yaml has no price for {keys}; add it to the {of_when}"
    return f"{cost['usd']:.2f} USD (Glue {parts['glue']:.2f}, SageMaker {parts['sagemaker']:.2f}), by {of_when}"
