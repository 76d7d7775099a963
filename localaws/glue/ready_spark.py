"""The processes of Spark jobs: a new one for each job, or the one that was kept ready for the next.

A process that was kept ready has a JVM of its own, or takes its turn at one that outlives the jobs (`reused_jvm.py`).
"""

import itertools
import logging
import secrets
import shutil
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import IO

from localaws.glue import class_data, spark
from localaws.glue.reused_jvm import ReusedJvm
from localaws.glue.standby import Standby, Waiting
from localaws.jobs.processes import Command, Lines, Processes

# Read after the JVM has started: by Spark's session and by Hadoop. A job that asks for any other gets a new process.
SETTINGS_OF_A_SESSION = ("spark.sql.", "spark.hadoop.", "spark.default.parallelism")
_SCRIPT = Path(__file__).resolve().with_name("ready_process.py")
_LAST_LINES = 200

_log = logging.getLogger(__name__)


class _InFolder(Processes):
    """A Spark job's processes, whose `folder` takes all that Spark writes beside its output."""

    folder: Path
    _ended: Callable[[bool], None]

    def sweep(self) -> None:
        """End what is left, and remove the folder."""
        super().sweep()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._ended(self.exit_code(0) == 0)


class NewSparkProcess(_InFolder):
    """A process that is started for its job."""

    def __init__(self, command: Command, ended: Callable[[bool], None]) -> None:
        super().__init__(command, merge_output=False)
        self.folder = command.folder
        self._ended = ended


class ReadySparkProcess(_InFolder, Standby):
    """A process that has Spark's JVM started, or has connected to `jvm`, and waits for a job."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, ended: Callable[[bool], None], jvm: ReusedJvm | None
    ) -> None:
        bucket = class_data.WARM_UP_BUCKET
        (folder / bucket).mkdir()
        configured = spark.configure(folder, spark.mounts(folder, [bucket]), class_data.jvm_options())
        arguments = [sys.executable, str(_SCRIPT), *(jvm.next_turn() if jvm else ())]
        super().__init__(Command(arguments, {**environment, **configured}, folder), merge_output=False)
        self.folder = folder
        self._marker = secrets.token_hex(16)
        self._ended = ended

    @property
    def outputs(self) -> Sequence[Lines]:
        """Both outputs, from the moment on that the process serves a job."""
        return [_lines_after(f"{self._marker}\n".encode(), pipe) for pipe in self._pipes]

    def serve(self, command: Command, settings: Mapping[str, str]) -> None:
        """Become the process of `command`.

        Raises:
            OSError: the process has ended.
        """
        environment = command.environment | spark.configure(self.folder, settings, class_data.jvm_options())
        # The JVM was started without the job's, and starts the Python workers.
        workers = {spark.WORKERS_PATH: spark.workers_path(environment.get("PYTHONPATH", ""))}
        self.hand_over(
            {
                "arguments": command.arguments[1:],
                "environment": environment,
                "settings": {**settings, **workers},
                "marker": self._marker,
            }
        )


class ReadySpark:
    """Starts the processes of Spark jobs, each in a folder of its own below `folder`.

    While `is_on`, one process is kept ready: used by one job, and replaced when that job has ended, so that it takes
    no processor from it. With `reuses_jvm`, those processes use one JVM, one after another, until a job does not
    succeed; of two jobs at the same time, the second starts its own.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, is_on: bool, *, reuses_jvm: bool = False) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting = Waiting(self._new_ready, is_on)
        self._reuses_jvm = reuses_jvm
        self._jvm: ReusedJvm | None = None
        self._jvm_is_taken = False
        self._lock = Lock()

    def get_ready(self) -> None:
        """Start the process for the next job, unless there is one, or the JVM that it would use has a job."""
        with self._lock:
            if not self._jvm_is_taken:
                self._waiting.refill()

    def start(self, command: Command, settings: Mapping[str, str]) -> Processes:
        """The processes of a Spark job that has these settings."""
        if all(name.startswith(SETTINGS_OF_A_SESSION) for name in settings) and (ready := self._take()):
            try:
                ready.serve(command, settings)
            except OSError:
                _log.warning("the Spark process that was kept ready has ended: the job gets a new one")
                self._jvm_is_taken = False
                ready.discard()
            else:
                return ready
        folder = self._new_folder()
        environment = command.environment | spark.configure(folder, settings, class_data.jvm_options())
        return NewSparkProcess(Command(command.arguments, environment, folder), lambda _: self.get_ready())

    def close(self) -> None:
        """End the process that is ready, and the JVM; no other gets ready any more."""
        self._waiting.close()
        self._end_jvm()

    def _take(self) -> ReadySparkProcess | None:
        with self._lock:
            ready = self._waiting.take()
            self._jvm_is_taken = self._jvm_is_taken or (self._reuses_jvm and ready is not None)
        return ready

    def _ready_one_ended(self, succeeded: bool) -> None:
        with self._lock:
            self._jvm_is_taken = False
            if not succeeded:
                # A job that was stopped or has failed may have left anything behind.
                self._end_jvm()
        self.get_ready()

    def _new_ready(self) -> ReadySparkProcess:
        if self._reuses_jvm and (self._jvm is None or not self._jvm.runs):
            self._end_jvm()
            self._jvm = ReusedJvm(self._environment, self._new_folder())
        return ReadySparkProcess(self._environment, self._new_folder(), self._ready_one_ended, self._jvm)

    def _end_jvm(self) -> None:
        if self._jvm:
            self._jvm.end()
            self._jvm = None

    def _new_folder(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        # A server that was killed may have left one.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _lines_after(marker: bytes, pipe: IO[bytes]) -> Generator[bytes]:
    """The lines behind the marker; where none comes, the last ones: they may say why."""
    before: list[bytes] = []
    with pipe:
        for line in pipe:
            if line == marker:
                yield from pipe
                return
            before = [*before[-_LAST_LINES:], line]
    yield from before
