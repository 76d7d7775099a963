"""A job of any kind, on its own thread; most are prepared, run a command, and are collected."""

import logging
import shutil
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from threading import Event, Thread

from localaws.jobs.errors import error_in
from localaws.jobs.logs import JobLog
from localaws.jobs.processes import Command, Processes
from localaws.server.protocol import Json

# SageMaker gives a container 120 s to save its work: too long on a laptop.
STOP_GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05

_log = logging.getLogger(__name__)


class Phase(Enum):
    """The phases of a job. The last four are final."""

    STARTING = auto()
    DOWNLOADING = auto()
    RUNNING = auto()
    UPLOADING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    STOPPED = auto()
    TIMED_OUT = auto()


ENDS = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.STOPPED, Phase.TIMED_OUT})


class InputError(Exception):
    """Invalid input of the caller: an object that does not exist, a request that makes no sense."""


class Work(ABC):
    """The part that differs between kinds of jobs. `folder` is the job's own, and removed when it ends."""

    folder: Path

    @abstractmethod
    def prepare(self) -> Command:
        """Download the inputs; returns the command to run. Raises InputError."""

    def start(self, command: Command, merge_output: bool) -> Processes:
        """Run it; returns at once."""
        return Processes(command, merge_output)

    @abstractmethod
    def collect(self, end: Phase) -> None:
        """Upload the outputs, given how the command ended."""

    @abstractmethod
    def failure(self, exit_code: int, error: str) -> str:
        """The reason why the command failed, given its exit code and the error in its log; empty if it wrote none."""

    def refusal(self, error: Exception) -> str:
        """The reason why the job failed outside its command, for instance for lack of input."""
        return str(error)


@dataclass(frozen=True)
class Transition:
    """The time (seconds since 1970) at which a job entered a phase."""

    phase: Phase
    at: float


class Activity(ABC):
    """A job, created for `request`: `start` it, then look at its `phase`."""

    def __init__(self, name: str, request: Json) -> None:
        self.name = name
        self.request = request
        # Only appended to, and last of all: `failure` is set before a final phase is visible.
        self.transitions = [Transition(Phase.STARTING, time.time())]
        self.failure: str | None = None
        self._stop = Event()
        self._abandoned = False
        self._thread = Thread(target=self._run, name=f"job {name}", daemon=True)

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self.transitions[-1].phase

    @property
    def running(self) -> bool:
        """True until the job has ended."""
        return self.phase not in ENDS

    @property
    def stopping(self) -> bool:
        """True after `stop`, until the job has ended."""
        return self._stop.is_set() and self.running

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return self.transitions[0].at

    @property
    def modified(self) -> float:
        """Seconds since 1970."""
        return self.transitions[-1].at

    @property
    def ended(self) -> float | None:
        """Seconds since 1970, once it has ended."""
        return None if self.running else self.transitions[-1].at

    def entered(self, phase: Phase) -> float | None:
        """The time at which it entered the phase, if it did."""
        return next((step.at for step in self.transitions if step.phase is phase), None)

    def start(self) -> None:
        """Start the job; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the job; returns at once. Its outputs so far are collected."""
        self._stop.set()

    def abandon(self) -> None:
        """Stop the job at once and collect nothing: the server is shutting down."""
        self._abandoned = True
        self.stop()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, at most for this many seconds."""
        self._thread.join(seconds)

    @abstractmethod
    def _run(self) -> None:
        """Do the job, and enter its final phase; runs on the job's thread."""

    def _enter(self, phase: Phase) -> None:
        self.transitions.append(Transition(phase, time.time()))


class Job(Activity):
    """A job that runs a command."""

    def __init__(self, name: str, request: Json, work: Work, log: JobLog, timeout: float | None) -> None:
        super().__init__(name, request)
        self.work = work
        self.log = log
        self._is_in_log = False
        self._timeout = timeout

    def _run(self) -> None:
        try:
            with self.log:
                end = self._end()
                if end is Phase.FAILED and self.failure and not self._is_in_log:
                    self.log.append(self.failure)
            shutil.rmtree(self.work.folder, ignore_errors=True)
        except Exception as error:
            _log.exception("job %s", self.name)
            self.failure, end = self.failure or f"InternalServerError: {error}", Phase.FAILED
        self._enter(end)

    def _end(self) -> Phase:
        try:
            self._enter(Phase.DOWNLOADING)
            # A killed server may have left a folder of the same name.
            shutil.rmtree(self.work.folder, ignore_errors=True)
            self.work.folder.mkdir(parents=True)
            command = self.work.prepare()
            if self._stop.is_set():
                return Phase.STOPPED
            self._enter(Phase.RUNNING)
            end = self._execute(command)
            if self._abandoned:
                # Even if the command has succeeded: its outputs were not collected.
                return Phase.STOPPED if end is Phase.SUCCEEDED else end
            self._enter(Phase.UPLOADING)
            self.work.collect(end)
        except Exception as error:
            if not isinstance(error, InputError):
                _log.exception("job %s", self.name)
            self.failure = self.failure or self.work.refusal(error)
            return Phase.FAILED
        return end

    def _execute(self, command: Command) -> Phase:
        processes = self.work.start(command, merge_output=len(self.log.streams) == 1)
        readers = self.log.follow(processes.outputs)
        deadline = time.monotonic() + self._timeout if self._timeout else float("inf")
        end = Phase.SUCCEEDED
        while (code := processes.exit_code(POLL_SECONDS)) is None:
            if self._stop.is_set() or time.monotonic() > deadline:
                end = Phase.STOPPED if self._stop.is_set() else Phase.TIMED_OUT
                processes.terminate(0.5 if self._abandoned else STOP_GRACE_SECONDS)
                break
        processes.sweep()
        for reader in readers:
            reader.join()
        if code:
            # Standard error first: a traceback ends the job, whatever was printed at that time.
            error = error_in(*(stream.tail for stream in reversed(self.log.streams)))
            self.failure = self.work.failure(code, error)
            self._is_in_log = bool(error) and error in self.failure
            return Phase.FAILED
        return end
