"""Execution environments: processes that have imported a function's handler, and fork for each of its invocations.

As on AWS, a handler's module is imported once for many invocations, what it writes is in the log of the first, and
other code or other variables need a new environment. Unlike on AWS, what an invocation leaves in memory ends with it.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import IO

from localaws.jobs.forks import Fork, ForkedProcesses, Forking, Forks, Outputs, is_readable
from localaws.jobs.processes import Command, Processes
from localaws.server.timer import Timer

# Each is a process with some 20 MB of its own.
MOST = 4
IDLE_SECONDS = 300.0
END_SECONDS = 5.0
# On AWS, all invocations in an environment have one log stream; here each has its own.
_OF_INVOCATION = "AWS_LAMBDA_LOG_STREAM_NAME"
Key = tuple[object, ...]


@dataclass(frozen=True)
class Init:
    """What an environment is made for: a function, and the command that imports its handler."""

    function: str
    command: Command

    @property
    def key(self) -> Key:
        """Equal for invocations that can have the same environment."""
        variables = {name: value for name, value in self.command.environment.items() if name != _OF_INVOCATION}
        return self.function, *self.command.arguments, self.command.folder, *sorted(variables.items())


@dataclass
class Environment:
    """A running environment: its process, and the socket that asks it for forks."""

    process: Fork
    forking: Forking
    used: float = field(default_factory=time.monotonic)

    def invoke(self, command: Command, outputs: Outputs) -> IO[bytes]:
        """Asks for an invocation, as `Forking.ask`. Raises OSError if the process has ended."""
        return self.forking.ask({"arguments": command.arguments[1:]}, outputs)

    def has_ended(self, wait_seconds: float = 0.0) -> bool:
        """True if the process has ended, at the latest after so many seconds."""
        return ForkedProcesses(self.process).exit_code(wait_seconds) is not None

    def kill(self) -> None:
        """Ends the process, and all that the handler's module has started."""
        self.has_ended(END_SECONDS)
        ForkedProcesses(self.process).sweep()


class FirstInvocation:
    """The first invocation in an environment, as `subprocess.Popen` has a process.

    Its process is the environment's until that has imported the handler and forked, and to the end if it does not fork.
    """

    stdin = None

    def __init__(self, environment: Environment, told: IO[bytes], outputs: Outputs, forked: Callable[[], None]) -> None:
        self.stdout, self.stderr = outputs.stdout, outputs.stderr
        self._environment = environment
        self._told: IO[bytes] | None = told
        self._process = environment.process
        self._forked = forked

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, once `wait` has returned."""
        return self._process.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        if told := self._told:
            if not is_readable(told, timeout):
                raise subprocess.TimeoutExpired("import", timeout)
            self._told = None
            try:
                self._process = Fork(told)
            except OSError:
                self._environment.forking.close()
            else:
                self._forked()
        return self._process.wait(timeout)


class Environments:
    """The environments of all functions, as forks of an interpreter that has imported what every function imports.

    The `MOST` that were used last are kept, for `idle_seconds` after their use.
    """

    def __init__(self, forks: Forks, timer: Timer, idle_seconds: float = IDLE_SECONDS) -> None:
        self._forks = forks
        self._timer = timer
        self._idle_seconds = idle_seconds
        # In the order of their use.
        self._kept: dict[Key, Environment] = {}
        self._ending: list[Environment] = []
        self._lock = Lock()
        self._is_closed = False

    def start(self, init: Init, command: Command, merge_output: bool) -> Processes:
        """Runs the command in an environment of the function, or in a new process where there can be none."""
        if not self._forks.can_fork(command):
            return Processes(command, merge_output)
        while environment := self._found(init):
            with suppress(OSError), Outputs(merge_output) as outputs:
                told = environment.invoke(command, outputs)
                return ForkedProcesses(Fork(told, outputs.stdout, outputs.stderr))
            self._end(lambda key, _: key == init.key)
        with suppress(OSError), Outputs(merge_output) as outputs:
            return ForkedProcesses(self._first(init, command, outputs))
        return Processes(command, merge_output)

    def close(self) -> None:
        """Ends every environment; none is kept any more."""
        self._is_closed = True
        self._end(lambda *_: True)
        for environment in self._ending:
            environment.kill()

    def _first(self, init: Init, command: Command, outputs: Outputs) -> FirstInvocation:
        environment: Environment | None = None
        forking = Forking()
        try:
            with forking.given as stdin:
                # With the outputs of the invocation: its log has what the module writes.
                environment = Environment(self._forks.fork(init.command, outputs, stdin.fileno()), forking)
            told = environment.invoke(command, outputs)
        except OSError:
            forking.close()
            if environment:
                environment.has_ended(END_SECONDS)
            raise
        return FirstInvocation(environment, told, outputs, lambda: self._keep(init.key, environment))

    def _found(self, init: Init) -> Environment | None:
        # The function has other code or other variables now.
        self._end(lambda key, _: key[0] == init.function and key != init.key)
        with self._lock:
            if environment := self._kept.pop(init.key, None):
                environment.used = time.monotonic()
                self._kept[init.key] = environment
            return environment

    def _keep(self, key: Key, environment: Environment) -> None:
        with self._lock:
            # Of two that have begun at the same time, the second is kept.
            over = [self._kept.pop(key)] if key in self._kept else []
            self._kept[key] = environment
            while len(self._kept) > (0 if self._is_closed else MOST):
                over.append(self._kept.pop(next(iter(self._kept))))
            self._let_end(over)
        self._timer.after(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        before = time.monotonic() - self._idle_seconds
        self._end(lambda _, environment: environment.used <= before)
        if self._kept:
            self._timer.after(self._idle_seconds, self._end_idle)

    def _end(self, is_over: Callable[[Key, Environment], bool]) -> None:
        with self._lock:
            over = [key for key, environment in self._kept.items() if is_over(key, environment)]
            self._let_end([self._kept.pop(key) for key in over])

    def _let_end(self, over: Iterable[Environment]) -> None:
        """Each ends by itself, once its invocations have ended."""
        for environment in over:
            environment.forking.close()
            self._ending.append(environment)
        self._ending = [environment for environment in self._ending if not environment.has_ended()]
