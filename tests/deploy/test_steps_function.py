"""The Lambda function of the Python tasks: what its archive holds, and what it refuses to call."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from complaints.settings.parameters import UnknownParameterError
from deploy.code_archives import ROOT, active_environment, functions_archive, with_environment
from stepfunctions.handlers.steps import CALLBACKS, TASKS, ForeignFunctionError, function_named, run_step

BUCKET = load_settings().pipeline.storage.bucket
TRAINING = {"Training": {"TrainingJobName": "job", "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/m"}}}
SCRIPT = """
import json, sys, boto3, moto
from stepfunctions.handlers.steps import run_step
with moto.mock_aws():
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=sys.argv[1])
    s3.put_object(Bucket=sys.argv[1], Key="m", Body=b"model")
    print(json.dumps(run_step(json.load(sys.stdin), None)))
assert "airflow" not in sys.modules
"""


def test_an_input_with_a_name_that_the_flow_does_not_know_is_refused_before_anything_is_done() -> None:
    event = {
        "function": "complaints.tasks.training.plan_training",
        "arguments": {"source": "history/"},
        "parameters": {"given": {"sorce": "history/a.csv"}, "known": ["source", "accept_fewer_rows"]},
    }
    with pytest.raises(UnknownParameterError, match=r"^unknown parameter 'sorce': .* did you mean 'source'\?$"):
        run_step(event, None)


def test_the_archive_runs_a_task_by_itself_without_airflow(tmp_path: Path) -> None:
    code = with_environment(functions_archive(), active_environment())
    zipfile.ZipFile(io.BytesIO(code)).extractall(tmp_path)
    event = {"function": "complaints.tasks.training.trained_model", "arguments": {"training": TRAINING}}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, BUCKET],
        input=json.dumps(event),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(b"model").hexdigest()
    expected = {"training_job_name": "job", "model_uri": f"s3://{BUCKET}/m", "sha256": digest}
    # Behind the call's line for CloudWatch.
    assert json.loads(done.stdout.splitlines()[-1]) == expected


# The page that a monitoring writes, with its style.
PAGE = """
from complaints.pages import window
figures = {"run_id": "0123456789abcdef", "n": 400, "model_version": "v3", "violations": [], "signals": None}
decided = {"action": "keep", "rule": "nothing", "reasons": ["nothing has changed"], "decided_at": "2026-11-28T12:00:00"}
print(window.render(figures, decided))
"""


def test_the_archive_draws_the_page_of_a_monitoring_by_itself(tmp_path: Path) -> None:
    code = with_environment(functions_archive(), active_environment())
    zipfile.ZipFile(io.BytesIO(code)).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PAGE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "<h1>Keep the model</h1>" in done.stdout
    assert "--paper:" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "complaints.aws.bucket.Bucket",
        "complaints.tasks.training.boto3",
        "complaints.tasks.training._account",
        "complaints.tasks.training.environment_bucket",
        "complaints.tasks.training.Bucket",
        "complaints.tasks.training.log",
        "complaints.tasks.nowhere.trained_model",
        "complaints.tasks._private.trained_model",
        "complaints.tasks.training.deeper.trained_model",
        "complaints.tasks.training",
        "system",
    ],
)
def test_nothing_but_the_tasks_of_the_flows_can_be_called(name: str) -> None:
    with pytest.raises(ForeignFunctionError, match=r"task"):
        run_step({"function": name, "arguments": {}}, None)


@pytest.mark.parametrize("path", sorted((ROOT / "stepfunctions").glob("*.asl.json")), ids=lambda path: path.name)
def test_every_function_that_a_machine_names_is_one_that_the_lambda_calls(path: Path) -> None:
    payloads = [state["Parameters"]["Payload"] for state in _tasks(path) if "lambda" in state["Resource"]]
    tasks, callbacks = ({each[kind] for each in payloads if kind in each} for kind in ("function", "callback"))
    assert tasks
    assert all(callable(function_named(name, TASKS)) for name in tasks)
    assert callbacks == {"complaints.notifications.alerts.on_failure", "complaints.notifications.alerts.on_run_timeout"}
    assert all(callable(function_named(name, CALLBACKS)) for name in callbacks)


def _tasks(path: Path) -> list[dict[str, Any]]:
    states = json.loads(path.read_text())["States"].values()
    return [state for state in states if state["Type"] == "Task"]
