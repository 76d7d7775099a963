"""What it takes to run the flows on a local AWS in this process, and to wait for seconds only."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from localaws import LocalAWS

ROOT = Path(__file__).parents[2]
# Nobody edits a DAG while a test runs: Airflow would parse them all anew every half minute.
DAGS_STAY = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "86400"}


class LocalClients:
    """A LocalAWS of this process, asked as `laptop.servers.aws.Aws` is."""

    def __init__(self, aws: LocalAWS) -> None:
        self.endpoint = aws.endpoint
        self.client = aws.client
        self.server = SimpleNamespace(check=lambda: None)

    def clients(self) -> dict[str, Any]:
        """A client of each service that deploy asks."""
        return {name: self.client(name) for name in ("cloudformation", "s3", "lambda", "events")}


def impatient(folder: Path, patience: Mapping[str, int]) -> Path:
    """The DAGs, the compiler's output and the handlers in `folder`, with other numbers in the configuration."""
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "stepfunctions", folder / "stepfunctions", ignore=shutil.ignore_patterns("__pycache__"))
    config = folder / "dags" / "complaints" / "config" / "pipeline_config.yaml"
    text = config.read_text()
    for key, value in patience.items():
        text, count = re.subn(rf"^(  {key}): \d+", rf"\1: {value}", text, flags=re.MULTILINE)
        assert count == 1, f"{key} is not in {config.name}"
    config.write_text(text)
    subprocess.run(
        [
            *(str(ROOT / ".venvs" / "airflow" / "bin" / "python"), "-W", "ignore", "-m", "stepfunctions"),
            *("--dags", str(folder / "dags"), "--output", str(folder / "stepfunctions")),
        ],
        cwd=ROOT,
        env={"PYTHONPATH": f"{folder / 'dags'}:{ROOT}", "HOME": str(folder), "AIRFLOW_HOME": str(folder / "home")},
        check=True,
        capture_output=True,
    )
    return folder
