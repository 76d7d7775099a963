"""Both orchestrators tune alike: a training job that fails does not matter, and the model gets the best values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from complaints.runs import costs
from complaints.runs.accounting import TRAINING_FATES
from laptop.servers.stack import TRAINING
from tests.campaign.faults import Fault, injects
from tests.complaints.example_evaluations import beside, evaluation, scores
from tests.parity.conftest import Both
from tests.parity.jobs import release

PREPARE = """
import json, sys, boto3
from urllib.parse import urlsplit
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
def put(uri, name, text):
    where = urlsplit(uri)
    boto3.client("s3").put_object(Bucket=where.netloc, Key=where.path.lstrip("/") + name, Body=text.encode())
for use in ("train", "evaluate"):
    put(given["--rows"], f"use={use}/part-0.parquet", "rows")
fates = dict.fromkeys(FATES, 0) | {"train": 9}
put(given["--account"], "part-0.txt", json.dumps({"by_source": [{"source": "history/a.csv", "rows_in": 9, **fates}]}))
"""
# The nearer C is to 1, the better. The training of the model itself ends the run, or leaves a model.
TRAIN = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
for name in ("C", "ngram_max", "validation_fraction"):
    parser.add_argument("--" + name, type=float)
options, _ = parser.parse_known_args()
if options.validation_fraction is None and ENDS:
    raise ValueError("the model itself is trained")
if FAILS:
    raise ValueError("this one fails")
pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text("model")
print(f"validation:macro_f1={max(0.0, 1 - abs(1 - options.C)):.6f}")
"""
EVALUATE = """
import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
output = pathlib.Path(given["--output"])
output.mkdir(parents=True, exist_ok=True)
told = {"run_id": given["--run-id"], "model_sha256": given["--sha256"], "content_sha256": given["--sha256"]}
(output / "evaluation.json").write_text(json.dumps(json.loads(EVALUATION) | told))
"""


def deploy(both: Both, folder: Path, fails: str, *, ends: bool = True) -> None:
    """A release whose training fails where `fails` is true of its options, and ends the run with the model itself.

    Without `ends` there is a model, and its evaluation says that it is worse than any floor.
    """
    both.clean()
    evaluated = json.dumps(evaluation(overall=scores(recall=0.1), **beside()))
    files = release() | {
        "glue/prepare_history.py": PREPARE.replace("FATES", repr(tuple(TRAINING_FATES))),
        "training/train.py": TRAIN.replace("FAILS", fails).replace("ENDS", str(ends)),
        "monitoring/evaluate.py": EVALUATE.replace("EVALUATION", repr(evaluated)),
    }
    both.deploy(files, folder)
    both.bucket.client.put_object(Bucket=both.bucket.name, Key="history/a.csv", Body=folder.name.encode())


def newest(both: Both) -> dict[str, Any]:
    """The newest tuning job, as SageMaker describes it."""
    sagemaker = both.aws.client("sagemaker")
    found = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    name = found[0]["HyperParameterTuningJobName"]
    described: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return described


def trained(both: Both) -> dict[str, str]:
    """The hyperparameters of the newest training job."""
    sagemaker = both.aws.client("sagemaker")
    name = sagemaker.list_training_jobs()["TrainingJobSummaries"][0]["TrainingJobName"]
    found: dict[str, str] = sagemaker.describe_training_job(TrainingJobName=name)["HyperParameters"]
    return found


@pytest.mark.parametrize("name", ["airflow", "stepfunctions"])
def test_the_model_is_trained_with_the_best_values_although_training_jobs_failed(
    both: Both, name: str, tmp_path: Path
) -> None:
    deploy(both, tmp_path, fails="options.C > 1")
    assert both.run(name, {"tune": True}, TRAINING) == "failed"
    job = newest(both)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counters = job["TrainingJobStatusCounters"]
    assert counters["Completed"] + counters["NonRetryableError"] == 12
    assert counters["NonRetryableError"] > 0
    best, used = job["BestTrainingJob"]["TunedHyperParameters"], trained(both)
    assert {each: used[each] for each in best} == best
    assert float(best["C"]) <= 1
    assert json.loads(used["seed"]) == 13
    (told,) = both.told()
    assert "the model itself is trained" in told


@pytest.mark.parametrize("name", ["airflow", "stepfunctions"])
def test_the_recorded_cost_of_a_training_has_the_training_jobs_of_its_tuning(
    both: Both, name: str, tmp_path: Path
) -> None:
    deploy(both, tmp_path, fails="options.C > 1", ends=False)
    assert both.run(name, {"tune": True}, TRAINING) == "success"
    tuning = newest(both)["HyperParameterTuningJobName"]
    run_id = tuning.removeprefix("complaints-").removesuffix("-0")
    found = both.bucket.read_json(costs.record_key(run_id))["recorded"]
    sagemaker = both.aws.client("sagemaker")
    listed = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
    trials = listed(HyperParameterTuningJobName=tuning, MaxResults=100)["TrainingJobSummaries"]
    trained = sagemaker.describe_training_job(TrainingJobName=f"complaints-train-{run_id}-0")
    evaluated = sagemaker.describe_processing_job(ProcessingJobName=f"complaints-evaluate-{run_id}-0")
    jobs = [(each["TrainingStartTime"], each["TrainingEndTime"]) for each in (*trials, trained)]
    jobs.append((evaluated["ProcessingStartTime"], evaluated["ProcessingEndTime"]))
    assert len(trials) == 12
    seconds = sum((end - start).total_seconds() for start, end in jobs)
    assert sum(found["instance_seconds"].values()) == pytest.approx(seconds, abs=len(found["instance_seconds"]))


@injects(Fault.TUNING_IN_VAIN)
@pytest.mark.parametrize("name", ["airflow", "stepfunctions"])
def test_a_tuning_job_that_finds_nothing_ends_the_run_without_a_model(both: Both, name: str, tmp_path: Path) -> None:
    deploy(both, tmp_path, fails="True")
    assert both.run(name, {"tune": True}, TRAINING) == "failed"
    job = newest(both)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "validation_fraction" in trained(both), "no other training job was started after those that were tuned"
    (told,) = both.told()
    assert "the SageMaker tuning job ended as Failed: No training job succeeded after" in told
    assert "ValueError: this one fails" in told


@pytest.mark.parametrize("name", ["airflow", "stepfunctions"])
def test_without_tune_no_tuning_job_is_started(both: Both, name: str, tmp_path: Path) -> None:
    deploy(both, tmp_path, fails="False")
    sagemaker = both.aws.client("sagemaker")
    before = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=100)["HyperParameterTuningJobSummaries"]
    assert both.run(name, {}, TRAINING) == "failed"
    after = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=100)["HyperParameterTuningJobSummaries"]
    assert len(after) == len(before)
    assert "validation_fraction" not in trained(both)
    (told,) = both.told()
    assert "the model itself is trained" in told
