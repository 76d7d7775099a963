"""The Lambda layer: pydantic and PyYAML with their dependencies, which the functions import and Lambda does not have.

Versions and hashes come from `locks/airflow.txt`: a task runs with the same packages in MWAA and in Lambda.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.artifacts import zipped
from deploy.errors import LayerError

PACKAGES = ("annotated-types", "pydantic", "pydantic-core", "pyyaml", "typing-extensions", "typing-inspection")
_LOCK = Path(__file__).parent.parent / "locks" / "airflow.txt"
_PYTHON, _PLATFORM = "3.12", "manylinux2014_x86_64"


def pinned(lock: str, packages: tuple[str, ...] = PACKAGES) -> str:
    """The entries of the lock for these packages, with their hashes.

    Raises:
        LayerError: the lock has no entry for one of them.
    """
    entries = {entry[1]: entry[0] for entry in re.finditer(r"^([a-z0-9-]+)==(?:.*\\\n)*.*\n?", lock, re.MULTILINE)}
    if missing := sorted(set(packages) - entries.keys()):
        raise LayerError(f"the lock has no entry for {', '.join(missing)}; run `make lock`")
    return "".join(entries[name] for name in packages)


def layer_archive(lock: Path = _LOCK) -> bytes:
    """The layer as a zip: the packages' wheels, unpacked below `python/`. The same lock gives the same bytes.

    Raises:
        LayerError: pip cannot download a wheel for Lambda's platform.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements, target = Path(folder) / "requirements.txt", Path(folder) / "python"
        requirements.write_text(pinned(lock.read_text(encoding="utf-8")), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--no-compile", "--implementation", "cp"]
        command += ["--python-version", _PYTHON, "--platform", _PLATFORM, "--target", str(target)]
        done = subprocess.run([*command, "-r", str(requirements)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LayerError(f"pip could not download the layer's packages: {done.stderr.strip()[-1000:]}")
        # RECORD and INSTALLER depend on the installer, not on the package.
        files = sorted(
            path for path in target.rglob("*") if path.is_file() and path.name not in ("RECORD", "INSTALLER")
        )
        return zipped({f"python/{path.relative_to(target).as_posix()}": path.read_bytes() for path in files})
