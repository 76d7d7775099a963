"""What runs the flows without Airflow: uploads the functions' code and the state machines, and deploys their stack.

Both lie below `artifacts/pipeline/`, named by the hash of their content, so the stack changes when they do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from deploy.code_archives import active_environment, functions_archive, with_environment
from deploy.compiled_files import check_compiled_files
from deploy.errors import QuotaError
from deploy.infrastructure import of_settings

ROOT = Path(__file__).parent.parent
UPLOADS = "artifacts/pipeline"
FLOWS = {
    "complaints_backfill": "BackfillArn",
    "complaints_classification": "ClassificationArn",
    "complaints_ingestion": "IngestionArn",
    "complaints_monitoring": "MonitoringArn",
    "complaints_promotion": "PromotionArn",
    "complaints_training": "TrainingArn",
}


def deploy_pipeline(
    settings: PipelineSettings,
    clients: Mapping[str, Any],
    *,
    root: Path = ROOT,
    starts: bool = True,
) -> dict[str, str]:
    """Deploys machines, functions and rules; returns the ARNs of the state machines by DAG id.

    `starts`: whether files that arrive and manifests that are published start executions; where Airflow runs the flows,
    they must not. There is no layer: local AWS's functions find their packages where they run.

    Raises:
        StaleFilesError: the compiled state machines do not match the settings; nothing is deployed.
        StackError: the stack was refused or rolled back, or those before it are not there.
        QuotaError: the account has no Lambda concurrency left to reserve; all else is deployed.
    """
    check_compiled_files(settings, root)
    s3, bucket = clients["s3"], settings.storage.bucket
    stacks = of_settings(clients["cloudformation"], settings)
    functions = with_environment(functions_archive(root), active_environment(root))
    machines = {path.name: path.read_bytes() for path in sorted((root / "stepfunctions").glob("*.asl.json"))}
    made = stacks.pipeline(
        FunctionsKey=_upload(s3, bucket, {"handlers.zip": functions}) + "handlers.zip",
        LayerKey="",
        MachinesPrefix=_upload(s3, bucket, machines),
        IngestionState=ingestion_state(clients["events"], stacks.prefix),
        StartsState="ENABLED" if starts else "DISABLED",
    )
    reserve_concurrency(clients["lambda"], made["StarterName"])
    return {flow: made[output] for flow, output in FLOWS.items()}


def _upload(s3: Any, bucket: str, files: Mapping[str, bytes]) -> str:
    """Uploads the files to a prefix named by their content; returns it, with a slash at the end."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    prefix = f"{UPLOADS}/{digest.hexdigest()[:12]}/"
    for name, content in files.items():
        s3.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=content)
    return prefix


def ingestion_state(events: Any, prefix: str) -> str:
    """The state that the daily rule has; DISABLED if there is none. Who switched the ingestion on finds it on."""
    try:
        found: str = events.describe_rule(Name=f"{prefix}-ingestion")["State"]
    except events.exceptions.ResourceNotFoundException:
        return "DISABLED"
    return found


def reserve_concurrency(functions: Any, starter: str) -> None:
    """Lets one starter run at a time: two at once would both count the running executions before either starts one.

    Not in the template, since an account may refuse it, and all else works without it: 100 of its concurrent executions
    (10 in a new account) must stay unreserved.
    """
    try:
        functions.put_function_concurrency(FunctionName=starter, ReservedConcurrentExecutions=1)
    except functions.exceptions.InvalidParameterValueException as error:
        raise QuotaError(
            f"Lambda cannot reserve one concurrent execution for {starter}: in Service Quotas, request at "
            "least 101 for AWS Lambda's 'Concurrent executions', and deploy again once it is granted"
        ) from error
