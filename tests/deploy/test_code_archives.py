"""The functions' code and plugins.zip hold what they need, one environment at most, and the same bytes each time."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from complaints.settings.loading import OF_EVERY_ENVIRONMENT
from deploy.code_archives import ROOT, active_environment, functions_archive, plugins_archive, with_environment

DOMAIN = "complaints_ui/domain/complaints/"
every_archive = pytest.mark.parametrize("archive", [functions_archive, plugins_archive])


def names(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def test_plugins_zip_holds_the_plugins_at_its_root_and_not_the_one_for_sqlite() -> None:
    found = names(plugins_archive())
    assert {"complaints_pages.py", "trigger_errors.py", ".airflowignore", "complaints_ui/routes.py"} <= found
    assert not any("sqlite" in name or "__pycache__" in name or name.startswith("plugins/") for name in found)


@pytest.mark.parametrize(("archive", "folder"), [(functions_archive, "complaints/"), (plugins_archive, DOMAIN)])
def test_an_archive_holds_every_file_of_the_domain_package_but_those_of_environments(archive, folder: str) -> None:
    package = ROOT / "dags" / "complaints"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name and not name.startswith("config/")}
    expected |= {f"config/{name}" for name in OF_EVERY_ENVIRONMENT}
    assert {name.removeprefix(folder) for name in names(archive()) if name.startswith(folder)} == expected


@every_archive
def test_the_active_environment_is_added_to_the_settings_of_all_others(archive) -> None:
    packed = zipfile.ZipFile(io.BytesIO(with_environment(archive(), b"storage: {bucket: mine}")))
    (active,) = (name for name in packed.namelist() if name.endswith("/config/environment.yaml"))
    assert packed.read(active) == b"storage: {bucket: mine}"
    assert active.replace("environment.yaml", "pipeline_config.yaml") in packed.namelist()


@every_archive
def test_the_same_files_give_the_same_bytes(archive) -> None:
    assert archive() == archive()
    assert with_environment(archive(), b"a") == with_environment(archive(), b"a") != with_environment(archive(), b"b")


def test_on_a_laptop_local_aws_is_active_with_what_the_tree_changes(tmp_path: Path) -> None:
    config = Path(shutil.copytree(ROOT / "dags" / "complaints" / "config", tmp_path / "dags" / "complaints" / "config"))
    local = yaml.safe_load((config / "local.yaml").read_text())
    assert yaml.safe_load(active_environment(tmp_path)) == local
    (config / "environment.yaml").write_text('{"orchestration": {"poll_seconds": 1}}')
    found = yaml.safe_load(active_environment(tmp_path))
    assert found["orchestration"] == {**local["orchestration"], "poll_seconds": 1}
    assert found["storage"] == local["storage"]
