"""A SageMaker hyperparameter tuning job: training jobs with proposed hyperparameters, several at a time.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

import hashlib
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from statistics import fmean, median
from typing import TYPE_CHECKING

from localaws.jobs.job import Activity, Job, Phase
from localaws.sagemaker import training
from localaws.sagemaker.work import unsupported
from localaws.server.protocol import Json, invalid

if TYPE_CHECKING:
    from localaws.sagemaker.sampling import Sample, Sampler

POLL_SECONDS = 0.1
# SageMaker gives up after five training jobs without an objective: "No training job succeeded after 5 attempts."
# https://github.com/aws/amazon-sagemaker-examples/issues/2437
MOST_IN_VAIN = 5
# SageMaker adds this hyperparameter to those of each training job.
OBJECTIVE_NAME = "_tuning_objective_metric"
# The members of a training job's request that a TrainingJobDefinition does not have, or names otherwise.
OWN_MEMBERS = frozenset({"DefinitionName", "StaticHyperParameters"})
RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")

_log = logging.getLogger(__name__)


def check(request: Json) -> None:
    """Validate a request before the job is created. Raises ApiError."""
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition", {})
    given = {**request, **config, **definition}
    for member in (
        *("TrainingJobDefinitions", "WarmStartConfig", "Autotune", "TuningJobCompletionCriteria"),
        *("HyperParameterTuningResourceConfig", "HyperParameterRanges", "TuningObjective"),
    ):
        if given.get(member):
            raise unsupported(member)
    if config["Strategy"] == "Hyperband":
        raise unsupported("Strategy Hyperband (use Bayesian, Random or Grid)")
    if config["ResourceLimits"].get("MaxRuntimeInSeconds"):
        raise unsupported("ResourceLimits.MaxRuntimeInSeconds (use the StoppingCondition of the training jobs)")
    if not definition:
        raise invalid("sagemaker", "TrainingJobDefinition is missing")
    _check_objective(config, definition)
    _check_ranges(config, definition)
    _check_limits(config)
    training.check(definition)


def _check_objective(config: Json, definition: Json) -> None:
    metrics = [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
    if config.get("HyperParameterTuningJobObjective", {}).get("MetricName") not in metrics:
        # SageMaker's own words: https://github.com/aws/sagemaker-python-sdk/issues/3932
        message = "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
        raise invalid("sagemaker", f"{message}definitions.")


def _check_ranges(config: Json, definition: Json) -> None:
    ranges = config.get("ParameterRanges", {})
    names = [each["Name"] for kind in RANGES for each in ranges.get(kind, [])]
    if not names:
        raise invalid("sagemaker", "ParameterRanges has no range: there is nothing to tune")
    twice = sorted(name for name in {*names} if [*names, *definition.get("StaticHyperParameters", {})].count(name) > 1)
    if twice:
        raise invalid("sagemaker", f"hyperparameters {', '.join(twice)} have more than one range, or a static value")
    for each, read in chain(_of(ranges, RANGES[0], int), _of(ranges, RANGES[1], float)):
        _check_range(each, read)
    if config["Strategy"] == "Grid" and any(ranges.get(kind) for kind in RANGES[:2]):
        raise invalid("sagemaker", "Strategy Grid takes CategoricalParameterRanges only")


def _of(ranges: Json, kind: str, read: Callable[[str], float]) -> Iterator[tuple[Json, Callable[[str], float]]]:
    return ((each, read) for each in ranges.get(kind, []))


def _check_range(each: Json, read: Callable[[str], float]) -> None:
    name, scaling = each["Name"], each.get("ScalingType", "Auto")
    try:
        low, high = read(each["MinValue"]), read(each["MaxValue"])
    except ValueError as error:
        raise invalid("sagemaker", f"the range of {name} is not of numbers: {error}") from None
    if low > high:
        raise invalid("sagemaker", f"MinValue {low} of {name} is greater than its MaxValue {high}")
    if scaling == "Logarithmic" and low <= 0:
        raise invalid("sagemaker", f"ScalingType Logarithmic of {name} needs a MinValue greater than 0, not {low}")
    if scaling == "ReverseLogarithmic" and (read is int or low < 0 or high >= 1):
        raise invalid(
            "sagemaker", f"ScalingType ReverseLogarithmic of {name} needs continuous values from 0 to below 1"
        )


def _check_limits(config: Json) -> None:
    most, limits = number_of_jobs(config), config["ResourceLimits"]
    if most is None:
        raise invalid("sagemaker", f"MaxNumberOfTrainingJobs is required for the strategy {config['Strategy']}")
    if limits.get("MaxNumberOfTrainingJobs", most) != most:
        raise invalid("sagemaker", f"MaxNumberOfTrainingJobs of a grid of {most} combinations must be {most}")
    if limits["MaxParallelTrainingJobs"] > most:
        raise invalid("sagemaker", f"MaxParallelTrainingJobs must not exceed MaxNumberOfTrainingJobs, {most}")


def number_of_jobs(config: Json) -> int | None:
    """The number of training jobs: of a grid, that of its combinations."""
    if config["Strategy"] == "Grid":
        return prod(len(each["Values"]) for each in config["ParameterRanges"]["CategoricalParameterRanges"])
    most: int | None = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    return most


@dataclass
class Trial:
    """One training job of a tuning job. `objective` counts once `is_evaluated`, which is after the job's end."""

    arn: str
    job: Job
    sample: "Sample"
    objective: float | None = None
    is_evaluated: bool = False


