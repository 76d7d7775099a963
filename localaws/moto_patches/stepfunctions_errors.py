"""Step Functions' errors.

moto 5.2.5 refuses reserved names such as States.TaskFailed where Parallel or Fail pass on an error, and lets the error
of a state that was interrupted turn ABORTED or TIMED_OUT into FAILED.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localaws.moto_patches.replacement import replaced


@contextmanager
def patches() -> Iterator[None]:
    """Any error has any name, and only a running execution can fail."""
    with ExitStack() as stack:
        stack.enter_context(replaced(CustomErrorName, {"__init__": ErrorName.__init__}))
        stack.enter_context(replaced(Environment, {"set_error": _while_running(Environment.set_error)}))
        yield


def _while_running(set_error: Callable[..., None]) -> Callable[..., None]:
    def guarded(env: Any, error: Any) -> None:
        if env.is_running():
            set_error(env, error=error)

    return guarded
