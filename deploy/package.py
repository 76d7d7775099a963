"""`python -m deploy.package ENVIRONMENT`: a release as files, all that a deployment puts into an account.

It is one folder, with the hash of each file:

    build/package/<release>/
      manifest.json     the release, its environment, and the SHA-256 and size of each file
      dags/             the tree for MWAA, without an active environment
      artifacts/        the job code by release of the jobs: scripts and archives
      lambda/           the functions' code, without an active environment, and the layer
      plugins.zip       Airflow's plugins with the code of their pages, without an active environment
      stepfunctions/    the state machines and the event patterns, compiled for the environment, for no account
      infra/            the CloudFormation templates
      runbooks/         the pages that messages about failed runs link
      sbom.json         the packages, in CycloneDX

The name of a release is the hash of what it is made from, so the same commit has the same name on every machine; the
same machine makes the same bytes twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from complaints.settings import SettingsError
from complaints.settings.loading import ENVIRONMENT, LOCAL
from deploy.artifacts import artifacts, job_files, release_name
from deploy.code_archives import dag_files, functions_archive, handler_files, plugin_files, plugins_archive
from deploy.environments import Environment, load_environment
from deploy.errors import DeployError, PackageError
from deploy.layer import layer_archive
from deploy.sbom import sbom

ROOT = Path(__file__).parent.parent
MANIFEST = "manifest.json"
HANDLERS, LAYER, PLUGINS = "lambda/handlers.zip", "lambda/layer.zip", "plugins.zip"
_COMPILER = ROOT / ".venvs" / "airflow" / "bin" / "python"


@dataclass(frozen=True)
class Package:
    """A release: its name, that of its job code, and its files by their path."""

    release: str
    jobs: str
    environment: str
    files: Mapping[str, bytes]

    def manifest(self) -> bytes:
        """`manifest.json`."""
        files = {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(self.files.items())
        }
        document = {"release": self.release, "environment": self.environment, "jobs": self.jobs, "files": files}
        return (json.dumps(document, indent=2) + "\n").encode()

    def write(self, folder: Path) -> Path:
        """Writes the release to `folder/<release>/`, complete once it has its manifest; returns that folder."""
        target = folder / self.release
        shutil.rmtree(target, ignore_errors=True)
        for name, content in {**self.files, MANIFEST: self.manifest()}.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return target


def package(
    environment: Environment,
    root: Path = ROOT,
    *,
    compiler: Path = _COMPILER,
    layer: Callable[[], bytes] = layer_archive,
) -> Package:
    """The release of the tree in `root` for an environment.

    `compiler`: a Python with Airflow, which compiles the DAGs to state machines.

    Raises:
        PackageError: the DAGs cannot be compiled.
        LayerError: a package of the layer cannot be downloaded.
        SettingsError: the environment's file has a key or a value that is not allowed.
    """
    environment.settings(config=root / "dags" / "complaints" / "config")
    dags, include = dag_files(root), job_files(root / "include")
    machines = _compiled(environment, root, compiler)
    sources = {
        **_below("dags", dags),
        **_below("include", include),
        **_below("stepfunctions", {**handler_files(root), **machines}),
        **_below("plugins", plugin_files(root)),
        **_below("infra", _texts(root / "infra", "*.yaml")),
        **_below("runbooks", _texts(root / "docs" / "flows", "*.md")),
        "environment.json": json.dumps(environment.values, sort_keys=True).encode(),
        **_below("locks", {path.name: path.read_bytes() for path in _locks(root)}),
    }
    release = release_name(sources)
    files = {
        **{name: each for name, each in sources.items() if name.split("/")[0] in ("dags", "infra", "runbooks")},
        **_below("stepfunctions", machines),
        **_below(f"artifacts/{release_name(include)}", artifacts(include)),
        HANDLERS: functions_archive(root),
        PLUGINS: plugins_archive(root),
        LAYER: layer(),
        "environment.json": sources["environment.json"],
        "sbom.json": sbom({path.stem: path.read_text(encoding="utf-8") for path in _locks(root)}, release),
    }
    return Package(release, release_name(include), environment.name, files)


def _below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def _texts(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def _locks(root: Path) -> list[Path]:
    return sorted((root / "locks").glob("*.txt"))


def _compiled(environment: Environment, root: Path, compiler: Path) -> dict[str, bytes]:
    """The state machines and event patterns for the values of the environment, by file name."""
    with tempfile.TemporaryDirectory() as folder:
        dags, output = Path(folder) / "dags", Path(folder) / "compiled"
        shutil.copytree(root / "dags", dags, ignore=shutil.ignore_patterns("__pycache__", ENVIRONMENT, LOCAL))
        # What is left open in the machines needs some value in the meantime.
        (dags / "complaints" / "config" / ENVIRONMENT).write_bytes(environment.active_file(environment.stand_ins()))
        command = [str(compiler), "-W", "ignore", "-m", "stepfunctions", "--dags", str(dags), "--output", str(output)]
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": f"{dags}:{root}", "AIRFLOW_HOME": f"{folder}/airflow"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PackageError(f"the DAGs cannot be compiled: {done.stderr.strip()[-2000:]}")
        return _texts(output, "*.json")


def main() -> int:
    """Builds the release of the environment that the first argument names, and prints where it is."""
    try:
        built = package(load_environment(sys.argv[1] if len(sys.argv) > 1 else ""))
    except (DeployError, SettingsError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    folder = built.write(ROOT / "build" / "package")
    size = sum(map(len, built.files.values())) / 1e6
    print(f"release {built.release} for {built.environment}: {len(built.files)} files, {size:.1f} MB in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
