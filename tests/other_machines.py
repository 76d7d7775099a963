"""The tree that a pipeline is deployed from, with a state machine of a test in the place of one of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def with_machine(folder: Path, flow: str, state: dict[str, Any]) -> Path:
    """A copy in `folder` in which the machine of `flow` has this state only."""
    for room in ("dags/complaints", "stepfunctions"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    definition = json.dumps({"StartAt": "only", "States": {"only": state}})
    (folder / "stepfunctions" / f"{flow}.asl.json").write_text(definition, encoding="utf-8")
    return folder
