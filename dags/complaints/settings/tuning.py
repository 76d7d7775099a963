"""The section `tuning` of `model_config.yaml`: the hyperparameters that a run with the parameter `tune` looks for."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

Tunable = Literal["ngram_max", "min_df", "max_df", "max_features", "C", "balance"]
Number = int | float


class Range(BaseModel, extra="forbid", frozen=True):
    """Every value from `min` to `max`, on a scale in SageMaker's words."""

    min: Number
    max: Number
    scaling: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min}, more than max, {self.max}: swap them")
        if self.scaling == "Logarithmic" and self.min <= 0:
            raise ValueError(f"min is {self.min}; scaling Logarithmic needs more than 0")
        return self


Values = Annotated[tuple[Number, ...], Field(min_length=1, max_length=30)]


class Tuning(BaseModel, extra="forbid", frozen=True):
    """A SageMaker hyperparameter tuning job."""

    strategy: Literal["Bayesian", "Random", "Grid"]
    max_jobs: Annotated[int, Field(ge=1, le=750)]
    parallel_jobs: Annotated[int, Field(ge=1, le=100)]
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    ranges: Annotated[dict[Tunable, Range | Values], Field(min_length=1, max_length=30)]

    @model_validator(mode="after")
    def _jobs_fit_the_strategy(self) -> Self:
        if self.parallel_jobs > self.max_jobs:
            raise ValueError(f"parallel_jobs is {self.parallel_jobs}; it may be at most max_jobs, {self.max_jobs}")
        if self.strategy == "Grid":
            continuous = sorted(name for name, each in self.ranges.items() if isinstance(each, Range))
            if continuous:
                raise ValueError(f"strategy Grid takes lists of values: {', '.join(continuous)} have min and max")
            combinations = prod(len(each) for each in self.ranges.values() if not isinstance(each, Range))
            if combinations != self.max_jobs:
                raise ValueError(f"max_jobs is {self.max_jobs}; set it to {combinations}, the combinations of the grid")
        return self

    def bounds(self) -> dict[str, tuple[Number, ...]]:
        """The values of each hyperparameter, or the least and the greatest one."""
        return {
            name: (each.min, each.max) if isinstance(each, Range) else tuple(each) for name, each in self.ranges.items()
        }
