"""The Lambda layer holds every package that the functions need, for Lambda's platform, and is published once."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.errors import LayerError
from deploy.layer import PACKAGES, layer_archive, pinned

# Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ZIPPED_LIMIT, UNZIPPED_LIMIT = 50_000_000, 250_000_000
# The environment in which the markers of requirements are evaluated.
LAMBDA = {"python_version": "3.12", "python_full_version": "3.12.0", "sys_platform": "linux", "extra": ""}
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


def _records(archive: bytes, name: str) -> Iterator[Message]:
    """The metadata file `name` of each package in the layer."""
    layer = zipfile.ZipFile(io.BytesIO(archive))
    for path in layer.namelist():
        if path.endswith(f".dist-info/{name}"):
            yield Parser().parsestr(layer.read(path).decode())


def test_the_layer_is_built_for_lambdas_python_and_is_the_same_each_time(archive: bytes) -> None:
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled
    assert all("cpython-312-x86_64-linux-gnu" in name for name in compiled)
    assert all(name.startswith("python/") for name in names)
    assert layer_archive() == archive


def test_every_wheel_is_pure_or_for_lambdas_python_and_platform(archive: bytes) -> None:
    tags = [each.get_all("Tag", []) for each in _records(archive, "WHEEL")]
    assert len(tags) == len(PACKAGES)
    compiled = [each for each in tags if each != ["py3-none-any"]]
    assert compiled
    assert all("cp312-cp312-manylinux2014_x86_64" in each for each in compiled), compiled


def test_the_layer_leaves_room_for_the_function(archive: bytes) -> None:
    unzipped = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(archive)).infolist())
    assert len(archive) < ZIPPED_LIMIT / 5
    assert unzipped < UNZIPPED_LIMIT / 5


@pytest.mark.skipif(not PYTHONS, reason="no Python 3.12, which Lambda has, on this machine")
def test_the_settings_load_with_no_packages_but_the_layers(archive: bytes, tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path)
    paths = [str(tmp_path / "python"), str(Path(__file__).parents[2] / "dags")]
    script = f"import sys; sys.path += {paths!r}; from complaints.settings import load_settings; print(load_settings())"
    done = subprocess.run([str(PYTHONS[-1]), "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ptmlops" in done.stdout


def test_the_layer_holds_every_dependency_of_its_packages_in_a_version_that_they_accept(archive: bytes) -> None:
    packages = {canonicalize_name(each["Name"]): each for each in _records(archive, "METADATA")}
    assert sorted(packages) == sorted(PACKAGES)
    needed = {"pydantic", "pyyaml"}
    for name, metadata in packages.items():
        for text in metadata.get_all("Requires-Dist", []):
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate(LAMBDA):
                continue
            needed.add(canonicalize_name(wanted.name))
            assert wanted.specifier.contains(packages[canonicalize_name(wanted.name)]["Version"]), f"{name}: {text}"
    assert sorted(needed) == sorted(PACKAGES)


def test_a_package_without_an_entry_in_the_lock_is_named() -> None:
    with pytest.raises(LayerError, match="the lock has no entry for pyyaml; run `make lock`"):
        pinned("pydantic==1 \\\n    --hash=sha256:0\npyyaml-ft==8\n", ("pydantic", "pyyaml"))
