"""moto's EventBridge, CloudWatch, Lambda and Step Functions without our patches: their seams are there, and needed."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from localaws.moto_patches.replacement import replaced
from tests.localaws.moto_patches.conftest import Unpatched
from tests.localaws.moto_patches.moto_facts import ROLE, executed, moto_clients, parameters

INTERPRETER = "moto.stepfunctions.parser"
EXECUTION = f"{INTERPRETER}.backend.execution"
SERVICE = f"{INTERPRETER}.asl.component.state.exec.state_task.service"
TASK = f"{SERVICE}.state_task_service"
CALLBACK = f"{SERVICE}.state_task_service_callback"
CONFIG = ["self", "function_name", "config"]
TASK_ARGUMENTS = ["self", "env", "resource_runtime_part", "normalised_parameters", "state_credentials"]


@pytest.mark.parametrize(
    ("module", "path", "names"),
    [
        ("moto.events.models", "Rule.send_to_targets", ["self", "original_event", "transform_input"]),
        ("moto.cloudwatch.models", "Alarm.update_state", ["self", "reason", "reason_data", "state_value"]),
        ("moto.awslambda.models", "LambdaFunction.__init__", ["self", "account_id", "spec", "region", "version"]),
        ("moto.awslambda.models", "LambdaFunction.update_configuration", ["self", "config_updates"]),
        ("moto.awslambda.models", "LambdaFunction.get_configuration", ["self", "on_create"]),
        ("moto.awslambda.models", "LambdaFunction.get_code", ["self"]),
        ("moto.awslambda.models", "LambdaBackend.get_function", ["self", "function_name_or_arn", "qualifier"]),
        (
            "moto.awslambda.models",
            "LambdaBackend.put_function_event_invoke_config",
            CONFIG,
        ),
        ("moto.awslambda.models", "LambdaBackend.update_function_event_invoke_config", CONFIG),
        (EXECUTION, "Execution.start", ["self"]),
        (EXECUTION, "Execution.stop", ["self", "stop_date", "error", "cause"]),
        (EXECUTION, "Execution.get_start_execution_details", ["self"]),
        (EXECUTION, "BaseExecutionWorkerCommunication._reflect_execution_status", ["self"]),
        (f"{SERVICE}.state_task_service_factory", "state_task_service_for", ["service_name"]),
        (f"{INTERPRETER}.asl.utils.boto_client", "boto_client_for", ["region", "service", "state_credentials"]),
        (TASK, "StateTaskService._to_boto_request", ["self", "parameters", "structure_shape"]),
        (TASK, "StateTaskService._from_boto_response", ["self", "response", "structure_shape"]),
        (TASK, "StateTaskService._get_supported_parameters", ["self"]),
        (
            TASK,
            "StateTaskService._eval_service_task",
            TASK_ARGUMENTS := ["self", "env", "resource_runtime_part", "normalised_parameters", "state_credentials"],
        ),
        (
            f"{SERVICE}.state_task_service_callback",
            "StateTaskServiceCallback._eval_integration_pattern",
            TASK_ARGUMENTS,
        ),
        (CALLBACK, "StateTaskServiceCallback._from_error", ["self", "env", "ex"]),
        (f"{INTERPRETER}.asl.eval.environment", "Environment.set_error", ["self", "error"]),
        (f"{INTERPRETER}.asl.component.intrinsic.argument.argument", "ArgumentLiteral._eval_argument", ["self", "env"]),
        (f"{INTERPRETER}.asl.parse.intrinsic.intrinsic_parser", "IntrinsicParser.parse", ["src"]),
        (f"{INTERPRETER}.asl.parse.asl_parser", "AmazonStateLanguageParser.parse", ["definition"]),
    ],
)
def test_the_seam_has_these_parameters(unpatched: Unpatched, module: str, path: str, names: list[str]) -> None:
    assert unpatched(parameters, module, path) == names


def delivered(state: str, arn: str) -> str:
    """What comes of an event for a rule with that state and target: how often, or the error's type."""
    from moto.events.models import Rule

    sent: list[str] = []
    with moto_clients("events") as (events,):
        events.put_rule(Name="r", EventPattern='{"source": ["s"]}', State=state)
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
        with replaced(Rule, {"_send_to_sqs_queue": lambda *_: sent.append("queue")}):
            try:
                events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}])
            except NotImplementedError:
                return "NotImplementedError"
    return str(len(sent))


