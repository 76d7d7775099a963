"""The build of the inference code, as the container's `pip install .` runs it where no package index can be reached."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

CODE = Path(__file__).parents[2] / "include" / "inference"


def test_pip_installs_every_module_without_a_package_index(tmp_path: Path) -> None:
    shutil.copytree(CODE, tmp_path / "code", ignore=shutil.ignore_patterns("__pycache__"))
    # As the container writes it; pip must not run it, since it needs setuptools.
    (tmp_path / "code" / "setup.py").write_text("raise RuntimeError('setup.py was run')")
    pip = [sys.executable, "-m", "pip", "install", "--target", str(tmp_path / "site"), "."]
    isolated = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path)}
    subprocess.run(pip, cwd=tmp_path / "code", env=isolated, check=True, capture_output=True)
    installed = {path.name for path in (tmp_path / "site").glob("*.py")}
    assert installed == {path.name for path in CODE.glob("*.py")} - {"wheel_of_modules.py"}
    (found,) = importlib.metadata.distributions(path=[str(tmp_path / "site")])
    assert found.name == "complaints-inference"
