"""The state folder of `make up`: its format, the process that uses it, and that process's addresses."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from laptop.servers.processes import ServerError, free_port, is_in_use

BUILD = Path("build") / "up"
FORMAT = 1
_LOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Running:
    """The `make up` that runs, or the last that ran. Time and addresses are empty while it is starting."""

    pid: int
    since: str
    address: str
    endpoint: str
    ready: bool = False
    reports_port: int = 0

    @property
    def port(self) -> int:
        """The port of Airflow."""
        return int(self.address.rpartition(":")[2])

    @property
    def aws_port(self) -> int:
        """The port of local AWS."""
        return int(self.endpoint.rpartition(":")[2])


class State:
    """One state folder.

    `state.json` has the format and Airflow's version, `running.json` the process that uses the folder or used it last,
    and a lock on `lock` is held while that process is alive.
    """

    def __init__(self, folder: Path = BUILD) -> None:
        self.folder = folder
        self.aws = folder / "aws"
        self.airflow = folder / "airflow"
        self.runs = folder / "runs"

    def prepare(self, airflow: str) -> None:
        """Creates the folder, readable by its owner only, or checks that Airflow `airflow` can use the existing one.

        Raises:
            ServerError: the folder is not ours, has another format, or was used by a newer Airflow.
        """
        found = _read(self.folder / "state.json")
        remedy = f"move {self.folder} away, or remove it with make reset"
        if not found and self.folder.is_dir() and any(self.folder.iterdir()):
            raise ServerError(f"{self.folder} was not created by make up: it has files, but no state.json: {remedy}")
        if found and found.get("format") != FORMAT:
            reason = f"{self.folder} has format {found.get('format')!r}, but this make up uses format {FORMAT}"
            raise ServerError(f"{reason}: {remedy}")
        if found and _numbers(found["airflow"]) > _numbers(airflow):
            reason = f"{self.folder} was used by Airflow {found['airflow']}, whose database {airflow} cannot read"
            raise ServerError(f"{reason}: use the newer version again, or {remedy}")
        self.folder.mkdir(parents=True, exist_ok=True)
        # A folder that an earlier version created may be open to other users.
        self.folder.chmod(0o700)
        # Before Airflow migrates its database, so that the database is never newer than the version recorded here.
        self._write("state.json", {"sample": False, **found, "format": FORMAT, "airflow": airflow})

    @property
    def has_sample(self) -> bool:
        """True if the sample was uploaded once; it is not uploaded again, in case it was deleted on purpose."""
        return bool(_read(self.folder / "state.json").get("sample"))

    def sample_is_there(self) -> None:
        """Records that the sample was uploaded."""
        self._write("state.json", {**_read(self.folder / "state.json"), "sample": True})

    def last(self) -> Running | None:
        """The process that uses the folder, or used it last."""
        found = _read(self.folder / "running.json")
        return Running(**found) if found else None

    def holder(self) -> Running | None:
        """The process that uses the folder now."""
        lock = self.folder / "lock"
        if not lock.exists():
            return None
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, last = int(file.read() or b"0"), self.last()
                return last if last and last.pid == pid else Running(pid, "", "", "")
        return None

    def check_free(self) -> None:
        """Raises ServerError if a process uses the folder."""
        if first := self.holder():
            where = f"pid {first.pid}, {first.address or 'starting'}"
            raise ServerError(
                f"make up is already running with {self.folder} ({where}); see make status, or stop it with make down"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Locks the folder for the block; the lock ends with the process, however it ends.

        Raises:
            ServerError: another process uses the folder.
        """
        with (self.folder / "lock").open("ab") as lock:
            self._lock(lock)
            # At once, since running.json still describes the last process.
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            yield

    def begin(self, port: int) -> Running:
        """Records this process: Airflow on `port`; local AWS and the reports on their last ports, if those are free."""
        last = self.last()
        running = Running(
            os.getpid(),
            datetime.now(UTC).isoformat(timespec="seconds"),
            f"http://127.0.0.1:{port}",
            f"http://127.0.0.1:{self._free(last.aws_port if last else 0)}",
            reports_port=self._free(last.reports_port if last else 0),
        )
        self._write("running.json", asdict(running))
        return running

    def is_ready(self, running: Running) -> None:
        """Records that the servers are ready."""
        self._write("running.json", asdict(replace(running, ready=True)))

    def _lock(self, lock: Any) -> None:
        # `holder` in another process takes the lock for a moment.
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.check_free()
                time.sleep(0.05)

    @staticmethod
    def _free(port: int) -> int:
        """The last port, which a person may have exported or linked, or a free one if that is in use."""
        return free_port() if not port or is_in_use(port) else port

    def _write(self, name: str, document: dict[str, Any]) -> None:
        unfinished = self.folder / f"{name}.{os.getpid()}"
        unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self.folder / name)


def airflow_version(environment: Path) -> str:
    """The version of Airflow in a virtual environment."""
    folders = [str(folder) for folder in environment.glob("lib/python*/site-packages")]
    for found in importlib.metadata.distributions(name="apache-airflow-core", path=folders):
        return found.version
    raise ServerError(f"{environment} has no Airflow; make up installs it")


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ServerError(f"{file} cannot be read ({error}): remove {file.parent} with make reset") from error
    return document if isinstance(document, dict) else {}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
