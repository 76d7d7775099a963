"""Local AWS in a process of its own: moto's state, which this one has, is shared by all that is in one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localaws.server.cloud import Cloud
from localaws.server.credentials import read_credentials

_SCRIPT = """
import json, sys
from pathlib import Path
from localaws import LocalAWS
with LocalAWS(Path(sys.argv[1]), forks=True) as aws:
    print(json.dumps([aws.endpoint, str(aws.credentials_file)]), flush=True)
    sys.stdin.read()
"""


class ForkingAWS:
    """A local AWS whose functions are forks; `folder` is its state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", _SCRIPT, str(folder)]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        endpoint, file = json.loads(self._process.stdout.readline())
        credentials = read_credentials(Path(file))
        assert credentials
        self._cloud = Cloud(endpoint, "us-east-1", credentials)

    def client(self, service: str) -> Any:
        return self._cloud.client(service)

    @property
    def forking(self) -> dict[int, int]:
        """The processes of its functions: by their ids, those of their parents."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
                if str(self.folder / "jobs").encode() in arguments:
                    found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        return found

    def close(self) -> None:
        self._cloud.close()
        # The end of its input is its end.
        self._process.communicate()


@contextmanager
def forking_aws(folder: Path) -> Iterator[ForkingAWS]:
    running = ForkingAWS(folder)
    try:
        yield running
    finally:
        running.close()
