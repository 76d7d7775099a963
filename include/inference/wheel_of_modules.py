"""The build backend of this folder (PEP 517): a wheel with its modules, made with Python's standard library alone.

SageMaker's container installs the folder by `pip install .` before it serves. pip would fetch setuptools from a package
index to build it, and a job without internet could not start.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME = "complaints_inference-1"
_METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: complaints-inference\nVersion: 1\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: wheel_of_modules\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,  # noqa: ARG001 - PEP 517 names them
    metadata_directory: str | None = None,  # noqa: ARG001
) -> str:
    """Writes the wheel of the modules in the working directory; returns its name."""
    # The container writes a setup.py where there is none.
    modules = [path for path in sorted(Path().glob("*.py")) if path.stem not in (__name__, "setup")]
    files = {path.name: path.read_bytes() for path in modules}
    files |= {f"{_NAME}.dist-info/{name}": text.encode() for name, text in _METADATA.items()}
    record = f"{_NAME}.dist-info/RECORD"
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    wheel = f"{_NAME}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
