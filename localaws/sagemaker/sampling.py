"""Samplers: which hyperparameters the next training job of a tuning job gets.

Random and Bayesian search are Optuna's. SageMaker's Bayesian search has a Gaussian process where Optuna's has Parzen
estimators (TPE): both propose what did well before, and neither proposes what the other would.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from localaws.server.protocol import Json

# Scaling Auto is logarithmic for a positive range that spans more than this factor. AWS does not document its own rule.
WIDE_RANGE = 100.0


@dataclass(frozen=True)
class Sample:
    """Hyperparameters as SageMaker passes them, as text; `trial` is the sampler's own."""

    parameters: dict[str, str]
    trial: Any = None


class Sampler(Protocol):
    """Proposes hyperparameters, and learns how well they did."""

    def ask(self) -> Sample | None:
        """The next hyperparameters; None if there are no others."""

    def tell(self, sample: Sample, objective: float | None) -> None:
        """The objective of a training job with these hyperparameters; None if it has none."""


def sampler_of(config: Json, seed: int) -> Sampler:
    """The sampler of a HyperParameterTuningJobConfig; `seed` counts where it has no RandomSeed."""
    ranges: Json = config["ParameterRanges"]
    if config["Strategy"] == "Grid":
        return Grid(ranges)
    limits, seed = config["ResourceLimits"], config.get("RandomSeed", seed)
    chooser: BaseSampler = RandomSampler(seed)
    if config["Strategy"] == "Bayesian":
        # Optuna's first ten are random: of a small tuning job, that would be all.
        first = min(10, max(3, limits["MaxNumberOfTrainingJobs"] // 3))
        chooser = TPESampler(seed=seed, n_startup_trials=first, constant_liar=limits["MaxParallelTrainingJobs"] > 1)
    is_maximized = config["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
    return Search(ranges, chooser, StudyDirection.MAXIMIZE if is_maximized else StudyDirection.MINIMIZE)


def seed_of(name: str) -> int:
    """A seed by a tuning job's name, so that a repeated job gets the same proposals."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


class Grid:
    """Every combination of the categorical values, once."""

    def __init__(self, ranges: Json) -> None:
        values = {each["Name"]: each["Values"] for each in ranges["CategoricalParameterRanges"]}
        self._left = (dict(zip(values, chosen, strict=True)) for chosen in product(*values.values()))

    def ask(self) -> Sample | None:
        """The next combination; the last hyperparameter changes first."""
        parameters = next(self._left, None)
        return None if parameters is None else Sample(parameters)

    def tell(self, sample: Sample, objective: float | None) -> None:
        """A grid learns nothing."""


class Search:
    """Optuna's search, in memory."""

    def __init__(self, ranges: Json, chooser: BaseSampler, direction: StudyDirection) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction=direction, sampler=chooser)
        self._dimensions = {dimension.name: dimension for dimension in dimensions(ranges)}

    def ask(self) -> Sample | None:
        """What Optuna proposes, on the hyperparameters' own scales."""
        trial = self._study.ask({name: dimension.values for name, dimension in self._dimensions.items()})
        return Sample({name: self._dimensions[name].text(value) for name, value in trial.params.items()}, trial)

    def tell(self, sample: Sample, objective: float | None) -> None:
        """Optuna leaves failed trials out of account."""
        if objective is None:
            self._study.tell(sample.trial, state=TrialState.FAIL)
        else:
            self._study.tell(sample.trial, objective)


@dataclass(frozen=True)
class Dimension:
    """A hyperparameter: what Optuna chooses from, and the text of a choice."""

    name: str
    values: BaseDistribution
    text: Callable[[Any], str]


def dimensions(ranges: Json) -> Iterator[Dimension]:
    """The hyperparameters of ParameterRanges, which are valid."""
    for each in ranges.get("IntegerParameterRanges", []):
        integers = IntDistribution(int(each["MinValue"]), int(each["MaxValue"]), log=_is_logarithmic(each))
        yield Dimension(each["Name"], integers, str)
    for each in ranges.get("ContinuousParameterRanges", []):
        low, high = float(each["MinValue"]), float(each["MaxValue"])
        if each.get("ScalingType") == "ReverseLogarithmic":
            yield Dimension(each["Name"], FloatDistribution(1 - high, 1 - low, log=True), lambda x: repr(1 - x))
        else:
            yield Dimension(each["Name"], FloatDistribution(low, high, log=_is_logarithmic(each)), repr)
    for each in ranges.get("CategoricalParameterRanges", []):
        yield Dimension(each["Name"], CategoricalDistribution(each["Values"]), str)


def _is_logarithmic(each: Mapping[str, str]) -> bool:
    scaling = each.get("ScalingType", "Auto")
    low, high = float(each["MinValue"]), float(each["MaxValue"])
    return scaling == "Logarithmic" or (scaling == "Auto" and 0 < low * WIDE_RANGE < high)
