"""The archives that hold the package `complaints`: the code of the functions, and plugins.zip for MWAA.

Both are made without the file of any environment, since a release has none; `with_environment` adds it when the release
is deployed. MWAA gives its API server the plugins and no DAGs, so plugins.zip has a copy of `complaints` for the pages;
tasks never import it. The same files give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from complaints.settings.loading import ENVIRONMENT, LOCAL, OF_EVERY_ENVIRONMENT, PIPELINE, overlaid
from deploy.artifacts import zipped

ROOT = Path(__file__).parent.parent
_CONFIG = "complaints/config/"
_PACKED = "complaints_ui/domain/"
# For SQLite, which only a laptop has.
_OF_A_LAPTOP = ("sqlite_writes.py",)
_OF_PLUGINS = (".py", ".yaml", ".json", ".css", ".js")


def functions_archive(root: Path = ROOT) -> bytes:
    """The code of all functions: the handlers, and the domain with its configuration, but no DAG and no operator."""
    return zipped({**_domain(root), **{f"stepfunctions/{name}": each for name, each in handler_files(root).items()}})


def plugins_archive(root: Path = ROOT) -> bytes:
    """plugins.zip: Airflow's plugins, and the domain that the pages of the UI import."""
    return zipped({**plugin_files(root), **{f"{_PACKED}{name}": each for name, each in _domain(root).items()}})


def with_environment(archive: bytes, active: bytes) -> bytes:
    """One of these archives with the active `environment.yaml`."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    (settings,) = (name for name in files if name.endswith(f"{_CONFIG}{PIPELINE}"))
    return zipped({**files, f"{settings.removesuffix(PIPELINE)}{ENVIRONMENT}": active})


def active_environment(root: Path = ROOT) -> bytes:
    """The `environment.yaml` that is active in the tree below `root`: local AWS, with what its tree changes of it."""
    config, values = root / "dags" / _CONFIG, dict[str, Any]()
    for path in (config / LOCAL, config / ENVIRONMENT):
        if path.exists():
            values = overlaid(values, yaml.safe_load(path.read_text(encoding="utf-8")))
    return yaml.safe_dump(values).encode()


def dag_files(root: Path = ROOT) -> dict[str, bytes]:
    """The DAG tree by path, without any environment's file."""
    files = _tree(root / "dags")
    return {
        name: each
        for name, each in files.items()
        if name.removeprefix(_CONFIG) in OF_EVERY_ENVIRONMENT or not name.startswith(_CONFIG)
    }


def handler_files(root: Path = ROOT) -> dict[str, bytes]:
    """The code below `stepfunctions/` that functions run, by path."""
    files = _tree(root / "stepfunctions")
    return {name: each for name, each in files.items() if name == "__init__.py" or name.startswith("handlers/")}


def plugin_files(root: Path = ROOT) -> dict[str, bytes]:
    """Airflow's plugins by path, but those for a laptop."""
    files = _tree(root / "plugins")
    return {
        name: each
        for name, each in files.items()
        if name not in _OF_A_LAPTOP and (name.endswith(_OF_PLUGINS) or name == ".airflowignore")
    }


def _domain(root: Path) -> Mapping[str, bytes]:
    return {name: each for name, each in dag_files(root).items() if name.startswith("complaints/")}


def _tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder by path, in a fixed order, without compiled Python."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
