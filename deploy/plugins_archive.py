"""The archive plugins.zip for MWAA: Airflow's plugins, and the code that the pages of the UI need.

MWAA gives the API server the plugins, and no DAGs. So the package `complaints` is packed beside the pages, with the
settings of the environment; tasks never import this copy.
"""

from __future__ import annotations

from pathlib import Path

from complaints.settings.loading import ENVIRONMENT, OF_EVERY_ENVIRONMENT
from deploy.artifacts import zipped

ROOT = Path(__file__).parents[1]
PAGES = "complaints_ui"
# For SQLite, which only a laptop has.
_OF_A_LAPTOP = ("sqlite_writes.py",)
_CODE = (".py", ".yaml", ".json", ".css", ".js")


def plugins_archive(environment: bytes | None = None) -> bytes:
    """The bytes of plugins.zip: the same files give the same bytes.

    `environment` is the `environment.yaml` of a release, in the place of the files of all environments; without it, the
    pages read the bucket of local AWS.
    """
    plugins, domain = ROOT / "plugins", ROOT / "dags" / "complaints"
    files = {name: content for name, content in _files(plugins).items() if name not in _OF_A_LAPTOP}
    packed = f"{PAGES}/domain/complaints/"
    code = _files(domain)
    if environment is not None:
        others = {name for name in code if name.startswith("config/")} - {
            f"config/{each}" for each in OF_EVERY_ENVIRONMENT
        }
        code = {name: content for name, content in code.items() if name not in others}
        code[f"config/{ENVIRONMENT}"] = environment
    return zipped({**files, **{f"{packed}{name}": content for name, content in code.items()}})


def _files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _CODE or path.name == ".airflowignore")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if "__pycache__" not in path.parts}
