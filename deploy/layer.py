"""The Lambda layer: what the functions import and Lambda's Python lacks, pydantic and PyYAML with all that they need.

The versions and hashes are those of `locks/airflow.txt`, so that a task meets the same code in MWAA and in Lambda.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from deploy.artifacts import zipped

LAYER = "ptmlops-steps"
PACKAGES = ("annotated-types", "pydantic", "pydantic-core", "pyyaml", "typing-extensions", "typing-inspection")
_LOCK = Path(__file__).parent.parent / "locks" / "airflow.txt"
_RUNTIME, _PYTHON, _PLATFORM = "python3.12", "3.12", "manylinux2014_x86_64"


class LayerError(RuntimeError):
    """The layer cannot be built; the message says which package is missing, or what pip said."""


def pinned(lock: str, packages: tuple[str, ...] = PACKAGES) -> str:
    """The lines of the lock that pin these packages, hashes and all.

    Raises:
        LayerError: the lock does not pin one of them.
    """
    entries = {entry[1]: entry[0] for entry in re.finditer(r"^([a-z0-9-]+)==(?:.*\\\n)*.*\n?", lock, re.MULTILINE)}
    if missing := sorted(set(packages) - entries.keys()):
        raise LayerError(f"the lock pins no {', '.join(missing)}; run make lock")
    return "".join(entries[name] for name in packages)


def layer_archive(lock: Path = _LOCK) -> bytes:
    """The layer as a zip: the packages' wheels, unpacked below `python/`. The same lock gives the same bytes.

    Raises:
        LayerError: pip cannot fetch a wheel for Lambda's platform.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements, target = Path(folder) / "requirements.txt", Path(folder) / "python"
        requirements.write_text(pinned(lock.read_text(encoding="utf-8")), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--no-compile", "--implementation", "cp"]
        command += ["--python-version", _PYTHON, "--platform", _PLATFORM, "--target", str(target)]
        done = subprocess.run([*command, "-r", str(requirements)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LayerError(f"pip could not fetch the layer's packages: {done.stderr.strip()[-1000:]}")
        # RECORD and INSTALLER tell how a wheel came here, and differ from installer to installer.
        files = sorted(
            path for path in target.rglob("*") if path.is_file() and path.name not in ("RECORD", "INSTALLER")
        )
        return zipped({f"python/{path.relative_to(target).as_posix()}": path.read_bytes() for path in files})


def put_layer(functions: Any, archive: bytes) -> str:
    """Publishes the layer where its content has changed; returns the ARN of its newest version."""
    digest = base64.b64encode(hashlib.sha256(archive).digest()).decode()
    versions = functions.list_layer_versions(LayerName=LAYER, CompatibleRuntime=_RUNTIME)["LayerVersions"]
    if versions:
        newest = max(versions, key=lambda each: int(each["Version"]))
        described = functions.get_layer_version(LayerName=LAYER, VersionNumber=newest["Version"])
        if described["Content"]["CodeSha256"] == digest:
            return str(newest["LayerVersionArn"])
    content = {"ZipFile": archive}
    made = functions.publish_layer_version(LayerName=LAYER, Content=content, CompatibleRuntimes=[_RUNTIME])
    published: str = made["LayerVersionArn"]
    return published
