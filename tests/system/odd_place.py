"""A copy of the project with a name that scripts dislike, run from a shell that has everything set up for others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "my projects (ü)'s $(touch ran)"
# None of it may reach our environments, local AWS or Airflow; each has stopped a program of somebody.
SHELL = {
    "AIRFLOW_HOME": "/nonexistent",
    "AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor",
    "AWS_PROFILE": "gone",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "JAVA_HOME": "/nonexistent",
    "LC_ALL": "POSIX",
    "PIP_USER": "1",
    "PYTHONSAFEPATH": "1",
    "SPARK_CONF_DIR": "/nonexistent",
    "SPARK_HOME": "/nonexistent",
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "example.org",
}
_BROKEN_AWS_CONFIG = "[default]\nregion\n[profile x]\ns3 =\n  use_accelerate_endpoint = true\n"


def copied(folder: Path) -> Path:
    """The project's files in a folder of that name, with the environments of this checkout."""
    place = folder / NAME
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    # Older than what was installed from them.
    for lock in (place / "locks").iterdir():
        os.utime(lock, (0, 0))
    (place / ".venvs").symlink_to(ROOT / ".venvs")
    return place


def make_run(
    place: Path, home: Path, train: Sequence[Path], classify: Sequence[Path]
) -> subprocess.CompletedProcess[str]:
    """`make run` in the copy over files of these, in folders whose names need quotes."""
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(_BROKEN_AWS_CONFIG)
    command = ["make", "run"]
    for name, paths in (("TRAIN", train), ("CLASSIFY", classify)):
        folder = home / f"{name} of (ü)'s $(touch ran)"
        folder.mkdir()
        for path in paths:
            shutil.copy2(path, folder)
        command.append(f"{name}={folder}")
    shell = {"PATH": "/usr/bin:/bin", "HOME": str(home), **SHELL}
    return subprocess.run(command, cwd=place, env=shell, capture_output=True, text=True, check=False)
