"""A process that is started before there is a job for it: what every job needs at first is done by then."""

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from localaws.jobs.processes import Command, Processes
from localaws.server.protocol import Json


class Standby(Processes):
    """A process that waits for one line of JSON on its standard input, and then becomes a job's.

    Where the input ends without a line, the server has gone, and the process ends, too.
    """

    def __init__(self, command: Command, merge_output: bool) -> None:
        super().__init__(command, merge_output, stdin=subprocess.PIPE)

    def hand_over(self, job: Json) -> None:
        """Make it the process of a job.

        Raises:
            OSError: the process has ended.
        """
        with self._input as pipe:
            pipe.write(json.dumps(job).encode() + b"\n")

    def discard(self) -> None:
        """End the process, which has no job."""
        self.sweep()
        for pipe in (self._input, *self._pipes):
            # Of a process that has ended, the input can be in no state to be closed well.
            with suppress(OSError):
                pipe.close()


Kind = TypeVar("Kind", bound=Standby)


class Waiting(Generic[Kind]):
    """At most one process that waits for a job; `start` starts it, unless it is off."""

    def __init__(self, start: Callable[[], Kind], is_on: bool) -> None:
        self._start = start
        self._is_on = is_on
        self._lock = Lock()
        self._process: Kind | None = None

    def refill(self) -> None:
        """Start the process for the next job, unless one waits."""
        with self._lock:
            if self._is_on and not self._process:
                self._process = self._start()

    def take(self) -> Kind | None:
        """The process that waits, if one does; it is the caller's then."""
        with self._lock:
            process, self._process = self._process, None
        return process

    def close(self) -> None:
        """End the process that waits; no other is started any more."""
        with self._lock:
            self._is_on = False
        if process := self.take():
            process.discard()
