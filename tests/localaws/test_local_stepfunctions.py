import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from localaws.moto_patches.stepfunctions_intrinsics import filled
from stepfunctions import substitutions
from tests.localaws.account import Account, wait

COMPILED = sorted((Path(__file__).parents[2] / "stepfunctions").glob("*.asl.json"))
RUN = "arn:aws:states:::glue:startJobRun.sync"
TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
SAVE = "import os; open(os.environ['SM_MODEL_DIR'] + '/model', 'w').write('weights')"


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters}
    return state | more | ({} if "Next" in more else {"End": True})


def glue(job: str, *arguments: str, **more: Any) -> dict[str, Any]:
    given = {f"--{name}": name for name in arguments}
    return task(RUN, {"JobName": job, "Arguments": given}, **more)


def history(account: Account, execution: dict[str, Any]) -> list[str]:
    pages = account.aws.client("stepfunctions").get_paginator("get_execution_history")
    asked = pages.paginate(executionArn=execution["executionArn"], PaginationConfig={"PageSize": 3})
    return [event["type"] for page in asked for event in page["events"]]


def test_a_glue_state_ends_with_the_run_as_its_result(account: Account) -> None:
    job = account.glue_job("print('prepared')")
    states = {
        "prepare": glue(job, "x", ResultPath="$.run", Next="succeeded?"),
        "succeeded?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.run.JobRunState", "StringEquals": "SUCCEEDED", "Next": "done"}],
            "Default": "failed",
        },
        "done": {"Type": "Succeed"},
        "failed": {"Type": "Fail"},
    }
    execution = account.execute(account.machine("prepare", **states), {"day": 1})
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert output["day"] == 1
    assert output["run"]["JobName"] == job
    assert isinstance(output["run"]["StartedOn"], int)
    assert account.log("/aws-glue/jobs/output", output["run"]["Id"]) == ["prepared"]
    assert history(account, execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]


def test_a_failed_job_can_be_caught_and_its_error_and_cause_end_the_execution(account: Account) -> None:
    job = account.glue_job("raise ValueError('42 rows have no date')")
    caught = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "failed"}]
    failed = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    execution = account.execute(account.machine("prepare", prepare=glue(job, Catch=caught), failed=failed))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(execution["cause"])
    assert (cause["JobRunState"], cause["ErrorMessage"]) == ("FAILED", "ValueError: 42 rows have no date")


def test_a_stopped_run_comes_back_as_a_result(account: Account) -> None:
    job = account.glue_job("import time; time.sleep(60)")
    start = account.aws.client("stepfunctions").start_execution
    arn = start(stateMachineArn=account.machine("prepare", prepare=glue(job)))["executionArn"]
    run = started_run(account, job)
    account.glue.batch_stop_job_run(JobName=job, JobRunIds=[run["Id"]])
    assert json.loads(account.execution_end(arn)["output"])["JobRunState"] == "STOPPED"


def test_a_run_too_many_is_tried_again_until_there_is_room(account: Account) -> None:
    job = account.glue_job("import time; time.sleep(1.2)")
    again = {
        "ErrorEquals": ["Glue.ConcurrentRunsExceededException"],
        "IntervalSeconds": 1,
        "MaxAttempts": 20,
        "BackoffRate": 1.0,
        "MaxDelaySeconds": 2,
        "JitterStrategy": "FULL",
    }
    account.glue.start_job_run(JobName=job)
    execution = account.execute(account.machine("prepare", prepare=glue(job, Retry=[again])))
    assert execution["status"] == "SUCCEEDED"
    assert history(account, execution).count("TaskFailed") >= 1


def test_api_errors_have_the_names_of_step_functions(account: Account) -> None:
    execution = account.execute(account.machine("prepare", prepare=glue("no-such-job")))
    assert execution["error"] == "Glue.EntityNotFoundException"


def test_parallel_branches_give_a_list_and_one_failure_stops_the_other_job(account: Account) -> None:
    job = account.glue_job(
        "import sys, time\nif '--slow' in sys.argv: time.sleep(60)\nif '--bad' in sys.argv: sys.exit('bad rows')",
        ExecutionProperty={"MaxConcurrentRuns": 2},
    )

    def branches(first: str, second: str) -> list[dict[str, Any]]:
        return [{"StartAt": "run", "States": {"run": glue(job, name)}} for name in (first, second)]

    caught = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "over"}]
    machine = account.machine(
        "both",
        both={"Type": "Parallel", "Branches": branches("a", "b"), "ResultPath": "$.runs", "Next": "one fails"},
        **{
            "one fails": {"Type": "Parallel", "Branches": branches("bad", "slow"), "Catch": caught, "End": True},
            "over": {"Type": "Pass", "End": True},
        },
    )
    execution = account.execute(machine)
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert [list(run["Arguments"]) for run in output["runs"]] == [["--a"], ["--b"]]
    assert output["error"]["Error"] == "States.TaskFailed"
    assert json.loads(output["error"]["Cause"])["ErrorMessage"] == "bad rows"
    (slow,) = [run for run in account.glue.get_job_runs(JobName=job)["JobRuns"] if "--slow" in run["Arguments"]]
    assert account.glue_end(job, slow["Id"])["JobRunState"] == "STOPPED"


