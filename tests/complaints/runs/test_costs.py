"""Costs by hand: each usage has the price that a person computes from the settings' prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from complaints.models.memory import TrainingTooLargeError, check_memory
from complaints.runs import costs
from complaints.settings import Prices, load_settings

SETTINGS = load_settings().pipeline
PRICES = SETTINGS.prices
START = datetime(2026, 11, 28, tzinfo=UTC)


def glue_run(**more: Any) -> dict[str, Any]:
    return {
        "JobRunState": "SUCCEEDED",
        "ExecutionTime": 90,
        "WorkerType": "G.2X",
        "NumberOfWorkers": 3,
        "GlueVersion": "5.1",
        **more,
    }


def transform(minutes: int, instance_type: str = "ml.m5.xlarge", count: int = 2) -> dict[str, Any]:
    return {
        "TransformJobName": "t",
        "TransformJobStatus": "Completed",
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": count},
        "TransformStartTime": START,
        "TransformEndTime": START + timedelta(minutes=minutes),
    }


def test_glue_bills_every_dpu_of_every_worker_by_the_second_and_a_minute_at_least() -> None:
    assert costs.of_jobs([glue_run()]).dpu_seconds == {"5.1": 90 * 2 * 3}
    assert costs.of_jobs([glue_run(ExecutionTime=5)]).dpu_seconds == {"5.1": 60 * 2 * 3}
    assert costs.of_jobs([glue_run(DPUSeconds=17.5), glue_run()]).dpu_seconds == {"5.1": 17.5 + 90 * 2 * 3}


def test_every_attempt_and_every_instance_is_billed() -> None:
    used = costs.of_jobs([transform(6), transform(4), transform(1, "ml.c5.large", 1)])
    assert used.instance_seconds == {"ml.m5.xlarge": 2 * 600.0, "ml.c5.large": 60.0}


def test_a_job_that_never_started_costs_nothing() -> None:
    never = transform(1) | {"TransformStartTime": None, "TransformEndTime": None}
    assert costs.cost_of(costs.of_jobs([never]), PRICES)["usd"] == 0


def test_a_cost_is_the_sum_of_seconds_transitions_and_requests_at_their_prices() -> None:
    usage = costs.Usage({"5.1": 7200}, {"ml.m5.xlarge": 1800}, transitions=2000, writes=3000, reads=10_000)
    cost = costs.cost_of(usage, PRICES)
    assert cost["parts"] == {"glue": 0.88, "sagemaker": 0.115, "step_functions": 0.05, "s3_requests": 0.019}
    assert cost["usd"] == pytest.approx(0.88 + 0.115 + 0.05 + 0.019)
    assert cost["prices"] == {"as_of": PRICES.as_of.isoformat(), "region": PRICES.region}


@pytest.mark.parametrize(
    ("usage", "missing", "part"),
    [
        (costs.Usage({"5.1": 60}, {"ml.x9.large": 60, "ml.m5.large": 60}), "instance_hour.ml.x9.large", "sagemaker"),
        (costs.Usage({"9.0": 60}, {"ml.m5.large": 60}), "glue_dpu_hour.9.0", "glue"),
    ],
)
def test_a_cost_of_what_has_no_price_is_not_known_and_says_which_price_to_add(
    usage: costs.Usage, missing: str, part: str
) -> None:
    cost = costs.cost_of(usage, PRICES)
    assert cost["usd"] is None
    assert [name for name, usd in cost["parts"].items() if usd is None] == [part]
    assert cost["without_price"] == [missing]
    assert costs.sentence(cost).startswith(f"not known: pipeline_config.yaml has no price for prices.{missing}; add it")


def test_a_run_of_each_glue_version_has_the_price_of_its_own() -> None:
    hour = {"ExecutionTime": 3600, "WorkerType": "G.1X", "NumberOfWorkers": 1}
    used = costs.of_jobs([glue_run(**hour), glue_run(**hour, GlueVersion="6.0")])
    assert costs.cost_of(used, PRICES)["parts"]["glue"] == pytest.approx(0.44 + 0.308)


def test_one_price_for_a_dpu_hour_counts_for_every_glue_version() -> None:
    prices = Prices.model_validate(PRICES.model_dump() | {"glue_dpu_hour": 1})
    cost = costs.cost_of(costs.Usage({"5.1": 3600, "9.0": 3600}), prices)
    assert (cost["parts"]["glue"], cost["without_price"]) == (2, [])


def test_whatever_glue_version_is_configured_has_a_price() -> None:
    assert {*get_args(type(SETTINGS.glue).model_fields["version"].annotation)} <= PRICES.glue_dpu_hour.keys()


def test_twice_the_executors_take_half_the_time_for_the_complaints_and_the_same_for_the_start() -> None:
    def seconds(workers: int, complaints: int) -> float:
        glue = SETTINGS.glue.model_copy(update={"number_of_workers": workers})
        usage = costs.of_classification(complaints, SETTINGS.model_copy(update={"glue": glue}))
        return sum(usage.dpu_seconds.values()) / workers / costs.DPU_A_WORKER[glue.worker_type]

    start = seconds(2, 0)
    assert seconds(3, 0) == start > 0
    assert seconds(3, 10**6) - start == pytest.approx((seconds(2, 10**6) - start) / 2)


def test_packed_files_hold_more_complaints_than_their_bytes_say() -> None:
    assert costs.complaints_in([("raw/a.csv", 600_000)]) == 1_000
    assert costs.complaints_in([("raw/a.CSV.GZ", 600_000), ("raw/b.zip", 600_000)]) == 10_000


def test_a_training_has_a_history_to_prepare_its_fits_and_one_evaluation() -> None:
    alone, twice = (costs.of_training(100_000, SETTINGS, fits=fits) for fits in (1, 2))
    fit = 240 + 90
    assert twice.instance_seconds["ml.m5.xlarge"] - alone.instance_seconds["ml.m5.xlarge"] == pytest.approx(fit)
    assert alone.instance_seconds["ml.m5.xlarge"] == pytest.approx(fit + 240 + 10)
    assert alone.dpu_seconds == {"5.1": pytest.approx(2 * (75 + 6))}


def test_the_jobs_of_a_tuning_are_on_their_own_machines() -> None:
    machines = SETTINGS.sagemaker
    tuning = machines.tuning.model_copy(update={"instance_type": "ml.c5.xlarge"})
    other = SETTINGS.model_copy(update={"sagemaker": machines.model_copy(update={"tuning": tuning})})
    assert costs.of_training(0, other, tuned=12).instance_seconds["ml.c5.xlarge"] == 12 * 240
    assert "ml.c5.xlarge" not in costs.of_training(0, other).instance_seconds


@pytest.mark.parametrize("narratives", [500_000, 1_000_000, 3_000_000, 8_000_000, 20_000_000, 50_000_000])
def test_every_instance_that_a_training_which_is_too_large_is_told_to_use_has_a_price(narratives: int) -> None:
    with pytest.raises(TrainingTooLargeError) as refused:
        check_memory(narratives, {"sagemaker.training.instance_type": "ml.c5.large"})
    named = re.search(r"to (ml\.r5\.\w+)", str(refused.value))
    assert named
    assert named[1] in PRICES.instance_hour
