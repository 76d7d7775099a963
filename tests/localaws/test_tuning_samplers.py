"""The hyperparameters that a tuning job tries, and when it stops a training job early."""

from statistics import median
from typing import Any

import pytest

from localaws.sagemaker.sampling import Grid, Sampler, sampler_of
from localaws.sagemaker.tuning import is_behind

C = {"Name": "C", "MinValue": "0.01", "MaxValue": "10"}
NGRAMS = {"Name": "ngram_max", "MinValue": "1", "MaxValue": "3"}
LOSS = {"Name": "loss", "Values": ["hinge", "squared"]}
RANGES = {"ContinuousParameterRanges": [C], "IntegerParameterRanges": [NGRAMS], "CategoricalParameterRanges": [LOSS]}


def config(strategy: str, ranges: dict[str, Any], direction: str = "Maximize", jobs: int = 30) -> dict[str, Any]:
    return {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": direction, "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": ranges,
    }


def asked(sampler: Sampler, count: int) -> list[dict[str, str]]:
    """The hyperparameters of so many trials, of which none has an objective."""
    found = []
    for _ in range(count):
        if sample := sampler.ask():
            sampler.tell(sample, None)
            found.append(sample.parameters)
    return found


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_each_proposal_is_text_within_the_ranges(strategy: str) -> None:
    for parameters in asked(sampler_of(config(strategy, RANGES), 1), 30):
        assert 0.01 <= float(parameters["C"]) <= 10
        assert parameters["ngram_max"] in ("1", "2", "3")
        assert parameters["loss"] in LOSS["Values"]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_seed_gives_the_same_proposals_again_and_another_seed_gives_others(strategy: str) -> None:
    one, again, other = (asked(sampler_of(config(strategy, RANGES), seed), 5) for seed in (1, 1, 2))
    assert one == again != other
    of_request = {**config(strategy, RANGES), "RandomSeed": 2}
    assert asked(sampler_of(of_request, 1), 5) == other


def test_a_grid_has_each_combination_once_and_then_no_more() -> None:
    grid = Grid({"CategoricalParameterRanges": [LOSS, {"Name": "C", "Values": ["1", "2", "3"]}]})
    found = asked(grid, 10)
    assert len(found) == len({tuple(each.items()) for each in found}) == 6
    assert found[0] == {"loss": "hinge", "C": "1"}
    assert grid.ask() is None


def shares(scaling: str | None, low: str, high: str, middle: float) -> float:
    """The share of random proposals below `middle`."""
    each = {"Name": "C", "MinValue": low, "MaxValue": high} | ({"ScalingType": scaling} if scaling else {})
    found = asked(sampler_of(config("Random", {"ContinuousParameterRanges": [each]}), 7), 200)
    return sum(float(parameters["C"]) < middle for parameters in found) / 200


@pytest.mark.parametrize(
    ("scaling", "low", "high", "middle"),
    [
        ("Linear", "0.01", "10", 5.0),
        ("Logarithmic", "0.01", "10", 0.3162),
        ("ReverseLogarithmic", "0", "0.9999", 0.99),
        ("Auto", "0.01", "10", 0.3162),
        (None, "0.5", "1", 0.75),
        ("Auto", "-1", "1", 0.0),
    ],
)
def test_half_of_the_proposals_are_below_the_middle_of_the_scale(
    scaling: str | None, low: str, high: str, middle: float
) -> None:
    assert 0.4 < shares(scaling, low, high, middle) < 0.6


@pytest.mark.parametrize(("direction", "sign"), [("Maximize", 1), ("Minimize", -1)])
def test_bayesian_search_comes_nearer_to_the_best_value_than_random_search(direction: str, sign: int) -> None:
    def distance(strategy: str, seed: int) -> float:
        sampler = sampler_of(config(strategy, {"ContinuousParameterRanges": [C]}, direction), seed)
        tried = []
        for _ in range(30):
            sample = sampler.ask()
            assert sample
            tried.append(abs(float(sample.parameters["C"]) - 0.2))
            sampler.tell(sample, -sign * tried[-1])
        return median(tried[10:])

    bayesian, random = (sum(distance(strategy, seed) for seed in range(5)) for strategy in ("Bayesian", "Random"))
    assert bayesian < random


@pytest.mark.parametrize(
    ("own", "is_worse"),
    [([], False), ([0.2], True), ([0.35], False), ([0.1, 0.5], False), ([0.9, 0.44], True), ([0.1, 0.1, 0.1], True)],
)
def test_a_trial_is_behind_if_its_newest_value_is_worse_than_the_median_of_the_others_averages(
    own: list[float], is_worse: bool
) -> None:
    # Averages: 0.2, 0.3, 0.4 after one epoch, and 0.3, 0.45, 0.6 after two; only the last has a third.
    others = [[0.2, 0.4], [0.3, 0.6], [0.4, 0.8, 0.9]]
    assert is_behind(own, others, lambda value: value) is is_worse
    assert not is_behind(own, [], lambda value: value)


def test_a_loss_is_behind_if_it_is_greater() -> None:
    assert is_behind([0.5], [[0.2], [0.3], [0.4]], lambda value: -value)
    assert not is_behind([0.1], [[0.2], [0.3], [0.4]], lambda value: -value)
