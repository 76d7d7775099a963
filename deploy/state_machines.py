"""The Step Functions state machines: one per compiled DAG, created or updated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from stepfunctions.substitutions import filled, substitutions

ROOT = Path(__file__).parent.parent


def put_state_machines(client: Any, settings: PipelineSettings, root: Path = ROOT) -> dict[str, str]:
    """Creates or updates a state machine for each `*.asl.json`; returns the ARNs by DAG id.

    The roles, the image and the jobs in the definitions come from the settings.
    """
    role, values = settings.aws.states_role_arn, substitutions(settings)
    pages = client.get_paginator("list_state_machines").paginate()
    known = {each["name"]: each["stateMachineArn"] for page in pages for each in page["stateMachines"]}
    for path in sorted((root / "stepfunctions").glob("*.asl.json")):
        name, definition = path.name.removesuffix(".asl.json"), filled(path.read_text(encoding="utf-8"), values)
        if name in known:
            client.update_state_machine(stateMachineArn=known[name], definition=definition, roleArn=role)
            continue
        created = client.create_state_machine(name=name, definition=definition, roleArn=role, type="STANDARD")
        known[name] = created["stateMachineArn"]
    return known
