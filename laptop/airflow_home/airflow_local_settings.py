"""Airflow's settings in code, which it imports by this name: its processes do once what each of their children needs.

Each task, each parse of a DAG file and the triggerer's runner is a fork. By itself it would import Amazon's operators,
boto3 and what the DAG files import, which takes 0.5 s of a processor. Each hook of Amazon's would read AWS's API from
botocore's files and look up which file each module comes from: 0.4 s more in a task that starts a job. On MWAA each
task is a new interpreter.

Two waits of Airflow that have no setting are shorter, too: for the end of a task's process, and, with
PTMLOPS_TRIGGERER_SECONDS in the environment, between two reports of the triggerer's runner.
"""

import importlib
import inspect
import os
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

__all__: list[str] = []

_NEEDED_BY_TASKS = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.assets.s3",
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
    "airflow.providers.standard.operators.trigger_dagrun",
    "boto3",
)
# Only processes with one of these start tasks, or read DAG files.
_PARENTS = (
    "airflow.executors.local_executor",
    "airflow.dag_processing.manager",
    "airflow.jobs.triggerer_job_runner",
)
_ASKED_BY_TASKS = ("glue", "logs", "s3", "sagemaker")
_TRIGGERER_SECONDS = "PTMLOPS_TRIGGERER_SECONDS"
_ENDING_SECONDS, _COMMIT_SECONDS = 0.02, 0.3
# Each module file of the DAGs' packages, with its time, when they were imported.
_imported: dict[Path, int] = {}


def _before_fork() -> None:
    if not any(name in sys.modules for name in _PARENTS):
        return
    _get_ready()
    _import_packages_of_dags()
    _shorten_pause_of_triggerer()
    _await_commit()


@cache
def _get_ready() -> None:
    """Imports and reads in the process that is about to fork; from the second fork on it takes no time."""
    for name in _NEEDED_BY_TASKS:
        # Another version may have moved one, or refuse it by an error of its own: a task that needs it will say so.
        with suppress(Exception):
            importlib.import_module(name)
    # Hooks look at the stack for the User-Agent; `inspect` remembers the files of modules.
    inspect.stack()
    with suppress(ImportError):
        _read_apis()
    with suppress(ImportError, AttributeError):
        _notice_ends_of_tasks()


def _read_apis() -> None:
    """Lets botocore keep what it reads for the process, not for each session: each hook makes sessions of its own."""
    boto3, loaders = importlib.import_module("boto3"), importlib.import_module("botocore.loaders")
    read = cache(loaders.JSONFileLoader().load_file)
    loaders.JSONFileLoader.load_file = lambda _, path: read(path)
    # Each client looks through the folders of all services, twice.
    found = loaders.Loader.list_available_services
    services = cache(lambda paths, kind: found(loaders.Loader(paths, include_default_search_paths=False), kind))
    loaders.Loader.list_available_services = lambda self, type_name: services(tuple(self.search_paths), type_name)
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    for service in _ASKED_BY_TASKS:
        session.client(service).close()


def _notice_ends_of_tasks() -> None:
    """Lets a supervisor see the end of its task's process at once, and not only after `min_heartbeat_interval`.

    A process closes its sockets shortly before it ends. Then nothing is left that would wake its supervisor. Until the
    supervisor has noticed, a deferred task occupies a worker, and the scheduler takes its resumption for a failure.
    """
    supervised = importlib.import_module("airflow.sdk.execution_time.supervisor").ActivitySubprocess
    service = supervised._service_subprocess

    def serve(self: Any, max_wait_time: float, **options: Any) -> Any:
        return service(self, max_wait_time if self._open_sockets else min(max_wait_time, _ENDING_SECONDS), **options)

    supervised._service_subprocess = serve


def _import_packages_of_dags() -> None:
    """Imports the packages beside the DAG files, and again once a file of theirs has changed.

    The DAG files themselves are read by each child, as everywhere.
    """
    folder = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER", "")
    packages = (file.parent for file in Path(folder).glob("*/__init__.py")) if folder else ()
    files = {file: file.stat().st_mtime_ns for package in packages for file in package.rglob("*.py")}
    if files == _imported:
        return
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/") in _imported:
            del sys.modules[name]
    _imported.clear()
    _imported.update(files)
    importlib.invalidate_caches()
    before = [*sys.path]
    sys.path.append(folder)
    for file in sorted(each for each in files if each.stem != "__main__"):
        name = ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        # A child that needs it will say what is wrong with it.
        with suppress(Exception):
            importlib.import_module(name)
    sys.path[:] = before


def _shorten_pause_of_triggerer() -> None:
    """Lets the triggerer's runner report events and take new triggers more often than once a second."""
    runner: Any = sys.modules.get("airflow.jobs.triggerer_job_runner")
    anyio = getattr(runner, "anyio", None)
    if anyio is None or _TRIGGERER_SECONDS not in os.environ or isinstance(anyio, SimpleNamespace):
        return
    seconds = float(os.environ[_TRIGGERER_SECONDS])
    runner.anyio = SimpleNamespace(**{**vars(anyio), "move_on_after": lambda _: anyio.move_on_after(seconds)})


def _await_commit() -> None:
    """Lets the scheduler of Airflow 3.0 write that a task is queued, which it does after its worker has got the task.

    Before that, the API refuses to start the task, and the scheduler takes it for one that was killed.
    """
    executor = getattr(sys.modules.get("airflow.executors.local_executor"), "LocalExecutor", None)
    if executor is not None and "queue_workload" in vars(executor):
        time.sleep(_COMMIT_SECONDS)


os.register_at_fork(before=_before_fork)