def test_a_disabled_rule_delivers_and_functions_are_not_implemented(unpatched: Unpatched) -> None:
    assert unpatched(delivered, "DISABLED", "arn:aws:sqs:us-east-1:123456789012:q") == "1"
    assert unpatched(delivered, "ENABLED", "arn:aws:lambda:us-east-1:123456789012:function:f") == "NotImplementedError"


def function_settings() -> dict[str, Any]:
    with moto_clients("lambda", "iam") as (functions, iam):
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        letters = {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"}
        settings = {"Runtime": "python3.12", "Handler": "a.b", "Role": role, "DeadLetterConfig": letters}
        made = functions.create_function(FunctionName="f", Code={"ZipFile": _zip()}, **settings)
        put = functions.put_function_event_invoke_config
        put(FunctionName="f", MaximumRetryAttempts=0)
        put(FunctionName="f", MaximumRetryAttempts=1)
        functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
        return {
            "dead letters": "DeadLetterConfig" in made,
            "retries": functions.get_function_event_invoke_config(FunctionName="f")["MaximumRetryAttempts"],
            "concurrency": "Concurrency" in functions.get_function(FunctionName="f"),
        }


def _zip() -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", "")
    return buffer.getvalue()


def test_a_functions_settings_are_dropped(unpatched: Unpatched) -> None:
    assert unpatched(function_settings) == {"dead letters": False, "retries": 0, "concurrency": False}


def outcome_without_configuration() -> str:
    with moto_clients("stepfunctions") as (machines,):
        definition = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Fail"}}})
        machine = machines.create_state_machine(name="m", definition=definition, roleArn=ROLE)
        named = machines.start_execution(stateMachineArn=machine["stateMachineArn"], name="e")
        for _ in range(3):
            status: str = machines.describe_execution(executionArn=named["executionArn"])["status"]
        return status


def test_nothing_is_executed(unpatched: Unpatched) -> None:
    assert unpatched(outcome_without_configuration) in ("RUNNING", "SUCCEEDED")


def start_time_in_the_context() -> str:
    from moto.stepfunctions.parser.backend.execution import Execution

    seen: list[str] = []
    details_of = Execution.get_start_execution_details

    def details(execution: Any) -> Any:
        found = details_of(execution)
        seen.append(type(found.start_time).__name__ if hasattr(found, "start_time") else "absent")
        return found

    with replaced(Execution, {"get_start_execution_details": details}):
        executed({"Only": {"Type": "Pass", "End": True}})
    return seen[0]


def test_the_start_time_is_no_text(unpatched: Unpatched) -> None:
    assert unpatched(start_time_in_the_context) == "datetime"


def reserved_error_name() -> str:
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName

    assert ErrorName("States.TaskFailed").error_name == "States.TaskFailed"
    try:
        CustomErrorName("States.TaskFailed")
    except ValueError as error:
        return str(error)
    return ""


def test_reserved_error_names_are_refused(unpatched: Unpatched) -> None:
    assert "MUST NOT begin with the prefix 'States.'" in unpatched(reserved_error_name)


def state_after_an_error_that_comes_late() -> str:
    """The state of a program that was stopped before one of its states failed."""
    from threading import Event, RLock
    from types import SimpleNamespace

    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped

    stopped = ProgramStopped(stop_date=None, cause=None, error=None)
    program: Any = SimpleNamespace(
        _state_mutex=RLock(), _program_state=stopped, _frames=[], program_state_event=Event()
    )
    Environment.set_error(program, error={})
    assert "is_running" in vars(Environment)
    return type(program._program_state).__name__


def test_an_error_turns_an_aborted_execution_into_a_failed_one(unpatched: Unpatched) -> None:
    assert unpatched(state_after_an_error_that_comes_late) == "ProgramError"


def sagemaker_and_glue_tasks() -> dict[str, str]:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory

    known = state_task_service_factory.state_task_service_for
    return {name: type(known(name)).__name__ for name in ("sagemaker", "glue")}


def test_sagemaker_has_no_integration_and_glue_has_motos(unpatched: Unpatched) -> None:
    expected = {"sagemaker": "StateTaskServiceUnsupported", "glue": "StateTaskServiceGlue"}
    assert unpatched(sagemaker_and_glue_tasks) == expected


def importers_of_the_factories() -> dict[str, list[str]]:
    from localaws.moto_patches.stepfunctions_tasks import importers

    names = ("state_task_service_for", "boto_client_for")
    return {name: sorted(module.__name__.rpartition(".")[2] for module in importers(name)) for name in names}


def test_the_interpreters_modules_import_the_factories_by_name(unpatched: Unpatched) -> None:
    found = unpatched(importers_of_the_factories)
    assert "state_task_service_factory" in found["state_task_service_for"]
    assert len(found["state_task_service_for"]) >= 2
    assert "state_task_service_aws_sdk" in found["boto_client_for"]
    assert len(found["boto_client_for"]) >= 3


def parameters_of_a_nested_execution() -> dict[str, Any]:
    from types import SimpleNamespace

    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
        StateTaskServiceSfn,
    )

    task: Any = StateTaskServiceSfn()
    task.resource = SimpleNamespace(api_action="startExecution", service_name="states")
    given = {"StateMachineArn": "arn"}
    StateTaskServiceSfn._normalise_parameters(task, given)
    return given


