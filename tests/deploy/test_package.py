"""A release is everything that a deployment needs, for one environment and no account, and the same bytes twice."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from complaints.settings.loading import OF_EVERY_ENVIRONMENT
from deploy.artifacts import zipped
from deploy.environments import Environment, load_environment
from deploy.errors import PackageError
from deploy.package import HANDLERS, LAYER, PLUGINS, ROOT, Package, package

DEV = load_environment("dev")


def layer() -> bytes:
    """In the place of a download from the package index, which tests/deploy/test_layer.py tries."""
    return zipped({"python/pydantic.py": b""})


@pytest.fixture(scope="module")
def built() -> Package:
    return package(DEV, layer=layer)


def test_a_second_build_elsewhere_has_the_same_bytes(built: Package, tmp_path: Path) -> None:
    for folder in ("dags", "include", "plugins", "stepfunctions", "infra", "docs/flows", "locks"):
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, tmp_path / folder)
    # What a laptop leaves behind is no part of a release.
    (tmp_path / "dags" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "dags" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (tmp_path / "dags" / "complaints" / "config" / "environment.yaml").write_text("orchestration: {poll_seconds: 1}")
    again = package(DEV, tmp_path, compiler=ROOT / ".venvs" / "airflow" / "bin" / "python", layer=layer)
    assert again.files == built.files
    assert (again.release, again.manifest()) == (built.release, built.manifest())


def test_the_manifest_has_the_hash_of_each_file(built: Package, tmp_path: Path) -> None:
    folder = built.write(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert on_disk == {*manifest["files"], "manifest.json"}
    for name, each in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (each["sha256"], each["bytes"])
    assert (folder.name, manifest["environment"]) == (manifest["release"], "dev")


def test_a_release_holds_what_each_service_reads(built: Package) -> None:
    code = f"artifacts/{built.jobs}"
    assert {
        *("dags/complaints_training.py", "dags/.airflowignore", "dags/complaints/config/pipeline_config.yaml"),
        *(f"{code}/glue.zip", f"{code}/training.tar.gz", f"{code}/glue/prepare_complaints.py"),
        *("stepfunctions/complaints_training.asl.json", "stepfunctions/complaints_classification.trigger.json"),
        *("runbooks/complaints_training.md", "sbom.json", HANDLERS, LAYER, PLUGINS),
    } <= built.files.keys()


def test_a_release_has_no_active_environment_and_no_local_aws(built: Package) -> None:
    config = {name for name in built.files if name.startswith("dags/complaints/config/")}
    assert config == {f"dags/complaints/config/{name}" for name in OF_EVERY_ENVIRONMENT}
    with zipfile.ZipFile(io.BytesIO(built.files[HANDLERS])) as handlers:
        names = handlers.namelist()
    assert {"stepfunctions/handlers/steps.py", *(f"complaints/config/{name}" for name in OF_EVERY_ENVIRONMENT)} <= set(
        names
    )
    assert not [name for name in names if name.endswith(("local.yaml", "dev.yaml", "environment.yaml"))]
    for name in built.files:
        assert b"123456789012" not in built.files[name] or not name.endswith((".json", ".yaml")), name


def test_the_machines_are_compiled_with_the_values_of_the_environment(built: Package) -> None:
    values = {"glue": {"timeout_minutes": 77}, "storage": {"raw": "incoming/"}}
    other = package(Environment("prod", values), layer=layer)
    assert other.release != built.release
    assert other.jobs == built.jobs
    name = "stepfunctions/complaints_classification.trigger.json"
    trigger = json.loads(other.files[name])["detail"]
    assert trigger == {"bucket": {"name": ["${Bucket}"]}, "object": {"key": [{"wildcard": "incoming/*.*"}]}}
    assert json.loads(built.files[name])["detail"]["object"] == {"key": [{"wildcard": "raw/*.*"}]}


def test_a_compiler_that_fails_is_reported_with_what_it_said(tmp_path: Path) -> None:
    compiler = tmp_path / "python"
    compiler.write_text("#!/bin/sh\necho 'No module named airflow' >&2\nexit 1\n")
    compiler.chmod(0o755)
    with pytest.raises(PackageError, match="the DAGs cannot be compiled: No module named airflow"):
        package(DEV, compiler=compiler, layer=layer)
