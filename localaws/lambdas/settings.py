"""What moto forgets of a function's settings: dead letters, and event invoke configs that replace each other.

https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction

from localaws.moto_patches.patch import replaced
from localaws.server.protocol import Json


def event_invoke_config(function: Any) -> Json:
    """The function's EventInvokeConfig as it was put; empty where none was."""
    configs = function.event_invoke_config
    given: Json = configs[-1].config if configs else {}
    return given


def dead_letter_arn(function: Any) -> str:
    """The queue or topic of the function's DeadLetterConfig, or an empty text."""
    return str((getattr(function, "dead_letter_config", None) or {}).get("TargetArn") or "")


@contextmanager
def mends() -> Iterator[None]:
    """moto's functions keep what they are told for as long as the block lasts."""
    init, update = LambdaFunction.__init__, LambdaFunction.update_configuration
    configuration, code = LambdaFunction.get_configuration, LambdaFunction.get_code

    def made(function: Any, account_id: str, spec: Json, *more: Any, **named: Any) -> None:
        init(function, account_id, spec, *more, **named)
        function.dead_letter_config = spec.get("DeadLetterConfig")

    def updated(function: Any, config_updates: Json) -> Json:
        if "DeadLetterConfig" in config_updates:
            function.dead_letter_config = config_updates["DeadLetterConfig"]
        update(function, config_updates)
        return _configured(function)

    def _configured(function: Any, *more: Any, **named: Any) -> Json:
        told: Json = configuration(function, *more, **named)
        arn = dead_letter_arn(function)
        return told | ({"DeadLetterConfig": {"TargetArn": arn}} if arn else {})

    def coded(function: Any) -> Json:
        told: Json = code(function)
        reserved = function.reserved_concurrency
        # moto takes a reservation of 0 for none.
        return told if reserved is None else told | {"Concurrency": {"ReservedConcurrentExecutions": reserved}}

    with ExitStack() as stack:
        changes = {"__init__": made, "update_configuration": updated, "get_configuration": _configured}
        for name, replacement in {**changes, "get_code": coded}.items():
            stack.enter_context(replaced(LambdaFunction, name, replacement))
        put = LambdaBackend.put_function_event_invoke_config

        def put_config(backend: Any, function_name: str, config: Json) -> Json:
            # moto appends, and reads the first.
            told: Json = put(backend, function_name, config)
            function = backend.get_function(function_name)
            function.event_invoke_config = function.event_invoke_config[-1:]
            return told

        def update_config(backend: Any, function_name: str, config: Json) -> Json:
            return put_config(backend, function_name, event_invoke_config(backend.get_function(function_name)) | config)

        stack.enter_context(replaced(LambdaBackend, "put_function_event_invoke_config", put_config))
        stack.enter_context(replaced(LambdaBackend, "update_function_event_invoke_config", update_config))
        yield
