"""Task states that call Glue or SageMaker, and with `.sync` wait for the job.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationNotFoundError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localaws.server.protocol import Json, operation

# How soon a state ends whose execution was stopped.
LOOK_SECONDS = 0.1
# Step Functions' name of a service, and of an error that the service's API model does not have.
SERVICES = {"glue": ("Glue", "AWSGlueException"), "sagemaker": ("SageMaker", "AmazonSageMakerException")}
# Marks jobs that Step Functions started.
TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}


@dataclass(frozen=True)
class Awaited:
    """How a `.sync` state waits for a job: calls that take client, request and response of the start.

    `name` is the job's, by request and response.
    """

    name: Callable[[Json, Json], str]
    status: str
    succeeded: frozenset[str]
    failed: frozenset[str]
    describe: Callable[[Any, Json, Json], Json]
    stop: Callable[[Any, Json, Json], object]


def _glue_run(client: Any, request: Json, started: Json) -> Json:
    run: Json = client.get_job_run(JobName=request["JobName"], RunId=started["JobRunId"])["JobRun"]
    return run | {"JobName": request["JobName"]}


def _stop_glue_run(client: Any, request: Json, started: Json) -> object:
    return client.batch_stop_job_run(JobName=request["JobName"], JobRunIds=[started["JobRunId"]])


def _sagemaker_job(noun: str) -> Awaited:
    name = f"{noun}JobName"

    def describe(client: Any, request: Json, _: Json) -> Json:
        described: Json = getattr(client, xform_name(f"Describe{noun}Job"))(**{name: request[name]})
        del described["ResponseMetadata"]
        return described

    def stop(client: Any, request: Json, _: Json) -> object:
        return getattr(client, xform_name(f"Stop{noun}Job"))(**{name: request[name]})

    return Awaited(
        lambda request, _: str(request[name]),
        f"{noun}JobStatus",
        frozenset({"Completed"}),
        frozenset({"Failed", "Stopped"}),
        describe,
        stop,
    )


AWAITED: Mapping[str, Awaited] = {
    "StartJobRun": Awaited(
        lambda _, started: str(started["JobRunId"]),
        "JobRunState",
        # Undocumented: a stopped run is a success, as in moto and LocalStack.
        frozenset({"SUCCEEDED", "STOPPED"}),
        frozenset({"FAILED", "TIMEOUT", "ERROR"}),
        _glue_run,
        _stop_glue_run,
    ),
    "CreateTrainingJob": _sagemaker_job("Training"),
    "CreateProcessingJob": _sagemaker_job("Processing"),
    "CreateTransformJob": _sagemaker_job("Transform"),
    "CreateHyperParameterTuningJob": _sagemaker_job("HyperParameterTuning"),
}


class JobTask(StateTaskServiceCallback):
    """A Task of `arn:aws:states:::glue:…` or `…:::sagemaker:…`; `clients` makes a client of region and service.

    `has_ended` is true once the jobs of a name have ended; it waits for that, at most for so many seconds.
    """

    def __init__(self, clients: Callable[[str, str], Any], has_ended: Callable[[str, float], bool]) -> None:
        patterns: Any = {ResourceCondition.Sync}
        super().__init__(supported_integration_patterns=patterns)
        self._clients = clients
        self._has_ended = has_ended

    @property
    def _operation(self) -> str:
        action: str = self.resource.api_action
        return action[0].upper() + action[1:]

    def _get_supported_parameters(self) -> set[str] | None:
        """None refuses the state machine. An empty set drops no parameter: misspelt ones are errors."""
        if self.resource.condition is not None and self._operation not in AWAITED:
            return None
        try:
            operation(self.resource.service_name, self._operation)
        except OperationNotFoundError:
            return None
        return set()

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Json,
        state_credentials: Any,  # noqa: ARG002
    ) -> None:
        request = normalised_parameters
        if self.resource.condition is not None and self.resource.service_name == "sagemaker":
            request = request | {"Tags": [*request.get("Tags", []), TAG]}
        response = getattr(self._client(resource_runtime_part), xform_name(self._operation))(**request)
        del response["ResponseMetadata"]
        env.stack.append(response)

    # moto's own waits for a task token, which these services do not have.
    def _eval_integration_pattern(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Json,
        state_credentials: Any,  # noqa: ARG002
    ) -> None:
        started, client, awaited = env.stack.pop(), self._client(resource_runtime_part), AWAITED[self._operation]
        name = awaited.name(normalised_parameters, started)
        while env.is_running():
            described = awaited.describe(client, normalised_parameters, started)
            if described[awaited.status] in awaited.succeeded:
                env.stack.append(described)
                return
            if described[awaited.status] in awaited.failed:
                raise FailureEventException(self._failure(env, "States.TaskFailed", to_json_str(described)))
            # As on AWS, the end of the job is an event: nobody asks for it again and again.
            while env.is_running() and not self._has_ended(name, LOOK_SECONDS):
                pass
        # Aborted, timed out, or a parallel branch failed: as on AWS, the job is stopped.
        with suppress(ClientError):
            awaited.stop(client, normalised_parameters, started)
        env.stack.append(None)

    def _from_error(self, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            service, unnamed = SERVICES[self.resource.service_name]
            code = ex.response["Error"]["Code"]
            shapes = operation(self.resource.service_name, self._operation).error_shapes
            named = code in {shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}
            # Step Functions uses the class names of the Java SDK, which end with Exception.
            name = f"{code.removesuffix('Exception')}Exception" if named else unnamed
            return self._failure(env, f"{service}.{name}", ex.response["Error"]["Message"])
        return super()._from_error(env=env, ex=ex)

    def _failure(self, env: Any, error: str, cause: str) -> Any:
        where = {"resource": self._get_sfn_resource(), "resourceType": self._get_sfn_resource_type()}
        details: Any = {"taskFailedEventDetails": where | {"error": error, "cause": cause}}
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=details,
        )

    def _client(self, runtime: Any) -> Any:
        return self._clients(runtime.region, self.resource.service_name)
