"""The Lambda functions: their archive, and how each is created or updated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from deploy.artifacts import zipped
from deploy.errors import RoleError
from stepfunctions.handlers.steps import STEPS_FUNCTION

ROOT = Path(__file__).parent.parent
_TIMEOUT_SECONDS = 900  # Lambda's limit, and the execution_timeout of Python tasks in Airflow
_RUNTIME = "python3.12"
# A new IAM role takes some seconds until Lambda can assume it.
_ROLE_SECONDS = 60.0
_ROLE_PAUSE_SECONDS = 2.0


def handlers_archive(root: Path = ROOT) -> bytes:
    """The code of all functions as a zip: the handlers, and the domain with its configuration.

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


def put_function(
    functions: Any, name: str, code: bytes, role_seconds: float = _ROLE_SECONDS, **configuration: Any
) -> None:
    """Creates the function, or updates its code and its configuration.

    Raises:
        RoleError: Lambda cannot assume the function's role after `role_seconds`.
    """
    try:
        functions.get_function(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        _create(functions, name, role_seconds, Runtime=_RUNTIME, Code={"ZipFile": code}, **configuration)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return
    functions.update_function_code(FunctionName=name, ZipFile=code)
    # Lambda refuses a second update while the first is in progress.
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Runtime=_RUNTIME, **configuration)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)


def _create(functions: Any, name: str, role_seconds: float, **request: Any) -> None:
    """CreateFunction, again and again while Lambda cannot yet assume the role."""
    deadline = time.monotonic() + role_seconds
    while True:
        try:
            functions.create_function(FunctionName=name, **request)
        except functions.exceptions.InvalidParameterValueException as error:
            if "cannot be assumed by Lambda" not in str(error):
                raise
            if time.monotonic() >= deadline:
                raise RoleError(
                    f"Lambda could not assume {request['Role']} for {role_seconds:g} s; create the role, and let "
                    "lambda.amazonaws.com assume it in its trust policy"
                ) from error
            time.sleep(_ROLE_PAUSE_SECONDS)
        else:
            return
