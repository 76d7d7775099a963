"""Airflow's settings in code, which it imports by this name: its processes import what their children need.

Each task, each parse of a DAG file and the triggerer's runner is a fork, and would import Amazon's operators and boto3
by itself, which takes 0.2 s of a processor. On MWAA each task is a new interpreter.
"""

import importlib
import os
from contextlib import suppress

__all__: list[str] = []

_NEEDED_BY_TASKS = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.operators.glue",
    "airflow.providers.amazon.aws.operators.sagemaker",
    "airflow.providers.amazon.aws.sensors.s3",
    "airflow.providers.amazon.aws.triggers.glue",
    "airflow.providers.amazon.aws.triggers.sagemaker",
    "airflow.providers.standard.operators.python",
    "boto3",
)


def _import_once() -> None:
    """Imports them in the process that is about to fork; from the second fork on it takes no time."""
    for name in _NEEDED_BY_TASKS:
        # Another version may have moved one: a task that needs it will say so.
        with suppress(ImportError):
            importlib.import_module(name)


os.register_at_fork(before=_import_once)
