"""A job's output, sent line by line to CloudWatch Logs and written to files while it runs."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Any

from localaws.jobs.processes import Lines
from localaws.server.protocol import Json

GROUPS = (
    "/aws-glue/jobs/output",
    "/aws-glue/jobs/error",
    "/aws/sagemaker/TrainingJobs",
    "/aws/sagemaker/ProcessingJobs",
    "/aws/sagemaker/TransformJobs",
)
FLUSH_SECONDS = 0.3
# PutLogEvents takes 10,000 events and 1 MiB, an event 256 KiB; a character is at most 4 bytes in UTF-8.
EVENTS_PER_CALL = 10_000
BYTES_PER_CALL = 1_000_000
EVENT_OVERHEAD_BYTES = 26
CHARACTERS_PER_EVENT = 60_000
# Enough for a Java stack trace with all its causes below the Python one.
TAIL_LINES = 5_000

_log = logging.getLogger(__name__)


@dataclass
class LogStream:
    """A CloudWatch log stream, the file with the same lines, and the last of them.

    Each stream has a `tail` of its own: threads read standard output and standard error at the same time, so that the
    order of lines between the two is an accident.
    """

    group: str
    name: str
    file: Path
    pending: list[Json] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))


class JobLog:
    """The log of one job: one stream for all output, or one each for stdout and stderr.

    A context manager around the job: on leaving, all lines have been sent to CloudWatch Logs.
    """

    def __init__(self, logs: Any, *streams: LogStream) -> None:
        self.streams = streams
        self._logs = logs
        self._lock = Lock()
        self._closed = Event()
        self._pump = Thread(target=self._pump_until_closed, daemon=True)

    def __enter__(self) -> "JobLog":
        for stream in self.streams:
            stream.file.parent.mkdir(parents=True, exist_ok=True)
            # Without the lines of a job of the same name, of an earlier server.
            stream.file.write_bytes(b"")
            self._logs.create_log_stream(logGroupName=stream.group, logStreamName=stream.name)
        self._pump.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._pump.join()

    def follow(self, outputs: Sequence[Lines]) -> list[Thread]:
        """Starts and returns a thread for each output, which reads it to its end."""
        readers = [
            Thread(target=self._read, args=(output, stream), daemon=True)
            for output, stream in zip(outputs, self.streams, strict=True)
        ]
        for reader in readers:
            reader.start()
        return readers

    def append(self, text: str) -> None:
        """Append lines to the stream of errors."""
        stream = self.streams[-1]
        with stream.file.open("ab") as file:
            for line in text.splitlines():
                self._add(stream, file, line.encode())

    def _read(self, output: Lines, stream: LogStream) -> None:
        # Iterating a binary pipe splits at b"\n" only: U+2028 and the like stay inside a line.
        with closing(output), stream.file.open("ab", buffering=0) as file:
            for line in output:
                self._add(stream, file, line.rstrip(b"\r\n"))

    def _add(self, stream: LogStream, file: IO[bytes], line: bytes) -> None:
        file.write(line + b"\n")
        text = line.decode("utf-8", errors="replace")
        now = int(time.time() * 1000)
        # CloudWatch refuses empty messages.
        parts = [text[i : i + CHARACTERS_PER_EVENT] for i in range(0, len(text), CHARACTERS_PER_EVENT)] or [" "]
        with self._lock:
            stream.tail.append(text)
            stream.pending += [{"timestamp": now, "message": part} for part in parts]

    def _pump_until_closed(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        for stream in self.streams:
            with self._lock:
                events, stream.pending = stream.pending, []
            for batch in _batches(events):
                try:
                    self._logs.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=batch)
                except Exception:
                    # A job must not fail because its log cannot be sent; the file has the lines.
                    _log.exception("%s: could not send %d lines to %s", stream.name, len(batch), stream.group)


def _batches(events: list[Json]) -> Iterator[list[Json]]:
    batch: list[Json] = []
    size = 0
    for event in events:
        needed = len(event["message"].encode()) + EVENT_OVERHEAD_BYTES
        if batch and (len(batch) == EVENTS_PER_CALL or size + needed > BYTES_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += needed
    if batch:
        yield batch
