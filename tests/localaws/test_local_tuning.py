"""Hyperparameter tuning jobs, which run their training jobs."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.account import SAGEMAKER_UNDERWAY, Account, wait

TRAIN = """
import argparse, os, sys, time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--c")
options, _ = parser.parse_known_args()
Path(os.environ["SM_MODEL_DIR"], "model").write_text(options.c)
print("score=0.5", flush=True)
{}
print("score=" + options.c, flush=True)
"""


def tuning(account: Account, name: str, *values: str, train: str = "", **config: Any) -> dict[str, Any]:
    """A grid of the values of one hyperparameter; the score is the value itself."""
    code = account.put_code(train=TRAIN.replace("{}", train))
    algorithm = {
        "TrainingImage": "image",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}],
    }
    request = account.training("", code, AlgorithmSpecification=algorithm)
    del request["TrainingJobName"]
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "c", "Values": list(values)}]},
            **config,
        },
        "TrainingJobDefinition": {"StaticHyperParameters": request.pop("HyperParameters"), **request},
    }


def ended(account: Account, name: str) -> dict[str, Any]:
    describe = account.sagemaker.describe_hyper_parameter_tuning_job
    asked = {"HyperParameterTuningJobName": name}
    return wait(lambda: describe(**asked), "HyperParameterTuningJobStatus", SAGEMAKER_UNDERWAY)


def tuned(account: Account, name: str, *values: str, **more: Any) -> dict[str, Any]:
    account.sagemaker.create_hyper_parameter_tuning_job(**tuning(account, name, *values, **more))
    return ended(account, name)


def trials(account: Account, name: str, **more: Any) -> list[dict[str, Any]]:
    listed = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
    found: list[dict[str, Any]] = listed(HyperParameterTuningJobName=name, **more)["TrainingJobSummaries"]
    return found


TUNE = "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
FAILS = "if options.c == '9': sys.exit('c=9 is no good')"


def test_the_best_training_job_is_found_although_one_fails(account: Account) -> None:
    job = tuned(account, "tune", "0.25", "9", "0.75", train=FAILS)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 2,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 1,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    best = job["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"c": "0.75"}
    metric = {"Type": "Maximize", "MetricName": "score", "Value": 0.75}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == metric
    assert best["TrainingJobName"].startswith("tune-003-")
    assert "FailureReason" not in job


def test_each_trial_is_a_training_job_that_can_be_described_and_has_its_model_and_log(account: Account) -> None:
    tags = [{"Key": "team", "Value": "ml"}]
    request = tuning(account, "described", "1", "2")
    arn = account.sagemaker.create_hyper_parameter_tuning_job(**request, Tags=tags)["HyperParameterTuningJobArn"]
    assert arn.endswith(":hyper-parameter-tuning-job/described")
    ended(account, "described")
    first, second = trials(account, "described")
    assert [each["TuningJobName"] for each in (first, second)] == ["described", "described"]
    name = second["TrainingJobName"]
    number, _, digest = name.removeprefix("described-").partition("-")
    assert (number, len(digest)) == ("002", 8)
    job = account.sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TuningJobArn"] == arn
    assert job["HyperParameters"]["c"] == "2"
    # SageMaker adds it, and passes it to the script.
    assert job["HyperParameters"]["_tuning_objective_metric"] == "score"
    assert account.sagemaker.list_tags(ResourceArn=second["TrainingJobArn"])["Tags"] == tags
    assert account.keys(f"models/{name}/") == [f"models/{name}/output/model.tar.gz"]
    assert "score=2" in account.log("/aws/sagemaker/TrainingJobs", f"{name}/")
    assert job["FinalMetricDataList"][0]["Value"] == 2


def test_a_loss_is_minimized(account: Account) -> None:
    objective = {"Type": "Minimize", "MetricName": "score"}
    job = tuned(account, "loss", "2", "0.5", "1", HyperParameterTuningJobObjective=objective)
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"c": "0.5"}


def test_at_most_so_many_trials_run_at_a_time(account: Account) -> None:
    limits = {"MaxParallelTrainingJobs": 1}
    tuned(account, "serial", "1", "2", "3", ResourceLimits=limits, train="time.sleep(0.2)")
    found = trials(account, "serial")
    ends = [each["TrainingEndTime"] for each in found]
    assert all(end <= each["CreationTime"] for end, each in zip(ends, found[1:], strict=False))
    tuned(account, "parallel", "1", "2", train="time.sleep(2)")
    one, two = trials(account, "parallel")
    assert two["CreationTime"] < one["TrainingEndTime"]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_search_runs_as_many_trials_as_asked_and_repeats_itself_with_its_seed(
    account: Account, strategy: str
) -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "c", "MinValue": "0.1", "MaxValue": "0.9"}]}
    limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1}
    config = {"Strategy": strategy, "ParameterRanges": ranges, "ResourceLimits": limits, "RandomSeed": 5}
    jobs = [tuned(account, f"{strategy}-{number}", **config) for number in range(2)]
    found = [[each["TunedHyperParameters"] for each in trials(account, f"{strategy}-{number}")] for number in range(2)]
    assert found[0] == found[1]
    values = [float(each["c"]) for each in found[0]]
    assert len({*values}) == 3
    assert jobs[0]["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(values)


def test_a_tuning_job_none_of_whose_trials_succeeds_fails_and_gives_up_after_five(account: Account) -> None:
    limits = {"MaxParallelTrainingJobs": 1}
    job = tuned(account, "hopeless", *"123456789", train="sys.exit(3)", ResourceLimits=limits)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "No training job succeeded after 5 attempts. "
        "Please take a look at the training job failures to get more details."
    )
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 5}
    assert "BestTrainingJob" not in job


@pytest.mark.parametrize("train", ["", "print('objective=none')"], ids=["silent", "wordy"])
def test_a_tuning_job_without_any_objective_fails(account: Account, train: str, request: pytest.FixtureRequest) -> None:
    name = f"mute-{request.node.callspec.id}"
    asked = tuning(account, name, "1", "2", train=train)
    definition = asked["TrainingJobDefinition"]
    definition["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = "objective=(.*)"
    account.sagemaker.create_hyper_parameter_tuning_job(**asked)
    job = ended(account, name)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No objective metrics found after running 2 training jobs.")
    assert job["TrainingJobStatusCounters"]["Completed"] == 2


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_an_objective_that_is_no_number_is_none(account: Account, value: str) -> None:
    """CloudWatch takes no NaN and no infinity, so SageMaker never sees one."""
    request = tuning(account, f"odd-{value.replace('-', 'minus-')}", value, "0.25")
    request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = "score=([^0].*|0.25)"
    account.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = ended(account, request["HyperParameterTuningJobName"])
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 1}
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"c": "0.25"}


def test_a_stopped_tuning_job_stops_its_trials_and_keeps_what_it_has(account: Account) -> None:
    waits = "if options.c != '1': time.sleep(60)"
    account.sagemaker.create_hyper_parameter_tuning_job(**tuning(account, "stopped", "1", "2", "3", train=waits))
    describe = account.sagemaker.describe_hyper_parameter_tuning_job
    asked = {"HyperParameterTuningJobName": "stopped"}

    def progress() -> dict[str, Any]:
        counters = describe(**asked)["TrainingJobStatusCounters"]
        return {"at": "wait" if counters["Completed"] < 1 or counters["InProgress"] < 2 else "go"}

    wait(progress, "at", {"wait"})
    assert describe(**asked)["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 2, "Failed": 0}
    account.sagemaker.stop_hyper_parameter_tuning_job(**asked)
    job = ended(account, "stopped")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"c": "1"}
    with pytest.raises(ClientError, match="in status Stopped"):
        account.sagemaker.stop_hyper_parameter_tuning_job(**asked)


def test_a_trial_that_falls_behind_is_stopped_early(account: Account) -> None:
    train = """
