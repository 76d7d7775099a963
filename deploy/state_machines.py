"""The serverless side: the Lambda function of the Python tasks, and the compiled state machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from deploy.artifacts import zipped
from stepfunctions.handlers.steps import STEPS_FUNCTION

ROOT = Path(__file__).parent.parent
_TIMEOUT_SECONDS = 900  # Lambda's own limit, and that of the tasks in Airflow


def steps_archive(root: Path = ROOT) -> bytes:
    """The Lambda's code: the handlers, and the domain with its configuration; the same files give the same bytes."""
    domain = root / "dags" / "complaints"
    paths = sorted(path for path in domain.rglob("*") if path.suffix in (".py", ".yaml"))
    files = {f"complaints/{path.relative_to(domain).as_posix()}": path.read_bytes() for path in paths}
    entries = [root / "stepfunctions" / "__init__.py", *sorted((root / "stepfunctions" / "handlers").glob("*.py"))]
    files |= {path.relative_to(root).as_posix(): path.read_bytes() for path in entries}
    return zipped(files)


def put_steps_function(client: Any, settings: PipelineSettings) -> None:
    """Creates the Lambda function, or gives it the code of now."""
    code = steps_archive()
    try:
        client.get_function(FunctionName=STEPS_FUNCTION)
    except client.exceptions.ResourceNotFoundException:
        client.create_function(
            FunctionName=STEPS_FUNCTION,
            Runtime="python3.12",
            Role=settings.aws.lambda_role_arn,
            Handler="stepfunctions.handlers.steps.run_step",
            Code={"ZipFile": code},
            Timeout=_TIMEOUT_SECONDS,
            MemorySize=512,
        )
    else:
        client.update_function_code(FunctionName=STEPS_FUNCTION, ZipFile=code)


def put_state_machines(client: Any, settings: PipelineSettings, root: Path = ROOT) -> dict[str, str]:
    """Creates or updates one state machine a compiled flow; returns their ARNs by the flow's name."""
    pages = client.get_paginator("list_state_machines").paginate()
    known = {each["name"]: each["stateMachineArn"] for page in pages for each in page["stateMachines"]}
    for path in sorted((root / "stepfunctions").glob("*.asl.json")):
        name, definition = path.name.removesuffix(".asl.json"), path.read_text(encoding="utf-8")
        if name in known:
            client.update_state_machine(stateMachineArn=known[name], definition=definition)
            continue
        role = settings.aws.states_role_arn
        created = client.create_state_machine(name=name, definition=definition, roleArn=role, type="STANDARD")
        known[name] = created["stateMachineArn"]
    return known
