"""A task that is run again never starts a second job, and a job that ended badly is a failure with its own reason.

On each version of Amazon's operators, against jobs that really run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.dags.local_aws import BUCKET, CREDENTIALS, PYTHON, ROLE, ROOT, Account, local_aws
from tests.waiting import until

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="local AWS needs the environment 'jobs': make test makes it"),
    # Airflow's and aiobotocore's own, of whichever version this is.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*cannot be called outside of the Task Runner"),
]
SLEEPS = "time.sleep(60)"


class TaskInstance:
    """As much of a task instance as an operator asks for while it starts a job."""

    dag_id, task_id, run_id, map_index = "flow", "step", "run", -1

    def xcom_push(self, key: str, value: Any) -> None:
        """Operators leave links; nobody looks at them here."""

    def xcom_pull(self, **_: Any) -> None:
        """Nothing was left by an earlier try: a retry clears it."""


CONTEXT: Any = {"ti": TaskInstance()}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with local_aws(tmp_path_factory.mktemp("aws")) as found, pytest.MonkeyPatch.context() as environment:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": found.endpoint}.items():
            environment.setenv(name, value)
        yield found


@pytest.fixture(params=["glue", "training", "tuning"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    """A run of the flow of its own, by the test's name."""
    return f"{abs(hash(request.node.name)):x}"[:16]


def operator(kind: str, run: str, **more: Any) -> Any:
    """As each try of the task has it: new, and rendered."""
    from operators.glue import GlueJobOperator
    from operators.sagemaker import SageMakerTrainingOperator, SageMakerTuningOperator

    output, common = f"s3://{BUCKET}/{run}/", {"task_id": "step", "deferrable": False, "aws_conn_id": None}
    if kind == "glue":
        arguments = {"--plan": f"s3://{BUCKET}/{run}.json", "--output": output}
        return GlueJobOperator(
            **common,
            job_name="prepare",
            script_args=arguments,
            output_uri=output,
            waiter_delay=1,
            job_poll_interval=1,
            **more,
        )
    if kind == "tuning":
        return SageMakerTuningOperator(**common, config=tuning(run), output_uri=output, check_interval=1, **more)
    config = training(run)
    return SageMakerTrainingOperator(
        **common, config=config, output_uri=output, check_interval=1, print_log=False, **more
    )


def training(run: str) -> dict[str, Any]:
    hyperparameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code/train.tar.gz",
    }
    return {
        "TrainingJobName": f"train-{run}",
        "HyperParameters": {name: json.dumps(value) for name, value in hyperparameters.items()},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{run}/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def tuning(run: str) -> dict[str, Any]:
    """A grid of one training job."""
    definition = training(run)
    del definition["TrainingJobName"]
    # Amazon's operator looks for the data of each channel.
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/code/"}
    algorithm = {
        **definition["AlgorithmSpecification"],
        "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}],
    }
    return {
        "HyperParameterTuningJobName": f"tune-{run}",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "c", "Values": ["1"]}]},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": definition.pop("HyperParameters"),
            **definition,
            "AlgorithmSpecification": algorithm,
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        },
    }


def states(account: Account, kind: str, run: str) -> list[str]:
    """How the jobs of the run ended, in the words of Glue."""
    if kind == "glue":
        return account.glue_runs(run)
    words = {"InProgress": "RUNNING", "Completed": "SUCCEEDED", "Failed": "FAILED", "Stopped": "STOPPED"}
    found = account.tunings(run) if kind == "tuning" else account.trainings(run)
    return [words.get(each, each) for each in found.values()]