def test_the_parameters_of_a_nested_execution_are_left_as_they_are(unpatched: Unpatched) -> None:
    assert unpatched(parameters_of_a_nested_execution) == {"StateMachineArn": "arn", "Input": "{}"}


def intrinsic(expression: str) -> str:
    """The output of a Pass state, or the status of an execution that failed."""
    state = {"Type": "Pass", "Parameters": {"value.$": expression}, "End": True}
    described = executed({"Only": state})
    return str(described.get("output", described["status"]))


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        (r"States.StringToJson('\{\}')", '{"value":{}}'),
        (r"States.Format('\{{}\}', 'a')", '{"value":"{a}"}'),
    ],
)
def test_escapes_in_intrinsic_functions_fail(unpatched: Unpatched, expression: str, right: str) -> None:
    assert unpatched(intrinsic, expression) != right
    # The same expression without an escape is right, so that the difference is the escape.
    assert unpatched(intrinsic, "States.Format('{}', 'a')").replace(" ", "") == '{"value":"a"}'


def definitions_that_are_parsed_once() -> bool:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    trees = [AmazonStateLanguageParser.parse(definition)[1] for _ in range(2)]
    return trees[0] is trees[1]


def test_a_definition_is_parsed_each_time(unpatched: Unpatched) -> None:
    assert not unpatched(definitions_that_are_parsed_once)


def what_state_machines_import() -> list[str]:
    import sys

    import moto.stepfunctions.parser.models  # noqa: F401

    return [name for name in ("moto.ec2", "moto.batch.models") if name in sys.modules]


def folders_listed_for_two_requests() -> tuple[list[str], int]:
    from moto import backends
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    listed, modules = [], backends.list_of_moto_modules

    def noted() -> Any:
        listed.append(1)
        return modules()

    with replaced(backends, {"list_of_moto_modules": noted}):
        dispatcher = DomainDispatcherApplication(create_backend_app)
        found = [dispatcher.get_backend_for_host("s3.us-east-1.amazonaws.com") for _ in range(2)]
    return found, len(listed)


def test_the_service_of_a_host_is_looked_for_at_each_request(unpatched: Unpatched) -> None:
    assert unpatched(folders_listed_for_two_requests) == (["s3", "s3"], 2)


def test_state_machines_import_all_of_ec2() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(what_state_machines_import).result() == ["moto.ec2", "moto.batch.models"]


def what_they_import_without() -> tuple[list[str], bool]:
    from localaws.moto_patches.light_imports import without_ec2

    with without_ec2():
        found = what_state_machines_import()
    import moto.batch.models

    return found, hasattr(moto.batch.models, "batch_backends")


def test_they_import_nothing_of_it_in_the_block_and_everybody_does_behind_it() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(what_they_import_without).result() == ([], True)