def test_a_state_that_takes_too_long_times_out_and_its_job_is_stopped(account: Account) -> None:
    job = account.glue_job("import time; time.sleep(60)")
    caught = [{"ErrorEquals": ["States.Timeout"], "Next": "late"}]
    states = {"prepare": glue(job, TimeoutSeconds=1, Catch=caught), "late": {"Type": "Pass", "End": True}}
    execution = account.execute(account.machine("prepare", **states))
    assert json.loads(execution["output"])["Error"] == "States.Timeout"
    (run,) = account.glue.get_job_runs(JobName=job)["JobRuns"]
    assert account.glue_end(job, run["Id"])["JobRunState"] == "STOPPED"


def test_a_training_state_tags_its_job_and_a_retry_trains_under_a_new_name(account: Account) -> None:
    code = account.put_code(
        train="import os, sys\nif os.environ['TRAINING_JOB_NAME'].endswith('-0'): sys.exit('unlucky')\n" + SAVE
    )
    request = account.training("", code)
    del request["TrainingJobName"]
    request["TrainingJobName.$"] = "States.Format('{}-{}', $.name, $$.State.RetryCount)"
    again = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    chosen = {"model.$": "$.ModelArtifacts.S3ModelArtifacts", "created.$": "$.CreationTime"}
    train = task(TRAIN, request, Retry=again, ResultSelector=chosen)
    execution = account.execute(account.machine("train", train=train), {"name": account.name})
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert output["model"] == account.uri(f"models/{account.name}-1/output/model.tar.gz")
    assert isinstance(output["created"], int)
    arn = account.sagemaker_end("training", f"{account.name}-1")["TrainingJobArn"]
    tags = account.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]


def test_a_name_that_is_taken_is_an_error_of_sagemaker(account: Account) -> None:
    request = account.training(account.name, account.put_code(train=SAVE))
    account.sagemaker.create_training_job(**request)
    execution = account.execute(account.machine("train", train=task(TRAIN, request)))
    assert execution["error"] == "SageMaker.ResourceInUseException"
    # Of every other kind: a code that the API's model does not name.
    refused = account.training("no_such_characters", "code")
    account.name += "-2"
    execution = account.execute(account.machine("train", train=task(TRAIN, refused)))
    assert execution["error"] == "SageMaker.AmazonSageMakerException"


def test_functions_topics_and_models_are_called_and_a_functions_exception_names_the_error(account: Account) -> None:
    name = account.function(
        """
        class PlanError(Exception): pass
        def handler(event, context):
            if event["bad"]: raise PlanError("deploy first")
            return {"plan": 1}
        """
    )
    topic = account.aws.client("sns").create_topic(Name=account.name)["TopicArn"]
    model = {"ModelName": account.name, "ExecutionRoleArn": "arn:aws:iam::123456789012:role/jobs"}
    states = {
        "plan": task(
            "arn:aws:states:::lambda:invoke",
            {"FunctionName": name, "Payload": {"bad.$": "$.bad"}},
            ResultSelector={"return_value.$": "$.Payload"},
            ResultPath="$.plan",
            Next="model",
        ),
        "model": task(
            "arn:aws:states:::sagemaker:createModel",
            model | {"PrimaryContainer": {"Image": "image"}},
            ResultPath="$.model",
            Next="tell",
        ),
        "tell": task(
            "arn:aws:states:::sns:publish",
            {"TopicArn": topic, "Message.$": "States.JsonToString($.plan)"},
            ResultPath="$.told",
        ),
    }
    machine = account.machine("plan", **states)
    output = json.loads(account.execute(machine, {"bad": False})["output"])
    assert output["plan"] == {"return_value": {"plan": 1}}
    assert output["model"]["ModelArn"].endswith(f"model/{account.name}")
    assert output["told"]["MessageId"]
    execution = account.execute(machine, {"bad": True})
    assert execution["error"] == "PlanError"
    assert json.loads(execution["cause"])["errorMessage"] == "deploy first"


