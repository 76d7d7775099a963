"""The Lambda functions: their archive, and how each is made or brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from deploy.artifacts import zipped
from stepfunctions.handlers.steps import STEPS_FUNCTION

ROOT = Path(__file__).parent.parent
_TIMEOUT_SECONDS = 900  # Lambda's own limit, and that of the tasks in Airflow
_RUNTIME = "python3.12"


def handlers_archive(root: Path = ROOT) -> bytes:
    """The code of all functions: the entry points, and the domain with its configuration.

    The same files give the same bytes.
    """
    domain = root / "dags" / "complaints"
    paths = sorted(path for path in domain.rglob("*") if path.suffix in (".py", ".yaml"))
    files = {f"complaints/{path.relative_to(domain).as_posix()}": path.read_bytes() for path in paths}
    entries = [root / "stepfunctions" / "__init__.py", *sorted((root / "stepfunctions" / "handlers").glob("*.py"))]
    files |= {path.relative_to(root).as_posix(): path.read_bytes() for path in entries}
    return zipped(files)


def put_steps_function(functions: Any, settings: PipelineSettings, code: bytes, layers: Sequence[str] = ()) -> None:
    """Creates or updates the function that the state machines invoke."""
    put_function(
        functions,
        STEPS_FUNCTION,
        code,
        Handler="stepfunctions.handlers.steps.run_step",
        Role=settings.aws.lambda_role_arn,
        Timeout=_TIMEOUT_SECONDS,
        MemorySize=512,
        Layers=list(layers),
    )


def put_function(functions: Any, name: str, code: bytes, **configuration: Any) -> None:
    """Creates the function, or gives it the code and the configuration of now."""
    try:
        functions.get_function(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        functions.create_function(FunctionName=name, Runtime=_RUNTIME, Code={"ZipFile": code}, **configuration)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return
    functions.update_function_code(FunctionName=name, ZipFile=code)
    # Lambda refuses a second change while the first is being made.
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Runtime=_RUNTIME, **configuration)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
