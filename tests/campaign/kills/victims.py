"""What can die while a flow runs, found in this machine's processes and in local AWS, and killed for good."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from localaws import LocalAWS

Kill = Callable[[], None]


def victims(kind: str, aws: LocalAWS, folder: Path, airflow: int) -> list[Kill]:
    """How to kill each one of `kind` that is alive now.

    `folder` is where local AWS has its state, `airflow` the session of Airflow's processes.

    - worker: the process in which Airflow runs a task (not that of LocalExecutor around it, which cannot do without:
      it leaves a lock behind);
    - job: the process of a job's script;
    - spark: the Java machine of a Glue job, once a job uses it;
    - thread: local AWS's own thread of a job, which then ends without collecting anything.
    """
    if kind == "thread":
        return [job.abandon for job in aws.jobs if job.running and not job.stopping]
    if kind == "worker":
        return [_killing(pid) for pid in _commands("airflow worker -- ") if _session(pid) == airflow]
    scripts = [pid for pid in _commands(*_SCRIPTS) if _is_in(folder, pid) and _has_begun(pid)]
    if kind == "job":
        return [_killing(pid) for pid in scripts]
    return [_killing(pid) for pid in _commands(_JVM) if scripts and _is_in(folder, pid)]


# Words of the command lines, of which one is enough: of Glue's, and of forks that SageMaker jobs are, not functions.
_SCRIPTS = ("/script/", "ready_process.py", "sklearn.pipeline")
_JVM = "org.apache.spark.deploy.SparkSubmit"


def _is_in(folder: Path, pid: int) -> bool:
    return str(folder).encode() in _environment(pid) + _command(pid)


def _has_begun(pid: int) -> bool:
    """False for a process that still waits for its job: it reads what the job is from a pipe."""
    try:
        return str(Path(f"/proc/{pid}/fd/0").readlink()) == os.devnull
    except OSError:
        return False


def _killing(pid: int) -> Kill:
    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return kill


def _commands(*words: str) -> Iterator[int]:
    """The processes whose command line holds one of the words; none of LocalExecutor's own."""
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        command = _command(pid).replace(b"\0", b" ").decode(errors="replace")
        if any(word in command for word in words) and "LocalExecutor" not in command:
            yield pid


def _command(pid: int) -> bytes:
    return _read(Path(f"/proc/{pid}/cmdline"))


def _environment(pid: int) -> bytes:
    return _read(Path(f"/proc/{pid}/environ"))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
