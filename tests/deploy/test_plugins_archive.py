"""plugins.zip holds the pages with their code and settings, nothing of a laptop, and the same bytes each time."""

from __future__ import annotations

import io
import zipfile

from complaints.settings.loading import OF_EVERY_ENVIRONMENT
from deploy.plugins_archive import ROOT, plugins_archive

DOMAIN = "complaints_ui/domain/complaints/"


def names(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def test_the_archive_holds_the_plugins_at_its_root_and_not_the_one_for_sqlite() -> None:
    found = names(plugins_archive())
    assert {"complaints_pages.py", "trigger_errors.py", ".airflowignore", "complaints_ui/routes.py"} <= found
    assert not any("sqlite" in name or "__pycache__" in name or name.startswith("plugins/") for name in found)


def test_the_archive_holds_every_file_of_the_domain_package() -> None:
    package = ROOT / "dags" / "complaints"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name and not name.endswith(".pyc")}
    assert {DOMAIN + name for name in files} <= names(plugins_archive())


def test_the_settings_of_the_environment_take_the_place_of_all_others() -> None:
    archive = zipfile.ZipFile(io.BytesIO(plugins_archive(b"storage: {bucket: mine}")))
    assert archive.read(f"{DOMAIN}config/environment.yaml") == b"storage: {bucket: mine}"
    config = {name.rpartition("/")[2] for name in archive.namelist() if "/config/" in name}
    assert config == {"environment.yaml", *OF_EVERY_ENVIRONMENT}, "nothing of other environments"


def test_the_same_files_give_the_same_bytes() -> None:
    assert plugins_archive() == plugins_archive()
