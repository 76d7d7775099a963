"""The folder that `make up` keeps its state in: what made it, who uses it now, and where that one can be reached."""

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
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Running:
    """A `make up` that runs, or ran last: its process, since when, and its addresses, all empty at the beginning."""

    pid: int
    since: str
    address: str
    endpoint: str
    ready: bool = False

    @property
    def port(self) -> int:
        """Airflow's."""
        return int(self.address.rpartition(":")[2])

    @property
    def aws_port(self) -> int:
        """Local AWS's."""
        return int(self.endpoint.rpartition(":")[2])


class State:
    """One state folder. `state.json` says what made it, `running.json` who uses it; a lock, whether that one lives."""

    def __init__(self, folder: Path = BUILD) -> None:
        self.folder = folder
        self.aws = folder / "aws"
        self.airflow = folder / "airflow"

    def prepare(self, airflow: str) -> None:
        """Makes the folder, or finds that the Airflow of this version can go on with what is there.

        Raises:
            ServerError: it is not ours, of another format, or of a newer Airflow.
        """
        found = _read(self.folder / "state.json")
        remedy = f"move {self.folder} away, or forget it: make reset"
        if not found and self.folder.is_dir() and any(self.folder.iterdir()):
            raise ServerError(f"{self.folder} holds what make up did not make, as it has no state.json: {remedy}")
        if found and found.get("format") != FORMAT:
            told = f"{self.folder} has format {found.get('format')!r}, and this make up reads format {FORMAT}"
            raise ServerError(f"{told}: {remedy}")
        if found and _numbers(found["airflow"]) > _numbers(airflow):
            told = f"{self.folder} was used by Airflow {found['airflow']}, whose database {airflow} cannot read"
            raise ServerError(f"{told}: run the newer one again, or {remedy}")
        # Before Airflow brings its database up to date: it never is newer than what stands here.
        self._write("state.json", {"sample": False, **found, "format": FORMAT, "airflow": airflow})

    @property
    def has_sample(self) -> bool:
        """Whether the sample was uploaded once: who deleted it wants it gone."""
        return bool(_read(self.folder / "state.json").get("sample"))

    def sample_is_there(self) -> None:
        """The sample was uploaded."""
        self._write("state.json", {**_read(self.folder / "state.json"), "sample": True})

    def last(self) -> Running | None:
        """Who uses the folder, or used it last."""
        found = _read(self.folder / "running.json")
        return Running(**found) if found else None

    def holder(self) -> Running | None:
        """Who uses the folder now."""
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
        """Raises ServerError if somebody uses the folder."""
        if first := self.holder():
            where = f"pid {first.pid}, {first.address or 'being started'}"
            raise ServerError(
                f"make up runs already with {self.folder} ({where}); make status tells more, make down stops it"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder is ours until the end of the block, however that comes.

        Raises:
            ServerError: another one uses it.
        """
        with (self.folder / "lock").open("ab") as lock:
            self._take(lock)
            # At once: the other file is still that of who ran last.
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            yield

    def begin(self, port: int) -> Running:
        """Who holds the folder says who it is: Airflow on `port`, and local AWS where it was, if that port is free."""
        running = Running(
            os.getpid(),
            datetime.now(UTC).isoformat(timespec="seconds"),
            f"http://127.0.0.1:{port}",
            f"http://127.0.0.1:{self._aws_port()}",
        )
        self._write("running.json", asdict(running))
        return running

    def is_ready(self, running: Running) -> None:
        """What was being started is there."""
        self._write("running.json", asdict(replace(running, ready=True)))

    def _take(self, lock: Any) -> None:
        # Who only looks holds it for a moment.
        deadline = time.monotonic() + _LOOK_SECONDS
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.check_free()
                time.sleep(0.05)

    def _aws_port(self) -> int:
        """The one of the last time, which a person may have exported, unless somebody took it."""
        last = self.last()
        port = last.aws_port if last else 0
        return free_port() if not port or is_in_use(port) else port

    def _write(self, name: str, document: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{name}.{os.getpid()}"
        unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self.folder / name)


def airflow_version(environment: Path) -> str:
    """The version of Airflow that a virtual environment has."""
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
        raise ServerError(f"{file} cannot be read ({error}): remove {file.parent}: make reset") from error
    return document if isinstance(document, dict) else {}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