def deferred(operator: Any, method: str = "execute", *arguments: Any) -> Any:
    """The trigger that the operator defers to."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011  TaskDeferred is no Exception, and has moved
        getattr(operator, method)(*arguments, CONTEXT)
    assert type(caught.value).__name__ == "TaskDeferred", repr(caught.value)
    return caught.value


def final(operator: Any, method: str = "execute", *arguments: Any) -> str:
    """What the task fails for good with."""
    from operators.airflow_exceptions import AirflowFailException

    with pytest.raises(AirflowFailException) as caught:
        getattr(operator, method)(*arguments, CONTEXT)
    return str(caught.value)


def test_a_task_that_is_cleared_after_its_job_is_done_starts_none_and_leaves_the_same(
    account: Account, kind: str, run: str
) -> None:
    account.jobs_do("")
    first = operator(kind, run).execute(CONTEXT)
    assert operator(kind, run).execute(CONTEXT) == first
    assert states(account, kind, run) == ["SUCCEEDED"]


def test_a_task_whose_worker_died_waits_for_the_job_that_it_had_started(account: Account, kind: str, run: str) -> None:
    account.hold_jobs()
    before = deferred(deferrable(kind, run)).trigger
    after = deferred(deferrable(kind, run)).trigger
    account.let_jobs_go()
    assert after.serialize()[0] == before.serialize()[0]
    assert job_of(after) == job_of(before)
    until(lambda: states(account, kind, run) == ["SUCCEEDED"])
    assert deferrable(kind, run).execute_complete(CONTEXT, {"status": "success"})
    assert states(account, kind, run) == ["SUCCEEDED"]


def deferrable(kind: str, run: str) -> Any:
    found = operator(kind, run)
    found.deferrable = True
    return found


def job_of(trigger: Any) -> str:
    serialized = trigger.serialize()[1]
    return str(serialized.get("run_id") or serialized["job_name"])


def test_a_job_whose_output_was_deleted_is_run_again(account: Account, kind: str, run: str) -> None:
    account.jobs_do("")
    operator(kind, run).execute(CONTEXT)
    account.empty(f"s3://{BUCKET}/{run}/")
    left = operator(kind, run).execute(CONTEXT)
    assert states(account, kind, run) == ["SUCCEEDED", "SUCCEEDED"]
    # What is left is the second job's, which the first one's description would hide.
    assert operator(kind, run).execute(CONTEXT) == left
    assert kind != "training" or left["Training"]["TrainingJobName"] == f"train-{run}-1"
    assert kind != "tuning" or left["Tuning"]["HyperParameterTuningJobName"] == f"tune-{run}-1"


def test_a_job_that_failed_is_a_final_failure_with_its_reason_and_is_tried_anew_when_the_task_is_cleared(
    account: Account, kind: str, run: str
) -> None:
    account.jobs_do("raise ValueError('raw/a.csv: the header is missing')")
    assert "raw/a.csv: the header is missing" in final(operator(kind, run))
    account.jobs_do("")
    operator(kind, run).execute(CONTEXT)
    assert states(account, kind, run) == ["FAILED", "SUCCEEDED"]


def test_the_end_of_a_job_is_in_the_traceback_once(account: Account, kind: str, run: str) -> None:
    from operators.airflow_exceptions import AirflowFailException

    account.jobs_do("raise ValueError('raw/a.csv: the header is missing')")
    with pytest.raises(AirflowFailException) as caught:
        operator(kind, run).execute(CONTEXT)
    text = "".join(traceback.format_exception(caught.value))
    # The operator of Amazon has an exception of its own about it.
    assert text.count("the header is missing") == 1
    assert "ended as F" in text


def test_a_job_that_aws_has_forgotten_meanwhile_is_started_anew_by_the_next_try(
    account: Account, kind: str, run: str
) -> None:
    account.jobs_do("")
    with pytest.raises(RuntimeError, match="AWS knows no job") as caught:
        deferrable(kind, run).resume_execution("execute_complete", EVENT, CONTEXT)
    from operators.airflow_exceptions import AirflowFailException

    # Any other exception is retried.
    assert not isinstance(caught.value, AirflowFailException)
    operator(kind, run).execute(CONTEXT)
    assert states(account, kind, run) == ["SUCCEEDED"]


PRINTS = "print('read 1,234 rows of raw/a.csv', flush=True)"


def test_the_tasks_log_has_the_jobs_own_lines_and_says_which_log_they_are_of(
    account: Account, kind: str, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    account.jobs_do(PRINTS)
    with caplog.at_level("INFO", "operators.once"):
        operator(kind, run).execute(CONTEXT)
    told = caplog.messages
    assert "read 1,234 rows of raw/a.csv" in told
    group = "/aws-glue/jobs/output" if kind == "glue" else "/aws/sagemaker/TrainingJobs"
    assert any(line.startswith(f"log group {group}, stream ") for line in told)


def test_the_log_of_a_job_that_failed_is_in_the_tasks_log_too(
    account: Account, kind: str, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    account.jobs_do(f"{PRINTS}; raise ValueError('raw/a.csv: the header is missing')")
    with caplog.at_level("INFO", "operators.once"):
        final(operator(kind, run))
    assert "read 1,234 rows of raw/a.csv" in caplog.messages
    assert "Traceback (most recent call last):" in caplog.messages
    assert "ValueError: raw/a.csv: the header is missing" in caplog.messages


def test_a_log_that_must_not_be_read_is_one_line_and_no_failure(
    account: Account, kind: str, run: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook

    account.jobs_do("")
    logs = account.client("logs")

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "Read")

    for call in ("GetLogEvents", "DescribeLogStreams"):
        logs.meta.events.register(f"before-call.*.{call}", refuse)
    monkeypatch.setattr(AwsLogsHook, "conn", logs)
    with caplog.at_level("INFO", "operators.once"):
        assert operator(kind, run).execute(CONTEXT)
    refused = [line for line in caplog.messages if "cannot be read" in line]
    assert len(refused) == {"glue": 2, "training": 1, "tuning": 1}[kind]
    assert all("AccessDeniedException" in line for line in refused)


def test_a_job_that_somebody_stopped_is_a_failure(account: Account, kind: str, run: str) -> None:
    account.jobs_do(SLEEPS)
    deferred(deferrable(kind, run))
    stop(account, kind, run)
    told = final(deferrable(kind, run), "resume_execution", "execute_complete", EVENT)
    assert "ended as stopped" in told.lower()
    assert states(account, kind, run) == ["STOPPED"]


EVENT = {"event": {"status": "success"}}
FAILED = {"error": "Trigger failure", "traceback": ["ConnectionError"]}
TIMED_OUT = {"error": "Trigger timeout"}


def stop(account: Account, kind: str, run: str) -> None:
    job = operator(kind, run)
    until(lambda: states(account, kind, run) == ["RUNNING"])
    job.stop(job.find())
    until(lambda: states(account, kind, run) == ["STOPPED"])


def test_a_trigger_that_fails_while_the_job_runs_is_replaced_by_another(account: Account, kind: str, run: str) -> None:
    account.jobs_do(SLEEPS)
    before = deferred(deferrable(kind, run)).trigger
    after = deferred(deferrable(kind, run), "resume_execution", "__fail__", FAILED).trigger
    assert job_of(after) == job_of(before)
    stop(account, kind, run)


def test_a_trigger_that_fails_since_the_job_did_tells_the_jobs_reason(account: Account, kind: str, run: str) -> None:
    account.jobs_do("raise ValueError('raw/b.csv is no CSV')")
    deferred(deferrable(kind, run))
    until(lambda: states(account, kind, run) == ["FAILED"])
    assert "raw/b.csv is no CSV" in final(deferrable(kind, run), "resume_execution", "__fail__", FAILED)


def test_a_step_that_took_too_long_stops_its_job_and_fails_for_good(account: Account, kind: str, run: str) -> None:
    account.jobs_do(SLEEPS)
    deferred(deferrable(kind, run))
    until(lambda: states(account, kind, run) == ["RUNNING"])
    told = final(deferrable(kind, run), "resume_execution", "__fail__", TIMED_OUT)
    assert told == "the step took longer than its timeout"
    until(lambda: states(account, kind, run) == ["STOPPED"])


@pytest.mark.parametrize(("code", "is_final"), [("AccessDeniedException", True), ("ThrottlingException", False)])
def test_a_start_that_is_refused_is_tried_again_unless_it_always_will_be(
    account: Account, kind: str, run: str, code: str, is_final: bool
) -> None:
    refusing = operator(kind, run)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Start")

    for start in ("StartJobRun", "CreateTrainingJob", "CreateHyperParameterTuningJob"):
        refusing.hook.conn.meta.events.register(f"before-call.*.{start}", refuse)
    if is_final:
        assert final(refusing) == f"{code}: no"
    else:
        with pytest.raises(ClientError, match=code):
            refusing.execute(CONTEXT)
    assert states(account, kind, run) == []


def test_a_start_whose_answer_got_lost_is_not_repeated(account: Account, kind: str, run: str) -> None:
    account.jobs_do("")
    losing = operator(kind, run)

    def lose(**_: Any) -> None:
        raise ConnectionResetError("the answer got lost")

    for start in ("StartJobRun", "CreateTrainingJob", "CreateHyperParameterTuningJob"):
        losing.hook.conn.meta.events.register(f"after-call.*.{start}", lose)
    assert losing.execute(CONTEXT)
    assert states(account, kind, run) == ["SUCCEEDED"]


def test_a_name_that_another_took_in_between_is_the_job_to_wait_for(account: Account, run: str) -> None:
    """Two executions of the same run, in the same second: SageMaker lets one of them have the name."""
    account.jobs_do("time.sleep(1)")
    late = operator("training", run)
    looked = late.find()
    account.sagemaker.create_training_job(**{**training(run), "TrainingJobName": looked.name})
    late.find = iter_then(late.find, looked)
    assert late.execute(CONTEXT)["Training"]["TrainingJobName"] == f"train-{run}-0"
    assert list(account.trainings(run)) == [f"train-{run}-0"]


def iter_then(function: Any, first: Any) -> Any:
    """A function that gives `first` once, as if it had been asked before."""
    given = [first]
    return lambda: given.pop() if given else function()


def test_a_job_of_the_planned_name_that_reads_or_writes_elsewhere_is_not_adopted(account: Account, run: str) -> None:
    account.hold_jobs()
    account.sagemaker.create_training_job(**{**training("elsewhere"), "TrainingJobName": f"train-{run}-0"})
    with pytest.raises(RuntimeError, match=rf"train-{run}-0 is running, but does not use s3://once/{run}/"):
        operator("training", run).execute(CONTEXT)
    account.let_jobs_go()
    until(lambda: account.trainings(run) == {f"train-{run}-0": "Completed"})
    left = operator("training", run).execute(CONTEXT)
    assert left["Training"]["TrainingJobName"] == f"train-{run}-1"


def test_the_exceptions_are_those_that_this_airflow_raises_and_importing_them_warns_of_nothing() -> None:
    """In a process of its own, since a module warns only when it is imported first."""
    script = (
        "import operators.airflow_exceptions as ours\n"
        "import airflow.sdk.bases.sensor as airflow_itself\n"
        "assert ours.TaskDeferralError is airflow_itself.TaskDeferralError\n"
        "assert ours.TaskDeferralTimeout is airflow_itself.TaskDeferralTimeout\n"
        "assert ours.AirflowFailException.__module__ == ours.TaskDeferralError.__module__\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "dags"), "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "airflow.exceptions." not in done.stderr


@pytest.mark.parametrize(("kind", "limit"), [("glue", 7_200), ("training", 60), ("tuning", 180)])
def test_an_operator_waits_by_default_as_long_as_its_job_may_take(kind: str, limit: int) -> None:
    from operators.glue import GlueJobOperator
    from operators.sagemaker import SageMakerTrainingOperator, SageMakerTuningOperator

    made: Any
    common: dict[str, Any] = {"task_id": "step", "output_uri": "s3://b/o/"}
    if kind == "glue":
        made = GlueJobOperator(**common, job_name="prepare", script_args={})
    elif kind == "training":
        made = SageMakerTrainingOperator(**common, config=training("run"))
    else:
        config = tuning("run")
        # Two at a time, so three rounds.
        limits = {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 2}
        config["HyperParameterTuningJobConfig"]["ResourceLimits"] = limits
        made = SageMakerTuningOperator(**common, config=config)
    pause, attempts = (
        (made.waiter_delay, made.waiter_max_attempts) if kind == "glue" else (made.check_interval, made.max_attempts)
    )
    assert made.deferrable
    assert limit + 900 <= pause * attempts < made.execution_timeout.total_seconds() == limit + 1_800


def test_what_a_task_says_itself_about_waiting_wins_over_the_defaults_of_the_operator_and_those_of_the_dag() -> None:
    from airflow.sdk import DAG
    from operators.glue import GlueJobOperator

    common: dict[str, Any] = {"job_name": "j", "script_args": {}, "output_uri": "s3://b/o/"}
    with DAG(dag_id="d", schedule=None, default_args={"execution_timeout": timedelta(minutes=15)}):
        usual = GlueJobOperator(task_id="usual", run_job_kwargs={"Timeout": 5}, **common)
        own = GlueJobOperator(
            task_id="own", waiter_delay=60, execution_timeout=timedelta(hours=9), deferrable=False, **common
        )
    assert usual.execution_timeout == timedelta(minutes=35)
    assert (own.waiter_delay, own.waiter_max_attempts) == (60, 135)
    assert (own.execution_timeout, own.deferrable) == (timedelta(hours=9), False)


def test_each_job_of_the_flows_looks_before_it_starts(dags: dict[str, Any]) -> None:
    jobs = [task for dag in dags.values() for task in dag.tasks if task.task_type.startswith(("Glue", "SageMaker"))]
    assert len(jobs) >= 7
    assert all(hasattr(task, "looks_first") for task in jobs), "import the operator from dags/operators"