def test_intrinsic_functions_read_escapes_and_the_context_is_text(account: Account) -> None:
    parameters = {
        "params.$": r"""States.JsonMerge(States.StringToJson('\{"source": "raw/"\}'), $, false)""",
        "list.$": r"States.Array(1, $.day, 'it\'s ä')",
        "braces.$": r"States.Format('\{{}\}', $.day)",
        "started.$": "$$.Execution.StartTime",
        "name.$": "$$.Execution.Name",
    }
    machine = account.machine("params", params={"Type": "Pass", "Parameters": parameters, "End": True})
    output = json.loads(account.execute(machine, {"day": "monday"}, name="one")["output"])
    assert output.pop("started").endswith("Z")
    assert output == {
        "params": {"source": "raw/", "day": "monday"},
        "list": [1, "monday", "it's ä"],
        "braces": "{monday}",
        "name": "one",
    }
    with pytest.raises(ValueError, match="1 placeholders"):
        filled("{}", [])


def test_the_same_name_is_the_same_execution_while_it_runs_and_taken_afterwards(account: Account) -> None:
    client = account.aws.client("stepfunctions")
    machine = account.machine("wait", wait={"Type": "Wait", "Seconds": 1, "End": True})
    asked = {"stateMachineArn": machine, "name": "once"}
    arns: list[str] = []
    callers = [
        threading.Thread(target=lambda: arns.append(client.start_execution(input="{}", **asked)["executionArn"]))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(arns) == 4
    assert len(set(arns)) == 1
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(input='{"other": 1}', **asked)
    assert account.execution_end(arns[0])["status"] == "SUCCEEDED"
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(input="{}", **asked)
    nameless = {client.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(2)}
    assert len(nameless) == 2


def test_a_stopped_execution_stops_its_job_and_keeps_the_reason(account: Account) -> None:
    job = account.glue_job("import time; time.sleep(60)")
    client = account.aws.client("stepfunctions")
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30}]
    machine = account.machine("prepare", prepare=glue(job, Retry=again))
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    run = started_run(account, job)
    client.stop_execution(executionArn=arn, error="Changed.Mind", cause="wrong file")
    execution = client.describe_execution(executionArn=arn)
    assert (execution["status"], execution["error"], execution["cause"]) == ("ABORTED", "Changed.Mind", "wrong file")
    assert account.glue_end(job, run["Id"])["JobRunState"] == "STOPPED"
    time.sleep(0.3)
    assert client.describe_execution(executionArn=arn)["status"] == "ABORTED"


def test_input_that_is_no_json_and_machines_that_do_not_exist_are_errors(account: Account) -> None:
    client = account.aws.client("stepfunctions")
    machine = account.machine("done", done={"Type": "Succeed"})
    with pytest.raises(client.exceptions.InvalidExecutionInput):
        client.start_execution(stateMachineArn=machine, input="{")
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.start_execution(stateMachineArn=machine + "-not")
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.describe_execution(executionArn=machine.replace("stateMachine", "execution") + ":none")


def test_a_machine_can_wait_for_another(account: Account) -> None:
    inner = account.machine("done", done={"Type": "Pass", "Parameters": {"got.$": "$.day"}, "End": True})
    account.name += "-outer"
    nested = {"StateMachineArn": inner, "Input": {"day.$": "$.day"}}
    outer = account.machine("call", call=task("arn:aws:states:::states:startExecution.sync:2", nested))
    output = json.loads(account.execute(outer, {"day": "monday"})["output"])
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", {"got": "monday"})


@pytest.mark.parametrize("file", COMPILED, ids=lambda file: str(file.stem))
def test_a_compiled_machine_is_accepted_and_fails_where_its_function_is_missing(account: Account, file: Path) -> None:
    client = account.aws.client("stepfunctions")
    create = client.create_state_machine
    definition = substitutions.filled(file.read_text(), substitutions.substitutions(load_settings().pipeline))
    machine = create(name=account.name, definition=definition, roleArn="arn:aws:iam::123456789012:role/r")
    execution = account.execute(machine["stateMachineArn"])
    assert (execution["status"], execution["error"]) == ("FAILED", "Lambda.ResourceNotFoundException")


def started_run(account: Account, job: str) -> dict[str, Any]:
    def running() -> dict[str, Any]:
        runs = account.glue.get_job_runs(JobName=job)["JobRuns"]
        return {"state": runs[0]["JobRunState"] if runs else "", "run": runs[0] if runs else {}}

    run: dict[str, Any] = wait(running, "state", {"", "STARTING"})["run"]
    return run
