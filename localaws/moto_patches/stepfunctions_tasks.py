"""Step Functions' Task states use local AWS's clients, and can start and await Glue and SageMaker jobs.

moto 5.2.5 cannot wait for SageMaker jobs, and its Glue `.sync` calls None at the end. It makes a client for each
call, from the shell's profile and proxies, for localhost:$MOTO_PORT, and the datetimes in the results cannot be written
as JSON. Its integration of Step Functions itself leaves parameters as they are, so that StateMachineArn never becomes
stateMachineArn.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from botocore import xform_name
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localaws.moto_patches.replacement import replaced
from localaws.server.protocol import Json, operation

INTERPRETER = "moto.stepfunctions"


@contextmanager
def patches(
    task_service: Callable[[str], Any], task_client: Callable[..., Any], sdk_client: Callable[..., Any]
) -> Iterator[None]:
    """Uses `task_service` for the services that it knows, and the clients that `task_client` and `sdk_client` make."""
    known = state_task_service_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return task_service(service_name) or known(service_name)

    own = {"_normalise_parameters": _to_boto_names, "_normalise_response": _to_states_names}
    with ExitStack() as stack:
        for module in importers("state_task_service_for"):
            stack.enter_context(replaced(module, {"state_task_service_for": state_task_service_for}))
        for module in importers("boto_client_for"):
            client = sdk_client if module is state_task_service_aws_sdk else task_client
            stack.enter_context(replaced(module, {"boto_client_for": client}))
        stack.enter_context(replaced(StateTaskServiceSfn, own))
        yield


def importers(name: str) -> list[Any]:
    """The interpreter's modules that have imported a function by its name."""
    loaded = [module for path, module in list(sys.modules.items()) if path.startswith(INTERPRETER)]
    return [module for module in loaded if name in vars(module)]


def _to_boto_names(task: Any, parameters: Json, *_: Any, **__: Any) -> None:
    name = task.resource.api_action[0].upper() + task.resource.api_action[1:]
    if name == "StartExecution" and not isinstance(parameters.get("Input"), str):
        parameters["Input"] = to_json_str(parameters.get("Input") or {})
    task._to_boto_request(parameters, operation("stepfunctions", name).input_shape)


def _to_states_names(task: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None) -> None:  # noqa: ARG001
    wanted = service_action_name or xform_name(task.resource.api_action)
    name = "".join(part.title() for part in wanted.split("_"))
    task._from_boto_response(response, operation("stepfunctions", name).output_shape)
