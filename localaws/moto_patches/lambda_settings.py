"""Lambda's settings of asynchronous invocation.

moto 5.2.5 drops a function's DeadLetterConfig. It appends each EventInvokeConfig and reads the first, where on Lambda
PutFunctionEventInvokeConfig replaces it and UpdateFunctionEventInvokeConfig changes it. GetFunction takes a reserved
concurrency of 0 for none.
https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction

from localaws.moto_patches.replacement import replaced
from localaws.server.protocol import Json


def event_invoke_config(function: Any) -> Json:
    """The function's EventInvokeConfig; empty if it has none."""
    configs = function.event_invoke_config
    config: Json = configs[-1].config if configs else {}
    return config


def dead_letter_arn(function: Any) -> str:
    """The queue or topic of the function's DeadLetterConfig; empty if it has none."""
    return str((getattr(function, "dead_letter_config", None) or {}).get("TargetArn") or "")


@contextmanager
def patches() -> Iterator[None]:
    """moto's functions have these settings."""
    with ExitStack() as stack:
        stack.enter_context(replaced(LambdaFunction, _function_changes()))
        stack.enter_context(replaced(LambdaBackend, _backend_changes()))
        yield


def _function_changes() -> Json:
    init, update = LambdaFunction.__init__, LambdaFunction.update_configuration
    configuration, code = LambdaFunction.get_configuration, LambdaFunction.get_code

    def make(function: Any, account_id: str, spec: Json, *arguments: Any, **named: Any) -> None:
        init(function, account_id, spec, *arguments, **named)
        function.dead_letter_config = spec.get("DeadLetterConfig")

    def update_configuration(function: Any, config_updates: Json) -> Json:
        if "DeadLetterConfig" in config_updates:
            function.dead_letter_config = config_updates["DeadLetterConfig"]
        update(function, config_updates)
        return get_configuration(function)

    def get_configuration(function: Any, *arguments: Any, **named: Any) -> Json:
        found: Json = configuration(function, *arguments, **named)
        arn = dead_letter_arn(function)
        return found | ({"DeadLetterConfig": {"TargetArn": arn}} if arn else {})

    def get_code(function: Any) -> Json:
        found: Json = code(function)
        reserved = function.reserved_concurrency
        return found if reserved is None else found | {"Concurrency": {"ReservedConcurrentExecutions": reserved}}

    return {
        "__init__": make,
        "update_configuration": update_configuration,
        "get_configuration": get_configuration,
        "get_code": get_code,
    }


def _backend_changes() -> Json:
    put = LambdaBackend.put_function_event_invoke_config

    def put_config(backend: Any, function_name: str, config: Json) -> Json:
        answer: Json = put(backend, function_name, config)
        function = backend.get_function(function_name)
        function.event_invoke_config = function.event_invoke_config[-1:]
        return answer

    def update_config(backend: Any, function_name: str, config: Json) -> Json:
        return put_config(backend, function_name, event_invoke_config(backend.get_function(function_name)) | config)

    return {"put_function_event_invoke_config": put_config, "update_function_event_invoke_config": update_config}
