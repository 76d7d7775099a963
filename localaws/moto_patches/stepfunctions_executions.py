"""Step Functions executes state machines, and reports each status of an execution.

moto 5.2.5 answers SUCCEEDED without running anything unless it is configured to run. It publishes no status changes,
and stores the interpreter's outcome also in an execution that was stopped before. The context object has
`$$.Execution.StartTime` as a datetime; on AWS it is text.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from localaws.moto_patches.replacement import replaced, replaced_item
from localaws.stepfunctions.clients import text

Around = Callable[[Any, Callable[[], None]], None]


@contextmanager
def patches(started: Around, ended: Around) -> Iterator[None]:
    """Calls `started` and `ended` with the execution and moto's own function, which they may call."""
    start: Any = Execution.start
    reflect: Any = BaseExecutionWorkerCommunication._reflect_execution_status
    details_of: Any = Execution.get_start_execution_details

    def start_execution(execution: Any) -> None:
        started(execution, partial(start, execution))

    def reflect_status(communication: Any) -> None:
        ended(communication.execution, partial(reflect, communication))

    def start_details(execution: Any) -> Any:
        details = details_of(execution)
        details.start_time = text(details.start_time)
        return details

    changes = {"start": start_execution, "get_start_execution_details": start_details}
    with ExitStack() as stack:
        stack.enter_context(replaced_item(default_user_config, "stepfunctions", {"execute_state_machine": True}))
        stack.enter_context(replaced(Execution, changes))
        stack.enter_context(replaced(BaseExecutionWorkerCommunication, {"_reflect_execution_status": reflect_status}))
        yield
