"""Airflow's settings in code, which it imports by this name: its processes do once what each of their children needs.

Each task, each parse of a DAG file and the triggerer's runner is a fork. By itself it would import Amazon's operators
and boto3, which takes 0.2 s of a processor. Each hook of Amazon's would read AWS's API from botocore's files and look
up which file each module comes from: 0.4 s more in a task that starts a job. On MWAA each task is a new interpreter.
"""

import importlib
import inspect
import os
from contextlib import suppress
from functools import cache

__all__: list[str] = []

_NEEDED_BY_TASKS = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.operators.glue",
    "airflow.providers.amazon.aws.operators.sagemaker",
    "airflow.providers.amazon.aws.sensors.s3",
    "airflow.providers.amazon.aws.triggers.glue",
    "airflow.providers.amazon.aws.triggers.sagemaker",
    "airflow.providers.standard.decorators.branch_python",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.decorators.short_circuit",
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.operators.python",
    "boto3",
)
_ASKED_BY_TASKS = ("glue", "logs", "s3", "sagemaker")


@cache
def _get_ready() -> None:
    """Imports and reads in the process that is about to fork; from the second fork on it takes no time."""
    for name in _NEEDED_BY_TASKS:
        # Another version may have moved one: a task that needs it will say so.
        with suppress(ImportError):
            importlib.import_module(name)
    # Hooks look at the stack for the User-Agent; `inspect` remembers the files of modules.
    inspect.stack()
    with suppress(ImportError):
        _read_apis()


def _read_apis() -> None:
    """Lets botocore keep what it reads for the process, not for each session: each hook makes sessions of its own."""
    boto3, loaders = importlib.import_module("boto3"), importlib.import_module("botocore.loaders")
    read = cache(loaders.JSONFileLoader().load_file)
    loaders.JSONFileLoader.load_file = lambda _, path: read(path)
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    for service in _ASKED_BY_TASKS:
        session.client(service).close()


os.register_at_fork(before=_get_ready)