class TuningJob(Activity):
    """One tuning job. `train` creates and starts a training job, and returns its ARN and the job."""

    def __init__(self, name: str, arn: str, request: Json, train: Callable[[Json], tuple[str, Job]]) -> None:
        super().__init__(name, request)
        self._arn = arn
        self._train = train
        self._config: Json = request["HyperParameterTuningJobConfig"]
        # Only appended to.
        self.trials: list[Trial] = []

    @property
    def objective(self) -> Json:
        """The HyperParameterTuningJobObjective."""
        objective: Json = self._config["HyperParameterTuningJobObjective"]
        return objective

    @property
    def best(self) -> Trial | None:
        """The trial with the best objective so far; the earliest of equal ones."""
        known = [trial for trial in self.trials if trial.objective is not None]
        return max(known, key=lambda trial: self._goodness(trial.objective or 0.0), default=None)

    def _run(self) -> None:
        try:
            end = self._tune()
        except Exception as error:
            _log.exception("tuning job %s", self.name)
            self._stop_all()
            self.failure, end = f"InternalServerError: {error}", Phase.FAILED
        self._enter(end)

    def _tune(self) -> Phase:
        self._enter(Phase.RUNNING)
        # Optuna takes a second to import: not at each start of local AWS.
        sampling = importlib.import_module("localaws.sagemaker.sampling")
        sampler: Sampler = sampling.sampler_of(self._config, sampling.seed_of(self.name))
        while not self._stop.wait(POLL_SECONDS):
            self._evaluate(sampler)
            if self._is_in_vain():
                break
            if self._config.get("TrainingJobEarlyStoppingType") == "Auto":
                self._stop_what_is_behind()
            self._start_trials(sampler)
            if not self._underway:
                break
        is_stopped = self._stop.is_set()
        self._stop_all()
        self._evaluate(sampler)
        if not is_stopped and self.best is None:
            self.failure = self._reason()
            return Phase.FAILED
        return Phase.STOPPED if is_stopped else Phase.SUCCEEDED

    @property
    def _underway(self) -> list[Trial]:
        return [trial for trial in self.trials if not trial.is_evaluated]

    def _start_trials(self, sampler: "Sampler") -> None:
        most = number_of_jobs(self._config) or 0
        while len(self._underway) < self._config["ResourceLimits"]["MaxParallelTrainingJobs"]:
            sample = sampler.ask() if len(self.trials) < most else None
            if sample is None:
                return
            arn, job = self._train(self._training_request(sample.parameters))
            self.trials.append(Trial(arn, job, sample))

    def _training_request(self, parameters: dict[str, str]) -> Json:
        """CreateTrainingJob for the next trial, whose name has its number and a hash."""
        definition: Json = self.request["TrainingJobDefinition"]
        numbered = f"{self.name}-{len(self.trials) + 1:03}"
        own = {
            "TrainingJobName": f"{numbered}-{hashlib.sha256(numbered.encode()).hexdigest()[:8]}",
            "TuningJobArn": self._arn,
            "HyperParameters": {
                **definition.get("StaticHyperParameters", {}),
                **parameters,
                OBJECTIVE_NAME: self.objective["MetricName"],
            },
            "Tags": self.request.get("Tags", []),
        }
        return {name: value for name, value in definition.items() if name not in OWN_MEMBERS} | own

    def _evaluate(self, sampler: "Sampler") -> None:
        """Reads the objectives of the trials that have ended, in the order of their numbers."""
        for trial in self._underway:
            if not trial.job.running:
                emitted = self._emitted(trial) if trial.job.phase is not Phase.FAILED else []
                trial.objective = emitted[-1] if emitted else None
                sampler.tell(trial.sample, trial.objective)
                trial.is_evaluated = True

    def _is_in_vain(self) -> bool:
        ended = [trial for trial in self.trials if trial.is_evaluated]
        return len(ended) >= MOST_IN_VAIN and self.best is None

    def _reason(self) -> str:
        """Why no training job has an objective, in SageMaker's words."""
        ended = len(self.trials)
        if all(trial.job.phase is Phase.FAILED for trial in self.trials if trial.job.phase is not Phase.STOPPED):
            return (
                f"No training job succeeded after {ended} attempts. "
                "Please take a look at the training job failures to get more details."
            )
        return (
            f"No objective metrics found after running {ended} training jobs. Please ensure that the custom algorithm "
            "is emitting the objective metric as defined by the regular expression provided."
        )

    def _stop_what_is_behind(self) -> None:
        ended = [self._emitted(trial) for trial in self.trials if trial.job.phase is Phase.SUCCEEDED]
        for trial in self._underway:
            if trial.job.phase is Phase.RUNNING and is_behind(self._emitted(trial), ended, self._goodness):
                trial.job.stop()

    def _stop_all(self) -> None:
        for trial in self._underway:
            trial.job.stop()
        for trial in self._underway:
            while trial.job.running and not self._abandoned:
                trial.job.join(1.0)

    def _emitted(self, trial: Trial) -> list[float]:
        """Every value of the objective in a trial's log so far."""
        found = training.emitted_metrics(trial.job.request, trial.job.log.streams[0].file)
        return [value for name, value in found if name == self.objective["MetricName"]]

    def _goodness(self, value: float) -> float:
        return value if self.objective["Type"] == "Maximize" else -value


def is_behind(own: Sequence[float], others: Sequence[Sequence[float]], goodness: Callable[[float], float]) -> bool:
    """True if a training job's newest value is worse than the median of the others' averages up to the same epoch.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
    """
    epoch = len(own)
    averages = [goodness(fmean(each[:epoch])) for each in others if len(each) >= epoch > 0]
    return bool(averages) and goodness(own[-1]) < median(averages)
