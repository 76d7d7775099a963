"""Costs by hand: each usage has the price that a person computes from the settings' prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from complaints.models.memory import TrainingTooLargeError, check_memory
from complaints.runs import costs
from complaints.settings import load_settings

SETTINGS = load_settings().pipeline
PRICES = SETTINGS.prices
START = datetime(2026, 11, 28, tzinfo=UTC)


def glue_run(**more: Any) -> dict[str, Any]:
    return {"JobRunState": "SUCCEEDED", "ExecutionTime": 90, "WorkerType": "G.2X", "NumberOfWorkers": 3, **more}


def transform(minutes: int, instance_type: str = "ml.m5.xlarge", count: int = 2) -> dict[str, Any]:
    return {
        "TransformJobName": "t",
        "TransformJobStatus": "Completed",
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": count},
        "TransformStartTime": START,
        "TransformEndTime": START + timedelta(minutes=minutes),
    }


def test_glue_bills_every_dpu_of_every_worker_by_the_second_and_a_minute_at_least() -> None:
    assert costs.of_jobs([glue_run()]).dpu_seconds == 90 * 2 * 3
    assert costs.of_jobs([glue_run(ExecutionTime=5)]).dpu_seconds == 60 * 2 * 3
    assert costs.of_jobs([glue_run(DPUSeconds=17.5), glue_run()]).dpu_seconds == 17.5 + 90 * 2 * 3


def test_every_attempt_and_every_instance_is_billed() -> None:
    used = costs.of_jobs([transform(6), transform(4), transform(1, "ml.c5.large", 1)])
    assert used.instance_seconds == {"ml.m5.xlarge": 2 * 600.0, "ml.c5.large": 60.0}


def test_a_job_that_never_started_costs_nothing() -> None:
    never = transform(1) | {"TransformStartTime": None, "TransformEndTime": None}
    assert costs.cost_of(costs.of_jobs([never]), PRICES)["usd"] == 0


def test_a_cost_is_the_sum_of_seconds_transitions_and_requests_at_their_prices() -> None:
    usage = costs.Usage(7200, {"ml.m5.xlarge": 1800}, transitions=2000, writes=3000, reads=10_000)
    cost = costs.cost_of(usage, PRICES)
    assert cost["parts"] == {"glue": 0.88, "sagemaker": 0.115, "step_functions": 0.05, "s3_requests": 0.019}
    assert cost["usd"] == pytest.approx(0.88 + 0.115 + 0.05 + 0.019)
    assert cost["prices"] == {"as_of": PRICES.as_of.isoformat(), "region": PRICES.region}


def test_an_instance_without_a_price_is_named_and_not_taken_for_free() -> None:
    cost = costs.cost_of(costs.Usage(instance_seconds={"ml.x9.large": 60}), PRICES)
    assert cost["without_price"] == ["ml.x9.large"]
    assert "without ml.x9.large: no price known" in costs.sentence(cost)


def test_twice_the_executors_take_half_the_time_for_the_complaints_and_the_same_for_the_start() -> None:
    def seconds(workers: int, complaints: int) -> float:
        glue = SETTINGS.glue.model_copy(update={"number_of_workers": workers})
        usage = costs.of_classification(complaints, SETTINGS.model_copy(update={"glue": glue}))
        return usage.dpu_seconds / workers / costs.DPU_A_WORKER[glue.worker_type]

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
    assert alone.dpu_seconds == pytest.approx(2 * (75 + 6))


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
