"""The Lambda layer: all that the functions import and Lambda lacks, for Lambda's platform, published once."""

from __future__ import annotations

import importlib.metadata
import io
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.layer import PACKAGES, LayerError, layer_archive, pinned, put_layer

PYTHONS = sorted(Path.home().glob(".pyenv/versions/3.12*/bin/python3.12"))


@pytest.fixture(scope="module")
def archive() -> bytes:
    """The layer, built for real from the package index."""
    try:
        return layer_archive()
    except LayerError as error:
        if re.search(r"Connection|resolve|timed out", str(error)):
            pytest.skip(f"the package index cannot be reached: {error}")
        raise


def test_the_layer_is_for_lambdas_python_and_the_same_each_time(archive: bytes) -> None:
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled
    assert all("cpython-312-x86_64-linux-gnu" in name for name in compiled)
    assert all(name.startswith("python/") for name in names)
    assert layer_archive() == archive


@pytest.mark.skipif(not PYTHONS, reason="no Python 3.12, which Lambda has, on this machine")
def test_with_the_layer_alone_the_settings_can_be_read(archive: bytes, tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path)
    paths = [str(tmp_path / "python"), str(Path(__file__).parents[2] / "dags")]
    script = f"import sys; sys.path += {paths!r}; from complaints.settings import load_settings; print(load_settings())"
    done = subprocess.run([str(PYTHONS[-1]), "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ptmlops" in done.stdout


def test_the_packages_are_all_that_those_that_we_import_need() -> None:
    needed, waiting = set(), ["pydantic", "pyyaml"]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        wanted = [each for each in importlib.metadata.requires(name) or [] if "extra ==" not in each]
        names = {re.split(r"[^A-Za-z0-9-_.]", each)[0].lower().replace("_", "-") for each in wanted}
        waiting += sorted(names - needed)
    assert sorted(needed) == sorted(PACKAGES)


def test_a_package_that_the_lock_does_not_pin_is_named() -> None:
    with pytest.raises(LayerError, match="the lock pins no pyyaml; run make lock"):
        pinned("pydantic==1 \\\n    --hash=sha256:0\npyyaml-ft==8\n", ("pydantic", "pyyaml"))


@pytest.fixture
def functions(in_memory_aws: None) -> Any:
    return boto3.client("lambda", region_name="us-east-1")


def test_the_layer_is_published_when_its_content_changes_and_only_then(functions: Any) -> None:
    from deploy.artifacts import zipped

    first = put_layer(functions, zipped({"python/a.py": b"1"}))
    assert put_layer(functions, zipped({"python/a.py": b"1"})) == first
    assert put_layer(functions, zipped({"python/a.py": b"2"})) != first
