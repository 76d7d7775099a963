"""The processes of Lambda functions: one waits with boto3 imported, and runs one invocation."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from localaws.jobs.processes import Command, Processes
from localaws.jobs.standby import Standby, Waiting

RUNNER = Path(__file__).parents[1] / "container" / "run_function.py"


class _Invoked(Processes):
    """An invocation's processes."""

    _ended: Callable[[], None]

    def sweep(self) -> None:
        """End what is left; the processor is free for the next one."""
        super().sweep()
        self._ended()


class NewRuntime(_Invoked):
    """A process that is started for its invocation."""

    def __init__(self, command: Command, ended: Callable[[], None]) -> None:
        super().__init__(command, merge_output=True)
        self._ended = ended


class WaitingRuntime(_Invoked, Standby):
    """Python's runtime, before it knows its function."""

    def __init__(self, environment: Mapping[str, str], ended: Callable[[], None]) -> None:
        command = [sys.executable, str(RUNNER), "--wait"]
        own = {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
        super().__init__(Command(command, own, RUNNER.parent), merge_output=True)
        self._ended = ended


class Runtimes:
    """Starts invocations: in the process that waits, which another one replaces when the invocation has ended."""

    def __init__(self, environment: Mapping[str, str], is_on: bool) -> None:
        self._waiting = Waiting(lambda: WaitingRuntime(environment, self._get_ready), is_on)

    def start(self, command: Command) -> Processes:
        """The processes of an invocation."""
        if runtime := self._waiting.take():
            task = {"task": command.arguments[-1], "environment": command.environment, "folder": str(command.folder)}
            try:
                runtime.hand_over(task)
            except OSError:
                runtime.discard()
            else:
                return runtime
        return NewRuntime(command, self._get_ready)

    def close(self) -> None:
        """End the process that waits; no other is started any more."""
        self._waiting.close()

    def _get_ready(self) -> None:
        self._waiting.refill()