for _ in range(300):
    print("score=" + options.c, flush=True)
    if options.c == "0.9":
        break
    time.sleep(0.2)
"""
    limits = {"MaxParallelTrainingJobs": 1}
    more = {"ResourceLimits": limits, "TrainingJobEarlyStoppingType": "Auto"}
    job = tuned(account, "early", "0.9", "0.1", train=train, **more)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"c": "0.9"}


def test_trials_are_listed_by_their_objective_without_those_that_have_none(account: Account) -> None:
    tuned(account, "sorted", "0.2", "9", "0.8", "0.4", train=FAILS)
    by = {"SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending"}
    found = trials(account, "sorted", **by)
    assert [each["TunedHyperParameters"]["c"] for each in found] == ["0.8", "0.4", "0.2"]
    assert [each["FailureReason"] for each in trials(account, "sorted", StatusEquals="Failed")] == [
        "AlgorithmError: c=9 is no good, exit code: 1"
    ]
    pages = account.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName="sorted", PaginationConfig={"PageSize": 3}
    )
    assert [len(page["TrainingJobSummaries"]) for page in pages] == [3, 1]


def test_tuning_jobs_are_listed_with_their_counters(account: Account) -> None:
    tuned(account, "counted", "1", "2")
    listed = account.sagemaker.list_hyper_parameter_tuning_jobs(NameContains="counted", StatusEquals="Completed")
    (found,) = listed["HyperParameterTuningJobSummaries"]
    assert (found["Strategy"], found["ResourceLimits"]) == ("Grid", {"MaxParallelTrainingJobs": 2})
    assert found["ObjectiveStatusCounters"]["Succeeded"] == 2


def test_a_state_waits_for_its_tuning_job_and_has_the_best_training_job_although_one_failed(account: Account) -> None:
    request = tuning(account, "state", "0.25", "9", "0.75", train=FAILS)
    chosen = {"best.$": "$.BestTrainingJob.TunedHyperParameters", "counters.$": "$.ObjectiveStatusCounters"}
    state = {"Type": "Task", "Resource": TUNE, "Parameters": request, "ResultSelector": chosen, "End": True}
    execution = account.execute(account.machine("tune", tune=state))
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    counters = {"Succeeded": 2, "Pending": 0, "Failed": 1}
    assert json.loads(execution["output"]) == {"best": {"c": "0.75"}, "counters": counters}
    arn = ended(account, "state")["HyperParameterTuningJobArn"]
    tag = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [tag]


def test_a_state_whose_tuning_job_finds_nothing_fails_with_the_reason(account: Account) -> None:
    request = tuning(account, "state-fails", "1", "2", train="sys.exit(3)")
    state = {"Type": "Task", "Resource": TUNE, "Parameters": request, "End": True}
    execution = account.execute(account.machine("tune", tune=state))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(execution["cause"])["FailureReason"].startswith("No training job succeeded after 2 attempts.")


def test_a_state_that_takes_too_long_stops_its_tuning_job_and_the_training_jobs(account: Account) -> None:
    request = tuning(account, "state-stops", "1", "2", train="time.sleep(60)")
    state = {"Type": "Task", "Resource": TUNE, "Parameters": request, "TimeoutSeconds": 3, "End": True}
    execution = account.execute(account.machine("tune", tune=state))
    assert execution["error"] == "States.Timeout"
    job = ended(account, "state-stops")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2


def test_a_tuning_job_name_is_used_once(account: Account) -> None:
    tuned(account, "unique", "1", "2")
    with pytest.raises(account.sagemaker.exceptions.ResourceInUse, match="already exists"):
        account.sagemaker.create_hyper_parameter_tuning_job(**tuning(account, "unique", "1", "2"))


def ranges(kind: str, **values: Any) -> dict[str, Any]:
    return {"ParameterRanges": {f"{kind}ParameterRanges": [{"Name": "c", **values}]}, "Strategy": "Random"}


LIMITS = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
ONE = {"MinValue": "0", "MaxValue": "1"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Strategy": "Hyperband"}, "does not support Strategy Hyperband"),
        ({"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "f1"}}, "A metric is required for"),
        ({"ParameterRanges": {}}, "has no range"),
        ({"ResourceLimits": {"MaxParallelTrainingJobs": 3}}, "must not exceed MaxNumberOfTrainingJobs, 2"),
        ({"ResourceLimits": LIMITS | {"MaxNumberOfTrainingJobs": 3}}, "a grid of 2 combinations must be 2"),
        ({"ResourceLimits": LIMITS | {"MaxRuntimeInSeconds": 600}}, "does not support ResourceLimits.MaxRuntime"),
        (ranges("Continuous", **ONE), "MaxNumberOfTrainingJobs is required for the strategy Random"),
        (ranges("Continuous", **ONE, ScalingType="Logarithmic") | {"ResourceLimits": LIMITS}, "greater than 0"),
        (ranges("Integer", **ONE, ScalingType="ReverseLogarithmic") | {"ResourceLimits": LIMITS}, "from 0 to below 1"),
        (ranges("Integer", MinValue="1.5", MaxValue="2") | {"ResourceLimits": LIMITS}, "is not of numbers"),
        (ranges("Continuous", MinValue="2", MaxValue="1") | {"ResourceLimits": LIMITS}, "greater than its MaxValue"),
        (
            ranges("Continuous", **ONE) | {"ResourceLimits": LIMITS, "Strategy": "Grid"},
            "CategoricalParameterRanges only",
        ),
    ],
)
def test_a_tuning_job_that_sagemaker_or_local_aws_cannot_run_is_refused(
    account: Account, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        account.sagemaker.create_hyper_parameter_tuning_job(**tuning(account, "refused", "1", "2", **config))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_hyperparameter_is_either_tuned_or_static(account: Account) -> None:
    request = tuning(account, "both", "1", "2")
    request["TrainingJobDefinition"]["StaticHyperParameters"]["c"] = "3"
    with pytest.raises(ClientError, match="c have more than one range, or a static value"):
        account.sagemaker.create_hyper_parameter_tuning_job(**request)


def test_names_of_more_than_32_characters_are_refused(account: Account) -> None:
    with pytest.raises(ClientError, match="length less than or equal to 32"):
        account.sagemaker.create_hyper_parameter_tuning_job(**tuning(account, "t" * 33, "1"))
